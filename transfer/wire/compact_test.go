package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"reflect"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
)

// TestCompactRefused: what could be said shorter, or lies about its numbers.
func TestCompactRefused(t *testing.T) {
	list := func(entries ...byte) []byte { return append([]byte{1, byte(2)}, entries...) }
	a := []byte{0x02, 0, 1, 'a', 0, 1} // a file named a
	for name, b := range map[string][]byte{
		"a number longer than it must be":  frame(TypeNeed, 1, 2, 0x81, 0x00),
		"a number of 70 bits":              frame(TypeNeed, 1, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01),
		"runs that are one":                frame(TypeNeed, 2, 2, 1, 0, 1),
		"a run of nothing":                 frame(TypeNeed, 1, 2, 0),
		"item 0":                           frame(TypeNeed, 1, 0, 1),
		"a negative item":                  frame(TypeNeed, 1, 1, 1),
		"no run":                           frame(TypeNeed, 0),
		"more runs than bytes":             frame(TypeNeed, 3, 2, 1, 4, 1),
		"a run beyond the window's":        frame(TypeNeed, append([]byte{1, 2}, binary.AppendUvarint(nil, MaxRun+1)...)...),
		"runs beyond the window's":         frame(TypeNeed, append(append([]byte{2, 2}, binary.AppendUvarint(nil, MaxRun)...), 2, 1)...),
		"done, and failed":                 frame(TypeDone, 1, 2, 1, byte(backup.Failed)),
		"done, in no way":                  frame(TypeDone, 1, 2, 1, 0),
		"done in runs that are one":        frame(TypeDone, 2, 2, 1, 1, 0, 1, 1),
		"a key that shares more":           frame(TypeList, list(append(bytes.Clone(a), 0, 0, 2, 'a', 'b', 0)...)...),
		"a key that shares too much":       frame(TypeList, list(append(bytes.Clone(a), 0, 2, 1, 'b', 0)...)...),
		"a kind said twice":                frame(TypeList, list(append(bytes.Clone(a), 2, 0, 1, 'b', 0, 1)...)...),
		"an unknown flag":                  frame(TypeList, list(append(bytes.Clone(a), 0x80, 0, 1, 'b', 0)...)...),
		"no type":                          frame(TypeList, 1, 1, 0, 0, 1, 'a', 0),
		"one entry of two":                 frame(TypeList, list(a...)...),
		"a key beyond the frame":           frame(TypeList, 1, 1, 0x02, 0, 0x7f, 'a', 0, 1),
		"a large entity without a digest":  frame(TypeList, 1, 1, 0x02, 0, 1, 'a', 0x80, 0x80, 0x01, 16),
		"a time that is known and is not":  frame(TypeList, 1, 1, 0x0a, 0, 1, 'a', 0, 1, 2, 1),
		"an expanded key of 4 KiB, 4 Ki ×": frame(TypeList, deep()...),
		"content of nothing":               frame(TypeContent, 0),
		"content of item 0":                frame(TypeContent, 1, 0, 2, 'a'),
		"content with a hash":              frame(TypeContent, append(append([]byte{1, 2, 3}, make([]byte, 32)...), 'a')...),
		"content shorter than it says":     frame(TypeContent, 1, 2, 4, 'a'),
		"content longer than it says":      frame(TypeContent, 1, 2, 2, 'a', 'b'),
	} {
		if m, err := Read(bytes.NewReader(b)); m != nil || !errors.Is(err, ErrFrame) {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
}

// TestContentChecked: what no reader takes is not sent.
func TestContentChecked(t *testing.T) {
	for name, ps := range map[string][]Piece{
		"nothing":    nil,
		"item 0":     {{Data: []byte{1}}},
		"a hash":     {{Item: 1, Hashed: true}},
		"long":       {{Item: 1, Data: make([]byte, BlockSize+1)}},
		"too many":   make([]Piece, MaxPieces+1),
		"a far item": {{Item: 1 << 63}},
		"a long frame": {{Item: 1, Data: make([]byte, BlockSize)}, {Item: 1, Data: make([]byte, BlockSize)},
			{Item: 1, Data: make([]byte, BlockSize)}, {Item: 1, Data: make([]byte, BlockSize)}},
	} {
		if b, err := Append(nil, &Content{Pieces: ps}); b != nil || !errors.Is(err, ErrFrame) {
			t.Errorf("%s is sent: %v", name, err)
		}
	}
}

// deep is a short List with long keys.
func deep() []byte {
	b := binary.AppendUvarint([]byte{1}, MaxBatch)
	key := bytes.Repeat([]byte{'k'}, 4000)
	b = append(binary.AppendUvarint(append(b, 0x02, 0), 4000), key...)
	b = append(b, 0, 1)
	for i := range MaxBatch - 1 {
		b = binary.AppendUvarint(append(b, 0), 3999)
		b = append(b, 1, byte(i), 0)
	}
	return b
}

// TestListOfBatch sends what a sender may put into one frame.
func TestListOfBatch(t *testing.T) {
	m := &List{First: 7}
	for i := range MaxBatch {
		m.Entries = append(m.Entries, Entry{Type: 1, Key: append(bytes.Repeat([]byte{'d'}, 200), byte(i>>8), byte(i)), Size: uint64(i)})
	}
	b, err := Append(nil, m)
	if err != nil || len(b) > MaxBatch*9 {
		t.Fatal(len(b), err)
	}
	if back, err := Read(bytes.NewReader(b)); err != nil || !reflect.DeepEqual(back, m) {
		t.Error(err)
	}
}

// TestBundleRefused changes a bundle that is right.
func TestBundleRefused(t *testing.T) {
	whole := readHex(t, "bundle")
	for n := range whole[:bundleHeader] {
		if h, err := ReadBundleHeader(bytes.NewReader(whole[:n])); h != (BundleHeader{}) || n == 0 && err != io.EOF || n > 0 && !errors.Is(err, ErrLane) {
			t.Errorf("cut at %d: %+v, %v", n, h, err)
		}
	}
	body := whole[bundleHeader:]
	for n := range body {
		if ps, err := ParseBundle(nil, body[:n]); len(ps) > 0 || !errors.Is(err, ErrLane) {
			t.Errorf("body cut at %d: %+v, %v", n, ps, err)
		}
	}
	if ps, err := ParseBundle(nil, append(bytes.Clone(body), 0)); len(ps) > 0 || !errors.Is(err, ErrLane) {
		t.Errorf("a byte more: %+v, %v", ps, err)
	}
	for name, b := range map[string][]byte{
		"no piece":       {0},
		"item 0":         {1, 0, 0},
		"a negative one": {1, 1, 0},
		"too many":       append(binary.AppendUvarint(nil, MaxPieces+1), make([]byte, 3*MaxPieces)...),
		"a long number":  {1, 0x82, 0x00, 0},
	} {
		if ps, err := ParseBundle(nil, b); len(ps) > 0 || !errors.Is(err, ErrLane) {
			t.Errorf("%s: %+v, %v", name, ps, err)
		}
	}
	for name, change := range map[string]func([]byte){
		"mark":   func(b []byte) { b[0] = 0x42 },
		"codec":  func(b []byte) { b[1] = 2 },
		"zero":   func(b []byte) { b[3] = 1 },
		"empty":  func(b []byte) { clear(b[4:8]) },
		"long":   func(b []byte) { copy(b[4:], []byte{0, 4, 0, 1}) },
		"packed": func(b []byte) { b[1] = 1 }, // into what the body begins with, which is more
	} {
		b := bytes.Clone(whole)
		change(b)
		if h, err := ReadBundleHeader(bytes.NewReader(b)); h != (BundleHeader{}) || !errors.Is(err, ErrLane) {
			t.Errorf("%s: %+v, %v", name, h, err)
		}
	}
}

// FuzzCompact: what parses encodes to the same bytes.
func FuzzCompact(f *testing.F) {
	for _, name := range []string{"list", "need", "done"} {
		b, err := Append(nil, goldens[name])
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[4], b[5:])
	}
	f.Fuzz(func(t *testing.T, typ byte, body []byte) {
		if typ < byte(TypeList) || typ > byte(TypeDone) {
			return
		}
		m, err := Decode(Type(typ), body)
		if err != nil {
			return
		}
		if b, err := Append(nil, m); err != nil || !bytes.Equal(b[5:], body) {
			t.Errorf("%x became %x, %v", body, b, err)
		}
	})
}

// FuzzBundle does the same.
func FuzzBundle(f *testing.F) {
	f.Add(AppendBundle(nil, goldenBundle))
	f.Fuzz(func(t *testing.T, body []byte) {
		ps, err := ParseBundle(nil, body)
		if err != nil {
			return
		}
		if b := AppendBundle(nil, ps); !bytes.Equal(b, body) {
			t.Errorf("%x became %x", body, b)
		}
	})
}
