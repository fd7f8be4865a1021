//go:build (!linux && !darwin) || android

package files

import "errors"

// renameNew: there is no such call, or, on Android, the shared storage does
// not take it and old versions end a program that tries.
func renameNew(_ *dir, _ string, _ *dir, _ string) error { return errors.ErrUnsupported }
