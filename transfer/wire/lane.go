package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/ferry-move/ferry/mobile/backup"
)

// BlockSize is how content is cut: every block but an item's last has this
// many bytes. It is a power of two and of BLAKE3's chunks, so a block's hash is
// a node of the content's BLAKE3 tree.
const BlockSize = 256 << 10

// Codec says how a block's bytes are packed. 0 = as they are; there is no
// other one in protocol 1.
type Codec uint8

// Raw is the codec of bytes as they are.
const Raw Codec = 0

const (
	laneMagic   = "FERRYLANE\x00"
	laneHello   = len(laneMagic) + 2 + TokenSize
	blockMark   = 0x42
	blockHeader = 56
)

// ErrLane is what every malformed lane is.
var ErrLane = errors.New("malformed lane")

// LaneHello begins a lane: 10 bytes of magic, the protocol number as u16 BE,
// and the token from the session's Answer.
type LaneHello struct {
	Protocol uint16
	Token    [TokenSize]byte
}

// WriteLaneHello writes h.
func WriteLaneHello(w io.Writer, h LaneHello) error {
	b := make([]byte, 0, laneHello)
	b = append(b, laneMagic...)
	b = binary.BigEndian.AppendUint16(b, h.Protocol)
	b = append(b, h.Token[:]...)
	_, err := w.Write(b)
	return err
}

// ReadLaneHello reads a LaneHello. An error of r is no ErrLane.
func ReadLaneHello(r io.Reader) (LaneHello, error) {
	var b [laneHello]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return LaneHello{}, fmt.Errorf("lane hello: %w", err)
	}
	if string(b[:len(laneMagic)]) != laneMagic {
		return LaneHello{}, fmt.Errorf("%w: magic", ErrLane)
	}
	h := LaneHello{Protocol: binary.BigEndian.Uint16(b[len(laneMagic):])}
	copy(h.Token[:], b[len(laneMagic)+2:])
	if h.Protocol == 0 {
		return LaneHello{}, fmt.Errorf("%w: protocol 0", ErrLane)
	}
	return h, nil
}

// BlockHeader comes before each block's bytes. An item of size 0 travels as one
// block of length 0.
type BlockHeader struct {
	Codec Codec
	// Length is how many bytes follow, at most BlockSize.
	Length uint32
	// Item is the item's ID in the session.
	Item uint64
	// Offset is the block's place in the content, a multiple of BlockSize.
	Offset uint64
	// Hash is the block's node in the content's BLAKE3 tree: its chaining
	// value, or the digest where the block is the whole content.
	Hash backup.Digest
}

// AppendBlockHeader appends h to dst.
func AppendBlockHeader(dst []byte, h BlockHeader) []byte {
	dst = append(dst, blockMark, byte(h.Codec), 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, h.Length)
	dst = binary.BigEndian.AppendUint64(dst, h.Item)
	dst = binary.BigEndian.AppendUint64(dst, h.Offset)
	return append(dst, h.Hash[:]...)
}

// ReadBlockHeader reads a BlockHeader. io.EOF means that the lane ended between
// blocks.
func ReadBlockHeader(r io.Reader) (BlockHeader, error) {
	var b [blockHeader]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return BlockHeader{}, fmt.Errorf("%w: cut in a header: %w", ErrLane, err)
		}
		return BlockHeader{}, err
	}
	h := BlockHeader{
		Codec: Codec(b[1]), Length: binary.BigEndian.Uint32(b[4:]),
		Item: binary.BigEndian.Uint64(b[8:]), Offset: binary.BigEndian.Uint64(b[16:]), Hash: backup.Digest(b[24:]),
	}
	switch {
	case b[0] != blockMark || b[2] != 0 || b[3] != 0:
		return BlockHeader{}, fmt.Errorf("%w: not a block", ErrLane)
	case h.Codec != Raw:
		return BlockHeader{}, fmt.Errorf("%w: codec %d", ErrLane, h.Codec)
	case h.Length > BlockSize:
		return BlockHeader{}, fmt.Errorf("%w: block of %d bytes", ErrLane, h.Length)
	case h.Offset%BlockSize != 0 || h.Offset > MaxSize:
		return BlockHeader{}, fmt.Errorf("%w: offset %d", ErrLane, h.Offset)
	case h.Item == 0:
		return BlockHeader{}, fmt.Errorf("%w: item 0", ErrLane)
	}
	return h, nil
}
