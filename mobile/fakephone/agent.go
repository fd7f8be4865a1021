package fakephone

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"sync"
	"sync/atomic"

	"github.com/ferry-move/ferry/mobile/backup"
	"lukechampine.com/blake3"
)

// agent stands for one kind of data of a fake phone.
type agent struct {
	dev   *Device
	gen   *generator
	store *store

	mu          sync.Mutex
	read, taken backup.Transport   // guarded by mu
	left        map[string]*staged // guarded by mu; what broken runs left, by temporary name
}

// Info implements [backup.Agent].
func (a *agent) Info() backup.Info { return a.gen.kind.info }

// Backup implements [backup.Agent].
func (a *agent) Backup(ctx context.Context, t backup.Transport) (backup.Backup, error) {
	if err := a.opens(ctx, "backup"); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.read = t
	return &source{agent: a}, nil
}

// Restore implements [backup.Agent].
func (a *agent) Restore(ctx context.Context, t backup.Transport) (backup.Restore, error) {
	if err := a.opens(ctx, "restore"); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.taken = t
	return &target{agent: a, open: map[*staged]struct{}{}, looks: t.Look}, nil
}

func (a *agent) opens(ctx context.Context, op string) error {
	if a.dev.closed.Load() {
		return backup.Fail(op, a.gen.kind.info.Kind, backup.Unknown, errClosed)
	}
	return ctx.Err()
}

func (a *agent) seen() (read, taken backup.Transport) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.read, a.taken
}

func (a *agent) fail(op string, r backup.Reason, cause error) error {
	return backup.Fail(op, a.gen.kind.info.Kind, r, cause)
}

// source reads one kind: first what was generated, then what came in.
type source struct {
	*agent
	closed atomic.Bool
}

// Items implements [backup.Backup].
func (s *source) Items(ctx context.Context) iter.Seq2[backup.Item, error] {
	return func(yield func(backup.Item, error) bool) {
		s.store.mu.RLock()
		edited := len(s.store.gone) > 0
		s.store.mu.RUnlock()
		for p := range s.gen.len() {
			if ctx.Err() != nil || s.closed.Load() {
				return
			}
			it, f := s.gen.at(p)
			if edited && s.store.removed(it.Key) {
				continue
			}
			var err error
			if f == unlisted {
				it = backup.Item{Kind: it.Kind, Type: it.Type, Key: it.Key}
				err = s.fail("list", backup.Unreadable, nil)
			}
			if !yield(it, err) {
				return
			}
		}
		for i := range s.store.len() {
			if ctx.Err() != nil || s.closed.Load() {
				return
			}
			if it, ok := s.store.item(s.gen.kind.info.Kind, i); ok && !yield(it, nil) {
				return
			}
		}
	}
}

var errOffset = errors.New("the offset lies outside the file")

// Open implements [backup.Backup].
func (s *source) Open(ctx context.Context, it backup.Item, off int64) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.closed.Load() {
		return nil, s.fail("open", backup.Unknown, errClosed)
	}
	r, b, kept, ok := s.store.content(it.Key)
	if !ok {
		return s.openGenerated(it, off)
	}
	switch {
	case r.typ != backup.TypeFile:
		return nil, s.fail("open", backup.NotRegular, nil)
	case r.size != it.Size || !r.time().Equal(it.ModTime):
		return nil, s.fail("open", backup.Changed, nil)
	case off < 0 || off > r.size:
		return nil, s.fail("open", backup.Unknown, errOffset)
	case !kept:
		return nil, s.fail("open", backup.Unreadable, nil)
	}
	return io.NopCloser(bytes.NewReader(b[off:])), nil
}

func (s *source) openGenerated(it backup.Item, off int64) (io.ReadCloser, error) {
	p, ok := s.gen.find(it.Key)
	if !ok || s.store.removed(it.Key) {
		return nil, s.fail("open", backup.Vanished, nil)
	}
	here, f := s.gen.at(p)
	switch {
	case here.Type != backup.TypeFile:
		return nil, s.fail("open", backup.NotRegular, nil)
	case f == unlisted || f == unopened:
		return nil, s.fail("open", backup.Unreadable, nil)
	case here.Size != it.Size || !here.ModTime.Equal(it.ModTime):
		return nil, s.fail("open", backup.Changed, nil)
	case off < 0 || off > here.Size:
		return nil, s.fail("open", backup.Unknown, errOffset)
	}
	c := s.gen.open(s.gen.fileAt(p), here, off)
	if f == changing {
		c.failAt, c.fail = here.Size/2, s.fail("read", backup.Changed, nil)
	}
	return c, nil
}

// Close implements [backup.Backup].
func (s *source) Close() error {
	s.closed.Store(true)
	return nil
}

// fileAt returns the number of the file at place p.
func (g *generator) fileAt(p int) int {
	return (p-1)/(perFolder+1)*perFolder + (p-1)%(perFolder+1) - 1
}

// digest computes what is in the item at place p.
func (g *generator) digest(p int, it backup.Item) (d backup.Digest) {
	switch it.Type {
	case backup.TypeEntity:
		return blake3.Sum256(it.Value)
	case backup.TypeDirectory:
		return backup.Digest{}
	}
	h := blake3.New(len(d), nil)
	io.Copy(h, g.open(g.fileAt(p), it, 0)) // neither side fails
	h.Sum(d[:0])
	return d
}
