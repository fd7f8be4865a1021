// Package snapshot reads and writes the states in which Android's backup
// helpers remember what they backed up, and the two payloads that only helpers
// write.
//
//   - An agent made of helpers keeps one [Chunk] for each of them
//     (AOSP BackupHelperDispatcher.java, android_backup_BackupHelperDispatcher.cpp).
//   - FileBackupHelper and SharedPreferencesBackupHelper keep [Files] in theirs,
//     and put a [Meta] before each file's content (AOSP BackupHelpers.cpp).
//   - BlobBackupHelper keeps a [BlobState], and stores compressed blobs
//     (AOSP BlobBackupHelper.java).
//
// A state is a hint: whoever has none backs up everything. The worst moment is
// therefore a state that is read wrongly and believed, since what it claims to
// be stored is not stored again. Whatever does not add up is not used: a chunk
// that cannot be found whole is left out, and a state that does not parse to
// its last byte is an error, upon which the caller goes on without a state, as
// Android does.
//
// States are read into memory; [MaxState] limits them. Nothing is allocated by
// a count or a length before its bytes are there.
package snapshot

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/ferry-move/ferry/mobile/android/entity"
)

// MaxState is the largest state in bytes. A helper with 100,000 files needs
// about a third of it.
const MaxState = 16 << 20

var (
	// ErrTooLarge says that a state or a blob is larger than allowed.
	ErrTooLarge = errors.New("larger than allowed")
	// ErrKey says that a key or a prefix cannot be kept in a state.
	ErrKey = errors.New("not a key that a state can keep")
	// ErrTwice says that a state names a key twice.
	ErrTwice = errors.New("the same key twice")
	// ErrNewer says that a newer version of the program wrote this.
	ErrNewer = errors.New("written by a newer version")
)

// Read reads a whole state, which fails with [ErrTooLarge] above [MaxState].
func Read(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxState+1))
	if err != nil {
		return nil, fmt.Errorf("read a state: %w", err)
	}
	if len(b) > MaxState {
		return nil, fmt.Errorf("read a state: %w", ErrTooLarge)
	}
	return b, nil
}

func damage(at int, what string, cause error) error {
	return &entity.DamageError{Offset: int64(at), What: what, Err: cause}
}

// keepable reports whether a state can keep k.
func keepable(k entity.Key) bool { return len(k) <= entity.MaxKey && k.Valid() }

func padLen(n int) int { return -n & 3 }

// int32At reads a little-endian int32. It is there.
func int32At(b []byte, at int) int32 { return int32(binary.LittleEndian.Uint32(b[at:])) }
