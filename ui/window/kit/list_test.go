package kit

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/ferry-move/ferry/ui/window/kit/kittest"
)

// hundred is a list of 100,000 rows.
func hundred(thumbs *Thumbs) (l *List, on map[int]bool, asked *int) {
	on, asked = make(map[int]bool), new(int)
	return NewList(ListOptions{
		Len: func() int { return 100_000 }, Label: "Photos", Icon: Photos, Thumbs: thumbs,
		Item: func(i int) Item {
			*asked++
			return Item{Title: fmt.Sprintf("IMG_%06d.jpg", i), Detail: "4.2 MB", On: on[i]}
		},
		Toggle: func(i int) { on[i] = !on[i] },
	}), on, asked
}

// TestLongListMakesOneScreen: rows are made for what is seen, and used again.
func TestLongListMakesOneScreen(t *testing.T) {
	w, p := screen(t, Look{})
	l, _, asked := hundred(nil)
	made := 0
	create := l.CreateItem
	l.CreateItem = func() fyne.CanvasObject { made++; return create() }
	p.Fill(l, Title("Photos"))
	for i := range 100 {
		l.ScrollToOffset(float32(i) * 50_000)
	}
	l.ScrollToBottom()
	if !strings.Contains(kittest.Texts(w.Content()), "IMG_099999.jpg") {
		t.Errorf("the end of the list does not show its last row:\n%s", kittest.Texts(w.Content()))
	}
	if made > 30 || *asked > 100*30 {
		t.Errorf("%d rows were made and %d asked for", made, *asked)
	}
	if n := len(kittest.Everything(w.Content())); n > 300 {
		t.Errorf("%d objects are on the page", n)
	}
}

func TestListRowsAreChecked(t *testing.T) {
	w, p := screen(t, Look{})
	backs := 0
	p.Back("Back", func() { backs++ })
	l, on, _ := hundred(nil)
	p.Fill(l)
	var row fyne.CanvasObject
	var pos fyne.Position
	for _, found := range kittest.Everything(w.Content()) {
		if r, ok := found.O.(*listRow); ok && strings.Contains(r.label, "IMG_000002") {
			row, pos = r, found.Pos
		}
	}
	test.TapCanvas(w.Canvas(), pos.AddXY(row.Size().Width/2, row.Size().Height/2))
	if !on[2] || row.(*listRow).box.glyph != boxOn {
		t.Errorf("a tap on the third row checked %v; its box is %s", on, row.(*listRow).box.glyph)
	}
	w.Canvas().Focus(l)
	for _, k := range []fyne.KeyName{fyne.KeyDown, fyne.KeyReturn, fyne.KeyDown, fyne.KeySpace, fyne.KeySpace, fyne.KeyEscape} {
		l.TypedKey(key(k))
	}
	if len(on) < 2 || backs != 1 {
		t.Errorf("the keys checked %v, and led back %d times", on, backs)
	}
	l.TypedKey(key(fyne.KeyEnd))
	if !strings.Contains(kittest.Texts(w.Content()), "IMG_099999") {
		t.Error("End does not show the end")
	}
	l.TypedKey(key(fyne.KeyHome))
	l.TypedKey(key(fyne.KeyPageDown))
	if l.GetScrollOffset() <= 0 {
		t.Error("PageDown does not scroll")
	}
}

// TestListKeysCheckWhatIsSeen: the page keys, Home and End take the ring along,
// and what is checked is the row in it, wherever the pointer is.
func TestListKeysCheckWhatIsSeen(t *testing.T) {
	w, p := screen(t, Look{})
	l, on, _ := hundred(nil)
	p.Fill(l)
	ringed := func() (label string, at fyne.Position) {
		for _, found := range kittest.Everything(w.Content()) {
			if r, ok := found.O.(*listRow); ok && !r.edge.Hidden {
				if label != "" {
					t.Errorf("%s and %s have a ring", label, r.label)
				}
				label, at = r.label, found.Pos
			}
		}
		return label, at
	}
	w.Canvas().Focus(l)
	for _, c := range []struct {
		key  fyne.KeyName
		row  int // -1 = in the middle
		name string
	}{
		{fyne.KeyPageUp, 0, "at the beginning"}, {fyne.KeyEnd, 99_999, "to the end"}, {fyne.KeyDown, 99_999, "at the end"},
		{fyne.KeyPageDown, 99_999, "at the end"}, {fyne.KeyPageUp, -1, "a page up"}, {fyne.KeyHome, 0, "to the beginning"},
		{fyne.KeyUp, 0, "at the beginning"}, {fyne.KeyPageDown, -1, "a page down"}, {fyne.KeyPageDown, -1, "another page down"},
	} {
		clear(on)
		l.TypedKey(key(c.key))
		label, at := ringed()
		test.MoveMouse(w.Canvas(), at.AddXY(20, -40)) // another row
		if now, _ := ringed(); now != label {
			t.Errorf("%s: the pointer took the ring from %q to %q", c.name, label, now)
		}
		l.TypedKey(key(fyne.KeySpace))
		if len(on) != 1 {
			t.Fatalf("%s: %v are checked", c.name, on)
		}
		for i := range on {
			if !strings.Contains(label, fmt.Sprintf("IMG_%06d.jpg", i)) {
				t.Errorf("%s: row %d is checked and the ring is on %q", c.name, i, label)
			}
			if c.row >= 0 && i != c.row || c.row < 0 && (i == 0 || i == 99_999) {
				t.Errorf("%s: it goes to row %d", c.name, i)
			}
		}
	}
}

