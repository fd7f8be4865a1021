package fullagent

import "os"

// syncFolder: NTFS journals names by itself, and a folder cannot be flushed
// through a handle for reading.
func syncFolder(*os.File) error { return nil }
