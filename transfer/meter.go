package transfer

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer/lanes"
)

// Phase is what a session is doing.
type Phase uint8

const (
	PhaseStart  Phase = iota // nothing yet
	PhasePlan                // the old phone counts what it has
	PhaseAsk                 // the person at the new phone is asked
	PhaseMove                // items move
	PhaseFinish              // the last items are made safe, accounts compared
	PhaseDone                // both sides signed
	PhaseVerify              // as PhaseMove, of a session that verifies
)

// String returns the word that JSON uses.
func (p Phase) String() string {
	return [...]string{"start", "plan", "ask", "move", "finish", "done", "verify"}[min(p, PhaseVerify)]
}

// Moving reports whether items move, or are verified.
func (p Phase) Moving() bool { return p == PhaseMove || p == PhaseVerify }

// KindProgress is how far one kind is.
type KindProgress struct {
	Kind backup.Kind
	// Items and Bytes are what was offered; DoneItems and DoneBytes what has
	// ended, in whatever way.
	Items, DoneItems uint64
	Bytes, DoneBytes uint64
	Failed           uint64
}

// Progress is a session at one moment.
type Progress struct {
	Phase Phase
	// Items, DoneItems, Bytes and DoneBytes are sums over Kinds. DoneBytes
	// counts the bytes of items under way too.
	Items, DoneItems uint64
	Bytes, DoneBytes uint64
	// SentBytes is the content that went over the link.
	SentBytes uint64
	// LinkBytes is what that content took on the link: less where it was squeezed.
	LinkBytes uint64
	// SafeBytes is the content of items that are on the new phone for good.
	// PendingBytes is what of DoneBytes is of items that have not ended: it is on
	// its way, or not yet safe.
	SafeBytes, PendingBytes uint64
	Failed                  uint64
	// DoneSteps of Steps are what PhaseFinish has behind it; 0 of 0 before.
	DoneSteps, Steps int
	// Waiting is what it waits for, and Silent for how long nothing was heard from
	// the other phone, 0 while that is no matter.
	Waiting Wait
	Silent  time.Duration
	// Paused is who has paused, a Wait that is ByHand or WaitNothing. It is also
	// known while Waiting is something else: that of the other phone as it said last.
	Paused Wait
	// Lost tells that the link is lost, or that items do not move again yet.
	Lost bool
	// Elapsed is the time since items began to move; 0 before.
	Elapsed time.Duration
	Kinds   []KindProgress
	// Limit is how many bytes a second the link may carry, by the lower of the two
	// phones' limits; 0 = as many as go.
	Limit int64
	// Missing is how many bytes of space the new phone waits for; 0 = it does
	// not wait. Short is what its disk lacks.
	Missing int64
	Short   Shortage
	// Lanes is how many lanes there should be, and LanesWhy why, in the words
	// of package lanes. Only the old phone knows.
	Lanes    int
	LanesWhy string
}

// Meter counts what a session does. A session writes it; any number of
// observers read it with Snapshot, as often as they like. The zero value is
// ready.
type Meter struct {
	phase    atomic.Uint32
	began    atomic.Pointer[beginning] // nil = not yet
	sent     atomic.Uint64
	link     atomic.Uint64
	safe     atomic.Uint64
	steps    atomic.Uint64 // those done in the lower half, all in the upper
	underway atomic.Int64  // bytes of items that have not ended
	missing  atomic.Int64  // bytes of space
	short    atomic.Uint32 // a Shortage

	decision atomic.Pointer[lanes.Decision] // nil = none yet
	standing

	floor atomic.Pointer[Progress] // what earlier parts of the session had done; nil = there is none

	mu    sync.Mutex
	kinds []KindProgress // guarded by mu
}

// beginning is when items began to move, by which clock. It is immutable.
type beginning struct {
	at  time.Time
	now func() time.Time
}

