//go:build !linux || android

package files

import (
	"errors"
	"os"
)

// syncAll: there is no call that does this and tells errors.
func syncAll(*os.File) error { return errors.ErrUnsupported }
