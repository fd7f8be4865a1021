package archived

import (
	"context"
	"io"
	"sync"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/archive"
	"github.com/ferry-move/ferry/mobile/backup"
)

// live is an entry at which a pass stands, until it is finished.
type live struct {
	item   backup.Item
	opened bool          // or released; guarded by source.mu
	done   chan struct{} // closed by finish
	once   sync.Once

	mu    sync.Mutex
	entry *archive.Entry // nil = the pass went on; guarded by mu
	why   error          // it went on; guarded by mu
}

func newLive(ev event) *live {
	return &live{item: ev.item, entry: ev.entry, done: make(chan struct{})}
}

// finish lets the pass go on.
func (l *live) finish() { l.once.Do(func() { close(l.done) }) }

// detach is called by the pass before it goes on.
func (l *live) detach(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entry, l.why = nil, why
}

func (l *live) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.entry == nil {
		return 0, l.why
	}
	return l.entry.Read(p)
}

// content reads one file. It belongs to one goroutine.
type content struct {
	live   *live
	source *source
	left   int64
	err    error  // sticky
	end    func() // ends the pass of its own; nil = it has none
}

// Read implements io.Reader.
func (c *content) Read(p []byte) (int, error) {
	switch {
	case c.err != nil:
		return 0, c.err
	case len(p) == 0:
		return 0, nil
	case c.left == 0:
		c.finish()
		return 0, c.err
	}
	n, err := c.live.Read(p[:min(int64(len(p)), c.left)])
	if c.left -= int64(n); c.left == 0 {
		c.finish()
	} else if err != nil {
		c.err = c.source.failed("read", err)
		c.live.finish()
	}
	if c.err == io.EOF {
		return n, nil
	}
	return n, c.err
}

// finish decides how the content ends, and lets the pass go on.
func (c *content) finish() {
	c.err = io.EOF
	if err := c.source.dev.unchanged(); err != nil {
		c.err = c.source.failed("read", err)
	}
	c.live.finish()
}

// Close implements io.Closer.
func (c *content) Close() error {
	c.live.finish()
	if c.end != nil {
		c.end()
	}
	if c.err == io.EOF {
		return nil
	}
	return c.err
}

// again makes another pass up to a file.
func (s *source) again(ctx context.Context, it backup.Item, offset int64) (io.ReadCloser, error) {
	ctx, leave, err := s.enter(ctx, true)
	if err != nil {
		return nil, err
	}
	p := &search{source: s, ctx: ctx, key: it.Key, found: make(chan *live)}
	ended := make(chan struct{})
	var scanned error // valid once ended is closed
	go func() {
		defer s.passes.Done()
		defer leave()
		defer close(ended)
		if scanned = s.dev.scan(ctx, &lister{find: s.census.known, out: p.take}); ctx.Err() != nil {
			scanned = context.Cause(ctx)
		}
	}()
	c := &content{source: s, left: it.Size, end: func() { leave(); <-ended }}
	select {
	case c.live = <-p.found:
	case <-ended:
		if scanned != nil {
			return nil, s.failed("open", scanned)
		}
		return nil, backup.Fail("open", s.info.Kind, backup.Malformed, nil) // it was never listed
	}
	if !sameFile(c.live.item, it) {
		err = backup.Fail("open", s.info.Kind, backup.Changed, nil)
	} else {
		_, err = io.CopyN(io.Discard, c, offset)
	}
	if err != nil {
		c.end()
		return nil, err
	}
	return c, nil
}

// search is a pass for one file.
type search struct {
	*source
	ctx   context.Context
	key   backup.Key
	found chan *live
}

// take stops at the file until it is read or closed.
func (p *search) take(ev event) error {
	if ev.item.Kind != p.info.Kind || ev.item.Key != p.key || ev.item.Type != backup.TypeFile || ev.reason != 0 {
		return nil
	}
	if a := ev.app; a != nil && (a.fate(p.quota) != 0 || ev.act == records && a.form() == android.RestoreKeyValue) {
		return nil
	}
	l := newLive(ev)
	select {
	case p.found <- l:
	case <-p.ctx.Done():
		return p.ctx.Err()
	}
	select {
	case <-l.done:
		l.detach(errOver)
	case <-p.ctx.Done():
		l.detach(context.Cause(p.ctx))
	}
	return errDone
}
