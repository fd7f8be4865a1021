package archive

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/ferry-move/ferry/mobile/android/fullbackup"
)

const (
	indexMagic = "ferry-archive-index 1"
	// maxIndexLine is the longest line: header blocks of 45 KiB in which every
	// byte takes four.
	maxIndexLine = 256 << 10
	maxOdd       = 64 << 10
	maxTarSize   = 1 << 62
)

// oddReader looks at unusual header blocks. Its buffer is made once.
type oddReader struct{ br *bufio.Reader }

// sound reports whether blocks are one header without a mistake. That it is the
// right one is looked at when it is written.
func (o *oddReader) sound(blocks []byte) bool {
	if len(blocks) == 0 || len(blocks)%tarBlock != 0 {
		return false
	}
	if o.br == nil {
		o.br = bufio.NewReaderSize(nil, readAhead) // as large as the tar reader's own, which it therefore is
	}
	o.br.Reset(bytes.NewReader(blocks))
	r := fullbackup.NewReader(o.br, fullbackup.Limits{Strict: true})
	_, err := r.Next()
	return err == nil && r.Offset() == int64(len(blocks))
}

// IndexError says where an index makes no sense.
type IndexError struct {
	// Offset is in the index, in bytes: the line's beginning.
	Offset int64
	// What is a short phrase.
	What string
}

// Error implements error.
func (e *IndexError) Error() string {
	return fmt.Sprintf("index damaged at byte %d: %s", e.Offset, e.What)
}

// indexWriter writes an index. Its first error stays.
type indexWriter struct {
	w    *bufio.Writer
	prev fullbackup.Header
	n    int64
	buf  []byte
}

func newIndexWriter(w io.Writer, position int64) *indexWriter {
	x := &indexWriter{w: bufio.NewWriterSize(w, readAhead)}
	fmt.Fprintf(x.w, "%s\nrun %d\n", indexMagic, position) // a bufio.Writer keeps its error
	return x
}

func (x *indexWriter) add(h *fullbackup.Header) error {
	x.buf = appendRecord(x.buf[:0], h, &x.prev)
	x.prev = *h
	x.n++
	_, err := x.w.Write(x.buf)
	return err
}

func (x *indexWriter) end() error {
	fmt.Fprintf(x.w, "end %d\n", x.n)
	return x.w.Flush()
}

// appendRecord appends the lines of one record.
func appendRecord(b []byte, h, prev *fullbackup.Header) []byte {
	t := byte('f')
	if h.Type == fullbackup.TypeDirectory {
		t = 'd'
	}
	if b = append(b, t); h.Pax {
		b = append(b, 'x')
	}
	b = appendField(b, uint64(h.Mode), uint64(prev.Mode), 8)
	b = appendField(b, uint64(h.UID), uint64(prev.UID), 10)
	b = appendField(b, uint64(h.GID), uint64(prev.GID), 10)
	b = appendField(b, uint64(h.Size), uint64(prev.Size), 10)
	b = appendField(b, uint64(h.ModTime), uint64(prev.ModTime), 10)
	b = append(b, ' ')
	switch {
	case h.Domain == prev.Domain:
		b = append(b, '=')
	case h.Domain == "":
		b = append(b, '-')
	case h.Domain == "=", h.Domain == "-":
		b = appendHex(b, h.Domain[0])
	default:
		b = appendEscaped(b, h.Domain, ' ')
	}
	b = appendEscaped(append(b, ' '), h.Path, 0)
	b = append(b, '\n')
	if h.Odd != nil {
		b = append(appendEscaped(append(b, "o "...), string(h.Odd), 0), '\n')
	}
	return b
}

func appendField(b []byte, v, prev uint64, base int) []byte {
	if b = append(b, ' '); v == prev {
		return append(b, '=')
	}
	return strconv.AppendUint(b, v, base)
}

func appendHex(b []byte, c byte) []byte {
	const digits = "0123456789abcdef"
	return append(b, '\\', 'x', digits[c>>4], digits[c&15])
}

// appendEscaped appends s so that it is one line; stop is another byte to
// escape, 0 = none.
func appendEscaped(b []byte, s string, stop byte) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == 0 {
			n := i
			for n < len(s) && s[n] == 0 {
				n++
			}
			if n -= i; n >= 3 {
				b = append(strconv.AppendInt(append(b, `\0`...), int64(n), 10), ';')
				i += n - 1
				continue
			}
		}
		if c < 0x20 || c == 0x7f || c == '\\' || c == stop && stop != 0 {
			b = appendHex(b, c)
		} else {
			b = append(b, c)
		}
	}
	return b
}

// unescape undoes appendEscaped, up to limit bytes.
func unescape(s string, limit int) (string, bool) {
	if strings.IndexByte(s, '\\') < 0 {
		return s, len(s) <= limit
	}
	var b []byte
	for s != "" {
		c := s[0]
		if c != '\\' {
			b, s = append(b, c), s[1:]
		} else if len(s) >= 4 && s[1] == 'x' {
			v, err := strconv.ParseUint(s[2:4], 16, 8)
			if err != nil {
				return "", false
			}
			b, s = append(b, byte(v)), s[4:]
		} else if number, rest, ok := strings.Cut(s[1:min(len(s), 10)], ";"); ok && number[:min(1, len(number))] == "0" {
			n, err := strconv.Atoi(number[1:])
			if err != nil || n < 0 || n > limit-len(b) {
				return "", false
			}
			b = append(b, make([]byte, n)...)
			s = rest + s[min(len(s), 10):]
		} else {
			return "", false
		}
		if len(b) > limit {
			return "", false
		}
	}
	return string(b), true
}

