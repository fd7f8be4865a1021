package appdir_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ferry-move/ferry/mobile/android/appdir"
	"github.com/ferry-move/ferry/mobile/backup"
)

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func newRoot(tb testing.TB) *os.Root {
	tb.Helper()
	root, err := os.OpenRoot(tb.TempDir())
	check(tb, err)
	tb.Cleanup(func() { root.Close() })
	return root
}

// top lists what lies in a root.
func top(tb testing.TB, root *os.Root) (names []string) {
	tb.Helper()
	list, err := fs.ReadDir(root.FS(), ".")
	check(tb, err)
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

func TestCheck(t *testing.T) {
	for name, ok := range map[string]bool{
		"a": true, "a/b": true, "a..b": true, "...": true, ".a": true, "\xff\n": true, strings.Repeat("d/", appdir.MaxDepth-1) + "x": true,
		"": false, "/": false, "/a": false, "a/": false, "a//b": false, ".": false, "..": false, "a/..": false, "./a": false, "a\x00": false,
		strings.Repeat("d/", appdir.MaxDepth) + "x": false, strings.Repeat("x", appdir.MaxPath+1): false,
	} {
		if err := appdir.Check(name); (err == nil) != ok || err != nil && !errors.Is(err, backup.BadName) {
			t.Errorf("%.30q: %v", name, err)
		}
	}
}

func TestCommit(t *testing.T) {
	root := newRoot(t)
	check(t, root.WriteFile("x", []byte("before"), 0o644))
	w, err := appdir.Create(root)
	check(t, err)
	_, err = io.WriteString(w, "after")
	check(t, err)
	if b, err := root.ReadFile("x"); err != nil || string(b) != "before" {
		t.Errorf("before Commit: %q, %v", b, err)
	}
	when := time.Unix(1_000_000_000, 0)
	check(t, w.Commit("x", appdir.Attr{Perm: 0o400, ModTime: when}))
	check(t, w.Discard()) // does nothing any more
	info, err := root.Lstat("x")
	check(t, err)
	if b, err := root.ReadFile("x"); err != nil || string(b) != "after" || info.Mode() != 0o400 || !info.ModTime().Equal(when) {
		t.Errorf("after Commit: %q, %v, %v", b, err, info)
	}
	if names := top(t, root); len(names) != 1 {
		t.Errorf("left: %q", names)
	}
}

// TestFailures: whatever fails, nothing stays.
func TestFailures(t *testing.T) {
	root := newRoot(t)
	check(t, root.MkdirAll("folder/x", 0o700))
	for _, name := range []string{"folder", "missing/x", "../x"} {
		w, err := appdir.Create(root)
		check(t, err)
		if err := w.Commit(name, appdir.Attr{}); !errors.Is(err, backup.Unwritable) || strings.Contains(err.Error(), "ferry") || strings.Contains(err.Error(), "/") {
			t.Errorf("commit to %q: %v", name, err)
		}
	}
	w, err := appdir.Create(root)
	check(t, err)
	check(t, w.Discard())
	boom := errors.New("boom")
	for what, take := range map[string]func(string) error{
		"fails":   func(string) error { return boom },
		"nothing": func(string) error { return nil },
		"larger":  func(p string) error { return os.WriteFile(p, []byte("1234"), 0o600) },
		"link":    func(p string) error { return os.Symlink("/etc/passwd", p) },
		"folder":  func(p string) error { return os.Mkdir(p, 0o700) },
		"half":    func(p string) error { return errors.Join(os.WriteFile(p, []byte("123"), 0o600), boom) },
	} {
		if _, err := appdir.Adopt(root, 3, take); err == nil {
			t.Errorf("adopt, %s: no error", what)
		}
	}
	if names := top(t, root); len(names) != 1 {
		t.Errorf("left: %q", names)
	}
}

func TestAdopt(t *testing.T) {
	root := newRoot(t)
	w, err := appdir.Adopt(root, 3, func(p string) error { return os.WriteFile(p, []byte("123"), 0o600) })
	check(t, err)
	check(t, w.Commit("x", appdir.Attr{}))
	if b, err := root.ReadFile("x"); err != nil || string(b) != "123" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestOpen(t *testing.T) {
	root := newRoot(t)
	check(t, root.Mkdir("folder", 0o700))
	check(t, root.WriteFile("file", nil, 0o600))
	check(t, os.Symlink("file", filepath.Join(root.Name(), "link")))
	check(t, os.Symlink("folder", filepath.Join(root.Name(), "folderlink")))
	for name, want := range map[string]error{
		"file": nil, "folder": backup.NotRegular, "link": backup.NotRegular, "none": backup.Vanished, "file/x": backup.Unknown,
	} {
		f, _, err := appdir.Open(root, name)
		if want == backup.Unknown && err != nil {
			continue // systems differ in what they call this
		}
		if want == nil && err != nil || want != nil && !errors.Is(err, want) {
			t.Errorf("open %s: %v", name, err)
		}
		if err == nil {
			check(t, f.Close())
		}
	}
	for name, want := range map[string]error{"folder": nil, "file": backup.NotRegular, "folderlink": backup.NotRegular, "none": backup.Vanished} {
		d, _, err := appdir.Enter(root, name)
		if want == nil && err != nil || want != nil && !errors.Is(err, want) {
			t.Errorf("enter %s: %v", name, err)
		}
		if err == nil {
			check(t, d.Close())
		}
	}
}

func TestSweep(t *testing.T) {
	root := newRoot(t)
	check(t, root.WriteFile("file", nil, 0o600))
	_, err := appdir.Create(root) // and the program is killed
	check(t, err)
	if len(top(t, root)) != 2 {
		t.Fatalf("%q", top(t, root))
	}
	check(t, appdir.Sweep(root))
	check(t, appdir.Remove(root, "none"))
	if names := top(t, root); len(names) != 1 || names[0] != "file" {
		t.Errorf("left: %q", names)
	}
}
