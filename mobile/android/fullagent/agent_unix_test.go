//go:build unix

package fullagent_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/domain"
	"github.com/ferry-move/ferry/mobile/android/fullagent"
	"github.com/ferry-move/ferry/mobile/android/rules"
	"github.com/ferry-move/ferry/mobile/backup"
)

// listing notes what it is given.
type listing struct {
	names []string
	files map[string]android.SourceFile
	flags backup.Flags
}

func (l *listing) File(_ context.Context, f android.SourceFile) error {
	if l.files == nil {
		l.files = map[string]android.SourceFile{}
	}
	name := f.Domain + ":" + f.Path
	if f.Type == backup.TypeDirectory {
		name += "/"
	}
	l.names, l.files[name] = append(l.names, name), f
	return nil
}
func (l *listing) TransportFlags() backup.Flags { return l.flags }
func (l *listing) Quota() int64                 { return android.NoQuota }

func (a *app) leftOut() []string {
	var s []string
	for _, l := range a.left {
		s = append(s, fmt.Sprintf("%s:%s: %v", l.Domain, l.Path, l.Err))
	}
	slices.Sort(s)
	return s
}

func equal(tb testing.TB, what string, got, want []string) {
	tb.Helper()
	if !slices.Equal(got, want) {
		tb.Errorf("%s:\n%s\nwant:\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestOrder(t *testing.T) {
	a := newApp(t, fullagent.Options{})
	for _, n := range []string{
		"ef/x", "obb/x", "d_sp/x", "sp/x.xml", "d_db/x", "db/x", "d_f/x", "f/b/y", "f/b/z/w", "f/a", "f/c", "d_r/x", "r/x", "r/files/own",
		"r/cache/x", "r/code_cache/x", "r/no_backup/x", "r/lib/x", "d_r/cache/x", "r/libs/x", "c/x", "nb/x", "d_nb/x", "k/p.data", "ef_s1/x", "_manifest",
	} {
		a.write(t, n, n)
	}
	a.special(t)
	var l listing
	check(t, a.FullBackup(t.Context(), &l))
	equal(t, "entries", l.names, []string{
		"r:x", "r:files/", "r:files/own", "r:libs/", "r:libs/x", "d_r:x", "f:a", "f:c", "f:b/", "f:b/y", "f:b/z/", "f:b/z/w", "d_f:x",
		"db:x", "d_db:x", "sp:x.xml", "d_sp:x", "ef:x", "obb:x",
	})
	equal(t, "left out", a.leftOut(), []string{
		"d_r:cache: this folder is never backed up", "ef_s1:: the domain is unknown", "f:dirlink: it is not a regular file",
		"f:link: it is not a regular file", "f:pipe: it is not a regular file", "f:s: it is not a regular file",
		"r:cache: this folder is never backed up", "r:code_cache: this folder is never backed up", "r:lib: this folder is never backed up",
		"r:no_backup: this folder is never backed up",
	})
}

func scheme(tb testing.TB, xml string) func(rules.Query) *rules.Scheme {
	tb.Helper()
	c, err := rules.ParseContent(strings.NewReader("<full-backup-content>" + xml + "</full-backup-content>"))
	check(tb, err)
	return func(q rules.Query) *rules.Scheme {
		return rules.Select(rules.App{Package: "p", TargetSDK: 30, Content: c}, q)
	}
}

func TestRules(t *testing.T) {
	all := []string{"f/keep/a", "f/keep/secret/b", "f/other/c", "sp/x.xml", "db/d", "db/d-journal", "ef/e"}
	for _, c := range []struct {
		xml   string
		flags backup.Flags
		want  []string
	}{
		{``, 0, []string{"f:keep/", "f:keep/a", "f:keep/secret/", "f:keep/secret/b", "f:other/", "f:other/c", "db:d", "db:d-journal", "sp:x.xml", "ef:e"}},
		{`<include domain="file" path="keep"/><exclude domain="file" path="keep/secret"/>`, 0, []string{"f:keep/", "f:keep/a"}},
		{`<include domain="file" path="keep/secret"/>`, 0, []string{"f:keep/secret/", "f:keep/secret/b"}},
		{`<exclude domain="file"/><exclude domain="database" path="d"/><exclude domain="sharedpref" path="x"/>`, 0, []string{"ef:e"}},
		{`<include domain="external" requireFlags="deviceToDeviceTransfer"/>`, 0, nil},
		{`<include domain="external" requireFlags="deviceToDeviceTransfer"/>`, backup.FlagDeviceToDeviceTransfer, []string{"ef:e"}},
	} {
		a := newApp(t, fullagent.Options{Backup: scheme(t, c.xml)})
		for _, n := range all {
			a.write(t, n, n)
		}
		l := listing{flags: c.flags}
		check(t, a.FullBackup(t.Context(), &l))
		equal(t, c.xml, l.names, c.want)
	}
	// A restore applies them again, whatever a folder was when it was backed up.
	a := newApp(t, fullagent.Options{Restore: scheme(t, `<exclude domain="file" path="secret"/>`)})
	check(t, put(a, "f", "secret/x", "no"))
	check(t, put(a, "r", "files/secret/x", "no"))
	check(t, put(a, "f", "open", "yes"))
	check(t, a.RestoreFinished(t.Context()))
	equal(t, "restored", a.tree(t), []string{"f/", "f/open"})
	equal(t, "left out", a.leftOut(), []string{"f:secret/x: the app's rules leave it out", "f:secret/x: the app's rules leave it out"})
}

var anyTime = time.Unix(1_500_000_000, 999_999_999)

func put(a *app, dom, path, content string) error {
	return a.RestoreFile(context.Background(), android.RestoredFile{
		FileInfo: android.FileInfo{Domain: dom, Path: path, Type: backup.TypeFile, Size: int64(len(content)), Mode: 0o6755, ModTime: anyTime},
		Data:     strings.NewReader(content),
	})
}

func mkdir(a *app, dom, path string, mode uint32) error {
	return a.RestoreFile(context.Background(), android.RestoredFile{
		FileInfo: android.FileInfo{Domain: dom, Path: path, Type: backup.TypeDirectory, Mode: mode, ModTime: anyTime},
	})
}

// tree lists what is in an app's folder.
func (a *app) tree(tb testing.TB) []string {
	tb.Helper()
	var names []string
	check(tb, filepath.WalkDir(a.dir, func(p string, d os.DirEntry, err error) error {
		if rel, _ := filepath.Rel(a.dir, p); rel != "." {
			if d.IsDir() {
				rel += "/"
			}
			names = append(names, rel)
		}
		return err
	}))
	return names
}

func TestRestorePlaces(t *testing.T) {
	a := newApp(t, fullagent.Options{})
	for _, n := range []string{"f:a", "r:files/b", "r:databases/c", "d_r:shared_prefs/d", "r:x", "r:cache/y", "f:a..b", "obb:o"} {
		dom, p, _ := strings.Cut(n, ":")
		check(t, put(a, dom, p, n))
	}
	check(t, mkdir(a, "r", "files", 0o700)) // the domain's folder itself
	for _, n := range []string{"c:x", "nb:x", "r:no_backup/x", "r:no_backup", "a:base.apk", "k:p.data", "shared/0:x", "ef_s1:x", ":x"} {
		dom, p, _ := strings.Cut(n, ":")
		check(t, put(a, dom, p, n))
	}
	for _, n := range []string{"f:", "r:files", "f:..", "f:a/../b", "f:/a", "f:a//b", "f:a\x00b"} {
		dom, p, _ := strings.Cut(n, ":")
		if err := put(a, dom, p, n); !errors.Is(err, backup.BadName) {
			t.Errorf("%q: %v", n, err)
		}
	}
	check(t, a.RestoreFinished(t.Context()))
	equal(t, "restored", a.tree(t), []string{
		"d_sp/", "d_sp/d", "db/", "db/c", "f/", "f/a", "f/a..b", "f/b", "obb/", "obb/o", "r/", "r/cache/", "r/cache/y", "r/x",
	})
	if len(a.left) != 9 {
		t.Errorf("left out: %q", a.leftOut())
	}
	if err := put(a, "f", "a/b", "x"); !errors.Is(err, backup.NotRegular) { // a is a file
		t.Errorf("below a file: %v", err)
	}
	if err := put(a, "r", "cache", "x"); !errors.Is(err, backup.Unwritable) { // cache is a folder
		t.Errorf("in a folder's place: %v", err)
	}
}

// TestFolders: folders get their own mode and time, in whatever order the
// stream has its entries.
func TestFolders(t *testing.T) {
	a := newApp(t, fullagent.Options{})
	check(t, mkdir(a, "f", "p", 0o777))
	check(t, mkdir(a, "f", "p/q", 0o500))
	check(t, mkdir(a, "f", "p/z", 0o40))
	check(t, put(a, "f", "p/q/one", "1"))
	check(t, put(a, "sp", "x.xml", "x")) // p and q are left
	check(t, put(a, "f", "p/q/two", "2"))
	check(t, mkdir(a, "ef", "p", 0o500))
	check(t, put(a, "ef", "p/x", "x"))
	check(t, a.RestoreFinished(t.Context()))
	for name, want := range map[string]os.FileMode{
		"f/p": 0o700, "f/p/q": 0o500, "f/p/z": 0o700, "f/p/q/one": 0o700, "f/p/q/two": 0o700, "ef/p": 0o700, "ef/p/x": 0o600,
	} {
		info, err := os.Stat(filepath.Join(a.dir, name))
		check(t, err)
		if info.Mode()&^os.ModeDir != want || !info.ModTime().Equal(anyTime) {
			t.Errorf("%s: %v %v, want %v", name, info.Mode(), info.ModTime(), want)
		}
	}
	check(t, a.Clear(t.Context()))
	equal(t, "after Clear", a.tree(t), nil)
}

func TestChangedWhileRead(t *testing.T) {
	a := newApp(t, fullagent.Options{})
	a.write(t, "f/x", "0123456789")
	var l listing
	check(t, a.FullBackup(t.Context(), &l))
	f := l.files["f:x"]
	for what, change := range map[string]func(p string) error{
		"cut":     func(p string) error { return os.Truncate(p, 7) },
		"grown":   func(p string) error { return os.WriteFile(p, []byte("0123456789abc"), 0o600) },
		"touched": func(p string) error { return os.Chtimes(p, anyTime, anyTime) },
	} {
		a.write(t, "f/x", "0123456789")
		check(t, os.Chtimes(filepath.Join(a.dir, "f/x"), f.ModTime, f.ModTime))
		r, err := f.Open(t.Context(), 2)
		check(t, err)
		_, err = io.ReadFull(r, make([]byte, 3))
		check(t, err)
		check(t, change(filepath.Join(a.dir, "f/x")))
		if _, err := io.ReadAll(r); !errors.Is(err, backup.Changed) {
			t.Errorf("%s: %v", what, err)
		}
		check(t, r.Close())
	}
}

// TestUnread: a folder that cannot be read fails the pass, or somebody is told.
func TestUnread(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("to root every folder can be read")
	}
	var left []fullagent.LeftOut
	told := newApp(t, fullagent.Options{LeftOut: func(l fullagent.LeftOut) { left = append(left, l) }})
	told.write(t, "f/closed/x", "x")
	told.write(t, "f/open", "x")
	check(t, os.Chmod(filepath.Join(told.dir, "f/closed"), 0))
	var l listing
	check(t, told.FullBackup(t.Context(), &l))
	if len(left) != 1 || !errors.Is(left[0].Err, backup.Unreadable) {
		t.Errorf("left out: %v", left)
	}
	root, err := os.OpenRoot(told.dir)
	check(t, err)
	defer root.Close()
	if err := fullagent.New(root, fullagent.Options{}).FullBackup(t.Context(), &l); !errors.Is(err, backup.Unreadable) {
		t.Errorf("nobody is told, and the agent returns: %v", err)
	}
}

// counting only counts.
type counting struct {
	listing
	n    int
	peak uint64
}

func (c *counting) File(context.Context, android.SourceFile) error {
	if c.n++; c.n%5_000 == 0 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		c.peak = max(c.peak, m.HeapAlloc)
	}
	return nil
}

