package backuptest

import (
	"context"

	"github.com/ferry-move/ferry/mobile/backup"
)

// unchecked is an agent whose target cannot be asked beforehand.
type unchecked struct{ backup.Agent }

// Restore implements [backup.Agent].
func (a unchecked) Restore(ctx context.Context, t backup.Transport) (backup.Restore, error) {
	r, err := a.Agent.Restore(ctx, t)
	if err != nil {
		return nil, err
	}
	if f, ok := r.(backup.Finisher); ok {
		return struct {
			backup.Restore
			backup.Finisher
		}{r, f}, nil
	}
	return struct{ backup.Restore }{r}, nil
}

// rebatched is an agent whose target commits at most n items together.
type rebatched struct {
	backup.Agent
	n int
}

// Restore implements [backup.Agent].
func (a rebatched) Restore(ctx context.Context, t backup.Transport) (backup.Restore, error) {
	r, err := a.Agent.Restore(ctx, t)
	if err != nil {
		return nil, err
	}
	return &small{Restore: r, n: a.n}, nil
}

type small struct {
	backup.Restore
	n int
}

// Commit implements [backup.Restore].
func (s *small) Commit(ctx context.Context, batch []backup.Staged) (res []backup.Result) {
	for len(batch) > 0 {
		n := min(s.n, len(batch))
		res = append(res, s.Restore.Commit(ctx, batch[:n])...)
		batch = batch[n:]
	}
	return res
}

// Check implements [backup.Checker].
func (s *small) Check(ctx context.Context, it backup.Item, p backup.Prior) backup.Answer {
	if c, ok := s.Restore.(backup.Checker); ok {
		return c.Check(ctx, it, p)
	}
	return backup.Answer{Verdict: backup.Need}
}

// Finish implements [backup.Finisher].
func (s *small) Finish(ctx context.Context) error {
	if f, ok := s.Restore.(backup.Finisher); ok {
		return f.Finish(ctx)
	}
	return nil
}
