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

// A verification is a second session, which the first one announced. It begins
// over the same link, or over another one if that is lost, needs no code and no
// yes of its own, and is told as one move with the first. Each of the two goes on
// when its link is lost:
//
//	move ──> whole ──> verification ──> ended
//	            └──> waiting, and so on: as if a link was lost

// move is what a person began: a session and the verification that follows it.
type move struct {
	done     Done
	verifies bool // a verification was announced
}

// UnverifiedError means that everything was moved and signed for, and that the
// verification which was to follow was not finished.
type UnverifiedError struct{ Err error }

// Error implements error.
func (e *UnverifiedError) Error() string { return "not verified: " + e.Err.Error() }

// Unwrap gives the cause to errors.Is and errors.As.
func (e *UnverifiedError) Unwrap() error { return e.Err }

// add takes the end of a session, or of a part of it, and saves its receipt.
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
	if err != nil && m.verifies && m.done.Complete() && !errors.As(err, new(*HomeError)) {
		err = &UnverifiedError{err}
	}
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

// covers reports whether what the person said to the move that was offered holds
// for a verification too: it offers no more.
func covers(was, o transfer.Offer) bool {
	if !o.Verify || len(o.Kinds) != len(was.Kinds) {
		return false
	}
	for i, k := range o.Kinds {
		if w := was.Kinds[i]; k.Kind != w.Kind || k.Items > w.Items || k.Bytes > w.Bytes {
			return false
		}
	}
	return true
}

var errNotVerified = errors.New("the verification that was announced did not begin")

// announce notes whether a verification follows the session that is held.
func (r *receiving) announce(h *held, follows bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	h.follows, h.move.verifies = follows, follows
}

// verifies reports whether peer may ask to begin the verification of its move. Its
// move may be about to end here.
func (r *receiving) verifies(peer identity.DeviceID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.held
	return h != nil && h.device == peer && h.follows
}

// begins makes the session that is held the verification of its move, which must
// be whole.
func (r *receiving) begins(peer identity.DeviceID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.held
	if h == nil || h.device != peer || !h.follows || !h.whole {
		return false
	}
	h.follows, h.verify = false, true
	h.id, h.sum, h.meter = transfer.SessionID{}, sum{}, new(transfer.Meter)
	return true
}

// verification waits for the verification of a move that is whole, and runs it.
// If it does not begin soon, it is waited for like a device whose link is lost.
func (r *receiving) verification(ctx context.Context, h *held) error {
	late := time.NewTimer(pairedFor)
	defer late.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case v := <-r.visits:
			if r.welcome(v) {
				return r.move(ctx, v)
			}
		case <-late.C:
			r.lose(h, errors.Join(transfer.ErrLinkLost, errNotVerified))
			return nil
		}
	}
}
