//go:build linux && !android

package syncfs

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// syncsAll are the file systems whose syncfs is known to wait for the disk. On
// FUSE, for one, it reports success and waits for nothing.
var syncsAll = []int64{
	unix.EXT4_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.TMPFS_MAGIC,
}

func all(folder *os.File) error {
	if !supported(folder) {
		return errors.ErrUnsupported
	}
	return unix.Syncfs(int(folder.Fd()))
}

func supported(folder *os.File) bool {
	var st unix.Statfs_t
	return unix.Fstatfs(int(folder.Fd()), &st) == nil && slices.Contains(syncsAll, int64(st.Type)) && syncfsTellsErrors()
}

// syncfsTellsErrors reports whether the kernel is Linux 5.8 or later; before
// that syncfs succeeded whatever happened to the data.
func syncfsTellsErrors() bool {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return false
	}
	major, rest, _ := strings.Cut(unix.ByteSliceToString(u.Release[:]), ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, err1 := strconv.Atoi(major)
	b, err2 := strconv.Atoi(minor)
	return err1 == nil && err2 == nil && (a > 5 || a == 5 && b >= 8)
}
