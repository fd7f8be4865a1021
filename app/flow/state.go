package flow

import (
	"errors"
	"slices"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/p2p/pairing"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/pace"
)

// state is where a flow is. It is a value: the methods return the next one and
// change nothing.
//
//	            ┌> Opening ─> Find ─> Code ─> Counting ─> What <─> Previewing
//	Start ──────┤              ^                           └─> AskedThere ─┐
//	            └> Opening ─> Wait <─> Asking ───────────────────────────┐ │
//	                                                                     v v
//	                       Problem <── or ── Done <── Verifying <── Moving
//
// Back goes one step back where nothing is lost by it. From each screen Leave goes
// to Start. An error leads to Problem, and Again from there and from Done to where
// the move begins.
type state struct {
	Snapshot
	agreed    bool // the move was accepted
	refused   bool // by the person here; its end is no news
	cancelled bool // by the person here
	leftOut   uint64
	notRead   bool
	over      bool // its end was told: what comes after it is no news
}

// begin begins as one of the two phones.
func begin(role Role, name, place string) state {
	return state{Snapshot: Snapshot{Screen: Opening, Role: role, Name: name, Place: place, Free: -1}}
}

// fresh forgets the move before, and keeps what is of the role.
func (s state) fresh(screen Screen) state {
	n := begin(s.Role, s.Name, s.Place)
	n.Screen = screen
	if s.Role == OldPhone {
		n.Peer = s.Peer
	} else {
		n.Addrs, n.Code, n.Link, n.Expires = s.Addrs, s.Code, s.Link, s.Expires
	}
	return n
}

// searching begins a search.
func (s state) searching() state {
	s = s.fresh(Find)
	s.Peer = Peer{}
	return s
}

// found takes in who announces itself.
func (s state) found(all []discovery.Candidate) state {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b discovery.Candidate) int { return a.FirstSeen.Compare(b.FirstSeen) })
	all, s.MoreDevices = atMost(all, maxDevices)
	s.Devices = make([]Device, len(all))
	for i, c := range all {
		addrs, _ := atMost(slices.Clone(c.Addrs), maxAddrs)
		s.Devices[i] = Device{ID: c.Instance, Name: cut(c.Name), Form: c.Form, Addrs: addrs, FirstSeen: c.FirstSeen, LastSeen: c.LastSeen}
	}
	if len(all) > 0 {
		s.Diagnosis = nil
	}
	return s
}

func (s state) diagnosed(d discovery.Diagnosis) state {
	s.Diagnosis = &d
	return s
}

// chosen goes to a new phone.
func (s state) chosen(p Peer, link bool) state {
	s = s.fresh(Code)
	s.Peer, s.Checking = p, link
	return s
}

// typed takes in that a code was typed; err tells that it is none.
func (s state) typed(err error) state {
	s.CodeErr, s.Checking = err, err == nil
	return s
}

// asked asks for a code, after a wrong one or as the first.
func (s state) asked(wrong *pairing.WrongCodeError) state {
	s.Screen = Code
	if wrong != nil {
		s.Checking, s.TriesLeft = false, wrong.TriesLeft
	}
	return s
}

// event takes in what the engine tells, but for items and the end.
func (s state) event(ev session.Event) state {
	if s.over && s.Role == OldPhone {
		return s
	}
	switch ev := ev.(type) {
	case session.Ready:
		s.Name, s.Addrs = ev.Name, slices.Clone(ev.Addrs)
	case session.Code:
		s.Code, s.Link, s.Expires = ev.Code, ev.Link, ev.Expires
		if s.Screen == Opening {
			s.Screen = Wait
		}
		switch ev.Why {
		case pairing.Expired:
			s.Notice = Notice{Kind: CodeExpired}
		case pairing.UsedUp:
			s.Notice = Notice{Kind: CodeUsedUp}
		}
	case session.NobodyYet:
		s.Diagnosis = &ev.Diagnosis
	case session.WrongCode:
		if s.Role == NewPhone {
			s.Notice, s.Diagnosis = Notice{Kind: CodeWrong, TriesLeft: ev.TriesLeft}, nil
		} else {
			s.Checking, s.TriesLeft, s.Wrong = false, ev.TriesLeft, s.Wrong+1
		}
	case session.Paired:
		if s.Role == NewPhone {
			s.Notice, s.Code, s.Link, s.Diagnosis = Notice{Kind: CodeRight}, pairing.Code{}, pairing.Link{}, nil
		} else {
			s.Screen, s.Checking, s.Peer.Device = Counting, false, ev.Device
		}
	case session.Planned:
		s.notRead = slices.ContainsFunc(ev.Plans, func(p transfer.KindPlan) bool { return p.Err != nil })
	case session.Waiting:
		s.Lost, s.Diagnosis = &Lost{Since: ev.Since, Until: ev.Until, Agreed: ev.Agreed}, nil
		if s.Screen == Asking {
			s.Screen, s.Offer = Wait, nil
		}
	case session.Back:
		s.Lost, s.Diagnosis = nil, nil
	case session.Accepted:
		s.Screen, s.agreed, s.Offer, s.Notice, s.Progress = Moving, true, nil, Notice{}, pace.View{}
		s.Peer.Name, s.Peer.Device = cut(ev.Peer.Name), ev.Peer.Device
	case session.Verifying:
		s.Screen, s.Progress = Verifying, pace.View{}
	case session.Notes:
		s.Notes = ev.State
	case session.WaitingForSpace:
		s.Space = ev
	}
	return s
}

