package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ferry-move/ferry/mobile"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/p2p"
	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/journal"
	"github.com/ferry-move/ferry/transfer/receipt"
	"github.com/ferry-move/ferry/transfer/wire"
)

// errBack ends a part whose device came back before the loss of its link was
// noticed here.
var errBack = fmt.Errorf("%w: the other device is back over another one", transfer.ErrLinkLost)

// lastCall is how long a device that signed and went before it could have this
// side's signature may come back for it.
const lastCall = 2 * time.Minute

// held is a new phone's session, over as many links as it takes:
//
//	             ┌──── the link is lost ────> waiting ──> over: Life has passed
//	             │                               │   └──> over: another session began
//	a device ──> part <── the device is back ────┘
//	             ├──> ended
//	             ├──> whole, and its verification begins: the same once more
//	             └──> signed, and no goodbye: the device may come back for lastCall
//
// One session is held at a time. Only its own device can go on with it, and only
// that device can end a part of it. The fields belong to loop's goroutine, which
// runs the parts, but for those that say otherwise.
type held struct {
	device identity.DeviceID // immutable
	peer   receipt.Side      // that device, with what it says of itself
	meter  *transfer.Meter
	sum    sum
	life   life
	lost   error     // why the link was lost last; nil while a part is under way
	move   move      // what is told at the end
	verify bool      // it is the verification of its move
	begun  bool      // and Verifying was told
	noted  bool      // Notes were told
	link   *p2p.Link // of the last part, if it is still to be used
	// agreed tells that a person said yes, to these kinds.
	agreed   bool
	kinds    []backup.Kind
	offer    transfer.Offer
	decision transfer.Decision
	signed   bool // Done was told, and the device may want its receipt

	id  transfer.SessionID      // guarded by receiving.mu
	cut context.CancelCauseFunc // ends the part under way, nil = none; guarded by receiving.mu
	// follows tells that a verification was announced and has not begun, whole that
	// its move has come to its end; guarded by receiving.mu
	follows, whole bool
}

// visit is a device that comes to move.
type visit struct {
	s *p2p.Stream
	// again is the session that it goes on with; zero = it begins one.
	again transfer.SessionID
	// verify tells that the one that it begins is the verification of its move.
	verify bool
}

func (r *receiving) isBusy() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.busy
}

// session lets a device that paired begin one move, once. One whose link broke
// before its person was asked, or while, may begin anew.
func (r *receiving) session(ctx context.Context, s *p2p.Stream) {
	peer := s.Link().Remote()
	r.mu.Lock()
	when, ok := r.paired[peer]
	ok = ok && r.trusts(when)
	busy := r.busy
	held := r.held != nil && r.held.device == peer
	ok = ok || busy && held // its link broke, which was not noticed here yet
	if ok && !busy {
		clear(r.paired)
		r.busy = true
	}
	r.mu.Unlock()
	if ok && !busy {
		r.looks.end()
	}
	v := visit{s: s, verify: (busy || !ok) && r.verifies(peer)}
	switch {
	case v.verify:
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, againIn)
		defer cancel()
	case !ok && held: // it may come too early
		s.Reset()
		return
	case !ok:
		transfer.Refuse(ctx, s.Control(), wire.StopUnpaired)
		return
	case busy:
		transfer.Refuse(ctx, s.Control(), wire.StopBusy)
		return
	}
	select {
	case r.visits <- v:
	case <-ctx.Done():
		s.Reset()
	}
}

// again lets the device whose session is held go on with it. A part that is
// still under way ends: its link is lost, which was not noticed here yet.
func (r *receiving) again(ctx context.Context, s *p2p.Stream) {
	ctx, cancel := context.WithTimeout(ctx, againIn)
	defer cancel()
	id, err := readAgain(s)
	if err != nil {
		s.Reset()
		return
	}
	if !r.knows(s.Link().Remote(), id, true) {
		why := byte(whyUnknown)
		if r.isReplaced(s.Link().Remote(), id) {
			why = whyReplaced
		}
		answerAgain(s, againNo, why)
		s.CloseWrite()
		return
	}
	select {
	case r.visits <- visit{s: s, again: id}:
	case <-ctx.Done():
		s.Reset()
	}
}

