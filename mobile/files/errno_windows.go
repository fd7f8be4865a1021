package files

import (
	"errors"

	"golang.org/x/sys/windows"
)

// nameRefused reports whether the file system cannot hold a name.
func nameRefused(err error) bool {
	return errors.Is(err, errName) || errors.Is(err, windows.ERROR_INVALID_NAME) || errors.Is(err, windows.ERROR_FILENAME_EXCED_RANGE)
}

// noSpace reports whether the disk or the person's share of it is full.
func noSpace(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL)
}

// unsettable reports whether a file system cannot keep a mode or a time.
func unsettable(err error) bool {
	return errors.Is(err, windows.ERROR_NOT_SUPPORTED) || errors.Is(err, windows.ERROR_INVALID_FUNCTION) ||
		errors.Is(err, windows.ERROR_INVALID_PARAMETER)
}