// offered asks the person about an offer.
func (s state) offered(o transfer.Offer) state {
	paused := s.Paused // one in the place of another is paused too
	s = s.fresh(Asking)
	s.Paused = paused
	s.Peer = Peer{Name: cut(o.Peer.Name), Device: o.Peer.Device}
	s.Code, s.Link = pairing.Code{}, pairing.Link{}
	f := &Offer{Bytes: o.Bytes(), Free: o.Free, Already: o.Already, Verify: o.Again}
	for _, k := range o.Kinds {
		f.Items += k.Items
	}
	f.Kinds, f.MoreKinds = atMost(slices.Clone(o.Kinds), maxKinds)
	s.Offer = f
	return s
}

// answered takes in what the person said about the offer.
func (s state) answered(yes bool) state {
	if s.Screen != Asking {
		return s
	}
	s.Offer = nil
	if yes {
		s.Screen = Moving
	} else {
		s.Screen, s.refused = Wait, true
	}
	return s
}

// moved takes in how far a move is.
func (s state) moved(v pace.View) state {
	if s.Screen.underWay() {
		v.Kinds, _ = atMost(v.Kinds, maxKinds)
		s.Progress = v
	}
	return s
}

// ended takes in the end of a move.
func (s state) ended(d session.Done, moved, verified *tally) state {
	paused := s.Paused && errors.Is(d.Err, session.ErrReplaced)
	was, refused := s.agreed, s.refused
	if s.Role == NewPhone && !was {
		if s.Screen != Done && s.Screen != Problem { // the end of the move before stays
			s = s.fresh(Wait)
		}
		s.Notice = Notice{Kind: Withdrawn, Err: d.Err}
		if refused {
			s.Notice.Kind = Refused
		}
		return s
	}
	var r *Result
	if was {
		r = resultOf(d, known{s.Role, s.leftOut, s.notRead}, moved, verified)
	}
	s.Offer, s.Lost, s.Space, s.Notice, s.Stopping, s.Paused, s.Checking = nil, nil, session.WaitingForSpace{}, Notice{}, false, paused, false
	s.Result, s.agreed, s.over = r, false, true
	if d.Err == nil || r != nil && r.Signed {
		s.Screen = Done
		return s
	}
	return s.problem(d.Err)
}

// stopped takes in that the engine returned. Where it did because the new phone has
// got another code since, that one is asked for.
func (s state) stopped(err error) state {
	switch {
	case s.Screen == Done || s.Screen == Problem:
		s.Stopping = false
		return s
	case s.Screen == Code && errors.Is(err, pairing.ErrCodeChanged):
		s.Checking, s.CodeErr, s.TriesLeft, s.Wrong = false, pairing.ErrCodeChanged, 0, s.Wrong+1
		return s
	case err == nil:
		err = errEnded
	}
	return s.problem(err)
}

var errEnded = errors.New("it ended by itself")

// problem shows an error.
func (s state) problem(err error) state {
	s.Try = TryAgain | TryStart
	if s.Role == OldPhone && s.Screen > Find {
		s.Try |= TryFind
	}
	s.Screen, s.Err, s.Stopping, s.Checking, s.Lost, s.Offer = Problem, err, false, false, nil, nil
	s.Code, s.Link = pairing.Code{}, pairing.Link{}
	return s
}

// paused takes in that the person here pauses, or goes on.
func (s state) paused(yes bool) state {
	s.Paused = yes && s.Screen.underWay()
	return s
}

// choosing asks what to move.
func (s state) choosing(kinds []KindChoice, c session.Choice) state {
	s.Screen, s.Kinds, s.Free, s.Preview, s.PreviewErr = What, kinds, c.Free, nil, nil
	if c.Peer.Device != "" {
		s.Peer.Name, s.Peer.Device = cut(c.Peer.Name), c.Peer.Device
	}
	s.notRead = slices.ContainsFunc(c.Plans, func(p transfer.KindPlan) bool { return p.Err != nil })
	return s
}

// previewed takes in what a selection would come to.
func (s state) previewed(p session.Preview, err error) state {
	s.Screen, s.Preview, s.PreviewErr = What, nil, err
	if err == nil {
		p.Kinds, _ = atMost(slices.Clone(p.Kinds), maxKinds)
		s.Preview = &p
		if p.Free >= 0 {
			s.Free = p.Free
		}
	}
	return s
}
