package contacts

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"unicode/utf16"
)

// layout is how the text of a file or card is laid out in bytes. Anything in
// which ASCII is ASCII counts as bytes8.
type layout uint8

const (
	bytes8 layout = iota
	utf16LE
	utf16BE
)

const (
	bom8    = "\xEF\xBB\xBF"
	bom16LE = "\xFF\xFE"
	bom16BE = "\xFE\xFF"
)

// sniff tells the layout by the first two bytes: a byte order mark, or the
// zero half of an ASCII character.
func sniff(b []byte) layout {
	switch {
	case len(b) < 2:
		return bytes8
	case string(b[:2]) == bom16LE, b[0] != 0 && b[1] == 0:
		return utf16LE
	case string(b[:2]) == bom16BE, b[0] == 0 && b[1] != 0:
		return utf16BE
	}
	return bytes8
}

func (e layout) bom() string {
	switch e {
	case utf16LE:
		return bom16LE
	case utf16BE:
		return bom16BE
	}
	return bom8
}

// encode turns UTF-8 text into e. It returns b itself for bytes8.
func (e layout) encode(b []byte) []byte {
	if e == bytes8 {
		return b
	}
	out := make([]byte, 0, 2*len(b))
	for _, u := range utf16.Encode([]rune(string(b))) {
		if e == utf16LE {
			out = append(out, byte(u), byte(u>>8))
		} else {
			out = append(out, byte(u>>8), byte(u))
		}
	}
	return out
}

// decode turns b into text in which ASCII is ASCII. It returns b itself for
// bytes8. A half unit at the end is dropped; a lone surrogate becomes U+FFFD.
func (e layout) decode(b []byte) []byte {
	if e == bytes8 {
		return b
	}
	units := make([]uint16, len(b)/2)
	for i := range units {
		lo, hi := b[2*i], b[2*i+1]
		if e == utf16BE {
			lo, hi = hi, lo
		}
		units[i] = uint16(hi)<<8 | uint16(lo)
	}
	return []byte(string(utf16.Decode(units)))
}

// maxHead is how much of a physical line is looked at, in units.
const maxHead = 4096

// lineReader reads physical lines. A line ends after LF, after up to three CR
// with an LF (phones have written CR CR LF), or after a CR alone.
type lineReader struct {
	r   *bufio.Reader
	enc layout

	// Of the line that next read last:
	raw  []byte // its bytes so far as spill did not get them
	head []byte // its first units without mark and end; 0xFF = not ASCII
	last byte   // its last unit before the end, 0 = none
	text bool   // something other than spaces and tabs was seen
	long bool   // spill got a part, so raw is only the rest

	ended bool // the last line had an end; true before the first
}

func newLineReader(r io.Reader) *lineReader {
	size := 64 << 10
	if s, ok := r.(interface{ Len() int }); ok { // bytes in memory
		size = min(size, s.Len())
	}
	br := bufio.NewReaderSize(r, size)
	start, _ := br.Peek(2) // an error comes back with the first read
	return &lineReader{r: br, enc: sniff(start), ended: true}
}

// next reads one line. What does not fit in raw goes to spill while it is
// being read. It returns io.EOF after the last line.
func (l *lineReader) next(spill func([]byte)) error {
	l.raw, l.head, l.last, l.text, l.long = l.raw[:0], l.head[:0], 0, false, false
	first := true
	for {
		u, err := l.unit()
		if err != nil {
			if errors.Is(err, io.EOF) && len(l.raw) > 0 {
				l.ended = false
				return nil
			}
			return err
		}
		if len(l.raw) > 2*maxHead {
			spill(l.raw)
			l.raw, l.long = l.raw[:0], true
		}
		switch {
		case u == '\n':
			l.ended = true
			return nil
		case u == '\r':
			l.ended = true
			for range l.crRun() {
				if _, err := l.unit(); err != nil {
					return err
				}
			}
			return nil
		case first && u == 0xFEFF: // a mark, here or where files were joined
		case first && u == 0xEF && l.enc == bytes8 && l.skipMark():
		default:
			b := byte(0xFF)
			if u < 0x80 {
				b = byte(u)
			}
			if b != ' ' && b != '\t' {
				l.text = true
			}
			l.last = b
			if len(l.head) < maxHead {
				l.head = append(l.head, b)
			}
		}
		first = false
	}
}

