package window

import (
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/pace"
	"github.com/ferry-move/ferry/ui/window/kit"
	"github.com/ferry-move/ferry/ui/window/kit/kittest"
)

// onTheWay is a move that is under way.
func onTheWay(role flow.Role) flow.Snapshot {
	s := flow.Snapshot{Screen: flow.Moving, Role: role, Name: "Ship", Peer: flow.Peer{Name: "Pixel 9"}}
	s.Progress = pace.View{
		Part: 0.628, Speed: 31e6, Left: pace.Range{Low: 530 * time.Second, High: 570 * time.Second},
		Progress: transfer.Progress{
			Phase: transfer.PhaseMove, Items: 3924, DoneItems: 2532, Bytes: 18_400_000_000, DoneBytes: 11_430_000_000, SafeBytes: 11_400_000_000,
			Kinds: []transfer.KindProgress{
				{Kind: "contacts", Items: 412, DoneItems: 412, Bytes: 1e6, DoneBytes: 1e6},
				{Kind: "documents", Items: 12, DoneItems: 12, Bytes: 3e6, DoneBytes: 3e6, Failed: 2},
				{Kind: "photos", Items: 3412, DoneItems: 2120, Bytes: 14_100_000_000, DoneBytes: 8_700_000_000},
				{Kind: "videos", Items: 88, Bytes: 4_300_000_000},
			},
		},
	}
	return s
}

func lostLink() flow.Snapshot {
	s := onTheWay(flow.OldPhone)
	s.Lost = &flow.Lost{Since: today.Add(-time.Minute), Until: today.Add(29 * time.Minute), Agreed: true}
	s.Diagnosis = &discovery.Diagnosis{Findings: []discovery.Finding{
		{Cause: discovery.NoAnswer}, {Cause: discovery.TunnelBeside, Interfaces: []string{"tun0"}},
	}}
	return s
}

func paused() flow.Snapshot {
	s := onTheWay(flow.NewPhone)
	s.Paused, s.Progress.Paused = true, transfer.WaitPause
	return s
}

func verifying() flow.Snapshot {
	s := onTheWay(flow.OldPhone)
	s.Screen, s.Progress.Phase, s.Progress.Speed = flow.Verifying, transfer.PhaseVerify, 0
	return s
}

func TestMoving(t *testing.T) {
	full := onTheWay(flow.NewPhone)
	full.Space = session.WaitingForSpace{Missing: 3_200_000_000}
	stopping := onTheWay(flow.OldPhone)
	stopping.Stopping = true
	for name, s := range map[string]flow.Snapshot{
		"moving": onTheWay(flow.OldPhone), "moving-lost": lostLink(), "moving-paused": paused(), "moving-full": full, "verifying": verifying(), "stopping": stopping,
	} {
		t.Run(name, func(t *testing.T) { golden(t, name, s, nil) })
	}
	t.Run("moving-cancel", func(t *testing.T) {
		golden(t, "moving-cancel", onTheWay(flow.OldPhone), func(f *face) { f.tap("Cancel") })
	})
}

// reads checks what is written in the window.
func (f *face) reads(want []string, not ...string) {
	f.t.Helper()
	text := strings.Join(strings.Fields(f.text()), " ")
	for _, s := range want {
		if !strings.Contains(text, s) {
			f.t.Errorf("%q is not in the window:\n%s", s, text)
		}
	}
	for _, s := range not {
		if strings.Contains(text, s) {
			f.t.Errorf("%q is in the window:\n%s", s, text)
		}
	}
}

func TestMovingReads(t *testing.T) {
	s := onTheWay(flow.OldPhone)
	f := newFace(t, s)
	f.reads([]string{
		"Moving to Pixel 9", "62 %", "about 9 minutes left", "11 GB of 18 GB", "31 MB/s", "Now: Photos", "2,120 of 3,412", "10 of 12 · 2 not moved", "waiting",
	}, "Checking", "Paused")
	s.Role, s.Peer.Name = flow.NewPhone, ""
	s.Progress.Bytes, s.Progress.Waiting, s.Progress.Left = 0, transfer.WaitDisk, pace.Range{}
	f.see(s)
	f.reads([]string{"Moving from the old phone", "2,532 of 3,924 items", "Waiting for this phone's storage."}, "left", "Now:")
	s.Progress.Waiting, s.Progress.Phase = transfer.WaitNothing, transfer.PhaseFinish
	f.see(s)
	f.reads([]string{"Making the last items safe."}, "storage", "31 MB/s")
	s = lostLink()
	f.see(s)
	f.reads([]string{"The phones lost each other", "11 GB are safe on the new phone. It goes on by itself when they meet again.", "until 14:49", "A VPN is up (tun0)"}, "My new phone", "left", "MB/s", "Now:")
	s.Paused, s.Progress.SafeBytes = true, 0
	f.see(s)
	f.reads([]string{"What has arrived is safe on the new phone. You have paused"}, "by itself")
	s.Lost.Agreed, s.Diagnosis = false, &discovery.Diagnosis{}
	f.see(s)
	f.reads([]string{"the new phone asks once more"}, "by itself", "You have paused", "VPN", "looks fine")
	s = onTheWay(flow.NewPhone)
	s.Space.Missing = 3e9
	f.see(s)
	f.reads([]string{"This disk is full, and lacks 3.0 GB."}, "left", "MB/s", "Now:")
	s = onTheWay(flow.OldPhone)
	s.Progress.Missing, s.Progress.Paused, s.Notes = 5e9, transfer.WaitPauseThere, 1
	f.see(s)
	f.reads([]string{"The new phone is full, and lacks 5.0 GB.", "Paused on the other phone.", "is damaged."}, "left", "Go on when")
	s.Progress.Missing, s.Progress.Paused, s.Notes = 0, transfer.WaitNothing, 0
	s.Progress.Waiting, s.Progress.Silent = transfer.WaitLink, 7*time.Second
	f.see(s)
	f.reads([]string{"Nothing heard from the other phone for 7 s.", "closer together"})
}

