package flow

import (
	"context"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/transfer"
)

// BeNew makes this device the new phone. into is the folder that it is; it is made if
// it is missing.
func (f *Flow) BeNew(into string) {
	f.begin(NewPhone, into, func(r *role) {
		for r.ctx.Err() == nil {
			r.stopped(r.receive(into))
			if a, ok := r.next(); !ok || a != afterAgain {
				return
			}
		}
	})
}

// receive is one run of the engine.
func (r *role) receive(into string) error {
	ctx, end := r.step()
	defer end()
	home, err := r.f.home()
	if err != nil {
		return err
	}
	phone, err := r.f.opt.OpenFolder(into, true)
	if err != nil {
		return err
	}
	defer phone.Close()
	return r.f.opt.Receive(ctx, session.ReceiveOptions{
		Home: home, Phone: phone, Place: session.PlaceOf(into), Name: r.name, Loopback: r.f.opt.Loopback, Limit: r.f.opt.Limit,
		Pauser: &r.pauser, Accept: r.accept, Events: r.event,
	})
}

// accept asks the person about an offer, for as long as the other device waits.
func (r *role) accept(ctx context.Context, o transfer.Offer) (transfer.Decision, error) {
	answer := make(chan transfer.Decision, 1)
	r.f.mu.Lock()
	r.answer = answer
	r.changeLocked(func(s state) state { return s.offered(o) })
	r.f.mu.Unlock()
	select {
	case d := <-answer:
		return d, nil
	case <-ctx.Done():
		r.f.mu.Lock()
		r.answer = nil
		r.f.mu.Unlock()
		return transfer.Decision{}, context.Cause(ctx)
	}
}