// TestMemory: what a walk holds does not grow with the number of files.
func TestMemory(t *testing.T) {
	files := 20_000
	if testing.Short() {
		files = 10_000
	}
	a := newApp(t, fullagent.Options{})
	a.files(t, files)
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	var c counting
	check(t, a.FullBackup(t.Context(), &c))
	if c.n != files+files/1000 {
		t.Errorf("%d entries", c.n)
	}
	if grown := int64(c.peak) - int64(m.HeapAlloc); grown > 2<<20 {
		t.Errorf("the walk holds %d KiB", grown>>10)
	}
}

// files makes n empty files, a thousand to a folder.
func (a *app) files(tb testing.TB, n int) {
	tb.Helper()
	for i := range n {
		dir := filepath.Join(a.dir, "f", fmt.Sprintf("%06d", i/1000))
		if i%1000 == 0 {
			check(tb, os.MkdirAll(dir, 0o700))
		}
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%06d", i)))
		check(tb, err)
		check(tb, f.Close())
	}
}

func BenchmarkWalk(b *testing.B) {
	const files = 100_000
	a := newApp(b, fullagent.Options{})
	a.files(b, files)
	b.ResetTimer()
	b.ReportAllocs()
	for b.Loop() {
		var c counting
		check(b, a.FullBackup(b.Context(), &c))
	}
	b.ReportMetric(float64(b.N)*files/b.Elapsed().Seconds(), "files/s")
}

