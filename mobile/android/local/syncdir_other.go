//go:build !windows

package local

import (
	"errors"
	"os"
	"syscall"
)

// syncDir forces a folder's names to the disk, if the file system knows how.
func syncDir(folder *os.File) error {
	err := folder.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}
