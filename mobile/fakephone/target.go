package fakephone

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"sync"

	"github.com/ferry-move/ferry/mobile/backup"
)

// target takes items of one kind in.
type target struct {
	*agent
	looks bool // it only says what it would do; immutable

	mu     sync.Mutex
	closed bool                 // guarded by mu
	open   map[*staged]struct{} // guarded by mu; staged and not ended
}

var _ backup.Checker = (*target)(nil)

// Check implements [backup.Checker].
func (t *target) Check(_ context.Context, it backup.Item, prior backup.Prior) backup.Answer {
	if err := t.admit(it); err != nil {
		return backup.Answer{Verdict: backup.Refuse, Err: err}
	}
	a := backup.Answer{Verdict: backup.Need}
	keys, all := t.variants(it)
	for i, here := range all {
		switch {
		case here.typ != it.Type || here.size != it.Size && it.Type != backup.TypeDirectory:
			continue
		case it.Type == backup.TypeDirectory:
			return have(it, keys[i], backup.Digest{})
		case t.looks && it.Type == backup.TypeFile && (prior.Digest.IsZero() || prior.Name != keys[i] && (prior.Name != "" || i > 0)):
			a.Verdict = backup.Compare
			continue
		}
		d := here.sum()
		if it.Type == backup.TypeEntity {
			if d == it.Digest || it.Digest.IsZero() && d == sum(it.Value) {
				return have(it, keys[i], d)
			}
			continue
		}
		if d == prior.Digest && (prior.Name == keys[i] || prior.Name == "" && i == 0) {
			return have(it, keys[i], d)
		}
		a.Verdict = backup.Compare
		a.Digests, a.Names = append(a.Digests, d), append(a.Names, keys[i])
	}
	if t.looks {
		a.Digests, a.Names = nil, nil
		if len(keys) > 0 {
			a.Names = []backup.Key{beside(it, len(keys))}
		}
	}
	if free, _ := t.dev.Free(); a.Verdict == backup.Need && it.Size-prior.Left.Held > free {
		return backup.Answer{Verdict: backup.Refuse, Err: t.fail("check", backup.NoSpace, nil)}
	}
	return a
}

func have(it backup.Item, key backup.Key, d backup.Digest) backup.Answer {
	a := backup.Answer{Verdict: backup.Have, Digest: d}
	if key != it.Key {
		a.Names = []backup.Key{key}
	}
	return a
}

// admit says why a phone cannot take it, as far as that can be seen.
func (t *target) admit(it backup.Item) error {
	info := t.gen.kind.info
	switch {
	case it.Kind != info.Kind:
		return t.fail("stage", backup.Unsupported, nil)
	case it.Size < 0:
		return t.fail("stage", backup.Malformed, nil)
	case it.Key == "" || len(it.Key) > backup.MaxKey:
		return t.fail("stage", backup.BadName, nil)
	case info.Entities:
		early := it.Value == nil && !it.Digest.IsZero() // in Check, before the content
		if it.Type != backup.TypeEntity || !early && it.Size != int64(len(it.Value)) {
			return t.fail("stage", backup.Malformed, nil)
		}
		if it.Size > backup.MaxValue {
			return t.fail("stage", backup.TooLarge, nil)
		}
		return nil
	case it.Type != backup.TypeFile && it.Type != backup.TypeDirectory:
		return t.fail("stage", backup.NotRegular, nil)
	case len(it.Value) > 0 || it.Type == backup.TypeDirectory && it.Size != 0 || it.Mode&^fs.ModePerm != 0:
		return t.fail("stage", backup.Malformed, nil)
	}
	for name := range strings.SplitSeq(string(it.Key), "/") {
		if name == "" || name == "." || name == ".." || len(name) > maxName || strings.ContainsRune(name, 0) {
			return t.fail("stage", backup.BadName, nil)
		}
	}
	return nil
}

// Stage implements [backup.Restore].
func (t *target) Stage(ctx context.Context, it backup.Item) (backup.Staged, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := t.admit(it); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, t.fail("stage", backup.Unknown, errClosed)
	}
	if !take(&t.dev.free, it.Size) {
		return nil, t.fail("stage", backup.NoSpace, nil)
	}
	if t.looks {
		return nil, t.fail("stage", backup.Unwritable, nil)
	}
	s := &staged{to: t, item: it}
	t.open[s] = struct{}{}
	if it.Type != backup.TypeFile {
		return s, nil
	}
	s.keep = take(&t.dev.keep, it.Size)
	s.temp = tempName(t.dev.temps.Add(1))
	return stagedFile{s}, nil
}

var errForeign = errors.New("it was staged elsewhere")

// Commit implements [backup.Restore].
func (t *target) Commit(ctx context.Context, batch []backup.Staged) []backup.Result {
	res := make([]backup.Result, len(batch))
	for i, one := range batch {
		var s *staged
		switch v := one.(type) {
		case *staged:
			s = v
		case stagedFile:
			s = v.staged
		}
		if s == nil || s.to != t {
			res[i] = backup.Result{Outcome: backup.Failed, Err: t.fail("commit", backup.Unknown, errForeign)}
			continue
		}
		if err := ctx.Err(); err != nil {
			s.Discard() // it never fails
			res[i] = backup.Result{Outcome: backup.Failed, Err: err}
			continue
		}
		res[i] = t.commit(s)
	}
	return res
}

func (t *target) commit(s *staged) backup.Result {
	d, x, err := s.claim()
	if errors.Is(err, errEnded) {
		return backup.Result{Outcome: backup.Failed, Err: err}
	}
	t.forget(s)
	if err != nil {
		s.release()
		return backup.Result{Outcome: backup.Failed, Err: err}
	}
	o, name := t.add(s.item, d, x)
	if o != backup.Added {
		s.release()
	}
	return backup.Result{Outcome: o, Name: name}
}

func (t *target) forget(s *staged) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.open, s)
}

// Close implements [backup.Restore].
func (t *target) Close() error {
	t.mu.Lock()
	left := t.open
	t.open, t.closed = nil, true
	t.mu.Unlock()
	for s := range left {
		s.Discard() // it never fails
	}
	return nil
}
