package fullagent

import (
	"context"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/ferry-move/ferry/mobile/android/appdir"
	"github.com/ferry-move/ferry/mobile/backup"
)

// content reads a file that is what it was when it was listed. Once it is not,
// reading ends with backup.Changed, at the end of the file at the latest.
type content struct {
	ctx   context.Context
	file  *os.File
	left  int64
	size  int64
	mtime time.Time
}

func openContent(ctx context.Context, root *os.Root, name string, offset, size int64, mtime time.Time) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if offset < 0 || offset > size {
		return nil, appdir.Fail("open", backup.Unknown, fs.ErrInvalid)
	}
	f, _, err := appdir.Open(root, name)
	if err != nil {
		return nil, err
	}
	c := &content{ctx: ctx, file: f, left: size - offset, size: size, mtime: mtime}
	err = c.check()
	if err == nil {
		if _, serr := f.Seek(offset, io.SeekStart); serr != nil {
			err = appdir.ReadError("open", serr)
		}
	}
	if err != nil {
		_ = f.Close() // nothing was read of it
		return nil, err
	}
	return c, nil
}

func (c *content) check() error {
	info, err := c.file.Stat()
	if err != nil {
		return appdir.ReadError("look at", err)
	}
	if info.Size() != c.size || !info.ModTime().Equal(c.mtime) {
		return appdir.Fail("read", backup.Changed, nil)
	}
	return nil
}

// Read implements io.Reader.
func (c *content) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	if c.left == 0 {
		if err := c.check(); err != nil {
			return 0, err
		}
		return 0, io.EOF
	}
	n, err := c.file.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	switch {
	case err == io.EOF: // before its size
		err = appdir.Fail("read", backup.Changed, nil)
	case err != nil:
		err = appdir.ReadError("read", err)
	}
	return n, err
}

// Close implements io.Closer.
func (c *content) Close() error {
	if err := c.file.Close(); err != nil {
		return appdir.ReadError("close", err)
	}
	return nil
}
