package files

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
)

// TestStamp: what is noted is the time that the file has here, and it is the only
// one at which the file counts as what it was.
func TestStamp(t *testing.T) {
	s := newStorage(t, t.TempDir(), Options{})
	w := s.writer(t, Files)
	it := fileItem("d/x", "hello")
	if res := put(t, w, "d/x", "hello"); res.Outcome != backup.Added || res.Stamp != 0 {
		t.Fatalf("under its own time: %+v", res)
	}
	path := filepath.Join(s.dir, "d/x")
	at := func(m time.Time) {
		t.Helper()
		if err := os.Chtimes(path, time.Time{}, m); err != nil {
			t.Fatal(err)
		}
	}
	cut := it.ModTime.Truncate(100 * time.Nanosecond) // as NTFS does
	at(cut)
	a := w.Check(t.Context(), it, backup.Prior{Digest: backup.Digest{1}})
	if a.Verdict != backup.Compare || len(a.Stamps) != 1 || a.Stamps[0] != cut.UnixNano() {
		t.Fatalf("without a note of the time: %+v", a)
	}
	if res := put(t, w, "d/x", "hello"); res.Outcome != backup.Skipped || res.Stamp != cut.UnixNano() {
		t.Fatalf("the same content: %+v", res)
	}
	prior := backup.Prior{Digest: backup.Digest{1}, Stamp: cut.UnixNano()}
	if a := w.Check(t.Context(), it, prior); a.Verdict != backup.Have {
		t.Errorf("as it was noted: %+v", a)
	}
	for _, m := range []time.Time{cut.Add(100 * time.Nanosecond), cut.Add(-100 * time.Nanosecond), it.ModTime, it.ModTime.Truncate(time.Second)} {
		at(m)
		if a := w.Check(t.Context(), it, prior); a.Verdict != backup.Compare {
			t.Errorf("at %v: %+v", m, a)
		}
	}
}

// TestAlikeUnderNotedName: where the file system refused a name, what is noted of
// it leads to the file, and nothing else does.
func TestAlikeUnderNotedName(t *testing.T) {
	s := newStorage(t, t.TempDir(), Options{})
	w := s.writer(t, Files)
	write(t, s.dir, "a%3A/b%3F", "hello")
	it := fileItem("a:/b?", "hello")
	if a := w.Check(t.Context(), it, backup.Prior{}); a.Verdict != backup.Need {
		t.Errorf("without a note: %+v", a)
	}
	prior := backup.Prior{Digest: backup.Digest{1}, Name: "a%3A/b%3F", Verify: true}
	if a := w.Check(t.Context(), it, prior); a.Verdict != backup.Compare || len(a.Names) != 1 || a.Names[0] != prior.Name {
		t.Errorf("with one: %+v", a)
	}
	prior.Name = "../b"
	if a := w.Check(t.Context(), it, prior); a.Verdict != backup.Need {
		t.Errorf("with one that leads out: %+v", a)
	}
}
