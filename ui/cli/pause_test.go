package cli

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/transfer"
)

// paused is a face of a new phone, without a signal, and what it has said so far.
func paused(t *testing.T) (f *face, said func() string) {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "said")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	f = &face{c: &command{io: Stdio{In: file, Out: file, Err: file}}, waiting: true, pauser: new(transfer.Pauser)}
	t.Cleanup(func() { f.progress.end() })
	return f, func() string {
		t.Helper()
		b, err := os.ReadFile(file.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
}

// TestNothingToPause: who pauses while there is no move is told so, and the next
// move does not stand still for it.
func TestNothingToPause(t *testing.T) {
	f, said := paused(t)
	f.toggle()
	if f.pauser.Paused() || !strings.Contains(said(), "nothing to pause") {
		t.Errorf("before a move; said %q", said())
	}
	f.event(session.Accepted{Meter: new(transfer.Meter)})
	f.toggle()
	if !f.pauser.Paused() {
		t.Error("a move is not paused")
	}
	f.event(session.Waiting{})
	f.toggle()
	if f.pauser.Paused() {
		t.Error("a move whose link is lost does not go on")
	}
	f.toggle()
	f.event(session.Done{Report: new(transfer.Report), Err: transfer.ErrLinkLost})
	if f.toggle(); f.pauser.Paused() || strings.Count(said(), "nothing to pause") != 2 {
		t.Errorf("after a move; said %q", said())
	}
}

// TestPauseOfAReplacedMove: an old phone that is started again does not end the
// pause of the person at the new one.
func TestPauseOfAReplacedMove(t *testing.T) {
	f, said := paused(t)
	f.event(session.Accepted{Meter: new(transfer.Meter)})
	f.toggle()
	f.event(session.Waiting{})
	f.event(session.Done{Report: new(transfer.Report), Err: errors.Join(session.ErrReplaced, transfer.ErrLinkLost)})
	if !f.pauser.Paused() || !strings.Contains(said(), "It was paused here") {
		t.Errorf("it is over; said %q", said())
	}
	if f.toggle(); f.pauser.Paused() {
		t.Error("it does not end before the next move begins")
	}
	f.toggle()
	f.event(session.Accepted{Meter: new(transfer.Meter)})
	f.event(session.Done{Report: new(transfer.Report)})
	if f.pauser.Paused() {
		t.Error("it holds for a third move")
	}
}
