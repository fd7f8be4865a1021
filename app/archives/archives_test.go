package archives

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// What a run left behind that was ended from outside goes with the next one;
// what another run is writing stays.
func TestTemporaryArchives(t *testing.T) {
	dir := t.TempDir()
	dead := filepath.Join(dir, tempStart+"1"+tempEnd)
	if err := os.WriteFile(dead, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(dir, ".ferry-else.part")
	if err := os.WriteFile(mine, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := newTemp(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := newTemp(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, err := os.Lstat(dead); !errors.Is(err, os.ErrNotExist) {
		t.Error("left behind:", err)
	}
	for _, name := range []string{a.Name(), b.Name(), mine} {
		if _, err := os.Lstat(name); err != nil {
			t.Error(err)
		}
	}
}

// The folder of an archive may be part of the phone that it is made of.
func TestCreateInsideThePhone(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "Documents"), 0o700); err != nil {
		t.Fatal(err)
	}
	done, err := Create(t.Context(), dir, filepath.Join(dir, "Documents/phone.ab"), CreateOptions{})
	if err != nil || done.Written.Files != 0 {
		t.Errorf("%+v, %v", done, err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "Documents/.*"))
	if err != nil || len(left) > 0 {
		t.Errorf("%q, %v", left, err)
	}
}

// Errors say which path they are about.
func TestErrorsNameTheirPath(t *testing.T) {
	dir := t.TempDir()
	var file *FileError
	var folder *FolderError
	if _, err := List(t.Context(), filepath.Join(dir, "missing"), Options{}); !errors.As(err, &file) {
		t.Error("a missing archive:", err)
	}
	if _, err := List(t.Context(), dir, Options{}); !errors.Is(err, ErrNotFile) {
		t.Error("a folder:", err)
	}
	if _, err := Create(t.Context(), filepath.Join(dir, "missing"), filepath.Join(dir, "a.ab"), CreateOptions{}); !errors.As(err, &folder) {
		t.Error("a missing folder:", err)
	}
	if _, err := Create(t.Context(), dir, filepath.Join(dir, "missing/a.ab"), CreateOptions{}); !errors.As(err, &file) {
		t.Error("a folder that is not there for the archive:", err)
	}
}
