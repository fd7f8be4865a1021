package window

import (
	"unicode"
	"unicode/utf8"

	"fyne.io/fyne/v2/widget"

	"github.com/ferry-move/ferry/ui/window/kit"
)

// setText changes a text. The same one again costs nothing.
func setText(l *widget.Label, s string) {
	if l.Text != s {
		l.SetText(s)
	}
}

// able lets a button be tapped, or not.
func able(b *kit.Button, on bool) {
	switch {
	case b.Disabled() != on:
	case on:
		b.Enable()
	default:
		b.Disable()
	}
}

// upper begins a text with a capital letter, where its script has them.
func upper(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToTitle(r)) + s[n:]
}
