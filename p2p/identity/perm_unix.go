//go:build unix

package identity

import "io/fs"

func exposed(fi fs.FileInfo) bool { return fi.Mode().Perm()&0o077 != 0 }
