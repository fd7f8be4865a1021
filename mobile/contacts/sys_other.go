//go:build !unix

package contacts

import "os"

// readFlags are plain here: opening a file does not wait.
const readFlags = os.O_RDONLY

// syncDir does nothing: a folder cannot be synced here.
func syncDir(*os.File) error { return nil }
