// Package kit is how Ferry's window looks and feels: the theme, the icons, and
// the parts that screens are made of.
//
// A part is told what to show and whom to call when it is tapped. It knows no
// language: every word is given by the caller. It holds no truth, apart from
// what a person has typed so far. All of it belongs to the goroutine that
// draws; only [Thumbs] works beside it.
//
// Everything that can be tapped is at least [Touch] high, takes the focus,
// shows that it has it, and obeys Enter and Space. Keys that it has no use for
// go on to the page, so that Esc and the arrows work wherever the focus is.
//
// Its worst moment is a person who needs text twice as large on a phone of
// 360 by 640, with a name of ten kilobytes from the other phone: texts wrap or
// are cut, parts grow downwards, and what scrolls is never what is tapped next.
package kit

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
)

// drawn renders a widget: it paints its parts anew when the widget or the theme
// changes, which bare parts do not.
type drawn struct {
	widget  fyne.Widget
	objects []fyne.CanvasObject
	layout  func(fyne.Size)
	least   func() fyne.Size
	paint   func() // gives the parts their colours and texts
}

func newDrawn(d drawn) *drawn {
	d.paint()
	return &d
}

// Destroy implements [fyne.WidgetRenderer].
func (*drawn) Destroy() {}

// Layout implements [fyne.WidgetRenderer].
func (d *drawn) Layout(s fyne.Size) { d.layout(s) }

// MinSize implements [fyne.WidgetRenderer].
func (d *drawn) MinSize() fyne.Size { return d.least() }

// Objects implements [fyne.WidgetRenderer].
func (d *drawn) Objects() []fyne.CanvasObject { return d.objects }

// Refresh implements [fyne.WidgetRenderer].
func (d *drawn) Refresh() {
	d.paint()
	d.layout(d.widget.Size())
	for _, o := range d.objects {
		o.Refresh()
	}
}

// hue is a colour of the theme that a widget is drawn in.
func hue(w fyne.Widget, n fyne.ThemeColorName) color.Color { return theme.ColorForWidget(n, w) }

// rim is how wide lines are in the theme that a widget is drawn in.
func rim(w fyne.Widget) float32 { return theme.SizeForWidget(theme.SizeNameInputBorder, w) }

func newRect(radius float32) *canvas.Rectangle {
	r := canvas.NewRectangle(color.Transparent)
	r.CornerRadius = radius
	return r
}

// put gives an object its place.
func put(o fyne.CanvasObject, x, y, w, h float32) {
	o.Move(fyne.NewPos(x, y))
	o.Resize(fyne.NewSize(w, h))
}
