package kit

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
)

// Aside gives the page a second column, which stands beside the body where there
// is room for both. Where there is not, it stands below it; with over, in its place.
// Both scroll as one. No objects take it away.
func (p *Page) Aside(over bool, objects ...fyne.CanvasObject) {
	if len(objects) == 0 {
		p.body.Show()
		p.head.Layout = centre{short: true}
		p.scroll.Content = container.New(centre{}, p.body)
		p.Root.Refresh()
		return
	}
	p.head.Layout = twinHead{}
	p.scroll.Content = container.New(twin{over}, p.body, Column(Gap, objects...))
	p.Root.Refresh()
}

// Escape is what Esc and the phone's own button do on a page without a head. nil =
// nothing.
func (p *Page) Escape(back func()) { p.back = back }

const besideGap = 2 * Gap

// twins are where two columns begin, and how wide they are.
func twins(width float32) (x, each float32) {
	m := margin(width)
	each = min(Widest, float32(int(width-2*m-besideGap)/2))
	return (width - 2*each - besideGap) / 2, each
}

// twin puts two columns side by side from a width on, or below each other.
type twin struct{ over bool }

// Layout implements [fyne.Layout].
func (l twin) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	body, side, m := objects[0], objects[1], margin(size.Width)
	side.Show()
	if size.Width >= beside {
		x, w := twins(size.Width)
		body.Show()
		place(body, x, m, w)
		place(side, x+w+besideGap, m, w)
		return
	}
	w := min(Widest, size.Width-2*m)
	x, y := (size.Width-w)/2, m
	if body.Hide(); !l.over {
		body.Show()
		y += place(body, x, m, w) + Gap
	}
	place(side, x, y, w)
}

// MinSize implements [fyne.Layout]. It is right for the width of the last Layout.
func (l twin) MinSize(objects []fyne.CanvasObject) fyne.Size {
	body, side := objects[0], objects[1]
	b, s := least(body), least(side)
	m := margin(side.Size().Width + 48)
	switch {
	case !body.Visible():
		b = s
	case side.Position().X > body.Position().X: // they stand side by side
		b, m = b.Max(s), margin(beside)
	default:
		b = fyne.NewSize(max(b.Width, s.Width), b.Height+Gap+s.Height)
	}
	return b.AddWidthHeight(2*m, 2*m)
}

// twinHead keeps the head of such a page above its first column.
type twinHead struct{}

// Layout implements [fyne.Layout].
func (twinHead) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	centre{short: true}.Layout(objects, size)
	if size.Width >= beside {
		x, w := twins(size.Width)
		for _, o := range objects {
			place(o, x, margin(size.Width)/2, w)
		}
	}
}

// MinSize implements [fyne.Layout].
func (twinHead) MinSize(objects []fyne.CanvasObject) fyne.Size {
	return centre{short: true}.MinSize(objects)
}
