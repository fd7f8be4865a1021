package prefs

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

// scanner cuts a document into tags and text. It knows the part of XML that
// such files use.
type scanner struct {
	doc []byte
	pos int
}

// tag is an opening, closing or empty one.
type tag struct {
	at             int // of its "<"
	name           string
	attrs          []attribute
	closing, empty bool
}

type attribute struct{ name, value string }

func (t *tag) attr(name string) (string, bool) {
	for _, a := range t.attrs {
		if a.name == name {
			return a.value, true
		}
	}
	return "", false
}

func (s *scanner) fail(at int, what string) error {
	return &SyntaxError{Offset: int64(at), What: what}
}

func (s *scanner) cut() error { return s.fail(len(s.doc), "the document is cut") }

// peek returns the next byte, 0 at the end.
func (s *scanner) peek() byte {
	if s.pos == len(s.doc) {
		return 0
	}
	return s.doc[s.pos]
}

func (s *scanner) eat(prefix string) bool {
	if !bytes.HasPrefix(s.doc[s.pos:], []byte(prefix)) {
		return false
	}
	s.pos += len(prefix)
	return true
}

// past skips to behind the next end.
func (s *scanner) past(end string) error {
	n := bytes.Index(s.doc[s.pos:], []byte(end))
	if n < 0 {
		return s.cut()
	}
	s.pos += n + len(end)
	return nil
}

