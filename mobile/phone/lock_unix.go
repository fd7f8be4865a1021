//go:build unix

package phone

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// lock keeps others from receiving into a folder, however they reach it: the lock
// is the folder's own, on its inode, leaves nothing in it, and ends with the
// process. A file system without locks keeps nobody out.
func lock(root *os.Root) (unlock func() error, err error) {
	f, err := root.Open(".")
	if err != nil {
		return nil, withoutPath(err)
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err != unix.EINTR {
			break
		}
	}
	if errors.Is(err, unix.EWOULDBLOCK) {
		f.Close()
		return nil, ErrTaken
	}
	return f.Close, nil
}
