package backup

import (
	"encoding/hex"
	"io/fs"
	"time"
)

// Kind names one kind of data, such as "contacts". It is a short word of
// lower-case ASCII letters, digits and dots, at most [MaxKind] bytes long. It
// travels on the wire and is kept in receipts, so it never changes meaning.
type Kind string

// MaxKind is the longest kind in bytes.
const MaxKind = 64

// Valid reports whether k has the form that [Kind] describes.
func (k Kind) Valid() bool {
	if len(k) == 0 || len(k) > MaxKind {
		return false
	}
	for i := range len(k) {
		c := k[i]
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '-') {
			return false
		}
	}
	return true
}

// Key names an item within its kind. Of a file or a directory it is the path
// below the phone's shared storage, with slashes and without a leading one. It
// is a string of bytes: file systems hold names that are not UTF-8.
type Key string

// MaxKey is the longest key in bytes.
const MaxKey = 4096

// Type says what an item is. The first two values are Android's.
type Type uint8

const (
	// TypeFile is Android's BackupAgent.TYPE_FILE.
	TypeFile Type = 1
	// TypeDirectory is Android's BackupAgent.TYPE_DIRECTORY.
	TypeDirectory Type = 2
	// TypeEntity is a key/value record. Android keeps those in a stream of
	// their own and needs no number for them.
	TypeEntity Type = 16
)

// MaxValue is the largest value of an entity in bytes.
const MaxValue = 16 << 20

// Item is one thing to move.
type Item struct {
	Kind Kind
	Type Type
	// Key is unique within Kind on one phone.
	Key Key
	// Size is the content's length in bytes: the file's, or len(Value). 0 for
	// a directory.
	Size int64
	// Mode holds permission bits only (fs.ModePerm). 0 = the target's default.
	Mode fs.FileMode
	// ModTime has nanoseconds. The zero time = unknown.
	ModTime time.Time
	// Group says where an entity was kept, such as the name of the vCard file
	// it was read from. A phone that has no such place may ignore it. Empty
	// for files and directories.
	Group string
	// Value is an entity's content; nil for everything else, and in
	// [Checker.Check], which comes before the content. Whoever holds an Item
	// does not change it.
	Value []byte
	// Digest is that of the content where it is known without the content:
	// of an entity in [Checker.Check]. Otherwise it is zero.
	Digest Digest
}

// Digest is a BLAKE3-256 hash of an item's content, as b3sum prints it.
type Digest [32]byte

// IsZero reports whether d was never set.
func (d Digest) IsZero() bool { return d == Digest{} }

// String returns d in lower-case hex.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// Outcome is how an item ended. Each item ends in exactly one.
type Outcome uint8

const (
	// Added means that the item is new on the target.
	Added Outcome = 1
	// Merged means that the item became part of one that was there.
	Merged Outcome = 2
	// Skipped means that the target had the very same already.
	Skipped Outcome = 3
	// Failed means that the item was not moved.
	Failed Outcome = 4
)

// String returns the word that reports and JSON use.
func (o Outcome) String() string {
	switch o {
	case Added:
		return "added"
	case Merged:
		return "merged"
	case Skipped:
		return "skipped"
	case Failed:
		return "failed"
	}
	return "unknown"
}

// Valid reports whether o is one of the four outcomes.
func (o Outcome) Valid() bool { return o >= Added && o <= Failed }
