package files

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
)

// kept stages content, keeps the first n bytes in a run that ends, and returns
// what is left.
func kept(t *testing.T, s *storage, it backup.Item, content string, n int64) backup.Leftover {
	t.Helper()
	w := s.writer(t, Files)
	f := stage(t, w, it, content)
	l, err := f.Keep(n)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return l
}

// TestKeepFrees: what is kept holds no more of the disk than its bytes, and a run
// that goes on takes the room for the rest again.
func TestKeepFrees(t *testing.T) {
	const size, n = 8 << 20, 2 << 20
	dir := t.TempDir()
	s := newStorage(t, dir, Options{})
	it := fileItem("d/big", strings.Repeat("x", size))
	w := s.writer(t, Files)
	f := stage(t, w, it, strings.Repeat("x", n+100))
	running, err := f.Sync(n)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "linux" && running.Held < n {
		t.Errorf("on its way it is said to hold %d bytes", running.Held)
	}
	l, err := f.Keep(n)
	if err != nil {
		t.Fatal(err)
	}
	fi, err := os.Stat(filepath.Join(dir, l.Name))
	if err != nil || fi.Size() != n || l.Held < n || l.Held > n+1<<20 || l.Stamp != fi.ModTime().UnixNano() {
		t.Errorf("%+v is left, of %v, %v", l, fi, err)
	}
	r, touched, err := w.Resume(t.Context(), it, l)
	if err != nil || touched {
		t.Fatalf("%v, %v", touched, err)
	}
	if _, err := r.WriteAt([]byte(strings.Repeat("x", size-n)), n); err != nil {
		t.Fatal(err)
	}
	if res := w.Commit(t.Context(), []backup.Staged{r})[0]; res.Outcome != backup.Added {
		t.Fatalf("%+v", res)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "d", "big")); err != nil || string(b) != strings.Repeat("x", size) {
		t.Errorf("%d bytes arrived, %v", len(b), err)
	}
	if got := s.agent(Files).space.unwritten; got != 0 {
		t.Errorf("%d bytes are still counted", got)
	}
}

// TestResumeSpace: a file of which most is there needs room for the rest only.
func TestResumeSpace(t *testing.T) {
	const size, n = 1000, 900
	dir := t.TempDir()
	with := func(free int64) *writer { // anew, since what was measured holds for a while
		s := newStorage(t, dir, Options{Free: func() (int64, error) { return free, nil }})
		return s.writer(t, Files)
	}
	it := fileItem("big", strings.Repeat("x", size))
	l := kept(t, newStorage(t, dir, Options{}), it, strings.Repeat("x", n), n)
	l.Held = n // whatever the file system's blocks are
	if a := with(reserve+size-n).Check(t.Context(), it, backup.Prior{}); a.Verdict != backup.Refuse {
		t.Errorf("without what is left the verdict is %d", a.Verdict)
	}
	if a := with(reserve+size-n).Check(t.Context(), it, backup.Prior{Left: l}); a.Verdict != backup.Need {
		t.Errorf("the verdict is %d, %v", a.Verdict, a.Err)
	}
	if runtime.GOOS != "linux" { // there the file system's blocks hold all of it
		if _, _, err := with(0).Resume(t.Context(), it, l); !errors.Is(err, backup.NoSpace) {
			t.Errorf("on a full disk: %v", err)
		}
	}
	r, _, err := with(reserve+size-n).Resume(t.Context(), it, l)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Discard(); err != nil {
		t.Fatal(err)
	}
	if got := snapshot(t, dir, false); len(got) != 0 {
		t.Errorf("%q are left", got)
	}
}

