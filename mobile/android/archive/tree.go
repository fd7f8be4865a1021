package archive

import (
	"errors"
	"io/fs"
	"os"
	"strings"
)

var (
	errNotFolder = errors.New("not a folder")
	errNotFile   = errors.New("not a file")
	errMoved     = errors.New("it changed its place")
)

// tree opens folders below a root, one part of the path at a time, without
// following a link. It keeps the last one open.
type tree struct {
	root *os.Root // not the tree's to close
	path string   // of cur
	cur  *os.Root // nil = the root
}

// close forgets the folder that is open.
func (t *tree) close() {
	if t.cur != nil {
		t.cur.Close()
	}
	t.cur, t.path = nil, ""
}

// open returns the folder at path, "" for the root, made with those above if
// create is set. It is the tree's, and open until the next call.
func (t *tree) open(path string, create bool) (*os.Root, error) {
	if path == t.path && t.cur != nil {
		return t.cur, nil
	}
	rest := path
	if below, ok := strings.CutPrefix(path, t.path+"/"); ok && t.cur != nil {
		rest = below
	} else {
		t.close()
	}
	if rest == "" {
		return t.root, nil
	}
	for part := range strings.SplitSeq(rest, "/") {
		from := t.cur
		if from == nil {
			from = t.root
		}
		next, err := openFolder(from, part, create)
		if err != nil {
			t.close()
			return nil, err
		}
		if t.cur != nil {
			t.cur.Close()
		}
		t.cur = next
		if t.path != "" {
			t.path += "/"
		}
		t.path += part
	}
	return t.cur, nil
}

// at returns the folder of path and the name in it.
func (t *tree) at(path string, create bool) (*os.Root, string, error) {
	dir, name := split(path)
	d, err := t.open(dir, create)
	return d, name, err
}

// openFolder opens a folder in parent, not a link to one.
func openFolder(parent *os.Root, name string, create bool) (*os.Root, error) {
	was, err := parent.Lstat(name)
	if create && errors.Is(err, fs.ErrNotExist) {
		if err := parent.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		was, err = parent.Lstat(name)
	}
	if err != nil {
		return nil, err
	}
	if !was.IsDir() {
		return nil, errNotFolder
	}
	// The dot makes name a folder on the way, so that a pipe that took its
	// place is not waited for. Of a link that took it, the comparison tells.
	d, err := parent.OpenRoot(name + "/.")
	if err != nil {
		return nil, err
	}
	now, err := d.Stat(".")
	if err == nil && !os.SameFile(was, now) {
		err = errMoved
	}
	if err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// openFile opens a file in parent for reading, not a link to one.
func openFile(parent *os.Root, name string) (*os.File, fs.FileInfo, error) {
	was, err := parent.Lstat(name)
	if err != nil {
		return nil, nil, err
	}
	if !was.Mode().IsRegular() {
		return nil, nil, errNotFile
	}
	f, err := parent.OpenFile(name, os.O_RDONLY|openNonblock, 0)
	if err != nil {
		return nil, nil, err
	}
	now, err := f.Stat()
	if err == nil && !os.SameFile(was, now) {
		err = errMoved
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, now, nil
}

// bare keeps what went wrong and drops where: names are not for errors.
func bare(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
	}
	return err
}
