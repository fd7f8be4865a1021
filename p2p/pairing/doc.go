// Package pairing makes two devices sure of each other by a secret that a
// person carries from one screen to the other: seven digits typed, or a QR
// code scanned.
//
// The new phone keeps a [Desk]. It shows the desk's current [Offer], a [Code]
// and a [Link], and answers with [Desk.Respond]. The old phone calls
// [Initiate] with what was typed or scanned. Both run over one stream of a
// link that already carries the two device IDs, and the [Binding] ties the
// result to those IDs and to that very TLS session: relayed to another one, not
// a single message fits.
//
// CPace (package cpace) turns the secret into a key, so each run tells a
// stranger whether one guess was right and nothing else. The desk counts wrong
// guesses whoever makes them: [TriesPerCode] for a code, [MaxWrongTries] in
// all.
//
// Its worst moment is fifty strangers guessing at once. Proofs are checked one
// after the other, a wrong one holds the next up for [TryCost], and each only against the code that
// is shown at that moment.
//
// The package sets no deadlines and no limit on streams that are open at the
// same time; whoever accepts the streams does.
package pairing
