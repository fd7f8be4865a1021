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
		lines = append(lines, fmt.Sprintf("%s %v %d %q", rel, fi.Mode(), fi.ModTime().UnixNano(), b))
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

func TestFull(t *testing.T) {
	from, to := newFolder(t), newFolder(t)
	from.write(map[string]string{
		"org.example/_manifest":   manifestOf("org.example", 7, "cert"),
		"org.example/f/a":         "content of a",
		"org.example/f/sub/b":     "",
		"org.example/sp/main.xml": "<map/>",
		"org.example/db/x.db":     "database",
		"org.example/_index":      "anything",
		"org.example/c/cached":    "never moved",
	})
	tally := move(t, from, to)
	if tally.Failed > 0 {
		t.Fatalf("%+v", tally.Failures)
	}
	os.RemoveAll(filepath.Join(from.dir, Folder, "org.example/c"))
	if got, want := to.tree(), from.tree(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
