package kit

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

// Scheme is light or dark.
type Scheme uint8

const (
	System Scheme = iota // as the system is set
	Light
	Dark
)

// Least and Most are the limits of [Look.Scale].
const Least, Most = 0.8, 2.0

// Look is what a person can choose about how the window looks. The zero value
// follows the system.
type Look struct {
	Scheme Scheme
	// HighContrast has a black or a white ground, lines of twice the width and
	// no tints.
	HighContrast bool
	// Scale enlarges text, and nothing else. 0 = 1; it is kept between Least
	// and Most.
	Scale float32
}

// Theme returns the look as a theme of Fyne. What it does not name is Fyne's own.
func (l Look) Theme() fyne.Theme {
	if !(l.Scale > 0) {
		l.Scale = 1
	}
	l.Scale = min(Most, max(Least, l.Scale))
	return look{theme.DefaultTheme(), l}
}

type look struct {
	fyne.Theme
	Look
}

// role is a colour by what it is for: light, dark, and both in high contrast.
type role struct{ light, dark, lightHigh, darkHigh color.NRGBA }

var (
	white = rgb(0xFFFFFF)
	black = rgb(0x000000)

	ground  = role{rgb(0xF6F8F9), rgb(0x0F1720), white, black}
	surface = role{rgb(0xFFFFFF), rgb(0x17212B), white, black}
	text    = role{rgb(0x14212B), rgb(0xE8EEF2), black, white}
	quiet   = role{rgb(0x556570), rgb(0x9DB0BD), rgb(0x303A40), rgb(0xD5DEE4)}
	accent  = role{rgb(0x0B6E8F), rgb(0x5CC6E6), rgb(0x004A63), rgb(0x84DEFA)}
	done    = role{rgb(0x1B7F50), rgb(0x5BD39A), rgb(0x08522F), rgb(0x80EFB9)}
	caution = role{rgb(0x8F5600), rgb(0xF2B45A), rgb(0x613900), rgb(0xFFD184)}
	wrong   = role{rgb(0xA3241C), rgb(0xFF8A80), rgb(0x86130C), rgb(0xFFB4AC)}
	line    = role{rgb(0xDDE4E8), rgb(0x2A3742), black, white}
	raised  = role{rgb(0xDDE4E8), rgb(0x2A3742), white, black}           // a secondary button
	onFull  = role{surface.light, ground.dark, white, black}             // on accent, done, caution and wrong
	scrim   = role{alpha(black, 0x66), alpha(black, 0x99), black, black} // behind a question
)

var roles = map[fyne.ThemeColorName]role{
	theme.ColorNameBackground:          ground,
	theme.ColorNameButton:              raised,
	theme.ColorNameInputBackground:     surface,
	theme.ColorNameMenuBackground:      surface,
	theme.ColorNameOverlayBackground:   surface,
	theme.ColorNameHeaderBackground:    surface,
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
	theme.ColorNameShadow:              scrim,
	// These are laid over a button, whatever its colour: they must show on all.
	theme.ColorNameFocus:     tint(0x50, 0x48),
	theme.ColorNameSelection: tint(0x28, 0x38),
	theme.ColorNameHover:     tint(0x14, 0x20),
	theme.ColorNamePressed:   tint(0x28, 0x38),
}

// tint is the text's colour, thinned.
func tint(light, dark uint8) role {
	return role{alpha(text.light, light), alpha(text.dark, dark), alpha(black, light), alpha(white, dark)}
}

// Color implements [fyne.Theme].
func (l look) Color(name fyne.ThemeColorName, v fyne.ThemeVariant) color.Color {
	switch l.Scheme {
	case Light:
		v = theme.VariantLight
	case Dark:
		v = theme.VariantDark
	}
	r, ok := roles[name]
	switch {
	case !ok:
		return l.Theme.Color(name, v)
	case v == theme.VariantDark && l.HighContrast:
		return r.darkHigh
	case v == theme.VariantDark:
		return r.dark
	case l.HighContrast:
		return r.lightHigh
	}
	return r.light
}

// Corners and gaps, in Fyne's units.
const (
	corner   = 12
	side     = 24  // of an icon
	Gap      = 16  // between the things on a page
	Widest   = 560 // the column of content
	Touch    = 48  // the least side of what is tapped
	codeSize = 44
)

// sizes that text scale does not touch.
var sizes = map[fyne.ThemeSizeName]float32{
	theme.SizeNamePadding:            8,
	theme.SizeNameInnerPadding:       13,
	theme.SizeNameLineSpacing:        4,
	theme.SizeNameButtonRadius:       corner,
	theme.SizeNameInputRadius:        corner,
	theme.SizeNameCardRadius:         corner,
	theme.SizeNameSelectionRadius:    corner + 4, // around the ring of a list's row
	theme.SizeNameSeparatorThickness: 1,
	theme.SizeNameInputBorder:        1,
}

var textSizes = map[fyne.ThemeSizeName]float32{
	theme.SizeNameText:           16,
	theme.SizeNameCaptionText:    13,
	theme.SizeNameSubHeadingText: 20,
	theme.SizeNameHeadingText:    28,
	sizeCode:                     codeSize,
}

// sizeCode is the theme's name for the size of a code.
const sizeCode fyne.ThemeSizeName = "ferryCode"

// Size implements [fyne.Theme].
func (l look) Size(name fyne.ThemeSizeName) float32 {
	if s, ok := textSizes[name]; ok {
		if name == theme.SizeNameHeadingText { // is large, and has whole words to hold
			return s * min(l.Scale, 1.5)
		}
		return s * l.Scale
	}
	s, ok := sizes[name]
	if !ok {
		return l.Theme.Size(name)
	}
	if l.HighContrast && (name == theme.SizeNameInputBorder || name == theme.SizeNameSeparatorThickness) {
		return 2 * s
	}
	return s
}

func rgb(v uint32) color.NRGBA {
	return color.NRGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 0xFF}
}

func alpha(c color.NRGBA, a uint8) color.NRGBA {
	c.A = a
	return c
}
