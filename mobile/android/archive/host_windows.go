package archive

import (
	"errors"
	"path/filepath"
	"strings"
	"syscall"
)

// hostTakes reports whether every part of a path can be a name here and is
// stored as it is.
func hostTakes(p string) bool {
	for part := range strings.SplitSeq(p, "/") {
		if strings.ContainsAny(part, `<>:"\|?*`) || strings.HasSuffix(part, ".") || strings.HasSuffix(part, " ") || !filepath.IsLocal(part) {
			return false
		}
		for i := range len(part) {
			if part[i] < 0x20 {
				return false
			}
		}
	}
	return true
}

const (
	errorHandleDiskFull = syscall.Errno(39)
	errorDiskFull       = syscall.Errno(112)
	errorInvalidName    = syscall.Errno(123)
	errorNameTooLong    = syscall.Errno(206)
)

// noSpace reports whether the disk is full.
func noSpace(err error) bool {
	return errors.Is(err, errorDiskFull) || errors.Is(err, errorHandleDiskFull)
}

// nameRefused reports whether the file system cannot hold a name.
func nameRefused(err error) bool {
	return errors.Is(err, errorInvalidName) || errors.Is(err, errorNameTooLong)
}

// openNonblock: there are no pipes among files here.
const openNonblock = 0
