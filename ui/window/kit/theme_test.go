package kit

import (
	"image/color"
	"math"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

func TestContrast(t *testing.T) {
	th := Look{}.Theme()
	for v, variant := range map[fyne.ThemeVariant]string{theme.VariantLight: "light", theme.VariantDark: "dark"} {
		get := func(n fyne.ThemeColorName) color.NRGBA { return th.Color(n, v).(color.NRGBA) }
		check := func(what string, fore, back color.NRGBA) {
			t.Helper()
			if c := contrast(fore, back); c < 4.5 {
				t.Errorf("%s, %s: contrast %.2f", variant, what, c)
			}
		}
		for _, fore := range []fyne.ThemeColorName{
			theme.ColorNameForeground, theme.ColorNameDisabled, theme.ColorNamePlaceHolder, theme.ColorNamePrimary,
			theme.ColorNameSuccess, theme.ColorNameWarning, theme.ColorNameError,
		} {
			for _, back := range []fyne.ThemeColorName{theme.ColorNameBackground, theme.ColorNameInputBackground} {
				check(string(fore)+" on "+string(back), get(fore), get(back))
			}
		}
		for fore, back := range map[fyne.ThemeColorName]fyne.ThemeColorName{
			theme.ColorNameForeground: theme.ColorNameButton, theme.ColorNameForegroundOnPrimary: theme.ColorNamePrimary,
			theme.ColorNameForegroundOnSuccess: theme.ColorNameSuccess, theme.ColorNameForegroundOnWarning: theme.ColorNameWarning,
			theme.ColorNameForegroundOnError: theme.ColorNameError,
		} {
			check(string(fore)+" on "+string(back), get(fore), get(back))
			for _, lid := range []fyne.ThemeColorName{theme.ColorNameFocus, theme.ColorNameHover} {
				check(string(fore)+" on "+string(back)+" under "+string(lid), get(fore), over(get(lid), get(back)))
			}
		}
	}
}

// over lays a translucent colour on an opaque one.
func over(lid, under color.NRGBA) color.NRGBA {
	mix := func(l, u uint8) uint8 { return uint8((int(l)*int(lid.A) + int(u)*(255-int(lid.A))) / 255) }
	return color.NRGBA{mix(lid.R, under.R), mix(lid.G, under.G), mix(lid.B, under.B), 255}
}

// contrast is WCAG 2's ratio.
func contrast(a, b color.NRGBA) float64 {
	la, lb := luminance(a), luminance(b)
	return (math.Max(la, lb) + 0.05) / (math.Min(la, lb) + 0.05)
}

func luminance(c color.NRGBA) float64 {
	lin := func(v uint8) float64 {
		f := float64(v) / 255
		if f <= 0.04045 {
			return f / 12.92
		}
		return math.Pow((f+0.055)/1.055, 2.4)
	}
	return 0.2126*lin(c.R) + 0.7152*lin(c.G) + 0.0722*lin(c.B)
}
