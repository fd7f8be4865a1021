package fullbackup_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/android/fullbackup"
)

// at is what stands at one place of a block; everything else is zero.
type at struct {
	off int
	s   string
}

func block(fields ...at) string {
	var b [512]byte
	for _, f := range fields {
		copy(b[f.off:], f.s)
	}
	return string(b[:])
}

func padded(s string) string { return s + strings.Repeat("\x00", -len(s)&511) }

const ustar = "ustar\x0000"

var (
	n34, n35, n120 = strings.Repeat("n", 34), strings.Repeat("n", 35), strings.Repeat("n", 120)
	d40            = strings.Repeat("d", 40)
)

// goldens are whole entries, field by field.
var goldens = []struct {
	name    string
	h       fullbackup.Header
	content string
	want    string
	estSize int64
}{
	{
		name:    "manifest",
		h:       fullbackup.MetadataHeader("org.example.notes", "", fullbackup.ManifestName, 298),
		content: strings.Repeat("m", 298),
		want: block(at{0, "apps/org.example.notes/_manifest"}, at{100, "000600 "}, at{108, "01750"}, at{116, "01750"},
			at{124, "00000000452"}, at{136, "0"}, at{148, "012713\x00 "}, at{156, "0"}, at{257, ustar}) +
			padded(strings.Repeat("m", 298)),
		estSize: 1024,
	},
	{
		name: "file",
		h: fullbackup.Header{Package: "org.example.notes", Domain: "f", Path: "a.txt", Type: fullbackup.TypeFile,
			Mode: 0o660, UID: 0o23657, GID: 0o23657, Size: 5, ModTime: 0o13104631543},
		content: "hello",
		want: block(at{0, "apps/org.example.notes/f/a.txt"}, at{100, "000660 "}, at{108, "023657"}, at{116, "023657"},
			at{124, "00000000005"}, at{136, "13104631543"}, at{148, "013414\x00 "}, at{156, "0"}, at{257, ustar}) +
			padded("hello"),
		estSize: 1024,
	},
	{
		name: "set-gid directory",
		h: fullbackup.Header{Package: "org.example.notes", Domain: "r", Path: "app_x", Type: fullbackup.TypeDirectory,
			Mode: 0o2770, UID: 0o23657, GID: 0o23657, ModTime: 0o13104631543},
		want: block(at{0, "apps/org.example.notes/r/app_x"}, at{100, "002770 "}, at{108, "023657"}, at{116, "023657"},
			at{124, "00000000000"}, at{136, "13104631543"}, at{148, "013505\x00 "}, at{156, "5"}, at{257, ustar}),
		estSize: 512,
	},
	{
		name: "shared storage",
		h: fullbackup.Header{Domain: "shared/0", Path: "DCIM/1.jpg", Type: fullbackup.TypeFile,
			Mode: 0o660, UID: 0o23657, GID: 0o1777, ModTime: 0o13104631543},
		want: block(at{0, "shared/0/DCIM/1.jpg"}, at{100, "000660 "}, at{108, "023657"}, at{116, "01777"},
			at{124, "00000000000"}, at{136, "13104631543"}, at{148, "010570\x00 "}, at{156, "0"}, at{257, ustar}),
		estSize: 512,
	},
	{
		name: "100 bytes, no NUL",
		h: fullbackup.Header{Package: "org.example.notes", Domain: "f", Path: d40 + "/" + n34, Type: fullbackup.TypeFile,
			Mode: 0o660, UID: 0o23657, GID: 0o23657, ModTime: 0o13104631543},
		want: block(at{0, "apps/org.example.notes/f/" + d40 + "/" + n34}, at{100, "000660 "}, at{108, "023657"}, at{116, "023657"},
			at{124, "00000000000"}, at{136, "13104631543"}, at{148, "031603\x00 "}, at{156, "0"}, at{257, ustar}),
		estSize: 512,
	},
	{
		name: "101 bytes, prefix",
		h: fullbackup.Header{Package: "org.example.notes", Domain: "f", Path: d40 + "/" + n35, Type: fullbackup.TypeFile,
			Mode: 0o660, UID: 0o23657, GID: 0o23657, ModTime: 0o13104631543},
		want: block(at{0, d40 + "/" + n35}, at{100, "000660 "}, at{108, "023657"}, at{116, "023657"},
			at{124, "00000000000"}, at{136, "13104631543"}, at{148, "031702\x00 "}, at{156, "0"}, at{257, ustar},
			at{345, "apps/org.example.notes/f"}),
		estSize: 512,
	},
	{
		name: "extended for its length",
		h: fullbackup.Header{Package: "org.example.notes", Domain: "f", Path: "dddd/" + n120, Type: fullbackup.TypeFile,
			Mode: 0o660, UID: 0o23657, GID: 0o23657, Size: 12, ModTime: 0o13104631543},
		content: "twelve bytes",
		want: block(at{0, "PaxHeader/" + n120[:89]}, at{100, "000660 "}, at{108, "023657"}, at{116, "023657"},
			at{124, "00000000253"}, at{136, "13104631543"}, at{148, "037432\x00 "}, at{156, "x"}, at{257, ustar},
			at{345, "apps/org.example.notes/f"}) +
			padded("11 size=12\n160 path=apps/org.example.notes/f/dddd/"+n120+"\n") +
			block(at{0, "dddd/" + n120[:95]}, at{100, "000660 "}, at{108, "023657"}, at{116, "023657"},
				at{124, "00000000014"}, at{136, "13104631543"}, at{148, "037577\x00 "}, at{156, "0"}, at{257, ustar},
				at{345, "apps/org.example.notes/f"}) +
			padded("twelve bytes"),
		estSize: 2048,
	},
	{
		name: "extended for its bytes",
		h: fullbackup.Header{Package: "org.example.notes", Domain: "f", Path: "é", Type: fullbackup.TypeFile,
			Mode: 0o660, UID: 0o23657, GID: 0o23657, ModTime: 0o13104631543},
		want: block(at{0, "PaxHeader/é"}, at{100, "000660 "}, at{108, "023657"}, at{116, "023657"},
			at{124, "00000000055"}, at{136, "13104631543"}, at{148, "015110\x00 "}, at{156, "x"}, at{257, ustar},
			at{345, "apps/org.example.notes/f"}) +
			padded("9 size=0\n36 path=apps/org.example.notes/f/é\n") +
			block(at{0, "apps/org.example.notes/f/é"}, at{100, "000660 "}, at{108, "023657"}, at{116, "023657"},
				at{124, "00000000000"}, at{136, "13104631543"}, at{148, "013204\x00 "}, at{156, "0"}, at{257, ustar}),
		estSize: 1536,
	},
	{
		// Size, owner and time are too long for their fields: the last digits
		// are cut off, and the record has the true size.
		name: "96 GiB of a second user",
		h: fullbackup.Header{Package: "org.example.notes", Domain: "f", Path: "big", Type: fullbackup.TypeFile,
			Mode: 0o660, UID: 1010123, GID: 1010123, Size: 103079215104, ModTime: 0o17777777777},
		want: block(at{0, "PaxHeader/big"}, at{100, "000660 "}, at{108, "0366471"}, at{116, "0366471"},
			at{124, "00000000072"}, at{136, "17777777777"}, at{148, "015235\x00 "}, at{156, "x"}, at{257, ustar},
			at{345, "apps/org.example.notes/f"}) +
			padded("21 size=103079215104\n37 path=apps/org.example.notes/f/big\n") +
			block(at{0, "apps/org.example.notes/f/big"}, at{100, "000660 "}, at{108, "0366471"}, at{116, "0366471"},
				at{124, "14000000000"}, at{136, "17777777777"}, at{148, "013337\x00 "}, at{156, "0"}, at{257, ustar}),
		estSize: 1536 + 103079215104,
	},
}

