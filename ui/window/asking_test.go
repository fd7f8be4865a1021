package window

import (
	"fmt"
	"strings"
	"testing"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/ui/window/kit"
	"github.com/ferry-move/ferry/ui/window/kit/kittest"
)

// offered is a new phone whose person is asked.
func offered() flow.Snapshot {
	return flow.Snapshot{
		Screen: flow.Asking, Role: flow.NewPhone, Name: "Pixel 9", Place: "/home/ada/Ferry", Free: -1,
		Peer: flow.Peer{Name: "Galaxy A55"},
		Offer: &flow.Offer{
			Kinds: []transfer.OfferedKind{
				{Kind: "contacts", Items: 412, Bytes: 1_200_000, Supported: true},
				{Kind: "photos", Items: 3412, Bytes: 14_100_000_000, Folders: 12, Supported: true},
				{Kind: "music", Items: 0, Supported: true},
				{Kind: "apps", Items: 31, Cannot: 2, Bytes: 2_200_000_000, Supported: true},
				{Kind: "stickers", Items: 90, Bytes: 12_000_000},
			},
			Items: 3945, Bytes: 16_301_200_000, Free: 41_000_000_000, Already: 2_000_000_000, Verify: true,
		},
	}
}

func TestAsking(t *testing.T) {
	s := offered()
	s.Offer.Kinds = s.Offer.Kinds[1:]
	golden(t, "asking", s, nil)
}

// toggle taps the row of a kind.
func (f *face) toggle(title string) {
	f.t.Helper()
	for _, r := range kittest.Find[*kit.KindRow](f.win.Content()) {
		if strings.HasPrefix(r.AccessibilityLabel(), title) {
			r.Tapped(&fyne.PointEvent{})
			return
		}
	}
	f.t.Fatalf("there is no kind %q", title)
}

func TestAskingAnswers(t *testing.T) {
	f := newFace(t, offered())
	f.tap("Accept")
	f.wanted("answer true []")
	f.toggle("Photos")
	f.tap("Accept")
	f.wanted("answer true [contacts music apps]")
	f.tap("Refuse")
	f.wanted("answer false []")
}

// A key that was meant for the page before accepts and refuses nothing.
func TestAskingByKeys(t *testing.T) {
	f := newFace(t, offered())
	f.key(fyne.KeyReturn, fyne.KeySpace)
	f.wanted()
	f.key(fyne.KeyEscape)
	f.wanted()
	f.key(fyne.KeyEscape) // no
	f.wanted()
	f.key(fyne.KeyEscape)
	f.tap("Go on choosing")
	f.wanted()
	f.key(fyne.KeyEscape)
	overlay := f.win.Canvas().Overlays().Top()
	for _, b := range kittest.Find[*kit.Button](overlay) {
		if b.Text() == "Refuse" {
			b.Tapped(nil)
		}
	}
	f.wanted("answer false []")
}

// The question goes with the offer.
func TestAskingIsWithdrawn(t *testing.T) {
	f := newFace(t, offered())
	f.key(fyne.KeyEscape)
	if f.win.Canvas().Overlays().Top() == nil {
		t.Fatal("Esc asks nothing")
	}
	f.see(awaiting(t))
	if f.win.Canvas().Overlays().Top() != nil {
		t.Error("the question is still there")
	}
	f.key(fyne.KeyEscape)
	f.wanted("leave") // the keys are those of the page that is seen
}

func TestAskingCounts(t *testing.T) {
	f := newFace(t, offered())
	for _, want := range []string{"Galaxy A55 wants", "3,855 items, 16 GB", "14 GB of 41 GB free", "2 items cannot move", "stickers", "Up to 2.0 GB"} {
		if !strings.Contains(strings.ReplaceAll(f.text(), "\n", " "), want) {
			t.Errorf("%q is not said:\n%s", want, f.text())
		}
	}
	f.toggle("Photos")
	for _, want := range []string{"443 items, 2.2 GB", "201 MB of 41 GB free"} {
		if !strings.Contains(f.text(), want) {
			t.Errorf("%q is not said without photos:\n%s", want, f.text())
		}
	}
	for _, k := range []string{"Contacts", "Apps"} {
		f.toggle(k)
	}
	if !strings.Contains(f.text(), "Nothing comes") || !f.button("Accept").Disabled() {
		t.Errorf("nothing is on, and may be accepted:\n%s", f.text())
	}
	f.tap("Accept")
	f.wanted()
}

// What does not fit cannot be accepted until it does.
func TestAskingLacksRoom(t *testing.T) {
	s := offered()
	s.Offer.Free = 10_000_000_000
	f := newFace(t, s)
	if text := strings.ReplaceAll(f.text(), "\n", " "); !strings.Contains(text, "lacks 4.3 GB") || !f.button("Accept").Disabled() {
		t.Errorf("the lack is not said:\n%s", text)
	}
	f.toggle("Photos")
	if strings.Contains(f.text(), "lacks") || f.button("Accept").Disabled() {
		t.Errorf("it fits now:\n%s", f.text())
	}
	s = offered()
	s.Offer.Free = -1
	f = newFace(t, s)
	if strings.Contains(f.text(), "Room on this phone") || f.button("Accept").Disabled() {
		t.Errorf("nobody knows the room here:\n%s", f.text())
	}
}

// Kinds that did not fit come with all others, or not at all, and that is said.
func TestAskingMoreKinds(t *testing.T) {
	s := offered()
	s.Offer.MoreKinds, s.Offer.Bytes = 3, 20_000_000_000
	f := newFace(t, s)
	if text := strings.ReplaceAll(f.text(), "\n", " "); !strings.Contains(text, "They come too") || !strings.Contains(text, "20 GB") {
		t.Errorf("they come too:\n%s", text)
	}
	f.toggle("Photos")
	if text := strings.ReplaceAll(f.text(), "\n", " "); !strings.Contains(text, "They stay") || strings.Contains(text, "They come") {
		t.Errorf("they stay:\n%s", text)
	}
	f.tap("Accept")
	f.wanted("answer true [contacts music apps]")
	f.toggle("Photos")
	f.tap("Accept")
	f.wanted("answer true []")
}

// What the old phone says of itself pushes no button off the screen (SEC-11).
func TestAskingHostile(t *testing.T) {
	s := offered()
	bad := "\u202e\x1b[2J\n" + strings.Repeat("n", 10<<10)
	s.Peer.Name = bad
	for i := range 60 {
		s.Offer.Kinds = append(s.Offer.Kinds, transfer.OfferedKind{Kind: backup.Kind(fmt.Sprint(i, bad)), Items: 1 << 63, Bytes: 1 << 63})
	}
	f := newFace(t, s)
	kittest.Places(t, "hostile", f.win.Content(), phone.Width)
	if b := f.button("Accept"); fyne.CurrentApp().Driver().AbsolutePositionForObject(b).Y+b.Size().Height > phone.Height {
		t.Error("the button is below the screen")
	}
	if strings.ContainsAny(f.text(), "\u202e\x1b") || len(f.text()) > 4000 {
		t.Errorf("%d bytes:\n%.200q", len(f.text()), f.text())
	}
}
