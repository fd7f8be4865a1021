package archived

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"sync"

	"github.com/ferry-move/ferry/mobile/backup"
)

const (
	// smallFile is the largest file that is held in memory, in bytes.
	smallFile = 256 << 10
	// heldMax is how much is held at once, in bytes; heldCost what a file takes
	// beside its content and its name.
	heldMax  = 48 << 20
	heldCost = 256
)

var errOver = errors.New("the listing went on")

// source implements [backup.Backup] and its optional interfaces. It starts a
// goroutine for each content that has passed, which Close waits for.
type source struct {
	*agent
	quota int64
	count backup.Count // of what is listed; immutable

	freed chan struct{} // has room for one; something is no longer held

	mu      sync.Mutex
	closed  bool                              // guarded by mu
	cancels map[*context.CancelCauseFunc]bool // of everything under way; guarded by mu
	held    map[backup.Key]*held              // guarded by mu
	used    int64                             // what is held takes; guarded by mu
	live    *live                             // the large file that the listing waits for; guarded by mu
	passes  sync.WaitGroup                    // added to with mu held, before closed
}

var (
	_ backup.Releaser = (*source)(nil)
	_ backup.Counter  = (*source)(nil)
)

// held is a small file, from before it is listed until it is released.
type held struct {
	item backup.Item
	data []byte
}

func (h *held) cost() int64 { return int64(len(h.data)+len(h.item.Key)) + heldCost }

// Count implements [backup.Counter].
func (s *source) Count(context.Context) (backup.Count, error) {
	n := s.count
	n.Cannot, n.Examples = maps.Clone(n.Cannot), slices.Clone(n.Examples)
	return n, nil
}

// enter begins something that ends with ctx and with Close. With awaited, Close
// waits for it, and passes.Done has to be called.
func (s *source) enter(ctx context.Context, awaited bool) (context.Context, func(), error) {
	ctx, cancel := context.WithCancelCause(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		cancel(nil)
		return nil, nil, backup.Fail("open", s.info.Kind, backup.Unknown, fs.ErrClosed)
	}
	s.cancels[&cancel] = true
	if awaited {
		s.passes.Add(1)
	}
	return ctx, func() {
		cancel(nil)
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.cancels, &cancel)
	}, nil
}

// Close implements [backup.Backup].
func (s *source) Close() error {
	s.mu.Lock()
	s.closed = true
	for cancel := range s.cancels {
		(*cancel)(fs.ErrClosed)
	}
	clear(s.held)
	s.used = 0
	s.mu.Unlock()
	s.passes.Wait()
	return nil
}

// Items implements [backup.Backup]. Whoever ranges over it must open or release
// what it yields; see the package.
func (s *source) Items(ctx context.Context) iter.Seq2[backup.Item, error] {
	return func(yield func(backup.Item, error) bool) {
		ctx, leave, err := s.enter(ctx, false)
		if err != nil {
			yield(backup.Item{Kind: s.info.Kind}, err)
			return
		}
		defer leave()
		s.drop() // of an earlier run
		p := &pass{source: s, ctx: ctx, yield: yield, total: total(s.count), listed: map[*app]int64{}}
		l := &lister{find: s.census.known, out: p.take}
		p.cancel = leave
		err = s.dev.scan(ctx, l)
		switch {
		case p.broken:
			s.drop()
		case ctx.Err() != nil, p.given >= p.total:
		default:
			p.breakOff(s.failed("walk", err))
		}
	}
}

// failed makes the error of a pass that did not come to its end, or of a
// content that it did not give. What could be read once, and is now otherwise,
// has changed.
func (s *source) failed(op string, err error) error {
	reason := backup.Changed
	_, unreadable := errors.AsType[*fs.PathError](err)
	switch {
	case halted(err):
		reason = backup.Unknown
	case unreadable && s.dev.unchanged() == nil:
		reason = backup.Unreadable
	}
	return backup.Fail(op, s.info.Kind, reason, bare(err))
}

// halted reports whether err says that somebody ended the reading.
func halted(err error) bool {
	for _, e := range []error{context.Canceled, context.DeadlineExceeded, fs.ErrClosed, errOver, errBroken} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// drop forgets everything that is held.
func (s *source) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.held)
	s.used = 0
}

// hold waits until a small file may be held, and holds it. Two of one name are
// never held at once.
func (s *source) hold(ctx context.Context, h *held) error {
	for {
		s.mu.Lock()
		if _, twice := s.held[h.item.Key]; !twice && (s.used == 0 || s.used+h.cost() <= heldMax) {
			s.held[h.item.Key] = h
			s.used += h.cost()
			s.mu.Unlock()
			return nil
		}
		s.mu.Unlock()
		select {
		case <-s.freed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Release implements [backup.Releaser].
func (s *source) Release(it backup.Item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live != nil && s.live.item.Key == it.Key && !s.live.opened {
		s.live.opened = true
		s.live.finish()
	}
	if h := s.held[it.Key]; h != nil {
		delete(s.held, it.Key)
		s.used -= h.cost()
		select {
		case s.freed <- struct{}{}:
		default: // it will look
		}
	}
}

// Open implements [backup.Backup]. What is held or under way is there at once;
// all else takes another pass over the archive, and ctx ends that and the
// reading.
func (s *source) Open(ctx context.Context, it backup.Item, offset int64) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	h, l := s.held[it.Key], s.live
	if l != nil && (l.item.Key != it.Key || l.opened || offset != 0 || !sameFile(l.item, it)) {
		l = nil
	}
	switch {
	case s.closed:
		s.mu.Unlock()
		return nil, backup.Fail("open", s.info.Kind, backup.Unknown, fs.ErrClosed)
	case it.Type != backup.TypeFile || offset < 0 || offset > it.Size:
		s.mu.Unlock()
		return nil, backup.Fail("open", s.info.Kind, backup.Malformed, nil)
	case h != nil && !sameFile(h.item, it):
		s.mu.Unlock()
		return nil, backup.Fail("open", s.info.Kind, backup.Changed, nil)
	case h != nil:
		s.mu.Unlock()
		return io.NopCloser(bytes.NewReader(h.data[offset:])), nil
	case l != nil:
		l.opened = true
		s.mu.Unlock()
		return &content{live: l, source: s, left: it.Size}, nil
	}
	s.mu.Unlock()
	return s.again(ctx, it, offset)
}

// sameFile reports whether an item is as it was listed.
func sameFile(was, it backup.Item) bool {
	return was.Size == it.Size && was.ModTime.Equal(it.ModTime)
}
