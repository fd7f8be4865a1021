package helper

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/entity"
	"github.com/ferry-move/ferry/mobile/android/snapshot"
)

// ErrPrefix says that a prefix cannot be used: it is empty, no text, holds a
// colon, belongs to the framework or is taken.
var ErrPrefix = errors.New("not a prefix for a helper")

// Helper backs up and restores one part of an app (BackupHelper). Its keys have
// no prefix. It may be an [android.Cleaner] too.
type Helper interface {
	// Backup writes what changed since the state that this helper left behind
	// last time (performBackup). b.Old is empty when there was none.
	Backup(ctx context.Context, b android.BackupRequest) error
	// RestoreEntity takes one entity in (restoreEntity). What it leaves unread
	// is skipped. A helper ignores keys that it does not know.
	RestoreEntity(ctx context.Context, e Entity) error
	// WriteState writes the state after a restore (writeNewStateDescription).
	WriteState(w io.Writer) error
}

// Entity is an entity on its way to a helper (BackupDataInputStream).
type Entity struct {
	Key entity.Key
	// Size is the length of Data in bytes.
	Size int64
	Data io.Reader
	// AppVersion is the long version code of the app that was backed up.
	AppVersion int64
}

// Agent is an [android.Agent] made of helpers (BackupAgentHelper). The zero
// value has none.
//
// It backs up nothing for a prefix that its state knows and no helper has any
// more; what was stored under it stays, as on Android.
type Agent struct {
	// Unknown is told the keys of a restore that belong to no helper. They are
	// skipped, as on Android. nil = nobody is told.
	Unknown func(key entity.Key)

	parts []part // ascending as Java sorts the prefixes
}

type part struct {
	prefix entity.Key
	helper Helper
}

// AddHelper adds a helper whose keys get prefix and a colon. It fails with
// [ErrPrefix]. No helper is added while a backup or a restore runs.
func (a *Agent) AddHelper(prefix string, h Helper) error {
	p, err := entity.KeyOf(prefix)
	if err != nil || strings.Contains(prefix, ":") || p.Reserved() || len(p) > entity.MaxKey/2 {
		return ErrPrefix
	}
	i, taken := slices.BinarySearchFunc(a.parts, p, func(q part, p entity.Key) int { return q.prefix.Compare(p) })
	if taken {
		return ErrPrefix
	}
	a.parts = slices.Insert(a.parts, i, part{p, h})
	return nil
}

// find returns the helper of a prefix, nil if there is none.
func (a *Agent) find(prefix entity.Key) Helper {
	for _, p := range a.parts {
		if p.prefix.Compare(prefix) == 0 {
			return p.helper
		}
	}
	return nil
}

// Backup implements [android.Agent]. Helpers run in the order of the old state,
// then those that are not in it, by prefix. A state that makes no sense ends
// there, and the helpers that it does not reach store everything.
func (a *Agent) Backup(ctx context.Context, b android.BackupRequest) error {
	chunks, err := readState(b.Old)
	if err != nil {
		return fmt.Errorf("back up: read the old state: %w", err)
	}
	todo := slices.Clone(a.parts)
	for _, c := range chunks {
		i := slices.IndexFunc(todo, func(p part) bool { return p.prefix.Compare(c.Prefix) == 0 })
		if i < 0 {
			continue
		}
		if err := backup(ctx, todo[i], c.Data, b); err != nil {
			return err
		}
		todo = slices.Delete(todo, i, i+1)
	}
	for _, p := range todo {
		if err := backup(ctx, p, nil, b); err != nil {
			return err
		}
	}
	return nil
}

func readState(old io.Reader) ([]snapshot.Chunk, error) {
	if old == nil {
		return nil, nil
	}
	state, err := snapshot.Read(old)
	if errors.Is(err, snapshot.ErrTooLarge) {
		return nil, nil // no agent wrote this
	}
	return snapshot.ParseChunks(state), err
}

// backup runs one helper and writes its chunk of the new state.
func backup(ctx context.Context, p part, old []byte, b android.BackupRequest) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	var state bytes.Buffer
	err := p.helper.Backup(ctx, android.BackupRequest{
		Old:  bytes.NewReader(old),
		Data: prefixed{b.Data, p.prefix},
		New:  &state,
	})
	if err != nil {
		return err
	}
	chunk, err := snapshot.AppendChunk(nil, snapshot.Chunk{Prefix: p.prefix, Data: state.Bytes()})
	if err == nil {
		_, err = b.New.Write(chunk)
	}
	if err != nil {
		return fmt.Errorf("back up: write the new state: %w", err)
	}
	return nil
}

// prefixed puts a helper's prefix in front of its keys.
type prefixed struct {
	android.EntityOutput
	prefix entity.Key
}

// WriteHeader implements [android.EntityOutput].
func (p prefixed) WriteHeader(key string, size int64) error {
	return p.EntityOutput.WriteHeader(string(entity.Key(key).WithPrefix(p.prefix)), size)
}

// Delete implements [android.EntityOutput].
func (p prefixed) Delete(key string) error {
	return p.EntityOutput.Delete(string(entity.Key(key).WithPrefix(p.prefix)))
}

// Restore implements [android.Agent]. Afterwards the helpers write their states
// one after another without chunk headers. That is what Android does; nobody
// keeps that state, and whoever reads it takes it for none.
func (a *Agent) Restore(ctx context.Context, r android.RestoreRequest) error {
	for {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("restore: %w", err)
		}
		key, size, err := r.Data.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("restore: %w", err)
		}
		prefix, rest, ok := entity.Key(key).CutPrefix()
		var h Helper
		if ok {
			h = a.find(prefix)
		}
		switch {
		case h == nil && a.Unknown != nil:
			a.Unknown(entity.Key(key))
		case h == nil, size < 0: // a complete set has nothing to delete
		default:
			err = h.RestoreEntity(ctx, Entity{Key: rest, Size: size, Data: r.Data, AppVersion: r.AppVersion})
		}
		if err != nil {
			return err
		}
	}
	for _, p := range a.parts {
		if err := p.helper.WriteState(r.New); err != nil {
			return fmt.Errorf("restore: write the new state: %w", err)
		}
	}
	return nil
}

// Clear implements [android.Cleaner]: it clears the helpers that can be.
func (a *Agent) Clear(ctx context.Context) error {
	var errs []error
	for _, p := range a.parts {
		if c, ok := p.helper.(android.Cleaner); ok {
			errs = append(errs, c.Clear(ctx))
		}
	}
	return errors.Join(errs...)
}
