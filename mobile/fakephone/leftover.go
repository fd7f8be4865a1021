package fakephone

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/ferry-move/ferry/mobile/backup"
)

var (
	errNoLeftover = errors.New("there is no such leftover")
	errShort      = errors.New("as much is not there")
	errHashed     = errors.New("it left memory")
)

// tempName returns the temporary name of the n-th file that is staged.
func tempName(n int64) string { return fmt.Sprintf(".fake-%d.part", n) }

// TempName implements [backup.TempNamer].
func (f stagedFile) TempName() string { return f.temp }

var (
	_ backup.Keeper      = stagedFile{}
	_ backup.ResumedFile = stagedFile{}
	_ backup.TempNamer   = stagedFile{}
	_ backup.Resumer     = (*target)(nil)
	_ backup.TempRemover = (*target)(nil)
)

// Sync implements [backup.Keeper]. A fake phone loses nothing.
func (f stagedFile) Sync(n int64) (backup.Leftover, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.ended:
		return backup.Leftover{}, f.to.fail("sync", backup.Unknown, errEnded)
	case n < 0 || n > f.item.Size:
		return backup.Leftover{}, f.to.fail("sync", backup.Malformed, errOutside)
	}
	return backup.Leftover{Name: f.temp, Length: n, Held: f.item.Size}, nil
}

// Keep implements [backup.Keeper].
func (f stagedFile) Keep(n int64) (backup.Leftover, error) {
	f.mu.Lock()
	if f.ended {
		f.mu.Unlock()
		return backup.Leftover{}, f.to.fail("keep", backup.Unknown, errEnded)
	}
	left, err := f.cut(n)
	f.drop()
	f.mu.Unlock()
	if err != nil {
		f.release()
		f.to.forget(f.staged)
		return backup.Leftover{}, err
	}
	f.to.mu.Lock()
	defer f.to.mu.Unlock()
	delete(f.to.open, f.staged)
	f.to.leave(left)
	return backup.Leftover{Name: f.temp, Length: n, Held: f.item.Size, Stamp: 1}, nil
}

// cut forgets what lies behind the first n bytes, and reports whether the last of
// those was written.
func (p *part) cut(n int) (last bool) {
	for i, h := range p.have {
		if h.hi >= n {
			last = h.lo < n
			p.have = p.have[:i]
			if last {
				p.have = append(p.have, span{h.lo, n})
			}
			break
		}
	}
	return last
}

// cut takes the first n bytes out. The caller holds mu.
func (f stagedFile) cut(n int64) (*staged, error) {
	if n <= 0 || n > f.item.Size {
		return nil, f.to.fail("keep", backup.Malformed, errOutside)
	}
	left := &staged{item: f.item, temp: f.temp, keep: f.keep, to: f.to, leaves: map[int64]*part{}, values: map[int64]value{}, length: n}
	last := false
	for i := range (n + leaf - 1) / leaf {
		end := int(min(n, (i+1)*leaf) - i*leaf)
		if v, ok := f.values[i]; ok {
			if end < int(min(leaf, f.item.Size-i*leaf)) {
				return nil, f.to.fail("keep", backup.Unreadable, errHashed)
			}
			left.values[i], last = v, true
		} else if p := f.leaves[i]; p != nil {
			last = p.cut(end)
			left.leaves[i] = p
			if p.full() {
				left.full = append(left.full, i)
			}
		}
	}
	if !last {
		return nil, f.to.fail("keep", backup.Malformed, errShort)
	}
	return left, nil
}

// ReadAt implements [io.ReaderAt] for what is in memory.
func (f stagedFile) ReadAt(b []byte, off int64) (n int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for n < len(b) {
		if off < 0 || off >= f.item.Size {
			return n, io.EOF
		}
		p, at := f.leaves[off/leaf], int(off%leaf)
		if p == nil {
			return n, f.to.fail("read", backup.Unreadable, errHashed)
		}
		m := copy(b[n:], p.buf[at:])
		n, off = n+m, off+int64(m)
	}
	return n, nil
}

// leave keeps what is left of a file for a later target of its kind.
func (a *agent) leave(s *staged) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.left == nil {
		a.left = map[string]*staged{}
	}
	a.left[s.temp] = s
}

// pick takes a leftover that f agrees to.
func (a *agent) pick(name string, f func(*staged) error) (*staged, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.left[name]
	if s == nil {
		return nil, a.fail("resume", backup.Vanished, errNoLeftover)
	}
	if err := f(s); err != nil {
		return nil, err
	}
	delete(a.left, name)
	return s, nil
}

// Resume implements [backup.Resumer].
func (t *target) Resume(ctx context.Context, it backup.Item, l backup.Leftover) (backup.ResumedFile, bool, error) {
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	if err := t.admit(it); err != nil {
		return nil, false, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, false, t.fail("resume", backup.Unknown, errClosed)
	}
	left, err := t.pick(l.Name, func(s *staged) error {
		if l.Length <= 0 || l.Length > s.length || it.Size != s.item.Size {
			return t.fail("resume", backup.Changed, errShort)
		}
		return nil
	})
	if err != nil {
		return nil, false, err
	}
	s := &staged{
		item: it, temp: left.temp, keep: left.keep, to: t,
		leaves: left.leaves, full: slices.Clone(left.full), values: left.values,
	}
	t.open[s] = struct{}{}
	return stagedFile{s}, l.Stamp > 1, nil
}

// RemoveTemp implements [backup.TempRemover].
func (t *target) RemoveTemp(_ context.Context, name string) error {
	var n int64
	if _, err := fmt.Sscanf(name, ".fake-%d.part", &n); err != nil || name != tempName(n) {
		return t.fail("clean", backup.BadName, nil)
	}
	if s, err := t.pick(name, func(*staged) error { return nil }); err == nil {
		s.release()
	}
	return nil
}
