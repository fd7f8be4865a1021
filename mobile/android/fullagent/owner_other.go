//go:build !unix

package fullagent

import "io/fs"

// Files have no numeric owners here.
func uid(fs.FileInfo) int { return 0 }
func gid(fs.FileInfo) int { return 0 }
