package kit

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// Pick is a row that is on or off: one of several of which one is on, or a box
// of its own.
type Pick struct {
	press
	sign  *Icon
	alone bool
	on    bool
}

// NewPick makes a row of which one is on among others. detail may be empty.
func NewPick(title, detail string, tapped func()) *Pick { return newPick(title, detail, false, tapped) }

// NewCheck makes a box of its own, which is checked and cleared by a tap. detail
// may be empty.
func NewCheck(title, detail string, on bool, changed func(on bool)) *Pick {
	var p *Pick
	p = newPick(title, detail, true, func() {
		p.SetOn(!p.on)
		changed(p.on)
	})
	p.SetOn(on)
	return p
}

func newPick(title, detail string, alone bool, tapped func()) *Pick {
	p := &Pick{sign: NewIcon("", theme.ColorNamePlaceHolder, side), alone: alone}
	p.act, p.label = tapped, title
	words := fyne.CanvasObject(Sentence(title))
	if detail != "" {
		p.label += ". " + detail
		words = Column(2, words, Caption(detail))
	}
	p.SetOn(false)
	p.init(p, container.New(row{grows: 1, gap: 12}, p.sign, words), 12)
	return p
}

// SetOn turns the row on or off. It does not call back.
func (p *Pick) SetOn(on bool) {
	p.on = on
	switch {
	case p.alone:
		p.sign.Set(boxSign(on))
	case on:
		p.sign.Set(radioOn, theme.ColorNamePrimary)
	default:
		p.sign.Set(radioOff, theme.ColorNamePlaceHolder)
	}
}

// On tells whether the row is on.
func (p *Pick) On() bool { return p.on }

// Value is something that is set, with what it is set to; it leads to where that
// is changed.
type Value struct {
	press
	title string
	value *widget.Label
}

// NewValue makes a line of it.
func NewValue(title, value string, tapped func()) *Value {
	l := &Value{title: title, value: Sentence("", Quiet)}
	l.act = tapped
	l.Set(value)
	l.init(l, container.New(row{grows: 0, gap: 12}, Pair(Sentence(title), l.value), NewIcon(Chevron, theme.ColorNamePlaceHolder, side)), 12)
	return l
}

// Set says what it is set to now.
func (l *Value) Set(s string) {
	l.label = l.title + ", " + s
	setText(l.value, s)
}
