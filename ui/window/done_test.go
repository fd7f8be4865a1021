package window

import (
	"errors"
	"math"
	"net/url"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer/receipt"
	"github.com/ferry-move/ferry/ui/say"
	"github.com/ferry-move/ferry/ui/window/kit"
	"github.com/ferry-move/ferry/ui/window/kit/kittest"
)

// landed is a move that went well.
func landed(role flow.Role) flow.Snapshot {
	r := &flow.Result{
		Signed: true, Complete: true, Items: 3912, Here: 3912, Bytes: 18_400_000_000, SentItems: 3900, SentBytes: 18_100_000_000,
		Elapsed: 12*time.Minute + 3*time.Second, Receipt: "/home/ann/.config/ferry/receipts/20261122-141800-0badcafe.receipt", Erase: flow.EraseYes,
		Kinds: []flow.KindResult{
			{Kind: "contacts", Items: 412, Added: 400, Merged: 5, Skipped: 7, Bytes: 1e6},
			{Kind: "photos", Items: 3412, Added: 3412, Folders: 4, Bytes: 14_100_000_000},
			{Kind: "videos", Items: 88, Added: 88, Bytes: 4_300_000_000},
		},
	}
	s := flow.Snapshot{Screen: flow.Done, Role: role, Name: "Ship", Place: "/home/ann/Ferry", Peer: flow.Peer{Name: "Pixel 9"}, Result: r}
	if role == flow.NewPhone {
		r.Erase = flow.EraseAskOld
	}
	return s
}

// partly is a move that left something behind.
func partly(role flow.Role) flow.Snapshot {
	s := landed(role)
	r := s.Result
	r.Complete, r.Erase, r.ByHand, r.Here = false, flow.EraseByHand, 3, 3909
	r.Kinds[1].Added, r.Kinds[1].Failed, r.Kinds[1].Bytes = 3409, 3, 14_000_000_000
	name := func(n string) flow.Named { return flow.Named{Kind: "photos", Key: backup.Key("DCIM/Camera/" + n)} }
	r.NotMoved = []flow.Group{
		{Reason: backup.TooLarge, Count: 1, Names: []flow.Named{name("IMG_0001.dng")}},
		{Reason: backup.Unreadable, Count: 2, Names: []flow.Named{name("IMG_0002.jpg"), name("普通话.jpg")}},
	}
	r.Renamed = flow.Group{Count: 7, Names: []flow.Named{{Kind: "photos", Key: "DCIM/a:b.jpg", Name: "DCIM/a_b.jpg"}}}
	return s
}

func TestDone(t *testing.T) {
	left := partly(flow.OldPhone)
	for name, s := range map[string]flow.Snapshot{"done": landed(flow.OldPhone), "done-new": landed(flow.NewPhone), "done-partly": left} {
		t.Run(name, func(t *testing.T) { golden(t, name, s, nil) })
	}
	t.Run("not-moved", func(t *testing.T) {
		golden(t, "not-moved", left, func(f *face) { f.tap(f.words.Number("", "{{.Count}} items were not moved: why, and what to do", 3)) })
	})
	t.Run("done-saved", func(t *testing.T) {
		golden(t, "done-saved", left, func(f *face) {
			f.base.screen.(*done).tell(kit.Notice(kit.Fine, f.words.Say("A copy is saved"),
				f.words.Say("It is in {{.Folder}}, as {{.File}}.", say.Fields{"Folder": "/home/ann/Papers", "File": "20261122-141800-0badcafe.receipt"})))
		})
	})
}

