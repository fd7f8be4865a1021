package squeeze

import (
	"bytes"
	"strings"
	"testing"
)

func TestWorth(t *testing.T) {
	for _, c := range contents(64 << 10) {
		for _, size := range []int{MinBlock, 2000, SampleSize, len(c.data)} {
			if got := Worth("Documents/x", c.data[:size]); got != c.worth {
				t.Errorf("%s, %d bytes: %v", c.name, size, got)
			}
		}
	}
	text := words(1, SampleSize)
	for _, name := range []string{
		"DCIM/Camera/IMG_1.JPG", "a.jpeg", "a.heic", "a.mp4", "Movies/a.b.MKV", "a.mp3", "a.flac", "a.zip", "a.tar.gz", "a.apk", "a.docx", "msgstore.db.crypt15", "a.age", "a.zst",
	} {
		if Worth(name, text) {
			t.Errorf("%s: worth it", name)
		}
	}
	for _, name := range []string{"", "a", "a.txt", "a.json", "a.zip/a", "zip", "a.", "jpg.txt", "a.svg", "日本.csv", "a." + strings.Repeat("x", 5000)} {
		if !Worth(name, text) {
			t.Errorf("%.20s: not worth it", name)
		}
	}
	for _, m := range magics {
		b := bytes.Clone(text)
		copy(b[m.at:], m.bytes)
		if Worth("a.txt", b) {
			t.Errorf("%q at %d: worth it", m.bytes, m.at)
		}
	}
	if Worth("a.txt", text[:MinBlock-1]) || Worth("a.txt", nil) || !Worth("a.txt", text[:MinBlock]) {
		t.Error("MinBlock is not the least")
	}
}

// Noise of every length is told from its entropy, and no text is taken for it.
func TestEntropy(t *testing.T) {
	b := noise(1 << 20)
	for _, n := range []int{MinBlock, 1500, looksAt} {
		for ; len(b) > n && len(b) > n*100; b = b[n:] {
			if h := entropy(b[:n]); h <= noisy {
				t.Fatalf("%d bytes of noise: %.2f", n, h)
			}
		}
		b = noise(1 << 20)
	}
	for _, c := range contents(looksAt) {
		if h := entropy(c.data); c.worth && h > noisy && c.name != "half noise" {
			t.Errorf("%s: %.2f", c.name, h)
		}
	}
	if h := entropy(make([]byte, 1000)); h != 0 {
		t.Errorf("zeros: %v", h)
	}
}

// An item whose later blocks cannot be made smaller is tried ever less often,
// and at once again where it can.
func TestItem(t *testing.T) {
	var i Item
	tries := 0
	for range 1000 {
		if i.Try() {
			tries++
			i.Tried(false)
		}
	}
	if tries < 10 || tries > 25 {
		t.Errorf("%d tries of 1000", tries)
	}
	for !i.Try() {
	}
	i.Tried(true)
	for range 10 {
		if !i.Try() {
			t.Error("no try after one that paid")
		}
	}
}

func FuzzWorth(f *testing.F) {
	f.Add("a.jpg", []byte("\xff\xd8\xff"))
	f.Add("notes.txt", words(1, MinBlock))
	f.Fuzz(func(t *testing.T, name string, sample []byte) {
		if Worth(name, sample) && len(sample) < MinBlock {
			t.Error("too short to be worth it")
		}
	})
}
