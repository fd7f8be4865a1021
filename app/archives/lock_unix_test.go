//go:build unix

package archives

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Two runs do not unpack into one folder at once, and the second says why.
func TestOneExtractAtATime(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.ab")
	if _, err := Create(t.Context(), t.TempDir(), file, CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	into := filepath.Join(dir, "phone")
	if err := os.Mkdir(into, 0o700); err != nil {
		t.Fatal(err)
	}
	other, err := os.Open(into)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := lock(other); err != nil {
		t.Skip("no locks here:", err)
	}
	if _, err := Extract(t.Context(), file, into, Options{}); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	other.Close()
	if _, err := Extract(t.Context(), file, into, Options{}); err != nil {
		t.Error(err)
	}
}
