//go:build !linux || android

package syncfs

import (
	"errors"
	"os"
)

// There is no call that does this and tells errors.

func all(*os.File) error { return errors.ErrUnsupported }

func supported(*os.File) bool { return false }
