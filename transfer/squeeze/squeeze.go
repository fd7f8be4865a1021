// Package squeeze makes blocks of content smaller before they go over a lane,
// and restores them on the other side, where that makes a move faster.
//
// [Worth] says of an item whether its content can be made smaller at all, from
// its name and its beginning: photos, films, music, archives and ciphertext
// cannot. [Judge] says of the next block whether squeezing it is faster than
// sending it as it is, from what the lanes achieve. [Encoder] and [Decoder] do
// it; each lane has one, because a block is squeezed against the blocks that
// went squeezed over the same lane before it. Without that memory a file of a
// few KiB, which is what most text on a phone is, becomes hardly smaller.
//
// A squeezed block is a byte, and Zstandard blocks (RFC 8878, 3.1.1.2):
//
//	 0        1
//	┌────────┬──────────────────────────────┐
//	│ 0 or 1 │ 1 … 16 Zstandard blocks      │
//	└────────┴──────────────────────────────┘
//	0 = the memory is empty from here on, 1 = it goes on
//
// The Zstandard blocks from one 0 to the next are one frame, whose header both
// sides know: a window of 256 KiB, no checksum, no dictionary, no content size.
// It does not travel, nor does a last block, so there is nothing in it to lie
// about: no window, no size, no skippable frame.
//
// The worst moment is a peer whose few bytes unfold into many. A block unfolds
// into exactly the bytes that were announced, into a buffer that the caller
// has, or it is an error; what a [Decoder] holds never depends on what comes.
// Whether they are the right bytes, the block's hash says.
package squeeze

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
)

const (
	// MaxBlock is the most bytes of content in a block.
	MaxBlock = 256 << 10
	// MaxSqueezed is the most bytes of a squeezed block.
	MaxSqueezed = MaxBlock - MaxBlock/saveShare
	// BufferSize is the room that Append needs at most while it works.
	BufferSize = MaxBlock + 64
	// MinBlock is the least bytes of content that are squeezed. Each block costs
	// some 5 µs, however small. A decoder takes smaller ones.
	MinBlock = 1 << 10

	window    = 256 << 10
	partMax   = 128 << 10 // a Zstandard block's content, by RFC 8878
	maxParts  = 16
	partHead  = 3
	begins    = 0
	goesOn    = 1
	saveShare = 16 // a block that does not save a 16th goes as it is; part of the format
)

// frameHead is the header of a frame with a window of 256 KiB and nothing else.
var frameHead = [...]byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x40}

// ErrDamaged is what every squeezed block is that does not unfold into exactly
// what was announced.
var ErrDamaged = errors.New("malformed squeezed block")

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}

// appender is the slice that an encoder writes to.
type appender struct{ b []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.b = append(a.b, p...)
	return len(p), nil
}

// feed is what a decoder may read: the header of a frame where one begins, and
// one squeezed block.
type feed struct{ head, b []byte }

func (f *feed) Read(p []byte) (int, error) {
	from := &f.b
	if len(f.head) > 0 {
		from = &f.head
	}
	if len(*from) == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n := copy(p, *from)
	*from = (*from)[n:]
	return n, nil
}

// Making one takes longer than a small block, and most lanes are short.
var (
	encoders = sync.Pool{New: func() any { // about 2 MiB
		e, err := zstd.NewWriter(nil,
			// In this order: parts of 64 KiB.
			zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(window), zstd.WithEncoderConcurrency(1),
			zstd.WithAllLitEntropyCompression(true), zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true))
		if err != nil {
			panic(err) // the options are constants
		}
		return e
	}}
	decoders = sync.Pool{New: func() any { // about 1 MiB
		d, err := zstd.NewReader(nil,
			zstd.WithDecoderMaxWindow(window), zstd.WithDecoderMaxMemory(window), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
		if err != nil {
			panic(err) // the options are constants
		}
		return d
	}}
)

// Encoder squeezes the blocks of one lane. The zero value is ready; it takes
// its memory with the first block. It belongs to one goroutine at a time.
type Encoder struct {
	z      *zstd.Encoder
	out    appender
	middle bool // what was squeezed so far is in the peer's memory
}

