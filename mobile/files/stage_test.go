package files

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/ferry-move/ferry/mobile/backup"
)

func TestStagedFile(t *testing.T) {
	dir := t.TempDir()
	s := newStorage(t, dir, Options{})
	w := s.writer(t, Files)
	f := stage(t, w, fileItem("d/a", "12345"), "")
	for _, off := range []int64{-1, 1, 6, 1 << 62} {
		if _, err := f.WriteAt([]byte("12345"), off); !errors.Is(err, backup.Malformed) {
			t.Errorf("at %d: %v", off, err)
		}
	}
	if got := snapshot(t, dir, false); len(got) != 1 || got[f.TempName()] == "" {
		t.Errorf("%q with temporary name %q", got, f.TempName())
	}
	// Too short: it must not look finished.
	if res := w.Commit(t.Context(), []backup.Staged{f})[0]; res.Outcome != backup.Failed || !errors.Is(res.Err, backup.Damaged) {
		t.Errorf("short: %+v", res)
	}
	if res := w.Commit(t.Context(), []backup.Staged{f})[0]; res.Outcome != backup.Failed {
		t.Errorf("committed twice: %+v", res)
	}
	f = stage(t, w, fileItem("d/a", "12345"), "12345")
	if err := errors.Join(f.Discard(), f.Discard()); err != nil {
		t.Error(err)
	}
	if res := w.Commit(t.Context(), []backup.Staged{f, nil})[0]; res.Outcome != backup.Failed {
		t.Errorf("committed after Discard: %+v", res)
	}
	// One bad item leaves the others alone.
	good, bad := stage(t, w, fileItem("d/good", "x"), "x"), stage(t, w, fileItem("d/bad", "x"), "x")
	if err := os.Remove(filepath.Join(dir, bad.TempName())); err != nil {
		t.Fatal(err)
	}
	res := w.Commit(t.Context(), []backup.Staged{bad, good})
	if !errors.Is(res[0].Err, backup.Unwritable) || res[1].Outcome != backup.Added {
		t.Errorf("%+v", res)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f = stage(t, w, fileItem("d/b", "x"), "x")
	if res := w.Commit(ctx, []backup.Staged{f})[0]; res.Outcome != backup.Failed || !errors.Is(res.Err, context.Canceled) {
		t.Errorf("cancelled: %+v", res)
	}
	// Close removes what was not committed, and nothing else of that form.
	write(t, dir, "d/.ferry-0123456789abcdef.part", "not ours")
	last := stage(t, w, fileItem("d/c", "x"), "x")
	if err := errors.Join(w.Close(), w.Close()); err != nil {
		t.Error(err)
	}
	if _, err := last.WriteAt([]byte("x"), 0); err == nil {
		t.Error("WriteAt after Close")
	}
	if _, err := w.Stage(t.Context(), fileItem("d/d", "")); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Stage after Close: %v", err)
	}
	if got := snapshot(t, dir, false); len(got) != 3 || got["d/good"] == "" || got["d/.ferry-0123456789abcdef.part"] == "" {
		t.Errorf("%q", got)
	}
	w2 := s.writer(t, Files)
	for range 2 {
		if err := w2.RemoveTemp(t.Context(), "d/.ferry-0123456789abcdef.part"); err != nil {
			t.Error(err)
		}
	}
	if err := w2.RemoveTemp(t.Context(), "d/good"); !errors.Is(err, backup.BadName) {
		t.Errorf("RemoveTemp of another file: %v", err)
	}
	if got := snapshot(t, dir, false); len(got) != 2 {
		t.Errorf("%q", got)
	}
	if n := s.agent(Files).dst.lru.Len(); n == 0 {
		t.Error("the open writer's folders are not kept open")
	}
	if err := w2.Close(); err != nil {
		t.Error(err)
	}
	if n := s.agent(Files).dst.lru.Len(); n != 0 {
		t.Errorf("%d folders stay open", n)
	}
}

