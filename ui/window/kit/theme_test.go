package kit

import (
	"image/color"
	"math"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

func TestContrast(t *testing.T) {
	for variant, l := range looks {
		least := 4.5
		if l.HighContrast {
			least = 7
		}
		get := func(n fyne.ThemeColorName) color.NRGBA {
			return l.Theme().Color(n, theme.VariantLight).(color.NRGBA)
		}
		check := func(what string, fore, back color.NRGBA) {
			t.Helper()
			if c := contrast(fore, back); c < least {
				t.Errorf("%s, %s: contrast %.2f", variant, what, c)
			}
		}
		for _, fore := range []fyne.ThemeColorName{
			theme.ColorNameForeground, theme.ColorNameDisabled, theme.ColorNamePlaceHolder, theme.ColorNamePrimary,
			theme.ColorNameSuccess, theme.ColorNameWarning, theme.ColorNameError,
		} {
			for _, back := range []fyne.ThemeColorName{theme.ColorNameBackground, theme.ColorNameInputBackground, theme.ColorNameOverlayBackground} {
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

// TestSchemes: a chosen scheme wins over the system's, and none leaves it.
func TestSchemes(t *testing.T) {
	back := func(s Scheme, v fyne.ThemeVariant) any {
		return Look{Scheme: s}.Theme().Color(theme.ColorNameBackground, v)
	}
	for _, v := range []fyne.ThemeVariant{theme.VariantLight, theme.VariantDark} {
		if back(Light, v) != ground.light || back(Dark, v) != ground.dark {
			t.Errorf("the system's variant %d wins over the person's choice", v)
		}
	}
	if back(System, theme.VariantLight) != ground.light || back(System, theme.VariantDark) != ground.dark {
		t.Error("the system's variant is not followed")
	}
}

func TestTextScale(t *testing.T) {
	for in, want := range map[float32]float32{0: 16, 1: 16, 0.8: 12.8, 2: 32, 0.1: 12.8, 90: 32, -1: 16, float32(math.NaN()): 16} {
		if got := (Look{Scale: in}).Theme().Size(theme.SizeNameText); got != want {
			t.Errorf("scale %v: text is %v, want %v", in, got, want)
		}
	}
	if wide := (Look{HighContrast: true}).Theme().Size(theme.SizeNameInputBorder); wide != 2 {
		t.Errorf("lines are %v wide in high contrast", wide)
	}
}
