package snapshot

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/ferry-move/ferry/mobile/android/entity"
	"github.com/ferry-move/ferry/mobile/android/mutf8"
)

const (
	// MaxBlob is the largest blob in bytes, before compression.
	MaxBlob = 16 << 20
	// MaxBlobKeys is how many keys a helper of blobs can have.
	MaxBlobKeys = 4096
	// NoBlob is the sum of a key that has no blob.
	NoBlob = -1
)

// BlobSum is what a [BlobState] knows of one key.
type BlobSum struct {
	// Key is the helper's key as a Go string.
	Key string
	// Sum is what [SumOf] returns for the stored payload, or [NoBlob].
	Sum int64
}

// BlobState is the state of a helper of the system that stores blobs. Its
// integers are big-endian, as Java writes them:
//
//	int32 version, int32 number of keys,
//	for each key: uint16 length, the key in modified UTF-8, int64 sum
//
// After a restore the helper writes a state without keys, so that everything
// is stored again.
type BlobState struct {
	// Version is that of the blobs.
	Version int32
	// Sums are in the order of the file, each key once.
	Sums []BlobSum
}

// Sum returns what s knows of a key; false if nothing.
func (s BlobState) Sum(key string) (int64, bool) {
	for _, k := range s.Sums {
		if k.Key == key {
			return k.Sum, true
		}
	}
	return 0, false
}

// AppendBlobState appends a state to dst. It fails with [ErrKey], [ErrTwice] or
// [ErrTooLarge], and returns dst as it was.
func AppendBlobState(dst []byte, s BlobState) ([]byte, error) {
	if len(s.Sums) > MaxBlobKeys {
		return dst, fmt.Errorf("keep the state of blobs: %w", ErrTooLarge)
	}
	b := binary.BigEndian.AppendUint32(dst, uint32(s.Version))
	b = binary.BigEndian.AppendUint32(b, uint32(len(s.Sums)))
	seen := make(map[string]bool, len(s.Sums))
	for _, k := range s.Sums {
		if seen[k.Key] {
			return dst, fmt.Errorf("keep the state of blobs: %w", ErrTwice)
		}
		seen[k.Key] = true
		var err error
		if b, err = mutf8.AppendUTF(b, k.Key); err != nil {
			return dst, fmt.Errorf("keep the state of blobs: %w: %w", ErrKey, err)
		}
		b = binary.BigEndian.AppendUint64(b, uint64(k.Sum))
	}
	if len(b)-len(dst) > MaxState {
		return dst, fmt.Errorf("keep the state of blobs: %w", ErrTooLarge)
	}
	return b, nil
}

// ParseBlobState reads the state that a helper with this version of blobs
// wrote; an empty one is a state without keys. It fails with [ErrNewer] or a
// [*entity.DamageError]; the helper then stores everything.
func ParseBlobState(state []byte, version int32) (BlobState, error) {
	if len(state) == 0 {
		return BlobState{Version: version}, nil
	}
	if len(state) < 8 || len(state) > MaxState {
		return BlobState{}, damage(0, "not a state of blobs", nil)
	}
	s := BlobState{Version: int32(binary.BigEndian.Uint32(state))}
	if s.Version > version {
		return BlobState{}, fmt.Errorf("read the state of blobs: %w", ErrNewer)
	}
	count := int32(binary.BigEndian.Uint32(state[4:]))
	if count < 0 || count > MaxBlobKeys || int(count) > (len(state)-8)/10 { // an entry has 10 bytes at least
		return BlobState{}, damage(4, "more keys than there can be", nil)
	}
	seen := make(map[string]bool)
	rest := state[8:]
	for range count {
		at := len(state) - len(rest)
		key, after, err := mutf8.CutUTF(rest)
		if err != nil {
			return BlobState{}, damage(at, "a key", err)
		}
		if len(after) < 8 {
			return BlobState{}, damage(len(state), "the state ends inside a sum", nil)
		}
		if seen[key] {
			return BlobState{}, damage(at, "a key", ErrTwice)
		}
		seen[key] = true
		s.Sums = append(s.Sums, BlobSum{Key: key, Sum: int64(binary.BigEndian.Uint64(after))})
		rest = after[8:]
	}
	if len(rest) > 0 {
		return BlobState{}, damage(len(state)-len(rest), "bytes after the last key", nil)
	}
	return s, nil
}

// AppendBlob appends a blob's payload: the version as a big-endian int32, then
// the blob as a zlib stream. It fails with [ErrTooLarge] above [MaxBlob], and
// returns dst as it was.
func AppendBlob(dst []byte, version int32, blob []byte) ([]byte, error) {
	if len(blob) > MaxBlob {
		return dst, fmt.Errorf("store a blob: %w", ErrTooLarge)
	}
	b := bytes.NewBuffer(binary.BigEndian.AppendUint32(dst, uint32(version)))
	z := zlib.NewWriter(b)
	_, err := z.Write(blob)
	if err := errors.Join(err, z.Close()); err != nil {
		return dst, fmt.Errorf("store a blob: %w", err)
	}
	return b.Bytes(), nil
}

// SumOf returns the sum of a payload: its CRC-32, or [NoBlob] for none.
func SumOf(payload []byte) int64 {
	if payload == nil {
		return NoBlob
	}
	return int64(crc32.ChecksumIEEE(payload))
}

// ReadBlob reads a payload to its end and returns the blob, which grows as it
// is inflated. It fails with [ErrNewer] if it is newer than version, with
// [ErrTooLarge] if the blob exceeds [MaxBlob], and with a [*entity.DamageError].
func ReadBlob(r io.Reader, version int32) ([]byte, error) {
	var header [4]byte
	if n, err := io.ReadFull(r, header[:]); err != nil {
		return nil, blobError(err, int64(n))
	}
	if v := int32(binary.BigEndian.Uint32(header[:])); v > version {
		return nil, fmt.Errorf("read a blob: %w", ErrNewer)
	}
	in := &counter{r: r, n: int64(len(header))}
	z, err := zlib.NewReader(in)
	if err != nil {
		return nil, blobError(err, in.n)
	}
	blob, err := io.ReadAll(io.LimitReader(z, MaxBlob+1))
	if err != nil {
		return nil, blobError(err, in.n)
	}
	if len(blob) > MaxBlob {
		return nil, fmt.Errorf("read a blob: %w", ErrTooLarge)
	}
	return blob, nil
}

// blobError tells damage from a reader's own error.
func blobError(err error, at int64) error {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &entity.DamageError{Offset: at, What: "it ends inside a blob"}
	case errors.Is(err, zlib.ErrHeader), errors.Is(err, zlib.ErrChecksum), errors.Is(err, zlib.ErrDictionary), errors.As(err, &corrupt):
		return &entity.DamageError{Offset: at, What: "the blob does not decompress"}
	}
	return fmt.Errorf("read a blob: %w", err)
}

// counter counts what is read through it.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
