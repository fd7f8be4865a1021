package files

import (
	"errors"
	"io/fs"
	"os"
	"sync/atomic"
	"syscall"
)

// caps is what the file system turned out not to do; tests set it to force the
// other ways. The zero value expects everything.
type caps struct {
	noRename, noLink, noSyncAll atomic.Bool
	// refuse, set by tests only, plays a file system that cannot hold a name.
	refuse func(name string) error
}

// holds fails when the file system is known not to hold a name.
func (c *caps) holds(name string) error {
	if c.refuse == nil {
		return nil
	}
	return c.refuse(name)
}

// errName means that a file system cannot hold a name, though it says otherwise.
var errName = errors.New("the file system cannot hold the name")

// refusal takes the error of making a name in d for what it means: a file system that
// finds nothing there, in a folder that is in its place, cannot hold the name.
// FUSE's exFAT says so.
func (t *tree) refusal(d *dir, err error) error {
	if errors.Is(err, fs.ErrNotExist) && t.inPlace(d) == nil {
		return errName
	}
	return err
}

// moveNew renames a file, from one open folder to another or the same, and
// never replaces another. It fails with fs.ErrExist when the name is taken.
// There are three ways, each for the file systems that lack the one before:
//
//  1. a rename that refuses to replace,
//  2. a hard link, and the old name removed,
//  3. an empty file made under the new name, which only works when the name is
//     free, and a rename over that. A crash between the two leaves an empty
//     file; whatever anybody writes into it in that moment is seen by its size.
func (t *tree) moveNew(from *dir, temp string, to *dir, name string) error {
	if err := t.caps.holds(name); err != nil {
		return err
	}
	if !t.caps.noRename.Load() {
		err := renameNew(from, temp, to, name)
		if !unsupported(err) {
			return err
		}
	}
	if !t.caps.noLink.Load() {
		err := t.link(from, temp, to, name)
		if err == nil {
			t.caps.noRename.Store(true)
			// Should this fail, the file has two names and is complete.
			_ = from.root.Remove(temp)
			return nil
		}
		if errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	if err := t.moveOver(from, temp, to, name); err != nil {
		return err
	}
	t.caps.noRename.Store(true)
	t.caps.noLink.Store(true)
	return nil
}

// unsupported reports whether err may mean that the file system lacks the
// operation. A name that it cannot hold looks the same; the next way tells.
func unsupported(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL)
}

func (t *tree) moveOver(from *dir, temp string, to *dir, name string) error {
	f, err := to.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return t.refusal(to, err)
	}
	mine, err := f.Stat()
	f.Close()
	if err != nil {
		return err
	}
	if !isStill(to, name, mine) {
		return fs.ErrExist // somebody else's by now
	}
	if err := t.rename(from, temp, to, name); err != nil {
		if isStill(to, name, mine) {
			_ = to.root.Remove(name)
		}
		return err
	}
	return nil
}

// isStill reports whether name is the empty file that was made there.
func isStill(d *dir, name string, mine fs.FileInfo) bool {
	now, err := d.root.Lstat(name)
	return err == nil && now.Size() == 0 && os.SameFile(now, mine)
}
