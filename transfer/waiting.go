package transfer

import (
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
}

// attach makes the meter look at a session, and detach forget it.
func (m *Meter) attach(c *control, g *gate, t *throttle, now func() time.Time) {
	m.session.Store(&session{c: c, g: g, t: t, now: now})
}
func (m *Meter) detach() {
	m.session.Store(nil)
	m.missing.Store(0)
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
	if d := time.Duration(s.c.since() - s.c.lastIn.Load()); d >= silentAfter {
		return WaitLink, d
	}
	switch phase {
	case PhaseAsk:
		return WaitPerson, 0
	case PhaseMove, PhaseVerify:
		here, there := s.g.here.Paused(), s.g.there.Paused()
		switch {
		case here && there:
			return WaitPauseBoth, 0
		case here:
			return WaitPause, 0
		case there:
			return WaitPauseThere, 0
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
