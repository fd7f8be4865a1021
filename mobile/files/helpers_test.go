package files

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
)

var d2d = backup.Transport{Flags: backup.FlagDeviceToDeviceTransfer}

// storage is a folder with its agents.
type storage struct {
	dir    string
	root   *os.Root
	agents []backup.Agent
}

func newStorage(tb testing.TB, dir string, opts Options) *storage {
	tb.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { root.Close() })
	return &storage{dir, root, New(root, opts)}
}

func (s *storage) agent(k backup.Kind) *agent {
	i := slices.IndexFunc(s.agents, func(a backup.Agent) bool { return a.Info().Kind == k })
	return s.agents[i].(*agent)
}

func (s *storage) reader(tb testing.TB, k backup.Kind) *reader {
	tb.Helper()
	b, err := s.agent(k).Backup(tb.Context(), d2d)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { b.Close() })
	return b.(*reader)
}

func (s *storage) writer(tb testing.TB, k backup.Kind) *writer {
	tb.Helper()
	r, err := s.agent(k).Restore(tb.Context(), d2d)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { r.Close() })
	return r.(*writer)
}

// write makes a file with its folders. Keys end in a slash for folders.
func write(tb fataler, dir, key, content string) {
	tb.Helper()
	path := filepath.Join(dir, key)
	if key[len(key)-1] == '/' {
		if err := os.MkdirAll(path, 0o755); err != nil {
			tb.Fatalf("%v", err)
		}
		return
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		tb.Fatalf("%v", err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		tb.Fatalf("%v", err)
	}
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// snapshot describes everything below dir: type, permissions, time and content
// of files; folders without their time unless dirTimes is set.
func snapshot(tb fataler, dir string, dirTimes bool) map[string]string {
	tb.Helper()
	m := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		s := info.Mode().String()
		switch {
		case info.Mode().IsRegular():
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			s += fmt.Sprintf(" %d %q", info.ModTime().UnixNano(), b)
		case info.Mode()&fs.ModeSymlink != 0:
			to, err := os.Readlink(path)
			if err != nil {
				return err
			}
			s += " -> " + to
		case dirTimes:
			s += fmt.Sprintf(" %d", info.ModTime().UnixNano())
		}
		m[rel] = s
		return nil
	})
	if err != nil {
		tb.Fatalf("%v", err)
	}
	return m
}

// contains fails unless all of want is in got unchanged.
func contains(tb fataler, got, want map[string]string) {
	tb.Helper()
	for key, w := range want {
		if g := got[key]; g != w {
			tb.Fatalf("%q was %.200s, is %.200s", key, w, g)
		}
	}
}

// equal fails unless both are the same.
func equal(tb fataler, got, want map[string]string) {
	tb.Helper()
	contains(tb, got, want)
	contains(tb, want, got)
}

// copyAll moves every kind and adds the tallies up.
func copyAll(ctx context.Context, dst, src *storage) (sum backup.Tally, err error) {
	for i := range src.agents {
		t, err := backup.Copy(ctx, dst.agents[i], src.agents[i], d2d)
		if err != nil {
			return sum, err
		}
		sum.Added += t.Added
		sum.Skipped += t.Skipped
		sum.Failed += t.Failed
		sum.Failures = append(sum.Failures, t.Failures...)
	}
	return sum, nil
}

func fileItem(key, content string) backup.Item {
	return backup.Item{
		Kind: Files, Type: backup.TypeFile, Key: backup.Key(key), Size: int64(len(content)),
		Mode: 0o640, ModTime: time.Unix(1_600_000_000, 123_456_789),
	}
}

func dirItem(key string) backup.Item {
	return backup.Item{
		Kind: Files, Type: backup.TypeDirectory, Key: backup.Key(key),
		Mode: 0o750, ModTime: time.Unix(1_500_000_000, 987_654_321),
	}
}

// stage stages a file with its content.
func stage(tb fataler, w *writer, it backup.Item, content string) *stagedFile {
	tb.Helper()
	s, err := w.Stage(context.Background(), it)
	if err != nil {
		tb.Fatalf("stage: %v", err)
	}
	f := s.(*stagedFile)
	if _, err := f.WriteAt([]byte(content), 0); err != nil {
		tb.Fatalf("write: %v", err)
	}
	return f
}

// put takes one file in.
func put(tb fataler, w *writer, key, content string) backup.Result {
	tb.Helper()
	s := stage(tb, w, fileItem(key, content), content)
	return w.Commit(context.Background(), []backup.Staged{s})[0]
}

// items lists what a reader yields: the items that can be moved by key, and
// the reasons of the others.
func items(tb testing.TB, r *reader) (map[backup.Key]backup.Item, map[backup.Key]backup.Reason) {
	tb.Helper()
	good, bad := map[backup.Key]backup.Item{}, map[backup.Key]backup.Reason{}
	for it, err := range r.Items(tb.Context()) {
		_, twice1 := good[it.Key]
		if _, twice2 := bad[it.Key]; twice1 || twice2 {
			tb.Fatalf("%q was yielded twice", it.Key)
		}
		if err != nil {
			bad[it.Key] = backup.ReasonOf(err)
		} else {
			good[it.Key] = it
		}
	}
	return good, bad
}

func keys[V any](m map[backup.Key]V) []string {
	var list []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		list = append(list, string(k))
	}
	return list
}

func read(tb testing.TB, r *reader, it backup.Item, off int64) (string, error) {
	tb.Helper()
	rc, err := r.Open(tb.Context(), it, off)
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(rc)
	if cerr := rc.Close(); err == nil {
		err = cerr
	}
	return string(b), err
}
