package flow

import (
	"context"
	"errors"
	"sync"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/mobile"
	"github.com/ferry-move/ferry/p2p/pairing"
	"github.com/ferry-move/ferry/transfer"
)

// role is this device as one of the two phones, until the person leaves. What is
// told of it after that changes nothing.
type role struct {
	f    *Flow
	name string // this device's
	// verify reads everything again after a move that is sent from here.
	verify bool
	ctx    context.Context
	end    context.CancelCauseFunc
	over   chan struct{} // closed when everything of it has ended

	pauser transfer.Pauser

	// What the person wants, the last of each; guarded by f.mu where they are
	// filled.
	targets   chan target
	passwords chan []byte
	codes     chan pairing.Password
	orders    chan order
	after     chan after

	cancel  context.CancelCauseFunc  // ends the step under way; guarded by f.mu
	running bool                     // a step is under way; guarded by f.mu
	stale   bool                     // the person went back from it: what it tells is no news; guarded by f.mu
	answer  chan<- transfer.Decision // where the answer to the offer goes, or nil; guarded by f.mu
	aside   context.CancelFunc       // ends what is asked besides, a preview or a name, or nil; guarded by f.mu
	picks   picks                    // what is to move; guarded by f.mu
	choice  *session.Choice          // while it is asked; guarded by f.mu
	phone   mobile.Device            // nil = not open; guarded by f.mu
	list    *list                    // of the kind that was opened last; guarded by f.mu
	closing bool                     // guarded by f.mu
	moved   tally                    // of the move under way; guarded by f.mu
	checked tally                    // of its verification; guarded by f.mu
	lists   sync.WaitGroup
}

// order is what is to be done with what was chosen.
type order uint8

const (
	orderPreview order = iota + 1
	orderMove
)

// after is what is to be done after a move.
type after uint8

const (
	afterAgain after = iota + 1
	afterFind
)

func newRole(f *Flow) *role {
	r := &role{
		f: f, name: f.opt.Name, verify: f.opt.Verify, over: make(chan struct{}), targets: make(chan target, 1), passwords: make(chan []byte, 1), codes: make(chan pairing.Password, 1),
		orders: make(chan order, 1), after: make(chan after, 1), picks: picks{},
	}
	r.ctx, r.end = context.WithCancelCause(context.Background())
	return r
}

// put leaves v in a channel with one place, instead of what was there. Callers hold
// one lock.
func put[T any](c chan T, v T) {
	drain(c)
	c <- v
}

func drain[T any](c chan T) {
	select {
	case <-c:
	default:
	}
}

// change makes the next state, unless the person has left.
func (r *role) change(next func(state) state) {
	r.f.mu.Lock()
	defer r.f.mu.Unlock()
	r.changeLocked(next)
}

func (r *role) changeLocked(next func(state) state) {
	if r.f.role == r && !r.stale {
		r.f.set(next(r.f.state))
	}
}

// step begins a step that Back and Cancel can end. The caller ends it.
func (r *role) step() (ctx context.Context, end func()) {
	r.f.mu.Lock()
	defer r.f.mu.Unlock()
	ctx, cancel := context.WithCancelCause(r.ctx)
	drain(r.after)
	r.cancel, r.running, r.stale = cancel, true, false
	return ctx, func() {
		cancel(nil)
		r.f.mu.Lock()
		defer r.f.mu.Unlock()
		r.cancel, r.running = nil, false
	}
}

// event folds one event. Calls do not overlap.
func (r *role) event(ev session.Event) {
	r.f.mu.Lock()
	defer r.f.mu.Unlock()
	if r.f.role != r || r.stale {
		return
	}
	t := &r.moved
	if r.f.state.Screen == Verifying {
		t = &r.checked
	}
	switch ev := ev.(type) {
	case session.Item: // nothing that is shown before the end
		t.ended(Named{ev.Kind, ev.Key, ev.Name}, ev.Reason)
		return
	case session.Differed:
		t.differs.add(Named{ev.Kind, ev.Key, ev.Name})
		return
	case session.Back: // they are told anew
		differs := t.differs
		*t = tally{differs: differs}
	case session.Accepted:
		r.moved, r.checked = tally{}, tally{}
		r.f.gauge = gauge{meter: ev.Meter}
	case session.Verifying:
		r.checked = tally{}
		r.f.gauge = gauge{meter: ev.Meter, moving: r.f.estimate.Moving()}
	case session.Done:
		if !errors.Is(ev.Err, session.ErrReplaced) { // one in its place is paused too
			r.pauser.Resume()
		}
		r.f.readMeter()
		r.f.learn(ev.Report)
		r.f.meter = nil
		r.f.set(r.f.state.ended(ev, &r.moved, &r.checked))
		return
	}
	r.f.set(r.f.state.event(ev))
}

// stopped takes in that the engine returned.
func (r *role) stopped(err error) {
	r.f.mu.Lock()
	defer r.f.mu.Unlock()
	if r.f.role != r || r.stale {
		return
	}
	r.f.meter = nil
	r.pauser.Resume()
	if len(r.after) == 0 { // the person did not go on already
		r.f.set(r.f.state.stopped(err))
	}
}

// next waits for what is to be done after a move; false = the person has left.
func (r *role) next() (after, bool) {
	select {
	case a := <-r.after:
		return a, true
	case <-r.ctx.Done():
		return 0, false
	}
}

// opened notes the phone, which close closes.
func (r *role) opened(p mobile.Device) {
	r.f.mu.Lock()
	defer r.f.mu.Unlock()
	r.phone = p
}

// close ends what is left of the role.
func (r *role) close() {
	r.end(nil)
	r.f.mu.Lock()
	r.closing = true
	p := r.phone
	r.phone = nil
	r.f.mu.Unlock()
	r.lists.Wait()
	if p != nil {
		p.Close() // it was read, or everything in it was made safe
	}
}
