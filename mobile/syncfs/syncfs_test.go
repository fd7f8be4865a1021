package syncfs_test

import (
	"errors"
	"os"
	"testing"

	"github.com/ferry-move/ferry/mobile/syncfs"
)

// All works exactly where it is said to.
func TestAll(t *testing.T) {
	d, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	err = syncfs.All(d)
	if ok := syncfs.Supported(d); ok != (err == nil) || !ok && !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("supported: %v; %v", ok, err)
	}
	proc, err := os.Open("/proc")
	if err != nil {
		t.Skip("there is no /proc here, whose file system has no disk")
	}
	defer proc.Close()
	if syncfs.Supported(proc) || !errors.Is(syncfs.All(proc), errors.ErrUnsupported) {
		t.Error("a file system without a disk is said to be forced to it")
	}
}