// Append squeezes src, at most MaxBlock bytes, and appends it to dst, which
// must not overlap it. Where that does not save a 16th it returns dst and
// false: the block goes as it is. Blocks must reach the [Decoder] in the order
// in which Append returned them, and all of them that it returned with true.
func (e *Encoder) Append(dst, src []byte) ([]byte, bool) {
	if len(src) < MinBlock || len(src) > MaxBlock {
		return dst, false
	}
	if e.z == nil {
		e.z = encoders.Get().(*zstd.Encoder)
	}
	start := len(dst)
	e.out.b = append(dst, goesOn)
	if !e.middle {
		e.out.b[start] = begins
		e.z.Reset(&e.out)
	}
	_, err := e.z.Write(src)
	if err == nil {
		err = e.z.Flush()
	}
	b := e.out.b
	e.out.b = nil
	if !e.middle && err == nil {
		head := b[start+1:]
		if len(head) < len(frameHead) || [len(frameHead)]byte(head) != frameHead {
			err = errors.New("another frame")
		} else {
			b = append(b[:start+1], head[len(frameHead):]...)
		}
	}
	// Of a block that goes as it is the peer has no memory.
	e.middle = err == nil && len(b)-start <= len(src)-len(src)/saveShare
	if !e.middle {
		return dst, false
	}
	return b, true
}

// Close gives the encoder's memory back. The next Append begins anew.
func (e *Encoder) Close() {
	if e.z != nil {
		e.z.Reset(io.Discard)
		encoders.Put(e.z)
	}
	*e = Encoder{}
}

// Decoder unfolds the blocks of one lane. The zero value is ready; it takes its
// memory with the first block. It belongs to one goroutine at a time.
type Decoder struct {
	z      *zstd.Decoder
	in     feed
	middle bool
	err    error // the first; there is no way on after it
}

// Decode unfolds src into dst, whose length is what was announced, at most
// MaxBlock. src must give exactly that; anything else is ErrDamaged, and so is
// every block after it. A block that gives more than was announced is noticed
// with the next one; dst has no more than its length of it.
func (d *Decoder) Decode(dst, src []byte) error {
	if d.err == nil {
		d.err = d.decode(dst, src)
	}
	return d.err
}

func (d *Decoder) decode(dst, src []byte) error {
	switch {
	case len(dst) == 0 || len(dst) > MaxBlock:
		return damaged("%d bytes announced", len(dst))
	case len(src) == 0 || len(src) > len(dst)-len(dst)/saveShare:
		return damaged("%d bytes", len(src))
	case src[0] != begins && (src[0] != goesOn || !d.middle):
		return damaged("no beginning")
	}
	parts := src[1:]
	if err := checkParts(parts); err != nil {
		return err
	}
	if d.z == nil {
		d.z = decoders.Get().(*zstd.Decoder)
	}
	d.in = feed{b: parts}
	defer func() { d.in = feed{} }()
	if src[0] == begins {
		d.in.head = frameHead[:]
		if d.z.Reset(&d.in) != nil {
			return damaged("no beginning")
		}
		d.middle = true
	}
	// The first byte by itself: if nothing was read for it, it is one too many
	// of the block before.
	if _, err := io.ReadFull(d.z, dst[:1]); err != nil {
		return damaged("it does not unfold")
	}
	if len(d.in.b) == len(parts) {
		return damaged("the block before it was longer than announced")
	}
	if _, err := io.ReadFull(d.z, dst[1:]); err != nil {
		return damaged("it does not unfold to %d bytes", len(dst))
	}
	if len(d.in.b) != 0 {
		return damaged("it is longer than announced")
	}
	return nil
}

// Close gives the decoder's memory back. The next block must be a beginning.
func (d *Decoder) Close() {
	if d.z != nil {
		if d.z.Reset(nil) == nil {
			decoders.Put(d.z)
		}
	}
	*d = Decoder{}
}

// checkParts walks the Zstandard blocks of b, which must end where b does.
func checkParts(b []byte) error {
	n := 0
	for ; len(b) > 0; n++ {
		if len(b) < partHead || n == maxParts {
			return damaged("part %d", n)
		}
		h := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16
		size, carried := int(h>>3), int(h>>3)
		switch h >> 1 & 3 {
		case 1: // one byte, repeated
			carried = 1
		case 3: // reserved
			size = 0
		}
		if h&1 != 0 || size == 0 || size > partMax || carried > len(b)-partHead {
			return damaged("part %d", n)
		}
		b = b[partHead+carried:]
	}
	if n == 0 {
		return damaged("no part")
	}
	return nil
}
