package kit

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/ferry-move/ferry/ui/say"
)

// Choice is a big card that is one of few ways to go on.
type Choice struct{ press }

// NewChoice makes a card with an icon, a title and a line below it.
func NewChoice(g Glyph, title, line string, tapped func()) *Choice {
	c := new(Choice)
	c.act, c.label, c.face = tapped, title+". "+line, func() (fill, line, ring fyne.ThemeColorName) {
		return theme.ColorNameInputBackground, theme.ColorNameSeparator, theme.ColorNamePrimary
	}
	c.init(c, container.New(row{grows: 1, gap: 16, pad: 16},
		NewIcon(g, theme.ColorNamePrimary, 40), Column(4, Big(title), Sentence(line, Quiet)),
		NewIcon(Chevron, theme.ColorNamePlaceHolder, side)), 0)
	return c
}

// Kind is what is known of a kind of data.
type Kind struct {
	Icon          Glyph
	Title         string
	Count, Detail string // "3,412", "14.1 GB"
	On            bool
	// Some tells that a part of it is chosen, whatever On is. A tap chooses the rest.
	Some bool
	// OpenLabel says what the chevron does; it is for screen readers.
	OpenLabel string
}

// KindRow is a kind that can be chosen, and opened.
type KindRow struct {
	press
	box           *Icon
	title, detail *widget.Label
	open          func()
	on            bool
	changed       func(on bool)
}

// NewKindRow makes the row of a kind. open is nil for one that cannot be opened.
func NewKindRow(k Kind, changed func(on bool), open func()) *KindRow {
	r := &KindRow{
		box: NewIcon(boxOff, theme.ColorNamePlaceHolder, side), changed: changed, open: open,
		title: Sentence(k.Title, Bold), detail: Sentence("", Quiet),
	}
	r.act = func() {
		r.SetOn(!r.on)
		r.changed(r.on)
	}
	objects := []fyne.CanvasObject{r.box, NewIcon(k.Icon, theme.ColorNameForeground, side), container.New(apart{least: 240}, r.title, r.detail)}
	if open != nil {
		more := new(press)
		more.act, more.label = open, k.OpenLabel
		more.init(more, container.NewCenter(NewIcon(Chevron, theme.ColorNamePlaceHolder, side)), 0)
		objects = append(objects, more)
		r.flush = true // its chevron stands below those of other rows
	}
	r.init(r, container.New(row{grows: 2, gap: 12}, objects...), 12)
	r.Set(k)
	return r
}

// Set shows another count, size and state of the same kind.
func (r *KindRow) Set(k Kind) {
	text := k.Count
	if k.Detail != "" && text != "" {
		text += " · "
	}
	text += k.Detail
	if text != r.detail.Text {
		r.detail.SetText(text)
	}
	r.label = k.Title + ", " + text
	if k.Some {
		r.on = false
		r.box.Set(boxSome, theme.ColorNamePrimary)
		return
	}
	r.SetOn(k.On)
}

// SetOn checks or clears the box. It does not call back.
func (r *KindRow) SetOn(on bool) {
	r.on = on
	r.box.Set(boxSign(on))
}

// On tells whether the kind is chosen.
func (r *KindRow) On() bool { return r.on }

// TypedKey implements [fyne.Focusable]: the right arrow opens the kind.
func (r *KindRow) TypedKey(k *fyne.KeyEvent) {
	if k.Name == fyne.KeyRight && r.open != nil {
		r.open()
		return
	}
	r.press.TypedKey(k)
}

func boxSign(on bool) (Glyph, fyne.ThemeColorName) {
	if on {
		return boxOn, theme.ColorNamePrimary
	}
	return boxOff, theme.ColorNamePlaceHolder
}

// Device is another phone or computer. Its name is its own word: it is made
// harmless here.
type Device struct {
	Name     string
	Kind     string // "Phone", in the person's language
	Address  string // where it is; for devices that have one name
	Seen     string // "just now"
	Computer bool
}

// DeviceRow is a device that leads on when it is tapped.
type DeviceRow struct {
	press
	icon        *Icon
	name, about *widget.Label
}

// NewDeviceRow makes the row of a device.
func NewDeviceRow(d Device, tapped func()) *DeviceRow {
	r := &DeviceRow{icon: NewIcon(Phone, theme.ColorNameForeground, side), name: Sentence("", Bold), about: Caption("")}
	r.act = tapped
	r.init(r, container.New(row{grows: 1, gap: 12}, r.icon, Column(2, r.name, r.about),
		NewIcon(Chevron, theme.ColorNamePlaceHolder, side)), 12)
	r.Set(d)
	return r
}

// Set shows what is known of the same device by now, and reports whether that is
// something else: the row may have another height then.
func (r *DeviceRow) Set(d Device) (changed bool) {
	g := Phone
	if d.Computer {
		g = Computer
	}
	r.icon.Set(g, theme.ColorNameForeground)
	var about []string
	for _, s := range []string{d.Kind, d.Address, d.Seen} {
		if s != "" {
			about = append(about, s)
		}
	}
	setText(r.name, say.Foreign(d.Name))
	setText(r.about, strings.Join(about, " · "))
	label := strings.Join(append([]string{r.name.Text}, about...), ", ")
	changed = label != r.label
	r.label = label
	return changed
}

// Link is a line that leads somewhere: an icon, words, a chevron.
func Link(g Glyph, words string, tapped func()) fyne.CanvasObject {
	p := new(press)
	p.act, p.label = tapped, words
	p.init(p, container.New(row{grows: 1, gap: 12}, NewIcon(g, theme.ColorNameForeground, side), Sentence(words),
		NewIcon(Chevron, theme.ColorNamePlaceHolder, side)), 12)
	return p
}
