package helper

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/entity"
	"github.com/ferry-move/ferry/mobile/android/snapshot"
)

// BlobStore holds a program's blobs, pieces of at most [snapshot.MaxBlob] bytes.
type BlobStore interface {
	// Payload returns the blob of a key (getBackupPayload), nil if there is
	// none. An empty one is a blob too.
	Payload(ctx context.Context, key string) ([]byte, error)
	// Apply takes a blob in (applyRestoredPayload).
	Apply(ctx context.Context, key string, blob []byte) error
}

// Blob is the helper of a program that hands out blobs (BlobBackupHelper).
type Blob struct {
	version int32
	keys    []entity.Key
	names   []string
	store   BlobStore
}

// NewBlob returns the helper of the blobs with these keys. version is that of
// their content: data of a newer one fails a restore, where Android would apply
// nothing and say nothing. It fails with [ErrName].
func NewBlob(version int32, store BlobStore, keys ...string) (*Blob, error) {
	b := &Blob{version: version, store: store}
	if len(keys) > snapshot.MaxBlobKeys {
		return nil, ErrName
	}
	for _, name := range keys {
		key, err := entity.KeyOf(name)
		if err != nil || len(key) > entity.MaxKey/2 || slices.Contains(b.names, name) {
			return nil, ErrName
		}
		b.keys, b.names = append(b.keys, key), append(b.names, name)
	}
	return b, nil
}

// Backup implements [Helper]. A key that the old state does not have and that
// has no blob is deleted, as Android does.
func (b *Blob) Backup(ctx context.Context, r android.BackupRequest) error {
	before, err := b.readState(r.Old)
	if err != nil {
		return fmt.Errorf("back up blobs: read the old state: %w", err)
	}
	after := snapshot.BlobState{Version: b.version}
	for i, name := range b.names {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("back up blobs: %w", err)
		}
		blob, err := b.store.Payload(ctx, name)
		if err != nil {
			return fmt.Errorf("back up blobs: %w", err)
		}
		var payload []byte
		if blob != nil {
			if payload, err = snapshot.AppendBlob(nil, b.version, blob); err != nil {
				return fmt.Errorf("back up blobs: %w", err)
			}
		}
		sum := snapshot.SumOf(payload)
		after.Sums = append(after.Sums, snapshot.BlobSum{Key: name, Sum: sum})
		if old, ok := before.Sum(name); ok && old == sum {
			continue
		}
		if err := put(r.Data, string(b.keys[i]), payload); err != nil {
			return fmt.Errorf("back up blobs: %w", err)
		}
	}
	return b.writeState(r.New, after)
}

// put writes an entity, or the deletion of it if there is no payload.
func put(out android.EntityOutput, key string, payload []byte) error {
	if payload == nil {
		return out.Delete(key)
	}
	if err := out.WriteHeader(key, int64(len(payload))); err != nil {
		return err
	}
	_, err := out.Write(payload)
	return err
}

func (b *Blob) readState(old io.Reader) (snapshot.BlobState, error) {
	if old == nil {
		return snapshot.BlobState{}, nil
	}
	state, err := snapshot.Read(old)
	if err != nil && !errors.Is(err, snapshot.ErrTooLarge) {
		return snapshot.BlobState{}, err
	}
	before, err := snapshot.ParseBlobState(state, b.version)
	if err != nil {
		return snapshot.BlobState{}, nil // as if there were none: everything is stored
	}
	return before, nil
}

func (b *Blob) writeState(w io.Writer, s snapshot.BlobState) error {
	state, err := snapshot.AppendBlobState(nil, s)
	if err == nil {
		_, err = w.Write(state)
	}
	if err != nil {
		return fmt.Errorf("write the state of blobs: %w", err)
	}
	return nil
}

// RestoreEntity implements [Helper].
func (b *Blob) RestoreEntity(ctx context.Context, e Entity) error {
	name, err := e.Key.Text()
	if err != nil || !slices.Contains(b.names, name) {
		return nil // none of this helper's
	}
	blob, err := snapshot.ReadBlob(e.Data, b.version)
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = b.store.Apply(ctx, name, blob)
	}
	if err != nil {
		return fmt.Errorf("restore a blob: %w", err)
	}
	return nil
}

// WriteState implements [Helper]: the next pass stores everything.
func (b *Blob) WriteState(w io.Writer) error {
	return b.writeState(w, snapshot.BlobState{Version: b.version})
}

// Clear implements [android.Cleaner] if the store does.
func (b *Blob) Clear(ctx context.Context) error {
	if c, ok := b.store.(android.Cleaner); ok {
		return c.Clear(ctx)
	}
	return nil
}
