package entity

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

var (
	// ErrShort says that a value got fewer bytes than its header promised.
	ErrShort = errors.New("less data than promised")
	// ErrLong says that a value got more bytes than its header promised.
	ErrLong = errors.New("more data than promised")
	// ErrClosed says that a Writer was used after Close.
	ErrClosed = errors.New("the entity stream is closed")
)

const writeBuffer = 64 << 10

// Options say what a [Writer] accepts. The zero value is for an app's agent.
type Options struct {
	Limits Limits
	// System allows the keys that are reserved for the framework.
	System bool
	// At is how many bytes the stream has already, whose last record is complete.
	// 0 = it is new.
	At int64
}

// Writer writes a stream of records. A value's bytes follow its header through
// Write, as many as the header says. After an error every call returns that
// error, and what was written is no complete stream.
//
// It is not safe for use by several goroutines.
type Writer struct {
	w      *bufio.Writer
	limits Limits
	system bool

	header [headerSize]byte
	pos    int64 // bytes written
	left   int64 // bytes that the open value still needs
	err    error // the first error; final
}

// NewWriter returns a Writer that writes to w, whose position has to be a
// multiple of four bytes in whatever it is part of.
func NewWriter(w io.Writer, o Options) *Writer {
	return &Writer{w: bufio.NewWriterSize(w, writeBuffer), limits: o.Limits.whole(), system: o.System, pos: o.At}
}

// WriteHeader begins the record of a value with size bytes; 0 is a value too.
// It fails with [ErrShort], [ErrKey], [ErrReserved] or [ErrLimit].
func (w *Writer) WriteHeader(key Key, size int64) error {
	if size < 0 {
		return w.fail(fmt.Errorf("a negative size: %w", ErrLimit))
	}
	return w.begin(key, size)
}

// Delete writes the record that deletes a key.
func (w *Writer) Delete(key Key) error { return w.begin(key, -1) }

func (w *Writer) begin(key Key, size int64) error {
	switch {
	case w.err != nil:
		return w.err
	case w.left > 0:
		return w.fail(ErrShort)
	case len(key) > w.limits.Key:
		return w.fail(fmt.Errorf("a key: %w", ErrLimit))
	case size > w.limits.Data:
		return w.fail(fmt.Errorf("a value: %w", ErrLimit))
	case !key.Valid():
		return w.fail(ErrKey)
	case !w.system && key.Reserved():
		return w.fail(ErrReserved)
	}
	if _, err := w.w.WriteString(padding[:padLen(w.pos)]); err != nil { // the value before
		return w.fail(err)
	}
	binary.LittleEndian.PutUint32(w.header[0:], magic)
	binary.LittleEndian.PutUint32(w.header[4:], uint32(len(key)))
	binary.LittleEndian.PutUint32(w.header[8:], uint32(size))
	n := len(key) + 1
	pad := padLen(int64(n))
	// A bufio.Writer keeps its first error, so the last call has it.
	_, _ = w.w.Write(w.header[:])
	_, _ = w.w.WriteString(string(key))
	_ = w.w.WriteByte(0)
	if _, err := w.w.WriteString(padding[:pad]); err != nil {
		return w.fail(err)
	}
	w.pos += int64(padLen(w.pos) + headerSize + n + pad)
	w.left = max(size, 0)
	return nil
}

// Write adds to the open value. If p is more than the value still needs, it
// writes nothing and fails with [ErrLong].
func (w *Writer) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	if int64(len(p)) > w.left {
		return 0, w.fail(ErrLong)
	}
	n, err := w.w.Write(p)
	w.pos += int64(n)
	w.left -= int64(n)
	if err != nil {
		return n, w.fail(err)
	}
	return n, nil
}

// Missing returns how many bytes the open value still needs.
func (w *Writer) Missing() int64 { return w.left }

// Offset returns how many bytes the stream has so far.
func (w *Writer) Offset() int64 { return w.pos }

// Flush hands everything that was written to the underlying writer.
func (w *Writer) Flush() error {
	if w.err != nil {
		return w.err
	}
	if err := w.w.Flush(); err != nil {
		return w.fail(err)
	}
	return nil
}

// Close ends the stream and flushes it. It fails with [ErrShort] if a value is
// incomplete. It does not close the underlying writer. Calling it again does
// nothing.
func (w *Writer) Close() error {
	if errors.Is(w.err, ErrClosed) {
		return nil
	}
	if w.err == nil && w.left > 0 {
		return w.fail(ErrShort)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	w.err = ErrClosed
	return nil
}

func (w *Writer) fail(err error) error {
	if w.err == nil {
		w.err = fmt.Errorf("write entity stream: %w", err)
	}
	return w.err
}
