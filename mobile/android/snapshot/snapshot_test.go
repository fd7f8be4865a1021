package snapshot

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/ferry-move/ferry/mobile/android/entity"
)

// chunks and chunkBytes are an agent's state written out from the layout.
var chunks = []Chunk{
	{"prefs", []byte("state")},
	{"file", nil},
	{"k\xC0\x80\xED\xA0\xBD\xED\xB8\x80", []byte{1, 2}},
}

const chunkBytes = "\x18\x00\x00\x00Hlp\x01\x05\x00\x00\x00\x05\x00\x00\x00" + "prefs\x00\x00\x00" + "state" +
	"\x14\x00\x00\x00Hlp\x01\x00\x00\x00\x00\x04\x00\x00\x00" + "file" +
	"\x1C\x00\x00\x00Hlp\x01\x02\x00\x00\x00\x09\x00\x00\x00" + "k\xC0\x80\xED\xA0\xBD\xED\xB8\x80\x00\x00\x00" + "\x01\x02"

func sameChunks(a, b []Chunk) bool {
	return slices.EqualFunc(a, b, func(a, b Chunk) bool { return a.Prefix == b.Prefix && bytes.Equal(a.Data, b.Data) })
}

func TestChunks(t *testing.T) {
	var b []byte
	for _, c := range chunks {
		var err error
		if b, err = AppendChunk(b, c); err != nil {
			t.Fatal(err)
		}
	}
	if string(b) != chunkBytes {
		t.Errorf("written:\n%x\nwant:\n%x", b, chunkBytes)
	}
	if got := ParseChunks(b); !sameChunks(got, chunks) {
		t.Errorf("read %v", got)
	}
	for n := range len(b) {
		k := 0 // chunks that are there whole
		for _, end := range []int{29, 49} {
			if n >= end {
				k++
			}
		}
		if got := ParseChunks(b[:n]); !sameChunks(got, chunks[:k]) {
			t.Errorf("cut at %d: %v, want %d chunks", n, got, k)
		}
	}
}

