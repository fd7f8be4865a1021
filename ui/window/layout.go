package window

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// Text that wraps is as high as its width makes it, so these layouts give each
// object its width first and ask for its height then.

// place puts o at x, y with a width, and returns its height. A label's own
// padding hangs out on all sides, so that texts and boxes share their edges.
func place(o fyne.CanvasObject, x, y, width float32) float32 {
	var hang float32
	if _, ok := o.(*widget.Label); ok {
		hang = theme.InnerPadding()
	}
	o.Resize(fyne.NewSize(width+2*hang, o.Size().Height))
	h := o.MinSize().Height
	o.Resize(fyne.NewSize(width+2*hang, h))
	o.Move(fyne.NewPos(x-hang, y-hang))
	return h - 2*hang
}

// least is an object's smallest size as place counts it.
func least(o fyne.CanvasObject) fyne.Size {
	if _, ok := o.(*widget.Label); ok {
		return o.MinSize().SubtractWidthHeight(2*theme.InnerPadding(), 2*theme.InnerPadding())
	}
	return o.MinSize()
}

// column puts objects below each other, each as wide as the column.
type column struct{ gap, pad float32 }

// Layout implements [fyne.Layout].
func (c column) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	y := c.pad
	for _, o := range objects {
		y += place(o, c.pad, y, size.Width-2*c.pad) + c.gap
	}
}

// MinSize implements [fyne.Layout]. It is right for the width of the last
// Layout.
func (c column) MinSize(objects []fyne.CanvasObject) fyne.Size {
	s := fyne.NewSize(0, c.gap*float32(max(0, len(objects)-1)))
	for _, o := range objects {
		m := least(o)
		s = fyne.NewSize(max(s.Width, m.Width), s.Height+m.Height)
	}
	return s.AddWidthHeight(2*c.pad, 2*c.pad)
}

// centre keeps the one object below it in a column in the middle, with a
// margin.
type centre struct{}

func margin(width float32) float32 {
	if width < 600 {
		return 16
	}
	return 24
}

// Layout implements [fyne.Layout].
func (centre) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	m := margin(size.Width)
	w := min(widest, size.Width-2*m)
	for _, o := range objects {
		place(o, (size.Width-w)/2, m, w)
	}
}

// MinSize implements [fyne.Layout].
func (centre) MinSize(objects []fyne.CanvasObject) fyne.Size {
	var s fyne.Size
	for _, o := range objects {
		s = s.Max(least(o))
		m := margin(o.Size().Width + 48) // only a column of 560 has the wide one
		s = s.AddWidthHeight(2*m, 2*m)
	}
	return s
}

// page gives its last object, the buttons, the bottom, and the first the rest.
type page struct{}

// Layout implements [fyne.Layout].
func (page) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	body, bar := objects[0].(*container.Scroll), objects[1]
	var h float32
	if bar.Visible() {
		bar.Resize(fyne.NewSize(size.Width, bar.Size().Height))
		h = bar.MinSize().Height
		bar.Resize(fyne.NewSize(size.Width, h))
		bar.Move(fyne.NewPos(0, size.Height-h))
	}
	body.Content.Resize(fyne.NewSize(size.Width, body.Content.Size().Height))
	body.Resize(fyne.NewSize(size.Width, size.Height-h))
	body.Refresh()
}

// MinSize implements [fyne.Layout].
func (page) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.NewSize(320, 320) }

// apart puts two labels on one line, the second at its right end, or below each
// other where they do not fit.
type apart struct{}

func (apart) fits(objects []fyne.CanvasObject, width float32) bool {
	var sum float32
	for _, o := range objects {
		l := o.(*widget.Label)
		sum += fyne.MeasureText(l.Text, l.Theme().Size(theme.SizeNameText), l.TextStyle).Width
	}
	return sum+gap <= width
}

// Layout implements [fyne.Layout].
func (a apart) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	second := objects[1].(*widget.Label)
	align := fyne.TextAlignTrailing
	var y float32
	h := place(objects[0], 0, 0, size.Width)
	if !a.fits(objects, size.Width) {
		align, y = fyne.TextAlignLeading, h
	}
	if second.Alignment != align {
		second.Alignment = align
		second.Refresh()
	}
	place(second, 0, y, size.Width)
}

// MinSize implements [fyne.Layout].
func (a apart) MinSize(objects []fyne.CanvasObject) fyne.Size {
	one, two := least(objects[0]), least(objects[1])
	if a.fits(objects, objects[0].Size().Width-2*theme.InnerPadding()) {
		return one.Max(two)
	}
	return fyne.NewSize(max(one.Width, two.Width), one.Height+two.Height)
}

// led puts a small square before the first line of a label.
type led struct{}

const ledSide, ledGap = 32, 8

// Layout implements [fyne.Layout].
func (led) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	objects[0].Resize(fyne.NewSquareSize(ledSide))
	objects[0].Move(fyne.NewPos(0, 3))
	place(objects[1], ledSide+ledGap, 0, size.Width-ledSide-ledGap)
}

// MinSize implements [fyne.Layout].
func (led) MinSize(objects []fyne.CanvasObject) fyne.Size {
	return least(objects[1]).AddWidthHeight(ledSide+ledGap, 0)
}

// cells puts objects side by side in cells of equal width, in the middle.
type cells struct{ width float32 }

// Layout implements [fyne.Layout].
func (c cells) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	x := (size.Width - c.width*float32(len(objects))) / 2
	for _, o := range objects {
		o.Resize(fyne.NewSize(c.width, size.Height))
		o.Move(fyne.NewPos(x, 0))
		x += c.width
	}
}

// MinSize implements [fyne.Layout].
func (c cells) MinSize(objects []fyne.CanvasObject) fyne.Size {
	var h float32
	for _, o := range objects {
		h = max(h, o.MinSize().Height)
	}
	return fyne.NewSize(c.width*float32(len(objects)), h)
}
