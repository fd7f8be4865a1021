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

// Codec says how a block's bytes are packed.
type Codec uint8

const (
	// Raw is the codec of bytes as they are.
	Raw Codec = 0
	// Squeezed is the codec of package squeeze, whose decoder remembers the
	// lane's blocks before.
	Squeezed Codec = 1
)

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
	// Length is how many bytes of content the block has, at most BlockSize.
	Length uint32
	// Packed is how many bytes follow with Squeezed, at most 15/16 of Length. 0
	// with Raw, where Length bytes follow.
	Packed uint32
	// Item is the item's ID in the session.
	Item uint64
	// Offset is the block's place in the content, a multiple of BlockSize.
	Offset uint64
	// Hash is the block's node in the content's BLAKE3 tree: its chaining
	// value, or the digest where the block is the whole content.
	Hash backup.Digest
}

// OnLane returns how many bytes the header and what follows it take.
func (h BlockHeader) OnLane() int {
	if h.Codec == Squeezed {
		return blockHeader + 4 + int(h.Packed)
	}
	return blockHeader + int(h.Length)
}

// AppendBlockHeader appends h to dst.
func AppendBlockHeader(dst []byte, h BlockHeader) []byte {
	dst = append(dst, blockMark, byte(h.Codec), 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, h.Length)
	dst = binary.BigEndian.AppendUint64(dst, h.Item)
	dst = binary.BigEndian.AppendUint64(dst, h.Offset)
	dst = append(dst, h.Hash[:]...)
	if h.Codec == Squeezed {
		dst = binary.BigEndian.AppendUint32(dst, h.Packed)
	}
	return dst
}

// noEOF makes an end of what a cut is.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
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
	case h.Codec != Raw && h.Codec != Squeezed:
		return BlockHeader{}, fmt.Errorf("%w: codec %d", ErrLane, h.Codec)
	case h.Length > BlockSize:
		return BlockHeader{}, fmt.Errorf("%w: block of %d bytes", ErrLane, h.Length)
	case h.Offset%BlockSize != 0 || h.Offset > MaxSize:
		return BlockHeader{}, fmt.Errorf("%w: offset %d", ErrLane, h.Offset)
	case h.Item == 0:
		return BlockHeader{}, fmt.Errorf("%w: item 0", ErrLane)
	}
	if h.Codec == Raw {
		return h, nil
	}
	var packed [4]byte
	if _, err := io.ReadFull(r, packed[:]); err != nil {
		return BlockHeader{}, fmt.Errorf("%w: cut in a header: %w", ErrLane, noEOF(err))
	}
	if h.Packed = binary.BigEndian.Uint32(packed[:]); h.Packed == 0 || h.Packed > h.Length-h.Length/16 {
		return BlockHeader{}, fmt.Errorf("%w: %d bytes packed into %d", ErrLane, h.Length, h.Packed)
	}
	return h, nil
}
