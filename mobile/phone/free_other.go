//go:build !linux && !darwin && !windows

package phone

import (
	"errors"
	"os"
)

// freeBytes: nobody says.
func freeBytes(*os.Root) (int64, error) { return 0, errors.ErrUnsupported }

// freeFiles: nobody says.
func freeFiles(*os.Root) (int64, error) { return 0, errors.ErrUnsupported }
