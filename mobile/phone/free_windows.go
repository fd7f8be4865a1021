package phone

import (
	"errors"
	"math"
	"os"

	"golang.org/x/sys/windows"
)

// freeBytes returns what this user may still write to root's volume.
func freeBytes(root *os.Root) (int64, error) {
	name, err := windows.UTF16PtrFromString(root.Name())
	if err != nil {
		return 0, err
	}
	var free uint64
	if err := windows.GetDiskFreeSpaceEx(name, &free, nil, nil); err != nil {
		return 0, err
	}
	return int64(min(free, math.MaxInt64)), nil
}

// freeFiles: nobody says.
func freeFiles(*os.Root) (int64, error) { return 0, errors.ErrUnsupported }
