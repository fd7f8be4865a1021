// Package durable replaces small files so that each is there whole, the old one
// or the new one, whatever happens meanwhile: a temporary file, written, forced
// to the disk, and renamed.
//
// Its worst moment is a full disk half-way: the temporary file goes, and what
// was there before stays.
package durable

import (
	"errors"
	"os"
	"path/filepath"
)

// Write puts b at path with mode 0600, in place of what is there. Its folder
// must exist. The errors are the system's.
func Write(path string, b []byte) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".ferry-*.tmp")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // it has another name by then, if all went well
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}