func (s *scanner) space() {
	for s.pos < len(s.doc) && isSpace(s.doc[s.pos]) {
		s.pos++
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// prolog skips a byte order mark and the XML declaration, which may claim UTF-8
// only.
func (s *scanner) prolog() error {
	s.eat("\ufeff")
	if s.eat("<?xml") {
		from := s.pos
		if err := s.past("?>"); err != nil {
			return err
		}
		d := bytes.ToLower(s.doc[from:s.pos])
		if _, enc, ok := bytes.Cut(d, []byte("encoding")); ok {
			enc = bytes.TrimLeft(enc, " \t\r\n=")
			if len(enc) == 0 || !bytes.HasPrefix(enc[1:], []byte("utf-8")) {
				return s.fail(from, "an encoding other than UTF-8")
			}
		}
	}
	return s.misc()
}

// misc skips white space and comments between elements.
func (s *scanner) misc() error {
	for {
		s.space()
		if !s.eat("<!--") {
			return nil
		}
		if err := s.past("-->"); err != nil {
			return err
		}
	}
}

// tag reads the tag that must come next.
func (s *scanner) tag() (*tag, error) {
	t := &tag{at: s.pos}
	if s.pos == len(s.doc) {
		return nil, s.cut()
	}
	if !s.eat("<") {
		return nil, s.fail(t.at, "text where none belongs")
	}
	switch s.peek() {
	case '!':
		return nil, s.fail(t.at, "a document type or a section that does not belong here")
	case '?':
		return nil, s.fail(t.at, "a processing instruction")
	}
	t.closing = s.eat("/")
	var err error
	if t.name, err = s.word(); err != nil {
		return nil, err
	}
	for {
		from := s.pos
		s.space()
		switch {
		case s.pos == len(s.doc):
			return nil, s.cut()
		case s.eat(">"):
			return t, nil
		case t.closing:
			return nil, s.fail(s.pos, "a closing tag with something in it")
		case s.eat("/>"):
			t.empty = true
			return t, nil
		case s.pos == from || len(t.attrs) == maxAttributes:
			return nil, s.fail(s.pos, "a malformed tag")
		}
		at := s.pos
		a, err := s.attribute()
		if err != nil {
			return nil, err
		}
		if _, twice := t.attr(a.name); twice {
			return nil, s.fail(at, "an attribute twice")
		}
		t.attrs = append(t.attrs, a)
	}
}

// word reads the name of an element or an attribute. All that we know are
// ASCII letters.
func (s *scanner) word() (string, error) {
	from := s.pos
	for s.pos < len(s.doc) {
		c := s.doc[s.pos]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == ':' || c == '.') {
			break
		}
		s.pos++
	}
	switch {
	case s.pos == len(s.doc):
		return "", s.cut()
	case s.pos == from:
		return "", s.fail(from, "a malformed tag")
	}
	return string(s.doc[from:s.pos]), nil
}

func (s *scanner) attribute() (attribute, error) {
	var a attribute
	var err error
	if a.name, err = s.word(); err != nil {
		return a, err
	}
	s.space()
	if !s.eat("=") {
		return a, s.fail(s.pos, "an attribute without a value")
	}
	s.space()
	quote := s.peek()
	if quote != '"' && quote != '\'' {
		return a, s.fail(s.pos, "an attribute without a value")
	}
	s.pos++
	n := bytes.IndexByte(s.doc[s.pos:], quote)
	if n < 0 {
		return a, s.cut()
	}
	from := s.pos
	s.pos += n + 1
	raw := s.doc[from : from+n]
	if i := bytes.IndexByte(raw, '<'); i >= 0 {
		return a, s.fail(from+i, "a tag within an attribute")
	}
	var b strings.Builder
	if err := s.unescape(&b, from, raw, true); err != nil {
		return a, err
	}
	a.value = b.String()
	return a, nil
}

// chars reads text up to the next tag; comments in it are skipped.
func (s *scanner) chars() (string, error) {
	var b strings.Builder
	for {
		n := bytes.IndexByte(s.doc[s.pos:], '<')
		if n < 0 {
			return "", s.cut()
		}
		if err := s.unescape(&b, s.pos, s.doc[s.pos:s.pos+n], false); err != nil {
			return "", err
		}
		s.pos += n
		switch {
		case s.eat("<!--"):
			if err := s.past("-->"); err != nil {
				return "", err
			}
		case s.eat("<![CDATA["):
			from := s.pos
			if err := s.past("]]>"); err != nil {
				return "", err
			}
			if err := s.plain(&b, from, s.doc[from:s.pos-len("]]>")], false); err != nil {
				return "", err
			}
		default:
			return b.String(), nil
		}
	}
}

// unescape resolves references. at is where raw lies in the document.
func (s *scanner) unescape(b *strings.Builder, at int, raw []byte, attr bool) error {
	for {
		n := bytes.IndexByte(raw, '&')
		if n < 0 {
			return s.plain(b, at, raw, attr)
		}
		if err := s.plain(b, at, raw[:n], attr); err != nil {
			return err
		}
		at, raw = at+n, raw[n+1:]
		const longest = 12 // bytes of a reference
		end := bytes.IndexByte(raw[:min(len(raw), longest)], ';')
		if end < 0 {
			return s.fail(at, "a reference that does not end")
		}
		r, ok := reference(string(raw[:end]))
		if !ok {
			return s.fail(at, "a reference to an unknown character or entity")
		}
		b.WriteRune(r)
		at, raw = at+end+2, raw[end+1:]
	}
}

func reference(name string) (rune, bool) {
	switch name {
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "amp":
		return '&', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	digits, ok := strings.CutPrefix(name, "#")
	if !ok {
		return 0, false
	}
	base := 10
	if hex, ok := strings.CutPrefix(digits, "x"); ok {
		digits, base = hex, 16
	}
	n, err := strconv.ParseUint(digits, base, 21)
	if err != nil || !utf8.ValidRune(rune(n)) {
		return 0, false
	}
	return rune(n), true
}

// plain takes characters as they are, but for line ends: carriage returns turn
// into line feeds, and in attributes all white space into spaces, as XML says.
func (s *scanner) plain(b *strings.Builder, at int, raw []byte, attr bool) error {
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch {
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRune(raw[i:])
			if r == utf8.RuneError && n == 1 {
				return s.fail(at+i, "text that is not UTF-8")
			}
			b.Write(raw[i : i+n])
			i += n - 1
			continue
		case c == '\r' && i+1 < len(raw) && raw[i+1] == '\n':
			continue
		case c == '\r':
			c = '\n'
		case c < ' ' && c != '\n' && c != '\t':
			return s.fail(at+i, "a control character")
		}
		if attr && c < ' ' {
			c = ' '
		}
		b.WriteByte(c)
	}
	return nil
}
