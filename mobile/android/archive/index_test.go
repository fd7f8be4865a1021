package archive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/android/fullbackup"
)

func readIndex(b []byte, u unit) (position int64, list []*fullbackup.Header, err error) {
	x, err := newIndexReader(bytes.NewReader(b), u, 1000)
	if err != nil {
		return 0, nil, err
	}
	for {
		h, err := x.next()
		if err == io.EOF {
			return x.position, list, nil
		}
		if err != nil {
			return 0, nil, err
		}
		list = append(list, h)
	}
}

func writeIndex(t testing.TB, position int64, list []*fullbackup.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	x := newIndexWriter(&b, position)
	for _, h := range list {
		if err := x.add(h); err != nil {
			t.Fatal(err)
		}
	}
	if err := x.end(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const golden = "ferry-archive-index 1\n" +
	"run 12\n" +
	"f 600 1000 1000 58 = = _manifest\n" +
	"d 2771 10123 10123 0 1600000000 f a b\n" +
	"fx 4660 = = 7 8589934592 = a b/\\x0a\\x5c\\x7fé= \n" +
	"f = = = = = \\x3d x\n" +
	`o apps/com.a/=/x\086;0004660\x000023613\x000023613\x0000000000007\x00100000000000010331\x00 0\0100;ustar  \0248;` + "\n" +
	"f = = = = = \\x2d =\n" +
	"f 0 0 0 0 0 sp\\x20ace -\n" +
	"f 600 = = = = - _meta\n" +
	"end 7\n"

func goldenList() []*fullbackup.Header {
	file, dir := fullbackup.TypeFile, fullbackup.TypeDirectory
	const p = "com.a"
	list := []*fullbackup.Header{
		{Package: p, Path: "_manifest", Type: file, Mode: 0o600, UID: 1000, GID: 1000, Size: 58},
		{Package: p, Domain: "f", Path: "a b", Type: dir, Mode: 0o2771, UID: 10123, GID: 10123, ModTime: 1_600_000_000},
		{Package: p, Domain: "f", Path: "a b/\n\\\x7fé= ", Type: file, Mode: 0o4660, UID: 10123, GID: 10123, Size: 7, ModTime: 1 << 33, Pax: true},
		{Package: p, Domain: "=", Path: "x", Type: file, Mode: 0o4660, UID: 10123, GID: 10123, Size: 7, ModTime: 1 << 33},
		{Package: p, Domain: "-", Path: "=", Type: file, Mode: 0o4660, UID: 10123, GID: 10123, Size: 7, ModTime: 1 << 33},
		{Package: p, Domain: "sp ace", Path: "-", Type: file},
		{Package: p, Path: "_meta", Type: file, Mode: 0o600},
	}
	list[3].Odd = odd(list[3])
	return list
}

func TestIndexGolden(t *testing.T) {
	list := goldenList()
	if got := writeIndex(t, 12, list); string(got) != golden {
		t.Errorf("wrote\n%s", got)
	}
	position, got, err := readIndex([]byte(golden), unit{pkg: "com.a"})
	if err != nil || position != 12 || !reflect.DeepEqual(got, list) {
		t.Errorf("%d %v", position, err)
	}
	if _, _, err := readIndex([]byte(strings.Replace(golden, "0248;", "0249;", 1)), unit{pkg: "com.a"}); err == nil {
		t.Error("513 bytes are no blocks")
	}
	for n := range len(golden) {
		if _, _, err := readIndex([]byte(golden[:n]), unit{pkg: "com.a"}); err == nil {
			t.Errorf("cut at %d: no error", n)
		} else if e, ok := errors.AsType[*IndexError](err); !ok || e.Offset > int64(n) {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
	if _, _, err := readIndex([]byte(golden), unit{}); err == nil {
		t.Error("read as shared storage's")
	}
}

func TestIndexLimit(t *testing.T) {
	list := make([]*fullbackup.Header, 1001)
	for i := range list {
		list[i] = &fullbackup.Header{Package: "com.a", Domain: "f", Path: "x", Type: fullbackup.TypeFile}
	}
	if _, _, err := readIndex(writeIndex(t, 1, list[1:]), unit{pkg: "com.a"}); err != nil {
		t.Error(err)
	}
	if _, _, err := readIndex(writeIndex(t, 1, list), unit{pkg: "com.a"}); err == nil {
		t.Error("more records than allowed")
	}
}

func FuzzIndex(f *testing.F) {
	f.Add([]byte(golden), false)
	f.Add([]byte(indexMagic+"\nrun 1\nf 660 = = 1 1 shared/0 DCIM/x\nend 1\n"), true)
	f.Fuzz(func(t *testing.T, b []byte, shared bool) {
		u := unit{pkg: "com.a"}
		if shared {
			u.pkg = ""
		}
		position, list, err := readIndex(b, u)
		if err != nil {
			return
		}
		for _, h := range list {
			p := place(u, h)
			for part := range strings.SplitSeq(p, "/") {
				if part == "" || part == "." || part == ".." || strings.ContainsRune(part, 0) {
					t.Fatalf("leads to %q", p)
				}
			}
			if top, _, _ := strings.Cut(p, "/"); shared && top != "shared-0" && strings.EqualFold(top, "apps") {
				t.Fatalf("leads to %q", p)
			}
		}
		if again := writeIndex(t, position, list); !bytes.Equal(again, b) {
			t.Fatalf("written again:\n%q\n%q", again, b)
		}
	})
}

func TestPlaces(t *testing.T) {
	for _, c := range []struct {
		pkg, domain, path, want string
		kv                      bool
	}{
		{"com.a", "f", "x/y", "f/x/y", false},
		{"com.a", "", "_manifest", "_manifest", false},
		{"com.a", "", "other", "", false},
		{"com.a", "k", "_manifest", "k/_manifest", true},
		{"com.a", "k", "x", "", false},
		{"com.a", "f", "x", "", true},
		{"com.a", "..", "x", "", false},
		{"com.a", "_INDEX.K", "x", "", false},
		{"com.a", "f", "x/../y", "", false},
		{"", "shared/0", "DCIM/x", "DCIM/x", false},
		{"", "shared/0", "APPS/x", "shared-0/APPS/x", false},
		{"", "shared/0", "apps", "shared-0/apps", false},
		{"", "shared/0", "apps2/x", "apps2/x", false},
		{"", "shared/0", "Shared-12/x", "shared-0/Shared-12/x", false},
		{"", "shared/0", "shared-x/x", "shared-x/x", false},
		{"", "shared/7", "apps/x", "shared-7/apps/x", false},
		{"", "shared/64", "x", "", false},
		{"", "shared/00", "x", "", false},
		{"", "f", "x", "", false},
	} {
		h := &fullbackup.Header{Package: c.pkg, Domain: c.domain, Path: c.path}
		if got := place(unit{c.pkg, c.kv}, h); got != c.want {
			t.Errorf("%q %q %q: %q, want %q", c.pkg, c.domain, c.path, got, c.want)
		}
	}
}

func TestArrange(t *testing.T) {
	s := func(pkg string, kv bool, position int64) source { return source{unit{pkg, kv}, position} }
	got := arrange([]source{s("d", true, 0), s("", false, 9), s("b", false, 0), s("z", false, 2), s("c", false, 5), s("a", false, 0), s("d", false, 0), s("k", true, 10), s("e", true, 0)})
	want := []source{s("a", false, 0), s("b", false, 0), s("d", false, 0), s("z", false, 2), s("c", false, 5), s("", false, 9), s("d", true, 0), s("e", true, 0), s("k", true, 10)}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}

// odd returns h's block as GNU tar writes it.
func odd(h *fullbackup.Header) []byte {
	b := make([]byte, 512)
	copy(b, h.Name())
	copy(b[100:], fmt.Sprintf("%07o", h.Mode))
	copy(b[108:], fmt.Sprintf("%07o", h.UID))
	copy(b[116:], fmt.Sprintf("%07o", h.GID))
	copy(b[124:], fmt.Sprintf("%011o", h.Size))
	copy(b[136:], fmt.Sprintf("%o", h.ModTime))
	copy(b[148:], "        0")
	copy(b[257:], "ustar  ")
	sum := 0
	for _, c := range b {
		sum += int(c)
	}
	copy(b[148:], fmt.Sprintf("%06o\x00 ", sum))
	return b
}
