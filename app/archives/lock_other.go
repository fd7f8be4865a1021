//go:build !unix

package archives

import (
	"errors"
	"os"
)

// lock: Windows does not remove a file that is open, which serves as well.
func lock(*os.File) error { return errors.ErrUnsupported }