// knows reports whether a device may go on with the session of that ID. cut ends
// a part of it that is under way.
func (r *receiving) knows(peer identity.DeviceID, id transfer.SessionID, cut bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.held
	if h == nil || h.device != peer || h.id.IsZero() || h.id != id {
		return false
	}
	if cut && h.cut != nil {
		h.cut(errBack)
	}
	return true
}

// past is a session that is over, and whose device may not know it.
type past struct {
	device identity.DeviceID
	id     transfer.SessionID
}

// maxPast is how many of them are remembered.
const maxPast = 16

// replace ends the session that is waited for, because another one begins.
func (r *receiving) replace() {
	h := r.held
	r.mu.Lock()
	if !h.id.IsZero() {
		r.replaced = append(r.replaced, past{h.device, h.id})
		r.replaced = r.replaced[max(0, len(r.replaced)-maxPast):]
	}
	r.mu.Unlock()
	r.over(errors.Join(ErrReplaced, h.lost))
}

// isReplaced reports whether another session took the place of that one.
func (r *receiving) isReplaced(peer identity.DeviceID, id transfer.SessionID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Contains(r.replaced, past{peer, id})
}

// welcome takes a visit in. What it returns false for is over.
func (r *receiving) welcome(v visit) bool {
	if !v.again.IsZero() {
		// It may have ended since knows was asked before.
		if !r.knows(v.s.Link().Remote(), v.again, false) || answerAgain(v.s, againYes) != nil {
			v.s.Reset()
			return false
		}
		return true
	}
	if v.verify {
		if !r.begins(v.s.Link().Remote()) {
			v.s.Reset()
			return false
		}
		return true
	}
	if r.done { // all that is waited for is a device that wants its receipt
		v.s.Reset()
		r.mu.Lock()
		r.busy = false
		r.mu.Unlock()
		return false
	}
	if r.held != nil {
		r.replace()
	}
	device := v.s.Link().Remote()
	r.mu.Lock()
	r.held = &held{device: device, peer: receipt.Side{Device: device}, meter: new(transfer.Meter), life: life{all: r.opt.life}}
	r.mu.Unlock()
	return true
}

// move runs a part of a move, and decides what comes after it.
func (r *receiving) move(ctx context.Context, v visit) error {
	h := r.held
	if h.lost != nil && !h.signed {
		r.events.tell(Back{Peer: h.peer, Agreed: h.agreed})
		h.lost = nil
	}
	before, began := h.meter.Snapshot(), time.Now()
	rep, err := r.part(ctx, h, v.s)
	if h.signed { // the person has been told how it ended
		if rep.Receipt != nil {
			if _, serr := saveReceipt(r.opt.Home, rep.Receipt); serr == nil && rep.Parted {
				r.forget()
			}
		}
		return nil
	}
	h.sum.add(rep)
	if rep.Peer.Device == "" {
		rep.Peer = h.peer
	}
	h.peer = rep.Peer
	err = h.move.add(ctx, r.events, r.opt.Home, rep, err, h.verify)
	switch {
	case ctx.Err() != nil:
		err = h.move.end(r.events, err)
		r.forget()
		if errors.As(err, new(*UnverifiedError)) {
			return err
		}
		return context.Cause(ctx)
	case isLost(err):
		if useful(before, h.meter.Snapshot(), time.Since(began)) {
			h.life.renew()
		}
		if h.id.IsZero() { // it said nothing, and may begin anew
			r.mu.Lock()
			if h.verify {
				h.follows = true
			} else {
				r.paired[h.device] = time.Now()
			}
			r.mu.Unlock()
		}
		r.lose(h, err)
		return nil
	case err == nil && h.follows:
		r.mu.Lock()
		h.whole = true
		r.mu.Unlock()
		h.life.renew()
		if !rep.Parted { // it may want the receipt first
			r.lose(h, transfer.ErrLinkLost)
			return nil
		}
		return r.verification(ctx, h)
	}
	err = h.move.end(r.events, err)
	r.done, r.result = r.opt.Once, err
	r.shown = 0 // the code that holds, which may be one that was shown in a wait
	if err == nil && !rep.Parted {
		h.signed, h.life = true, life{all: lastCall}
		h.life.begin(time.Now())
		return nil
	}
	r.forget()
	return nil
}

// lose waits for the device of the session that is held.
func (r *receiving) lose(h *held, err error) {
	h.leave()
	now := time.Now()
	h.lost = err
	h.life.begin(now)
	r.shown = 0 // the code that nobody needed so far
	r.events.tell(Waiting{Peer: h.peer, Since: now, Until: now.Add(h.life.left()), Why: LinkLost, Agreed: h.agreed})
}

