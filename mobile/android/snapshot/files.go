package snapshot

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/ferry-move/ferry/mobile/android/entity"
)

const (
	filesHeader = 16
	fileHeader  = 24
	magicSnap   = 0x70616E53 // "Snap"
	magicFile   = 0x656C6946 // "File"
)

// Stat is what tells a file's versions apart.
type Stat struct {
	// ModTime is in seconds since 1970, ModNsec in nanoseconds; Android always
	// writes 0 for the latter.
	ModTime, ModNsec int32
	// Mode is the whole st_mode, such as 0100660.
	Mode uint32
	// Size is in bytes; the low 32 bits of it, as Android writes it.
	Size int32
	// CRC is the content's CRC-32 (IEEE, as zlib has it).
	CRC uint32
}

// File is one file in a helper's state.
type File struct {
	// Key is the path or the name under which the helper stores the file.
	Key entity.Key
	Stat
}

// Files is the state of a helper that backs up files, in ascending byte order
// of their keys. Its integers are little-endian:
//
//	 0  "Snap", int32 number of files, "File", int32 size of the whole state
//	16  for each file:
//	     0  int32  modification time, seconds
//	     4  int32  and nanoseconds
//	     8  int32  st_mode
//	    12  int32  size
//	    16  int32  CRC-32
//	    20  int32  key length in bytes
//	    24  key, AB up to the next multiple of 4
//
// A helper that has no files to look after writes nothing at all; one whose
// files are all gone writes a state without files.
type Files []File

func compareFiles(a, b File) int { return strings.Compare(string(a.Key), string(b.Key)) }

// sorted returns f in its order: f itself, or a sorted copy.
func (f Files) sorted() Files {
	if !slices.IsSortedFunc(f, compareFiles) {
		f = slices.Clone(f)
		slices.SortStableFunc(f, compareFiles)
	}
	return f
}

// AppendFiles appends a state, in any order given. It fails with [ErrKey],
// [ErrTwice] or [ErrTooLarge], and returns dst as it was.
func AppendFiles(dst []byte, files Files) ([]byte, error) {
	files = files.sorted()
	total := filesHeader
	for i, f := range files {
		if !keepable(f.Key) {
			return dst, fmt.Errorf("keep the state of files: %w", ErrKey)
		}
		if i > 0 && files[i-1].Key == f.Key {
			return dst, fmt.Errorf("keep the state of files: %w", ErrTwice)
		}
		if total += fileHeader + len(f.Key) + padLen(len(f.Key)); total > MaxState {
			return dst, fmt.Errorf("keep the state of files: %w", ErrTooLarge)
		}
	}
	le := binary.LittleEndian
	dst = slices.Grow(dst, total)
	dst = le.AppendUint32(dst, magicSnap)
	dst = le.AppendUint32(dst, uint32(len(files)))
	dst = le.AppendUint32(dst, magicFile)
	dst = le.AppendUint32(dst, uint32(total))
	for _, f := range files {
		dst = le.AppendUint32(dst, uint32(f.ModTime))
		dst = le.AppendUint32(dst, uint32(f.ModNsec))
		dst = le.AppendUint32(dst, f.Mode)
		dst = le.AppendUint32(dst, uint32(f.Size))
		dst = le.AppendUint32(dst, f.CRC)
		dst = le.AppendUint32(dst, uint32(len(f.Key)))
		dst = append(dst, f.Key...)
		dst = append(dst, "\xAB\xAB\xAB"[:padLen(len(f.Key))]...)
	}
	return dst, nil
}

// ParseFiles returns the files in a state; none for an empty one, which is what
// a helper gets the first time. A state that does not add up gives a
// [*entity.DamageError] and no files; the helper then stores everything.
func ParseFiles(state []byte) (Files, error) {
	if len(state) == 0 {
		return nil, nil
	}
	if len(state) < filesHeader {
		return nil, damage(0, "the state ends inside its header", nil)
	}
	if int32At(state, 0) != magicSnap || int32At(state, 8) != magicFile {
		return nil, damage(0, "not a state of files", nil)
	}
	count := int(int32At(state, 4))
	if total := int(int32At(state, 12)); total != len(state) || len(state) > MaxState {
		return nil, damage(12, "the state has another size than it says", nil)
	}
	if count < 0 || count > (len(state)-filesHeader)/fileHeader {
		return nil, damage(4, "more files than there is room for", nil)
	}
	files := make(Files, 0, count) // the bytes for that many are there
	at := filesHeader
	for range count {
		if len(state)-at < fileHeader {
			return nil, damage(at, "the state ends inside a file's entry", nil)
		}
		n := int(int32At(state, at+20))
		end := at + fileHeader
		if n < 0 || n > len(state)-end || padLen(n) > len(state)-end-n {
			return nil, damage(at+20, "the state ends inside a key", nil)
		}
		f := File{Key: entity.Key(state[end : end+n]), Stat: Stat{
			ModTime: int32At(state, at),
			ModNsec: int32At(state, at+4),
			Mode:    uint32(int32At(state, at+8)),
			Size:    int32At(state, at+12),
			CRC:     uint32(int32At(state, at+16)),
		}}
		if !keepable(f.Key) {
			return nil, damage(end, "a key", ErrKey)
		}
		files = append(files, f)
		at = end + n + padLen(n)
	}
	if at != len(state) {
		return nil, damage(at, "bytes after the last file", nil)
	}
	files = files.sorted()
	for i := 1; i < len(files); i++ {
		if files[i-1].Key == files[i].Key {
			return nil, damage(filesHeader, "a key", ErrTwice)
		}
	}
	return files, nil
}

// Change is what has to be stored to get from one state to another.
type Change struct {
	Key entity.Key
	// Delete says that the file is gone. Otherwise it is new or different.
	Delete bool
}

// Diff returns the changes from one state to the next in ascending byte order
// of their keys. A file is different if any field of its [Stat] is.
func Diff(before, after Files) []Change {
	before, after = before.sorted(), after.sorted()
	var changes []Change
	for len(before) > 0 || len(after) > 0 {
		order := 0
		switch {
		case len(after) == 0:
			order = -1
		case len(before) == 0:
			order = 1
		default:
			order = compareFiles(before[0], after[0])
		}
		switch {
		case order < 0:
			changes = append(changes, Change{Key: before[0].Key, Delete: true})
		case order > 0:
			changes = append(changes, Change{Key: after[0].Key})
		case before[0].Stat != after[0].Stat:
			changes = append(changes, Change{Key: after[0].Key})
		}
		if order <= 0 {
			before = before[1:]
		}
		if order >= 0 {
			after = after[1:]
		}
	}
	return changes
}

// SizeOf returns the Size that a [Stat] has for a file of n bytes. Android keeps
// the low 32 bits; a file above 2 GiB cannot be stored as one entity anyway.
func SizeOf(n int64) int32 { return int32(n & math.MaxUint32) }
