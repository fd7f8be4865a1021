package cli

import (
	"strings"

	"rsc.io/qr"
)

// quiet is the empty border that a QR code needs, in modules.
const quiet = 2

// qrText draws a QR code with half blocks, dark on light whatever the
// terminal's colours are. It returns "" for a text that is too long.
func qrText(text string) string {
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return ""
	}
	dark := func(x, y int) bool { return code.Black(x, y) } // false outside
	var b strings.Builder
	for y := -quiet; y < code.Size+quiet; y += 2 {
		b.WriteString("  \x1b[30;107m") // black on white
		for x := -quiet; x < code.Size+quiet; x++ {
			switch top, bottom := dark(x, y), dark(x, y+1); {
			case top && bottom:
				b.WriteRune('█')
			case top:
				b.WriteRune('▀')
			case bottom:
				b.WriteRune('▄')
			default:
				b.WriteRune(' ')
			}
		}
		b.WriteString("\x1b[0m\n")
	}
	return b.String()
}
