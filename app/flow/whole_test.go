package flow

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/mobile"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/p2p/pairing"
)

// until reads snapshots as a face does, until one is as it should be.
func until(t *testing.T, f *Flow, what string, is func(Snapshot) bool) Snapshot {
	t.Helper()
	tick := time.NewTicker(meterEvery / 4)
	defer tick.Stop()
	late := time.After(2 * time.Minute)
	for {
		s := f.Snapshot()
		if is(s) {
			return s
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%s: at %v, %v", what, s.Screen, s.Err)
		}
	}
}

func on(screen Screen) func(Snapshot) bool {
	return func(s Snapshot) bool { return s.Screen == screen }
}

// Two real devices on loopback: a wrong code, a refusal, a move, and the same again.
func TestWhole(t *testing.T) {
	into := filepath.Join(t.TempDir(), "new")
	phone := fakephone.New(fakephone.Config{Seed: 1})
	old := New(Options{
		Home: t.TempDir(), Name: "Old", Loopback: true,
		OpenSource: func(context.Context, string, session.SourceOptions) (mobile.Device, error) { return phone, nil },
	})
	defer old.Close()
	young := New(Options{Home: t.TempDir(), Name: "New", Loopback: true})
	defer young.Close()
	young.BeNew(into)
	wait := until(t, young, "a code", on(Wait))
	old.BeOld("phone")
	until(t, old, "a search", on(Find))
	old.GoTo(wait.Addrs[0].String())
	wrong := "0000000"
	if wait.Code.Digits() == wrong {
		wrong = "0000001"
	}
	old.TypeCode(wrong)
	until(t, old, "a wrong code", func(s Snapshot) bool { return s.Wrong == 1 && s.TriesLeft == pairing.TriesPerCode-1 })
	if s := until(t, young, "its notice", func(s Snapshot) bool { return s.Notice.Kind == CodeWrong }); s.Notice.TriesLeft != pairing.TriesPerCode-1 {
		t.Fatalf("%+v", s.Notice)
	}
	old.TypeCode(wait.Code.Digits())
	answerAll(t, old, young, false)
	if s := until(t, old, "its end", on(Problem)); s.Result != nil {
		t.Fatalf("%+v", s.Result)
	}
	until(t, young, "a wait", func(s Snapshot) bool { return s.Screen == Wait && s.Notice.Kind == Refused })
	for run := range 2 {
		old.Again()
		until(t, old, "the code's turn", on(Code))
		shown := until(t, young, "another code", func(s Snapshot) bool {
			return s.Screen == Wait && !s.Code.IsZero() && !s.Code.Equal(wait.Code)
		})
		wait = shown
		old.TypeCode(shown.Code.Reveal())
		answerAll(t, old, young, true)
		there, here := until(t, young, "the end there", on(Done)), until(t, old, "the end here", on(Done))
		a, b := here.Result, there.Result
		if !a.Complete || a.Erase != EraseYes || b.Erase != EraseAskOld || a.Items == 0 || a.Items != b.Items || a.Bytes != b.Bytes || len(a.Kinds) != len(b.Kinds) {
			t.Fatalf("%+v\n%+v", a, b)
		}
		if (a.SentItems == 0) != (run == 1) || here.Progress.Part != 1 {
			t.Fatalf("run %d sent %d items, and %v of all is done", run, a.SentItems, here.Progress.Part)
		}
		for _, path := range []string{a.Receipt, b.Receipt} {
			if _, err := os.Stat(path); err != nil {
				t.Fatal(err)
			}
		}
		young.Again()
	}
}

// answerAll goes on from the code, over what to move where that is asked, to the
// answer at the new phone.
func answerAll(t *testing.T, old, young *Flow, yes bool) {
	t.Helper()
	until(t, young, "an offer", func(s Snapshot) bool {
		old.Move()
		return s.Screen == Asking
	})
	var kinds []backup.Kind
	for _, k := range young.Snapshot().Offer.Kinds {
		kinds = append(kinds, k.Kind)
	}
	young.Answer(yes, kinds)
}
