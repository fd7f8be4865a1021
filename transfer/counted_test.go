package transfer_test

import (
	"context"
	"io"
	"sync/atomic"

	"github.com/ferry-move/ferry/mobile/backup"
)

// reads counts what is read on either side.
type reads struct{ src, dst atomic.Int64 }

func (r *reads) agents(agents []backup.Agent, n *atomic.Int64) (all []backup.Agent) {
	for _, a := range agents {
		all = append(all, countedAgent{a, n})
	}
	return all
}

type countedAgent struct {
	backup.Agent
	n *atomic.Int64
}

func (a countedAgent) Backup(ctx context.Context, t backup.Transport) (backup.Backup, error) {
	b, err := a.Agent.Backup(ctx, t)
	return countedBackup{b, a.n}, err
}

func (a countedAgent) Restore(ctx context.Context, t backup.Transport) (backup.Restore, error) {
	r, err := a.Agent.Restore(ctx, t)
	if _, ok := r.(backup.Resumer); !ok || err != nil {
		return r, err
	}
	return countedRestore{r, a.n}, nil
}

type countedBackup struct {
	backup.Backup
	n *atomic.Int64
}

func (b countedBackup) Open(ctx context.Context, it backup.Item, off int64) (io.ReadCloser, error) {
	r, err := b.Backup.Open(ctx, it, off)
	return countedReader{r, b.n}, err
}

type countedReader struct {
	io.ReadCloser
	n *atomic.Int64
}

func (r countedReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.n.Add(int64(n))
	return n, err
}

// countedRestore is a restore of files.
type countedRestore struct {
	backup.Restore
	n *atomic.Int64
}

func (r countedRestore) Check(ctx context.Context, it backup.Item, p backup.Prior) backup.Answer {
	return r.Restore.(backup.Checker).Check(ctx, it, p)
}

func (r countedRestore) RemoveTemp(ctx context.Context, name string) error {
	return r.Restore.(backup.TempRemover).RemoveTemp(ctx, name)
}

func (r countedRestore) Finish(ctx context.Context) error {
	if f, ok := r.Restore.(backup.Finisher); ok {
		return f.Finish(ctx)
	}
	return nil
}

func (r countedRestore) Resume(ctx context.Context, it backup.Item, l backup.Leftover) (backup.ResumedFile, bool, error) {
	f, touched, err := r.Restore.(backup.Resumer).Resume(ctx, it, l)
	if err != nil {
		return nil, false, err
	}
	return countedFile{f, r.n}, touched, nil
}

func (r countedRestore) Commit(ctx context.Context, batch []backup.Staged) []backup.Result {
	plain := make([]backup.Staged, len(batch))
	for i, s := range batch {
		plain[i] = s
		if f, ok := s.(countedFile); ok {
			plain[i] = f.ResumedFile
		}
	}
	return r.Restore.Commit(ctx, plain)
}

type countedFile struct {
	backup.ResumedFile
	n *atomic.Int64
}

func (f countedFile) ReadAt(p []byte, off int64) (int, error) {
	f.n.Add(int64(len(p)))
	return f.ResumedFile.ReadAt(p, off)
}

func (f countedFile) TempName() string { return f.ResumedFile.(backup.TempNamer).TempName() }

func (f countedFile) Sync(n int64) (backup.Leftover, error) {
	return f.ResumedFile.(backup.Keeper).Sync(n)
}

func (f countedFile) Keep(n int64) (backup.Leftover, error) {
	return f.ResumedFile.(backup.Keeper).Keep(n)
}
