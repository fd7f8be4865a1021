package flow

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/ferry-move/ferry/mobile/backup"
)

// ErrNoContent means that an item has no content that can be opened by itself.
var ErrNoContent = errors.New("this item has no content of its own")

// Open opens a file that Items listed, with its size, while What: a picture that is
// shown, say. It fails where the file is another one by now. Reads fail when the
// person has left. It may take long, and is for another goroutine than the face's.
func (f *Flow) Open(e Entry) (io.ReadSeekCloser, int64, error) {
	f.mu.Lock()
	r := f.role
	if r == nil || r.choice == nil || r.closing || r.phone == nil {
		f.mu.Unlock()
		return nil, 0, ErrNoContent
	}
	agents := r.phone.Agents()
	f.mu.Unlock()
	at := slices.IndexFunc(agents, func(a backup.Agent) bool { return a.Info().Kind == e.Kind })
	if at < 0 || e.Reason != 0 {
		return nil, 0, ErrNoContent
	}
	if i := agents[at].Info(); i.Entities || i.Mixed {
		return nil, 0, ErrNoContent
	}
	b, err := agents[at].Backup(r.ctx, deviceToDevice)
	if err != nil {
		return nil, 0, err
	}
	it := backup.Item{Kind: e.Kind, Type: backup.TypeFile, Key: e.Key, Size: e.Size, ModTime: e.ModTime}
	return &content{ctx: r.ctx, b: b, it: it}, e.Size, nil
}

// deviceToDevice is how items are read.
var deviceToDevice = backup.Transport{Flags: backup.FlagDeviceToDeviceTransfer}

// content reads one file. It belongs to one goroutine.
type content struct {
	ctx context.Context
	b   backup.Backup
	it  backup.Item
	at  int64
	r   io.ReadCloser // at at; nil = not open
}

// Read implements [io.Reader].
func (c *content) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, context.Cause(c.ctx)
	}
	if c.r == nil {
		r, err := c.b.Open(c.ctx, c.it, c.at)
		if err != nil {
			return 0, err
		}
		c.r = r
	}
	n, err := c.r.Read(p)
	c.at += int64(n)
	return n, err
}

// Seek implements [io.Seeker].
func (c *content) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += c.at
	case io.SeekEnd:
		offset += c.it.Size
	}
	if offset < 0 || offset > c.it.Size {
		return 0, errors.New("flow: seek beyond the content")
	}
	if offset != c.at {
		c.shut()
		c.at = offset
	}
	return offset, nil
}

func (c *content) shut() {
	if c.r != nil {
		c.r.Close() // what it says is of a content that nobody reads to its end
		c.r = nil
	}
}

// Close implements [io.Closer].
func (c *content) Close() error {
	c.shut()
	return c.b.Close()
}