// leave closes the last part's link.
func (h *held) leave() {
	if h.link != nil {
		h.link.Close()
		h.link = nil
	}
}

// part runs the session that is held over one stream.
func (r *receiving) part(ctx context.Context, h *held, s *p2p.Stream) (*transfer.Report, error) {
	ctx, cut := context.WithCancelCause(ctx)
	r.mu.Lock()
	r.busy, h.cut = true, cut
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		r.busy, h.cut = false, nil
		r.mu.Unlock()
		cut(nil)
	}()
	h.link = s.Link() // a verification's may be the one before
	lanes, err := r.host.AcceptLanes(h.device)
	if err != nil {
		s.Reset()
		return new(transfer.Report), err
	}
	defer lanes.Close()
	var freeFiles func() (int64, error)
	if c, ok := r.opt.Phone.(mobile.FileCounter); ok {
		freeFiles = c.FreeFiles
	}
	return transfer.Receive(ctx, transfer.ReceiveConfig{
		Self: transfer.Self{Key: r.key, Name: r.opt.Name, Version: Version}, Peer: h.device, Session: h.id, Before: h.sum.brought, Limit: r.opt.Limit,
		Begun: func(id transfer.SessionID) {
			r.mu.Lock()
			defer r.mu.Unlock()
			h.id = id
		},
		Control: s.Control(), Lanes: acceptor{lanes}, Agents: r.opt.Phone.Agents(), Free: r.opt.Phone.Free, FreeFiles: freeFiles, Meter: h.meter, Pauser: r.opt.Pauser,
		Observer: observer{r.eventsOf(h)},
		Journal: func(d identity.DeviceID) (*journal.Journal, error) {
			j, err := journal.Open(journalPath(r.opt.Home, r.opt.Place, d), d)
			if err == nil && j.State() != journal.Sound && !h.noted {
				h.noted = true
				r.eventsOf(h).tell(Notes{j.State()})
			}
			return j, err
		},
		Accept: func(ctx context.Context, o transfer.Offer) (transfer.Decision, error) { return r.accept(ctx, h, o) },
	})
}

// eventsOf are the face's, or nobody's when it was told that the session ended.
func (r *receiving) eventsOf(h *held) Events {
	if h.signed {
		return nil
	}
	return r.events
}

// accept asks the person, once for a session: who said yes is not asked again when
// the same kinds go on, or are verified. There must be space each time for what is
// to come.
func (r *receiving) accept(ctx context.Context, h *held, o transfer.Offer) (transfer.Decision, error) {
	if h.verify {
		if !covers(h.offer, o) {
			return transfer.Decision{}, nil
		}
		if !h.begun {
			h.begun = true
			tellBegin(r.events, true, o.Peer, h.meter)
		}
		return h.decision, nil
	}
	same := h.agreed && slices.Equal(h.kinds, kindsOf(o))
	if !same || o.Missing() > 0 {
		r.eventsOf(h).tell(Offered{o})
	}
	switch {
	case o.Missing() > 0:
		return transfer.Decision{Why: wire.StopNoSpace}, nil
	case same:
		h.offer = o
		r.announce(h, o.Again)
		return h.decision, nil
	}
	d, err := r.opt.Accept(ctx, o)
	if err == nil && d.Accept && ctx.Err() == nil {
		if !h.agreed {
			tellBegin(r.events, false, o.Peer, h.meter)
		}
		h.agreed, h.kinds, h.offer, h.decision = true, kindsOf(o), o, d
		r.announce(h, o.Again)
	}
	return d, err
}

// over ends the session that is waited for.
func (r *receiving) over(err error) {
	h := r.held
	r.forget()
	if h == nil || h.signed {
		return
	}
	err = h.move.end(r.events, err)
	if !errors.Is(err, ErrReplaced) {
		r.done, r.result, r.shown = r.opt.Once, err, 0
	}
}

// giveUp tells how the session ended that is waited for when the person ends the
// wait.
func (r *receiving) giveUp(ctx context.Context) (err error) {
	if r.held != nil && !r.held.signed {
		err = r.held.move.end(r.events, errors.Join(context.Cause(ctx), r.held.lost))
	}
	r.forget()
	return err
}

func (r *receiving) forget() {
	if r.held != nil {
		r.held.leave()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held = nil
}
