package transfer

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer/wire"
)

// What earlier parts brought is said of what is skipped only, and makes no
// difference to whether two accounts are equal.
func TestBroughtBefore(t *testing.T) {
	kinds := []wire.KindTotals{
		{Kind: "photos", Items: 10, Added: 2, Skipped: 7, Failed: 1}, {Kind: "files", Items: 5, Skipped: 5}, {Kind: "music", Items: 3, Skipped: 3},
	}
	ours := &wire.Totals{Kinds: slices.Clone(kinds)}
	theirs := &wire.Totals{Kinds: kinds}
	// One of the photos was changed at its source since, and came again; so more
	// was brought than is there to be skipped.
	sayBefore(ours, []Brought{{"photos", 6, 3}, {"files", 2, 0}})
	want := []Brought{{"photos", 6, 1}, {"files", 2, 0}}
	if got := broughtBefore(ours); !slices.Equal(got, want) {
		t.Errorf("%+v; want %+v", got, want)
	}
	if !sameTotals(ours, theirs) {
		t.Error("the accounts differ")
	}
	if theirs.Kinds[1].Added = 1; sameTotals(ours, theirs) {
		t.Error("the accounts do not differ")
	}
}

// A meter's next part begins where the last one ended.
func TestMeterGoesOn(t *testing.T) {
	file := func(size int64) backup.Item { return backup.Item{Kind: "files", Type: backup.TypeFile, Size: size} }
	var m Meter
	m.setPhase(PhasePlan)
	m.again() // a first part
	m.setKinds([]KindProgress{{Kind: "files", Items: 4, Bytes: 4000}})
	m.setPhase(PhaseMove)
	m.moved(1000)
	m.ended(0, file(1000), 1000, false)
	m.moved(700) // of an item that the cut leaves
	check := func(when string, items, bytes uint64) {
		t.Helper()
		p := m.Snapshot()
		if p.DoneItems != items || p.DoneBytes != bytes || p.SafeBytes != items*1000 || p.Kinds[0].DoneItems != items {
			t.Errorf("%s: %d items, %d bytes; want %d, %d", when, p.DoneItems, p.DoneBytes, items, bytes)
		}
	}
	check("before the cut", 1, 1700)
	m.again()
	check("after it", 1, 1700)
	m.setKinds([]KindProgress{{Kind: "files", Items: 4, Bytes: 4000}})
	check("once it was agreed", 1, 1700)
	m.ended(0, file(1000), 0, false) // it is there
	m.moved(500)
	check("before it has come as far", 1, 1700)
	m.moved(500)
	m.ended(0, file(1000), 1000, false)
	check("when it has come further", 2, 2000)
	if p := m.Snapshot(); p.SentBytes != 2700 {
		t.Errorf("%d bytes went over the link", p.SentBytes)
	}
	m.again()
	m.setKinds([]KindProgress{{Kind: "files", Items: 1, Bytes: 1000}})
	check("with less than there was", 1, 1000)
}

// A pause, and that the link is lost, are known until another part's items move.
func TestMeterOfALostLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m Meter
		var here Pauser
		part := func() *gate {
			c, g := newControl(nil), newGate(&here)
			m.again()
			m.attach(c, g, new(throttle), time.Now)
			m.setPhase(PhasePlan)
			m.setPhase(PhaseAsk)
			return g
		}
		check := func(when string, phase Phase, waiting, paused Wait, lost bool) {
			t.Helper()
			p := m.Snapshot()
			if p.Phase != phase || p.Waiting != waiting || p.Paused != paused || p.Lost != lost {
				t.Errorf("%s: phase %v, waits for %q, paused: %q, lost: %v; want %v, %q, %q, %v",
					when, p.Phase, p.Waiting, p.Paused, p.Lost, phase, waiting, paused, lost)
			}
		}
		g := part()
		check("when it is asked", PhaseAsk, WaitPerson, WaitNothing, false)
		m.setPhase(PhaseMove)
		here.Pause()
		g.heard(&wire.Waits{For: wire.WaitPause})
		check("when both paused", PhaseMove, WaitPauseBoth, WaitPauseBoth, false)
		m.detach(fmt.Errorf("%w: silent", ErrLinkLost))
		check("without a link", PhaseMove, WaitLink, WaitPauseBoth, true)
		time.Sleep(time.Hour)
		check("an hour later", PhaseMove, WaitLink, WaitPauseBoth, true)
		here.Resume()
		check("gone on here", PhaseMove, WaitLink, WaitPauseThere, true)
		here.Pause()

		part()
		check("back", PhaseMove, WaitPauseBoth, WaitPauseBoth, true)
		m.detach(&StopError{Kind: wire.StopBusy, Remote: true})
		check("not yet", PhaseMove, WaitLink, WaitPauseBoth, true)
		g = part()
		m.setPhase(PhaseMove)
		check("when items move", PhaseMove, WaitPauseBoth, WaitPauseBoth, false)
		g.heard(&wire.Waits{})
		check("gone on there", PhaseMove, WaitPause, WaitPause, false)
		g.heard(&wire.Waits{For: wire.WaitPause})
		m.detach(ErrLinkLost)
		part()
		m.setPhase(PhaseMove)
		check("before it says anything", PhaseMove, WaitPauseBoth, WaitPauseBoth, false)
		time.Sleep(stillAfter * 3 / 2)
		check("when it has nothing to say", PhaseMove, WaitPause, WaitPause, false)
		m.detach(nil)
		check("at the end", PhaseMove, WaitNothing, WaitNothing, false)
	})
}
