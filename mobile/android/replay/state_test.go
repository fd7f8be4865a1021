package replay_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/entity"
	"github.com/ferry-move/ferry/mobile/android/replay"
	"github.com/ferry-move/ferry/mobile/backup"
)

// wire is an entity stream as an EntityOutput.
type wire struct{ *entity.Writer }

func (w wire) WriteHeader(key string, size int64) error {
	return w.Writer.WriteHeader(entity.Key(key), size)
}
func (w wire) Delete(key string) error    { return w.Writer.Delete(entity.Key(key)) }
func (wire) TransportFlags() backup.Flags { return 0 }
func (wire) Quota() int64                 { return android.NoQuota }

// reader is an entity stream as an EntityInput.
type reader struct{ *entity.Reader }

func (r reader) Next() (string, int64, error) {
	h, err := r.Reader.Next()
	if h.Deleted {
		h.Size = -1
	}
	return string(h.Key), h.Size, err
}

// backUp returns the stream and the state of a pass.
func (a *app) backUp(old []byte) (data, state []byte, err error) {
	var d, s bytes.Buffer
	w := entity.NewWriter(&d, entity.Options{})
	err = a.Backup(context.Background(), android.BackupRequest{Old: bytes.NewReader(old), Data: wire{w}, New: &s})
	err = errors.Join(err, w.Close())
	return d.Bytes(), s.Bytes(), err
}

// TestState: the layout, drawn by hand.
func TestState(t *testing.T) {
	a := newApp(t)
	check(t, a.put("ab", "value", "c", "-"))
	file, err := os.ReadFile(filepath.Join(a.dir, name))
	check(t, err)
	data, state, err := a.backUp(nil)
	check(t, err)
	if !bytes.Equal(data, file) {
		t.Errorf("played %x, want the file, %x", data, file)
	}
	digest, value := sha256.Sum256(file), sha256.Sum256([]byte("value"))
	var want []byte
	seal := func() { want = binary.LittleEndian.AppendUint32(want, crc32.ChecksumIEEE(want)) }
	want = append(append(want, "FRpl\x01\x00\x00\x00"...), digest[:]...)
	seal()
	want = append(append(want, "\x02\x00ab"...), value[:16]...)
	seal()
	want = append(append(want, "\x01\x00c"...), make([]byte, 16)...)
	seal()
	want = append(want, 0, 0)
	seal()
	if !bytes.Equal(state, want) {
		t.Errorf("state\n%x, want\n%x", state, want)
	}
}

// TestDeletions: what the state has and the file has not is deleted, also when
// the whole file is gone; a deletion in the file is one.
func TestDeletions(t *testing.T) {
	a := newApp(t)
	check(t, a.put("a", "1", "b", "2", "twice", "1", "twice", "2"))
	_, state, err := a.backUp(nil)
	check(t, err)
	for _, c := range []struct{ now, want []string }{
		{[]string{"a", "1", "b", "2", "twice", "2"}, nil}, // the same in the end
		{[]string{"a", "1", "twice", "2", "twice", "1"}, []string{"b", "-", "twice", "2", "twice", "1"}},
		{[]string{"b", "-", "a", "1", "twice", "2"}, []string{"b", "-"}},
		{nil, []string{"a", "-", "b", "-", "twice", "-", "twice", "-"}},
	} {
		check(t, a.put(c.now...))
		got, _, err := a.backUp(state)
		check(t, err)
		check(t, a.put(c.want...))
		want, err := os.ReadFile(filepath.Join(a.dir, name))
		check(t, err)
		if !bytes.Equal(got, want) {
			t.Errorf("%q: %q, want %q", c.now, got, want)
		}
	}
	check(t, os.Remove(filepath.Join(a.dir, name)))
	got, _, err := a.backUp(state)
	if err != nil || bytes.Count(got, []byte("\xff\xff\xff\xff")) != 4 {
		t.Errorf("without a file: %q, %v", got, err)
	}
}

