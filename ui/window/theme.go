package window

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

// look is Ferry's theme. What it does not name is Fyne's own.
type look struct{ fyne.Theme }

// Theme returns how the window looks, light and dark.
func Theme() fyne.Theme { return look{theme.DefaultTheme()} }

// role is a colour by what it is for, once for light and once for dark.
type role struct{ light, dark color.NRGBA }

var (
	ground  = role{rgb(0xF6F8F9), rgb(0x0F1720)}
	surface = role{rgb(0xFFFFFF), rgb(0x17212B)}
	text    = role{rgb(0x14212B), rgb(0xE8EEF2)}
	quiet   = role{rgb(0x556570), rgb(0x9DB0BD)}
	accent  = role{rgb(0x0B6E8F), rgb(0x5CC6E6)}
	done    = role{rgb(0x1B7F50), rgb(0x5BD39A)}
	caution = role{rgb(0x8F5600), rgb(0xF2B45A)}
	wrong   = role{rgb(0xA3241C), rgb(0xFF8A80)}
	line    = role{rgb(0xDDE4E8), rgb(0x2A3742)}
	onFull  = role{surface.light, ground.dark} // on accent, done, caution and wrong
)

var roles = map[fyne.ThemeColorName]role{
	theme.ColorNameBackground:          ground,
	theme.ColorNameButton:              line,
	theme.ColorNameInputBackground:     surface,
	theme.ColorNameMenuBackground:      surface,
	theme.ColorNameOverlayBackground:   surface,
	theme.ColorNameForeground:          text,
	theme.ColorNameDisabled:            quiet, // also what a label of low importance has
	theme.ColorNamePlaceHolder:         quiet,
	theme.ColorNamePrimary:             accent,
	theme.ColorNameHyperlink:           accent,
	theme.ColorNameSuccess:             done,
	theme.ColorNameWarning:             caution,
	theme.ColorNameError:               wrong,
	theme.ColorNameSeparator:           line,
	theme.ColorNameInputBorder:         line,
	theme.ColorNameForegroundOnPrimary: onFull,
	theme.ColorNameForegroundOnSuccess: onFull,
	theme.ColorNameForegroundOnWarning: onFull,
	theme.ColorNameForegroundOnError:   onFull,
	// These are laid over a button, whatever its colour: they must show on all.
	theme.ColorNameFocus:   {alpha(text.light, 0x50), alpha(text.dark, 0x48)},
	theme.ColorNameHover:   {alpha(text.light, 0x14), alpha(text.dark, 0x20)},
	theme.ColorNamePressed: {alpha(text.light, 0x28), alpha(text.dark, 0x38)},
}

// Color implements [fyne.Theme].
func (l look) Color(name fyne.ThemeColorName, v fyne.ThemeVariant) color.Color {
	r, ok := roles[name]
	switch {
	case !ok:
		return l.Theme.Color(name, v)
	case v == theme.VariantDark:
		return r.dark
	}
	return r.light
}

// Corners and gaps, in Fyne's units.
const (
	corner   = 12
	gap      = 16
	widest   = 560 // the column of content
	touch    = 48  // the least height of what is tapped
	codeSize = 44
)

var sizes = map[fyne.ThemeSizeName]float32{
	theme.SizeNameText:           16,
	theme.SizeNameCaptionText:    13,
	theme.SizeNameSubHeadingText: 20,
	theme.SizeNameHeadingText:    28,
	theme.SizeNamePadding:        8,
	theme.SizeNameInnerPadding:   13, // makes a button 48 high
	theme.SizeNameLineSpacing:    4,
	theme.SizeNameButtonRadius:   corner,
	theme.SizeNameInputRadius:    corner,
	theme.SizeNameCardRadius:     corner,
}

// Size implements [fyne.Theme].
func (l look) Size(name fyne.ThemeSizeName) float32 {
	if s, ok := sizes[name]; ok {
		return s
	}
	return l.Theme.Size(name)
}

func rgb(v uint32) color.NRGBA {
	return color.NRGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 0xFF}
}

func alpha(c color.NRGBA, a uint8) color.NRGBA {
	c.A = a
	return c
}
