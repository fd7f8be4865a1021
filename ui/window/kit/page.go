package kit

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/mobile"
	"fyne.io/fyne/v2/theme"
)

// Page is a screen: a head that leads back, a body that scrolls, and the buttons
// at the bottom, which nothing in the body can push away.
type Page struct {
	// Root is the page as it goes into a window.
	Root *fyne.Container

	head, body, bar *fyne.Container
	scroll          *container.Scroll
	fill            *fyne.Container // for what scrolls by itself
	back            func()

	side  *fyne.Container // details, with a head of their own; nil = there are none
	close func()          // closes them
}

// NewPage makes an empty page.
func NewPage() *Page {
	p := &Page{body: container.New(column{gap: Gap}), head: container.New(centre{short: true}), bar: container.New(centre{}), fill: container.New(inner{})}
	p.scroll = container.NewVScroll(container.New(centre{}, p.body))
	p.Root = container.New(pageLayout{p}, p.head, p.scroll, p.fill, p.bar)
	p.head.Hide()
	p.fill.Hide()
	p.bar.Hide()
	return p
}

// Show fills the body.
func (p *Page) Show(body ...fyne.CanvasObject) {
	p.body.Objects, p.fill.Objects = body, nil
	p.fill.Hide()
	p.scroll.Show()
	p.Root.Refresh()
}

// Fill gives the whole body to one object that scrolls by itself, as a List
// does, below others that stay.
func (p *Page) Fill(main fyne.CanvasObject, above ...fyne.CanvasObject) {
	p.body.Objects, p.fill.Objects = nil, []fyne.CanvasObject{Column(Gap, above...), main}
	p.scroll.Hide()
	p.fill.Show()
	p.Root.Refresh()
}

// Buttons sets the buttons at the bottom, the primary one last.
func (p *Page) Buttons(buttons ...fyne.CanvasObject) {
	p.bar.Objects = nil
	if p.bar.Hidden = len(buttons) == 0; !p.bar.Hidden {
		p.bar.Objects = []fyne.CanvasObject{Bar(buttons...)}
	}
	p.Root.Refresh()
}

// Back gives the page a head with a button that leads back, as Esc and the
// phone's own button do. nil takes it away.
func (p *Page) Back(label string, back func()) {
	p.head.Objects, p.back = nil, back
	if p.head.Hidden = back == nil; !p.head.Hidden {
		p.head.Objects = []fyne.CanvasObject{leadsBack(label, back)}
	}
	p.Root.Refresh()
}

func leadsBack(label string, back func()) fyne.CanvasObject {
	b := new(press)
	b.act, b.label = back, label
	b.init(b, container.New(row{grows: 1, gap: 8}, NewIcon(Back, theme.ColorNamePrimary, side), Sentence(label)), 8)
	return b
}

// Beside puts details that scroll by themselves, below others that stay, beside
// the body where there is room, and over the whole page where there is not. They
// have a head with a button that closes them, as Esc does; the body stays.
func (p *Page) Beside(label string, close func(), main fyne.CanvasObject, above ...fyne.CanvasObject) {
	p.Alone()
	head := container.New(centre{short: true}, leadsBack(label, close))
	p.side, p.close = container.New(headed{}, head, container.New(inner{}, Column(Gap, above...), main)), close
	p.Root.Objects = append(p.Root.Objects, p.side)
	p.Root.Refresh()
}

// Alone takes the details away.
func (p *Page) Alone() {
	if p.side == nil {
		return
	}
	p.Root.Objects = p.Root.Objects[:len(p.Root.Objects)-1]
	p.side, p.close = nil, nil
	p.Root.Refresh()
}

// Fit lays the page out anew, when a part of it has grown or shrunk.
func (p *Page) Fit() { p.Root.Refresh() }

// Top scrolls to the beginning.
func (p *Page) Top() { p.scroll.ScrollToTop() }

// Offset is how far the body is scrolled.
func (p *Page) Offset() fyne.Position { return p.scroll.Offset }

// ScrollTo scrolls the body to where Offset was.
func (p *Page) ScrollTo(at fyne.Position) { p.scroll.ScrollToOffset(at) }

// BarTop is where the buttons begin, or the page's end.
func (p *Page) BarTop() float32 {
	if !p.bar.Visible() {
		return p.Root.Size().Height
	}
	return p.bar.Position().Y
}

// BodyHeight is how high the body is, scrolled or not.
func (p *Page) BodyHeight() float32 { return p.scroll.Content.Size().Height }

// TypedKey takes the keys that no part has a use for: the canvas's OnTypedKey.
func (p *Page) TypedKey(k *fyne.KeyEvent) {
	height := p.scroll.Size().Height
	far := max(0, p.scroll.Content.Size().Height-height)
	var step float32
	switch k.Name {
	case fyne.KeyEscape, mobile.KeyBack:
		switch {
		case p.close != nil:
			p.close()
		case p.back != nil:
			p.back()
		}
		return
	case fyne.KeyUp:
		step = -Touch
	case fyne.KeyDown:
		step = Touch
	case fyne.KeyPageUp:
		step = -height
	case fyne.KeyPageDown:
		step = height
	case fyne.KeyHome:
		step = -far
	case fyne.KeyEnd:
		step = far
	default:
		return
	}
	p.scroll.ScrollToOffset(fyne.NewPos(0, min(far, max(0, p.scroll.Offset.Y+step))))
}

