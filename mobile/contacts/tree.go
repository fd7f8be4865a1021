package contacts

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/ferry-move/ferry/mobile/backup"
)

// errNotRegular means that a name is not that of a regular file.
var errNotRegular = errors.New("not a regular file")

// isVCF reports whether a name is that of a vCard file.
func isVCF(name string) bool { return strings.EqualFold(path.Ext(name), ".vcf") }

// fileErr makes a file's error for the report.
func fileErr(op string, err error) error {
	reason := backup.ReasonOf(err)
	switch {
	case errors.Is(err, errNotRegular):
		reason = backup.NotRegular
	case reason == backup.Unknown:
		reason = backup.Unreadable
	}
	return backup.Fail(op, Kind, reason, err)
}

// walk calls visit for every vCard file below Contacts in lexical order, with
// its path below that folder, and for whatever hides some: err says why. It
// stops when visit returns false.
func walk(ctx context.Context, root *os.Root, visit func(name string, err error) bool) {
	info, err := root.Lstat(Folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		visit("", err)
	case !info.IsDir():
		visit("", errNotRegular)
	default:
		walkDir(ctx, root, "", visit)
	}
}

func walkDir(ctx context.Context, root *os.Root, dir string, visit func(string, error) bool) bool {
	d, err := root.OpenFile(path.Join(Folder, dir), readFlags, 0)
	if err != nil {
		return visit(dir, err)
	}
	entries, err := d.ReadDir(-1)
	d.Close()
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	for _, e := range entries {
		if ctx.Err() != nil {
			return false
		}
		name := path.Join(dir, e.Name())
		if len(name) > backup.MaxKey {
			if !visit(name[:backup.MaxKey], backup.BadName) {
				return false
			}
			continue
		}
		mode := e.Type()
		if mode&fs.ModeIrregular != 0 { // not every file system tells it here
			if info, err := root.Lstat(path.Join(Folder, name)); err == nil {
				mode = info.Mode().Type()
			}
		}
		more := true
		switch {
		case mode.IsDir():
			more = walkDir(ctx, root, name, visit)
		case mode.IsRegular() && isVCF(name):
			more = visit(name, nil)
		case mode.IsRegular():
		case isVCF(name), mode&fs.ModeSymlink != 0 && hidesFolder(root, name):
			more = visit(name, errNotRegular)
		}
		if !more {
			return false
		}
	}
	if err != nil {
		return visit(dir, err)
	}
	return true
}

// hidesFolder reports whether a link leads to a folder, or to where we don't
// look.
func hidesFolder(root *os.Root, name string) bool {
	info, err := root.Stat(path.Join(Folder, name))
	return err != nil && !errors.Is(err, fs.ErrNotExist) || err == nil && info.IsDir()
}

// openFile opens a regular file below Contacts and no link to one.
func openFile(root *os.Root, name string) (*os.File, fs.FileInfo, error) {
	full := path.Join(Folder, name)
	want, err := root.Lstat(full)
	if err != nil {
		return nil, nil, err
	}
	if !want.Mode().IsRegular() {
		return nil, nil, errNotRegular
	}
	f, err := root.OpenFile(full, readFlags, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !os.SameFile(info, want) {
		err = errNotRegular // a link took its place
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// sameState reports whether a file is as it was, by size and time.
func sameState(a, b fs.FileInfo) bool {
	return a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && os.SameFile(a, b)
}
