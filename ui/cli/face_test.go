package cli

import (
	"strings"
	"testing"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/transfer"
)

// What is said when the link is lost is what comes after it: a question that was
// withdrawn comes again, and only a move that was agreed to goes on by itself.
func TestWaitingSaysWhatFollows(t *testing.T) {
	offered := session.Offered{}
	for _, tt := range []struct {
		what     string
		new, yes bool
		before   []session.Event
		agreed   bool
		want     string
	}{
		{"agreed", true, false, []session.Event{offered}, true, "; then the move goes on by itself.\n"},
		{"asked", true, false, []session.Event{offered}, false, "; then you are asked again. What is typed until then answers nothing.\n"},
		{"not asked yet", true, false, nil, false, "; then you are asked whether to accept.\n"},
		{"refused the one before", true, false, []session.Event{offered, session.Done{Report: new(transfer.Report), Err: errGaveUp}}, false, "; then you are asked whether to accept.\n"},
		{"nobody is asked", true, true, []session.Event{offered}, false, "; then the move goes on by itself.\n"},
		{"the old phone, agreed", false, false, nil, true, "; then the move goes on by itself.\n"},
		{"the old phone", false, false, nil, false, "; then it needs a yes on the new phone.\n"},
	} {
		c := newConsole(t)
		f := &face{c: c.command, waiting: tt.new, yes: tt.yes}
		for _, ev := range tt.before {
			f.event(ev)
		}
		f.event(session.Waiting{Agreed: tt.agreed})
		if got := c.shown(t); !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q", tt.what, got)
		}
	}
}
