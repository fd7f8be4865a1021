//go:build unix

package main

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
)

// count is what arrived.
type count struct {
	Items int64 `json:"items"`
	Bytes int64 `json:"bytes"`
}

// tally is a phone that counts what arrives and keeps nothing.
type tally struct {
	items, bytes atomic.Int64
}

// Agents implements mobile.Device.
func (t *tally) Agents() (out []backup.Agent) {
	for _, k := range fakephone.Kinds() {
		out = append(out, tallyAgent{t, k})
	}
	return out
}

// Free implements mobile.Device.
func (*tally) Free() (int64, error) { return 1 << 60, nil }

// Close implements mobile.Device.
func (*tally) Close() error { return nil }

type tallyAgent struct {
	t    *tally
	info backup.Info
}

// Info implements backup.Agent.
func (a tallyAgent) Info() backup.Info { return a.info }

// Backup implements backup.Agent.
func (tallyAgent) Backup(context.Context, backup.Transport) (backup.Backup, error) {
	return nil, errors.New("it keeps nothing")
}

// Restore implements backup.Agent.
func (a tallyAgent) Restore(context.Context, backup.Transport) (backup.Restore, error) { return a, nil }

// Stage implements backup.Restore.
func (a tallyAgent) Stage(_ context.Context, it backup.Item) (backup.Staged, error) {
	return &tallied{item: it}, nil
}

// Commit implements backup.Restore.
func (a tallyAgent) Commit(_ context.Context, batch []backup.Staged) []backup.Result {
	out := make([]backup.Result, len(batch))
	for i, s := range batch {
		f, ok := s.(*tallied)
		if !ok || f.item.Type == backup.TypeFile && f.written.Load() != f.item.Size {
			out[i] = backup.Result{Outcome: backup.Failed, Err: backup.Fail("commit", a.info.Kind, backup.Damaged, nil)}
			continue
		}
		if f.item.Type != backup.TypeDirectory {
			a.t.items.Add(1)
			a.t.bytes.Add(f.item.Size)
		}
		out[i].Outcome = backup.Added
	}
	return out
}

// Close implements backup.Restore.
func (tallyAgent) Close() error { return nil }

type tallied struct {
	item    backup.Item
	written atomic.Int64
}

// WriteAt implements io.WriterAt.
func (f *tallied) WriteAt(p []byte, _ int64) (int, error) {
	f.written.Add(int64(len(p)))
	return len(p), nil
}

// Discard implements backup.Staged.
func (*tallied) Discard() error { return nil }