// unit reads one byte, or two in UTF-16, and adds them to raw.
func (l *lineReader) unit() (uint16, error) {
	a, err := l.r.ReadByte()
	if err != nil {
		return 0, err
	}
	l.raw = append(l.raw, a)
	if l.enc == bytes8 {
		return uint16(a), nil
	}
	b, err := l.r.ReadByte()
	if errors.Is(err, io.EOF) {
		return 0xFFFD, nil // half a unit: not blank, not ASCII
	} else if err != nil {
		return 0, err
	}
	l.raw = append(l.raw, b)
	if l.enc == utf16BE {
		a, b = b, a
	}
	return uint16(b)<<8 | uint16(a), nil
}

// crRun returns how many units after a CR belong to the same line end.
func (l *lineReader) crRun() int {
	width := 1
	if l.enc != bytes8 {
		width = 2
	}
	b, _ := l.r.Peek(3 * width)
	for i := 0; i+width <= len(b); i += width {
		c := b[i]
		if width == 2 {
			hi := b[i+1]
			if l.enc == utf16BE {
				c, hi = hi, c
			}
			if hi != 0 {
				return 0
			}
		}
		if c == '\n' {
			return i/width + 1
		} else if c != '\r' {
			return 0
		}
	}
	return 0
}

// skipMark reads the rest of a UTF-8 byte order mark if there is one.
func (l *lineReader) skipMark() bool {
	b, _ := l.r.Peek(2)
	if string(b) != bom8[1:] {
		return false
	}
	l.raw = append(l.raw, b...)
	l.r.Discard(2) // they were peeked
	return true
}

func (l *lineReader) blank() bool  { return !l.text }
func (l *lineReader) folded() bool { return len(l.head) > 0 && (l.head[0] == ' ' || l.head[0] == '\t') }

// cutLine cuts the first physical line from text, with the same ends as
// lineReader: its content, its end, and what follows.
func cutLine(b []byte) (content, end, rest []byte) {
	i := bytes.IndexAny(b, "\r\n")
	if i < 0 {
		return b, nil, nil
	}
	n := i + 1
	if b[i] == '\r' {
		for j := i + 1; j < len(b) && j <= i+3; j++ {
			if b[j] == '\n' {
				n = j + 1
			}
			if b[j] != '\r' {
				break
			}
		}
	}
	return b[:i], b[i:n], b[n:]
}

// isMarker reports whether a line says word:VCARD, in any case and with
// blanks around the colon and at the end, as 2.1 allows.
func isMarker(line []byte, word string) bool {
	k, v, ok := bytes.Cut(line, []byte{':'})
	return ok && bytes.EqualFold(bytes.TrimRight(k, " \t"), []byte(word)) &&
		bytes.EqualFold(bytes.Trim(v, " \t"), []byte("VCARD"))
}

func isBegin(line []byte) bool { return isMarker(line, "BEGIN") }
func isEnd(line []byte) bool   { return isMarker(line, "END") }

// cutHeader cuts a line at the colon that ends its name and parameters. Colons
// in double quotes don't count. The second result is false if there is none.
func cutHeader(line []byte) (header, value []byte, ok bool) {
	quoted := false
	for i, c := range line {
		switch {
		case c == '"':
			quoted = !quoted
		case c == ':' && !quoted:
			return line[:i], line[i+1:], true
		}
	}
	return nil, nil, false
}

// traits are what the header of a property says about the lines after it.
type traits struct {
	quoted bool // quoted-printable: "=" at the end of a line joins the next
	base64 bool
	agent  bool
}

// headerTraits looks at a header; upper and lower case are the same.
func headerTraits(header []byte) (t traits) {
	name, params, _ := bytes.Cut(header, []byte{';'})
	if i := bytes.LastIndexByte(name, '.'); i >= 0 {
		name = name[i+1:]
	}
	t.agent = bytes.EqualFold(bytes.TrimSpace(name), []byte("AGENT"))
	for len(params) > 0 {
		var p []byte
		p, params, _ = bytes.Cut(params, []byte{';'})
		if k, v, ok := bytes.Cut(p, []byte{'='}); ok {
			if !bytes.EqualFold(bytes.TrimSpace(k), []byte("ENCODING")) {
				continue
			}
			p = v
		}
		switch string(bytes.ToUpper(bytes.Trim(p, " \t\""))) {
		case "QUOTED-PRINTABLE":
			t.quoted = true
		case "BASE64", "B":
			t.base64 = true
		}
	}
	return t
}
