package helper_test

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/agenttest"
	"github.com/ferry-move/ferry/mobile/android/helper"
	"github.com/ferry-move/ferry/mobile/backup"
)

// app is an app's folder, its blobs, and the agent of both.
type app struct {
	*helper.Agent
	dir   string
	root  *os.Root
	blobs blobs
	probe *probe
}

type blobs map[string][]byte

func (b blobs) Payload(_ context.Context, key string) ([]byte, error) { return b[key], nil }

func (b blobs) Apply(_ context.Context, key string, blob []byte) error {
	b[key] = append([]byte{}, blob...)
	return nil
}

func (b blobs) Clear(ctx context.Context) error {
	clear(b)
	return ctx.Err()
}

// probe is a helper that notes what the transport says.
type probe struct {
	flags backup.Flags
	quota int64
}

func (p *probe) Backup(_ context.Context, b android.BackupRequest) error {
	p.flags, p.quota = b.Data.TransportFlags(), b.Data.Quota()
	return nil
}
func (p *probe) RestoreEntity(context.Context, helper.Entity) error { return nil }
func (p *probe) WriteState(io.Writer) error                         { return nil }

const maxPref = 255 - len(".xml.bak")

func names() []string {
	names := []string{"gone", "changed", "new", "deep/er/file", "../databases/notes.db", "empty", "large"}
	return append(names, agenttest.Names(255)...)
}

func groups() []string {
	return append([]string{"gone", "changed", "new"}, agenttest.Names(maxPref)...)
}

func newApp(tb testing.TB) *app {
	tb.Helper()
	a := &app{Agent: &helper.Agent{}, dir: filepath.Join(tb.TempDir(), "app"), blobs: blobs{}, probe: &probe{}}
	check(tb, os.Mkdir(a.dir, 0o700))
	root, err := os.OpenRoot(a.dir)
	check(tb, err)
	tb.Cleanup(func() { root.Close() })
	a.root = root
	f, err := helper.NewFiles(root, names()...)
	check(tb, err)
	s, err := helper.NewSharedPreferences(root, groups()...)
	check(tb, err)
	b, err := helper.NewBlob(3, a.blobs, groups()[:20]...)
	check(tb, err)
	check(tb, a.AddHelper("prefs", s))
	check(tb, a.AddHelper("files", f))
	check(tb, a.AddHelper("𝔟lobs", b))
	check(tb, a.AddHelper("probe", a.probe))
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

func (a *app) fill(tb testing.TB) {
	for _, n := range names() {
		if n != "new" {
			a.write(tb, "files/"+n, "content of "+n)
		}
	}
	a.write(tb, "files/empty", "")
	a.write(tb, "files/large", strings.Repeat("0123456789abcdef", 20_000))
	check(tb, os.Chmod(filepath.Join(a.dir, "files/changed"), 0o700))
	for _, g := range groups() {
		if g != "new" {
			a.write(tb, "shared_prefs/"+g+".xml", "<map>"+g+"</map>")
		}
	}
	for _, g := range groups()[:20] {
		a.blobs[g] = []byte("blob " + g)
	}
	delete(a.blobs, "new")
	a.blobs["changed"] = []byte{}
}

// change makes something new, something different and something gone.
func (a *app) change(n int) error {
	for _, dir := range []string{"files/%s", "shared_prefs/%s.xml"} {
		at := func(name string) string { return filepath.Join(a.dir, fmt.Sprintf(dir, name)) }
		if err := os.WriteFile(at("new"), []byte("new"), 0o600); err != nil {
			return err
		}
		if err := os.WriteFile(at("changed"), fmt.Appendf(nil, "changed %d", n), 0o600); err != nil {
			return err
		}
		if err := os.RemoveAll(at("gone")); err != nil {
			return err
		}
	}
	a.blobs["new"], a.blobs["changed"] = []byte("new"), fmt.Appendf(nil, "%d", n)
	delete(a.blobs, "gone")
	return nil
}

func read(agent android.Agent) (map[string]string, error) {
	a := agent.(*app)
	all := map[string]string{}
	for k, v := range a.blobs {
		all["blob "+k] = string(v)
	}
	err := fs.WalkDir(os.DirFS(a.dir), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		b, err := os.ReadFile(filepath.Join(a.dir, p))
		all[p] = info.Mode().String() + string(b)
		return err
	})
	return all, err
}

func TestSuite(t *testing.T) {
	agenttest.Run(t, func(tb testing.TB) agenttest.Env {
		src := newApp(tb)
		src.fill(tb)
		changes := 0
		return agenttest.Env{
			Source:    src,
			NewTarget: func() android.Agent { return newApp(tb) },
			Read:      read,
			Change:    func() error { changes++; return src.change(changes) },
			Names:     agenttest.Names(maxPref),
			Root:      func(a android.Agent) string { return a.(*app).dir },
			Seen:      func() (backup.Flags, int64) { return src.probe.flags, src.probe.quota },
		}
	})
}
