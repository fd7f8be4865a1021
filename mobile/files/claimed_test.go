package files

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
)

// A temporary file in a folder of another agent's is that agent's to remove.
func TestRemoveTempOfAnotherAgent(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	const name = "apps/x/.ferry-0123456789abcdef.part"
	if err := os.MkdirAll(filepath.Join(dir, "apps/x"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, a := range New(root, Options{Claimed: []string{"apps"}}) {
		r, err := a.Restore(t.Context(), backup.Transport{})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.(backup.TempRemover).RemoveTemp(t.Context(), name); !errors.Is(err, backup.BadName) {
			t.Errorf("%s: %v", a.Info().Kind, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
		t.Error(err)
	}
}
