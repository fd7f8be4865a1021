//go:build unix

package archives

import (
	"errors"
	"os"
	"syscall"
)

// lock locks a file or a folder until it is closed, or fails at once: with
// ErrBusy if another run has it.
func lock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrBusy
	}
	return err
}
