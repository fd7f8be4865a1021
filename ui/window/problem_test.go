package window

import (
	"context"
	"errors"
	"testing"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/p2p"
	"github.com/ferry-move/ferry/transfer"
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
		"problem": early, "problem-moving": wreck(flow.OldPhone, transfer.ErrLinkLost), "problem-stopped": wreck(flow.NewPhone, context.Canceled),
	} {
		t.Run(name, func(t *testing.T) { golden(t, name, s, nil) })
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
