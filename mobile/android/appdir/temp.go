package appdir

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
)

// tempPrefix begins the names of files that are being written.
const tempPrefix = ".ferry-part-"

// Attr is what a file gets besides its content.
type Attr struct {
	// Perm are the permission bits. 0 = 0600.
	Perm fs.FileMode
	// ModTime is left to the system where it is the zero time.
	ModTime time.Time
	// NoSync leaves it to the caller to force the file to the disk.
	NoSync bool
}

// Temp is a file on its way in. Either [Temp.Commit] or [Temp.Discard] ends it;
// a Discard after a Commit does nothing.
type Temp struct {
	root *os.Root
	name string
	file *os.File // nil once it was closed or given to Take
	done bool
}

// Create begins a file below root.
func Create(root *os.Root) (*Temp, error) {
	t := &Temp{root: root, name: tempPrefix + rand.Text()}
	f, err := root.OpenFile(t.name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, WriteError("create", err)
	}
	t.file = f
	return t, nil
}

// Adopt begins a file whose content take moves to a path where nothing is yet.
// The file that is there afterwards must have size bytes.
func Adopt(root *os.Root, size int64, take func(path string) error) (_ *Temp, err error) {
	t := &Temp{root: root, name: tempPrefix + rand.Text()}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.Discard())
		}
	}()
	if err := take(filepath.Join(root.Name(), t.name)); err != nil {
		return nil, err
	}
	f, info, err := open(root, t.name, os.O_RDWR)
	if err != nil {
		return nil, err
	}
	t.file = f
	if info.Size() != size {
		return nil, Fail("take", backup.Damaged, nil)
	}
	return t, nil
}

// Write adds to the content.
func (t *Temp) Write(p []byte) (int, error) {
	n, err := t.file.Write(p)
	if err != nil {
		return n, WriteError("write", err)
	}
	return n, nil
}

// Commit forces the content to the disk, unless told not to, and gives the file its name, where it
// replaces a file or a link. The folder has to be there. If it fails nothing
// changed, and the file is gone.
func (t *Temp) Commit(name string, a Attr) error {
	err := t.finish(a)
	if err == nil {
		err = t.root.Rename(t.name, name)
	}
	if err != nil {
		return errors.Join(WriteError("commit", err), t.Discard())
	}
	t.done = true
	return nil
}

func (t *Temp) finish(a Attr) error {
	if a.Perm == 0 {
		a.Perm = 0o600
	}
	err := t.file.Chmod(a.Perm)
	if err == nil && !a.NoSync {
		err = t.file.Sync()
	}
	if cerr := t.file.Close(); err == nil {
		err = cerr
	}
	t.file = nil
	if err == nil && !a.ModTime.IsZero() {
		err = t.root.Chtimes(t.name, time.Time{}, a.ModTime)
	}
	return err
}

// Discard drops the file.
func (t *Temp) Discard() error {
	if t.done {
		return nil
	}
	t.done = true
	if t.file != nil {
		_ = t.file.Close() // its content is dropped anyway
	}
	return Remove(t.root, t.name)
}
