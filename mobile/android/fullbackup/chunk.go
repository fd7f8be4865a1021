package fullbackup

import (
	"encoding/binary"
	"io"
	"math"
)

// An agent hands its archive over in chunks (AOSP FullBackupUtils.java,
// BackupHelpers.cpp):
//
//	{ uint32 BE length, bytes }   length 0 ends the stream

// chunkSize is the largest chunk that is written. Android writes no larger one.
const chunkSize = 32 << 10

// ChunkWriter frames what is written to it. It fills chunks of 32 KiB and makes
// one write of each.
type ChunkWriter struct {
	w     io.Writer
	buf   []byte // four bytes for the length, then content
	ended bool
	err   error
}

// NewChunkWriter returns a ChunkWriter to w.
func NewChunkWriter(w io.Writer) *ChunkWriter {
	return &ChunkWriter{w: w, buf: make([]byte, 4, 4+chunkSize)}
}

// Write implements io.Writer.
func (c *ChunkWriter) Write(p []byte) (int, error) {
	if c.ended {
		return 0, ErrEnded
	}
	n := 0
	for n < len(p) && c.err == nil {
		k := copy(c.buf[len(c.buf):cap(c.buf)], p[n:])
		c.buf = c.buf[:len(c.buf)+k]
		n += k
		if len(c.buf) == cap(c.buf) {
			c.flush()
		}
	}
	return n, c.err
}

// Flush writes what has been gathered, as a chunk of its own.
func (c *ChunkWriter) Flush() error {
	if c.ended {
		return ErrEnded
	}
	if len(c.buf) > 4 {
		c.flush()
	}
	return c.err
}

// Close writes the rest and the mark of the end. A second Close does nothing.
// An archive that failed must not be closed: without its mark no reader takes
// it for whole.
func (c *ChunkWriter) Close() error {
	if c.ended {
		return c.err
	}
	if err := c.Flush(); err != nil {
		return err
	}
	c.ended = true
	c.flush()
	return c.err
}

// flush writes a chunk, which may be empty: that is the mark.
func (c *ChunkWriter) flush() {
	if c.err != nil {
		return
	}
	binary.BigEndian.PutUint32(c.buf, uint32(len(c.buf)-4))
	n, err := c.w.Write(c.buf)
	if err == nil && n < len(c.buf) {
		err = io.ErrShortWrite
	}
	c.buf, c.err = c.buf[:4], err
}

// ChunkReader reads what a [ChunkWriter] framed. It allocates nothing by a
// length it was told, and reads not one byte beyond the mark of the end.
type ChunkReader struct {
	r    io.Reader
	head [4]byte
	off  int64
	left int64
	err  error
}

// NewChunkReader returns a ChunkReader of r.
func NewChunkReader(r io.Reader) *ChunkReader { return &ChunkReader{r: r} }

// Read implements io.Reader. It returns io.EOF at the mark of the end, and a
// [*DamageError] if the stream ends without it.
func (c *ChunkReader) Read(p []byte) (int, error) {
	if c.err != nil || len(p) == 0 {
		return 0, c.err
	}
	if c.left == 0 {
		if c.err = c.next(); c.err != nil {
			return 0, c.err
		}
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.off += int64(n)
	c.left -= int64(n)
	switch {
	case err == io.EOF && c.left > 0:
		c.err = c.damage(c.off, "it ends inside a chunk", io.ErrUnexpectedEOF)
	case err != nil && err != io.EOF:
		c.err = err
	}
	return n, c.err
}

// next reads the length of the next chunk.
func (c *ChunkReader) next() error {
	at := c.off
	n, err := io.ReadFull(c.r, c.head[:])
	c.off += int64(n)
	switch {
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		return c.damage(c.off, "it ends without its end mark", io.ErrUnexpectedEOF)
	case err != nil:
		return err
	}
	size := binary.BigEndian.Uint32(c.head[:])
	switch {
	case size == 0:
		return io.EOF
	case size > math.MaxInt32: // Android reads a signed number
		return c.damage(at, "a chunk's length is negative", nil)
	}
	c.left = int64(size)
	return nil
}

func (c *ChunkReader) damage(at int64, what string, err error) error {
	return &DamageError{Part: PartChunks, Offset: at, What: what, Err: err}
}
