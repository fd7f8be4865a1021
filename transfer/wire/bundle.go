package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/ferry-move/ferry/mobile/backup"
)

// From protocol 3 on, a lane carries many small items as one bundle, which
// stands where a block may stand:
//
//	 0      1       2      4             8
//	┌──────┬───────┬──────┬─────────────┬───────────────┬──────┐
//	│ 0x43 │ codec │ zero │ length u32  │ packed u32    │ body │
//	└──────┴───────┴──────┴─────────────┴───────────────┴──────┘
//	packed, as of a block, only with codec 1. length is the body's, at most BlockSize
//
//	body   number of pieces, 1 … MaxPieces
//	       for each: its ID's distance from the one before (signed) · its length, doubled, and 1 if it has a hash
//	       the hashes, 32 bytes each
//	       the contents
//
// Numbers are varints as in [List]. A piece is an item's whole content. A file's
// has its hash; an entity's was listed.

const (
	bundleMark   = 0x43
	bundleHeader = 8
	// MaxPieces is the most items in a bundle.
	MaxPieces = 4096
	// MaxPieceHead is the most bytes that a piece takes beside its content.
	MaxPieceHead = binary.MaxVarintLen64 + 4 + len(backup.Digest{})
)

// Piece is an item in a bundle.
type Piece struct {
	Item   uint64
	Hashed bool
	Hash   backup.Digest // with Hashed
	Data   []byte
}

// AppendBundle appends a bundle's body to dst.
func AppendBundle(dst []byte, ps []Piece) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(ps)))
	var before uint64
	for i := range ps {
		p := &ps[i]
		dst = binary.AppendVarint(dst, int64(p.Item-before))
		n := uint64(len(p.Data)) << 1
		if p.Hashed {
			n |= 1
		}
		dst = binary.AppendUvarint(dst, n)
		before = p.Item
	}
	for i := range ps {
		if ps[i].Hashed {
			dst = append(dst, ps[i].Hash[:]...)
		}
	}
	for i := range ps {
		dst = append(dst, ps[i].Data...)
	}
	return dst
}

// ParseBundle reads what AppendBundle wrote and appends the pieces to ps. Their
// Data lies in b.
func ParseBundle(ps []Piece, b []byte) ([]Piece, error) {
	c := cursor{b: b}
	n := c.uvarint(MaxPieces)
	if n == 0 || n > uint64(len(b))/2 {
		return nil, fmt.Errorf("%w: bundle of %d pieces in %d bytes", ErrLane, n, len(b))
	}
	first := len(ps)
	lengths := c // is walked again when the hashes are known
	var sum, hashes, before uint64
	for range n {
		c.varint()
		v := c.uvarint(2*BlockSize + 1)
		sum, hashes = sum+v>>1, hashes+v&1
	}
	c.take(hashes*uint64(len(backup.Digest{})) + sum)
	if c.bad || len(c.b) != 0 {
		return nil, fmt.Errorf("%w: a bundle's lengths do not add up", ErrLane)
	}
	content := b[uint64(len(b))-sum:]
	hash := b[uint64(len(b))-sum-hashes*uint64(len(backup.Digest{})):]
	for range n {
		before += uint64(lengths.varint())
		v := lengths.uvarint(2*BlockSize + 1)
		p := Piece{Item: before, Hashed: v&1 != 0, Data: content[: v>>1 : v>>1]}
		content = content[v>>1:]
		if p.Hashed {
			p.Hash = backup.Digest(hash)
			hash = hash[len(p.Hash):]
		}
		if p.Item == 0 || p.Item > math.MaxInt64 {
			return ps[:first], fmt.Errorf("%w: item %d", ErrLane, p.Item)
		}
		ps = append(ps, p)
	}
	return ps, nil
}

// BundleHeader comes before each bundle's body.
type BundleHeader struct {
	Codec          Codec
	Length, Packed uint32 // as of a [BlockHeader]
}

// OnLane returns how many bytes the header and the body take.
func (h BundleHeader) OnLane() int {
	if h.Codec == Squeezed {
		return bundleHeader + 4 + int(h.Packed)
	}
	return bundleHeader + int(h.Length)
}

// AppendBundleHeader appends h to dst.
func AppendBundleHeader(dst []byte, h BundleHeader) []byte {
	dst = append(dst, bundleMark, byte(h.Codec), 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, h.Length)
	if h.Codec == Squeezed {
		dst = binary.BigEndian.AppendUint32(dst, h.Packed)
	}
	return dst
}

// IsBundle reports whether what begins with that byte is a bundle.
func IsBundle(first byte) bool { return first == bundleMark }

// ReadBundleHeader reads a BundleHeader. io.EOF means that the lane ended
// before it.
func ReadBundleHeader(r io.Reader) (BundleHeader, error) {
	var b [bundleHeader]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return BundleHeader{}, fmt.Errorf("%w: cut in a header: %w", ErrLane, err)
		}
		return BundleHeader{}, err
	}
	h := BundleHeader{Codec: Codec(b[1]), Length: binary.BigEndian.Uint32(b[4:])}
	switch {
	case b[0] != bundleMark || b[2] != 0 || b[3] != 0:
		return BundleHeader{}, fmt.Errorf("%w: not a bundle", ErrLane)
	case h.Codec != Raw && h.Codec != Squeezed:
		return BundleHeader{}, fmt.Errorf("%w: codec %d", ErrLane, h.Codec)
	case h.Length == 0 || h.Length > BlockSize:
		return BundleHeader{}, fmt.Errorf("%w: bundle of %d bytes", ErrLane, h.Length)
	}
	if h.Codec == Raw {
		return h, nil
	}
	var packed [4]byte
	if _, err := io.ReadFull(r, packed[:]); err != nil {
		return BundleHeader{}, fmt.Errorf("%w: cut in a header: %w", ErrLane, noEOF(err))
	}
	if h.Packed = binary.BigEndian.Uint32(packed[:]); h.Packed == 0 || h.Packed > h.Length-h.Length/16 {
		return BundleHeader{}, fmt.Errorf("%w: %d bytes packed into %d", ErrLane, h.Length, h.Packed)
	}
	return h, nil
}
