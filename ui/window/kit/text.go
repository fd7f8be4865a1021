package kit

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// Style is how a text differs from the usual.
type Style func(*widget.Label)

// Styles of a text.
var (
	Bold   Style = func(l *widget.Label) { l.TextStyle.Bold = true }
	Quiet  Style = func(l *widget.Label) { l.Importance = widget.LowImportance }
	Middle Style = func(l *widget.Label) { l.Alignment = fyne.TextAlignCenter }
	Good   Style = func(l *widget.Label) { l.Importance = widget.SuccessImportance }
	Heed   Style = func(l *widget.Label) { l.Importance = widget.WarningImportance }
	Bad    Style = func(l *widget.Label) { l.Importance = widget.DangerImportance }
)

// prose is text that wraps.
func prose(s string, size fyne.ThemeSizeName, style ...Style) *widget.Label {
	l := widget.NewLabel(s)
	l.SizeName, l.Wrapping = size, fyne.TextWrapWord
	for _, f := range style {
		f(l)
	}
	return l
}

// Title is what a page is about.
func Title(s string, style ...Style) *widget.Label {
	return prose(s, theme.SizeNameHeadingText, append(style, Bold)...)
}

// Big is a number, or a name, that matters.
func Big(s string, style ...Style) *widget.Label {
	return prose(s, theme.SizeNameSubHeadingText, append(style, Bold)...)
}

// Sentence is text of the usual size.
func Sentence(s string, style ...Style) *widget.Label {
	return prose(s, theme.SizeNameText, style...)
}

// Caption is small and quiet.
func Caption(s string, style ...Style) *widget.Label {
	return prose(s, theme.SizeNameCaptionText, append(style, Quiet)...)
}
