package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/receipt"
)

// A verification is a second session over the same link, which the first one
// announced. It needs no code and no yes of its own, and is told as one move
// with the first.

// move is a session with the verification that follows it.
type move struct{ done Done }

// add takes a session's end in and saves its receipt.
func (m *move) add(ctx context.Context, events Events, home string, rep *transfer.Report, err error, verify bool) error {
	if verify {
		m.done.Verified = rep
	} else {
		m.done.Report = rep
	}
	if rep.Receipt != nil {
		path, serr := keepReceipt(ctx, events, home, rep.Receipt)
		if serr != nil && err == nil {
			err = &HomeError{fmt.Errorf("save the receipt: %w", serr)}
		}
		m.done.ReceiptPath = path
	}
	return err
}

// end tells how everything ended.
func (m *move) end(events Events, err error) error {
	m.done.Err = err
	events.tell(m.done)
	return err
}

// tellBegin tells that items begin to move, or to be verified.
func tellBegin(events Events, verify bool, peer receipt.Side, meter *transfer.Meter) {
	if verify {
		events.tell(Verifying{meter})
	} else {
		events.tell(Accepted{Peer: peer, Meter: meter})
	}
}

// sequel is the verification that a new phone expects after a move.
type sequel struct {
	peer     identity.DeviceID
	offer    transfer.Offer    // the move's
	decision transfer.Decision // the one about it
	ended    chan struct{}     // closed when the move has ended
}

// covers reports whether what the person said to the move holds for o too: it
// offers no more.
func (s *sequel) covers(o transfer.Offer) bool {
	if !o.Verify || len(o.Kinds) != len(s.offer.Kinds) {
		return false
	}
	for i, k := range o.Kinds {
		if was := s.offer.Kinds[i]; k.Kind != was.Kind || k.Items > was.Items || k.Bytes > was.Bytes {
			return false
		}
	}
	return true
}

var errNoSequel = errors.New("the verification that was announced did not begin")

// awaits makes the verification by the device of the running move welcome once
// that has ended; nil = there is none.
func (r *receiving) awaits(s *sequel) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sequel = s
}

// isSequel reports whether peer begins the verification that is awaited; it
// waits for the move before that to end.
func (r *receiving) isSequel(ctx context.Context, peer identity.DeviceID) bool {
	r.mu.Lock()
	s := r.sequel
	r.mu.Unlock()
	if s == nil || s.peer != peer {
		return false
	}
	select {
	case <-s.ended:
	case <-ctx.Done():
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sequel != s {
		return false
	}
	r.sequel = nil
	return true
}

// verification waits for the session that follows a move, and runs it.
func (r *receiving) verification(ctx context.Context, m *move, s *sequel) error {
	late := time.NewTimer(pairedFor)
	defer late.Stop()
	defer r.awaits(nil)
	close(s.ended)
	select {
	case stream := <-r.moves:
		_, err := r.one(ctx, stream, m, s)
		return err
	case <-late.C:
		return errors.Join(transfer.ErrLinkLost, errNoSequel)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
