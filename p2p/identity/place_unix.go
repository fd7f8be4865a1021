//go:build unix

package identity

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// place gives the file tmp the name path, unless that is taken. A hard link
// does both in one step; Android forbids them to apps (EACCES).
func place(tmp, path string) error {
	err := os.Link(tmp, path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	return placeLocked(tmp, path)
}

// placeLocked does the same with the folder locked against other processes
// that place a key. The lock ends with the process that holds it.
func placeLocked(tmp, path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	for {
		err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX)
		if err == nil {
			break
		}
		if err != syscall.EINTR {
			return &fs.PathError{Op: "lock", Path: dir.Name(), Err: err}
		}
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			err = &os.LinkError{Op: "place", Old: tmp, New: path, Err: fs.ErrExist}
		}
		return err
	}
	return os.Rename(tmp, path)
}
