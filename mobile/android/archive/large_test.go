package archive_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/android/ab"
	"github.com/ferry-move/ferry/mobile/android/archive"
)

// stream makes an archive of n files while it is read, and measures the heap
// now and then.
type stream struct {
	n, next int
	one     func(tb *tarball, i int) // nil = files of one app
	tb      tarball
	most    uint64
	ended   bool
}

func (s *stream) Read(p []byte) (int, error) {
	for s.tb.Len() == 0 && !s.ended {
		s.tb.Reset()
		switch {
		case s.one != nil && s.next < s.n:
			s.one(&s.tb, s.next)
		case s.next == 0:
			s.tb.app("com.a")
		case s.next > s.n || s.one != nil:
			s.tb.end()
			s.ended = true
		case s.next%1000 == 1:
			s.tb.add(item{name: fmt.Sprintf("apps/com.a/f/d%06d", s.next/1000), typ: '5', mtime: 1})
			fallthrough
		default:
			s.tb.add(item{name: fmt.Sprintf("apps/com.a/f/d%06d/%07d", (s.next-1)/1000, s.next), body: "x", mtime: 1})
		}
		if s.next++; s.next%50_000 == 0 {
			s.measure()
		}
	}
	n, err := s.tb.Read(p)
	return n, err
}

func (s *stream) measure() {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	s.most = max(s.most, m.HeapAlloc)
}

// short is a tenth of n where tests are to be quick.
func short(n int) int {
	if testing.Short() {
		return n / 10
	}
	return n
}

func heap() uint64 {
	s := stream{}
	s.measure()
	return s.most
}

// Memory does not grow with the number of files: neither where an archive is
// read nor, but for a hash of each name, where it is written again.
func TestManyFiles(t *testing.T) {
	n := short(300_000)
	const most = 4 << 20
	before := heap()
	s := &stream{n: n}
	rep, err := archive.Check(context.Background(), s, archive.CheckOptions{})
	if s.measure(); err != nil || rep.Packages[0].Files != int64(n) || rep.Problems != 0 || s.most > before+most {
		t.Fatalf("check: heap grew by %d, %v", int64(s.most)-int64(before), err)
	}
	files := short(30_000) // making a file costs a disk far more than it costs us
	before, s = heap(), &stream{n: files}
	dir := t.TempDir()
	made, err := archive.Extract(context.Background(), s, dir, archive.ExtractOptions{})
	if s.measure(); err != nil || made.Written.Files != int64(files) || s.most > before+most {
		t.Fatalf("extract: heap grew by %d, %v", int64(s.most)-int64(before), err)
	}
	before = heap()
	w := &compare{want: &stream{n: files}}
	if _, err := archive.Create(context.Background(), w, dir, archive.CreateOptions{}); err != nil {
		t.Fatalf("create: %v", err)
	}
	if w.want.measure(); w.want.most > before+most+16*uint64(files) {
		t.Errorf("create: heap grew by %d", int64(w.want.most)-int64(before))
	}
}

// An index of 300,000 files that are all gone takes a hash of each.
func TestLargeIndex(t *testing.T) {
	n := short(300_000)
	dir := t.TempDir()
	write(t, dir, "apps/com.a/_manifest", manifest("com.a", 1))
	var b bytes.Buffer
	b.WriteString("ferry-archive-index 1\nrun 1\nf 600 = = 1 1 f 0\n")
	for i := range n - 1 {
		fmt.Fprintf(&b, "f = = = = = = %d\n", i+1)
	}
	fmt.Fprintf(&b, "end %d\n", n)
	write(t, dir, "apps/com.a/_index", b.String())
	write(t, dir, "apps/com.a/f/new", string(make([]byte, 200<<10))) // written while the index is known
	b = bytes.Buffer{}
	before := heap()
	var most uint64
	w := &shrinker{cut: func() { most = heap() }}
	made, err := archive.Create(context.Background(), w, dir, archive.CreateOptions{})
	if err != nil || made.Gone != int64(n) || made.Written.Files != 1 || most > before+(4<<20)+16*uint64(n) {
		t.Errorf("%+v %v: heap %d, then %d", made, err, before, most)
	}
}

// compare expects a plain container around the stream.
type compare struct {
	want *stream
	head int
	buf  []byte
}

func (c *compare) Write(p []byte) (int, error) {
	n := len(p)
	skip := min(24-c.head, n)
	c.head += skip
	p = p[skip:]
	if len(c.buf) < len(p) {
		c.buf = make([]byte, len(p))
	}
	if _, err := io.ReadFull(c.want, c.buf[:len(p)]); err != nil {
		return 0, err
	}
	if !bytes.Equal(c.buf[:len(p)], p) {
		return 0, errors.New("another tar")
	}
	return n, nil
}

// A list of apps does not hold what they were found in.
func TestManyApps(t *testing.T) {
	before := heap()
	long := strings.Repeat("i", 60<<10)
	s := &stream{n: 20_000, one: func(tb *tarball, i int) {
		pkg := fmt.Sprintf("com.app%d", i)
		if i%2 == 0 { // the name of another entry is kept, or its manifest
			tb.add(item{name: "apps/" + pkg + "/f/" + strings.Repeat("p/", 1000) + "x"})
			return
		}
		tb.add(item{name: "apps/" + pkg + "/_manifest", body: "1\n" + pkg + "\n1\n1\n" + long + "\n0\n1\n00\n"})
	}}
	list, err := archive.List(context.Background(), s, archive.Options{})
	grown := int64(heap()) - int64(before)
	if err != nil || len(list.Packages) != 20_000 || len(list.Packages[1].Installer) != 255 || grown > 24<<20 {
		t.Errorf("%v: heap grew by %d", err, grown)
	}
	runtime.KeepAlive(list)
	if testing.Short() {
		return
	}
	s = &stream{n: 200_000, one: func(tb *tarball, i int) {
		tb.app(fmt.Sprintf("com.app%d.%s", i, strings.Repeat("n", 200)))
	}}
	if _, err := archive.List(context.Background(), s, archive.Options{Limits: archive.Limits{Packages: 1 << 30}}); !errors.Is(err, archive.ErrLimit) {
		t.Error(err)
	}
}

