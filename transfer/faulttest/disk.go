package faulttest

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"syscall"

	"github.com/ferry-move/ferry/mobile/backup"
)

// Op is a call to an agent that a Disk may fail.
type Op int

const (
	Open   Op = iota // Backup.Open
	Read             // a read of what it opened
	Check            // Checker.Check: the item is refused
	Stage            // Restore.Stage
	Write            // StagedFile.WriteAt: half of the bytes are written
	Commit           // Restore.Commit: the batch is dropped, or given back if the disk is full
	Sync             // Keeper.Sync
	Keep             // Keeper.Keep: what was staged is dropped
	Resume           // Resumer.Resume
	Ops              // how many there are
)

// Disk makes one call fail, or that and all later ones, as on a disk that is
// full or taken out.
type Disk struct {
	// Op and Nth say which call fails, counted from 1. 0 = none.
	Op  Op
	Nth int64
	// Onward makes the calls after it fail too.
	Onward bool
	// Doubt tells that a full disk may have lost what a Commit gives back, and
	// zeroes the first byte of it if Lose is set too.
	Doubt, Lose bool
	// Err is what it fails with. nil = syscall.ENOSPC.
	Err error

	calls atomic.Int64
	freed atomic.Bool
}

// Free ends the fault, as when somebody frees space.
func (d *Disk) Free() { d.freed.Store(true) }

// Agents wraps a phone's agents. They share the count of calls.
func (d *Disk) Agents(agents []backup.Agent) []backup.Agent {
	all := make([]backup.Agent, len(agents))
	for i, a := range agents {
		all[i] = agent{a, d}
	}
	return all
}

// Hit reports whether the call that fails came.
func (d *Disk) Hit() bool { return d.Nth > 0 && d.calls.Load() >= d.Nth }

func (d *Disk) call(op Op) error {
	if op != d.Op || d.Nth <= 0 || d.freed.Load() {
		return nil
	}
	if n := d.calls.Add(1); n < d.Nth || n > d.Nth && !d.Onward {
		return nil
	}
	if d.Err != nil {
		return d.Err
	}
	return syscall.ENOSPC
}

type agent struct {
	backup.Agent
	d *Disk
}

func (a agent) Backup(ctx context.Context, t backup.Transport) (backup.Backup, error) {
	b, err := a.Agent.Backup(ctx, t)
	if err != nil {
		return nil, err
	}
	return source{b, a.d}, nil
}

func (a agent) Restore(ctx context.Context, t backup.Transport) (backup.Restore, error) {
	r, err := a.Agent.Restore(ctx, t)
	if err != nil {
		return nil, err
	}
	return target{r, a.d}, nil
}

type source struct {
	backup.Backup
	d *Disk
}

func (s source) Open(ctx context.Context, it backup.Item, off int64) (io.ReadCloser, error) {
	if err := s.d.call(Open); err != nil {
		return nil, err
	}
	r, err := s.Backup.Open(ctx, it, off)
	if err != nil {
		return nil, err
	}
	return reader{r, s.d}, nil
}

type reader struct {
	io.ReadCloser
	d *Disk
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.d.call(Read); err != nil {
		return 0, err
	}
	return r.ReadCloser.Read(p)
}

// target has every optional power; what the kind itself lacks it answers as if
// it had not asked.
type target struct {
	backup.Restore
	d *Disk
}

func (t target) Check(ctx context.Context, it backup.Item, p backup.Prior) backup.Answer {
	if err := t.d.call(Check); err != nil {
		return backup.Answer{Verdict: backup.Refuse, Err: err}
	}
	if c, ok := t.Restore.(backup.Checker); ok {
		return c.Check(ctx, it, p)
	}
	return backup.Answer{Verdict: backup.Need}
}

func (t target) Finish(ctx context.Context) error {
	if f, ok := t.Restore.(backup.Finisher); ok {
		return f.Finish(ctx)
	}
	return nil
}

