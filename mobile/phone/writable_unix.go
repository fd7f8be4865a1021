//go:build unix

package phone

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// writable reports why nothing can be made in a folder, and leaves nothing there.
// What the system does not tell is no obstacle.
func writable(dir *os.File) error {
	err := unix.Faccessat(int(dir.Fd()), ".", unix.W_OK|unix.X_OK, 0)
	if errors.Is(err, unix.EROFS) || errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil
}