func TestGolden(t *testing.T) {
	for _, g := range goldens {
		t.Run(g.name, func(t *testing.T) {
			var buf bytes.Buffer
			w := fullbackup.NewWriter(&buf)
			if err := w.WriteHeader(g.h); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(w, g.content); err != nil {
				t.Fatal(err)
			}
			diff(t, buf.String(), g.want)
			if w.Offset() != int64(len(g.want)) {
				t.Errorf("offset %d, want %d", w.Offset(), len(g.want))
			}
			if got := fullbackup.EncodedSize(g.h); got != g.estSize {
				t.Errorf("estimate %d, want %d", got, g.estSize)
			}

			r := fullbackup.NewReader(strings.NewReader(g.want), fullbackup.Limits{Strict: true})
			h, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			want := g.h
			if want.UID == 1010123 { // what is left of it
				want.UID, want.GID = 0o366471, 0o366471
			}
			if h.Odd != nil || h.Pax || h.Flags != 0 {
				t.Errorf("odd %d bytes, pax %v, flags %d", len(h.Odd), h.Pax, h.Flags)
			}
			if h.Package != want.Package || h.Domain != want.Domain || h.Path != want.Path || h.Type != want.Type ||
				h.Mode != want.Mode || h.UID != want.UID || h.GID != want.GID || h.Size != want.Size || h.ModTime != want.ModTime {
				t.Errorf("read %+v\nwant %+v", *h, want)
			}
			if want.Size == int64(len(g.content)) {
				content, err := io.ReadAll(r)
				if err != nil || string(content) != g.content {
					t.Errorf("content %q, %v", content, err)
				}
				if _, err := r.Next(); err != io.EOF {
					t.Errorf("at the end: %v", err)
				}
			}
		})
	}
}

// diff names the first byte that differs.
func diff(t *testing.T, got, want string) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			lo, hi := i&^511, min(i&^511+512, len(got), len(want))
			t.Fatalf("differs at %d (block %d, %d in it)\ngot  %q\nwant %q", i, i/512, i%512, got[lo:hi], want[lo:hi])
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d bytes, want %d", len(got), len(want))
	}
}

// A header may be extended though neither its name nor its size needs it: the
// file lay below a directory whose name is not ASCII.
func TestForcedPax(t *testing.T) {
	h := fullbackup.Header{Package: "org.example.notes", Domain: "f", Path: "a", Type: fullbackup.TypeFile, Mode: 0o600, Pax: true}
	one := archive(t, false, entry{h, ""})
	if len(one) != 3*512 || fullbackup.EncodedSize(h) != 3*512 {
		t.Fatalf("%d bytes, estimate %d", len(one), fullbackup.EncodedSize(h))
	}
	r := fullbackup.NewReader(bytes.NewReader(one), fullbackup.Limits{Strict: true})
	got, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	if !got.Pax || got.Odd != nil {
		t.Errorf("pax %v, odd %d bytes", got.Pax, len(got.Odd))
	}
}

type entry struct {
	h       fullbackup.Header
	content string
}

// archive writes entries; the size is the content's.
func archive(t testing.TB, end bool, entries ...entry) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := fullbackup.NewWriter(&buf)
	for _, e := range entries {
		e.h.Size = int64(len(e.content))
		if err := w.WriteHeader(e.h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.content); err != nil {
			t.Fatal(err)
		}
	}
	finish := w.Close
	if end {
		finish = w.End
	}
	if err := finish(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}
