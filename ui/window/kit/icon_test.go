package kit

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/software"
	"fyne.io/fyne/v2/test"
)

// TestIconsShareOneStroke: all are there, drawn with one stroke, in one colour
// that can be changed.
func TestIconsShareOneStroke(t *testing.T) {
	list, err := icons.ReadDir("icons")
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != len(glyphs)+3 { // app, ferry, phone
		t.Errorf("there are %d pictures for %d glyphs", len(list), len(glyphs))
	}
	width := regexp.MustCompile(`stroke-width="([^"]*)"`)
	for _, g := range glyphs {
		b, err := icons.ReadFile("icons/" + string(g) + ".svg")
		if err != nil {
			t.Fatal(err)
		}
		if w := width.FindAllSubmatch(b, -1); len(w) != 1 || string(w[0][1]) != "2" || !bytes.Contains(b, []byte(`viewBox="0 0 24 24"`)) {
			t.Errorf("%s: stroke widths %q", g, w)
		}
		res := g.svg(color.NRGBA{0x12, 0x34, 0x56, 0xFF})
		if s := string(res.Content()); strings.Contains(s, "#000000") || !strings.Contains(s, "#123456") {
			t.Errorf("%s does not take a colour", g)
		}
		if res.Name() == g.svg(color.White).Name() {
			t.Errorf("%s has one name in two colours", g)
		}
	}
}

// paint draws an object on a canvas of its own.
func paint(t *testing.T, o fyne.CanvasObject, side int) image.Image {
	t.Helper()
	test.NewTempApp(t).Settings().SetTheme(Look{Scheme: Light}.Theme())
	c := software.NewCanvas()
	c.SetPadded(false)
	c.SetContent(o)
	c.Resize(fyne.NewSquareSize(float32(side)))
	return c.Capture()
}

// TestIconsLeaveNothingOut: each icon paints a part of its square, none of them
// all of it or up to its edge.
func TestIconsLeaveNothingOut(t *testing.T) {
	for _, g := range glyphs {
		pic := paint(t, NewIcon(g, "foreground", 48), 48)
		ink := 0
		for y := range 48 {
			for x := range 48 {
				if r, _, _, _ := pic.At(x, y).RGBA(); r < 0x8000 {
					ink++
					if x == 0 || y == 0 || x == 47 || y == 47 {
						t.Errorf("%s is cut at %d, %d", g, x, y)
					}
				}
			}
		}
		if ink < 60 || ink > 900 {
			t.Errorf("%s paints %d of 2304 points", g, ink)
		}
	}
}

// TestAppIcon: white on the accent, at every size that systems show.
func TestAppIcon(t *testing.T) {
	for _, side := range []int{16, 32, 48, 192, 512} {
		img := canvas.NewImageFromResource(AppIcon())
		pic := paint(t, img, side)
		if side == 512 {
			sameAsFile(t, pic)
		}
		var white, accented int
		for y := range side {
			for x := range side {
				c := color.NRGBAModel.Convert(pic.At(x, y)).(color.NRGBA)
				switch {
				case contrast(c, accent.light) > 3:
					white++
				case contrast(c, accent.light) < 1.2:
					accented++
				}
			}
		}
		if all := side * side; white < all/6 || accented < all/4 {
			t.Errorf("%d: %d points are white and %d accent", side, white, accented)
		}
		var b bytes.Buffer
		if err := png.Encode(&b, pic); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(t.ArtifactDir(), fmt.Sprintf("icon-%d.png", side)), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// sameAsFile compares the drawing with Icon.png, which packages show, but for its
// clear corners.
func sameAsFile(t *testing.T, pic image.Image) {
	t.Helper()
	f, err := os.Open("../../../Icon.png")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	file, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	if file.Bounds() != pic.Bounds() {
		t.Fatalf("Icon.png is %v", file.Bounds())
	}
	off := 0
	for y := range 512 {
		for x := range 512 {
			a, b := color.NRGBAModel.Convert(file.At(x, y)).(color.NRGBA), color.NRGBAModel.Convert(pic.At(x, y)).(color.NRGBA)
			if a.A == 0xFF && contrast(a, b) > 2 {
				off++
			}
		}
	}
	if off > 512 { // edges may be smoothed otherwise
		t.Errorf("%d points of Icon.png are not as icons/app.svg has them", off)
	}
}
