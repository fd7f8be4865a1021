package kit

import (
	"strings"
	"testing"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/ui/window/kit/kittest"
)

// TestBeside: details stand beside the body where there is room, and over the page
// where there is not; Esc closes them first, and then leads back.
func TestBeside(t *testing.T) {
	w, p := screen(t, Look{})
	var done []string
	p.Back("Leave", func() { done = append(done, "leave") })
	p.Show(Title("Body"))
	p.Buttons(NewButton("Next", Primary, nothing))
	long := NewList(ListOptions{Len: func() int { return 1000 }, Item: func(int) Item { return Item{Title: "row"} }})
	p.Beside("Close", func() { done = append(done, "close"); p.Alone() }, long, Title("Details"))
	seen := func(want bool, texts ...string) {
		t.Helper()
		all := "\n" + kittest.Texts(w.Content())
		for _, text := range texts {
			if strings.Contains(all, "\n"+text+"\n") != want {
				t.Errorf("%q is seen: %v\n%s", text, !want, all)
			}
		}
	}
	left := func(text string) float32 {
		for _, found := range kittest.Everything(w.Content()) {
			if l, ok := found.O.(interface{ AccessibilityLabel() string }); ok && l.AccessibilityLabel() == text {
				return found.Pos.X
			}
		}
		return -1
	}
	seen(true, "Details", "Close", "row")
	seen(false, "Body", "Leave", "Next")
	w.Resize(fyne.NewSize(1000, 700))
	seen(true, "Details", "Close", "row", "Body", "Leave", "Next")
	if l, r := left("Leave"), left("Close"); l < 0 || l > 499 || r < 500 {
		t.Errorf("the heads begin at %v and %v", l, r)
	}
	kittest.Places(t, "beside", w.Content(), 1000)
	w.Resize(small360)
	seen(false, "Body", "Leave", "Next")
	p.TypedKey(key(fyne.KeyEscape))
	seen(true, "Body", "Leave", "Next")
	seen(false, "Details", "row")
	p.TypedKey(key(fyne.KeyEscape))
	if strings.Join(done, " ") != "close leave" {
		t.Errorf("%q", done)
	}
	p.Fill(long, Title("All"))
	p.Beside("Close", nothing, Caption("small"))
	seen(false, "All", "row")
	p.Alone()
	seen(true, "All", "row", "Next")
}

// TestSome: a tap on what is partly chosen chooses the rest.
func TestSome(t *testing.T) {
	_, p := screen(t, Look{})
	var got []bool
	r := NewKindRow(Kind{Title: "Photos", On: true, Some: true}, func(on bool) { got = append(got, on) }, nil)
	p.Show(r)
	if r.On() || r.box.glyph != boxSome {
		t.Errorf("it is on: %v, with %s", r.On(), r.box.glyph)
	}
	r.Tapped(nil)
	r.Tapped(nil)
	if len(got) != 2 || !got[0] || got[1] || r.box.glyph != boxOff {
		t.Errorf("taps gave %v, and %s", got, r.box.glyph)
	}
}
