package kit

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/mobile"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// fieldMost is how many bytes a text that is pasted into a field, or set, may
// have; the rest is left out.
const fieldMost = 2000

// Field is where one line of text is typed: what it is above it, and what is
// wrong with it below.
type Field struct {
	widget.BaseWidget
	// Done is called when Enter is pressed, Changed on every change. Both may be
	// nil.
	Done    func(text string)
	Changed func(text string)

	label          string
	title, problem *widget.Label
	entry          *fieldEntry
}

// NewField makes an empty field. The hint is shown in it as long as it is empty.
func NewField(label, hint string) *Field {
	f := &Field{label: label, title: Sentence(label, Bold), problem: Sentence("", Bad), entry: new(fieldEntry)}
	e := f.entry
	e.field, e.PlaceHolder, e.Wrapping = f, hint, fyne.TextWrap(fyne.TextTruncateClip)
	e.OnChanged = func(text string) {
		f.SetProblem("")
		if f.Changed != nil {
			f.Changed(text)
		}
	}
	e.OnSubmitted = func(text string) {
		if f.Done != nil {
			f.Done(text)
		}
	}
	e.ExtendBaseWidget(e)
	f.problem.Hide()
	f.ExtendBaseWidget(f)
	return f
}

// NewSecret makes a field whose text is not shown until Reveal.
func NewSecret(label string) *Field {
	f := NewField(label, "")
	f.entry.Password = true
	f.entry.ActionItem = newRect(0) // Fyne's own has no name and no focus
	return f
}

// Text returns what is typed so far.
func (f *Field) Text() string { return f.entry.Text }

// SetText puts a text in place of what is there.
func (f *Field) SetText(text string) {
	f.entry.SetText(text[:min(len(text), fieldMost)])
	f.entry.CursorColumn = len([]rune(f.entry.Text))
	f.entry.Refresh()
}

// SetProblem says below the field what is wrong with the text; empty = nothing
// is. A change of the text takes it away.
func (f *Field) SetProblem(s string) {
	if f.problem.Text != s {
		f.problem.SetText(s)
		f.problem.Hidden = s == ""
		f.Refresh()
		grown(f)
	}
}

// Reveal shows the text of a secret, or hides it again.
func (f *Field) Reveal(on bool) {
	f.entry.Password = !on
	f.entry.Refresh()
}

// Input is the part that takes the focus.
func (f *Field) Input() fyne.Focusable { return f.entry }

// CreateRenderer implements [fyne.Widget].
func (f *Field) CreateRenderer() fyne.WidgetRenderer {
	const gap = 8
	edge, sign := newRect(corner), NewIcon(Cross, theme.ColorNameError, side)
	return newDrawn(drawn{
		widget: f, objects: []fyne.CanvasObject{f.title, f.entry, edge, sign, f.problem},
		layout: func(s fyne.Size) {
			y, h := place(f.title, 0, 0, s.Width)+gap, f.entry.MinSize().Height
			put(f.entry, 0, y, s.Width, h)
			put(edge, 0, y, s.Width, h)
			put(sign, 0, y+h+gap, side, side)
			place(f.problem, side+gap, y+h+gap, s.Width-side-gap)
		},
		least: func() fyne.Size {
			s := fyne.NewSize(200, least(f.title).Height+gap+f.entry.MinSize().Height)
			if !f.problem.Hidden {
				s.Height += gap + max(side, least(f.problem).Height)
			}
			return s
		},
		paint: func() {
			line, width := theme.ColorNamePlaceHolder, rim(f)
			switch {
			case f.entry.has:
				line, width = theme.ColorNamePrimary, ring
			case !f.problem.Hidden:
				line, width = theme.ColorNameError, 2*rim(f)
			}
			paintRect(f, edge, "", line, width)
			sign.Hidden = f.problem.Hidden
		},
	})
}

// fieldEntry is the line of a Field.
type fieldEntry struct {
	widget.Entry
	field *Field
	has   bool // the focus
}

// MinSize implements [fyne.CanvasObject].
func (e *fieldEntry) MinSize() fyne.Size {
	return e.Entry.MinSize().Max(fyne.NewSquareSize(Touch))
}

// FocusGained implements [fyne.Focusable].
func (e *fieldEntry) FocusGained() {
	e.has = true
	e.Entry.FocusGained()
	e.field.Refresh()
	reveal(e.field)
}

// FocusLost implements [fyne.Focusable].
func (e *fieldEntry) FocusLost() {
	e.has = false
	e.Entry.FocusLost()
	e.field.Refresh()
}

// TypedKey implements [fyne.Focusable]: what one line has no use for is the
// page's.
func (e *fieldEntry) TypedKey(k *fyne.KeyEvent) {
	switch k.Name {
	case fyne.KeyEscape, mobile.KeyBack, fyne.KeyUp, fyne.KeyDown, fyne.KeyPageUp, fyne.KeyPageDown:
		passOn(e, k)
	default:
		e.Entry.TypedKey(k)
	}
}

// TypedShortcut implements [fyne.Shortcutable].
func (e *fieldEntry) TypedShortcut(s fyne.Shortcut) {
	if p, ok := s.(*fyne.ShortcutPaste); ok {
		if text := p.Clipboard.Content(); len(text) > fieldMost {
			e.field.SetText(text)
			return
		}
	}
	e.Entry.TypedShortcut(s)
}

// AccessibilityLabel implements [fyne.Accessible]. What is hidden is not read
// aloud.
func (e *fieldEntry) AccessibilityLabel() string {
	if e.Password || e.Text == "" {
		return e.field.label
	}
	return e.field.label + " " + e.Text
}

// AccessibilityRole implements [fyne.Accessible].
func (*fieldEntry) AccessibilityRole() fyne.AccessibleRole { return fyne.AccessibleRoleText }

// Tick is a line that is on or off.
type Tick struct {
	press
	box *Icon
	on  bool
}

// NewTick makes a line that is off.
func NewTick(words string, changed func(on bool)) *Tick {
	t := &Tick{box: NewIcon(boxOff, theme.ColorNamePlaceHolder, side)}
	t.label = words
	t.act = func() {
		t.on = !t.on
		t.box.Set(boxSign(t.on))
		changed(t.on)
	}
	t.init(t, container.New(row{grows: 1, gap: 12}, t.box, Sentence(words)), 8)
	return t
}
