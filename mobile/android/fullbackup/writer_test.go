package fullbackup_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/android/fullbackup"
)

func file(path string, size int64) fullbackup.Header {
	return fullbackup.Header{Package: "org.example.notes", Domain: "f", Path: path, Type: fullbackup.TypeFile,
		Mode: 0o600, UID: 10001, GID: 10001, Size: size, ModTime: 1_600_000_000}
}

func TestWriterSizes(t *testing.T) {
	var buf bytes.Buffer
	w := fullbackup.NewWriter(&buf)
	if err := w.WriteHeader(file("a", 3)); err != nil {
		t.Fatal(err)
	}
	if n, err := w.Write([]byte("ab")); n != 2 || err != nil {
		t.Fatalf("write: %d, %v", n, err)
	}
	if err := w.WriteHeader(file("b", 0)); !errors.Is(err, fullbackup.ErrTooShort) {
		t.Fatalf("next header: %v", err)
	}
	if err := w.Close(); !errors.Is(err, fullbackup.ErrTooShort) {
		t.Fatalf("close: %v", err)
	}
	if err := w.End(); !errors.Is(err, fullbackup.ErrTooShort) {
		t.Fatalf("end: %v", err)
	}
	if n, err := w.Write([]byte("cd")); n != 1 || !errors.Is(err, fullbackup.ErrTooLong) {
		t.Fatalf("write beyond: %d, %v", n, err)
	}
	if buf.Len() != 1024 || string(buf.Bytes()[512:516]) != "abc\x00" {
		t.Fatalf("%d bytes: %q", buf.Len(), buf.Bytes()[512:516])
	}
	if n, err := w.ZeroFill(); n != 0 || err != nil {
		t.Fatalf("fill of a whole entry: %d, %v", n, err)
	}
	if err := w.End(); err != nil {
		t.Fatal(err)
	}
	if buf.Len() != 2048 || !bytes.Equal(buf.Bytes()[1024:], make([]byte, 1024)) {
		t.Fatalf("%d bytes at the end", buf.Len())
	}
	for what, err := range map[string]error{"header": w.WriteHeader(file("c", 0)), "end": w.End(), "write": second(w.Write([]byte("x")))} {
		if !errors.Is(err, fullbackup.ErrEnded) {
			t.Errorf("%s after the end: %v", what, err)
		}
	}
}

func second(_ int, err error) error { return err }

