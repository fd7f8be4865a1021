package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/ferry-move/ferry/mobile/android"
)

var (
	// ErrNotBackup says that a folder has something else in it. Choose an empty
	// one, or one that this package made.
	ErrNotBackup = errors.New("the folder is not empty and holds no backup")
	// ErrNewer says that a later release made the folder.
	ErrNewer = errors.New("a newer version of this program made the backup")
	// ErrDamaged says that a stored file is not what was written.
	ErrDamaged = errors.New("the stored data is damaged")
	// ErrClosed says that the transport was closed.
	ErrClosed = errors.New("the local backup is closed")

	errOrder = errors.New("called out of order")
	errEmpty = errors.New("no data was sent")
	errToken = errors.New("no such backup here")
	errName  = errors.New("an app without a name")
)

// fail says which answer an error is, and removes the paths from it: a path
// names people and what they use.
func fail(op string, code android.Code, err error) error {
	return fmt.Errorf("local backup: %s: %w: %w", op, code, bare(err))
}

// bare takes off what the operating system's errors say about files.
func bare(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
	}
	return err
}
