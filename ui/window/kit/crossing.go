package kit

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// Sailing is how the ferry fares.
type Sailing uint8

const (
	Underway Sailing = iota
	Resting          // a person paused it
	Adrift           // the phones lost each other
	Landed           // all is on the new phone
)

// Crossing is a ferry between two shores, the old phone and the new one; part of
// the way is behind it.
type Crossing struct {
	widget.BaseWidget
	part float32
	how  Sailing
}

// NewCrossing makes a ferry.
func NewCrossing(part float32, how Sailing) *Crossing {
	c := &Crossing{part: within(part), how: how}
	c.ExtendBaseWidget(c)
	return c
}

// Set moves the ferry.
func (c *Crossing) Set(part float32, how Sailing) {
	if part = within(part); part != c.part || how != c.how {
		c.part, c.how = part, how
		c.Refresh()
	}
}

const (
	shore = 48 // a phone's side
	boat  = 40 // the ferry's side
	keel  = 6  // how deep the ferry's picture is under the water
	water = shore - 8
	swell = 3  // how thick the waterline is
	flag  = 20 // the side of the sign over the water
)

// CreateRenderer implements [fyne.Widget].
func (c *Crossing) CreateRenderer() fyne.WidgetRenderer {
	old, here := NewIcon(phoneShape, theme.ColorNamePlaceHolder, shore), NewIcon(phoneShape, theme.ColorNamePrimary, shore)
	ferry, sign := NewIcon(ferryShape, theme.ColorNamePrimary, boat), NewIcon("", theme.ColorNamePlaceHolder, flag)
	ahead, behind := newRect(swell/2.0), newRect(swell/2.0)
	return newDrawn(drawn{
		widget: c, objects: []fyne.CanvasObject{old, here, ahead, behind, ferry, sign},
		layout: func(s fyne.Size) {
			put(old, 0, 0, shore, shore)
			put(here, s.Width-shore, 0, shore, shore)
			part := c.part
			if c.how == Landed {
				part = 1
			}
			at := shore + (s.Width-2*shore-boat)*part
			put(ferry, at, water-boat+keel, boat, boat)
			put(behind, shore, water, at-shore, swell)
			behind.Hidden = at-shore < swell // its round ends alone would show
			put(ahead, at+boat, water, max(0, s.Width-shore-at-boat), swell)
			ahead.Hidden = ahead.Size().Width < swell
			x := (shore + at - flag) / 2 // over the longer part of the water
			if s.Width-shore-at-boat > at-shore {
				x = (at + boat + s.Width - shore - flag) / 2
			}
			put(sign, x, 8, flag, flag)
		},
		least: func() fyne.Size { return fyne.NewSize(2*shore+2*boat, shore) },
		paint: func() {
			alive, dead := theme.ColorNamePrimary, theme.ColorNamePlaceHolder
			body, wake, glyph, tone := alive, alive, Glyph(""), dead
			switch c.how {
			case Resting:
				glyph = Pause
			case Adrift:
				body, wake, glyph, tone = dead, dead, LostLink, theme.ColorNameWarning
			case Landed:
				glyph, tone = Check, theme.ColorNameSuccess
			}
			ferry.Set(ferryShape, body)
			sign.Set(glyph, tone)
			paintRect(c, behind, wake, "", 0)
			paintRect(c, ahead, theme.ColorNameSeparator, "", 0)
		},
	})
}
