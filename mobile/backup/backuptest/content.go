package backuptest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/ferry-move/ferry/mobile/backup"
	"lukechampine.com/blake3"
)

// d2d is how the suite opens agents.
var d2d = backup.Transport{Flags: backup.FlagDeviceToDeviceTransfer | backup.FlagClientSideEncryptionEnabled}

// full is an item with its content.
type full struct {
	backup.Item
	content []byte
}

func (f full) digest() backup.Digest { return blake3.Sum256(f.content) }

// held is all that an agent has: the items that can be read, and how many
// cannot.
type held struct {
	items  []full
	failed int
}

// load reads everything that a has.
func load(ctx context.Context, a backup.Agent) (held, error) {
	var h held
	err := reading(ctx, a, func(b backup.Backup) error {
		for it, err := range b.Items(ctx) {
			f := full{Item: it}
			if err == nil {
				f.content, err = content(ctx, b, it, 0)
			}
			if err != nil {
				h.failed++
				continue
			}
			h.items = append(h.items, f)
		}
		return ctx.Err()
	})
	return h, err
}

// reading opens a, calls f and closes.
func reading(ctx context.Context, a backup.Agent, f func(backup.Backup) error) error {
	b, err := a.Backup(ctx, d2d)
	if err != nil {
		return fmt.Errorf("open for reading: %w", err)
	}
	err = f(b)
	if cerr := b.Close(); err == nil && cerr != nil {
		err = fmt.Errorf("close the backup: %w", cerr)
	}
	return err
}

// restoring opens a, calls f and closes.
func restoring(ctx context.Context, a backup.Agent, f func(backup.Restore) error) error {
	r, err := a.Restore(ctx, d2d)
	if err != nil {
		return fmt.Errorf("open for taking in: %w", err)
	}
	err = f(r)
	if cerr := r.Close(); err == nil && cerr != nil {
		err = fmt.Errorf("close the restore: %w", cerr)
	}
	return err
}

// content returns what is in an item from offset off on.
func content(ctx context.Context, b backup.Backup, it backup.Item, off int64) ([]byte, error) {
	if it.Type != backup.TypeFile {
		return it.Value, nil
	}
	r, err := b.Open(ctx, it, off)
	if err != nil {
		return nil, err
	}
	all, err := io.ReadAll(r)
	return all, errors.Join(err, r.Close())
}

// stage stages an item with its content.
func stage(ctx context.Context, r backup.Restore, f full) (backup.Staged, error) {
	s, err := r.Stage(ctx, f.Item)
	if err != nil || f.Type != backup.TypeFile {
		return s, err
	}
	w, ok := s.(backup.StagedFile)
	if !ok {
		return nil, errors.New("a staged file is no StagedFile")
	}
	if len(f.content) > 0 {
		_, err = w.WriteAt(f.content, 0)
	}
	return s, err
}

// put stages items and commits them together.
func put(ctx context.Context, r backup.Restore, items ...full) ([]backup.Result, error) {
	batch := make([]backup.Staged, len(items))
	for i, f := range items {
		var err error
		if batch[i], err = stage(ctx, r, f); err != nil {
			return nil, fmt.Errorf("stage item %d: %w", i, err)
		}
	}
	return commit(ctx, r, batch)
}

// commit commits and checks what every commit must return.
func commit(ctx context.Context, r backup.Restore, batch []backup.Staged) ([]backup.Result, error) {
	res := r.Commit(ctx, batch)
	if len(res) != len(batch) {
		return nil, fmt.Errorf("commit of %d items gave %d results", len(batch), len(res))
	}
	for i, one := range res {
		switch {
		case !one.Outcome.Valid():
			return nil, fmt.Errorf("result %d has no outcome", i)
		case (one.Outcome == backup.Failed) != (one.Err != nil):
			return nil, fmt.Errorf("result %d is %s with error %v", i, one.Outcome, one.Err)
		}
	}
	return res, nil
}

// same says how what a target holds differs from what it should.
func same(e Env, want, got held) error {
	if got.failed > 0 {
		return fmt.Errorf("%d items of the target cannot be read", got.failed)
	}
	index := map[backup.Key]full{}
	for _, f := range got.items {
		n := e.normal(f)
		if _, twice := index[n.Key]; twice {
			return errors.New("the target holds two items of one key")
		}
		index[n.Key] = n
	}
	parents := map[backup.Key]bool{}
	for i, f := range want.items {
		w := e.normal(f)
		g, ok := index[w.Key]
		if !ok {
			return fmt.Errorf("item %d of %d is missing", i, len(want.items))
		}
		if what := differ(w, g); what != "" {
			return fmt.Errorf("item %d came back with another %s", i, what)
		}
		delete(index, w.Key)
		for j := range len(w.Key) {
			if w.Key[j] == '/' {
				parents[w.Key[:j]] = true
			}
		}
	}
	// What is left may only be folders that other items needed.
	maps.DeleteFunc(index, func(k backup.Key, f full) bool {
		return f.Type == backup.TypeDirectory && parents[k]
	})
	if len(index) > 0 {
		return fmt.Errorf("the target holds %d items that nobody gave it", len(index))
	}
	return nil
}

func (e *Env) normal(f full) full {
	if e.Normal == nil {
		return f
	}
	f.Item = e.Normal(f.Item)
	if f.Type == backup.TypeEntity {
		f.content = f.Value
	}
	return f
}

func differ(want, got full) string {
	switch {
	case want.Type != got.Type:
		return "type"
	case want.Type == backup.TypeDirectory:
		return ""
	case want.Size != got.Size:
		return "size"
	case !slices.Equal(want.content, got.content):
		return "content"
	case want.Type == backup.TypeFile && !want.ModTime.IsZero() && !want.ModTime.Equal(got.ModTime):
		return "time"
	}
	return ""
}

// holds loads a target and compares it.
func holds(ctx context.Context, e Env, want held, target backup.Agent) error {
	got, err := load(ctx, target)
	if err != nil {
		return err
	}
	return same(e, want, got)
}

// readable loads the source and insists that there is something.
func readable(ctx context.Context, e Env) (held, error) {
	h, err := load(ctx, e.Source)
	if err == nil && len(h.items) < 3 {
		err = fmt.Errorf("the source has %d readable items; the suite needs three", len(h.items))
	}
	return h, err
}

// files returns at most n files of h, the largest first.
func (h held) files(n int) []full {
	fs := slices.Clone(h.items)
	fs = slices.DeleteFunc(fs, func(f full) bool { return f.Type != backup.TypeFile })
	slices.SortStableFunc(fs, func(a, b full) int { return len(b.content) - len(a.content) })
	return fs[:min(n, len(fs))]
}

// solid returns what is not a directory.
func (h held) solid() []full {
	return slices.DeleteFunc(slices.Clone(h.items), func(f full) bool { return f.Type == backup.TypeDirectory })
}
