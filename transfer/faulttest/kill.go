package faulttest

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/ferry-move/ferry/mobile/backup"
)

// ErrKilled is what calls return after the kill.
var ErrKilled = errors.New("the process was killed")

// Kill stops the receiving phone's process at one moment: before a call to an
// agent, after it, or when an agent notes what it is about to make. Calls come
// one at a time, so that nothing changes on the disk while Now looks at it.
// After the kill every call fails, and changes nothing that Now has seen.
type Kill struct {
	// Nth is the moment, counted from 1. 0 = never.
	Nth int
	// Now is called at that moment. The session should end then.
	Now func()

	mu     sync.Mutex // held during each call
	count  int        // guarded by mu
	killed bool       // guarded by mu
}

// Moments is how many moments there were.
func (k *Kill) Moments() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.count
}

// Agents wraps a phone's agents.
func (k *Kill) Agents(agents []backup.Agent) []backup.Agent {
	all := make([]backup.Agent, len(agents))
	for i, a := range agents {
		all[i] = mortal{a, k}
	}
	return all
}

// moment is called with mu held.
func (k *Kill) moment() {
	if k.killed {
		return
	}
	if k.count++; k.count == k.Nth {
		k.killed = true
		k.Now()
	}
}

// call runs f between two moments, unless the process is dead before.
func (k *Kill) call(f func()) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.moment()
	if k.killed {
		return ErrKilled
	}
	f()
	k.moment()
	if k.killed {
		return ErrKilled
	}
	return nil
}

// mortal is an agent of a process that is killed.
type mortal struct {
	backup.Agent
	k *Kill
}

func (m mortal) Restore(ctx context.Context, t backup.Transport) (backup.Restore, error) {
	if t.Notes != nil {
		t.Notes = mortalNotes{t.Notes, m.k}
	}
	r, err := m.Agent.Restore(ctx, t)
	if err != nil {
		return nil, err
	}
	return mortalRestore{target{r, new(Disk)}, m.k}, nil
}

// mortalNotes are told in the middle of a call.
type mortalNotes struct {
	backup.Notes
	k *Kill
}

func (n mortalNotes) Making(path string) {
	n.k.moment()
	n.Notes.Making(path)
	n.k.moment()
}

// mortalRestore has every optional power, as target does.
type mortalRestore struct {
	target
	k *Kill
}

func (r mortalRestore) Stage(ctx context.Context, it backup.Item) (s backup.Staged, err error) {
	kerr := r.k.call(func() { s, err = r.target.Stage(ctx, it) })
	if kerr != nil {
		return nil, kerr
	}
	if f, ok := s.(staged); ok && err == nil {
		return mortalFile{f, r.k}, nil
	}
	return s, err
}

func (r mortalRestore) Resume(ctx context.Context, it backup.Item, l backup.Leftover) (f backup.ResumedFile, touched bool, err error) {
	kerr := r.k.call(func() { f, touched, err = r.target.Resume(ctx, it, l) })
	if kerr != nil {
		return nil, false, kerr
	}
	if s, ok := f.(staged); ok && err == nil {
		return mortalFile{s, r.k}, touched, nil
	}
	return f, touched, err
}

func (r mortalRestore) Commit(ctx context.Context, batch []backup.Staged) (res []backup.Result) {
	inner := make([]backup.Staged, len(batch))
	for i, s := range batch {
		inner[i] = s
		if f, ok := s.(mortalFile); ok {
			inner[i] = f.staged
		}
	}
	if err := r.k.call(func() { res = r.target.Commit(ctx, inner) }); err == nil {
		return res
	}
	res = make([]backup.Result, len(batch))
	for i := range res {
		res[i] = backup.Result{Outcome: backup.Failed, Err: ErrKilled}
	}
	return res
}

func (r mortalRestore) RemoveTemp(ctx context.Context, name string) (err error) {
	return errors.Join(r.k.call(func() { err = r.target.RemoveTemp(ctx, name) }), err)
}

func (r mortalRestore) Finish(ctx context.Context) (err error) {
	return errors.Join(r.k.call(func() { err = r.target.Finish(ctx) }), err)
}

// Close always closes: what it removes was seen before.
func (r mortalRestore) Close() error {
	r.k.mu.Lock()
	defer r.k.mu.Unlock()
	return r.target.Close()
}

type mortalFile struct {
	staged
	k *Kill
}

var (
	_ backup.Keeper    = mortalFile{}
	_ backup.TempNamer = mortalFile{}
	_ io.ReaderAt      = mortalFile{}
)

func (f mortalFile) WriteAt(p []byte, off int64) (n int, err error) {
	if kerr := f.k.call(func() { n, err = f.staged.WriteAt(p, off) }); kerr != nil {
		return 0, kerr
	}
	return n, err
}

func (f mortalFile) Discard() (err error) {
	return errors.Join(f.k.call(func() { err = f.staged.Discard() }), err)
}

func (f mortalFile) Sync(n int64) (l backup.Leftover, err error) {
	if kerr := f.k.call(func() { l, err = f.staged.Sync(n) }); kerr != nil {
		return backup.Leftover{}, kerr
	}
	return l, err
}

func (f mortalFile) Keep(n int64) (l backup.Leftover, err error) {
	if kerr := f.k.call(func() { l, err = f.staged.Keep(n) }); kerr != nil {
		return backup.Leftover{}, kerr
	}
	return l, err
}
