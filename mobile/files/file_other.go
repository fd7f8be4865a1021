//go:build !linux

package files

import (
	"errors"
	"io/fs"
	"os"
	"time"
)

// setTime sets the modification time of an open file, known as name in d. The
// zero time leaves it alone, and so does a file system that cannot keep it. The
// access time is set with it: some file systems drop one that comes alone.
func setTime(d *dir, _ *os.File, name string, t time.Time) error {
	if t.IsZero() {
		return nil
	}
	if err := d.root.Chtimes(name, time.Now(), t); err != nil && !unsettable(err) {
		return err
	}
	return nil
}

// preallocate: the disk shows that it is full when it is.
func preallocate(*os.File, int64, int64) (bool, error) { return false, nil }

// punch: what is no hole by itself is written.
func punch(*os.File, int64, int64) error { return errors.ErrUnsupported }

// adviseSequential: the system finds out by itself.
func adviseSequential(*os.File) {}

// forgetCached: there is no way.
func forgetCached(*os.File) {}

// deviceOf: nothing here flushes whole file systems.
func deviceOf(fs.FileInfo) uint64 { return 0 }

// syncData forces a file's content to the disk.
func syncData(f *os.File) error { return f.Sync() }

// forget: the system finds out by itself.
func forget(*os.File) {}

// heldBytes returns how much of the disk a file takes, as far as it shows.
func heldBytes(info fs.FileInfo) int64 { return info.Size() }

// hasOtherName: nothing here tells.
func hasOtherName(fs.FileInfo) bool { return false }
