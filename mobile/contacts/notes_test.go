package contacts

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
)

// noted remembers what was about to be made, and that it was not there yet.
type noted struct {
	t     *testing.T
	dir   string
	names []string
}

func (n *noted) Making(path string) {
	n.names = append(n.names, path)
	if _, err := os.Lstat(filepath.Join(n.dir, path)); !errors.Is(err, fs.ErrNotExist) {
		n.t.Errorf("%q was there before it was noted: %v", path, err)
	}
}

func (*noted) Made(string) bool { return false }

// TestNotes: a temporary file is noted before it is made, and the next run
// removes it by that name.
func TestNotes(t *testing.T) {
	p := tempPhone(t)
	n := &noted{t: t, dir: p.dir}
	r, err := New(Dir{Root: p.root}).Restore(t.Context(), backup.Transport{Notes: n})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	v := vcf("FN:A")
	commit(t, r.(*restore), []backup.Item{{Kind: Kind, Type: backup.TypeEntity, Key: "a", Group: "a.vcf", Value: []byte(v)}}, 1)
	if len(n.names) != 1 || !strings.HasPrefix(n.names[0], Folder+"/"+tempPrefix) {
		t.Fatalf("noted: %q", n.names)
	}
	left := filepath.Join(p.dir, n.names[0])
	if err := os.WriteFile(left, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	rm := r.(backup.TempRemover)
	if err := errors.Join(rm.RemoveTemp(t.Context(), n.names[0]), rm.RemoveTemp(t.Context(), n.names[0])); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
	for _, name := range []string{"Contacts/a.vcf", "Contacts/.ferry-.part", "Contacts/.ferry-zz23456789abcdef.part", ".ferry-0123456789abcdef.part", "Contacts/../x/.ferry-0123456789abcdef.part"} {
		if err := rm.RemoveTemp(t.Context(), name); !errors.Is(err, backup.BadName) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if got := p.get(t, "a.vcf"); got != v {
		t.Errorf("%q", got)
	}
}
