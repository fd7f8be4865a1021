package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/ferry-move/ferry/mobile/backup"
)

// Open implements backup.Backup. The reader delivers exactly the bytes from
// offset to the item's size. When the file has changed by the time that the
// last of them is read, that Read and each later call, Close included, fail
// with Changed, so the check is not lost on a caller that stops at the size.
func (r *reader) Open(ctx context.Context, it backup.Item, offset int64) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, r.kind.failRead("open", err)
	}
	if err := checkKey(it.Key); err != nil {
		return nil, r.kind.failRead("open", err)
	}
	if it.Type != backup.TypeFile || offset < 0 || offset > it.Size {
		return nil, backup.Fail("open", r.kind.Kind, backup.Malformed, nil)
	}
	f, err := r.openFile(string(it.Key))
	if err == nil {
		err = unchanged(f, it)
		if err == nil && offset > 0 {
			_, err = f.Seek(offset, io.SeekStart)
		}
		if err != nil {
			f.Close()
		}
	}
	if err != nil {
		return nil, r.kind.failRead("open", err)
	}
	adviseSequential(f)
	c := &content{f: f, item: it, left: it.Size - offset, kind: r.kind}
	if c.left == 0 {
		c.check()
	}
	return c, nil
}

func (r *reader) openFile(key string) (*os.File, error) {
	above, name := splitKey(key)
	for again := false; ; again = true {
		d, err := r.src.open(above, false)
		if errors.Is(err, errNotDir) || errors.Is(err, errMoved) {
			return nil, fmt.Errorf("%w: %w", backup.Changed, err)
		}
		if err != nil {
			return nil, err
		}
		f, _, err := openRegular(d, name, os.O_RDONLY)
		moved := err != nil && r.src.inPlace(d) != nil
		r.src.release(d)
		switch {
		case moved && !again: // the folder that was open is another by now
			r.src.empty()
			continue
		case errors.Is(err, errNotRegular):
			err = fmt.Errorf("%w: %w", backup.Changed, err)
		}
		return f, err
	}
}

var errNotRegular = errors.New("not a regular file")

// openRegular opens the regular file of that very name in d, for reading or for
// reading and writing. It neither follows a link nor waits for a pipe, also when
// one takes the file's place at that moment.
func openRegular(d *dir, name string, flag int) (*os.File, fs.FileInfo, error) {
	was, err := d.root.Lstat(name)
	if err != nil {
		return nil, nil, err
	}
	if !was.Mode().IsRegular() {
		return nil, nil, errNotRegular
	}
	f, err := d.root.OpenFile(name, flag|openNonblock, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !os.SameFile(was, info) {
		err = errNotRegular
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// unchanged fails with Changed unless f is what it describes.
func unchanged(f *os.File, it backup.Item) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() != it.Size || !info.ModTime().Equal(it.ModTime) {
		return backup.Changed
	}
	return nil
}

// content reads one file. It belongs to one goroutine.
type content struct {
	f    *os.File
	item backup.Item
	kind *kind
	left int64 // bytes still to be delivered
	err  error // sticky; io.EOF once all is delivered and unchanged
}

// Read implements io.Reader.
func (c *content) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, err := c.f.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	switch {
	case c.left == 0:
		c.check()
	case errors.Is(err, io.EOF): // it shrank
		c.err = backup.Fail("read", c.kind.Kind, backup.Changed, nil)
	case err != nil:
		c.err = c.kind.failRead("read", err)
	}
	if c.err == io.EOF {
		return n, nil
	}
	return n, c.err
}

// check decides how the content ends.
func (c *content) check() {
	c.err = io.EOF
	if err := unchanged(c.f, c.item); err != nil {
		c.err = c.kind.failRead("read", err)
	}
}

// Close implements io.Closer. It repeats a failed Read's error.
func (c *content) Close() error {
	err := c.f.Close()
	if c.err != nil && c.err != io.EOF {
		return c.err
	}
	return err
}
