package kit

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// Text that wraps is as high as its width makes it, so these layouts give each
// object its width first and ask for its height then.

// place puts o at x, y with a width, and returns its height. A label's own
// padding hangs out on all sides, so that texts and boxes share their edges.
func place(o fyne.CanvasObject, x, y, width float32) float32 {
	hang := hang(o)
	o.Resize(fyne.NewSize(width+2*hang, o.Size().Height))
	h := o.MinSize().Height
	o.Resize(fyne.NewSize(width+2*hang, h))
	o.Move(fyne.NewPos(x-hang, y-hang))
	return h - 2*hang
}

// least is an object's smallest size as place counts it.
func least(o fyne.CanvasObject) fyne.Size {
	return o.MinSize().SubtractWidthHeight(2*hang(o), 2*hang(o))
}

// hang is the padding that a text has of its own.
func hang(o fyne.CanvasObject) float32 {
	switch o.(type) {
	case *widget.Label, *widget.RichText:
		return theme.InnerPadding()
	}
	return 0
}

// column puts objects below each other, each as wide as the column.
type column struct{ gap, pad float32 }

// Layout implements [fyne.Layout].
func (c column) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	y := c.pad
	for _, o := range objects {
		if o.Visible() {
			y += place(o, c.pad, y, size.Width-2*c.pad) + c.gap
		}
	}
}

// MinSize implements [fyne.Layout]. It is right for the width of the last
// Layout.
func (c column) MinSize(objects []fyne.CanvasObject) fyne.Size {
	var s fyne.Size
	for _, o := range objects {
		if o.Visible() {
			m := least(o)
			s = fyne.NewSize(max(s.Width, m.Width), s.Height+m.Height+c.gap)
		}
	}
	s.Height = max(0, s.Height-c.gap)
	return s.AddWidthHeight(2*c.pad, 2*c.pad)
}

// centre keeps the one object below it in a column in the middle, with a
// margin.
type centre struct{ short bool } // short = half a margin above, none below

func margin(width float32) float32 {
	if width < 600 {
		return 16
	}
	return 24
}

// Layout implements [fyne.Layout].
func (c centre) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	m := margin(size.Width)
	w := min(Widest, size.Width-2*m)
	for _, o := range objects {
		top := m
		if c.short {
			top = m / 2
		}
		place(o, (size.Width-w)/2, top, w)
	}
}

// MinSize implements [fyne.Layout].
func (c centre) MinSize(objects []fyne.CanvasObject) fyne.Size {
	var s fyne.Size
	for _, o := range objects {
		s = s.Max(least(o))
		m := margin(o.Size().Width + 48) // only a column of 560 has the wide one
		if c.short {
			s = s.AddWidthHeight(2*m, m/2)
		} else {
			s = s.AddWidthHeight(2*m, 2*m)
		}
	}
	return s
}

// apart puts two labels on one line, the second at its right end, or below each
// other where they do not fit.
type apart struct {
	// least is how much width they need however short they are, so that those of
	// several rows lie alike.
	least float32
}

func (a apart) fits(objects []fyne.CanvasObject, width float32) bool {
	var sum float32
	for _, o := range objects {
		l := o.(*widget.Label)
		sum += fyne.MeasureText(l.Text, l.Theme().Size(l.SizeName), l.TextStyle).Width
	}
	return sum+Gap <= width && a.least <= width
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

// row puts objects side by side, each in the middle of the height. The one that
// grows has the width that the others, which are never wider than they must be,
// leave it.
type row struct {
	grows    int // its index
	gap, pad float32
	top      bool // the others stand at the first line
}

// Layout implements [fyne.Layout].
func (r row) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	left := size.Width - r.rest(objects)
	x := r.pad
	for i, o := range objects {
		if !o.Visible() {
			continue
		}
		m := o.MinSize()
		if i == r.grows {
			h := place(o, x, 0, left)
			o.Move(o.Position().AddXY(0, (size.Height-h)/2))
			x += left + r.gap
			continue
		}
		y := (size.Height - m.Height) / 2
		if r.top {
			y = min(y, r.pad)
		}
		put(o, x, y, m.Width, m.Height)
		x += m.Width + r.gap
	}
}

// rest is the width of all but the one that grows.
func (r row) rest(objects []fyne.CanvasObject) float32 {
	sum := 2 * r.pad
	for i, o := range objects {
		if i != r.grows && o.Visible() {
			sum += o.MinSize().Width + r.gap
		}
	}
	return sum
}

// MinSize implements [fyne.Layout].
func (r row) MinSize(objects []fyne.CanvasObject) fyne.Size {
	s := least(objects[r.grows])
	for i, o := range objects {
		if i != r.grows && o.Visible() {
			s.Height = max(s.Height, o.MinSize().Height)
		}
	}
	return s.AddWidthHeight(r.rest(objects), 2*r.pad)
}

// bar puts buttons side by side, all of one width, or below each other where a
// text would wrap.
type bar struct{}

func (bar) columns(objects []fyne.CanvasObject, width float32) int {
	n := len(objects)
	each := (width - 8*float32(n-1)) / float32(max(1, n))
	for _, o := range objects {
		if b, ok := o.(*Button); ok && b.oneLine() > each {
			return 1
		}
	}
	return n
}

// Layout implements [fyne.Layout].
func (l bar) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	n := l.columns(objects, size.Width)
	if n == 1 {
		column{gap: 8}.Layout(objects, size)
		return
	}
	w := (size.Width - 8*float32(n-1)) / float32(max(1, n))
	for i, o := range objects {
		put(o, float32(i)*(w+8), 0, w, size.Height)
	}
}

// MinSize implements [fyne.Layout]. It is right for the width of the last
// Layout.
func (l bar) MinSize(objects []fyne.CanvasObject) fyne.Size {
	var width, h float32
	for _, o := range objects {
		width = max(width, o.Position().X+o.Size().Width)
		h = max(h, o.MinSize().Height)
	}
	s := column{gap: 8}.MinSize(objects)
	if l.columns(objects, width) > 1 {
		s.Height = h
	}
	return s
}

// beside is the width from which lists stand beside details.
const beside = 900

// Split shows a list and its details: side by side where there is room, and one
// of them where there is not.
type Split struct {
	// Details tells which one is shown where there is room for one.
	Details bool
}

// Layout implements [fyne.Layout].
func (l *Split) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	if size.Width < beside {
		for i, o := range objects {
			put(o, 0, 0, size.Width, size.Height)
			if show := l.Details == (i == 1); show != o.Visible() {
				if o.Hide(); show {
					o.Show()
				}
			}
		}
		return
	}
	half := float32(int(size.Width-Gap) / 2)
	for i, o := range objects {
		o.Show()
		put(o, float32(i)*(half+Gap), 0, half, size.Height)
	}
}

// MinSize implements [fyne.Layout].
func (l *Split) MinSize(objects []fyne.CanvasObject) fyne.Size {
	var s fyne.Size
	for _, o := range objects {
		s = s.Max(least(o))
	}
	return s
}
