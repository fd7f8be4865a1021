package entity

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
)

// readBuffer holds a header and the longest key with its NUL and padding.
const readBuffer = 64<<10 + 4<<10

// Header describes a record.
type Header struct {
	Key Key
	// Size is the value's length in bytes; 0 for a deletion.
	Size int64
	// Deleted says that the record deletes its key.
	Deleted bool
}

// Reader reads a stream of records: Next gives a record's header, Read its
// value up to io.EOF, as if each value were a file. After an error every call
// returns that error, io.EOF at the end of the stream included.
//
// It is not safe for use by several goroutines.
type Reader struct {
	r      *bufio.Reader
	limits Limits

	pos  int64 // bytes taken
	left int64 // bytes of the open value not yet taken
	err  error // the first error of Next, or what made the stream unreadable
}

// NewReader returns a Reader of the stream in r. It reads ahead.
func NewReader(r io.Reader, l Limits) *Reader {
	return &Reader{r: bufio.NewReaderSize(r, readBuffer), limits: l.whole()}
}

// Next skips what is left of the value before and returns the next record. At
// the end of the stream it returns io.EOF. A stream that makes no sense, or
// ends inside a record, gives a [*DamageError]; what could not be read, the
// underlying error.
func (r *Reader) Next() (Header, error) {
	if err := r.Skip(); err != nil {
		return Header{}, err
	}
	if n := padLen(r.pos); n > 0 {
		switch got, err := r.r.Discard(n); {
		case err == io.EOF: // the end need not be aligned
			r.pos += int64(got)
			r.err = io.EOF
			return Header{}, io.EOF
		case err != nil:
			return Header{}, r.fail(err, "")
		}
		r.pos += int64(n)
	}
	b, err := r.r.Peek(headerSize)
	if err != nil {
		if err == io.EOF && len(b) == 0 {
			r.err = io.EOF
			return Header{}, io.EOF
		}
		return Header{}, r.fail(err, "the stream ends inside a record's header")
	}
	if binary.LittleEndian.Uint32(b) != magic {
		return Header{}, r.damage(0, "no record begins here", nil)
	}
	keyLen := int64(int32(binary.LittleEndian.Uint32(b[4:])))
	size := int64(int32(binary.LittleEndian.Uint32(b[8:])))
	switch {
	case keyLen <= 0:
		return Header{}, r.damage(4, "a key without bytes", nil)
	case keyLen > int64(r.limits.Key):
		return Header{}, r.damage(4, "a key", ErrLimit)
	case size > r.limits.Data:
		return Header{}, r.damage(8, "a value", ErrLimit)
	}
	end := headerSize + int(keyLen)
	whole := end + 1 + padLen(keyLen+1)
	if b, err = r.r.Peek(whole); err != nil {
		return Header{}, r.fail(err, "the stream ends inside a key")
	}
	if b[end] != 0 {
		return Header{}, r.damage(int64(end), "a key without its end", nil)
	}
	h := Header{Key: Key(b[headerSize:end]), Size: max(size, 0), Deleted: size < 0}
	if !h.Key.Valid() {
		return Header{}, r.damage(headerSize, "a key", ErrKey)
	}
	if _, err := r.r.Discard(whole); err != nil { // they are buffered
		return Header{}, r.fail(err, "")
	}
	r.pos += int64(whole)
	r.left = h.Size
	return h, nil
}

// Read reads from the current record's value.
func (r *Reader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	if r.left == 0 {
		return 0, io.EOF
	}
	n, err := r.r.Read(p[:min(int64(len(p)), r.left)])
	r.took(n)
	if err != nil {
		return n, r.fail(err, "the stream ends inside a value")
	}
	return n, nil
}

// WriteTo copies what is left of the current record's value to w, without
// another buffer. An error of w leaves the Reader usable.
func (r *Reader) WriteTo(w io.Writer) (int64, error) {
	if r.err != nil && r.err != io.EOF {
		return 0, r.err
	}
	var sum int64
	for r.left > 0 {
		if _, err := r.r.Peek(1); err != nil {
			return sum, r.fail(err, "the stream ends inside a value")
		}
		b, err := r.r.Peek(int(min(r.left, int64(r.r.Buffered()))))
		if err != nil {
			return sum, r.fail(err, "the stream ends inside a value")
		}
		n, werr := w.Write(b)
		if n < 0 || n > len(b) {
			return sum, errInvalidWrite
		}
		if werr == nil && n < len(b) {
			werr = io.ErrShortWrite
		}
		if _, err := r.r.Discard(n); err != nil { // they are buffered
			return sum, r.fail(err, "")
		}
		r.took(n)
		sum += int64(n)
		if werr != nil {
			return sum, fmt.Errorf("copy a value: %w", werr)
		}
	}
	return sum, nil
}

var errInvalidWrite = errors.New("copy a value: the writer's count is wrong")

// AppendData appends what is left of the current record's value to dst, which
// grows as bytes arrive. If there are more than limit, it fails with
// [ErrLimit]; the value can still be skipped.
func (r *Reader) AppendData(dst []byte, limit int64) ([]byte, error) {
	if r.left > limit {
		return dst, fmt.Errorf("a value: %w", ErrLimit)
	}
	for r.left > 0 {
		if len(dst) == cap(dst) {
			dst = slices.Grow(dst, int(min(r.left, int64(max(512, len(dst))))))
		}
		n, err := r.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		if err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// Skip passes over what is left of the current record's value.
func (r *Reader) Skip() error {
	for r.err == nil && r.left > 0 {
		n, err := r.r.Discard(int(r.left)) // at most MaxInt32
		r.took(n)
		if err != nil {
			return r.fail(err, "the stream ends inside a value")
		}
	}
	return r.err
}

// Remaining returns how many bytes of the current record's value are left.
func (r *Reader) Remaining() int64 { return r.left }

// Offset returns how many bytes of the stream were taken so far.
func (r *Reader) Offset() int64 { return r.pos }

// All yields the records that are left. Between two of them the value may be
// read. The last pair has an error if the stream did not end as it should.
func (r *Reader) All() iter.Seq2[Header, error] {
	return func(yield func(Header, error) bool) {
		for {
			h, err := r.Next()
			if err == io.EOF {
				return
			}
			if !yield(h, err) || err != nil {
				return
			}
		}
	}
}

func (r *Reader) took(n int) {
	r.pos += int64(n)
	r.left -= int64(n)
}

// fail keeps an error of the underlying reader. Its end, where there should be
// more, is damage.
func (r *Reader) fail(err error, end string) error {
	if err == io.EOF && end != "" {
		return r.damage(0, end, nil)
	}
	r.err = fmt.Errorf("read entity stream at byte %d: %w", r.pos, err)
	return r.err
}

// damage keeps a DamageError for at bytes after what was taken.
func (r *Reader) damage(at int64, what string, cause error) error {
	r.err = &DamageError{Offset: r.pos + at, What: what, Err: cause}
	return r.err
}
