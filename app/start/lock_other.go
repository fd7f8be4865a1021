//go:build !unix && !windows

package start

import (
	"errors"
	"os"
)

func lock(*os.File) error { return errors.ErrUnsupported }
