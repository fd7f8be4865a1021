//go:build linux || darwin

package phone

import (
	"math"
	"math/bits"
	"os"

	"golang.org/x/sys/unix"
)

// freeBytes returns what this user may still write to root's file system.
func freeBytes(root *os.Root) (int64, error) {
	f, err := root.Open(".")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var st unix.Statfs_t
	for {
		if err = unix.Fstatfs(int(f.Fd()), &st); err != unix.EINTR {
			break
		}
	}
	if err != nil {
		return 0, err
	}
	high, low := bits.Mul64(st.Bavail, uint64(st.Bsize))
	if high != 0 || low > math.MaxInt64 {
		return math.MaxInt64, nil
	}
	return int64(low), nil
}
