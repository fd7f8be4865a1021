package journal

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestLook reads journals that are missing, torn, locked and another device's, and
// leaves each as it is.
func TestLook(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "journal")
	none := func(when string, size int) {
		t.Helper()
		if _, err := Look(path, device); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", when, err)
		}
		if b, _ := os.ReadFile(path); len(b) != size {
			t.Errorf("%s: there are %d bytes; want %d", when, len(b), size)
		}
	}
	none("missing", 0)
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("looking made %v, %v", left, err)
	}
	must(t, os.WriteFile(path, nil, 0o600))
	none("empty", 0)
	must(t, os.WriteFile(path, []byte(header)[:5], 0o600))
	none("torn at its head", 5)
	must(t, os.WriteFile(path, []byte(header+"somebody else\n"), 0o600))
	none("another device's", len(header+"somebody else\n"))

	must(t, os.Remove(path))
	j := open(t, path)
	must(t, j.Arrived([]Arrived{arrived(3)}))
	whole, err := os.ReadFile(path)
	must(t, err)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	must(t, err)
	_, err = f.Write([]byte{0, 0, 0, 60, recArrived, 1})
	must(t, err, f.Close())
	l, err := Look(path, device) // while j has it
	must(t, err)
	defer l.Close()
	if p, ok := l.Lookup(Of(item(3))); !ok || p.Digest != arrived(3).Digest || p.Name != arrived(3).Name {
		t.Errorf("%+v, %v", p, ok)
	}
	if now, err := os.ReadFile(path); err != nil || len(now) != len(whole)+6 {
		t.Errorf("the torn end was mended: %d bytes of %d, %v", len(now), len(whole)+6, err)
	}
}
