//go:build linux || darwin

package phone

import (
	"errors"
	"math"
	"math/bits"
	"os"

	"golang.org/x/sys/unix"
)

// freeBytes returns what this user may still write to root's file system.
func freeBytes(root *os.Root) (int64, error) {
	st, err := statfs(root)
	if err != nil {
		return 0, err
	}
	high, low := bits.Mul64(st.Bavail, uint64(st.Bsize))
	if high != 0 || low > math.MaxInt64 {
		return math.MaxInt64, nil
	}
	return int64(low), nil
}

// freeFiles returns how many more files root's file system can hold.
func freeFiles(root *os.Root) (int64, error) {
	st, err := statfs(root)
	if err == nil && st.Files == 0 { // it has no such limit
		err = errors.ErrUnsupported
	}
	return int64(min(st.Ffree, math.MaxInt64)), err
}

func statfs(root *os.Root) (st unix.Statfs_t, err error) {
	f, err := root.Open(".")
	if err != nil {
		return st, err
	}
	defer f.Close()
	for {
		if err = unix.Fstatfs(int(f.Fd()), &st); err != unix.EINTR {
			return st, err
		}
	}
}
