// Package entity reads and writes the stream of key/value records that
// Android's backup agents produce (AOSP BackupData.cpp, BackupHelpers.h;
// android.app.backup.BackupDataOutput and BackupDataInput).
//
// A stream has no header of its own. Integers are little-endian int32, and
// everything is aligned to four bytes from the start of the stream:
//
//	 0  44 61 74 61   "Data"
//	 4  key length    in bytes, without the NUL; 1 to 65535 here
//	 8  data size     in bytes, without padding; negative = delete this key
//	12  key           modified UTF-8
//	    00            then BC up to the next multiple of 4
//	    data          then BC up to the next multiple of 4,
//	                  but only if another record follows
//
// The same key may occur again: records are applied in order. The value of
// padding bytes is ignored on the way in, as Android does.
//
// Both directions stream: a value of a gibibyte passes through the fixed
// buffer of a [Reader] or a [Writer], and nothing but the key is allocated.
//
// The worst moment is a stream that ends, or stops making sense, inside a
// record: there is no way to find the next one. A Reader then reports the
// offset in a [*DamageError] and never returns another record, and a Writer
// whose caller broke its promise about a size writes nothing more.
package entity

import (
	"errors"
	"fmt"
	"math"

	"github.com/ferry-move/ferry/mobile/android/mutf8"
)

const (
	magic      = 0x61746144 // "Data"
	headerSize = 12
	padding    = "\xBC\xBC\xBC"
	align      = 4
)

const (
	// MaxKey is the longest key in bytes. Android has no limit; this one is
	// the longest text that Java's writeUTF can hold, so every key fits the
	// states in which agents remember their keys, and a reader's buffer.
	MaxKey = mutf8.MaxUTF
	// MaxData is the size in bytes that a value may have where [Limits] do
	// not say otherwise: 1 GiB. The format itself ends at 2 GiB.
	MaxData = 1 << 30
)

// Limits are the sizes that a stream may have. The zero value is the default.
type Limits struct {
	// Key is the longest key in bytes. 0 = [MaxKey], which is also the most.
	Key int
	// Data is the largest value in bytes. 0 = [MaxData]; the most is 2 GiB - 1.
	Data int64
}

// whole returns l with its defaults filled in.
func (l Limits) whole() Limits {
	if l.Key <= 0 || l.Key > MaxKey {
		l.Key = MaxKey
	}
	if l.Data <= 0 {
		l.Data = MaxData
	}
	l.Data = min(l.Data, math.MaxInt32)
	return l
}

// ErrLimit says that a key or a value is larger than the [Limits].
var ErrLimit = errors.New("larger than allowed")

// DamageError tells where bytes are not what they should be.
type DamageError struct {
	// Offset counts bytes from the start of what was read.
	Offset int64
	// What is a short phrase. It quotes nothing of the input.
	What string
	// Err is the cause, such as [ErrLimit], or nil.
	Err error
}

// Error implements error.
func (e *DamageError) Error() string {
	s := fmt.Sprintf("damaged at byte %d: %s", e.Offset, e.What)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *DamageError) Unwrap() error { return e.Err }

func padLen(n int64) int { return int(-n & (align - 1)) }
