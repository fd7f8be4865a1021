//go:build unix

package fullagent_test

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/agenttest"
	"github.com/ferry-move/ferry/mobile/android/fullagent"
	"github.com/ferry-move/ferry/mobile/android/rules"
	"github.com/ferry-move/ferry/mobile/backup"
)

// app is an app's folder and its agent.
type app struct {
	*fullagent.Agent
	dir   string
	left  []fullagent.LeftOut
	flags backup.Flags
	quota int64
}

// FullBackup notes what the transport says on its way to the agent.
func (a *app) FullBackup(ctx context.Context, out android.FullOutput) error {
	a.quota = out.Quota()
	return a.Agent.FullBackup(ctx, out)
}

func newApp(tb testing.TB, o fullagent.Options) *app {
	tb.Helper()
	a := &app{dir: filepath.Join(tb.TempDir(), "app")}
	check(tb, os.Mkdir(a.dir, 0o700))
	root, err := os.OpenRoot(a.dir)
	check(tb, err)
	tb.Cleanup(func() { root.Close() })
	if o.LeftOut == nil {
		o.LeftOut = func(l fullagent.LeftOut) { a.left = append(a.left, l) }
	}
	if o.Backup == nil {
		o.Backup = func(q rules.Query) *rules.Scheme {
			a.flags = q.Flags
			return nil
		}
	}
	a.Agent = fullagent.New(root, o)
	tb.Cleanup(func() { _ = a.Clear(context.Background()) }) // folders that nobody may write into
	return a
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func (a *app) write(tb testing.TB, name, content string) {
	tb.Helper()
	p := filepath.Join(a.dir, filepath.FromSlash(name))
	check(tb, os.MkdirAll(filepath.Dir(p), 0o700))
	check(tb, os.WriteFile(p, []byte(content), 0o600))
}

var tokens = []string{"r", "d_r", "f", "d_f", "db", "d_db", "sp", "d_sp", "ef", "obb"}

func (a *app) fill(tb testing.TB) {
	for _, t := range tokens {
		a.write(tb, t+"/one", "in "+t)
		a.write(tb, t+"/gone", "in "+t)
		a.write(tb, t+"/dir/changed", "in "+t)
		check(tb, os.MkdirAll(filepath.Join(a.dir, t, "empty"), 0o700))
	}
	for _, n := range append(agenttest.Names(255), "not\xffutf8") {
		a.write(tb, "f/names/"+n, n)
		check(tb, os.MkdirAll(filepath.Join(a.dir, "f/folders", n), 0o700))
	}
	a.write(tb, "f/large", strings.Repeat("0123456789abcde", 40_000))
	a.write(tb, "f/deep/"+strings.Repeat("d/", 100)+"x", "deep")
	a.write(tb, "f/locked/x", "in a folder that is not to be written into")
	when := time.Unix(1_000_000_000, 123_456_789)
	check(tb, os.Chtimes(filepath.Join(a.dir, "f/locked/x"), when, when))
	check(tb, os.Chmod(filepath.Join(a.dir, "f/locked/x"), 0o400))
	check(tb, os.Chtimes(filepath.Join(a.dir, "f/locked"), when, when))
	check(tb, os.Chmod(filepath.Join(a.dir, "f/locked"), 0o500))
	a.special(tb)
}

// special puts what does not move into f and r.
func (a *app) special(tb testing.TB) {
	check(tb, os.Symlink("/etc/passwd", filepath.Join(a.dir, "f/link")))
	check(tb, os.Symlink("dir", filepath.Join(a.dir, "f/dirlink")))
	check(tb, syscall.Mkfifo(filepath.Join(a.dir, "f/pipe"), 0o600))
	addr := filepath.Join(a.dir, "f/s")
	l, err := net.Listen("unix", addr)
	check(tb, err)
	tb.Cleanup(func() { l.Close() })
}

// read skips links, pipes, sockets and what is never backed up.
func read(agent android.Agent) (map[string]string, error) {
	dir := agent.(*app).dir
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil || !strings.Contains(rel, "/") {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		perm, sec := info.Mode()&0o700, info.ModTime().Unix()
		switch {
		case d.IsDir():
			if strings.HasPrefix(rel, "ef/") {
				perm = 0 // not restored there
			}
			all[rel] = fmt.Sprintf("dir %v %d", perm, sec)
		case info.Mode().IsRegular():
			b, err := os.ReadFile(p)
			all[rel] = fmt.Sprintf("file %v %d %s", perm, sec, b)
			return err
		}
		return nil
	})
	return all, err
}

func (a *app) change(n int) error {
	for _, t := range tokens {
		at := filepath.Join(a.dir, t)
		for name, content := range map[string]string{"new": "new", "dir/changed": fmt.Sprint("changed ", n)} {
			if err := os.WriteFile(filepath.Join(at, name), []byte(content), 0o600); err != nil {
				return err
			}
			when := time.Unix(1_100_000_000+int64(n), 0)
			if err := os.Chtimes(filepath.Join(at, name), when, when); err != nil {
				return err
			}
		}
		if err := os.RemoveAll(filepath.Join(at, "gone")); err != nil {
			return err
		}
	}
	return nil
}

func TestSuite(t *testing.T) {
	agenttest.Run(t, func(tb testing.TB) agenttest.Env {
		src := newApp(tb, fullagent.Options{})
		src.fill(tb)
		changes := 0
		return agenttest.Env{
			Source:    src,
			NewTarget: func() android.Agent { return newApp(tb, fullagent.Options{}) },
			Full:      true,
			Read:      read,
			Change:    func() error { changes++; return src.change(changes) },
			Names:     append(agenttest.Names(255), "not\xffutf8"),
			Root:      func(a android.Agent) string { return a.(*app).dir },
			Seen:      func() (backup.Flags, int64) { return src.flags, src.quota },
		}
	})
}
