package window

import (
	"context"
	"errors"
	"testing"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/p2p"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/wire"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// wreck is a move that broke off.
func wreck(role flow.Role, err error) flow.Snapshot {
	s := partly(role)
	s.Screen, s.Err, s.Try = flow.Problem, err, flow.TryAgain|flow.TryStart
	if role == flow.OldPhone {
		s.Try |= flow.TryFind
	}
	s.Result = &flow.Result{EraseWhy: flow.NotSigned, NotMoved: s.Result.NotMoved, Err: err}
	return s
}

func TestProblem(t *testing.T) {
	early := flow.Snapshot{Screen: flow.Problem, Role: flow.OldPhone, Err: p2p.ErrUnreachable, Try: flow.TryAgain | flow.TryFind | flow.TryStart}
	for name, s := range map[string]flow.Snapshot{
		"problem": early, "problem-refused": ended(flow.OldPhone, refused), "problem-moving": wreck(flow.OldPhone, transfer.ErrLinkLost), "problem-stopped": wreck(flow.NewPhone, context.Canceled),
	} {
		t.Run(name, func(t *testing.T) { golden(t, name, s, nil) })
	}
}

// refused and stopped are what the person at the other phone wished.
var (
	refused = &transfer.StopError{Kind: wire.StopRefused, Remote: true}
	stopped = &transfer.StopError{Kind: wire.StopCancelled, Remote: true}
)

func ended(role flow.Role, err error) flow.Snapshot {
	s := flow.Snapshot{Screen: flow.Problem, Role: role, Err: err, Try: flow.TryAgain | flow.TryStart, Peer: flow.Peer{Name: "Pixel 9"}}
	if role == flow.OldPhone {
		s.Try |= flow.TryFind
	}
	return s
}

// What a person wished is no failure, and what is most likely done next is the first
// button.
func TestProblemWished(t *testing.T) {
	nameless := ended(flow.OldPhone, refused)
	nameless.Peer = flow.Peer{}
	for _, tt := range []struct {
		s      flow.Snapshot
		reads  []string
		first  string
		wanted string
	}{
		{ended(flow.OldPhone, refused), []string{"Pixel 9 said no", "Nothing was moved", "tap Accept there."}, "Ask again", "again"},
		{nameless, []string{"The new phone said no"}, "Ask again", "again"},
		{ended(flow.OldPhone, stopped), []string{"The move was stopped on the other phone", "What has arrived stays."}, "Start again", "again"},
		{ended(flow.NewPhone, stopped), []string{"The move was stopped on the other phone"}, "Start again", "again"},
		{ended(flow.OldPhone, context.Canceled), []string{"The move was stopped", "What has arrived stays."}, "Go to the start", "leave"},
		{ended(flow.OldPhone, session.ErrGone), []string{"The new phone has stopped waiting", "What has arrived is safe.", "with the code that it shows now."}, "Try again", "again"},
		{wreck(flow.OldPhone, stopped), []string{"The move was stopped on the other phone", "3 items were not moved"}, "Start again", "again"},
	} {
		f := newFace(t, tt.s)
		f.reads(tt.reads, "That did not work", "cancelled", "refused")
		if b, ok := f.win.Canvas().Focused().(*kit.Button); !ok || b.Text() != tt.first {
			t.Errorf("%q: %v is first", tt.reads[0], f.win.Canvas().Focused())
		}
		f.key(fyne.KeyReturn)
		f.wanted(tt.wanted)
	}
}

func TestProblemIntents(t *testing.T) {
	f := newFace(t, wreck(flow.OldPhone, transfer.ErrLinkLost))
	f.reads([]string{"The move has stopped", "The two devices lost each other.", "No: the phones have not agreed on what arrived.", "3 items were not moved"})
	f.key(fyne.KeyReturn) // what is best done has the focus
	f.wanted("again")
	f.tap("Choose another new phone")
	f.wanted("back")
	f.tap("Go to the start")
	f.wanted("leave")
	f.tap("3 items were not moved: why, and what to do")
	f.reads([]string{"These are not on the new phone."})
	f.key(fyne.KeyEscape)

	f.see(wreck(flow.NewPhone, context.Canceled))
	f.reads([]string{"The move was stopped", "What has arrived stays."}, "cancelled", "Choose another", "That did not work")
	s := flow.Snapshot{Screen: flow.Problem, Role: flow.NewPhone, Err: errors.New("boom"), Try: flow.TryStart}
	f.see(s)
	f.reads([]string{"That did not work", "It failed: boom.", "Try again; if it stays so"}, "erase", "Choose another")
	f.key(fyne.KeyReturn)
	f.wanted("leave")
	s.Err, s.Try = transfer.ErrLinkLost, flow.TryAgain // the next one on the same screen
	f.see(s)
	f.reads([]string{"lost each other", "Try again"}, "boom")
}
