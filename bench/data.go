//go:build linux

package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// kind is a kind of data set. A phone may hold several.
type kind struct {
	name  string
	usual int // how many, of what makeN takes
	makeN func(w *maker, n int) error
}

var kinds = []kind{
	{"big", 512, makeBig},
	{"photos", 300, makePhotos},
	{"tiny", 20000, makeTiny},
	{"text", 2000, makeText},
	{"entities", 200_000, makeEntities},
	{"contacts", 400, makeContacts},
}

// part is one kind in a phone's data.
type part struct {
	kind kind
	n    int
}

// dataSet is what one phone holds.
type dataSet struct {
	name  string
	parts []part
}

// parseData reads a list of data sets: "photos,tiny" are two, "photos+tiny:300"
// is one phone with both. n replaces the usual numbers; 0 = doesn't.
func parseData(list string, n int) ([]dataSet, error) {
	if n < 0 {
		return nil, errors.New("-n is not negative")
	}
	var out []dataSet
	for name := range strings.SplitSeq(list, ",") {
		d := dataSet{name: name}
		for text := range strings.SplitSeq(name, "+") {
			p, err := parsePart(text, n)
			if err != nil {
				return nil, err
			}
			d.parts = append(d.parts, p)
		}
		out = append(out, d)
	}
	return out, nil
}

func parsePart(text string, n int) (part, error) {
	name, number, explicit := strings.Cut(text, ":")
	for _, k := range kinds {
		if k.name != name {
			continue
		}
		p := part{kind: k, n: k.usual}
		if n > 0 {
			p.n = n
		}
		if explicit {
			var err error
			if p.n, err = strconv.Atoi(number); err != nil || p.n <= 0 {
				return part{}, fmt.Errorf("%q is not how many there can be of %s", number, name)
			}
		}
		return p, nil
	}
	return part{}, fmt.Errorf("there is no data set %q: there are big, photos, tiny, text, entities and contacts", name)
}

// size is what a data set holds.
type size struct {
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`
}

// makeIn makes the data set in a folder that is empty. The same seed makes the
// same bytes, times and modes.
func (d dataSet) makeIn(root string, seed uint64, vcf string) (size, error) {
	var sum size
	for _, p := range d.parts {
		m := newMaker(root, seed, p.kind.name)
		if p.kind.name == "contacts" {
			m.vcf = vcf
		}
		if err := p.kind.makeN(m, p.n); err != nil {
			return sum, fmt.Errorf("make %s: %w", p.kind.name, err)
		}
		sum.Files += m.Files
		sum.Bytes += m.Bytes
	}
	m := newMaker(root, seed, "folders")
	return sum, filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return err
		}
		t := m.time()
		return os.Chtimes(path, t, t)
	})
}

// maker writes the files of one kind.
type maker struct {
	root string
	vcf  string // a folder with more vCard files, or empty
	src  *rand.ChaCha8
	rng  *rand.Rand
	size
}

func newMaker(root string, seed uint64, what string) *maker {
	src := rand.NewChaCha8(sha256.Sum256(fmt.Appendf(nil, "%d %s", seed, what)))
	return &maker{root: root, src: src, rng: rand.New(src)}
}

// time is one that a clock with nanoseconds would show.
func (m *maker) time() time.Time {
	return time.Unix(1_600_000_000+m.rng.Int64N(100_000_000), m.rng.Int64N(1_000_000_000))
}

func (m *maker) noise(n int) []byte {
	b := make([]byte, n)
	m.src.Read(b)
	return b
}

// put writes a file of the phone.
func (m *maker) put(name string, data []byte) error {
	path := filepath.Join(m.root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	mode := [...]fs.FileMode{0o644, 0o644, 0o600, 0o664}[m.rng.IntN(4)]
	if err := os.WriteFile(path, data, mode); err != nil {
		return err
	}
	m.Files++
	m.Bytes += int64(len(data))
	if err := os.Chmod(path, mode); err != nil {
		return err
	}
	t := m.time()
	return os.Chtimes(path, t, t)
}

func (m *maker) emptyFolder(name string) error {
	return os.MkdirAll(filepath.Join(m.root, filepath.FromSlash(name)), 0o755)
}

// makeBig makes one file of n MiB that does not compress.
func makeBig(m *maker, n int) error {
	return m.put("Movies/VID_00001.mp4", m.noise(n<<20))
}

// makePhotos makes n files of 0.3 to 3 MB that do not compress.
func makePhotos(m *maker, n int) error {
	for i := range n {
		if err := m.put(fmt.Sprintf("DCIM/Camera/IMG_%05d.jpg", i), m.noise(300_000+m.rng.IntN(2_700_000))); err != nil {
			return err
		}
	}
	return m.emptyFolder("DCIM/Screenshots")
}

// makeTiny makes n files of 1 to 8 KiB in 100 folders.
func makeTiny(m *maker, n int) error {
	for i := range n {
		if err := m.put(fmt.Sprintf("Documents/d%02d/note_%06d.bin", i%100, i), m.noise(1<<10+m.rng.IntN(7<<10))); err != nil {
			return err
		}
	}
	return m.emptyFolder("Documents/empty/below")
}

// makeText makes n files of 64 KiB of words.
func makeText(m *maker, n int) error {
	words := make([]string, 4000)
	for i := range words {
		w := make([]byte, 2+m.rng.IntN(9))
		for j := range w {
			w[j] = "etaoinshrdlucmfwypvbgkjqxz"[min(m.rng.IntN(26), m.rng.IntN(26))]
		}
		words[i] = string(w)
	}
	const length = 64 << 10
	b := make([]byte, 0, length+16)
	for i := range n {
		b = b[:0]
		for len(b) < length {
			b = append(b, words[m.rng.IntN(len(words))]...)
			b = append(b, " \n"[m.rng.IntN(12)/11])
		}
		if err := m.put(fmt.Sprintf("Documents/t%02d/log_%05d.txt", i%50, i), b[:length]); err != nil {
			return err
		}
	}
	return nil
}
