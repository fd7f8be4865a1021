package journal

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestGolden reads journals as each version wrote them. They are added, never
// edited.
func TestGolden(t *testing.T) {
	for _, tt := range []struct {
		name  string
		items int
		temps int
		kept  int
	}{
		{"1-arrived", 6, 2, 0}, // arrived, temporary and cleared
		{"1-kept", 6, 2, 1},    // and the beginning of a file
		{"1-unknown", 6, 2, 1}, // and a record that nobody knows yet
		{"1-stamped", 6, 1, 0}, // an item with another time here
	} {
		text, err := os.ReadFile(filepath.Join("testdata", tt.name+".hex"))
		must(t, err)
		b, err := hex.DecodeString(strings.Join(strings.Fields(string(text)), ""))
		must(t, err)
		path := filepath.Join(t.TempDir(), "journal")
		must(t, os.WriteFile(path, b, 0o600))
		j := open(t, path)
		if n := holds(t, j, 6); n != tt.items || len(j.Temporaries()) != tt.temps || len(j.AllKept()) != tt.kept || j.State() != Sound {
			t.Errorf("%s: %d items, %d temporary names, %d kept, state %d", tt.name, n, len(j.Temporaries()), len(j.AllKept()), j.State())
		}
		must(t, j.Close())
		after, err := os.ReadFile(path)
		if err != nil || string(after) != string(b) {
			t.Errorf("%s: reading changed it: %v", tt.name, err)
		}
	}
}

// TestStrange says of a journal that is set aside what it was.
func TestStrange(t *testing.T) {
	for text, want := range map[string]State{
		"ferry journal 2\n" + string(device) + "\n": Newer, "ferry journal 17\nanything": Newer, "ferry journal 0\n": Foreign,
		header + "12D3KooWnew\nrecords": Foreign, "dear diary": Foreign, "ferry journal x\n": Foreign,
	} {
		path := filepath.Join(t.TempDir(), "journal")
		must(t, os.WriteFile(path, []byte(text), 0o600))
		j := open(t, path)
		if j.State() != want {
			t.Errorf("%q: state %d, want %d", text, j.State(), want)
		}
		must(t, j.Close())
	}
}