// pageOf is the page that a part is on, or nil: before it is seen, and of what
// lies over a page.
func pageOf(part fyne.CanvasObject) *Page {
	c := fyne.CurrentApp().Driver().CanvasForObject(part)
	if c == nil || c.Overlays().Top() != nil {
		return nil
	}
	if root, ok := c.Content().(*fyne.Container); ok {
		if l, ok := root.Layout.(pageLayout); ok {
			return l.Page
		}
	}
	return nil
}

// reveal scrolls the page of a part, which has got the focus, until it is seen.
func reveal(part fyne.CanvasObject) {
	if p := pageOf(part); p != nil {
		p.reveal(part)
	}
}

// grown gives a part the room that it needs by now, and reveals it.
func grown(part fyne.CanvasObject) {
	if p := pageOf(part); p != nil {
		p.Root.Refresh()
		p.reveal(part)
	}
}

func (p *Page) reveal(part fyne.CanvasObject) {
	fixed := p.head.Objects
	for _, b := range p.bar.Objects {
		fixed = append(fixed[:len(fixed):len(fixed)], b.(*fyne.Container).Objects...)
	}
	d := fyne.CurrentApp().Driver()
	aside := p.side != nil && d.AbsolutePositionForObject(part).X >= d.AbsolutePositionForObject(p.side).X
	if !p.scroll.Visible() || aside || slices.Contains(fixed, part) {
		return
	}
	const rim = 8
	at, by := d.AbsolutePositionForObject(part).Y-d.AbsolutePositionForObject(p.scroll).Y, float32(0)
	switch below := at + part.Size().Height + rim - p.scroll.Size().Height; {
	case at < rim:
		by = at - rim
	case below > 0:
		by = min(below, at-rim) // of one that is higher than the page, the beginning
	}
	if by != 0 {
		p.scroll.ScrollToOffset(fyne.NewPos(0, max(0, p.scroll.Offset.Y+by)))
	}
}

// pageLayout gives the head the top, the buttons the bottom, and the bodies the
// rest: half of it where details stand beside them.
type pageLayout struct{ *Page }

// Layout implements [fyne.Layout].
func (l pageLayout) Layout(_ []fyne.CanvasObject, size fyne.Size) {
	over := l.side != nil && size.Width < beside
	seen(l.head, !over && len(l.head.Objects) > 0)
	seen(l.bar, !over && len(l.bar.Objects) > 0)
	seen(l.fill, !over && len(l.fill.Objects) > 0)
	seen(l.scroll, !over && len(l.fill.Objects) == 0)
	if over {
		put(l.side, 0, 0, size.Width, size.Height)
		return
	}
	var top, bottom float32
	if l.bar.Visible() {
		bottom = place(l.bar, 0, 0, size.Width)
		l.bar.Move(fyne.NewPos(0, size.Height-bottom))
	}
	width := size.Width
	if l.side != nil {
		width = float32(int(width) / 2)
		put(l.side, width, 0, size.Width-width, size.Height-bottom)
	}
	if l.head.Visible() {
		top = place(l.head, 0, 0, width)
	}
	l.scroll.Content.Resize(fyne.NewSize(width, l.scroll.Content.Size().Height))
	put(l.scroll, 0, top, width, size.Height-top-bottom)
	put(l.fill, 0, top, width, size.Height-top-bottom)
	l.scroll.Refresh()
}

func seen(o fyne.CanvasObject, yes bool) {
	switch {
	case yes == o.Visible():
	case yes:
		o.Show()
	default:
		o.Hide()
	}
}

// MinSize implements [fyne.Layout].
func (pageLayout) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.NewSize(320, 320) }

// headed gives the head the top and the body the rest.
type headed struct{}

// Layout implements [fyne.Layout].
func (headed) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	top := place(objects[0], 0, 0, size.Width)
	put(objects[1], 0, top, size.Width, size.Height-top)
}

// MinSize implements [fyne.Layout].
func (headed) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.NewSize(320, 320) }

// inner puts its first object into the column and gives the second the rest.
type inner struct{}

// Layout implements [fyne.Layout].
func (inner) Layout(objects []fyne.CanvasObject, size fyne.Size) {
	if len(objects) == 0 {
		return
	}
	m := margin(size.Width)
	w := min(Widest, size.Width-2*m)
	if _, ok := objects[1].(*fyne.Container); ok && size.Width >= beside { // a list and its details
		w = size.Width - 2*m
	}
	x := (size.Width - w) / 2
	y := m
	if h := place(objects[0], x, m, w); h > 0 {
		y += h + Gap
	}
	put(objects[1], x, y, w, max(0, size.Height-y))
}

// MinSize implements [fyne.Layout].
func (inner) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.NewSize(320, 160) }