// Each answer about erasing is one sentence, of its own, and right for the phone that
// it stands on.
func TestErase(t *testing.T) {
	type answer struct {
		flow.Erase
		flow.EraseWhy
	}
	no := flow.EraseNo
	f := newFace(t, landed(flow.OldPhone))
	for _, role := range []flow.Role{flow.OldPhone, flow.NewPhone} {
		seen := map[string]bool{}
		for a, want := range map[answer][2]string{
			{flow.EraseYes, 0}:            {"Yes: everything that Ferry found on this phone is on Pixel 9."},
			{flow.EraseByHand, 0}:         {"Not yet: 2 items are only on this phone", "Not yet: 2 items that were sent are only on the old phone."},
			{flow.EraseAskOld, 0}:         {"", "Look at the old phone first"},
			{no, flow.NotSigned}:          {"No: the phones have not agreed", "No: the phones have not agreed"},
			{no, flow.LeftOut}:            {"No: what was left out of this move is only on this phone.", "No: what was left out of this move is only on the old phone."},
			{no, flow.NotRead}:            {"No: a part of this phone could not be read"},
			{no, flow.NotSame}:            {"No: some of what arrived could not be checked.", "No: some of what arrived could not be checked."},
			{no, flow.NotKnownMoved}:      {"No: something may be missing", "No: something may be missing"},
			{no, flow.NotKnownMoved + 99}: {"No: ", "No: "}, // a reason that a later flow has
		} {
			want := want[role-flow.OldPhone]
			if want == "" { // this phone cannot come to it
				continue
			}
			s := landed(role)
			s.Result.Erase, s.Result.EraseWhy, s.Result.ByHand = a.Erase, a.EraseWhy, 2
			_, got := f.erase(s, s.Result)
			if !strings.HasPrefix(got, want) || a.EraseWhy <= flow.NotKnownMoved && seen[got] {
				t.Errorf("%v, %v: %q", role, a, got)
			}
			seen[got] = seen[got] || a.EraseWhy <= flow.NotKnownMoved
			if strings.HasPrefix(got, "Yes") != (a.Erase == flow.EraseYes) {
				t.Errorf("%v, %v: %q", role, a, got)
			}
			f.see(s)
			f.reads([]string{"Is it safe to erase the old phone?", strings.Join(strings.Fields(got), " ")})
		}
	}
	s := landed(flow.OldPhone)
	s.Peer.Name, s.Result.Erase, s.Result.ByHand = "", flow.EraseByHand, 1
	if _, got := f.erase(s, s.Result); got != "Not yet: 1 item is only on this phone, and everything else is on the new phone." {
		t.Error(got)
	}
}

func TestDoneReads(t *testing.T) {
	f := newFace(t, landed(flow.OldPhone))
	f.reads([]string{
		"Everything is on Pixel 9", "Both phones agree: 3,912 items, 18 GB, all checked.", "400 added, 5 merged, 7 there already", "3,412 · 14 GB", "4 folders",
		"18 GB went over in 12 min 3 s: 25 MB/s.", "0badcafe.receipt",
	}, "not moved", "Open the folder")
	s := landed(flow.OldPhone)
	s.Result.Erase, s.Result.EraseWhy = flow.EraseNo, flow.LeftOut
	f.see(s)
	f.reads([]string{"All that you chose is on Pixel 9"}, "Everything")
	s = landed(flow.OldPhone)
	s.Result.Kinds = append(s.Result.Kinds, flow.KindResult{Kind: "files", Folders: 2})
	f.see(s)
	f.reads([]string{"Files 2 folders"}, "Files 0")
	s = landed(flow.NewPhone)
	s.Result.Verified = true
	f.see(s)
	f.reads([]string{"All that was sent is here", "Everything there was read again.", "Open the folder with what arrived"}, "Everything is")
	s = partly(flow.OldPhone)
	s.Result.Declined = []receipt.Declined{{Kind: "videos", Items: 5, Bytes: 9}, {Kind: "music"}}
	s.Result.Kinds[1].Healed, s.Result.Kinds[1].Unsure = 2, 1
	s.Result.Differed.Count = 2
	f.see(s)
	f.reads([]string{
		"Not everything was moved", "Both phones agree: 3,909 of 3,912 items are on the new phone, 18 GB.", "2 moved by the check, 3 not moved, 1 could not be checked",
		"3 items were not moved", "7 items have other names there", "2 items differed and were sent again", "left out on the new phone",
	}, "all checked", "Music")
	s = landed(flow.OldPhone)
	s.Result.Complete, s.Result.Erase, s.Result.EraseWhy = false, flow.EraseNo, flow.NotSame
	s.Result.Err, s.Result.Receipt, s.Result.SentBytes = &session.UnverifiedError{Err: errors.New("x")}, "", 0
	f.see(s)
	f.reads([]string{"Not everything could be checked", "the verification was not finished"}, "Save receipt", "went over", "Copy the path")
	for _, r := range []*flow.Result{nil, {Complete: true, Erase: flow.EraseNo}} { // no account that both signed
		f.see(flow.Snapshot{Screen: flow.Start})
		f.see(flow.Snapshot{Screen: flow.Done, Role: flow.OldPhone, Result: r})
		f.reads([]string{"The move has ended", "No: ", "Finish"}, "agree:", "Everything", "Not everything")
	}
}