func BenchmarkRestore(b *testing.B) {
	for _, size := range []int{1 << 10, 1 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			a := newApp(b, fullagent.Options{})
			content := strings.Repeat("x", size)
			b.SetBytes(int64(size))
			for i := 0; b.Loop(); i++ {
				check(b, put(a, "f", fmt.Sprintf("d%d/%d", i/1000, i), content))
			}
			check(b, a.RestoreFinished(b.Context()))
		})
	}
}

// FuzzRestore: no name leads out of a domain's folder.
func FuzzRestore(f *testing.F) {
	f.Add("f", "../x", uint8(1))
	f.Add("r", "files/../../x", uint8(2))
	f.Add("sp", "a/b\x00", uint8(1))
	f.Add("../f", "x", uint8(1))
	a := newApp(f, fullagent.Options{LeftOut: func(fullagent.LeftOut) {}})
	f.Fuzz(func(t *testing.T, dom, path string, typ uint8) {
		_ = a.RestoreFile(t.Context(), android.RestoredFile{
			FileInfo: android.FileInfo{Domain: dom, Path: path, Type: backup.Type(typ), Size: 1, Mode: 0o777},
			Data:     strings.NewReader("x"),
		})
		check(t, a.RestoreFinished(t.Context()))
		around, err := os.ReadDir(filepath.Dir(a.dir))
		check(t, err)
		top, err := os.ReadDir(a.dir)
		check(t, err)
		if len(around) != 1 {
			t.Fatalf("%q in %q left the folder", path, dom)
		}
		for _, e := range top {
			if d := domain.Token(e.Name()); !d.Known() || d == domain.NoBackup || d == domain.Cache {
				t.Fatalf("%q in %q made %q", path, dom, e.Name())
			}
		}
		check(t, a.Clear(t.Context()))
	})
}
