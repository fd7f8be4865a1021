package kit

import (
	"image"
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
	"rsc.io/qr"
)

// Code shows a code: large, spaced, and every digit as wide as the others. It
// is smaller where it would not fit.
type Code struct {
	widget.BaseWidget
	digits string // and spaces
}

// NewCode makes a code. Nothing but digits and spaces of it is shown.
func NewCode(code string) *Code {
	const most = 9
	c := new(Code)
	for _, r := range code {
		if (r >= '0' && r <= '9' || r == ' ') && len(c.digits) < most {
			c.digits += string(r)
		}
	}
	c.ExtendBaseWidget(c)
	return c
}

// CreateRenderer implements [fyne.Widget].
func (c *Code) CreateRenderer() fyne.WidgetRenderer {
	var digits []*canvas.Text
	var objects []fyne.CanvasObject
	for _, r := range c.digits {
		t := canvas.NewText(string(r), color.Transparent)
		t.TextStyle.Bold, t.Alignment = true, fyne.TextAlignCenter
		digits, objects = append(digits, t), append(objects, t)
	}
	return newDrawn(drawn{
		widget: c, objects: objects,
		layout: func(s fyne.Size) {
			size := theme.SizeForWidget(sizeCode, c)
			cell := size * 0.73
			if n := float32(len(digits)); n > 0 && cell*n > s.Width {
				size *= s.Width / (cell * n)
				cell = s.Width / n
			}
			x := (s.Width - cell*float32(len(digits))) / 2
			for _, t := range digits {
				t.TextSize = size
				put(t, x, 0, cell, s.Height)
				x += cell
			}
		},
		least: func() fyne.Size {
			h := fyne.MeasureText("0", theme.SizeForWidget(sizeCode, c), fyne.TextStyle{Bold: true}).Height
			return fyne.NewSize(20*float32(len(digits)), h)
		},
		paint: func() {
			for _, t := range digits {
				t.Color = hue(c, theme.ColorNamePrimary)
			}
		},
	})
}

// qrQuiet is the white border of a QR code, in modules.
const qrQuiet = 4

// QR draws a QR code, black on white whatever the theme is. It returns nil for a
// text that is too long.
func QR(text string) *canvas.Image {
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return nil
	}
	side := code.Size + 2*qrQuiet
	pic := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for y := range code.Size {
		for x := range code.Size {
			if code.Black(x, y) {
				pic.SetColorIndex(x+qrQuiet, y+qrQuiet, 1)
			}
		}
	}
	img := canvas.NewImageFromImage(pic)
	img.ScaleMode, img.FillMode, img.CornerRadius = canvas.ImageScalePixels, canvas.ImageFillContain, corner
	img.SetMinSize(fyne.NewSquareSize(float32(side * max(2, 200/side)))) // whole pixels a module
	return img
}
