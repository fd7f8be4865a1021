// Package syncfs forces a whole file system to the disk, which is much cheaper
// than a flush for each of many files.
//
// Its worst moment is a file system that says it did and did not, or a kernel
// that swallows the error: there it refuses, and the caller flushes file by
// file.
package syncfs

import "os"

// All forces everything on the file system of an open folder to the disk. It
// fails with errors.ErrUnsupported where that cannot be relied on.
func All(folder *os.File) error { return all(folder) }

// Supported reports whether All can be relied on.
func Supported(folder *os.File) bool { return supported(folder) }
