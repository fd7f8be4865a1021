package window

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/p2p/pairing"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/pace"
	"github.com/ferry-move/ferry/transfer/receipt"
	"github.com/ferry-move/ferry/ui/say"
)

var infos = map[backup.Kind]backup.Info{
	"contacts": {Kind: "contacts", Title: "Contacts", One: "contact", Many: "contacts", Entities: true},
	"photos":   {Kind: "photos", Title: "Photos", One: "photo", Many: "photos"},
}

func code(t *testing.T, text string) pairing.Code {
	t.Helper()
	c, err := pairing.ParseCode(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func offer() transfer.Offer {
	return transfer.Offer{
		Peer: receipt.Side{Name: "Galaxy S8"}, Free: 41e9,
		Kinds: []transfer.OfferedKind{
			{Kind: "contacts", Items: 412, Bytes: 90e3, Supported: true},
			{Kind: "photos", Items: 3412, Bytes: 14.1e9, Cannot: 2, Supported: true},
			{Kind: "x.stars", Items: 3, Bytes: 100},
			{Kind: "music"},
		},
	}
}

func report(complete bool) *transfer.Report {
	r := &transfer.Report{Receipt: []byte("x"), Kinds: []receipt.Kind{
		{Kind: "contacts", Items: 412, Added: 400, Merged: 12, Bytes: 90e3},
		{Kind: "photos", Items: 3412, Added: 3000, Skipped: 412, Bytes: 14.1e9},
	}}
	if !complete {
		r.Kinds[1].Added, r.Kinds[1].Failed = 2998, 2
	}
	return r
}

func waiting(t *testing.T) State {
	s := ready("/home/me/Ferry", infos).event(session.Ready{Name: "Pixel 9", Addrs: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.7:4242")}})
	return s.event(session.Code{Code: code(t, "742 9163"), Expires: time.Date(2026, 1, 2, 14, 32, 0, 0, time.Local), Why: pairing.First})
}

// A link that is lost puts the code on the screen again, and a move that goes on
// takes it off. Items are told anew.
func TestStateWaitsForALink(t *testing.T) {
	moving := ready("/f", infos).offered(offer()).answered(true).event(session.Accepted{})
	moving = moving.event(session.Item{Kind: "photos", Key: "DCIM/a.jpg", Reason: backup.Unreadable})
	s := moving.event(session.Waiting{Agreed: true}).event(session.Code{Code: code(t, "111 2222"), Why: pairing.Paired})
	if s.Screen != Waiting || s.Notice == "" || s.Code.IsZero() {
		t.Errorf("while it waits: %+v", s)
	}
	if !strings.Contains(s.Notice, "by itself") {
		t.Errorf("after a yes: %q", s.Notice)
	}
	s = s.event(session.Back{Agreed: true})
	if s.Screen != Moving || s.Notice != "" || len(s.left) != 0 {
		t.Errorf("when it goes on: %+v", s)
	}
	s = ready("/f", infos).offered(offer()).answered(true).paused(true).event(session.Waiting{Agreed: true})
	if !s.Paused || !strings.Contains(s.Notice, "You have paused") {
		t.Errorf("paused, %v: %q", s.Paused, s.Notice)
	}
	if s = s.event(session.Back{Agreed: true}); !s.Paused || s.Screen != Moving {
		t.Errorf("paused, back: %v on screen %d", s.Paused, s.Screen)
	}
	s = s.event(session.Waiting{Agreed: true}).event(session.Done{Report: report(true), Err: session.ErrReplaced}).offered(offer()).answered(true)
	if !s.Paused { // the old phone was started again
		t.Error("a move in the place of a paused one is not paused")
	}
	if s = s.event(session.Done{Report: report(true)}); s.Paused {
		t.Error("paused when it is over")
	}
	s = ready("/f", infos).offered(offer()).event(session.Waiting{})
	if s.Screen != Waiting || s.Offer != nil || !strings.HasSuffix(s.Notice, "you are asked again.") {
		t.Errorf("an offer whose device is gone: %+v", s)
	}
	if s = s.event(session.Back{}); s.Screen != Waiting {
		t.Errorf("before it is asked again: %+v", s)
	}
}

func TestStateGoesThroughAMove(t *testing.T) {
	s := ready("/home/me/Ferry", infos)
	step := func(what string, next State, want Screen) {
		t.Helper()
		if s = next; s.Screen != want {
			t.Fatalf("after %s the screen is %d, want %d", what, s.Screen, want)
		}
	}
	step("ready", s.event(session.Ready{Name: "Pixel 9"}), Starting)
	step("a code", s.event(session.Code{Code: code(t, "742 9163"), Why: pairing.First}), Waiting)
	step("pairing", s.event(session.Paired{}), Waiting)
	step("an offer", s.offered(offer()), Asking)
	if !s.Code.IsZero() {
		t.Error("a code that was used is still there")
	}
	step("an early reading", s.moved(pace.View{Progress: transfer.Progress{Items: 1}}), Asking)
	step("yes", s.answered(true), Moving)
	step("a second answer", s.answered(false), Moving)
	step("acceptance", s.event(session.Accepted{}), Moving)
	step("a reading", s.moved(pace.View{Progress: transfer.Progress{Items: 9, DoneItems: 3}}), Moving)
	step("a failure", s.event(session.Item{Kind: "photos", Key: "DCIM/a.jpg", Reason: backup.Unreadable}), Moving)
	step("another name", s.event(session.Item{Kind: "photos", Key: "DCIM/b.jpg", Name: "DCIM/b (1).jpg"}), Moving)
	step("the end", s.event(session.Done{Report: report(false), ReceiptPath: "/r/1.receipt"}), Ended)
	r := s.Result
	step("the next code", s.event(session.Code{Code: code(t, "111 2222"), Why: pairing.Paired}), Ended)
	step("a late reading", s.moved(pace.View{Progress: transfer.Progress{Items: 1}}), Ended)
	if s.Result != r {
		t.Error("the next code replaced the result")
	}
	step("being read", s.dismissed(), Waiting)
	if !s.Code.Equal(code(t, "111 2222")) || s.Result != nil {
		t.Error("after the result the next code is not there")
	}

	want := &Result{
		Title:    "Not everything was moved",
		Sentence: "Both phones agree: 3,822 of 3,824 items are here, 14 GB. Keep the old phone until you have moved the rest.",
		Rows:     []Row{{"Contacts", "400 added, 12 merged"}, {"Photos", "2,998 added, 412 already here, 2 not moved"}},
		Left:     []Group{{backup.Unreadable, 1, []string{"DCIM/a.jpg"}}},
		Kept:     Group{0, 1, []string{"DCIM/b.jpg is now DCIM/b (1).jpg"}},
		Receipt:  "/r/1.receipt",
	}
	if !reflect.DeepEqual(r, want) {
		t.Errorf("result:\n got %+v\nwant %+v", r, want)
	}
}

func TestOffer(t *testing.T) {
	got := waiting(t).offered(offer()).Offer
	want := &Offer{From: "Galaxy S8", Sum: "14 GB (41 GB are free here)", Rows: []Row{
		{"Contacts", "412 contacts, 90 kB"},
		{"Photos", "3,412 photos, 14 GB; 2 cannot move"},
		{"x.stars", "3 items, 100 B: stays on the old phone, this device does not know that kind"},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("offer:\n got %+v\nwant %+v", got, want)
	}
	o := offer()
	o.Free = -1
	if got := waiting(t).offered(o).Offer.Sum; got != "14 GB" {
		t.Errorf("without a known space: %q", got)
	}
}

func TestEnds(t *testing.T) {
	moving := waiting(t).offered(offer()).answered(true)
	for _, c := range []struct {
		name string
		done session.Done
		want Result
	}{
		{"complete", session.Done{Report: report(true)}, Result{Complete: true, Title: "Everything is here",
			Sentence: "Both phones agree: 3,824 items, 14 GB, all checked.",
			Rows:     []Row{{"Contacts", "400 added, 12 merged"}, {"Photos", "3,000 added, 412 already here"}}}},
		{"a kind left out", session.Done{Report: &transfer.Report{Receipt: []byte("x"), Declined: []receipt.Declined{{Kind: "photos", Items: 2}}}},
			Result{Title: "Not everything was moved", Rows: []Row{{"Photos", "2 photos left on the old phone"}},
				Sentence: "Both phones agree: 0 of 2 items are here, 0 B. Keep the old phone until you have moved the rest."}},
		{"broken", session.Done{Report: &transfer.Report{}, Err: fmt.Errorf("lane: %w", transfer.ErrLinkLost)},
			Result{Broken: true, Title: "The move has stopped", Sentence: say.Error(transfer.ErrLinkLost).String()}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := moving.event(c.done)
			if s.Screen != Ended || !reflect.DeepEqual(*s.Result, c.want) {
				t.Errorf("screen %d\n got %+v\nwant %+v", s.Screen, *s.Result, c.want)
			}
		})
	}
}

func TestRefusalIsNoNews(t *testing.T) {
	s := waiting(t).offered(offer()).answered(false)
	s = s.event(session.Done{Report: &transfer.Report{}, Err: errors.New("refused")})
	if s.Screen != Waiting || s.Result != nil || s.Notice == "" {
		t.Errorf("after a refusal: %+v", s)
	}
	s = s.offered(offer()).event(session.Done{Report: &transfer.Report{}, Err: context.Canceled})
	if s.Screen != Ended {
		t.Error("the next move's end is not told")
	}
}

func TestNotices(t *testing.T) {
	s := waiting(t)
	if s.Notice != "" {
		t.Errorf("the first code comes with %q", s.Notice)
	}
	for _, ev := range []session.Event{session.WrongCode{TriesLeft: 1}, session.Code{Why: pairing.UsedUp}, session.Code{Why: pairing.Expired}, session.Paired{}} {
		next := s.event(ev)
		if next.Notice == "" || next.Notice == s.Notice {
			t.Errorf("%T %+v: notice %q after %q", ev, ev, next.Notice, s.Notice)
		}
		s = next
	}
}

func TestStopped(t *testing.T) {
	s := waiting(t).stopped(pairing.ErrTooManyTries)
	if s.Screen != Stopped || !s.Code.IsZero() || s.Problem != say.Error(pairing.ErrTooManyTries) {
		t.Errorf("%+v", s)
	}
	if p := waiting(t).stopped(nil).Problem; p.What == "" {
		t.Error("nothing is said when there is no error")
	}
}

func TestForeignTextsAreCutAndHarmless(t *testing.T) {
	long := strings.Repeat("n", 10<<10) + "\x1b[2J\u202e"
	bad := "\n\x1b[2J\u202e" + long
	o := transfer.Offer{Peer: receipt.Side{Name: bad}, Free: -1}
	for i := range 500 {
		o.Kinds = append(o.Kinds, transfer.OfferedKind{Kind: backup.Kind(fmt.Sprint(i, bad)[:backup.MaxKind]), Items: 1})
	}
	s := waiting(t).event(session.Ready{Name: bad}).offered(o).event(session.Item{Key: backup.Key(bad), Reason: 99})
	texts := []string{s.Name, s.Offer.From, s.Offer.Sum, s.left[0].Names[0]}
	if len(s.Offer.Rows) != maxKinds {
		t.Errorf("%d rows", len(s.Offer.Rows))
	}
	for _, r := range s.Offer.Rows {
		texts = append(texts, r.Title, r.Detail)
	}
	for _, text := range texts {
		if n := len([]rune(text)); n > 320 {
			t.Errorf("%d characters: %.40q…", n, text)
		}
		if strings.ContainsAny(text, "\n\x1b\u202e") {
			t.Errorf("control characters in %q", text)
		}
	}
	if got := nameOf(" \t"); got == "" || strings.TrimSpace(got) != got {
		t.Errorf("no name is shown as %q", got)
	}
}

func TestItemNotesStayBounded(t *testing.T) {
	before := waiting(t).offered(offer()).answered(true)
	s := before
	for i := range 500 {
		s = s.event(session.Item{Kind: "photos", Key: backup.Key(fmt.Sprint(i)), Reason: backup.Reason(i % 40)}) // a newer device's reasons too
	}
	if len(s.left) > maxGroups {
		t.Errorf("%d groups, at most %d", len(s.left), maxGroups)
	}
	total := s.kept.Count
	for _, g := range append(s.left, s.kept) {
		if len(g.Names) > maxNames {
			t.Errorf("reason %d has %d names", g.Reason, len(g.Names))
		}
	}
	for _, g := range s.left {
		total += g.Count
	}
	if total != 500 {
		t.Errorf("%d of 500 items are counted", total)
	}
	if len(before.left) != 0 || before.kept.Count != 0 {
		t.Error("an earlier state changed")
	}
}

func TestProgressLine(t *testing.T) {
	moving := transfer.Progress{Phase: transfer.PhaseMove, Items: 10, DoneItems: 2, Bytes: 1e6, DoneBytes: 25e4}
	paused := moving
	paused.Waiting = transfer.WaitPauseThere
	lost := moving
	lost.Waiting, lost.Paused, lost.Silent = transfer.WaitLink, transfer.WaitPause, 7*time.Second
	finishing := transfer.Progress{Phase: transfer.PhaseFinish, Items: 10, DoneItems: 10, Bytes: 1e6, DoneBytes: 1e6}
	for want, v := range map[string]pace.View{
		"Getting ready …":                                   {Progress: transfer.Progress{Phase: transfer.PhaseAsk}},
		"2 of 10 items, 250 kB of 1.0 MB":                   {Progress: moving},
		"2 of 10 items, 250 kB of 1.0 MB: 3–5 minutes left": {Progress: moving, Left: pace.Range{Low: 3 * time.Minute, High: 5 * time.Minute}},
		"2 of 10 items, 250 kB of 1.0 MB. Paused on the other phone. What has arrived is safe. It goes on when somebody there lets it.":   {Progress: paused},
		"2 of 10 items, 250 kB of 1.0 MB. Paused here. Nothing heard from the other phone for 7 s. Bring the two phones closer together.": {Progress: lost},
		"10 of 10 items, 1.0 MB of 1.0 MB: making the last ones safe":                                                                     {Progress: finishing},
	} {
		if got := progressLine(v); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
