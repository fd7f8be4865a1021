package session

import (
	"errors"
	"fmt"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/receipt"
)

// ErrReplaced means that another move began in place of one whose link was lost.
var ErrReplaced = errors.New("another move has begun in its place")

// ErrGone means that the new phone does not know the session any more, so that
// nothing can go on.
var ErrGone = errors.New("the new phone does not know the move any more")

// ErrDisplaced is an ErrGone whose cause the new phone tells: another move began
// there in place of this one.
var ErrDisplaced = fmt.Errorf("%w: another one has begun in its place", ErrGone)

// WaitCause says why the other device is waited for.
type WaitCause uint8

const (
	// LinkLost is a link that broke before everything was done.
	LinkLost WaitCause = 1
)

// String returns the word that JSON uses.
func (c WaitCause) String() string {
	if c == LinkLost {
		return "lost"
	}
	return "unknown"
}

// Waiting says that the link to the other device is lost, and that the move goes
// on when it is back. The old phone looks for the new one meanwhile.
type Waiting struct {
	// Peer is the other device. Its name is empty where it is not known yet.
	Peer receipt.Side
	// Since is when the loss was noticed, Until when the wait ends. Time in which
	// this program is stopped does not count, so it may become later.
	Since, Until time.Time
	Why          WaitCause
	// Agreed tells that the move goes on without another question, as in Back. A
	// question that was asked is withdrawn.
	Agreed bool
}

// Back says that the other device is back after Waiting. Items are told anew from
// here on: each part of a session is accounted for by itself.
type Back struct {
	Peer receipt.Side
	// Agreed tells that the move goes on without another question.
	Agreed bool
}

func (Waiting) event() {}
func (Back) event()    {}

// sum is what the parts of a session come to.
type sum struct {
	parts                int
	sentItems, sentBytes uint64
	brought              []transfer.Brought // what the receiver knows of it
	last                 []receipt.Kind     // the account of the part that came furthest
}

// add takes the next part in and makes its report one of the whole session.
//
// The account of a part, and so the receipt, has what earlier parts brought among
// the skipped; the report has it where it belongs. The sender has the receiver's
// word for it, and believes no more than it sent.
func (s *sum) add(r *transfer.Report) {
	before := r.Before
	if r.Receipt == nil {
		before = s.brought
	}
	// Of each lane that breaks the other side may have one item more.
	most := s.sentItems + uint64(s.parts)*transfer.MaxLanes
	for _, b := range before {
		for i := range r.Kinds {
			if k := &r.Kinds[i]; k.Kind == b.Kind {
				added := min(b.Added, k.Skipped, most)
				merged := min(b.Merged, k.Skipped-added, most-added)
				most -= added + merged
				k.Added, k.Merged, k.Skipped = k.Added+added, k.Merged+merged, k.Skipped-added-merged
			}
		}
	}
	s.parts++
	s.sentItems, s.sentBytes = s.sentItems+r.SentItems, s.sentBytes+r.SentBytes
	r.SentItems, r.SentBytes = s.sentItems, s.sentBytes
	s.bring(r.Brought)
	if r.Receipt == nil && items(r.Kinds) < items(s.last) {
		r.Kinds = append([]receipt.Kind(nil), s.last...)
	}
	s.last = append([]receipt.Kind(nil), r.Kinds...)
}

func (s *sum) bring(part []transfer.Brought) {
	for _, b := range part {
		at := -1
		for i := range s.brought {
			if s.brought[i].Kind == b.Kind {
				at = i
			}
		}
		if at < 0 {
			s.brought = append(s.brought, transfer.Brought{Kind: b.Kind})
			at = len(s.brought) - 1
		}
		s.brought[at].Added += b.Added
		s.brought[at].Merged += b.Merged
	}
}

func items(kinds []receipt.Kind) (n uint64) {
	for _, k := range kinds {
		n += k.Items
	}
	return n
}

// isLost reports whether a part ended because its link did.
func isLost(err error) bool {
	var stop *transfer.StopError
	return errors.Is(err, transfer.ErrLinkLost) && !errors.As(err, &stop)
}

// kindsOf lists an offer's kinds.
func kindsOf(o transfer.Offer) (out []backup.Kind) {
	for _, k := range o.Kinds {
		out = append(out, k.Kind)
	}
	return out
}

// useful reports whether a part was of use, so that its session deserves a new
// life: something moved, or the link held for a while.
func useful(before, after transfer.Progress, took time.Duration) bool {
	return after.DoneItems > before.DoneItems || after.SentBytes > before.SentBytes || took >= time.Minute
}
