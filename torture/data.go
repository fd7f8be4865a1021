//go:build linux

package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// oddNames are names of files that this system's file systems hold as they are.
var oddNames = []string{
	"12:30 notes?.txt", "trailing.", "trailing ", "CON", "-rf", ".hidden", "a*b\"<>|", "\xff\xfe not text.bin", "é.txt", "e\u0301.txt",
	"Case.txt", "case.TXT", "%3A.txt", "photo (1).jpg", "photo.jpg", strings.Repeat("x", 255), strings.Repeat("写", 85),
	strings.Repeat("ω", 127), strings.Repeat("🏔", 63) + "abc", strings.Repeat("שלום ", 28) + "ab", "e" + strings.Repeat("\u0301", 127),
}

// recordApp is an app that has records instead of files.
const recordApp = "org.example.records"

// maker makes a phone from a seed.
type maker struct {
	root  string
	rnd   *rand.Rand
	noise *rand.ChaCha8
	bytes int64
}

// makePhone makes a phone of some 23 to 55 MB in an empty folder and returns
// how many bytes of files it has. The same seed makes the same phone.
func makePhone(root string, seed uint64) (int64, error) {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	m := &maker{root: root, rnd: rand.New(rand.NewPCG(seed, 1)), noise: rand.NewChaCha8(key)}
	for _, part := range []func() error{m.tiny, m.medium, m.large, m.odd, m.folders, m.contacts, m.records, m.times} {
		if err := part(); err != nil {
			return 0, fmt.Errorf("make a phone: %w", err)
		}
	}
	return m.bytes, nil
}

func (m *maker) put(name string, b []byte) error {
	path := filepath.Join(m.root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	mode := [...]fs.FileMode{0o644, 0o644, 0o600, 0o664, 0o444}[m.rnd.IntN(5)]
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return err
	}
	m.bytes += int64(len(b))
	if err := os.Chmod(path, mode); err != nil {
		return err
	}
	return m.stamp(path)
}

func (m *maker) stamp(path string) error {
	t := time.Unix(m.rnd.Int64N(1_700_000_000), m.rnd.Int64N(1_000_000_000))
	return os.Chtimes(path, t, t)
}

// content is noise, or now and then words, which travel compressed.
func (m *maker) content(n int) []byte {
	if m.rnd.IntN(4) == 0 {
		return bytes.Repeat([]byte("all work and no play; "), n/22+1)[:n]
	}
	b := make([]byte, n)
	m.noise.Read(b)
	return b
}

func (m *maker) tiny() error {
	for i := range 200 + m.rnd.IntN(300) {
		size := 0
		if m.rnd.IntN(20) > 0 {
			size = 1 + m.rnd.IntN(8<<10)
		}
		if err := m.put(fmt.Sprintf("Documents/d%02d/note %04d.txt", i%20, i), m.content(size)); err != nil {
			return err
		}
	}
	return nil
}

func (m *maker) medium() error {
	for i := range 20 + m.rnd.IntN(30) {
		if err := m.put(fmt.Sprintf("DCIM/Camera/IMG_%04d.jpg", i), m.content(50_000+m.rnd.IntN(600_000))); err != nil {
			return err
		}
	}
	return nil
}

func (m *maker) large() error {
	for i := range 1 + m.rnd.IntN(2) {
		b := make([]byte, 10<<20+m.rnd.IntN(10<<20))
		m.noise.Read(b)
		if err := m.put(fmt.Sprintf("Movies/VID_%d.mp4", i), b); err != nil {
			return err
		}
	}
	return nil
}

func (m *maker) odd() error {
	for _, name := range oddNames {
		if err := m.put("Download/"+name, m.content(m.rnd.IntN(3000))); err != nil {
			return err
		}
	}
	return nil
}

func (m *maker) folders() error {
	for _, name := range []string{"Music/empty", "Music/a/b/c/d/e", "DCIM/Screenshots", "Stuff/folder."} {
		if err := os.MkdirAll(filepath.Join(m.root, name), 0o755); err != nil {
			return err
		}
	}
	return nil
}

func (m *maker) contacts() error {
	var b bytes.Buffer
	for i := range 30 {
		fmt.Fprintf(&b, "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ελένη %d\r\nN:%[1]d;Ελένη;;;\r\nTEL;TYPE=CELL:+49 30 %07d\r\nEND:VCARD\r\n", i, m.rnd.IntN(10_000_000))
	}
	return m.put("Contacts/people.vcf", b.Bytes())
}

// records makes an app's records in Android's form: a header of two lengths,
// key, value, each padded to four bytes.
func (m *maker) records() error {
	var b []byte
	for i := range 200 {
		key, value := fmt.Sprintf("record/%08d", i), m.content(4*(1+m.rnd.IntN(100)))
		b = append(b, "Data"...)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(key)))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(value)))
		b = append(b, key+"\x00"...)
		b = append(b, value...)
	}
	if err := m.put("apps/"+recordApp+"/k/_manifest", []byte("1\n"+recordApp+"\n1\n34\n\n0\n0\n")); err != nil {
		return err
	}
	return m.put("apps/"+recordApp+"/k/"+recordApp+".data", b)
}

// times gives the folders theirs, once nothing more is put into them.
func (m *maker) times() error {
	return filepath.WalkDir(m.root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return err
		}
		return m.stamp(path)
	})
}
