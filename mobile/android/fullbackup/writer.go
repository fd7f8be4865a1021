package fullbackup

import (
	"bytes"
	"fmt"
	"io"
)

// Writer writes an archive. Every entry is a header and exactly as much content
// as it says. A Writer does not buffer content and is used by one goroutine.
//
// A transport's stream ends with its last entry: [Writer.Close]. The tar in an
// .ab file ends with two blocks of zeros: [Writer.End].
type Writer struct {
	w     io.Writer
	off   int64
	left  int64 // content still to come
	pad   int64 // zeros after it
	buf   []byte
	ended bool
	err   error // a failed write; sticky
}

// NewWriter returns a Writer to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Offset returns how many bytes have been written.
func (w *Writer) Offset() int64 { return w.off }

// WriteHeader begins an entry. It returns [ErrTooShort] if the one before is
// not whole, and [ErrInvalid] for a header that no Reader would give back the
// same; neither writes anything.
func (w *Writer) WriteHeader(h Header) error {
	switch {
	case w.err != nil:
		return w.err
	case w.ended:
		return ErrEnded
	case w.left > 0:
		return ErrTooShort
	}
	full, err := validate(&h)
	if err != nil {
		return err
	}
	if h.Odd != nil && matches(h.Odd, &h) {
		w.buf = append(w.buf[:0], h.Odd...)
	} else {
		w.buf = appendHeader(w.buf[:0], &h, full)
	}
	if err := w.write(w.buf); err != nil {
		return err
	}
	w.left, w.pad = h.Size, padding(h.Size)
	return nil
}

// validate holds what is written to what a Reader accepts, and returns the full
// name.
func validate(h *Header) (string, error) {
	dir := h.Type == TypeDirectory
	switch {
	case !dir && h.Type != TypeFile:
		return "", fmt.Errorf("entry type %d: %w", h.Type, ErrInvalid)
	case h.Size < 0 || h.Size > maxSize || dir && h.Size != 0:
		return "", fmt.Errorf("entry size %d: %w", h.Size, ErrInvalid)
	case h.Mode&^modeBits != 0:
		return "", fmt.Errorf("entry mode %#o: %w", h.Mode, ErrInvalid)
	case (h.IsManifest() || h.IsMeta()) && h.Size > MaxMetadata:
		return "", fmt.Errorf("entry: %w: %w", TooLarge, ErrInvalid)
	}
	n, reason := splitName(h.Name(), dir)
	if reason == 0 && (n.pkg != h.Package || n.domain != h.Domain || n.path != h.Path) {
		reason = BadName
	}
	if reason != 0 {
		return "", fmt.Errorf("entry: %w: %w", reason, ErrInvalid)
	}
	return n.full, nil
}

// matches reports whether the kept blocks say what h says and nothing else: a
// file that has changed since gets a header of its own.
func matches(odd []byte, h *Header) bool {
	r := newReader(bytes.NewReader(odd), Limits{}, 4<<10)
	got, err := r.Next()
	return err == nil && r.Offset() == int64(len(odd)) && same(got, h)
}

// Write writes content of the entry. What goes beyond the header's size is left
// out and answered with [ErrTooLong].
func (w *Writer) Write(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	if w.ended && len(p) > 0 {
		return 0, ErrEnded
	}
	long := int64(len(p)) > w.left
	if long {
		p = p[:w.left]
	}
	if len(p) > 0 {
		n, err := w.w.Write(p)
		w.off += int64(n)
		w.left -= int64(n)
		if err == nil && n < len(p) {
			err = io.ErrShortWrite
		}
		if err != nil {
			w.err = err
			return n, err
		}
		if err := w.fill(); err != nil {
			return n, err
		}
	}
	if long {
		return len(p), ErrTooLong
	}
	return len(p), nil
}

// ZeroFill completes the entry with zeros: a file that shrank while it was read
// keeps the size its header promised, and the entries behind it their place.
// It returns how many bytes were missing.
func (w *Writer) ZeroFill() (int64, error) {
	if w.err != nil {
		return 0, w.err
	}
	missing := w.left
	var buf []byte
	if missing > 0 {
		buf = make([]byte, min(missing, 32<<10))
	}
	for w.left > 0 {
		n := min(w.left, int64(len(buf)))
		if err := w.write(buf[:n]); err != nil {
			return missing - w.left, err
		}
		w.left -= n
	}
	return missing, w.fill()
}

// fill writes the zeros after content that has become whole.
func (w *Writer) fill() error {
	if w.left > 0 || w.pad == 0 {
		return nil
	}
	n := w.pad
	w.pad = 0
	return w.write(zeros[:n])
}

// Close checks that the last entry is whole. It writes nothing and does not
// close what lies below.
func (w *Writer) Close() error {
	switch {
	case w.err != nil:
		return w.err
	case w.left > 0:
		return ErrTooShort
	}
	w.ended = true
	return nil
}

// End is [Writer.Close], and writes the two blocks of zeros that end the tar in
// an .ab file.
func (w *Writer) End() error {
	if w.ended {
		return ErrEnded
	}
	if err := w.Close(); err != nil {
		return err
	}
	return w.write(make([]byte, 2*blockSize))
}

func (w *Writer) write(p []byte) error {
	n, err := w.w.Write(p)
	w.off += int64(n)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	if err != nil {
		w.err = err
	}
	return err
}
