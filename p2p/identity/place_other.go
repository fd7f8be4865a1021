//go:build !unix

package identity

import "os"

// place gives the file tmp the name path, unless that is taken.
func place(tmp, path string) error { return os.Link(tmp, path) }
