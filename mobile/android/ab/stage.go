package ab

import (
	"bufio"
	"crypto/cipher"
	"errors"
	"io"
)

const chunk = 64 << 10 // bytes read from the file at a time; a multiple of blockSize

// stage yields the stored payload, decrypted if need be, and knows how much of
// the file has been consumed. It has ReadByte, so that the inflater takes no
// byte more than it needs.
type stage struct {
	src  *bufio.Reader
	mode cipher.BlockMode // nil = not encrypted

	buf  []byte  // chunk bytes
	r, w int     // buf[r:w] is not yet consumed
	off  int64   // in the file, of what was read into buf so far
	tail [4]byte // the last bytes before buf
	err  error   // once buf is consumed: io.EOF, *DamageError or a read error
}

func newStage(src *bufio.Reader, off int64, mode cipher.BlockMode) *stage {
	return &stage{src: src, mode: mode, off: off, buf: make([]byte, chunk)}
}

// pos is the offset in the file of the next byte. In the padded last chunk of
// an encrypted archive it may be up to a block too far.
func (s *stage) pos() int64 { return s.off - int64(s.w-s.r) }

// last returns the four bytes that were consumed last; only good once
// everything has been.
func (s *stage) last() [4]byte {
	t := s.tail
	b := s.buf[:s.w]
	if len(b) >= len(t) {
		return [4]byte(b[len(b)-len(t):])
	}
	copy(t[:], t[len(b):])
	copy(t[len(t)-len(b):], b)
	return t
}

// fill reads the next chunk. It returns nil only if there is a byte to consume.
func (s *stage) fill() error {
	for s.err == nil {
		s.tail = s.last()
		s.r, s.w = 0, 0
		if s.mode == nil {
			s.fillPlain()
		} else {
			s.fillCipher()
		}
		if s.w > 0 {
			return nil
		}
	}
	return s.err
}

func (s *stage) fillPlain() {
	n, err := s.src.Read(s.buf)
	s.w = n
	s.off += int64(n)
	s.fail(err)
}

// fillCipher decrypts a chunk. Whether the last block of it is the padded one
// shows only when the file ends, so it looks one byte ahead.
func (s *stage) fillCipher() {
	n, err := io.ReadFull(s.src, s.buf)
	at := s.off // of buf[0]
	s.off += int64(n)
	end := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
	if err == nil {
		_, err = s.src.Peek(1)
		end = errors.Is(err, io.EOF)
	}
	if !end && err != nil {
		s.fail(err)
		n -= n % blockSize // all but the last, unfinished block is good
	}
	full := n - n%blockSize
	s.mode.CryptBlocks(s.buf[:full], s.buf[:full])
	s.w = full
	switch {
	case !end:
	case n == 0:
		s.err = &DamageError{Offset: at, What: "the encrypted part is missing"}
	case n != full:
		s.err = &DamageError{Offset: s.off, What: "the file is cut within a cipher block"}
	default:
		keep, ok := unpad(s.buf[full-blockSize : full])
		s.w = full - blockSize + keep
		if s.err = io.EOF; !ok {
			s.err = &DamageError{Offset: at + int64(full-blockSize), What: "the padding at the end is wrong"}
		}
	}
}

func (s *stage) fail(err error) {
	if err != nil && !errors.Is(err, io.EOF) {
		err = readError(err)
	}
	s.err = err
}

func (s *stage) ReadByte() (byte, error) {
	if s.r == s.w {
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
	c := s.buf[s.r]
	s.r++
	return c, nil
}

func (s *stage) Read(p []byte) (int, error) {
	if s.r == s.w {
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.buf[s.r:s.w])
	s.r += n
	return n, nil
}

// discard counts what is left.
func (s *stage) discard() (int64, error) {
	var n int64
	for {
		n += int64(s.w - s.r)
		s.r = s.w
		if err := s.fill(); errors.Is(err, io.EOF) {
			return n, nil
		} else if err != nil {
			return n, err
		}
	}
}
