//go:build !unix

package identity

import "io/fs"

// exposed: permission bits mean nothing here; the user's profile folder
// guards the file.
func exposed(fs.FileInfo) bool { return false }
