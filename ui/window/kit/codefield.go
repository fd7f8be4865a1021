package kit

import (
	"image/color"
	"unicode"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/driver/mobile"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// CodeLen is how many digits a code has; codeGap is after the third, as the
// code is shown.
const CodeLen, codeGap = 7, 3

// CodeField is where a code is typed or pasted: seven big cells. Whatever is no
// digit is left out.
type CodeField struct {
	widget.BaseWidget
	// Done is called when Enter is pressed, or the last digit typed. Changed is
	// called on every change. Both may be nil.
	Done    func(digits string)
	Changed func(digits string)
	// Other is offered what is pasted, and reports whether that was for it and
	// no code. nil = nothing is.
	Other func(text string) bool
	// Useless is called when what is pasted is neither that nor has a digit. nil =
	// nothing is told.
	Useless func()

	label   string
	digits  string
	problem *widget.Label
	focused bool
}

// NewCodeField makes an empty field. The label is for screen readers.
func NewCodeField(label string) *CodeField {
	f := &CodeField{label: label, problem: Sentence("", Bad)}
	f.problem.Hide()
	f.ExtendBaseWidget(f)
	return f
}

// Digits returns what is typed so far.
func (f *CodeField) Digits() string { return f.digits }

// Complete tells whether all digits are typed.
func (f *CodeField) Complete() bool { return len(f.digits) == CodeLen }

// SetProblem says below the field what is wrong with the code; empty = nothing
// is. A change of the digits takes it away.
func (f *CodeField) SetProblem(s string) {
	if f.problem.Text != s {
		f.problem.SetText(s)
		f.problem.Hidden = s == ""
		f.Refresh()
		grown(f)
	}
}

// Clear empties the field, but leaves what is said about it.
func (f *CodeField) Clear() { f.digits = ""; f.Refresh() }

// Paste takes the digits of a text in place of what is there. A text without
// any changes nothing; of a longer one the first count.
func (f *CodeField) Paste(s string) {
	if f.Other != nil && f.Other(s) {
		return
	}
	if d := digitsOf(s); d != "" {
		f.change(d)
	} else if f.Useless != nil {
		f.Useless()
	}
}

func digitsOf(s string) string {
	out := make([]byte, 0, CodeLen)
	for _, r := range s {
		if d, ok := digit(r); ok && len(out) < CodeLen {
			out = append(out, d)
		}
	}
	return string(out)
}

// digit returns the digit that a character of any script is. Unicode keeps the
// ten of a script together and in order, and its ranges begin at a zero.
func digit(r rune) (byte, bool) {
	for _, in := range unicode.Nd.R16 {
		if rune(in.Lo) <= r && r <= rune(in.Hi) {
			return '0' + byte((r-rune(in.Lo))%10), true
		}
	}
	for _, in := range unicode.Nd.R32 {
		if rune(in.Lo) <= r && r <= rune(in.Hi) {
			return '0' + byte((r-rune(in.Lo))%10), true
		}
	}
	return 0, false
}

func (f *CodeField) change(digits string) {
	if digits == f.digits {
		return
	}
	longer := len(digits) > len(f.digits)
	f.digits = digits
	f.SetProblem("")
	if f.Changed != nil {
		f.Changed(digits)
	}
	if longer && f.Complete() {
		f.finish()
	}
}

func (f *CodeField) finish() {
	if f.Done != nil {
		f.Done(f.digits)
	}
}

// TypedRune implements [fyne.Focusable].
func (f *CodeField) TypedRune(r rune) {
	if d, ok := digit(r); ok && !f.Complete() {
		f.change(f.digits + string(d))
	}
}

// TypedKey implements [fyne.Focusable].
func (f *CodeField) TypedKey(k *fyne.KeyEvent) {
	switch k.Name {
	case fyne.KeyBackspace, fyne.KeyDelete:
		if n := len(f.digits); n > 0 {
			f.change(f.digits[:n-1])
		}
	case fyne.KeyReturn, fyne.KeyEnter:
		if f.Complete() {
			f.finish()
		}
	default:
		passOn(f, k)
	}
}

// TypedShortcut implements [fyne.Shortcutable].
func (f *CodeField) TypedShortcut(s fyne.Shortcut) {
	if p, ok := s.(*fyne.ShortcutPaste); ok {
		f.Paste(p.Clipboard.Content())
	}
}

// FocusGained implements [fyne.Focusable].
func (f *CodeField) FocusGained() { f.focused = true; f.Refresh(); reveal(f) }

// FocusLost implements [fyne.Focusable].
func (f *CodeField) FocusLost() { f.focused = false; f.Refresh() }

// Keyboard implements [mobile.Keyboardable].
func (f *CodeField) Keyboard() mobile.KeyboardType { return mobile.NumberKeyboard }

// Tapped implements [fyne.Tappable].
func (f *CodeField) Tapped(*fyne.PointEvent) {
	if c := fyne.CurrentApp().Driver().CanvasForObject(f); c != nil {
		c.Focus(f)
	}
}

// TappedSecondary implements [fyne.SecondaryTappable]: a long press, or the
// other mouse button, pastes.
func (f *CodeField) TappedSecondary(*fyne.PointEvent) {
	f.Tapped(nil)
	f.Paste(fyne.CurrentApp().Clipboard().Content())
}

// Cursor implements [desktop.Cursorable].
func (f *CodeField) Cursor() desktop.Cursor { return desktop.TextCursor }

// AccessibilityLabel implements [fyne.Accessible].
func (f *CodeField) AccessibilityLabel() string { return f.label + " " + f.digits }

// AccessibilityRole implements [fyne.Accessible].
func (*CodeField) AccessibilityRole() fyne.AccessibleRole { return fyne.AccessibleRoleText }

// CreateRenderer implements [fyne.Widget].
func (f *CodeField) CreateRenderer() fyne.WidgetRenderer {
	var cells [CodeLen]*canvas.Rectangle
	var digits [CodeLen]*canvas.Text
	var objects []fyne.CanvasObject
	for i := range CodeLen {
		cells[i], digits[i] = newRect(8), canvas.NewText("", color.Transparent)
		digits[i].Alignment, digits[i].TextStyle.Bold = fyne.TextAlignCenter, true
		objects = append(objects, cells[i], digits[i])
	}
	sign := NewIcon(Cross, theme.ColorNameError, side)
	objects = append(objects, sign, f.problem)
	const gap, middle = 4, 16
	high := func() float32 {
		return max(56, fyne.MeasureText("0", theme.SizeForWidget(sizeCode, f), fyne.TextStyle{Bold: true}).Height)
	}
	return newDrawn(drawn{
		widget: f, objects: objects,
		layout: func(s fyne.Size) {
			h, full := high(), theme.SizeForWidget(sizeCode, f)
			wide := min(full, (s.Width-middle-gap*(CodeLen-2))/CodeLen)
			x := float32(0)
			for i := range CodeLen {
				put(cells[i], x, 0, wide, h)
				digits[i].TextSize = min(full*0.8, wide/0.73)
				put(digits[i], x, 0, wide, h)
				if x += wide + gap; i == codeGap-1 {
					x += middle - gap
				}
			}
			if sign.Hidden = f.problem.Hidden; !sign.Hidden {
				put(sign, 0, h+8, side, side)
				place(f.problem, side+8, h+8, s.Width-side-8)
			}
		},
		least: func() fyne.Size {
			s := fyne.NewSize(CodeLen*20+middle+gap*(CodeLen-2), high())
			if !f.problem.Hidden {
				s.Height += 8 + least(f.problem).Height
			}
			return s
		},
		paint: func() {
			for i := range CodeLen {
				line, width := theme.ColorNamePlaceHolder, rim(f)
				switch {
				case f.focused && i == min(len(f.digits), CodeLen-1):
					line, width = theme.ColorNamePrimary, ring
				case !f.problem.Hidden:
					line, width = theme.ColorNameError, max(2, width)
				case f.focused:
					line = theme.ColorNamePrimary
				}
				paintRect(f, cells[i], theme.ColorNameInputBackground, line, width)
				digits[i].Text, digits[i].Color = "", hue(f, theme.ColorNameForeground)
				if i < len(f.digits) {
					digits[i].Text = f.digits[i : i+1]
				}
			}
		},
	})
}
