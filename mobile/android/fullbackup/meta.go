package fullbackup

import (
	"encoding/binary"
	"fmt"
	"strconv"
)

// TokenWidgets marks the record that holds the state of an app's widgets (AOSP
// UserBackupManagerService.BACKUP_WIDGET_METADATA_TOKEN).
const TokenWidgets uint32 = 0x01FFED01

// Record is one datum of a [Meta].
type Record struct {
	// Token says what it is. Android knows [TokenWidgets] and skips others.
	Token uint32
	Data  []byte
}

// Meta is a package's _meta (AOSP AppMetadataBackupWriter.java).
//
//	1 LF package LF
//	{ uint32 BE token, uint32 BE length, data }   to the end
type Meta struct {
	Package string
	Records []Record
}

// Widgets returns the state of the app's widgets, or nil.
func (m *Meta) Widgets() []byte {
	for _, r := range m.Records {
		if r.Token == TokenWidgets {
			return r.Data
		}
	}
	return nil
}

// ParseMeta reads a _meta of at most [MaxMetadata] bytes. [Meta.Append] gives
// back the same bytes. The records share memory with b.
func ParseMeta(b []byte) (*Meta, error) {
	if len(b) > MaxMetadata {
		return nil, &DamageError{Part: PartMeta, Offset: MaxMetadata, What: "it is too large"}
	}
	l := lines{part: PartMeta, b: b}
	if v := l.number("format version"); l.err == nil && v != 1 {
		l.fail(0, "its format version is not 1")
	}
	m := &Meta{Package: l.pkg()}
	if l.err != nil {
		return nil, l.err
	}
	for off := l.off; off < len(b); {
		if len(b)-off < 8 {
			l.fail(off, "it ends inside the head of a record")
			return nil, l.err
		}
		token, size := binary.BigEndian.Uint32(b[off:]), binary.BigEndian.Uint32(b[off+4:])
		if uint64(size) > uint64(len(b)-off-8) {
			l.fail(off+4, "a record is longer than what follows")
			return nil, l.err
		}
		end := off + 8 + int(size)
		m.Records = append(m.Records, Record{Token: token, Data: b[off+8 : end : end]})
		off = end
	}
	return m, nil
}

// Append appends the _meta to b. It returns [ErrInvalid] for a package name
// that is not allowed, and for more than [MaxMetadata] bytes.
func (m *Meta) Append(b []byte) ([]byte, error) {
	from := len(b)
	if !validPackage(m.Package) {
		return b, fmt.Errorf("widget data: %w: %w", BadPackage, ErrInvalid)
	}
	out := append(strconv.AppendInt(b, 1, 10), '\n')
	out = append(append(out, m.Package...), '\n')
	for _, r := range m.Records {
		if len(r.Data) > MaxMetadata || len(out)-from > MaxMetadata {
			return b, fmt.Errorf("widget data: %w: %w", TooLarge, ErrInvalid)
		}
		out = binary.BigEndian.AppendUint32(out, r.Token)
		out = binary.BigEndian.AppendUint32(out, uint32(len(r.Data)))
		out = append(out, r.Data...)
	}
	if len(out)-from > MaxMetadata {
		return b, fmt.Errorf("widget data: %w: %w", TooLarge, ErrInvalid)
	}
	return out, nil
}