// The order of kinds does not matter: what has begun comes before what waits.
func TestUnderWay(t *testing.T) {
	kinds := []transfer.KindProgress{{Kind: "a", Items: 1, DoneItems: 1}, {Kind: "b", Items: 1}, {Kind: "c", Items: 9, DoneItems: 1}}
	if k := underWay(kinds); k != "c" {
		t.Error(k)
	}
	if k := underWay(kinds[:2]); k != "b" {
		t.Error(k)
	}
	if k := underWay(kinds[:1]); k != "" {
		t.Error(k)
	}
}

// Pausing and going on is one place with two buttons: the focus stays there.
func TestPauseKeys(t *testing.T) {
	s := onTheWay(flow.OldPhone)
	f := newFace(t, s)
	f.reads([]string{"Pause"}, "Go on")
	x := f.base.screen.(*moving)
	f.win.Canvas().Focus(x.pause)
	f.key(fyne.KeySpace)
	f.wanted("pause")
	s.Paused = true
	f.see(s)
	f.reads([]string{"Go on", "Paused here."})
	if f.win.Canvas().Focused() != fyne.Focusable(x.goOn) {
		t.Error("the focus is lost")
	}
	f.key(fyne.KeyReturn)
	f.wanted("resume")
	s.Paused = false
	f.see(s)
	if f.win.Canvas().Focused() != fyne.Focusable(x.pause) {
		t.Error("the focus is lost")
	}
	s.Stopping = true
	f.see(s)
	f.reads([]string{"Stopping"}, "Pause", "Cancel")
	f.key(fyne.KeySpace)
	f.wanted()
}

// A cancel is asked once, and no other step answers for the person.
func TestCancel(t *testing.T) {
	s := onTheWay(flow.OldPhone)
	f := newFace(t, s)
	asked := func() bool { return f.win.Canvas().Overlays().Top() != nil }
	f.tap("Cancel")
	f.reads([]string{"Stop the move?", "a next move goes on from there"})
	f.key(fyne.KeyEscape)
	f.wanted()
	if asked() {
		t.Fatal("it still asks")
	}
	f.tap("Cancel")
	s.Progress.Part = 0.7
	f.see(s)
	if !asked() {
		t.Fatal("progress took the question away")
	}
	f.tap("Keep moving")
	f.wanted()
	f.tap("Cancel")
	f.tap("Stop the move")
	f.wanted("cancel")
	for name, next := range map[string]flow.Snapshot{"verifying": verifying(), "done": {Screen: flow.Done, Result: &flow.Result{}}} {
		f.see(onTheWay(flow.OldPhone))
		f.tap("Cancel")
		f.see(next)
		if asked() {
			t.Errorf("%s: it still asks", name)
		}
		f.wanted()
	}
	f.see(verifying())
	f.tap("Cancel")
	f.reads([]string{"Stop checking?", "the receipt of it holds"})
}

// Parts stay while only numbers change.
func TestMovingKeepsParts(t *testing.T) {
	s := onTheWay(flow.OldPhone)
	f := newFace(t, s)
	f.win.Canvas().Focus(f.base.screen.(*moving).cancel)
	f.key(fyne.KeyEnd)
	before := f.page().Offset()
	s.Progress.Part, s.Progress.DoneBytes = 0.71, 13_000_000_000
	s.Progress.Waiting = transfer.WaitPerson // a sign comes
	f.see(s)
	f.reads([]string{"71 %", "13 GB of 18 GB"})
	if before.Y == 0 || f.page().Offset() != before || f.win.Canvas().Focused() != fyne.Focusable(f.base.screen.(*moving).cancel) {
		t.Errorf("the place or the focus is lost: %v, was %v", f.page().Offset(), before)
	}
}

// No name and no number of kinds pushes a button away.
func TestMovingHostile(t *testing.T) {
	s := onTheWay(flow.NewPhone)
	s.Peer.Name = strings.Repeat("\u202eW\n", 3000)
	s.Progress.Kinds = nil
	for i := range 64 {
		s.Progress.Kinds = append(s.Progress.Kinds, transfer.KindProgress{Kind: backup.Kind(strings.Repeat("W", 60) + string(rune('a'+i%26))), Items: 1 << 60, Bytes: 1, DoneBytes: 1 << 60, DoneItems: 3})
	}
	f := newFace(t, s)
	kittest.Places(t, "hostile", f.win.Content(), phone.Width)
	if top := f.page().BarTop(); top < 400 || top > 600 {
		t.Errorf("the buttons are at %v", top)
	}
	if strings.ContainsAny(f.text(), "\u202e") {
		t.Error("it is shown raw")
	}
}

func (f *face) page() *kit.Page { return f.top().paper() }
