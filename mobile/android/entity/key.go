package entity

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ferry-move/ferry/mobile/android/mutf8"
)

// Key names a record. It holds the bytes of the stream, modified UTF-8, so that
// what was read is written again as it was; a key in ASCII looks the same in a
// Go string. A character above U+FFFF may have Java's six bytes or the four of
// Android's native code: Android takes both for the same key, and so does
// [Key.Compare].
type Key string

var (
	// ErrKey says that a key is empty or not modified UTF-8.
	ErrKey = errors.New("not a key")
	// ErrReserved says that an ordinary agent used a key of the framework.
	ErrReserved = errors.New("a key reserved for the system")
)

// reserved is the first UTF-16 unit of the keys that belong to the framework.
const reserved = 0xFF00

// KeyOf returns the key for a text. A text that is empty or not UTF-8 fails
// with [ErrKey].
func KeyOf(text string) (Key, error) {
	b, err := mutf8.Append(nil, text)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrKey, err)
	}
	if len(b) == 0 {
		return "", ErrKey
	}
	return Key(b), nil
}

// Text returns the key as a Go string; half of a surrogate pair in it is kept
// as package mutf8 describes. It fails with [ErrKey] if k is not valid.
func (k Key) Text() (string, error) {
	s, err := mutf8.DecodeJNI([]byte(k))
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrKey, err)
	}
	return s, nil
}

// Valid reports whether k can stand in a stream, its length apart.
func (k Key) Valid() bool { return k != "" && mutf8.ValidJNI(string(k)) }

// Reserved reports whether k belongs to the framework: its first UTF-16 unit is
// U+FF00 or above. Only the system's own agents may use such keys.
func (k Key) Reserved() bool {
	u, ok := mutf8.FirstUnit(string(k))
	return ok && u >= reserved
}

// Compare orders keys as Java's String.compareTo, the order in which a restore
// gets them.
func (k Key) Compare(other Key) int { return mutf8.Compare(string(k), string(other)) }

// WithPrefix returns the key that k has in the stream of an agent made of
// helpers: the helper's prefix, a colon, k. An empty prefix adds nothing.
// (AOSP BackupDataWriter::SetKeyPrefix)
func (k Key) WithPrefix(prefix Key) Key {
	if prefix == "" {
		return k
	}
	return prefix + ":" + k
}

// CutPrefix undoes [Key.WithPrefix] at the first colon. It reports false if
// there is none, or nothing before it. (AOSP BackupHelperDispatcher.java)
func (k Key) CutPrefix() (prefix, rest Key, ok bool) {
	i := strings.IndexByte(string(k), ':')
	if i <= 0 {
		return "", k, false
	}
	return k[:i], k[i+1:], true
}