func TestZeroFill(t *testing.T) {
	for _, size := range []int64{1, 511, 512, 513, 100_000} {
		var buf bytes.Buffer
		w := fullbackup.NewWriter(&buf)
		if err := w.WriteHeader(file("a", size)); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if n, err := w.ZeroFill(); n != size-1 || err != nil {
			t.Fatalf("size %d: filled %d, %v", size, n, err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		want := make([]byte, (size+511)/512*512)
		want[0] = 'x'
		if !bytes.Equal(buf.Bytes()[512:], want) {
			t.Errorf("size %d: content differs", size)
		}
	}
}

func TestWriterRefuses(t *testing.T) {
	change := func(f func(h *fullbackup.Header)) fullbackup.Header {
		h := file("a", 0)
		f(&h)
		return h
	}
	for what, h := range map[string]fullbackup.Header{
		"no type":            change(func(h *fullbackup.Header) { h.Type = 0 }),
		"link":               change(func(h *fullbackup.Header) { h.Type = 3 }),
		"negative size":      change(func(h *fullbackup.Header) { h.Size = -1 }),
		"overflowing size":   change(func(h *fullbackup.Header) { h.Size = 1<<63 - 1 }),
		"directory's size":   change(func(h *fullbackup.Header) { h.Type, h.Size = fullbackup.TypeDirectory, 1 }),
		"type in mode":       change(func(h *fullbackup.Header) { h.Mode = 0o100600 }),
		"empty path":         change(func(h *fullbackup.Header) { h.Path = "" }),
		"parent":             change(func(h *fullbackup.Header) { h.Path = "../a" }),
		"absolute":           change(func(h *fullbackup.Header) { h.Path = "/a" }),
		"slash at end":       change(func(h *fullbackup.Header) { h.Path = "a/" }),
		"NUL":                change(func(h *fullbackup.Header) { h.Path = "a\x00b" }),
		"no domain":          change(func(h *fullbackup.Header) { h.Domain = "" }),
		"domain with slash":  change(func(h *fullbackup.Header) { h.Domain = "f/a" }),
		"package with slash": change(func(h *fullbackup.Header) { h.Package = "a/b" }),
		"shared, no volume":  change(func(h *fullbackup.Header) { h.Package, h.Domain = "", "shared" }),
		"neither":            change(func(h *fullbackup.Header) { h.Package, h.Domain = "", "data/0" }),
		"long":               change(func(h *fullbackup.Header) { h.Path = strings.Repeat("a", 4096) }),
		"manifest":           fullbackup.MetadataHeader("a.b", "", fullbackup.ManifestName, fullbackup.MaxMetadata+1),
		"widget data":        fullbackup.MetadataHeader("a.b", "", fullbackup.MetaName, fullbackup.MaxMetadata+1),
		"key/value manifest": fullbackup.MetadataHeader("a.b", "k", fullbackup.ManifestName, fullbackup.MaxMetadata+1),
	} {
		var buf bytes.Buffer
		if err := fullbackup.NewWriter(&buf).WriteHeader(h); !errors.Is(err, fullbackup.ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
		if buf.Len() != 0 {
			t.Errorf("%s: %d bytes written", what, buf.Len())
		}
	}
}

// Times before 1970 and after 4147 become the nearest the field holds.
func TestWriterTimes(t *testing.T) {
	for in, want := range map[int64]int64{-1: 0, -1 << 63: 0, 0: 0, 1<<33 - 1: 1<<33 - 1, 1 << 33: 1<<33 - 1, 1<<63 - 1: 1<<33 - 1} {
		h := file("a", 0)
		h.ModTime = in
		got, err := fullbackup.NewReader(bytes.NewReader(archive(t, false, entry{h, ""})), fullbackup.Limits{}).Next()
		if err != nil || got.ModTime != want {
			t.Errorf("%d: %v, %v", in, got, err)
		}
	}
}

type failAfter struct{ n int }

var errFull = errors.New("full")

func (f *failAfter) Write(p []byte) (int, error) {
	if len(p) > f.n {
		n := f.n
		f.n = 0
		return n, errFull
	}
	f.n -= len(p)
	return len(p), nil
}

// A write that fails is final, wherever it happens.
func TestWriterFails(t *testing.T) {
	for n := range 2048 + 1024 {
		w := fullbackup.NewWriter(&failAfter{n})
		err := w.WriteHeader(file("a", 600))
		if err == nil {
			_, err = w.Write(make([]byte, 500))
		}
		if err == nil {
			_, err = w.ZeroFill()
		}
		if err == nil {
			err = w.End()
		}
		if n < 1536+1024 != errors.Is(err, errFull) {
			t.Fatalf("after %d bytes: %v", n, err)
		}
		if err != nil {
			if w.Offset() != int64(n) {
				t.Fatalf("after %d bytes: offset %d", n, w.Offset())
			}
			if again := w.Close(); !errors.Is(again, errFull) && n < 1536 {
				t.Fatalf("after %d bytes: close: %v", n, again)
			}
		}
	}
}

// A kept header is repeated as long as it fits; after that the entry gets one
// of ours.
func TestOddHeader(t *testing.T) {
	plain := archive(t, false, entry{file("a", 0), "hello"})
	odd := bytes.Clone(plain)
	copy(odd[265:], "root") // a user's name, which Android does not write
	fixSum(odd)
	r := fullbackup.NewReader(bytes.NewReader(odd), fullbackup.Limits{Strict: true})
	h, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(h.Odd, odd[:512]) {
		t.Fatalf("kept %d bytes", len(h.Odd))
	}
	if got := fullbackup.EncodedSize(*h); got != 1024 {
		t.Errorf("estimate %d", got)
	}
	if got := archive(t, false, entry{*h, "hello"}); !bytes.Equal(got, odd) {
		t.Error("not repeated")
	}
	if got := archive(t, false, entry{*h, "hell"}); string(got[124:136]) != "00000000004\x00" || got[265] != 0 {
		t.Error("repeated though the size has changed")
	}
	for _, bad := range [][]byte{{}, odd[:511], odd, bytes.Repeat([]byte{'x'}, 512), make([]byte, 512)} {
		h.Odd = bad
		if got := archive(t, false, entry{*h, "hello"}); !bytes.Equal(got, plain) {
			t.Errorf("%d kept bytes that are no header were used", len(bad))
		}
	}
}

func fixSum(block []byte) {
	copy(block[148:156], "        ")
	sum := 0
	for _, c := range block[:512] {
		sum += int(c)
	}
	for i := range 6 {
		block[148+i] = '0' + byte(sum>>(15-3*i)&7)
	}
	block[154] = 0
}

var _ io.Writer = (*fullbackup.Writer)(nil)