// TestListThatShrinks: a list that became shorter while it was scrolled asks for
// no row that is gone.
func TestListThatShrinks(t *testing.T) {
	_, p := screen(t, Look{})
	n := 1000
	l := NewList(ListOptions{
		Len: func() int { return n },
		Item: func(i int) Item {
			if i >= n {
				t.Errorf("row %d of %d is asked for", i, n)
			}
			return Item{Title: "x"}
		},
	})
	p.Fill(l)
	l.ScrollToBottom()
	n = 3
	l.Refresh()
	l.Select(2)
	l.TypedKey(key(fyne.KeySpace))
}

// TestListShowsThumbs: a row's picture comes when it is ready.
func TestListShowsThumbs(t *testing.T) {
	w, p := screen(t, Look{})
	begin, ready := make(chan struct{}), make(chan struct{}, 1)
	th := NewThumbs(func(string) (io.ReadSeekCloser, int64, error) {
		<-begin
		b := picture(t, "png", 300, 200)
		return file{bytes.NewReader(b)}, int64(len(b)), nil
	}, func() { ready <- struct{}{} })
	defer th.Close()
	l := NewList(ListOptions{
		Len: func() int { return 1 }, Item: func(int) Item { return Item{Title: "a.png", Thumb: "a"} }, Thumbs: th, Icon: Photos,
	})
	p.Fill(l)
	row := kittest.Find[*listRow](w.Content())[0]
	if row.pic.Visible() || !row.icon.Visible() {
		t.Error("there is a picture before it is made")
	}
	close(begin)
	<-ready
	l.Refresh()
	if !row.pic.Visible() || row.icon.Visible() || row.pic.Image == nil {
		t.Error("the picture is not shown")
	}
}

func BenchmarkListScroll(b *testing.B) {
	_, p := screen(b, Look{})
	l, _, _ := hundred(nil)
	p.Fill(l)
	for i := 0; b.Loop(); i++ {
		l.ScrollToOffset(float32(i%5000) * 1000)
	}
}

// TestListOpens: a row that leads somewhere has a chevron at its end, and no box.
func TestListOpens(t *testing.T) {
	w, p := screen(t, Look{})
	opened := -1
	l := NewList(ListOptions{Len: func() int { return 3 }, Item: func(int) Item { return Item{Title: "Galaxy"} }, Toggle: func(i int) { opened = i }, Opens: true})
	p.Fill(l)
	row := kittest.Find[*listRow](w.Content())[0]
	if row.box.glyph != Chevron || row.box.Position().X < row.Size().Width/2 || row.title.Position().X > 30 {
		t.Errorf("%s at %v, the title at %v", row.box.glyph, row.box.Position(), row.title.Position())
	}
	l.Select(2)
	if opened != 2 {
		t.Errorf("row %d was opened", opened)
	}
}

// TestListShowsItsFocus: the row that the keys are on has a ring, and no other row.
func TestListShowsItsFocus(t *testing.T) {
	w, p := screen(t, Look{})
	l, _, _ := hundred(nil)
	p.Fill(l)
	check := func(want string) {
		t.Helper()
		got := ""
		for _, r := range kittest.Find[*listRow](w.Content()) {
			if r.edge.Visible() {
				got += r.title.Text
			}
		}
		if got != want {
			t.Errorf("the keys are on %q, not on %q", got, want)
		}
	}
	check("")
	w.Canvas().Focus(l)
	check("IMG_000000.jpg")
	for range 3 {
		l.TypedKey(key(fyne.KeyDown))
	}
	check("IMG_000003.jpg")
	l.ScrollToOffset(50_000) // its row is used for another one
	check("")
	l.ScrollToTop()
	check("IMG_000003.jpg")
	w.Canvas().Unfocus()
	check("")
}