// TestResumeRefuses: nothing but a file that this program left is opened for
// writing.
func TestResumeRefuses(t *testing.T) {
	content := "0123456789"
	it := fileItem("d/f", content)
	for name, change := range map[string]func(dir, part string, l *backup.Leftover) error{
		"shorter": func(_, part string, _ *backup.Leftover) error { return os.Truncate(part, 4) },
		"longer":  func(_, part string, _ *backup.Leftover) error { return os.Truncate(part, 11) },
		"gone":    func(_, part string, _ *backup.Leftover) error { return os.Remove(part) },
		"a folder": func(_, part string, _ *backup.Leftover) error {
			return errors.Join(os.Remove(part), os.Mkdir(part, 0o700))
		},
		"another name": func(dir, part string, l *backup.Leftover) error {
			l.Name = "mine"
			return os.Rename(part, filepath.Join(dir, "mine"))
		},
		"in another place": func(_, _ string, l *backup.Leftover) error { l.Name = "e/" + l.Name; return nil },
		"above":            func(_, _ string, l *backup.Leftover) error { l.Name = "../" + l.Name; return nil },
		"no length":        func(_, _ string, l *backup.Leftover) error { l.Length = 0; return nil },
		"too long":         func(_, _ string, l *backup.Leftover) error { l.Length = 11; return nil },
		"a link": func(dir, part string, _ *backup.Leftover) error {
			return errors.Join(os.Rename(part, filepath.Join(dir, "mine")), os.Symlink("mine", part))
		},
		"with another name": func(dir, part string, _ *backup.Leftover) error {
			if runtime.GOOS != "linux" {
				return os.Remove(part)
			}
			return os.Link(part, filepath.Join(dir, "mine"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := newStorage(t, dir, Options{})
			l := kept(t, s, it, content[:5], 5)
			if err := change(dir, filepath.Join(dir, l.Name), &l); err != nil {
				t.Skip(err) // a system without links
			}
			before := snapshot(t, dir, false)
			w := s.writer(t, Files)
			if _, _, err := w.Resume(t.Context(), it, l); err == nil || backup.ReasonOf(err) == 0 {
				t.Errorf("it is resumed: %v", err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			equal(t, snapshot(t, dir, false), before)
		})
	}
	dir := t.TempDir()
	s := newStorage(t, dir, Options{})
	l := kept(t, s, it, content[:5], 5)
	w := s.writer(t, Files)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := w.Resume(ctx, it, l); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	bad := it
	bad.Kind = Photos
	if _, _, err := w.Resume(t.Context(), bad, l); !errors.Is(err, backup.Unsupported) {
		t.Error(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.Resume(t.Context(), it, l); !errors.Is(err, fs.ErrClosed) {
		t.Error(err)
	}
}

// TestKeepNothing: a part that is not there is not kept, and leaves nothing.
func TestKeepNothing(t *testing.T) {
	dir := t.TempDir()
	s := newStorage(t, dir, Options{})
	w := s.writer(t, Files)
	for _, n := range []int64{-1, 0, 6, 11} {
		f := stage(t, w, fileItem("d/f", "0123456789"), "01234")
		if _, err := f.Keep(n); !errors.Is(err, backup.Malformed) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if got := snapshot(t, dir, false); len(got) != 0 {
		t.Errorf("%q are left", got)
	}
}

// TestLost: when the disk could not keep something, no later success hides it.
func TestLost(t *testing.T) {
	dir := t.TempDir()
	s := newStorage(t, dir, Options{})
	w := s.writer(t, Files)
	f := stage(t, w, fileItem("f", "0123456789"), "0123456789")
	if _, err := f.Sync(10); err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	f.lost = syscall.EIO // as Sync notes it
	f.mu.Unlock()
	if res := w.Commit(t.Context(), []backup.Staged{f})[0]; res.Outcome != backup.Failed || !errors.Is(res.Err, syscall.EIO) {
		t.Errorf("%+v", res)
	}
	if got := snapshot(t, dir, false); len(got) != 0 {
		t.Errorf("%q are left", got)
	}
}

// TestSyncWhileItEnds: a checkpoint and the end of a file may come together.
func TestSyncWhileItEnds(t *testing.T) {
	s := newStorage(t, t.TempDir(), Options{})
	w := s.writer(t, Files)
	for range 50 {
		f := stage(t, w, fileItem("f", "0123456789"), "0123456789")
		done := make(chan struct{})
		go func() {
			defer close(done)
			f.Sync(5) // it may be too late
		}()
		res := w.Commit(t.Context(), []backup.Staged{f})[0]
		if <-done; res.Outcome == backup.Failed {
			t.Fatal(res.Err)
		}
	}
}