// A deflated archive may unpack to a thousand times its size.
func TestBomb(t *testing.T) {
	var b bytes.Buffer
	w, err := ab.Create(&b, ab.CreateOptions{Compress: true})
	if err != nil {
		t.Fatal(err)
	}
	var tb tarball
	tb.app("com.a")
	size := short(200) << 20
	tb.add(item{name: "apps/com.a/f/zeros", size: int64(size), noBody: true})
	if _, err := w.Write(tb.Bytes()); err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range size / len(zeros) {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Write(zeros[:1024]); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	phone, check := sandbox(t)
	_, err = archive.Extract(context.Background(), bytes.NewReader(b.Bytes()), phone, archive.ExtractOptions{
		Options: archive.Options{Limits: archive.Limits{Inflated: 10 << 20}}})
	check()
	if !errors.Is(err, ab.ErrTooLarge) {
		t.Error(err)
	}
	before := heap()
	rep, err := archive.Check(context.Background(), bytes.NewReader(b.Bytes()), archive.CheckOptions{})
	if grown := int64(heap()) - int64(before); err != nil || !rep.Clean() || rep.Packages[0].Bytes != int64(size) || grown > 4<<20 {
		t.Errorf("%v, heap grew by %d", err, grown)
	}
}

func FuzzCheck(f *testing.F) {
	f.Add(android())
	var tb tarball
	tb.app("com.a")
	tb.add(item{name: "apps/com.a/k/com.a.data", body: records("k", "v")})
	f.Add(tb.end())
	f.Fuzz(func(t *testing.T, b []byte) {
		rep, err := archive.Check(context.Background(), bytes.NewReader(b), archive.CheckOptions{Findings: 10})
		if err != nil {
			return
		}
		for _, g := range rep.Findings {
			if g.Offset < 0 || g.Offset > int64(len(b)) || g.File < 0 || g.File > int64(len(b)) || g.What == "" || g.Severity == 0 {
				t.Fatalf("%+v", g)
			}
		}
	})
}

// Whatever is unpacked stays in its folder, and what is made of that is an
// archive without a mistake in it.
func FuzzExtract(f *testing.F) {
	f.Add(android())
	var tb tarball
	tb.app("com.a")
	tb.add(item{name: "shared/0/apps/x", body: "x", gnu: true})
	f.Add(tb.end())
	f.Fuzz(func(t *testing.T, b []byte) {
		outer := t.TempDir()
		phone := filepath.Join(outer, "phone")
		_, _, err := tryExtract(b, phone)
		if list, e := os.ReadDir(outer); e != nil || len(list) > 1 {
			t.Fatalf("%d names beside the phone, %v", len(list), e)
		}
		if _, damaged := errors.AsType[*archive.DamageError](err); err != nil && !damaged {
			return
		}
		var out bytes.Buffer
		if _, err := archive.Create(context.Background(), &out, phone, archive.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		var g findings
		if _, err := archive.Check(context.Background(), bytes.NewReader(out.Bytes()), archive.CheckOptions{Options: archive.Options{Problem: g.add}}); err != nil {
			t.Fatal(err)
		}
		for _, x := range g {
			if x.Kind == archive.KindEntry || x.Kind == archive.KindDamage || x.Kind == archive.KindEnd || x.Kind == archive.KindHeader && x.Severity == archive.Damage {
				t.Fatalf("%s", g)
			}
		}
	})
}

func BenchmarkList(b *testing.B) {
	var tb tarball
	tb.app("com.a")
	for i := range 64 {
		tb.add(item{name: fmt.Sprintf("apps/com.a/f/%d", i), body: string(make([]byte, 1<<20))})
	}
	file := plain(b, tb.end())
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		if _, err := archive.List(context.Background(), bytes.NewReader(file), archive.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSmallFiles(b *testing.B) {
	const n = 20_000
	for _, c := range []struct {
		name string
		run  func(dir string) error
	}{
		{"check", func(string) error {
			_, err := archive.Check(context.Background(), &stream{n: n}, archive.CheckOptions{})
			return err
		}},
		{"extract", func(dir string) error {
			_, err := archive.Extract(context.Background(), &stream{n: n}, dir, archive.ExtractOptions{})
			return err
		}},
		{"create", func(dir string) error {
			_, err := archive.Create(context.Background(), io.Discard, filepath.Join(filepath.Dir(dir), "whole"), archive.CreateOptions{})
			return err
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			base := b.TempDir()
			if _, err := archive.Extract(context.Background(), &stream{n: n}, filepath.Join(base, "whole"), archive.ExtractOptions{}); err != nil {
				b.Fatal(err)
			}
			for i := 0; b.Loop(); i++ {
				if err := c.run(filepath.Join(base, fmt.Sprint(i))); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/n, "µs/file")
		})
	}
}
