package kit

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// Rank is how much a button asks to be tapped.
type Rank uint8

const (
	Secondary Rank = iota
	Primary        // one on a page at the most
	Plain          // no face, only words
)

// Button is a button with a text that wraps.
type Button struct {
	press
	rank  Rank
	words *widget.TextSegment
	text  *widget.RichText
}

// NewButton makes a button.
func NewButton(words string, rank Rank, tapped func()) *Button {
	b := &Button{rank: rank, words: &widget.TextSegment{Text: words, Style: widget.RichTextStyle{
		Alignment: fyne.TextAlignCenter, SizeName: theme.SizeNameText, TextStyle: fyne.TextStyle{Bold: true},
	}}}
	b.act, b.label, b.face = tapped, words, b.colors
	b.text = widget.NewRichText(b.words)
	b.text.Wrapping = fyne.TextWrapWord
	b.tone()
	b.init(b, b.text, 16)
	return b
}

// Text returns the button's words.
func (b *Button) Text() string { return b.label }

// SetText changes the button's words.
func (b *Button) SetText(s string) {
	if s != b.label {
		b.label, b.words.Text = s, s
		b.text.Refresh()
		b.Refresh()
	}
}

// Disable implements [fyne.Disableable].
func (b *Button) Disable() { b.off = true; b.tone() }

// Enable implements [fyne.Disableable].
func (b *Button) Enable() { b.off = false; b.tone() }

// tone gives the words their colour.
func (b *Button) tone() {
	b.words.Style.ColorName = map[Rank]fyne.ThemeColorName{
		Secondary: theme.ColorNameForeground, Primary: theme.ColorNameForegroundOnPrimary, Plain: theme.ColorNamePrimary,
	}[b.rank]
	if b.off {
		b.words.Style.ColorName = theme.ColorNameDisabled
	}
	b.text.Refresh()
	if b.on != nil {
		b.Refresh()
	}
}

func (b *Button) colors() (fill, line, ring fyne.ThemeColorName) {
	switch {
	case b.rank == Plain:
		return "", "", theme.ColorNamePrimary
	case b.off:
		return theme.ColorNameInputBackground, theme.ColorNameInputBorder, theme.ColorNamePrimary
	case b.rank == Primary:
		return theme.ColorNamePrimary, theme.ColorNamePrimary, theme.ColorNameForeground
	}
	return theme.ColorNameButton, theme.ColorNameInputBorder, theme.ColorNamePrimary
}

// oneLine is how wide the button must be for its words not to wrap.
func (b *Button) oneLine() float32 {
	return fyne.MeasureText(b.label, theme.SizeForWidget(theme.SizeNameText, b), b.words.Style.TextStyle).Width + 2*b.pad + 1
}
