package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/ferry-move/ferry/mobile/android/fullbackup"
)

// write writes one entry of a unit that is being staged.
func (x *extractor) write(e *Entry, name string) error {
	t := x.unit
	dir, base, err := t.files.at(name, true)
	if err != nil {
		return err
	}
	var same bool
	if e.Type == fullbackup.TypeDirectory {
		same, err = x.folder(e, dir, base)
	} else {
		same, err = x.file(e, dir, base, name)
	}
	if err != nil {
		return err
	}
	switch {
	case e.IsManifest() || e.IsMeta():
	case !same:
		x.done.Written.add(e.Header)
	case e.Package == "":
		x.done.SharedSame++
	}
	h := *e.Header
	if h.Odd != nil && !x.odd.sound(h.Odd) {
		h.Odd = nil // a mistake is not repeated
	}
	return x.space(t.index.add(&h))
}

// folder makes a folder, or finds it.
func (x *extractor) folder(e *Entry, dir *os.Root, base string) (same bool, err error) {
	switch err := dir.Mkdir(base, 0o700); {
	case errors.Is(err, fs.ErrExist):
		if info, err := dir.Lstat(base); err != nil {
			return false, err
		} else if !info.IsDir() {
			return false, errExists
		}
		if same = e.Package == ""; same { // an app's folder is ours: it was made for what is in it
			return true, nil
		}
	case err != nil:
		return false, x.space(err)
	}
	h := *e.Header
	h.Odd = nil // only its time is wanted
	return same, x.space(x.unit.folders.add(&h))
}

// file writes a file, or finds it. In shared storage it gets its name once it
// is whole.
func (x *extractor) file(e *Entry, dir *os.Root, base, name string) (same bool, err error) {
	if _, err := dir.Lstat(base); err == nil {
		return true, x.equal(e, dir, base)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if err := x.reserve(e.Size); err != nil {
		return false, err
	}
	in, as := dir, base
	if e.Package == "" {
		in, as = x.unit.part, contentName
	}
	if err := x.copy(e, in, as); err != nil {
		_ = in.Remove(as) // what is incomplete; the copy's error is the one that counts
		return false, err
	}
	if e.Package == "" {
		if err := x.top.Rename(partName("")+"/"+contentName, name); err != nil {
			_ = in.Remove(as)
			return false, bare(err)
		}
	}
	return false, nil
}

// copy writes the content of e to a new file.
func (x *extractor) copy(e *Entry, dir *os.Root, base string) error {
	f, err := dir.OpenFile(base, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600|fs.FileMode(e.Mode&0o700))
	if err != nil {
		return x.space(err)
	}
	for {
		n, rerr := e.Read(x.buf)
		if _, err := f.Write(x.buf[:n]); err != nil {
			f.Close()
			return x.space(err)
		}
		if rerr == io.EOF {
			break
		}
		if rerr != nil {
			f.Close()
			return rerr
		}
	}
	if err := f.Close(); err != nil {
		return x.space(err)
	}
	return setTime(dir, base, e.ModTime)
}

// equal compares the content of e with a file that is there.
func (x *extractor) equal(e *Entry, dir *os.Root, base string) error {
	f, info, err := openFile(dir, base)
	if errors.Is(err, errNotFile) {
		return errExists
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if info.Size() != e.Size {
		return errExists
	}
	half := len(x.buf) / 2
	for {
		n, rerr := io.ReadFull(e, x.buf[:half])
		if rerr != nil && rerr != io.EOF && rerr != io.ErrUnexpectedEOF {
			return rerr
		}
		other := x.buf[half:][:n]
		if _, err := io.ReadFull(f, other); err != nil || string(other) != string(x.buf[:n]) {
			return errExists
		}
		if rerr != nil {
			return nil
		}
	}
}

// compare looks whether an app's folder that exists has the entry. The first
// difference refuses the app.
func (x *extractor) compare(e *Entry, name string) error {
	dir, base, err := x.unit.files.at(name, false)
	if err == nil && e.Type == fullbackup.TypeDirectory {
		var info fs.FileInfo
		if info, err = dir.Lstat(base); err == nil && !info.IsDir() {
			err = errExists
		}
	} else if err == nil {
		err = x.equal(e, dir, base)
	}
	if err == nil {
		return nil
	}
	if _, damaged := errors.AsType[*DamageError](err); damaged || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	x.refuse(KindExists, errors.New("a folder of this app is there already, and it is not the same"))
	return nil
}

// reserve asks for n bytes of the disk.
func (x *extractor) reserve(n int64) error {
	if x.free == nil {
		return nil
	}
	if x.left < n {
		free, err := x.free()
		if err != nil {
			return fmt.Errorf("free space: %w", err)
		}
		if x.left = free; free < n {
			return ErrNoSpace
		}
	}
	x.left -= n
	return nil
}

// space says in one way that the disk is full.
func (x *extractor) space(err error) error {
	return full(err)
}

// full marks the error of a disk that is full.
func full(err error) error {
	if err != nil && noSpace(err) && !errors.Is(err, ErrNoSpace) {
		return fmt.Errorf("%w: %w", ErrNoSpace, bare(err))
	}
	return bare(err)
}
