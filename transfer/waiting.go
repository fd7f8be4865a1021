package transfer

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/ferry-move/ferry/transfer/wire"
)

// Wait is what a session waits for. Append only: its words are in --json.
type Wait uint8

const (
	WaitNothing    Wait = iota // items move
	WaitPerson                 // an answer at the new phone
	WaitPause                  // the person here has paused
	WaitPauseThere             // the person at the other phone has paused
	WaitPauseBoth              // both have
	WaitDisk                   // this phone's storage
	WaitDiskThere              // the other phone's storage
	WaitLink                   // nothing comes from the other phone, or nothing gets through
	WaitSpace                  // space on the new phone
	WaitLimit                  // the limit that either phone has set
)

// String returns the word that JSON uses; WaitNothing has none.
func (w Wait) String() string {
	return [...]string{"", "person", "pause", "pause_there", "pause_both", "disk", "disk_there", "link", "space", "limit"}[min(w, WaitLimit)]
}

// ByHand reports whether only a person can end the wait.
func (w Wait) ByHand() bool {
	return w == WaitPerson || w == WaitPause || w == WaitPauseThere || w == WaitPauseBoth
}

const (
	// silentAfter is how long the other side may say nothing before that is
	// shown. It pings each second.
	silentAfter = 2 * time.Second
	// stillAfter is how long nothing may move before somebody is named for it,
	// and lostAfter before that is the link for want of a better reason.
	stillAfter = time.Second
	lostAfter  = 3 * time.Second
)

// session is what a meter knows of the session that writes it.
type session struct {
	c     *control
	g     *gate
	t     *throttle
	now   func() time.Time
	moved atomic.Int64 // when something moved last, by c.since
	// after tells that it goes on where another one lost its link, and paused that
	// the other phone was paused then. Immutable.
	after, paused bool
	moving        atomic.Int64 // when items began to move, by c.since; 0 = not yet
	lost          atomic.Bool  // its link; nothing of it runs any more
}

// attach makes the meter look at a session.
func (m *Meter) attach(c *control, g *gate, t *throttle, now func() time.Time) {
	s := &session{c: c, g: g, t: t, now: now}
	if was := m.session.Load(); was != nil && was.lost.Load() {
		s.after, s.paused = true, was.pausedThere()
	}
	m.session.Store(s)
}

// detach makes it forget one that ended with err, unless its link was lost, or did
// not come to replace one that was: what the persons had said holds until the next.
func (m *Meter) detach(err error) {
	m.missing.Store(0)
	s := m.session.Load()
	if s != nil && err != nil && (errors.Is(err, ErrLinkLost) || m.isLost()) {
		s.lost.Store(true)
		return
	}
	m.session.Store(nil)
}

// pausedThere reports whether the person at the other phone has paused. It says so
// soon after items begin to move; until then what it said before counts.
func (s *session) pausedThere() bool {
	if !s.paused || s.g.heardOf.Load() {
		return s.g.there.Paused()
	}
	since := s.moving.Load()
	return since == 0 || s.c.since()-since < int64(stillAfter)
}

// paused says who has paused, in a phase in which that matters.
func (m *Meter) paused(phase Phase) Wait {
	s := m.session.Load()
	if s == nil || phase == PhaseFinish || phase == PhaseDone || !phase.Moving() && m.began.Load() == nil {
		return WaitNothing
	}
	here, there := s.g.here.Paused(), s.pausedThere()
	switch {
	case here && there:
		return WaitPauseBoth
	case here:
		return WaitPause
	case there:
		return WaitPauseThere
	}
	return WaitNothing
}

// isLost reports whether the link is lost, or items do not move again yet.
func (m *Meter) isLost() bool {
	s := m.session.Load()
	return s != nil && (s.lost.Load() || s.after && s.moving.Load() == 0)
}

// stirred notes that something moved.
func (m *Meter) stirred() {
	if s := m.session.Load(); s != nil {
		s.moved.Store(s.c.since())
	}
}

// still is for how long nothing has moved.
func (s *session) still() time.Duration { return time.Duration(s.c.since() - s.moved.Load()) }

// disk notes that this side's storage is asked for something; the function that
// it returns, that it is done.
func (m *Meter) disk() (done func()) {
	m.disks.Add(1)
	return func() { m.disks.Add(-1) }
}

// onDisk reports whether this side's storage is what holds everything up.
func (m *Meter) onDisk() bool {
	s := m.session.Load()
	return s != nil && m.disks.Load() > 0 && s.still() >= stillAfter && !s.t.flows()
}

// waits says what a session waits for in a phase, and for how long nothing was
// heard, where that is worth a word.
func (m *Meter) waits(phase Phase) (w Wait, silent time.Duration) {
	s := m.session.Load()
	if s == nil || phase == PhaseDone {
		return WaitNothing, 0
	}
	switch d := time.Duration(s.c.since() - s.c.lastIn.Load()); {
	case d >= silentAfter:
		return WaitLink, d
	case s.lost.Load():
		return WaitLink, 0
	}
	switch phase {
	case PhaseAsk:
		return WaitPerson, 0
	case PhaseMove, PhaseVerify:
		if w := m.paused(phase); w != WaitNothing {
			return w, 0
		}
	case PhaseFinish:
	default:
		return WaitNothing, 0
	}
	still := s.still()
	switch {
	case m.missing.Load() > 0:
		return WaitSpace, 0
	case still < stillAfter:
		return WaitNothing, 0
	case phase != PhaseFinish && s.t.flows(): // a block takes its time
		if still >= lostAfter {
			return WaitLimit, 0
		}
		return WaitNothing, 0
	case m.disks.Load() > 0:
		return WaitDisk, 0
	case wire.WaitFlags(s.g.flags.Load())&wire.WaitDisk != 0, phase == PhaseFinish:
		return WaitDiskThere, 0
	case still >= lostAfter:
		return WaitLink, 0
	}
	return WaitNothing, 0
}

// standing is the part of a Meter that says why nothing moves.
type standing struct {
	session atomic.Pointer[session] // nil = none
	disks   atomic.Int64            // calls of this side's storage under way
}
