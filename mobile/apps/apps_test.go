package apps

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
)

// folder is a phone that is a folder, for one test.
type folder struct {
	t    *testing.T
	dir  string
	root *os.Root
}

func newFolder(t *testing.T) *folder {
	t.Helper()
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return &folder{t, dir, root}
}

func (f *folder) agent() *Agent { return New(f.root, Options{}) }

// write makes files below apps, with a time that is not now.
func (f *folder) write(files map[string]string) {
	f.t.Helper()
	for name, content := range files {
		full := filepath.Join(f.dir, Folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
			f.t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), 0o600); err != nil {
			f.t.Fatal(err)
		}
		when := time.Unix(1_500_000_000+int64(len(name)), 123)
		if err := os.Chtimes(full, when, when); err != nil {
			f.t.Fatal(err)
		}
	}
}

// tree lists what is below apps: names, content, modes and times of files.
func (f *folder) tree() string {
	f.t.Helper()
	var lines []string
	base := filepath.Join(f.dir, Folder)
	err := filepath.WalkDir(base, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == base {
			return err
		}
		rel, _ := filepath.Rel(base, name)
		if d.IsDir() {
			lines = append(lines, rel+"/")
			return nil
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		b, err := os.ReadFile(name)
		lines = append(lines, fmt.Sprintf("%s %v %d %.40q %d bytes", rel, fi.Mode(), fi.ModTime().UnixNano(), b, len(b)))
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		f.t.Fatal(err)
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

// manifestOf is a _manifest with one certificate.
func manifestOf(pkg string, version int, cert string) string {
	return fmt.Sprintf("1\n%s\n%d\n34\n\n0\n1\n%x\n", pkg, version, cert)
}

func move(t *testing.T, from, to *folder) backup.Tally {
	t.Helper()
	tally, err := backup.Copy(t.Context(), to.agent(), from.agent(), backup.Transport{Flags: backup.FlagDeviceToDeviceTransfer})
	if err != nil {
		t.Fatal(err)
	}
	return tally
}

// example is an app with files of every kind of place.
func example(extra map[string]string) map[string]string {
	m := map[string]string{
		"org.example/_manifest":   manifestOf("org.example", 7, "cert"),
		"org.example/f/a":         "content of a",
		"org.example/f/sub/b":     "",
		"org.example/f/sub/日本 🏔":  "any script",
		"org.example/sp/main.xml": "<map/>",
		"org.example/db/x.db":     "database",
		"org.example/d_f/unlock":  "before the first unlock",
		"org.example/ef/big":      strings.Repeat("external ", 100_000),
		"org.example/obb/x.obb":   "expansion",
		"org.example/_index":      "anything",
	}
	for k, v := range extra {
		m[k] = v
	}
	return m
}

func (f *folder) remove(names ...string) {
	for _, n := range names {
		os.RemoveAll(filepath.Join(f.dir, Folder, n))
	}
}

func mustEqual(t *testing.T, got, want *folder) {
	t.Helper()
	if g, w := got.tree(), want.tree(); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
}

func TestFull(t *testing.T) {
	from, to := newFolder(t), newFolder(t)
	from.write(example(map[string]string{
		"org.example/c/cached":        "never moved",
		"org.example/d_nb/x":          "never moved",
		"org.example/r/no_backup/x":   "never moved",
		"org.other/_manifest":         manifestOf("org.other", 1, "other"),
		"org.other/a/base.apk":        "the app itself goes with it",
		"org.other/ef_s1/vendor/file": "a vendor's own place",
		"shared/_index":               "what an archive said of shared storage",
	}))
	if tally := move(t, from, to); tally.Failed > 0 {
		t.Fatalf("%+v", tally.Failures)
	}
	from.remove("org.example/c", "org.example/d_nb", "org.example/r")
	mustEqual(t, to, from)

	// Again, nothing changes and nothing is left lying about.
	if tally := move(t, from, to); tally.Failed > 0 {
		t.Fatalf("%+v", tally.Failures)
	}
	mustEqual(t, without(t, to, beforeDir), from)
}

// without removes what is kept beside the apps.
func without(t *testing.T, f *folder, name string) *folder {
	t.Helper()
	if _, err := os.Lstat(filepath.Join(f.dir, Folder, name)); err != nil {
		t.Errorf("%s is not there: %v", name, err)
	}
	f.remove(name)
	return f
}