func (t target) RemoveTemp(ctx context.Context, name string) error {
	if r, ok := t.Restore.(backup.TempRemover); ok {
		return r.RemoveTemp(ctx, name)
	}
	return backup.BadName
}

func (t target) Resume(ctx context.Context, it backup.Item, l backup.Leftover) (backup.ResumedFile, bool, error) {
	r, ok := t.Restore.(backup.Resumer)
	if !ok {
		return nil, false, backup.Unsupported
	}
	if err := t.d.call(Resume); err != nil {
		return nil, false, err
	}
	f, touched, err := r.Resume(ctx, it, l)
	if err != nil {
		return nil, false, err
	}
	return staged{f, t.d, new(atomic.Bool)}, touched, nil
}

func (t target) Stage(ctx context.Context, it backup.Item) (backup.Staged, error) {
	if err := t.d.call(Stage); err != nil {
		return nil, err
	}
	s, err := t.Restore.Stage(ctx, it)
	if f, ok := s.(backup.StagedFile); ok && err == nil {
		return staged{f, t.d, new(atomic.Bool)}, nil
	}
	return s, err
}

func (t target) Commit(ctx context.Context, batch []backup.Staged) []backup.Result {
	inner := make([]backup.Staged, len(batch))
	for i, s := range batch {
		inner[i] = s
		if f, ok := s.(staged); ok {
			inner[i] = f.StagedFile
		}
	}
	err := t.d.call(Commit)
	if err == nil {
		return t.Restore.Commit(ctx, inner)
	}
	res := make([]backup.Result, len(batch))
	for i, s := range inner {
		if f, ok := batch[i].(staged); ok && backup.ReasonOf(err) == backup.NoSpace {
			f.back.Store(true)
			if t.d.Lose {
				f.StagedFile.WriteAt([]byte{0}, 0) // an empty file refuses it
			}
		} else {
			s.Discard() // as the contract has it: Commit owns them, whatever the result
		}
		res[i] = backup.Result{Outcome: backup.Failed, Err: err}
	}
	return res
}

type staged struct {
	backup.StagedFile
	d    *Disk
	back *atomic.Bool // a Commit that was made to fail left it staged
}

// Uncommitted implements backup.Recommitter.
func (s staged) Uncommitted() (still, doubtful bool) {
	if s.back.Swap(false) {
		return true, s.d.Doubt
	}
	if r, ok := s.StagedFile.(backup.Recommitter); ok {
		return r.Uncommitted()
	}
	return false, false
}

func (s staged) WriteAt(p []byte, off int64) (int, error) {
	if err := s.d.call(Write); err != nil {
		n, _ := s.StagedFile.WriteAt(p[:len(p)/2], off)
		return n, err
	}
	return s.StagedFile.WriteAt(p, off)
}

// TempName passes the temporary name on; empty where there is none.
func (s staged) TempName() string {
	if t, ok := s.StagedFile.(backup.TempNamer); ok {
		return t.TempName()
	}
	return ""
}

func (s staged) Sync(n int64) (backup.Leftover, error) {
	k, ok := s.StagedFile.(backup.Keeper)
	if !ok {
		return backup.Leftover{}, backup.Unsupported
	}
	if err := s.d.call(Sync); err != nil {
		return backup.Leftover{}, err
	}
	return k.Sync(n)
}

func (s staged) Keep(n int64) (backup.Leftover, error) {
	k, ok := s.StagedFile.(backup.Keeper)
	if !ok {
		return backup.Leftover{}, backup.Unsupported
	}
	if err := s.d.call(Keep); err != nil {
		return backup.Leftover{}, errors.Join(err, s.Discard())
	}
	return k.Keep(n)
}

// ReadAt passes on what a file that was resumed can do.
func (s staged) ReadAt(p []byte, off int64) (int, error) {
	if r, ok := s.StagedFile.(io.ReaderAt); ok {
		return r.ReadAt(p, off)
	}
	return 0, backup.Unsupported
}