func TestFoldersThatGoAway(t *testing.T) {
	dir := t.TempDir()
	w := newStorage(t, dir, Options{}).writer(t, Files)
	if res := put(t, w, "a/b/x", "x"); res.Outcome != backup.Added {
		t.Fatal(res.Err)
	}
	// Removed while it is in the cache: made again.
	if err := os.RemoveAll(filepath.Join(dir, "a")); err != nil {
		t.Fatal(err)
	}
	if res := put(t, w, "a/b/y", "y"); res.Outcome != backup.Added {
		t.Fatal(res.Err)
	}
	// Moved while a file is on its way: the file goes where it belongs.
	f := stage(t, w, fileItem("a/b/z", "z"), "z")
	if err := os.Rename(filepath.Join(dir, "a/b"), filepath.Join(dir, "moved")); err != nil {
		t.Fatal(err)
	}
	if res := w.Commit(t.Context(), []backup.Staged{f})[0]; res.Outcome != backup.Added {
		t.Fatal(res.Err)
	}
	if got := snapshot(t, dir, false); len(got) != 5 || got["a/b/z"] == "" || got["moved/y"] == "" {
		t.Errorf("%q", got)
	}
}

func TestManyFoldersAndWriters(t *testing.T) {
	dir := t.TempDir()
	w := newStorage(t, dir, Options{}).writer(t, Files)
	const writers, each = 4, 3 * maxDirs
	var g errgroup.Group
	for i := range writers {
		g.Go(func() error {
			var batch []backup.Staged
			for j := range each {
				content := fmt.Sprintf("%d %d", i, j)
				it := fileItem(fmt.Sprintf("d%d/e%d/f%d", j%100, j%7, i), content)
				s, err := w.Stage(t.Context(), it)
				if err != nil {
					return err
				}
				if _, err := s.(backup.StagedFile).WriteAt([]byte(content), 0); err != nil {
					return err
				}
				batch = append(batch, s)
			}
			for _, res := range w.Commit(t.Context(), batch) {
				if res.Outcome != backup.Added {
					return fmt.Errorf("%s: %w", res.Outcome, res.Err)
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	files := 0
	for _, s := range snapshot(t, dir, false) {
		if strings.HasPrefix(s, "-") {
			files++
		}
	}
	if files != writers*each {
		t.Errorf("%d files; want %d", files, writers*each)
	}
	if n := len(w.dst.dirty); n != 0 {
		t.Errorf("%d folders are still to be synced", n)
	}
}

// Blocks come in any order and from several goroutines.
func TestWriteAtConcurrently(t *testing.T) {
	dir := t.TempDir()
	w := newStorage(t, dir, Options{}).writer(t, Files)
	rnd := rand.New(rand.NewPCG(1, 2))
	content := make([]byte, 3<<20)
	for i := range content {
		content[i] = byte(rnd.Uint32())
	}
	it := fileItem("big", string(content))
	s, err := w.Stage(t.Context(), it)
	if err != nil {
		t.Fatal(err)
	}
	const block = 64 << 10
	var wg sync.WaitGroup
	for _, i := range rnd.Perm(len(content) / block) {
		wg.Go(func() {
			if _, err := s.(backup.StagedFile).WriteAt(content[i*block:(i+1)*block], int64(i*block)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if res := w.Commit(t.Context(), []backup.Staged{s})[0]; res.Outcome != backup.Added {
		t.Fatal(res.Err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "big")); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func BenchmarkCommit4K(b *testing.B) {
	b.Run("together", func(b *testing.B) { benchmarkCommit(b, func(*caps) {}) })
	b.Run("one by one", func(b *testing.B) { benchmarkCommit(b, func(c *caps) { c.noSyncAll.Store(true) }) })
}

func benchmarkCommit(b *testing.B, prepare func(*caps)) {
	const batchSize, folders = 256, 100
	w := newStorage(b, b.TempDir(), Options{}).writer(b, Files)
	prepare(&w.dst.caps)
	content := make([]byte, 4096)
	n := 0
	for b.Loop() {
		batch := make([]backup.Staged, batchSize)
		for i := range batch {
			n++
			it := fileItem(fmt.Sprintf("d%02d/f%07d", n%folders, n), "")
			it.Size = int64(len(content))
			s, err := w.Stage(b.Context(), it)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := s.(backup.StagedFile).WriteAt(content, 0); err != nil {
				b.Fatal(err)
			}
			batch[i] = s
		}
		for _, res := range w.Commit(b.Context(), batch) {
			if res.Outcome != backup.Added {
				b.Fatal(res.Err)
			}
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "files/s")
}
