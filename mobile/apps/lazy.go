package apps

import (
	"context"
	"errors"
	"io/fs"
	"sync"

	"github.com/ferry-move/ferry/mobile/backup"
)

// lazyTarget opens its folders with the first item: a phone to which no app
// comes gets no folder for them.
type lazyTarget struct {
	agent     *Agent
	transport backup.Transport

	once sync.Once
	t    *target
	err  error
}

func (l *lazyTarget) open(ctx context.Context) (*target, error) {
	l.once.Do(func() { l.t, l.err = l.agent.openTarget(context.WithoutCancel(ctx), l.transport) })
	return l.t, l.err
}

// Blank implements [backup.Blank].
func (l *lazyTarget) Blank() bool {
	_, err := l.agent.root.Lstat(Folder)
	return errors.Is(err, fs.ErrNotExist)
}

// Check implements [backup.Checker].
func (l *lazyTarget) Check(ctx context.Context, it backup.Item, prior backup.Prior) backup.Answer {
	t, err := l.open(ctx)
	if err != nil {
		return backup.Answer{Verdict: backup.Refuse, Err: err}
	}
	return t.Check(ctx, it, prior)
}

// Stage implements [backup.Restore].
func (l *lazyTarget) Stage(ctx context.Context, it backup.Item) (backup.Staged, error) {
	t, err := l.open(ctx)
	if err != nil {
		return nil, err
	}
	return t.Stage(ctx, it)
}

// Resume implements [backup.Resumer].
func (l *lazyTarget) Resume(ctx context.Context, it backup.Item, left backup.Leftover) (backup.ResumedFile, bool, error) {
	if !isTempName(left.Name) {
		return nil, false, backup.Fail("resume", Kind, backup.BadName, nil)
	}
	t, err := l.open(ctx)
	if err != nil {
		return nil, false, err
	}
	return t.Resume(ctx, it, left)
}

// Commit implements [backup.Restore].
func (l *lazyTarget) Commit(ctx context.Context, batch []backup.Staged) []backup.Result {
	t, err := l.open(ctx)
	if err != nil {
		results := make([]backup.Result, len(batch))
		for i := range results {
			results[i] = failed(err)
		}
		return results
	}
	return t.Commit(ctx, batch)
}

// RemoveTemp implements [backup.TempRemover].
func (l *lazyTarget) RemoveTemp(ctx context.Context, name string) error {
	if !isTempName(name) {
		return backup.Fail("clean", Kind, backup.BadName, nil)
	}
	t, err := l.open(ctx)
	if err != nil {
		return err
	}
	return t.RemoveTemp(ctx, name)
}

// Finish implements [backup.Finisher].
func (l *lazyTarget) Finish(ctx context.Context) error {
	l.once.Do(func() { l.err = context.Canceled }) // nothing came
	if l.t == nil {
		return nil
	}
	return l.t.Finish(ctx)
}

// Close implements [backup.Restore].
func (l *lazyTarget) Close() error {
	l.once.Do(func() { l.err = context.Canceled })
	if l.t == nil {
		return nil
	}
	return l.t.Close()
}
