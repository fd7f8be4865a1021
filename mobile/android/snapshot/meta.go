package snapshot

import (
	"encoding/binary"
	"io/fs"

	"github.com/ferry-move/ferry/mobile/android/entity"
)

const (
	// MetaSize is the size of a [Meta] in bytes.
	MetaSize = 16
	// MetaVersion is the version that Android writes.
	MetaVersion = 1

	modeRegular = 0o100000 // S_IFREG
)

// Meta stands before a file's content in the entity of a file helper:
//
//	0  int32  version, 1     little-endian
//	4  int32  st_mode
//	8  eight zeros
type Meta struct {
	// Version is 1. Android reads the other fields of a newer one all the same.
	Version int32
	// Mode is the whole st_mode, such as 0100660.
	Mode uint32
}

// MetaOf returns the Meta of a regular file with these permissions.
func MetaOf(perm fs.FileMode) Meta {
	return Meta{Version: MetaVersion, Mode: modeRegular | uint32(perm.Perm())}
}

// Perm returns the permissions, without set-user-ID and the like.
func (m Meta) Perm() fs.FileMode { return fs.FileMode(m.Mode) & fs.ModePerm }

// Append appends m to dst.
func (m Meta) Append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(m.Version))
	dst = binary.LittleEndian.AppendUint32(dst, m.Mode)
	return append(dst, make([]byte, MetaSize-8)...)
}

// ParseMeta reads the Meta at the start of b. It fails with a
// [*entity.DamageError] if b is shorter than [MetaSize].
func ParseMeta(b []byte) (Meta, error) {
	if len(b) < MetaSize {
		return Meta{}, &entity.DamageError{Offset: int64(len(b)), What: "a file without its header"}
	}
	return Meta{Version: int32At(b, 0), Mode: uint32(int32At(b, 4))}, nil
}
