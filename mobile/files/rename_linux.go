//go:build linux && !android

package files

import "golang.org/x/sys/unix"

// renameNew renames a file unless the new name is taken.
func renameNew(from *dir, temp string, to *dir, name string) error {
	for {
		err := unix.Renameat2(int(from.handle.Fd()), temp, int(to.handle.Fd()), name, unix.RENAME_NOREPLACE)
		if err != unix.EINTR {
			return err
		}
	}
}
