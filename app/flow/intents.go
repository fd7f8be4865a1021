package flow

import (
	"context"
	"errors"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/p2p"
	"github.com/ferry-move/ferry/transfer"
)

// intent runs do on the role under way, with mu held. An intent that does not fit the
// screen does nothing: the person tapped before it was drawn anew.
func (f *Flow) intent(do func(r *role, s state), on ...Screen) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.role == nil {
		return
	}
	for _, s := range on {
		if f.state.Screen == s {
			do(f.role, f.state)
			return
		}
	}
}

// Leave goes to the start, from everywhere. What is under way is cancelled.
func (f *Flow) Leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.leave()
}

// Finish is Leave, when everything is done.
func (f *Flow) Finish() { f.Leave() }

// Back goes one step back. While items move it does nothing: see Cancel. While the
// person is asked about an offer it refuses.
func (f *Flow) Back() {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.role
	if r == nil {
		return
	}
	switch f.state.Screen {
	case Moving, Verifying:
	case Asking:
		r.give(transfer.Decision{})
	case Previewing:
		if r.aside != nil {
			r.aside()
		}
		s := f.state
		s.Screen = What
		f.set(s)
	case Code, Counting, What, AskedThere:
		r.back()
	case Problem:
		if f.state.Try&TryFind == 0 {
			f.leave()
			return
		}
		r.back()
	default:
		f.leave()
	}
}

// back goes to the search. The caller holds mu.
func (r *role) back() {
	drain(r.targets)
	drain(r.codes)
	if r.running {
		r.stale = true
		r.cancel(errBack)
	} else {
		put(r.after, afterFind)
	}
	r.f.meter = nil
	r.f.set(r.f.state.searching())
}

// Cancel ends what is under way. A move is broken off; what has arrived stays, and a
// next one goes on from there. Elsewhere it is Back.
func (f *Flow) Cancel() {
	f.mu.Lock()
	moving := f.role != nil && f.state.Screen.underWay()
	if moving && f.role.running {
		s := f.state
		s.cancelled, s.Stopping = true, true
		f.set(s)
		f.role.cancel(context.Canceled)
	}
	f.mu.Unlock()
	if !moving {
		f.Back()
	}
}

// Password gives the password of the archive that is the old phone.
func (f *Flow) Password(text string) {
	f.intent(func(r *role, s state) {
		put(r.passwords, []byte(text))
		s.Screen = Opening
		f.set(s)
	}, Unlock)
}

// Choose goes to a new phone that was found.
func (f *Flow) Choose(id discovery.InstanceID) {
	f.intent(func(r *role, s state) {
		for _, d := range s.Devices {
			if d.ID == id {
				r.goTo(target{peer: Peer{Name: d.Name, Addrs: d.Addrs}})
				return
			}
		}
	}, Find)
}

// GoTo goes to a new phone that was not found: by its address, HOST:PORT, or by the
// text of its QR code, which stands for its code too.
func (f *Flow) GoTo(text string) {
	f.intent(func(r *role, s state) {
		t, err := parseTarget(text)
		if err != nil || t.host != "" {
			s.AddressErr, s.Resolving = err, err == nil
			f.set(s)
			if err != nil {
				return
			}
			put(r.targets, t)
			return
		}
		r.goTo(t)
	}, Find)
}

// goTo goes to a new phone. The caller holds mu.
func (r *role) goTo(t target) {
	if r.aside != nil {
		r.aside()
	}
	drain(r.codes)
	put(r.targets, t)
	r.f.set(r.f.state.chosen(t.peer, t.link != nil))
}

// TypeCode gives the code on the new phone, or the text of its QR code.
func (f *Flow) TypeCode(text string) {
	f.intent(func(r *role, s state) {
		if s.Checking {
			return
		}
		p, err := parsePassword(text)
		if err == nil {
			put(r.codes, p)
		}
		f.set(s.typed(err))
	}, Code)
}

// TakeKind turns a whole kind on or off.
func (f *Flow) TakeKind(k backup.Kind, on bool) {
	f.pick(func(p picks) { p.kind(k, on) }, k)
}

// Take turns an item that Items listed on or off.
func (f *Flow) Take(e Entry, on bool) {
	if e.Reason == 0 {
		f.pick(func(p picks) { p.item(e, on) }, e.Kind)
	}
}

// pick changes what of a kind that there is is to move.
func (f *Flow) pick(do func(picks), k backup.Kind) {
	f.intent(func(r *role, s state) {
		if r.choice == nil { // it is ending
			return
		}
		for _, plan := range r.choice.Plans {
			if plan.Info.Kind == k {
				do(r.picks)
				s.Kinds = r.picks.choices(r.choice.Plans)
				s.Preview, s.PreviewErr = nil, nil
				f.set(s)
				return
			}
		}
	}, What)
}

// Preview asks the new phone what would become of what is chosen.
func (f *Flow) Preview() {
	f.intent(func(r *role, s state) {
		if r.choice == nil || r.choice.Preview == nil {
			return
		}
		s.Screen, s.Preview, s.PreviewErr = Previewing, nil, nil
		f.set(s)
		put(r.orders, orderPreview)
	}, What)
}

// Move begins to move what is chosen. It does nothing when that is nothing.
func (f *Flow) Move() {
	f.intent(func(r *role, s state) {
		for _, k := range s.Kinds {
			if r.choice != nil && k.moves() {
				s.leftOut = leftOut(s.Kinds, r.choice.Plans)
				s.Screen = AskedThere
				f.set(s)
				put(r.orders, orderMove)
				return
			}
		}
	}, What)
}

// Answer says whether what was offered may come, and which kinds; nil = all that this
// phone knows. Only the first answer counts.
func (f *Flow) Answer(accept bool, kinds []backup.Kind) {
	f.intent(func(r *role, _ state) {
		r.give(transfer.Decision{Accept: accept, Kinds: append([]backup.Kind(nil), kinds...)})
	}, Asking)
}

// give answers the offer. The caller holds mu.
func (r *role) give(d transfer.Decision) {
	if r.answer == nil {
		return
	}
	r.f.set(r.f.state.answered(d.Accept))
	r.answer <- d
	r.answer = nil
}

// Pause holds the move up.
func (f *Flow) Pause() { f.pause(true) }

// Resume takes Pause back.
func (f *Flow) Resume() { f.pause(false) }

func (f *Flow) pause(on bool) {
	f.intent(func(r *role, s state) {
		if on {
			r.pauser.Pause()
		} else {
			r.pauser.Resume()
		}
		f.set(s.paused(on))
	}, Moving, Verifying)
}

// Again begins the same once more: with the same new phone, whose code is asked for
// again, or as the same new phone. Only what is new moves. A new phone that is not
// where it was, because it was started again, is looked for.
func (f *Flow) Again() {
	f.intent(func(r *role, s state) {
		switch {
		case s.Role == NewPhone && r.running && !s.cancelled: // the engine waits already
			next := s.fresh(Wait)
			next.Diagnosis = s.Diagnosis // it is told once
			if s.Code.IsZero() {         // and shows its code soon
				next.Screen = Opening
			}
			f.set(next)
			return
		case s.Role == NewPhone, r.phone == nil:
			f.set(s.fresh(Opening))
		case errors.Is(s.Err, p2p.ErrUnreachable), errors.Is(s.Err, session.ErrGone):
			r.back()
			return
		default:
			drain(r.codes)
			f.set(s.chosen(s.Peer, false))
		}
		put(r.after, afterAgain)
	}, Done, Problem)
}
