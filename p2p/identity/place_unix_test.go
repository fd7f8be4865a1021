//go:build unix

package identity

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
)

// Where hard links are forbidden, as in Android's app folders, one of many
// still wins and nobody overwrites it.
func TestPlaceLocked(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, keyFile)
	var mu sync.Mutex
	var winners []string
	var wg sync.WaitGroup
	for i := range 20 {
		tmp := filepath.Join(dir, strconv.Itoa(i))
		if err := os.WriteFile(tmp, []byte(tmp), 0o600); err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			err := placeLocked(tmp, path)
			switch {
			case err == nil:
				mu.Lock()
				winners = append(winners, tmp)
				mu.Unlock()
			case !errors.Is(err, fs.ErrExist):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if b, err := os.ReadFile(path); len(winners) != 1 || err != nil || string(b) != winners[0] {
		t.Errorf("%d winners, %v", len(winners), err)
	}
	if err := placeLocked(filepath.Join(dir, "none"), filepath.Join(dir, "no folder", keyFile)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a folder: %v", err)
	}
}

// A pipe without a writer must not hold the program up.
func TestLoadRefusesPipes(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, keyFile), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir); !errors.Is(err, ErrDamaged) {
		t.Errorf("%v, want ErrDamaged", err)
	}
}

func TestLoadRefusesExposed(t *testing.T) {
	for _, mode := range []fs.FileMode{0o640, 0o620, 0o610, 0o604, 0o602, 0o601, 0o666} {
		dir := t.TempDir()
		load1(t, dir)
		path := filepath.Join(dir, keyFile)
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		before := snapshot(t, dir)
		if k, err := Load(dir); !errors.Is(err, ErrExposed) || k != nil {
			t.Errorf("mode %o: %v, want ErrExposed", mode, err)
		}
		if after := snapshot(t, dir); after != before {
			t.Errorf("mode %o: the folder changed", mode)
		}
	}
}
