// Package lanes decides how many lanes a transfer uses while it runs.
//
// One QUIC connection takes a lost packet for a full link and slows down, so on
// a link that loses packets by chance several share the losses. On any other
// link one is enough, and more are only unfair to whoever else uses it. The
// policy looks at what tells the two apart: packets that are lost although
// nothing waits in a queue mean that the lanes are the limit. That is how it
// starts, doubling every tenth of a second or so. From then on every change is
// a trial: more lanes stay only if they brought more, and fewer lanes stay
// wherever they bring the same; a trial that failed is repeated after twice the
// time. Where the queue is full, more lanes must bring nearly what they would
// on an empty link, which lanes that only take from others cannot.
//
// [Policy] is a function of what it is told: no clock, no goroutines, no
// chance. The same samples give the same decisions.
//
// Its worst moment is a figure that lies: goodput falls because a disk stands
// still, the device slept, someone else's transfer began, or new lanes have not
// found their speed. Nothing is concluded from time in which lanes starved, or
// changed, or from one window alone.
package lanes

import "time"

// Interval is how often a transfer gives a [Sample]. The policy takes others.
const Interval = 50 * time.Millisecond

// Why is the reason for a decision.
type Why uint8

const (
	Hold     Why = iota // nothing to change
	Start               // the first sample
	Lossy               // packets are lost though nothing queues: the lanes are the limit, not the link
	TryMore             // a trial of more lanes begins
	TryFewer            // a trial of fewer lanes begins
	Gained              // more lanes brought more, and stay
	NoGain              // more lanes brought too little, and go
	Spared              // fewer lanes brought the same: they are enough
	Missed              // fewer lanes brought less: back
	Collapse            // goodput fell and loss rose: half the lanes
	Refused             // lanes did not open, or ended by themselves
)

// String returns the word that progress events use.
func (w Why) String() string {
	return [...]string{"hold", "start", "lossy", "try-more", "try-fewer", "gained", "no-gain", "spared", "missed", "collapse", "refused", "?"}[min(w, Refused+1)]
}

// Sample is what a transfer knows of itself at a moment. Counters are sums over
// all lanes that ever were, the ended ones too.
type Sample struct {
	// At is the time since the transfer began.
	At time.Duration
	// Bytes is what was sent and, as far as is known, not lost.
	Bytes int64
	// Lanes is how many are open: not those that are being opened, nor those
	// that were told to end.
	Lanes int
	// RTT is the mean of the lanes' smoothed round trip times, MinRTT the least
	// that any of them has seen. 0 = not known.
	RTT, MinRTT time.Duration
	// Sent and Lost count packets.
	Sent, Lost uint64
	// Starved tells that lanes wait for blocks: a disk is the limit.
	Starved bool
}

// Decision is how many lanes there should be.
type Decision struct {
	Lanes int
	Why   Why
	// Goodput is in bytes per second, over the time that was decided upon. 0 =
	// not known.
	Goodput float64
}
