//go:build !windows

package files

import (
	"errors"
	"syscall"
)

// nameRefused reports whether the file system cannot hold a name.
func nameRefused(err error) bool {
	return errors.Is(err, errName) || errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.EILSEQ) || errors.Is(err, syscall.ENAMETOOLONG)
}

// noSpace reports whether the disk or the person's share of it is full.
func noSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// unsettable reports whether a file system cannot keep a mode or a time.
func unsettable(err error) bool {
	return errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSYS) || errors.Is(err, syscall.EINVAL) ||
		errors.Is(err, syscall.ENOTSUP) || errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.ERANGE)
}
