package flow

import (
	"time"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer/receipt"
)

// Result is how a move ended.
type Result struct {
	// Signed tells that both phones agree and signed.
	Signed bool
	// Complete tells that all that was offered is on the new phone.
	Complete bool
	// Verified tells that everything was read again on both phones.
	Verified bool
	Kinds    []KindResult
	// Items, Here and Bytes are sums over all kinds: what was offered, and what is
	// on the new phone.
	Items, Here, Bytes uint64
	Declined           []receipt.Declined
	NotMoved           []Group // by reason
	Renamed            Group
	Differed           Group // what a verification sent again
	SentItems          uint64
	SentBytes          uint64
	Elapsed            time.Duration
	// Receipt is the path of the receipt; empty = there is none.
	Receipt string
	// Err is why it broke off, or what failed after both had signed; nil = nothing.
	Err error

	Erase    Erase
	EraseWhy EraseWhy
	ByHand   uint64 // with EraseByHand
}

// KindResult is how the items of a kind ended.
type KindResult struct {
	Kind                          backup.Kind
	Items, Added, Merged, Skipped uint64
	// Failed are not on the new phone; Healed came with the verification; Unsure are
	// there and could not be verified.
	Failed, Healed, Unsure uint64
	Folders, Bytes         uint64
}

// known is what this phone knows of a move beside its account.
type known struct {
	role    Role
	leftOut uint64 // items that stay by choice; here only
	notRead bool   // a kind could not be read; here only
}

// resultOf makes the result of a move. moved and verified are what was told of
// items during the move and during its verification.
func resultOf(d session.Done, k known, moved, verified *tally) *Result {
	r := &Result{Receipt: d.ReceiptPath, Err: d.Err, Complete: d.Complete(), Renamed: moved.renamed.clone(), Differed: verified.differs.clone()}
	left := moved
	if d.Verified != nil && d.Verified.Receipt != nil {
		r.Verified, left = true, verified
	}
	if !r.Complete {
		r.NotMoved = left.groups()
	}
	if d.Report == nil {
		r.EraseWhy = NotSigned
		return r
	}
	rep := d.Report
	r.Signed, r.SentItems, r.SentBytes, r.Elapsed = rep.Receipt != nil, rep.SentItems, rep.SentBytes, rep.Elapsed
	var lost, unsureAll uint64
	for _, rk := range rep.Kinds {
		failed, healed, unsure := d.Of(rk)
		lost, unsureAll = lost+failed, unsureAll+unsure
		r.Items, r.Here, r.Bytes = r.Items+rk.Items, r.Here+rk.Items-failed, r.Bytes+rk.Bytes
		if rk.Items+rk.Folders > 0 && len(r.Kinds) < maxKinds {
			r.Kinds = append(r.Kinds, KindResult{
				Kind: rk.Kind, Items: rk.Items, Added: rk.Added, Merged: rk.Merged, Skipped: rk.Skipped,
				Failed: failed, Healed: healed, Unsure: unsure, Folders: rk.Folders, Bytes: rk.Bytes,
			})
		}
	}
	declined := false
	for _, c := range rep.Declined {
		r.Items += c.Items
		declined = declined || c.Items > 0
	}
	r.Declined, _ = atMost(append([]receipt.Declined(nil), rep.Declined...), maxKinds)
	r.judge(k, declined, lost, unsureAll)
	return r
}

// judge says whether the old phone may be erased.
func (r *Result) judge(k known, declined bool, lost, unsure uint64) {
	switch {
	case !r.Signed:
		r.EraseWhy = NotSigned
	case declined, k.leftOut > 0:
		r.EraseWhy = LeftOut
	case k.notRead:
		r.EraseWhy = NotRead
	case unsure > 0:
		r.EraseWhy = NotSame
	case lost > 0:
		r.Erase, r.ByHand = EraseByHand, lost
	case !r.Complete:
		r.EraseWhy = NotKnownMoved
	case k.role == NewPhone:
		r.Erase = EraseAskOld
	default:
		r.Erase = EraseYes
	}
}
