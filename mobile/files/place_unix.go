//go:build linux || darwin || freebsd || netbsd || openbsd

package files

import "golang.org/x/sys/unix"

// link gives a file a second name. Names are single components of open
// folders, so no link can stand in the way.
func (*tree) link(from *dir, temp string, to *dir, name string) error {
	return unix.Linkat(int(from.handle.Fd()), temp, int(to.handle.Fd()), name, 0)
}

// rename renames a file and replaces what has the name.
func (*tree) rename(from *dir, temp string, to *dir, name string) error {
	return unix.Renameat(int(from.handle.Fd()), temp, int(to.handle.Fd()), name)
}
