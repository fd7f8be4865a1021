package kit

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// Meter is a bar that fills. What it says is said in words beside it.
type Meter struct {
	widget.BaseWidget
	part float32
	high float32
}

// NewMeter makes an empty bar.
func NewMeter(high float32) *Meter {
	m := &Meter{high: high}
	m.ExtendBaseWidget(m)
	return m
}

// Set says how much of the bar is full, from 0 to 1.
func (m *Meter) Set(part float32) {
	if part = within(part); part != m.part {
		m.part = part
		m.Refresh()
	}
}

// within keeps a part between 0 and 1; one that is no number is 0.
func within(part float32) float32 {
	if !(part > 0) {
		return 0
	}
	return min(1, part)
}

// CreateRenderer implements [fyne.Widget].
func (m *Meter) CreateRenderer() fyne.WidgetRenderer {
	back, full := newRect(m.high/2), newRect(m.high/2)
	return newDrawn(drawn{
		widget: m, objects: []fyne.CanvasObject{back, full},
		layout: func(s fyne.Size) {
			put(back, 0, 0, s.Width, s.Height)
			put(full, 0, 0, max(s.Height, s.Width*m.part), s.Height)
			full.Hidden = m.part == 0
		},
		least: func() fyne.Size { return fyne.NewSize(48, m.high) },
		paint: func() {
			paintRect(m, back, theme.ColorNameButton, theme.ColorNameInputBorder, rim(m))
			paintRect(m, full, theme.ColorNamePrimary, "", 0)
		},
	})
}

// KindProgress is how far a kind is.
type KindProgress struct {
	widget.BaseWidget
	title, count *widget.Label
	meter        *Meter
	tick         *Icon
	body         *fyne.Container
}

// NewKindProgress makes the row of a kind that waits.
func NewKindProgress(g Glyph, title string) *KindProgress {
	p := &KindProgress{
		title: Sentence(title, Bold), count: Sentence("", Quiet), meter: NewMeter(6), tick: NewIcon("", theme.ColorNameSuccess, side),
	}
	p.body = container.New(row{grows: 1, gap: 12}, NewIcon(g, theme.ColorNameForeground, side),
		Column(6, Pair(p.title, p.count), p.meter), p.tick)
	p.ExtendBaseWidget(p)
	return p
}

// Set says how far the kind is, in words too: "2,120 of 3,412", "waiting".
func (p *KindProgress) Set(part float32, count string, done bool) {
	p.meter.Set(part)
	if count != p.count.Text {
		p.count.SetText(count)
	}
	g := Glyph("")
	if done {
		g = Check
	}
	p.tick.Set(g, theme.ColorNameSuccess)
}

// CreateRenderer implements [fyne.Widget].
func (p *KindProgress) CreateRenderer() fyne.WidgetRenderer { return widget.NewSimpleRenderer(p.body) }

// Room is how full the other phone is, and will be.
type Room struct {
	Used, Move, Total int64 // bytes; a Total of 0 or less is not known
	// Words say the same: "18 of 41 GB". Lack says how much is missing, and is
	// shown if the move does not fit.
	Words, Lack string
}

// fits tells whether the move fits, without overflowing.
func (r Room) fits() bool { return r.Total <= 0 || r.Move <= r.Total-r.Used }

// Capacity shows a Room as a bar: what is used, what this move takes, and what
// is left.
type Capacity struct {
	widget.BaseWidget
	room Room
	bar  *levels
	text *widget.Label
	lack fyne.CanvasObject
	why  *widget.Label
	body *fyne.Container
}

// NewCapacity makes the bar.
func NewCapacity(title string, r Room) *Capacity {
	c := &Capacity{bar: newLevels(), text: Sentence("", Quiet), why: Sentence("", Bad, Bold)}
	c.lack = container.New(row{grows: 1, gap: 8, top: true}, NewIcon(Warning, theme.ColorNameError, side), c.why)
	c.body = Column(8, Pair(Sentence(title, Bold), c.text), c.bar, c.lack)
	c.ExtendBaseWidget(c)
	c.Set(r)
	return c
}

// Set shows another state.
func (c *Capacity) Set(r Room) {
	if r.Used = max(0, r.Used); r.Total > 0 {
		r.Used = min(r.Used, r.Total)
	}
	r.Move = max(0, r.Move)
	c.room = r
	c.text.SetText(r.Words)
	c.why.SetText(r.Lack)
	c.lack.(*fyne.Container).Hidden = r.fits()
	c.bar.Hidden = r.Total <= 0
	c.bar.room = r
	c.bar.Refresh()
	c.body.Refresh()
}

// CreateRenderer implements [fyne.Widget].
func (c *Capacity) CreateRenderer() fyne.WidgetRenderer { return widget.NewSimpleRenderer(c.body) }

// levels is the bar of a Capacity.
type levels struct {
	widget.BaseWidget
	room Room
}

func newLevels() *levels {
	l := new(levels)
	l.ExtendBaseWidget(l)
	return l
}

// CreateRenderer implements [fyne.Widget].
func (l *levels) CreateRenderer() fyne.WidgetRenderer {
	const high, gap = 16, 2
	back, used, move := newRect(4), newRect(4), newRect(4)
	return newDrawn(drawn{
		widget: l, objects: []fyne.CanvasObject{back, used, move},
		layout: func(s fyne.Size) {
			put(back, 0, 0, s.Width, high)
			part := func(n int64) float32 { return s.Width * within(float32(float64(n)/float64(max(1, l.room.Total)))) }
			a := part(l.room.Used)
			b := min(part(l.room.Move), s.Width-a)
			if !l.room.fits() { // seen even where nothing is left
				b = max(b, 8)
			}
			put(used, 0, 4, max(0, a-gap), high-8)
			put(move, min(a, s.Width-b), 0, b, high)
			for _, r := range []*canvas.Rectangle{used, move} {
				r.Hidden = r.Size().Width < 1
			}
		},
		least: func() fyne.Size { return fyne.NewSize(48, high) },
		paint: func() {
			paintRect(l, back, theme.ColorNameButton, theme.ColorNameInputBorder, rim(l))
			paintRect(l, used, theme.ColorNamePlaceHolder, "", 0)
			paintRect(l, move, theme.ColorNamePrimary, "", 0)
			if !l.room.fits() {
				paintRect(l, move, theme.ColorNameError, "", 0)
			}
		},
	})
}
