package kit

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/mobile"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// Question is asked before something that cannot be taken back.
type Question struct {
	Title, Sentence string
	Yes, No         string // the buttons
	// Answer is called once.
	Answer func(yes bool)
}

// Ask puts a question over all else in a window. The one button that has the
// focus is No, and Esc says it. It returns what takes the question away
// unanswered.
func Ask(c fyne.Canvas, q Question) (cancel func()) {
	d := &question{}
	keys := c.OnTypedKey()
	before := c.Focused()
	open := true
	remove := func() bool {
		if !open {
			return false
		}
		open = false
		c.Overlays().Remove(d)
		c.SetOnTypedKey(keys)
		if before != nil {
			c.Focus(before)
		}
		return true
	}
	answer := func(yes bool) {
		if remove() {
			q.Answer(yes)
		}
	}
	no := NewButton(q.No, Secondary, func() { answer(false) })
	parts := []fyne.CanvasObject{Title(q.Title)}
	if q.Sentence != "" {
		parts = append(parts, Sentence(q.Sentence))
	}
	d.text = container.NewVScroll(container.New(column{gap: Gap}, parts...))
	d.bar = Bar(no, NewButton(q.Yes, Primary, func() { answer(true) }))
	d.ExtendBaseWidget(d)
	c.SetOnTypedKey(func(k *fyne.KeyEvent) {
		if k.Name == fyne.KeyEscape || k.Name == mobile.KeyBack {
			answer(false)
		}
	})
	d.Resize(c.Size())
	c.Overlays().Add(d)
	c.Focus(no)
	return func() { remove() }
}

// question covers the window, and keeps taps from what is below.
type question struct {
	widget.BaseWidget
	text *container.Scroll
	bar  *fyne.Container
}

// Tapped implements [fyne.Tappable].
func (*question) Tapped(*fyne.PointEvent) {}

// CreateRenderer implements [fyne.Widget].
func (d *question) CreateRenderer() fyne.WidgetRenderer {
	dark, back := newRect(0), newRect(corner)
	return newDrawn(drawn{
		widget: d, objects: []fyne.CanvasObject{dark, back, d.text, d.bar},
		layout: func(s fyne.Size) {
			dark.Resize(s)
			w := min(420, s.Width-32)
			in := w - 48
			bar := place(d.bar, 0, 0, in)
			d.text.Content.Resize(fyne.NewSize(in, d.text.Content.Size().Height))
			text := min(d.text.Content.MinSize().Height, max(0, s.Height-32-48-24-bar))
			x, h := (s.Width-w)/2, text+bar+48+24
			y := (s.Height - h) / 2
			put(back, x, y, w, h)
			put(d.text, x+24, y+24, in, text)
			d.bar.Move(fyne.NewPos(x+24, y+24+text+24))
		},
		least: func() fyne.Size { return fyne.NewSize(280, 280) },
		paint: func() {
			paintRect(d, dark, theme.ColorNameShadow, "", 0)
			paintRect(d, back, theme.ColorNameOverlayBackground, theme.ColorNameInputBorder, rim(d))
		},
	})
}
