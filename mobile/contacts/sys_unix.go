//go:build unix

package contacts

import (
	"errors"
	"os"
	"syscall"
)

// readFlags keep an open from waiting for the other end of a pipe that took a
// file's place.
const readFlags = os.O_RDONLY | syscall.O_NONBLOCK

// syncDir makes the names in an open folder durable. File systems without
// that notion say so, and it is no failure.
func syncDir(d *os.File) error {
	err := d.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}
