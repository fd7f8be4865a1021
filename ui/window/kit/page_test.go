package kit

import (
	"fmt"
	"testing"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/ui/window/kit/kittest"
)

// What has the focus is seen, wherever on the page it is; what does not scroll
// moves nothing.
func TestFocusScrolls(t *testing.T) {
	w, p := screen(t, Look{})
	var rows []fyne.CanvasObject
	for i := range 30 {
		rows = append(rows, Link(Info, fmt.Sprint("row ", i), nothing))
	}
	field := NewField("Field", "")
	p.Back("Back", nothing)
	p.Buttons(NewButton("No", Secondary, nothing), NewButton("Yes", Primary, nothing))
	p.Show(Title("Many"), Group(rows...), field)
	seen := func(o fyne.CanvasObject) bool {
		for _, at := range kittest.Everything(w.Content()) {
			if at.O == o {
				return at.Pos.Y >= at.Top && at.Pos.Y+o.Size().Height <= at.Bottom
			}
		}
		return false
	}
	c := w.Canvas()
	walk := func(next func(), times int) {
		t.Helper()
		for i := range times {
			next()
			if o := c.Focused().(fyne.CanvasObject); !seen(o) {
				t.Fatalf("step %d: %T is not seen", i, o)
			}
		}
	}
	walk(c.FocusNext, 36) // around, and to the first row
	walk(c.FocusPrevious, 8)
	c.Focus(field.Input())
	field.SetProblem("It has become higher than it was.")
	if !seen(field) || field.Size().Height < field.MinSize().Height {
		t.Error("what is wrong with a field is not seen")
	}
	c.Focus(rows[29].(fyne.Focusable))
	before := p.Offset()
	if before.Y == 0 {
		t.Error("the page has not scrolled")
	}
	for _, o := range []fyne.CanvasObject{p.bar.Objects[0].(*fyne.Container).Objects[1], p.head.Objects[0]} {
		c.Focus(o.(fyne.Focusable))
		if now := p.Offset(); now != before {
			t.Errorf("%T, which does not scroll, scrolls the page from %v to %v", o, before, now)
		}
	}
}
