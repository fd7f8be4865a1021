package appdir

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/ferry-move/ferry/mobile/backup"
)

// Kind is the kind of data in this package's errors.
const Kind backup.Kind = "app"

// MaxPath is the longest path below the root in bytes (Linux's PATH_MAX).
const MaxPath = 4096

// MaxDepth is the most components that a path may have.
const MaxDepth = 255

var errStructure = errors.New("no path below a folder")

// Check refuses, with [backup.BadName], what is no plain path below a folder:
// an empty or absolute path, an empty component, "." and "..", NUL, and what is
// longer than [MaxPath] or deeper than [MaxDepth].
func Check(name string) error {
	ok := len(name) <= MaxPath && strings.Count(name, "/") < MaxDepth && strings.IndexByte(name, 0) < 0
	if os.PathSeparator == '\\' && strings.ContainsAny(name, `\:`) {
		ok = false // there these lead elsewhere
	}
	if ok {
		for c := range strings.SplitSeq(name, "/") {
			ok = ok && c != "" && c != "." && c != ".."
		}
	}
	if !ok {
		return Fail("check", backup.BadName, errStructure)
	}
	return nil
}

// Fail makes an error whose text has no path in it.
func Fail(op string, reason backup.Reason, cause error) error {
	return backup.Fail(op, Kind, reason, cause)
}

// ReadError makes the error of something that could not be read.
func ReadError(op string, err error) error {
	return Fail(op, backup.ReasonOf(err), pathless(err))
}

// pathless drops the names from the error of a rename; those of other calls
// backup.Error leaves out by itself.
func pathless(err error) error {
	if le, ok := errors.AsType[*os.LinkError](err); ok {
		return le.Err
	}
	return err
}

// WriteError makes the error of something that could not be written.
func WriteError(op string, err error) error {
	reason := backup.ReasonOf(err)
	if reason == backup.Unreadable || reason == backup.Vanished || reason == backup.Unknown {
		reason = backup.Unwritable
	}
	return Fail(op, reason, pathless(err))
}

// Open opens a regular file for reading. It fails with [backup.Vanished] if
// there is none, with [backup.NotRegular] if a link, a folder or something else
// is there, and with [backup.Changed] if that changes under its hands.
func Open(root *os.Root, name string) (*os.File, fs.FileInfo, error) {
	return open(root, name, os.O_RDONLY)
}

func open(root *os.Root, name string, flag int) (*os.File, fs.FileInfo, error) {
	before, err := root.Lstat(name)
	if err != nil {
		return nil, nil, ReadError("open", err)
	}
	if !before.Mode().IsRegular() {
		return nil, nil, Fail("open", backup.NotRegular, nil)
	}
	f, err := root.OpenFile(name, flag|nonblock, 0)
	if err != nil {
		return nil, nil, ReadError("open", err)
	}
	info, err := f.Stat()
	if err == nil && !os.SameFile(before, info) {
		err = backup.Changed
	}
	if err != nil {
		_ = f.Close() // nothing was read of it
		return nil, nil, ReadError("open", err)
	}
	return f, info, nil
}

// Enter opens the folder name in root. A link in the name's last part fails
// with [backup.NotRegular], wherever it leads; so does what is no folder.
func Enter(root *os.Root, name string) (*os.Root, fs.FileInfo, error) {
	before, err := root.Lstat(name)
	if err != nil {
		return nil, nil, ReadError("open", err)
	}
	if !before.IsDir() {
		return nil, nil, Fail("open", backup.NotRegular, nil)
	}
	sub, err := root.OpenRoot(name)
	if err != nil {
		return nil, nil, ReadError("open", err)
	}
	info, err := sub.Stat(".")
	if err == nil && !os.SameFile(before, info) {
		err = backup.Changed
	}
	if err != nil {
		_ = sub.Close() // it was only opened
		return nil, nil, ReadError("open", err)
	}
	return sub, info, nil
}

// Remove removes a file, or whatever else has its name, and is content if
// there is nothing.
func Remove(root *os.Root, name string) error {
	if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return WriteError("remove", err)
	}
	return nil
}

// Sweep removes what a run that was killed left half written.
func Sweep(root *os.Root) error {
	d, err := root.Open(".")
	if err != nil {
		return ReadError("open", err)
	}
	defer d.Close()
	var left []string
	for {
		names, err := d.Readdirnames(1024)
		for _, n := range names {
			if strings.HasPrefix(n, tempPrefix) {
				left = append(left, n)
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return ReadError("list", err)
		}
	}
	for _, n := range left {
		if err := Remove(root, n); err != nil {
			return err
		}
	}
	return nil
}