// indexReader reads an index of a unit. What it returns has one way only to be
// written, and lies where place allows.
type indexReader struct {
	// position is the unit's place in the archive it came from.
	position int64

	r     *bufio.Reader
	unit  unit
	most  int64
	prev  fullbackup.Header
	odd   oddReader
	n     int64
	off   int64 // of the next line
	start int64 // of the line read last
	buf   []byte
}

// newIndexReader reads the beginning of an index. most is the largest number of
// records.
func newIndexReader(r io.Reader, u unit, most int64) (*indexReader, error) {
	x := &indexReader{r: bufio.NewReaderSize(r, readAhead), unit: u, most: most}
	first, err := x.line()
	if err != nil {
		return nil, err
	}
	if string(first) != indexMagic {
		return nil, x.damage("it is no index, or of another version")
	}
	run, err := x.line()
	if err != nil {
		return nil, err
	}
	number, ok := strings.CutPrefix(string(run), "run ")
	if x.position, err = strconv.ParseInt(number, 10, 64); !ok || err != nil || x.position < 1 || strconv.FormatInt(x.position, 10) != number {
		return nil, x.damage("the place in the archive is not a number")
	}
	return x, nil
}

// next returns the next record; io.EOF behind the last one of a whole index.
func (x *indexReader) next() (*fullbackup.Header, error) {
	l, err := x.line()
	if err != nil {
		return nil, err
	}
	start := x.start
	if number, ok := strings.CutPrefix(string(l), "end "); ok {
		if number != strconv.FormatInt(x.n, 10) {
			return nil, x.damage("its number of records is wrong")
		}
		if _, err := x.r.ReadByte(); err != io.EOF {
			return nil, x.damage("something follows its end")
		}
		return nil, io.EOF
	}
	if x.n++; x.n > x.most {
		return nil, x.damage("too many records")
	}
	h, ok := x.record(string(l))
	if !ok {
		return nil, x.damage("a record cannot be read")
	}
	if c, err := x.r.Peek(1); err == nil && c[0] == 'o' {
		if l, err = x.line(); err != nil {
			return nil, err
		}
		odd, ok := strings.CutPrefix(string(l), "o ")
		if odd, ok2 := unescape(odd, maxOdd); ok && ok2 {
			h.Odd = []byte(odd)
		}
		if !x.odd.sound(h.Odd) {
			return nil, x.damage("unusual header blocks cannot be read")
		}
	}
	// The lines are in buf, one behind the other.
	if again := appendRecord(nil, h, &x.prev); !bytes.Equal(again, x.buf) {
		x.start = start
		return nil, x.damage("a record is not written as it must be")
	}
	x.buf = x.buf[:0]
	if place(x.unit, h) == "" {
		return nil, x.damage("a record is not of this folder")
	}
	x.prev = *h
	return h, nil
}

// record reads a record's first line.
func (x *indexReader) record(l string) (*fullbackup.Header, bool) {
	f := strings.SplitN(l, " ", 8)
	if len(f) != 8 {
		return nil, false
	}
	h := &fullbackup.Header{Package: x.unit.pkg, Type: fullbackup.TypeFile}
	t, pax := strings.CutSuffix(f[0], "x")
	if h.Pax = pax; t == "d" {
		h.Type = fullbackup.TypeDirectory
	} else if t != "f" {
		return nil, false
	}
	var v [5]uint64
	most := [5]uint64{0o7777, 1<<32 - 1, 1<<32 - 1, maxTarSize, 1 << 40}
	prev := [5]uint64{uint64(x.prev.Mode), uint64(x.prev.UID), uint64(x.prev.GID), uint64(x.prev.Size), uint64(x.prev.ModTime)}
	for i := range v {
		if f[i+1] == "=" {
			v[i] = prev[i]
			continue
		}
		base := 10
		if i == 0 {
			base = 8
		}
		var err error
		if v[i], err = strconv.ParseUint(f[i+1], base, 64); err != nil || v[i] > most[i] {
			return nil, false
		}
	}
	h.Mode, h.UID, h.GID, h.Size, h.ModTime = uint32(v[0]), uint32(v[1]), uint32(v[2]), int64(v[3]), int64(v[4])
	var ok bool
	switch f[6] {
	case "=":
		h.Domain, ok = x.prev.Domain, true
	case "-":
		ok = true
	default:
		h.Domain, ok = unescape(f[6], fullbackup.MaxPath)
	}
	if !ok || h.Type == fullbackup.TypeDirectory && h.Size != 0 {
		return nil, false
	}
	h.Path, ok = unescape(f[7], fullbackup.MaxPath)
	return h, ok
}

// line reads a line and keeps it at the end of buf; a record's lines are
// together there.
func (x *indexReader) line() ([]byte, error) {
	if x.n == 0 {
		x.buf = x.buf[:0] // the lines before the first record
	}
	x.start = x.off
	from := len(x.buf)
	for {
		part, err := x.r.ReadSlice('\n')
		x.buf = append(x.buf, part...)
		x.off += int64(len(part))
		switch {
		case err == nil:
			return x.buf[from : len(x.buf)-1], nil
		case errors.Is(err, bufio.ErrBufferFull) && len(x.buf)-from <= maxIndexLine:
		case errors.Is(err, bufio.ErrBufferFull):
			return nil, x.damage("a line is too long")
		case err == io.EOF:
			return nil, x.damage("it is cut")
		default:
			return nil, fmt.Errorf("read index: %w", bare(err))
		}
	}
}

func (x *indexReader) damage(what string) error { return &IndexError{Offset: x.start, What: what} }
