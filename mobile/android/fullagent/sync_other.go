//go:build !windows

package fullagent

import (
	"errors"
	"os"
	"syscall"
)

// syncFolder forces a folder's names to the disk, if the file system knows how.
func syncFolder(f *os.File) error {
	err := f.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}
