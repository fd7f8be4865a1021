//go:build !windows

package archive

import (
	"errors"
	"syscall"
)

// hostTakes reports whether every part of a path can be a name here and is
// stored as it is. What a file system does not take shows when it is asked.
func hostTakes(string) bool { return true }

// noSpace reports whether the disk or the person's share of it is full.
func noSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// nameRefused reports whether the file system cannot hold a name.
func nameRefused(err error) bool {
	return errors.Is(err, syscall.ENAMETOOLONG) || errors.Is(err, syscall.EILSEQ) || errors.Is(err, syscall.EINVAL)
}

// openNonblock makes opening a pipe return at once.
const openNonblock = syscall.O_NONBLOCK