func TestChunksTolerance(t *testing.T) {
	good := "\x14\x00\x00\x00Hlp\x01\x01\x00\x00\x00\x04\x00\x00\x00" + "goodg"
	second := "\x14\x00\x00\x00Hlp\x01\x01\x00\x00\x00\x04\x00\x00\x00" + "nextn"
	tests := []struct {
		name, in string
		want     []entity.Key
	}{
		{"newer header without data", "\x18\x00\x00\x00Hlp\x02\x00\x00\x00\x00\x04\x00\x00\x00newerxxx" + good, []entity.Key{"good"}},
		{"short header", "\x08\x00\x00\x00abcd" + good, []entity.Key{"good"}},
		{"header without size", "\x00\x00\x00\x00" + good, nil},
		{"header of four bytes", "\x04\x00\x00\x00" + good, nil},
		{"negative header", "\xFF\xFF\xFF\xFF" + good, nil},
		{"other version without name", "\x10\x00\x00\x00Hlp\x02\x03\x00\x00\x00\x00\x00\x00\x00abc" + good, []entity.Key{"good"}},
		{"other version with name", "\x10\x00\x00\x00Hlp\x02\x03\x00\x00\x00\x01\x00\x00\x00abc" + good, nil},
		{"negative data", good + "\x14\x00\x00\x00Hlp\x01\xFF\xFF\xFF\xFF\x04\x00\x00\x00" + "nextn" + second, []entity.Key{"good"}},
		{"negative name", good + "\x14\x00\x00\x00Hlp\x01\x01\x00\x00\x00\xFF\xFF\xFF\xFF" + "nextn" + second, []entity.Key{"good"}},
		{"name longer than the header", good + "\x14\x00\x00\x00Hlp\x01\x01\x00\x00\x00\x05\x00\x00\x00" + "nextn" + second, []entity.Key{"good"}},
		{"data beyond the end", good + "\x14\x00\x00\x00Hlp\x01\xFF\xFF\xFF\x7F\x04\x00\x00\x00" + "nextn", []entity.Key{"good"}},
		{"header beyond the end", good + "\xFF\xFF\xFF\x7FHlp\x01\x01\x00\x00\x00\x04\x00\x00\x00" + "nextn", []entity.Key{"good"}},
		{"longer header", "\x18\x00\x00\x00Hlp\x01\x01\x00\x00\x00\x04\x00\x00\x00" + "nextmoren" + good, []entity.Key{"next", "good"}},
		{"prefix with a colon", "\x14\x00\x00\x00Hlp\x01\x01\x00\x00\x00\x04\x00\x00\x00" + "a:b\x01n" + good, []entity.Key{"good"}},
		{"prefix not text", "\x14\x00\x00\x00Hlp\x01\x01\x00\x00\x00\x04\x00\x00\x00" + "a\xFFbcn" + good, []entity.Key{"good"}},
		{"twice", good + second + good, []entity.Key{"good", "next"}},
		{"after a restore", "Snap\x02\x00\x00\x00File\x40\x00\x00\x00" + good, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []entity.Key
			for _, c := range ParseChunks([]byte(tt.in)) {
				got = append(got, c.Prefix)
				if len(c.Data) != 1 || c.Data[0] != c.Prefix[0] {
					t.Errorf("the data of %s is %q", c.Prefix, c.Data)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestChunkRefused(t *testing.T) {
	for _, p := range []entity.Key{"", "a:b", "\xFF", entity.Key(strings.Repeat("p", entity.MaxKey+1))} {
		if b, err := AppendChunk([]byte("kept"), Chunk{Prefix: p}); !errors.Is(err, ErrKey) || string(b) != "kept" {
			t.Errorf("a prefix of %d bytes: %v", len(p), err)
		}
	}
	if _, err := AppendChunk(nil, Chunk{"p", make([]byte, MaxState)}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a huge chunk: %v", err)
	}
}

func TestManyChunks(t *testing.T) {
	var b []byte
	for i := range MaxChunks + 10 {
		var err error
		if b, err = AppendChunk(b, Chunk{Prefix: entity.Key("p" + string(rune('a'+i%26)) + strings.Repeat("x", i/26))}); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(ParseChunks(b)); got != MaxChunks {
		t.Errorf("%d chunks", got)
	}
}

// files and fileBytes are the state of a file helper written out from the
// layout.
var files = Files{
	{"dir/b", Stat{ModTime: 0x5E0BE100, Mode: 0o100660, Size: 11, CRC: 0x0D4A1185}},
	{"empty.dat", Stat{ModTime: -1, ModNsec: 5, Mode: 0o100600}},
	{"past", Stat{ModTime: 1, Mode: 0o100644, Size: -2, CRC: 0xFFFFFFFF}},
}

const fileBytes = "Snap\x03\x00\x00\x00File\x70\x00\x00\x00" +
	"\x00\xE1\x0B\x5E\x00\x00\x00\x00\xB0\x81\x00\x00\x0B\x00\x00\x00\x85\x11\x4A\x0D\x05\x00\x00\x00" + "dir/b\xAB\xAB\xAB" +
	"\xFF\xFF\xFF\xFF\x05\x00\x00\x00\x80\x81\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x09\x00\x00\x00" + "empty.dat\xAB\xAB\xAB" +
	"\x01\x00\x00\x00\x00\x00\x00\x00\xA4\x81\x00\x00\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x04\x00\x00\x00" + "past"

func TestFiles(t *testing.T) {
	shuffled := Files{files[2], files[0], files[1]}
	for _, in := range []Files{files, shuffled} {
		b, err := AppendFiles([]byte("<"), in)
		if err != nil || string(b) != "<"+fileBytes {
			t.Errorf("written %v:\n%x\nwant:\n%x", err, b, fileBytes)
		}
	}
	if shuffled[0].Key != "past" {
		t.Error("the caller's files were sorted in place")
	}
	if got, err := ParseFiles([]byte(fileBytes)); err != nil || !slices.Equal(got, files) {
		t.Errorf("read %v, %v", got, err)
	}
	if b, err := AppendFiles(nil, nil); err != nil || string(b) != "Snap\x00\x00\x00\x00File\x10\x00\x00\x00" {
		t.Errorf("no files: %x, %v", b, err)
	}
	if got, err := ParseFiles([]byte("Snap\x00\x00\x00\x00File\x10\x00\x00\x00")); err != nil || len(got) != 0 {
		t.Errorf("no files: %v, %v", got, err)
	}
	if got, err := ParseFiles(nil); err != nil || got != nil {
		t.Errorf("the first time: %v, %v", got, err)
	}
}

func TestFilesDamaged(t *testing.T) {
	patch := func(at int, with string) string { return fileBytes[:at] + with + fileBytes[at+len(with):] }
	tests := map[string]struct {
		in     string
		offset int64
	}{
		"magic":             {patch(0, "snap"), 0},
		"second magic":      {patch(8, "file"), 0},
		"negative count":    {patch(4, "\xFF\xFF\xFF\xFF"), 4},
		"huge count":        {patch(4, "\xFF\xFF\xFF\x7F"), 4},
		"one too many":      {patch(4, "\x04\x00\x00\x00"), 112},
		"one too few":       {patch(4, "\x02\x00\x00\x00"), 84},
		"total":             {patch(12, "\x6F\x00\x00\x00"), 12},
		"more than total":   {fileBytes + "x", 12},
		"negative name":     {patch(36, "\xFF\xFF\xFF\xFF"), 36},
		"name beyond end":   {patch(36, "\xFF\xFF\xFF\x7F"), 36},
		"name to the end":   {patch(36, "\x48\x00\x00\x00"), 40},
		"name without pad":  {patch(104, "\x05\x00\x00\x00"), 104},
		"empty name":        {patch(104, "\x00\x00\x00\x00"), 108},
		"name not text":     {patch(40, "\xFF"), 40},
		"the same key":      {"Snap\x02\x00\x00\x00File\x48\x00\x00\x00" + strings.Repeat(strings.Repeat("\x00", 20)+"\x01\x00\x00\x00k\xAB\xAB\xAB", 2), 16},
		"ends inside entry": {"Snap\x01\x00\x00\x00File\x20\x00\x00\x00" + strings.Repeat("\x00", 16), 4},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := ParseFiles([]byte(tt.in))
			var d *entity.DamageError
			if !errors.As(err, &d) || d.Offset != tt.offset || got != nil {
				t.Errorf("%v, %v; want damage at %d", got, err, tt.offset)
			}
		})
	}
	for n := 1; n < len(fileBytes); n++ {
		if got, err := ParseFiles([]byte(fileBytes[:n])); err == nil || got != nil {
			t.Errorf("cut at %d: %v, %v", n, got, err)
		}
	}
}

func TestFilesTolerance(t *testing.T) {
	in := "Snap\x02\x00\x00\x00File\x48\x00\x00\x00" +
		strings.Repeat("\x00", 20) + "\x01\x00\x00\x00z\x00\x01\x02" +
		strings.Repeat("\x00", 20) + "\x01\x00\x00\x00a\x00\x00\x00"
	got, err := ParseFiles([]byte(in))
	if err != nil || !slices.Equal(got, Files{{Key: "a"}, {Key: "z"}}) {
		t.Errorf("other order and padding: %v, %v", got, err)
	}
}

func TestFilesRefused(t *testing.T) {
	huge := make(Files, 0, 300)
	for i := range 300 {
		huge = append(huge, File{Key: entity.Key(strings.Repeat("k", 60<<10) + string(rune('a'+i/26)) + string(rune('a'+i%26)))})
	}
	tests := map[string]struct {
		in   Files
		want error
	}{
		"empty":    {Files{{Key: ""}}, ErrKey},
		"not text": {Files{{Key: "\xFF"}}, ErrKey},
		"twice":    {Files{{Key: "b"}, {Key: "a"}, {Key: "b"}}, ErrTwice},
		"huge":     {huge, ErrTooLarge},
	}
	for name, tt := range tests {
		if b, err := AppendFiles([]byte("kept"), tt.in); !errors.Is(err, tt.want) || string(b) != "kept" {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}

func TestDiff(t *testing.T) {
	base := Stat{ModTime: 10, Mode: 0o100600, Size: 3, CRC: 7}
	with := func(f func(*Stat)) Stat { s := base; f(&s); return s }
	before := Files{{"b", base}, {"d", base}, {"e1", base}, {"e2", base}, {"e3", base}, {"e4", base}, {"e5", base}, {"f", base}, {"z", base}}
	after := Files{
		{"a", base}, {"b", base}, {"c", base},
		{"e1", with(func(s *Stat) { s.ModTime++ })},
		{"e2", with(func(s *Stat) { s.ModNsec++ })},
		{"e3", with(func(s *Stat) { s.Mode++ })},
		{"e4", with(func(s *Stat) { s.Size++ })},
		{"e5", with(func(s *Stat) { s.CRC++ })},
		{"f", base},
	}
	want := []Change{{"a", false}, {"c", false}, {"d", true}, {"e1", false}, {"e2", false}, {"e3", false}, {"e4", false}, {"e5", false}, {"z", true}}
	if got := Diff(before, after); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	slices.Reverse(after)
	if got := Diff(before, after); !slices.Equal(got, want) {
		t.Errorf("from unsorted files: %v", got)
	}
	if got := Diff(after, after); len(got) != 0 {
		t.Errorf("nothing changed: %v", got)
	}
	if got := Diff(nil, before); len(got) != len(before) || got[0] != (Change{"b", false}) {
		t.Errorf("from nothing: %v", got)
	}
	if got := Diff(before, nil); len(got) != len(before) || got[0] != (Change{"b", true}) {
		t.Errorf("to nothing: %v", got)
	}
}

func TestSizeOf(t *testing.T) {
	for n, want := range map[int64]int32{0: 0, 5: 5, 1<<31 - 1: 1<<31 - 1, 1 << 31: -1 << 31, 1<<32 + 7: 7} {
		if got := SizeOf(n); got != want {
			t.Errorf("SizeOf(%d) = %d, want %d", n, got, want)
		}
	}
}

func TestMeta(t *testing.T) {
	const golden = "\x01\x00\x00\x00\xB0\x81\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	m := MetaOf(0o660)
	if got := string(m.Append(nil)); got != golden || len(got) != MetaSize {
		t.Errorf("%x, want %x", got, golden)
	}
	if got, err := ParseMeta([]byte(golden + "content")); err != nil || got != m || got.Perm() != 0o660 {
		t.Errorf("%v, %v", got, err)
	}
	newer, err := ParseMeta([]byte("\x02\x00\x00\x00\xFF\x8F\x00\x00zzzzzzzz"))
	if err != nil || newer.Version != 2 || newer.Perm() != 0o777 {
		t.Errorf("a newer one: %v, %v", newer, err)
	}
	for n := range MetaSize {
		var d *entity.DamageError
		if _, err := ParseMeta([]byte(golden)[:n]); !errors.As(err, &d) || d.Offset != int64(n) {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
}

func TestRead(t *testing.T) {
	if b, err := Read(strings.NewReader(fileBytes)); err != nil || string(b) != fileBytes {
		t.Errorf("%x, %v", b, err)
	}
	endless := iotest.DataErrReader(neverEnds{})
	if b, err := Read(endless); !errors.Is(err, ErrTooLarge) || b != nil {
		t.Errorf("a state without end: %d bytes, %v", len(b), err)
	}
	if _, err := Read(iotest.ErrReader(io.ErrClosedPipe)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a broken reader: %v", err)
	}
}

type neverEnds struct{}

func (neverEnds) Read(p []byte) (int, error) { return len(p), nil }

func FuzzStates(f *testing.F) {
	f.Add([]byte(chunkBytes))
	f.Add([]byte(fileBytes))
	f.Add([]byte(blobBytes))
	f.Add([]byte("\x08\x00\x00\x00abcd" + chunkBytes))
	f.Fuzz(func(t *testing.T, b []byte) {
		var again []byte
		chunks := ParseChunks(b)
		for _, c := range chunks {
			var err error
			if again, err = AppendChunk(again, c); err != nil {
				t.Fatalf("a chunk that was read cannot be written: %v", err)
			}
		}
		if !sameChunks(ParseChunks(again), chunks) {
			t.Fatalf("%v became %v", chunks, ParseChunks(again))
		}
		if files, err := ParseFiles(b); err == nil && len(b) > 0 {
			again, err := AppendFiles(nil, files)
			if err != nil || len(again) != len(b) {
				t.Fatalf("%d bytes of state became %d, %v", len(b), len(again), err)
			}
			if back, err := ParseFiles(again); err != nil || !slices.Equal(back, files) {
				t.Fatalf("%v became %v, %v", files, back, err)
			}
			if d := Diff(files, files); len(d) > 0 {
				t.Fatalf("a state differs from itself: %v", d)
			}
			if d := Diff(nil, files); len(d) != len(files) {
				t.Fatalf("%d changes for %d files", len(d), len(files))
			}
		} else if err != nil && files != nil {
			t.Fatal("an error and files")
		}
		if s, err := ParseBlobState(b, 1<<31-1); err == nil && len(b) > 0 {
			if again, err := AppendBlobState(nil, s); err != nil || !bytes.Equal(again, b) {
				t.Fatalf("%x became %x, %v", b, again, err)
			}
		} else if err != nil && !reflect.ValueOf(s).IsZero() {
			t.Fatal("an error and a state")
		}
		if m, err := ParseMeta(b); err == nil && !bytes.Equal(m.Append(nil)[:8], b[:8]) {
			t.Fatalf("%x became %v", b[:8], m)
		}
		if blob, err := ReadBlob(bytes.NewReader(b), 1<<31-1); err != nil && blob != nil {
			t.Fatal("an error and a blob")
		}
	})
}
