package archived_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ferry-move/ferry/mobile/android/ab"
	"github.com/ferry-move/ferry/mobile/android/fullbackup"
	"github.com/ferry-move/ferry/mobile/archived"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/transfertest"
)

// engines move one kind and say how much was added.
var engines = map[string]func(testing.TB, backup.Agent, backup.Agent) int64{
	"copied": func(t testing.TB, from, to backup.Agent) int64 {
		tally, err := backup.Copy(t.Context(), to, from, d2d)
		if err != nil {
			t.Fatal(err)
		}
		return tally.Added
	},
	"sent": func(t testing.TB, from, to backup.Agent) (added int64) {
		rig := transfertest.NewRig(t, func(testing.TB) transfertest.Ends { return transfertest.Pipe() }, fakephone.Config{Empty: true}, fakephone.Config{Empty: true})
		rig.TuneSend = func(c *transfer.SendConfig) { c.Agents = []backup.Agent{from} }
		rig.TuneTake = func(c *transfer.ReceiveConfig) { c.Agents, c.Free = []backup.Agent{to}, nil }
		e := rig.Run(t.Context())
		if e.SendErr != nil || e.TakeErr != nil {
			t.Fatal(e.SendErr, e.TakeErr)
		}
		for _, k := range e.Sent.Kinds {
			added += int64(k.Added)
		}
		return added
	},
}

// sparse leaves holes where zeros are written.
type sparse struct{ f *os.File }

func (s sparse) Write(p []byte) (int, error) {
	for _, c := range p {
		if c != 0 {
			return s.f.Write(p)
		}
	}
	_, err := s.f.Seek(int64(len(p)), io.SeekCurrent)
	return len(p), err
}

// generated makes an archive of many small files and some large ones, which
// are holes on the disk.
func generated(t testing.TB, small, large int, largeSize int64) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "large.ab")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := ab.Create(sparse{f}, ab.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	w := fullbackup.NewWriter(c)
	file := func(path string, size int64) {
		if err := w.WriteHeader(fullbackup.Header{Domain: "shared/0", Path: path, Type: fullbackup.TypeFile, Mode: 0o600, Size: size}); err != nil {
			t.Fatal(err)
		}
		for ; size > 0; size -= min(size, int64(len(zeros))) {
			if _, err := w.Write(zeros[:min(size, int64(len(zeros)))]); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i := range large {
		file(fmt.Sprintf("Movies/%d.mkv", i), largeSize)
	}
	for i := range small {
		file(fmt.Sprintf("Movies/%d/%d.mkv", i%1000, i), 100)
	}
	if err := w.End(); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	size, err := f.Seek(0, io.SeekCurrent)
	if err == nil {
		err = f.Truncate(size) // a hole at the end
	}
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// A gigabyte, and a hundred thousand files, go through memory that is bounded,
// the engines' own included.
func TestScale(t *testing.T) {
	if testing.Short() {
		t.Skip("a gigabyte takes a while")
	}
	for _, c := range []struct {
		name         string
		small, large int
		size         int64
	}{
		{"1 GiB in large files", 0, 4, 256 << 20},
		{"1 GiB in small files", 0, 4096, 256 << 10},
		{"100,000 small files", 100_000, 0, 0},
	} {
		path := generated(t, c.small, c.large, c.size)
		for engine, run := range engines {
			t.Run(c.name+" "+engine, func(t *testing.T) {
				runtime.GC()
				var before runtime.MemStats
				runtime.ReadMemStats(&before)
				start := time.Now()
				d := open(t, path, archived.Options{})
				opened := time.Since(start)
				r := newRecorder(d.Agents()[0])
				if added := run(t, d.Agents()[0], r); added != int64(c.small+c.large) {
					t.Errorf("%d were added", added)
				}
				took := time.Since(start) - opened
				grown := max(int64(r.heap)-int64(before.HeapAlloc), 0)
				t.Logf("opened in %v, moved in %v, heap grew by at most %d MiB", opened, took, grown>>20)
				if most := int64(160 << 20); grown > most {
					t.Errorf("the heap grew by %d bytes", grown)
				}
			})
		}
	}
}

// BenchmarkListing lists 10,000 small files and drops them.
func BenchmarkListing(b *testing.B) {
	d := open(b, generated(b, 10_000, 0, 0), archived.Options{})
	src := source(b, d, "videos", d2d)
	for b.Loop() {
		n := 0
		for it, err := range src.Items(b.Context()) {
			if err != nil {
				b.Fatal(err)
			}
			n++
			src.(backup.Releaser).Release(it)
		}
		if n != 10_000 {
			b.Fatal(n)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10_000, "ns/item")
}

// BenchmarkOpen counts an archive of 64 MiB.
func BenchmarkOpen(b *testing.B) {
	tb := newTar(b)
	for i := range 64 {
		tb.file("", "shared/0", fmt.Sprint("x/", i), strings.Repeat("0123456789abcdef", 1<<16))
	}
	for name, o := range containers() {
		var path string
		if name == "plain" || name == "deflated" {
			path = benchSave(b, tb, o)
		} else {
			continue
		}
		b.Run(name, func(b *testing.B) {
			b.SetBytes(64 << 20)
			for b.Loop() {
				d, err := archived.Open(b.Context(), path, archived.Options{Password: ask})
				if err != nil {
					b.Fatal(err)
				}
				d.Close()
			}
		})
	}
}

func benchSave(b *testing.B, tb *tarball, o ab.CreateOptions) string {
	b.Helper()
	one := newTar(b)
	one.buf.Write(tb.buf.Bytes())
	return one.save(o)
}
