package replay

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"hash/crc32"
	"io"

	"github.com/ferry-move/ferry/mobile/android/entity"
)

const stateMagic = "FRpl\x01\x00\x00\x00"

// errState says that an old state does not add up.
var errState = errors.New("not a state of this agent")

var le = binary.LittleEndian

// stateWriter writes a state.
type stateWriter struct {
	w   *bufio.Writer
	crc hash.Hash32
	err error
}

func newStateWriter(w io.Writer, digest [sha256.Size]byte) *stateWriter {
	s := &stateWriter{w: bufio.NewWriter(w), crc: crc32.NewIEEE()}
	s.put([]byte(stateMagic))
	s.put(digest[:])
	s.seal()
	return s
}

func (s *stateWriter) put(p []byte) {
	s.crc.Write(p)
	if s.err == nil {
		_, s.err = s.w.Write(p)
	}
}

func (s *stateWriter) seal() { s.put(le.AppendUint32(nil, s.crc.Sum32())) }

func (s *stateWriter) add(k entity.Key, v sum) error {
	s.put(le.AppendUint16(nil, uint16(len(k))))
	s.put([]byte(k))
	s.put(v[:])
	s.seal()
	return s.err
}

func (s *stateWriter) close() error {
	s.put([]byte{0, 0})
	s.seal()
	if s.err == nil {
		s.err = s.w.Flush()
	}
	return s.err
}

// stateReader reads a state. It holds one key of it.
type stateReader struct {
	r      *bufio.Reader
	crc    hash.Hash32
	digest [sha256.Size]byte
	buf    []byte
}

// openState reads the head of a state; nil where there is none, or none that
// this agent wrote.
func openState(old io.Reader) (*stateReader, error) {
	if old == nil {
		return nil, nil
	}
	s := &stateReader{r: bufio.NewReader(old), crc: crc32.NewIEEE()}
	magic, err := s.take(len(stateMagic))
	ok := err == nil && string(magic) == stateMagic
	if ok {
		var d []byte
		if d, err = s.take(len(s.digest)); err == nil {
			copy(s.digest[:], d)
			err = s.sealed()
		}
	}
	if errors.Is(err, errState) || err == nil && !ok {
		return nil, nil
	}
	return s, err
}

// take reads n bytes, which stay valid until the next call. n is at most that
// of a uint16.
func (s *stateReader) take(n int) ([]byte, error) {
	if cap(s.buf) < n {
		s.buf = make([]byte, n)
	}
	p := s.buf[:n]
	_, err := io.ReadFull(s.r, p)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return nil, errState
	}
	s.crc.Write(p)
	return p, err
}

func (s *stateReader) sealed() error {
	want := s.crc.Sum32()
	p, err := s.take(4)
	if err == nil && le.Uint32(p) != want {
		err = errState
	}
	return err
}

// next returns the next record: io.EOF at the end, errState where the state
// does not add up.
func (s *stateReader) next() (k entity.Key, v sum, err error) {
	p, err := s.take(2)
	if err != nil {
		return "", v, err
	}
	n := int(le.Uint16(p))
	if n == 0 {
		if err := s.sealed(); err != nil {
			return "", v, err
		}
		return "", v, io.EOF
	}
	if p, err = s.take(n); err != nil {
		return "", v, err
	}
	k = entity.Key(p)
	if p, err = s.take(len(v)); err != nil {
		return "", v, err
	}
	copy(v[:], p)
	if err = s.sealed(); err == nil && !k.Valid() {
		err = errState
	}
	return k, v, err
}
