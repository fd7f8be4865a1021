package files

import "golang.org/x/sys/unix"

// renameNew renames a file unless the new name is taken.
func renameNew(from *dir, temp string, to *dir, name string) error {
	return unix.RenameatxNp(int(from.handle.Fd()), temp, int(to.handle.Fd()), name, unix.RENAME_EXCL)
}
