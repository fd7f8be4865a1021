package window

import (
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
