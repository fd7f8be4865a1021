package kit

import (
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"

	"github.com/ferry-move/ferry/ui/window/kit/kittest"
)

// besides is a page with two columns.
func besides(t *testing.T, over bool) (w fyne.Window, p *Page, body, side *widget.Label) {
	t.Helper()
	w, p = screen(t, Look{Scheme: Light})
	body, side = Sentence("Waiting for your old phone"), Sentence("Nobody comes?")
	p.Back("Back", nothing)
	p.Show(body, Card(16, Point(Folder, "Where things go", "/home/ada/Ferry")))
	p.Aside(over, side, Card(16, Point(WiFi, "The same Wi-Fi", "Look in the settings of both phones.", Sentence("home-wifi", Bold))))
	return w, p, body, side
}

func where(o fyne.CanvasObject) fyne.Position {
	return fyne.CurrentApp().Driver().AbsolutePositionForObject(o)
}

func TestAside(t *testing.T) {
	for _, over := range []bool{false, true} {
		w, p, body, side := besides(t, over)
		for range 2 { // it comes back
			w.Resize(fyne.NewSize(1000, 700))
			if a, b := where(body), where(side); a.Y != b.Y || a.X >= b.X || !p.body.Visible() {
				t.Errorf("over %v, wide: %v and %v", over, a, b)
			}
			kittest.Places(t, "wide", w.Content(), 1000)
			w.Resize(small360)
			if a, b := where(body), where(side); over == p.body.Visible() || !over && (a.Y >= b.Y || a.X != b.X) {
				t.Errorf("over %v, narrow: %v and %v", over, a, b)
			}
			kittest.Places(t, "narrow", w.Content(), small360.Width)
		}
		w.Resize(fyne.NewSize(360, 400)) // all of it can be scrolled to
		p.TypedKey(&fyne.KeyEvent{Name: fyne.KeyEnd})
		if bottom := where(p.scroll.Content).Y + p.scroll.Content.MinSize().Height; bottom > 401 {
			t.Errorf("over %v: the end is at %v", over, bottom)
		}
		p.Aside(false)
		w.Resize(fyne.NewSize(1000, 700))
		if x := where(p.body).X; x != (1000-Widest)/2 || !p.body.Visible() {
			t.Errorf("over %v: alone, the body is at %v", over, x)
		}
	}
}

func TestAsideMarkup(t *testing.T) {
	w, _, _, _ := besides(t, false)
	test.AssertRendersToMarkup(t, "aside-narrow.xml", w.Canvas())
	w.Resize(fyne.NewSize(1000, 700))
	test.AssertRendersToMarkup(t, "aside-wide.xml", w.Canvas())
}

func TestEscape(t *testing.T) {
	_, p := screen(t, Look{})
	n := 0
	p.Escape(func() { n++ })
	if p.TypedKey(&fyne.KeyEvent{Name: fyne.KeyEscape}); n != 1 {
		t.Errorf("called %d times", n)
	}
	p.Escape(nil)
	p.TypedKey(&fyne.KeyEvent{Name: fyne.KeyEscape})
}
