package kit

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"testing"

	"go.uber.org/goleak"
)

// file is a picture in memory.
type file struct{ *bytes.Reader }

func (file) Close() error { return nil }

// quarters is a picture whose top left is red and top right green, and below
// are blue and white.
func quarters(w, h int) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := [2][2]color.RGBA{{{255, 0, 0, 255}, {0, 255, 0, 255}}, {{0, 0, 255, 255}, {255, 255, 255, 255}}}[y*2/h][x*2/w]
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

func picture(t testing.TB, format string, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	var err error
	switch img := quarters(w, h); format {
	case "png":
		err = png.Encode(&b, img)
	case "gif":
		err = gif.Encode(&b, img, nil)
	default:
		err = jpeg.Encode(&b, img, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// held puts an orientation into a JPEG.
func held(jpg []byte, o uint16, order binary.AppendByteOrder) []byte {
	tiff := []byte("II*\x00")
	if order == binary.AppendByteOrder(binary.BigEndian) {
		tiff = []byte("MM\x00*")
	}
	tiff = order.AppendUint32(tiff, 8)
	tiff = order.AppendUint16(tiff, 2)
	for _, e := range [][2]uint16{{0x0100, 9}, {0x0112, o}} {
		tiff = order.AppendUint16(tiff, e[0])
		tiff = order.AppendUint16(tiff, 3)
		tiff = order.AppendUint32(tiff, 1)
		tiff = order.AppendUint16(tiff, e[1])
		tiff = order.AppendUint16(tiff, 0)
	}
	app := append([]byte("Exif\x00\x00"), tiff...)
	out := []byte{0xFF, 0xD8, 0xFF, 0xE1}
	out = binary.BigEndian.AppendUint16(out, uint16(len(app)+2))
	return append(append(out, app...), jpg[2:]...)
}

// corners names the colours of a picture's corners, by row.
func corners(img image.Image) string {
	b := img.Bounds()
	var out []byte
	for _, p := range []image.Point{{b.Min.X, b.Min.Y}, {b.Max.X - 1, b.Min.Y}, {b.Min.X, b.Max.Y - 1}, {b.Max.X - 1, b.Max.Y - 1}} {
		r, g, bl, _ := img.At(p.X, p.Y).RGBA()
		out = append(out, map[[3]bool]byte{{true, false, false}: 'R', {false, true, false}: 'G', {false, false, true}: 'B', {true, true, true}: 'W'}[[3]bool{r > 0x8000, g > 0x8000, bl > 0x8000}])
	}
	return string(out)
}

func TestSmall(t *testing.T) {
	for _, format := range []string{"jpeg", "png", "gif"} {
		pic, err := small(bytes.NewReader(picture(t, format, 640, 320)))
		if err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		if s := pic.Bounds().Size(); s != image.Pt(96, 48) || corners(pic) != "RGBW" {
			t.Errorf("%s: %v, corners %s", format, s, corners(pic))
		}
	}
	for size, want := range map[image.Point]image.Point{{40, 20}: {40, 20}, {5000, 2}: {96, 1}, {97, 97}: {96, 96}} {
		pic, err := small(bytes.NewReader(picture(t, "png", size.X, size.Y)))
		if err != nil || pic.Bounds().Size() != want {
			t.Errorf("%v becomes %v, want %v: %v", size, pic.Bounds().Size(), want, err)
		}
	}
}

// Making a picture small takes no memory for each of its pixels.
func TestSmallIsThrifty(t *testing.T) {
	jpg := picture(t, "jpeg", 1000, 1000)
	if n := testing.AllocsPerRun(1, func() { _, _ = small(bytes.NewReader(jpg)) }); n > 500 {
		t.Errorf("%v pieces of memory", n)
	}
}

func TestOrientation(t *testing.T) {
	jpg := picture(t, "jpeg", 64, 32)
	for i, want := range []string{"RGBW", "GRWB", "WBGR", "BWRG", "RBGW", "BRWG", "WGBR", "GWRB"} {
		for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
			pic, err := small(bytes.NewReader(held(jpg, uint16(i+1), order)))
			if err != nil {
				t.Fatal(err)
			}
			if got := corners(pic); got != want || (pic.Bounds().Dx() == 32) != (i >= 4) {
				t.Errorf("orientation %d, %v: corners %s, want %s, %v", i+1, order, got, want, pic.Bounds())
			}
		}
	}
	if o := readOrientation(bytes.NewReader(held(jpg, 9, binary.LittleEndian))); o != upright {
		t.Errorf("orientation 9 is taken as %d", o)
	}
}

// huge is a picture's head that claims a size.
func huge(t *testing.T, format string, w, h int) []byte {
	t.Helper()
	b := picture(t, format, 8, 8)
	switch format {
	case "png":
		binary.BigEndian.PutUint32(b[16:], uint32(w))
		binary.BigEndian.PutUint32(b[20:], uint32(h))
		binary.BigEndian.PutUint32(b[29:], crc32.ChecksumIEEE(b[12:29]))
	case "gif":
		binary.LittleEndian.PutUint16(b[6:], uint16(w))
		binary.LittleEndian.PutUint16(b[8:], uint16(h))
	default:
		i := bytes.Index(b, []byte{0xFF, 0xC0})
		binary.BigEndian.PutUint16(b[i+5:], uint16(h))
		binary.BigEndian.PutUint16(b[i+7:], uint16(w))
	}
	return b
}

func TestTooMuchIsNotDecoded(t *testing.T) {
	for _, format := range []string{"jpeg", "png", "gif"} {
		if _, err := small(bytes.NewReader(huge(t, format, 60000, 60000))); !errors.Is(err, errNoThumb) {
			t.Errorf("%s of 3,600 megapixels: %v", format, err)
		}
	}
	for _, b := range []string{"", "x", "<svg xmlns", "BM\x00\x00\x00\x00"} {
		if _, err := small(bytes.NewReader([]byte(b))); err == nil {
			t.Errorf("%q is a picture", b)
		}
	}
	th := &Thumbs{open: func(string) (io.ReadSeekCloser, int64, error) {
		return file{bytes.NewReader(picture(t, "png", 8, 8))}, maxFile + 1, nil
	}}
	if _, err := th.make("x"); !errors.Is(err, errNoThumb) {
		t.Errorf("a file of 64 MB and a byte: %v", err)
	}
}

// TestThumbsKeepsFew: what is kept and what waits are bounded, the last asked for
// comes first, a file that is no picture is tried once, and Close ends it all.
func TestThumbsKeepsFew(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	pic := picture(t, "png", 8, 8)
	opened := make(map[string]int) // owned by the worker until Close
	gate, began, ready := make(chan struct{}), make(chan string, 1000), make(chan struct{}, 1000)
	th := NewThumbs(func(name string) (io.ReadSeekCloser, int64, error) {
		opened[name]++
		began <- name
		<-gate
		if name == "bad" {
			return file{bytes.NewReader([]byte("no picture"))}, 10, nil
		}
		return file{bytes.NewReader(pic)}, int64(len(pic)), nil
	}, func() { ready <- struct{}{} })
	th.Get("first")
	<-began
	th.Get("bad")
	for i := range 1000 {
		th.Get(fmt.Sprint(i))
		th.Get("first") // is under way
	}
	th.mu.Lock()
	if len(th.queue) > wanted {
		t.Errorf("%d wait", len(th.queue))
	}
	th.mu.Unlock()
	close(gate)
	for range wanted + 1 {
		<-ready
	}
	if next := <-began; next != "999" {
		t.Errorf("after the first came %q", next)
	}
	if th.Get("999") == nil || th.Get("first") == nil {
		t.Error("what was made is not there")
	}
	for i := range keptThumbs + 20 {
		th.keep(fmt.Sprint("more", i), nil)
	}
	if th.order.Len() != keptThumbs || len(th.kept) != keptThumbs {
		t.Errorf("%d pictures are kept", th.order.Len())
	}
	th.Get("bad")
	for next := range began {
		if next == "bad" {
			break
		}
	}
	th.Close()
	th.Close()
	if th.Get("bad") != nil || th.Get("new") != nil || len(th.queue) > 0 {
		t.Error("it works after its end")
	}
	if opened["bad"] != 1 || opened["first"] != 1 {
		t.Errorf("opened: bad %d times, first %d times", opened["bad"], opened["first"])
	}
}

// FuzzOrientation: whatever a file says, there is an orientation, and no panic.
func FuzzOrientation(f *testing.F) {
	jpg := picture(f, "jpeg", 8, 8)
	for i := range 8 {
		f.Add(held(jpg, uint16(i+1), binary.LittleEndian))
		f.Add(held(jpg, uint16(i+1), binary.BigEndian))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if o := readOrientation(bytes.NewReader(b)); o < 1 || o > 8 {
			t.Errorf("orientation %d", o)
		}
	})
}

// TestOrientationCut: a head that ends anywhere makes the picture upright, or is
// whole enough.
func TestOrientationCut(t *testing.T) {
	for _, b := range []string{"II*\x00\x08\x00\x00\x00", "MM\x00*\xff\xff\xff\xff", "II*"} { // tables that are not there
		if o := parseTIFF([]byte(b)); o != upright {
			t.Errorf("%q: orientation %d", b, o)
		}
	}
	whole := held(picture(t, "jpeg", 8, 8), 6, binary.BigEndian)
	for n := range whole {
		if o := readOrientation(bytes.NewReader(whole[:n])); o != upright && o != 6 {
			t.Errorf("cut at %d: orientation %d", n, o)
		}
	}
}

// A photo of twelve million pixels, as phones take them.
func BenchmarkSmall(b *testing.B) {
	var jpg bytes.Buffer
	if err := jpeg.Encode(&jpg, image.NewYCbCr(image.Rect(0, 0, 4000, 3000), image.YCbCrSubsampleRatio420), nil); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := small(bytes.NewReader(jpg.Bytes())); err != nil {
			b.Fatal(err)
		}
	}
}
