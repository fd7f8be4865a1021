package contacts

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
)

// tb is what tests and property checks have in common.
type tb interface {
	Helper()
	Fatalf(format string, args ...any)
}

var testTime = time.Date(2021, 3, 4, 5, 6, 7, 891011121, time.UTC)

// phone is a folder that stands for a phone.
type phone struct {
	dir   string
	root  *os.Root
	agent *Agent
}

func newPhone(t tb, dir string) *phone {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatalf("open root: %v", err)
	}
	return &phone{dir, root, New(Dir{Root: root})}
}

func tempPhone(t *testing.T) *phone {
	t.Helper()
	p := newPhone(t, t.TempDir())
	t.Cleanup(func() { p.root.Close() })
	return p
}

func (p *phone) put(t tb, name, content string) {
	t.Helper()
	path := filepath.Join(p.dir, Folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatalf("mkdir: %v", err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatalf("write: %v", err)
	}
	if err := os.Chtimes(path, testTime, testTime.Add(time.Duration(len(content))*time.Millisecond)); err != nil {
		t.Fatalf("chtimes: %v", err)
	}
}

func (p *phone) get(t tb, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(p.dir, Folder, name))
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return string(b)
}

// tree returns each file's content, time and mode.
func (p *phone) tree(t tb) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(p.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(p.dir, path)
		out[rel] = info.ModTime().UTC().Format(time.RFC3339Nano) + " " + info.Mode().String() + "\n" + string(b)
		return err
	})
	if err != nil {
		t.Fatalf("walk: %v", err)
	}
	return out
}

func (p *phone) items(t tb) (good []backup.Item, bad []error) {
	t.Helper()
	b, err := p.agent.Backup(context.Background(), backup.Transport{})
	if err != nil {
		t.Fatalf("backup: %v", err)
	}
	defer b.Close()
	keys := map[backup.Key]bool{}
	for it, err := range b.Items(context.Background()) {
		if keys[it.Key] || it.Key == "" || len(it.Key) > backup.MaxKey {
			t.Fatalf("key %q is bad or was there before", it.Key)
		}
		keys[it.Key] = true
		if err != nil {
			bad = append(bad, err)
			continue
		}
		if it.Size != int64(len(it.Value)) || it.Kind != Kind || it.Type != backup.TypeEntity {
			t.Fatalf("item %+v", it)
		}
		good = append(good, it)
	}
	return good, bad
}

func (p *phone) restore(t tb) *restore {
	t.Helper()
	r, err := p.agent.Restore(context.Background(), backup.Transport{})
	if err != nil {
		t.Fatalf("restore: %v", err)
	}
	return r.(*restore)
}

// commit stages items and commits them in batches of n.
func commit(t tb, r *restore, items []backup.Item, n int) []backup.Result {
	t.Helper()
	var out []backup.Result
	for len(items) > 0 {
		k := min(n, len(items))
		batch := make([]backup.Staged, k)
		for i, it := range items[:k] {
			s, err := r.Stage(context.Background(), it)
			if err != nil {
				t.Fatalf("stage: %v", err)
			}
			batch[i] = s
		}
		items = items[k:]
		out = append(out, r.Commit(context.Background(), batch)...)
	}
	return out
}

// move restores everything of src on dst and returns what became of it.
func move(t tb, src, dst *phone, n int) map[backup.Outcome]int {
	t.Helper()
	items, _ := src.items(t)
	r := dst.restore(t)
	count := map[backup.Outcome]int{}
	for _, res := range commit(t, r, items, n) {
		if res.Err != nil {
			t.Fatalf("restore: %v", res.Err)
		}
		count[res.Outcome]++
	}
	if err := r.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	return count
}

// vcf makes a card of lines, with CRLF.
func vcf(lines ...string) string {
	return "BEGIN:VCARD\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VCARD\r\n"
}