// TestDamagedFile: a file that is no entity stream fails the pass.
func TestDamagedFile(t *testing.T) {
	a := newApp(t)
	check(t, a.put("key", "value", "other", "x"))
	whole, err := os.ReadFile(filepath.Join(a.dir, name))
	check(t, err)
	complete := 0
	for n := range whole {
		check(t, os.WriteFile(filepath.Join(a.dir, name), whole[:n], 0o600))
		if _, _, err := a.backUp(nil); err == nil {
			complete++
			continue
		}
		if _, _, err = a.backUp([]byte("x")); err == nil || strings.Contains(err.Error(), a.dir) {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
	if complete != 5 { // empty; after the first value, and in its three bytes of padding
		t.Errorf("%d cuts are taken for whole", complete)
	}
	check(t, os.Remove(filepath.Join(a.dir, name)))
	check(t, os.Symlink("/etc/passwd", filepath.Join(a.dir, name)))
	if _, _, err := a.backUp(nil); !errors.Is(err, backup.NotRegular) {
		t.Errorf("a link: %v", err)
	}
}

// TestRestoreEmpty: a set without records leaves no file.
func TestRestoreEmpty(t *testing.T) {
	a := newApp(t)
	check(t, a.put("a", "1"))
	in := reader{entity.NewReader(strings.NewReader(""), entity.Limits{})}
	check(t, a.Restore(t.Context(), android.RestoreRequest{Data: in, New: io.Discard}))
	if _, err := os.Stat(filepath.Join(a.dir, name)); !os.IsNotExist(err) {
		t.Errorf("the file is still there: %v", err)
	}
}

func TestNames(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	check(t, err)
	defer root.Close()
	for _, n := range []string{"", "x", "../x", "/x", "k/../x", "k//x", "k/\x00"} {
		if _, err := replay.New(root, n, replay.Options{}); !errors.Is(err, backup.BadName) {
			t.Errorf("%q: %v", n, err)
		}
	}
}

// fill writes n records with 200 bytes.
func (a *app) fill(tb testing.TB, n int) {
	tb.Helper()
	check(tb, os.MkdirAll(filepath.Join(a.dir, "k"), 0o700))
	f, err := os.Create(filepath.Join(a.dir, name))
	check(tb, err)
	w := entity.NewWriter(f, entity.Options{})
	value := bytes.Repeat([]byte("v"), 200)
	for i := range n {
		check(tb, w.WriteHeader(entity.Key(fmt.Sprintf("key-%09d", i)), 200))
		_, err := w.Write(value)
		check(tb, err)
	}
	check(tb, w.Close())
	check(tb, f.Close())
}

// nowhere takes entities and drops them.
type nowhere struct{ n int }

func (w *nowhere) WriteHeader(string, int64) error { w.n++; return nil }
func (w *nowhere) Delete(string) error             { w.n++; return nil }
func (*nowhere) Write(p []byte) (int, error)       { return len(p), nil }
func (*nowhere) TransportFlags() backup.Flags      { return 0 }
func (*nowhere) Quota() int64                      { return android.NoQuota }

// TestTooMany: beyond MaxIndex records everything is written.
func TestTooMany(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 250 MB")
	}
	a := newApp(t)
	a.fill(t, 10)
	_, state, err := a.backUp(nil)
	check(t, err)
	a.fill(t, replay.MaxIndex+1)
	var out nowhere
	check(t, a.Backup(t.Context(), android.BackupRequest{Old: bytes.NewReader(state), Data: &out, New: io.Discard}))
	if out.n != replay.MaxIndex+1 {
		t.Errorf("%d records are written", out.n)
	}
}

func BenchmarkBackup(b *testing.B) {
	const records = 1_000_000
	a := newApp(b)
	a.fill(b, records)
	var first bytes.Buffer
	check(b, a.Backup(b.Context(), android.BackupRequest{Data: &nowhere{}, New: &first}))
	changed := bytes.Clone(first.Bytes())
	changed[8] ^= 1 // another file, as far as the digest goes
	binary.LittleEndian.PutUint32(changed[40:], crc32.ChecksumIEEE(changed[:40]))
	for _, c := range []struct {
		name string
		old  []byte
	}{{"complete", nil}, {"unchanged", first.Bytes()}, {"damaged", changed}} {
		b.Run(c.name, func(b *testing.B) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			for b.Loop() {
				check(b, a.Backup(b.Context(), android.BackupRequest{Old: bytes.NewReader(c.old), Data: &nowhere{}, New: io.Discard}))
			}
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(b.N)*records/b.Elapsed().Seconds(), "records/s")
			b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/float64(b.N)/(1<<20), "MiB/op")
		})
	}
}

// FuzzState: whatever the old state says, afterwards everything is stored.
func FuzzState(f *testing.F) {
	a := newApp(f)
	check(f, a.put("a", "1", "b", "2"))
	_, state, err := a.backUp(nil)
	check(f, err)
	check(f, a.put("a", "1", "b", "3", "c", ""))
	f.Add(state)
	f.Add(state[:50])
	f.Fuzz(func(t *testing.T, old []byte) {
		data, _, err := a.backUp(old)
		if err != nil {
			return // a key of the system that is to be deleted
		}
		stored := map[string]string{"a": "1", "b": "2"}
		r := entity.NewReader(bytes.NewReader(data), entity.Limits{})
		for h, err := range r.All() {
			check(t, err)
			v, err := r.AppendData(nil, 100)
			check(t, err)
			if delete(stored, string(h.Key)); !h.Deleted {
				stored[string(h.Key)] = string(v)
			}
		}
		if stored["a"] != "1" || stored["b"] != "3" {
			t.Fatalf("stored afterwards: %q", stored)
		}
		if _, ok := stored["c"]; !ok {
			t.Fatal("c is not stored")
		}
	})
}