func TestDoneIntents(t *testing.T) {
	s := partly(flow.NewPhone)
	f := newFace(t, s)
	f.tap("3 items were not moved: why, and what to do")
	f.reads([]string{"Not moved", "still on the old phone", "It is too large for where it should go.", "Copy it by hand to another place.", "DCIM/Camera/IMG_0001.dng", "2 items"})
	f.see(s) // a draw does not close it
	f.key(fyne.KeyEscape)
	f.tap("7 items have other names there")
	f.reads([]string{"DCIM/a:b.jpg is now DCIM/a_b.jpg", "and 6 more; the receipt names them", "Nothing was overwritten."})
	f.key(fyne.KeyEscape)
	f.reads([]string{"Not everything was moved"})
	f.tap("Copy the path of the receipt")
	f.reads([]string{"The path is copied."})
	if got := f.app.Clipboard().Content(); got != s.Result.Receipt {
		t.Error(got)
	}
	f.wanted()
	f.tap("Run again: only what is new is sent")
	f.wanted("again")
	f.tap("Finish")
	f.wanted("finish")
	f.tap("3 items were not moved: why, and what to do")
	f.tap("Run again")
	f.wanted("again")
}

// opener is an app that notes what is opened.
type opener struct {
	fyne.App
	opened []string
	err    error
}

func (o *opener) OpenURL(u *url.URL) error {
	o.opened = append(o.opened, u.String())
	return o.err
}

func TestOpenFolder(t *testing.T) {
	s := landed(flow.NewPhone)
	s.Place = "/home/ann/Ferry & 100%"
	f := newFace(t, s)
	o := &opener{App: f.app}
	f.Window.app = o
	f.tap("Open the folder with what arrived")
	f.reads(nil, "could not")
	if len(o.opened) != 1 || o.opened[0] != "file:///home/ann/Ferry%20&%20100%25" {
		t.Errorf("%q", o.opened)
	}
	o.err = errors.New("no")
	f.tap("Open the folder with what arrived")
	f.reads([]string{"The folder could not be opened. It is /home/ann/Ferry & 100%."})
}

// No name and no number of reasons pushes a button away.
func TestDoneHostile(t *testing.T) {
	s := partly(flow.OldPhone)
	s.Peer.Name = strings.Repeat("\u202eW", 5000)
	s.Result.NotMoved = nil
	for i := range 32 {
		g := flow.Group{Reason: backup.Reason(i), Count: 1 << 40}
		for range 5 {
			g.Names = append(g.Names, flow.Named{Kind: backup.Kind(strings.Repeat("\n", 300)), Key: backup.Key(strings.Repeat("W\u202e", 150))})
		}
		s.Result.NotMoved = append(s.Result.NotMoved, g)
	}
	s.Result.Kinds = nil
	for range 64 {
		s.Result.Kinds = append(s.Result.Kinds, flow.KindResult{Kind: backup.Kind(strings.Repeat("W", 300)), Items: 1 << 60, Failed: 1 << 60, Bytes: math.MaxUint64})
	}
	f := newFace(t, s)
	check := func(what string) {
		t.Helper()
		kittest.Places(t, what, f.win.Content(), phone.Width)
		if top := f.page().BarTop(); top < 400 || top > 600 {
			t.Errorf("%s: the buttons are at %v", what, top)
		}
		if strings.Contains(f.text(), "\u202e") {
			t.Errorf("%s: it is shown raw", what)
		}
	}
	check("done")
	f.reads([]string{"9223 PB"}, "-9")
	f.tap(f.words.Number("", "{{.Count}} items were not moved: why, and what to do", 32<<40))
	check("not moved")
}