// Snapshot returns the state at this moment.
func (m *Meter) Snapshot() Progress {
	p := Progress{Phase: Phase(m.phase.Load()), SentBytes: m.sent.Load(), LinkBytes: m.link.Load(), SafeBytes: m.safe.Load()}
	p.Waiting, p.Silent = m.waits(p.Phase)
	if s := m.session.Load(); s != nil {
		p.Limit = s.t.rate()
	}
	p.Paused, p.Lost = m.paused(p.Phase), m.isLost()
	steps := m.steps.Load()
	p.DoneSteps, p.Steps = int(uint32(steps)), int(steps>>32)
	p.Missing, p.Short = m.missing.Load(), Shortage(m.short.Load())
	if b := m.began.Load(); b != nil {
		p.Elapsed = max(0, b.now().Sub(b.at))
	}
	if d := m.decision.Load(); d != nil {
		p.Lanes, p.LanesWhy = d.Lanes, d.Why.String()
	}
	m.mu.Lock()
	p.Kinds = append(p.Kinds, m.kinds...)
	m.mu.Unlock()
	for _, k := range p.Kinds {
		p.Items += k.Items
		p.DoneItems += k.DoneItems
		p.Bytes += k.Bytes
		p.DoneBytes += k.DoneBytes
		p.Failed += k.Failed
	}
	if u := m.underway.Load(); u > 0 {
		p.PendingBytes = uint64(u)
		p.DoneBytes += p.PendingBytes
	}
	p.DoneBytes = min(p.DoneBytes, p.Bytes) // files may have grown since they were counted
	p.PendingBytes = min(p.PendingBytes, p.DoneBytes)
	p.notBelow(m.floor.Load())
	return p
}

// setPhase begins a phase. A session that goes on counts nothing anew and asks
// nobody: it keeps its phase until items move again.
func (m *Meter) setPhase(p Phase) {
	if p <= PhaseAsk && m.began.Load() != nil {
		return
	}
	if p.Moving() {
		b, s := &beginning{now: time.Now}, m.session.Load()
		if s != nil {
			b.now = s.now
			s.moving.Store(max(1, s.c.since()))
		}
		b.at = b.now()
		m.began.CompareAndSwap(nil, b)
	}
	if p == PhaseFinish {
		m.steps.Store(0)
	}
	m.stirred()
	m.phase.Store(uint32(p))
}

func (m *Meter) setKinds(kinds []KindProgress) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kinds = append([]KindProgress(nil), kinds...)
}

// lanes notes how many lanes there should be. That nothing changes is no reason
// to forget the last one.
func (m *Meter) lanes(d lanes.Decision) {
	if d.Why == lanes.Hold && m.decision.Load() != nil {
		return
	}
	m.decision.Store(&d)
}

// went counts n bytes of content that went over the link.
func (m *Meter) went(n int) {
	m.sent.Add(uint64(n))
	m.stirred()
}

// moved is went, of items under way.
func (m *Meter) moved(n int) {
	m.underway.Add(int64(n))
	m.went(n)
}

// carried counts n bytes that content took on the link.
func (m *Meter) carried(n int) { m.link.Add(uint64(n)) }

// step counts one of the steps of PhaseFinish.
func (m *Meter) step(of int) {
	m.steps.Store(uint64(of)<<32 | uint64(min(uint32(m.steps.Load())+1, uint32(of))))
	m.stirred()
}

// resumed counts n bytes of an item under way that did not go over the link now.
func (m *Meter) resumed(n int64) { m.underway.Add(n) }

// ended counts an item that ended; moved is how many of its bytes were counted
// by moved and resumed. A folder counts only if it failed.
func (m *Meter) ended(kind int, it backup.Item, moved int64, failed bool) {
	m.underway.Add(-moved)
	m.stirred()
	if !failed {
		m.safe.Add(uint64(it.Size))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if kind >= len(m.kinds) {
		return
	}
	k := &m.kinds[kind]
	if it.Type != backup.TypeDirectory || failed {
		k.DoneItems++
	}
	k.DoneBytes += uint64(it.Size)
	if failed {
		k.Failed++
	}
}
