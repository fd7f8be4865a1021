package kit

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// ring is how wide the line around what has the focus is.
const ring = 3

// press is what all that can be tapped has in common: a face, a ring while it
// has the focus, and its keys.
type press struct {
	widget.BaseWidget
	act     func()
	label   string // what it is, in words
	content fyne.CanvasObject
	pad     float32 // on the left and the right
	flush   bool    // but not on the right: what is there has its own
	face    func() (fill, line, ring fyne.ThemeColorName)
	focused bool
	under   bool // the pointer is
	off     bool
	on      fyne.Widget // the whole widget
}

// init makes w, which has p in it, a widget.
func (p *press) init(w fyne.Widget, content fyne.CanvasObject, pad float32) {
	p.on, p.content, p.pad = w, content, pad
	p.ExtendBaseWidget(w)
}

// Tapped implements [fyne.Tappable].
func (p *press) Tapped(*fyne.PointEvent) {
	if !p.off && p.act != nil {
		p.act()
	}
}

// TypedKey implements [fyne.Focusable].
func (p *press) TypedKey(k *fyne.KeyEvent) {
	switch k.Name {
	case fyne.KeyReturn, fyne.KeyEnter, fyne.KeySpace:
		p.Tapped(nil)
	default:
		passOn(p.on, k)
	}
}

// passOn gives a key to the page.
func passOn(w fyne.Widget, k *fyne.KeyEvent) {
	c := fyne.CurrentApp().Driver().CanvasForObject(w)
	if c == nil {
		return
	}
	if f := c.OnTypedKey(); f != nil {
		f(k)
	}
}

// TypedRune implements [fyne.Focusable].
func (*press) TypedRune(rune) {}

// FocusGained implements [fyne.Focusable].
func (p *press) FocusGained() { p.focused = true; p.Refresh(); reveal(p.on) }

// FocusLost implements [fyne.Focusable].
func (p *press) FocusLost() { p.focused = false; p.Refresh() }

// MouseIn implements [desktop.Hoverable].
func (p *press) MouseIn(*desktop.MouseEvent) { p.under = true; p.Refresh() }

// MouseMoved implements [desktop.Hoverable].
func (*press) MouseMoved(*desktop.MouseEvent) {}

// MouseOut implements [desktop.Hoverable].
func (p *press) MouseOut() { p.under = false; p.Refresh() }

// Cursor implements [desktop.Cursorable].
func (p *press) Cursor() desktop.Cursor {
	if p.off {
		return desktop.DefaultCursor
	}
	return desktop.PointerCursor
}

// Disable implements [fyne.Disableable].
func (p *press) Disable() { p.off = true; p.Refresh() }

// Enable implements [fyne.Disableable].
func (p *press) Enable() { p.off = false; p.Refresh() }

// Disabled implements [fyne.Disableable].
func (p *press) Disabled() bool { return p.off }

// AccessibilityLabel implements [fyne.Accessible].
func (p *press) AccessibilityLabel() string { return p.label }

// AccessibilityRole implements [fyne.Accessible].
func (*press) AccessibilityRole() fyne.AccessibleRole { return fyne.AccessibleRoleButton }

// CreateRenderer implements [fyne.Widget].
func (p *press) CreateRenderer() fyne.WidgetRenderer {
	back, lid, edge := newRect(corner), newRect(corner), newRect(corner)
	all := []fyne.CanvasObject{back, lid, p.content, edge}
	return newDrawn(drawn{
		widget: p.on, objects: all,
		layout: func(s fyne.Size) {
			for _, r := range []*canvas.Rectangle{back, lid, edge} {
				r.Resize(s)
			}
			w := s.Width - 2*p.pad
			if p.flush {
				w += p.pad
			}
			h := place(p.content, p.pad, 0, w)
			p.content.Move(p.content.Position().AddXY(0, (s.Height-h)/2))
		},
		least: func() fyne.Size {
			return least(p.content).AddWidthHeight(2*p.pad, 16).Max(fyne.NewSquareSize(Touch))
		},
		paint: func() {
			fill, line, around := fyne.ThemeColorName(""), fyne.ThemeColorName(""), theme.ColorNamePrimary
			if p.face != nil {
				fill, line, around = p.face()
			}
			paintRect(p.on, back, fill, line, rim(p.on))
			paintRect(p.on, lid, theme.ColorNameHover, "", 0)
			lid.Hidden = !p.under || p.off
			paintRect(p.on, edge, "", around, ring)
			edge.Hidden = !p.focused
		},
	})
}

// paintRect gives a rectangle its colours. An empty name is no colour.
func paintRect(w fyne.Widget, r *canvas.Rectangle, fill, line fyne.ThemeColorName, width float32) {
	r.FillColor, r.StrokeColor, r.StrokeWidth = nil, nil, 0
	if fill != "" {
		r.FillColor = hue(w, fill)
	}
	if line != "" {
		r.StrokeColor, r.StrokeWidth = hue(w, line), width
	}
}
