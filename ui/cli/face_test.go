package cli

import (
	"context"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/receipt"
	"github.com/ferry-move/ferry/transfer/wire"
	"github.com/ferry-move/ferry/ui/say"
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

// TestDoneAfterVerification says at the end what is true then: by the last account
// that both devices signed.
func TestDoneAfterVerification(t *testing.T) {
	account := func(added, skipped, failed, sent uint64) *transfer.Report {
		return &transfer.Report{
			Receipt: []byte("signed"), SentItems: sent, SentBytes: 1000 * sent,
			Kinds: []receipt.Kind{{Kind: "documents", Items: added + skipped + failed, Added: added, Skipped: skipped, Failed: failed}},
		}
	}
	unsigned := account(0, 1, 0, 0)
	unsigned.Receipt = nil
	ctrlC := &session.UnverifiedError{Err: context.Canceled}
	there := &session.UnverifiedError{Err: &transfer.StopError{Kind: wire.StopCancelled, Remote: true}}
	lost := &session.UnverifiedError{Err: transfer.ErrLinkLost}
	for _, tt := range []struct {
		name     string
		done     session.Done
		complete bool
		says     []string
		never    []string
	}{
		{"healed", session.Done{Report: account(1, 0, 1, 1), Verified: account(1, 1, 0, 1)}, true,
			[]string{"1 added, 1 moved by the verification", "1 item differed or was missing and was sent again (1 added, 0 changed, 1.0 kB)"}, []string{"NOT MOVED", "Not everything"}},
		{"not healed", session.Done{Report: account(0, 0, 2, 0), Verified: account(1, 0, 1, 1)}, false,
			[]string{"1 moved by the verification, 1 NOT MOVED", "Not everything was moved"}, nil},
		{"gone when it was to be verified", session.Done{Report: account(2, 0, 0, 2), Verified: account(0, 1, 1, 0)}, false,
			[]string{"2 added, 1 COULD NOT BE VERIFIED", "nothing differed", "Not everything could be verified"}, []string{"NOT MOVED", "was moved"}},
		{"two differed", session.Done{Report: account(0, 3, 0, 0), Verified: account(2, 1, 0, 2)}, true,
			[]string{"0 added, 0 changed, 0 B sent", "2 items differed or were missing and were sent again (2 added, 0 changed, 2.0 kB)"}, nil},
		{"cancelled", session.Done{Report: account(2, 0, 0, 2), Verified: unsigned, Err: ctrlC}, true,
			[]string{"ferry: the move is complete, and both devices signed for it, but the verification was not finished: it was cancelled."}, []string{"Not everything", "Verified in"}},
		{"cancelled there", session.Done{Report: account(2, 0, 0, 2), Verified: unsigned, Err: there}, true,
			[]string{"it was cancelled on the other device"}, []string{"Not everything"}},
		{"lost", session.Done{Report: account(2, 0, 0, 2), Err: lost}, true,
			[]string{"was not finished: The two devices lost each other"}, []string{"Not everything"}},
		{"cancelled after it found something", session.Done{Report: account(2, 0, 0, 2), Verified: &transfer.Report{SentItems: 1}, Err: context.Canceled}, false,
			[]string{"Not everything"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newConsole(t)
			f := &face{c: c.command, infos: map[backup.Kind]backup.Info{"documents": {Kind: "documents", Title: "Documents", One: "document", Many: "documents"}}}
			f.event(tt.done)
			if tt.done.Err != nil {
				c.name = "send"
				c.exit(t.Context(), tt.done.Err)
			}
			text := c.shown(t)
			for _, s := range tt.says {
				if !strings.Contains(text, s) {
					t.Errorf("it does not say %q:\n%s", s, text)
				}
			}
			for _, s := range tt.never {
				if strings.Contains(text, s) {
					t.Errorf("it says %q:\n%s", s, text)
				}
			}
			if j := jsonDoneOf(tt.done, say.Problem{}); j.Complete != tt.complete || (j.Verification != nil) != (tt.done.Verified != nil) {
				t.Errorf("complete: %v, the verification: %+v", j.Complete, j.Verification)
			}
		})
	}
}

// The new phone says why nobody comes when something is wrong, or was; to wait is
// what it is there for.
func TestNobodyComes(t *testing.T) {
	wrong := discovery.Diagnosis{Findings: []discovery.Finding{{Cause: discovery.NoInterface}}}
	for _, tt := range []struct {
		name   string
		events []session.Event
		want   []string
	}{
		{"fine", []session.Event{session.NobodyYet{}}, nil},
		{"wrong", []session.Event{session.NobodyYet{Diagnosis: wrong}}, []string{"Nobody has come yet.", "on no network", "Still waiting."}},
		{"fine again", []session.Event{session.NobodyYet{Diagnosis: wrong}, session.NobodyYet{}}, []string{
			"Still waiting. Ctrl-C stops.\nNobody yet: This device's network looks fine. Check that the old phone is on the same network, and that it is searching.\n",
		}},
		{"lost", []session.Event{session.Waiting{}, session.NobodyYet{}}, []string{"It is not back yet.", "network looks fine"}},
		{"lost after that", []session.Event{session.NobodyYet{Diagnosis: wrong}, session.Waiting{}, session.NobodyYet{}}, []string{"It is not back yet.", "Still waiting."}},
		{"somebody looked", []session.Event{session.NobodyYet{Diagnosis: wrong}, session.Paired{}, session.NobodyYet{Diagnosis: wrong}}, []string{"code.\nNobody has come yet."}},
	} {
		c := newConsole(t)
		f := &face{c: c.command, waiting: true}
		for _, ev := range tt.events {
			f.event(ev)
		}
		got := c.shown(t)
		for _, w := range tt.want {
			if !strings.Contains(got, w) {
				t.Errorf("%s: %q", tt.name, got)
			}
		}
		if tt.want == nil && got != "" || strings.Contains(got, "ferry receive") {
			t.Errorf("%s: %q", tt.name, got)
		}
	}
}
