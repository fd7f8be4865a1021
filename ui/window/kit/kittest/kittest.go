// Package kittest looks at what a window shows, for the tests of its parts and of
// its screens.
package kittest

import (
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/test"
)

const touch = 48 // kit.Touch, which this package cannot know

// At is an object and where it is in the window. Of what scrolls, only what is
// between Top and Bottom is seen.
type At struct {
	O           fyne.CanvasObject
	Pos         fyne.Position
	Top, Bottom float32
}

// Everything lists the visible objects.
func Everything(root fyne.CanvasObject) (out []At) {
	var walk func(fyne.CanvasObject, fyne.Position, float32, float32)
	walk = func(o fyne.CanvasObject, origin fyne.Position, top, bottom float32) {
		if o == nil || !o.Visible() {
			return
		}
		pos := origin.Add(o.Position())
		out = append(out, At{o, pos, top, bottom})
		if s, ok := o.(*container.Scroll); ok {
			top, bottom = max(top, pos.Y), min(bottom, pos.Y+s.Size().Height)
		}
		var children []fyne.CanvasObject
		switch o := o.(type) {
		case *fyne.Container:
			children = o.Objects
		case fyne.Widget:
			children = test.WidgetRenderer(o).Objects()
		}
		for _, c := range children {
			walk(c, pos, top, bottom)
		}
	}
	walk(root, fyne.Position{}, 0, root.Size().Height)
	return out
}

// Find lists the visible objects of one type.
func Find[T any](root fyne.CanvasObject) (out []T) {
	for _, o := range Everything(root) {
		if found, ok := o.O.(T); ok {
			out = append(out, found)
		}
	}
	return out
}

// Texts returns the visible texts, a line each, as they are drawn.
func Texts(root fyne.CanvasObject) string {
	var out strings.Builder
	for _, t := range Find[*canvas.Text](root) {
		if strings.TrimSpace(t.Text) != "" {
			out.WriteString(t.Text + "\n")
		}
	}
	return out.String()
}

// Places checks that no text is wider than a window of that width or covers another, and that
// all that is tapped has the size of a finger and a label.
func Places(t testing.TB, name string, root fyne.CanvasObject, width float32) {
	t.Helper()
	type mark struct {
		text       string
		x, y, r, b float32
	}
	var marks []mark
	least, most := float32(15.5), width-15.5
	for _, found := range Everything(root) {
		switch o := found.O.(type) {
		case *canvas.Text:
			if strings.TrimSpace(o.Text) == "" {
				continue
			}
			s := fyne.MeasureText(o.Text, o.TextSize, o.TextStyle)
			x := found.Pos.X
			switch o.Alignment {
			case fyne.TextAlignCenter:
				x += (o.Size().Width - s.Width) / 2
			case fyne.TextAlignTrailing:
				x += o.Size().Width - s.Width
			}
			m := mark{o.Text, x, max(found.Pos.Y, found.Top), x + s.Width, min(found.Pos.Y+s.Height, found.Bottom)}
			if m.x < least || m.r > most {
				t.Errorf("%s: %q is from %v to %v", name, o.Text, m.x, m.r)
			}
			for _, other := range marks { // those that are seen
				if m.x < other.r-1 && other.x < m.r-1 && m.y < other.b-1 && other.y < m.b-1 {
					t.Errorf("%s: %q at %v, %v covers %q at %v, %v", name, m.text, m.x, m.y, other.text, other.x, other.y)
				}
			}
			if m.y < m.b {
				marks = append(marks, m)
			}
		case interface {
			fyne.Focusable
			fyne.Tappable
		}:
			s := o.(fyne.CanvasObject).Size()
			if s.Width < touch || s.Height < touch {
				t.Errorf("%s: %T is %v to tap", name, o, s)
			}
			a, ok := o.(fyne.Accessible)
			if !ok || a.AccessibilityLabel() == "" {
				t.Errorf("%s: %T has no label", name, o)
			}
		}
	}
}
