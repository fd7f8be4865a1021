package window

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/ferry-move/ferry/ui/window/kit"
	"github.com/ferry-move/ferry/ui/window/kit/kittest"
)

// controls are what can be used on a page, in the order in which they are read.
func (f *stage) controls() []fyne.Focusable {
	var all []kittest.At
	for _, at := range kittest.Everything(f.root()) {
		o, ok := at.O.(fyne.Focusable)
		if d, off := at.O.(fyne.Disableable); ok && off {
			ok = !d.Disabled()
		}
		if ok && o != nil {
			all = append(all, at)
		}
	}
	var bar []fyne.CanvasObject // it comes last, whatever is scrolled below it
	if page := f.page().Root; f.root() == fyne.CanvasObject(page) {
		for _, at := range kittest.Everything(page.Objects[3]) {
			bar = append(bar, at.O)
		}
	}
	slices.SortStableFunc(all, func(a, b kittest.At) int {
		if x, y := slices.Contains(bar, a.O), slices.Contains(bar, b.O); x != y {
			if x {
				return 1
			}
			return -1
		}
		middle := func(at kittest.At) float32 { return at.Pos.Y + at.O.Size().Height/2 }
		if a.Pos.Y > middle(b) || b.Pos.Y > middle(a) { // not on one line
			return int(a.Pos.Y - b.Pos.Y)
		}
		return int(a.Pos.X - b.Pos.X)
	})
	out := make([]fyne.Focusable, len(all))
	for i, at := range all {
		out[i] = at.O.(fyne.Focusable)
	}
	return out
}

func called(o any) string {
	if a, ok := o.(fyne.Accessible); ok {
		return fmt.Sprintf("%T %q", o, a.AccessibilityLabel())
	}
	return fmt.Sprintf("%T", o)
}

// inView reports whether all of an object is seen, or, if it is too high for that, its
// beginning.
func (f *stage) inView(o fyne.CanvasObject) bool {
	for _, at := range kittest.Everything(f.root()) {
		if at.O == o {
			return at.Pos.Y >= at.Top-1 && at.Pos.Y+min(o.Size().Height, at.Bottom-at.Top-16) <= at.Bottom+1
		}
	}
	return false
}

// TestTab: on every screen Tab comes to all that can be used, in the order in which it
// is read, and it is seen what has the focus.
func TestTab(t *testing.T) {
	for _, c := range scenes(t) {
		for _, size := range sizes {
			f := newStage(t, c)
			f.win.Resize(size)
			f.enter(c)
			name, canvas := fmt.Sprint(c.name, " ", size.Width), f.win.Canvas()
			kittest.Places(t, name, f.win.Content(), size.Width)
			want := f.controls()
			canvas.Unfocus()
			var got []fyne.Focusable
			for range len(want) + 2 {
				canvas.FocusNext()
				o := canvas.Focused()
				if o == nil || slices.Contains(got, o) {
					break
				}
				got = append(got, o)
				if !f.inView(o.(fyne.CanvasObject)) {
					t.Errorf("%s: %s has the focus, and is not seen", name, called(o))
				}
				with := test.RenderToMarkup(canvas)
				canvas.Unfocus()
				if with == test.RenderToMarkup(canvas) {
					t.Errorf("%s: it is not seen that %s has the focus", name, called(o))
				}
				canvas.Focus(o)
			}
			if size.Width > 900 { // columns are read one after the other
				if len(got) != len(want) {
					t.Errorf("%s: Tab comes to %d of %d controls", name, len(got), len(want))
				}
				continue
			}
			if !slices.Equal(got, want) {
				var a, b []string
				for _, o := range got {
					a = append(a, called(o))
				}
				for _, o := range want {
					b = append(b, called(o))
				}
				t.Errorf("%s: Tab comes to\n%s\nnot to\n%s", name, strings.Join(a, "\n"), strings.Join(b, "\n"))
			}
		}
	}
}

// became is what a key or a tap led to. What has the focus is still there.
func (f *stage) became() string {
	f.t.Helper()
	f.settle()
	there := slices.ContainsFunc(kittest.Everything(f.root()), func(at kittest.At) bool {
		return any(at.O) == any(f.win.Canvas().Focused())
	})
	if o := f.win.Canvas().Focused(); o != nil && !there {
		f.t.Errorf("%T: %s has the focus, and is gone", f.top(), called(o))
	}
	text := fmt.Sprintf("%T over %d, %q %q\n%s", f.top(), len(f.win.Canvas().Overlays().List()), f.wants, f.app.(*opener).opened, f.text())
	return strings.ReplaceAll(text, f.opt.Home, "HOME")
}

// TestEnterAndSpace: they do what a tap does, and Esc does what leads back.
func TestEnterAndSpace(t *testing.T) {
	if testing.Short() {
		t.Skip("it opens each screen many times")
	}
	seen := map[string]bool{}
	for _, c := range scenes(t) {
		on := func(i int, do func(*stage, fyne.Focusable)) string {
			f := newStage(t, c)
			f.enter(c)
			o := f.controls()[i]
			f.win.Canvas().Focus(o)
			do(f, o)
			return f.became()
		}
		press := func(k fyne.KeyName) func(*stage, fyne.Focusable) {
			return func(f *stage, _ fyne.Focusable) { f.key(k) }
		}
		tap := func(_ *stage, o fyne.Focusable) { o.(fyne.Tappable).Tapped(&fyne.PointEvent{}) }

		f := newStage(t, c)
		f.enter(c)
		before, all := f.became(), f.controls()
		for i, o := range all {
			_, tapped := o.(fyne.Tappable)
			_, typed := o.(fyne.Shortcutable)
			name := fmt.Sprintf("%T: %s", f.top(), called(o))
			if !tapped || typed || seen[name] {
				continue
			}
			seen[name] = true
			want := on(i, tap)
			if _, ok := o.(*kit.Button); ok && want == before {
				t.Errorf("%s: %s does nothing", c.name, called(o))
			}
			for _, k := range []fyne.KeyName{fyne.KeyReturn, fyne.KeySpace} {
				if got := on(i, press(k)); got != want {
					t.Errorf("%s: %s on %s leads to\n%s\nand a tap to\n%s", c.name, k, called(o), got, want)
				}
			}
		}
		if f.page().Root.Objects[0].Visible() || f.win.Canvas().Overlays().Top() != nil {
			if got, want := on(len(all)-1, press(fyne.KeyEscape)), on(0, tap); got != want {
				t.Errorf("%s: Esc on %s leads to\n%s\nand what leads back to\n%s", c.name, called(all[len(all)-1]), got, want)
			}
		}
	}
}
