package prefs

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"unicode/utf8"
)

const declaration = "<?xml version='1.0' encoding='utf-8' standalone='yes' ?>\n"

// Encode writes p as Android does, with one exception: behind text that ends
// with a line feed Android indents the closing tag, and the app finds four more
// spaces at the end of its text. We don't.
func Encode(w io.Writer, p *Prefs) error {
	b, err := p.Append(nil)
	if err != nil {
		return err
	}
	if _, err := w.Write(b); err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	return nil
}

// Append appends the document to b. It fails with [ErrUnencodable] only.
func (p *Prefs) Append(b []byte) ([]byte, error) {
	b = append(b, declaration...)
	if len(p.Entries) == 0 {
		return append(b, "<map />\n"...), nil
	}
	b = append(b, "<map>\n"...)
	for i := range p.Entries {
		var err error
		if b, err = appendEntry(b, &p.Entries[i]); err != nil {
			return nil, err
		}
	}
	return append(b, "</map>\n"...), nil
}

func appendEntry(b []byte, e *Entry) ([]byte, error) {
	if e.Value == nil || !utf8.ValidString(e.Name) || e.Unnamed && e.Name != "" {
		return nil, ErrUnencodable
	}
	tag := e.Value.element()
	b = append(append(b, "    <"...), tag...)
	if !e.Unnamed {
		b = append(appendEscaped(append(b, ` name="`...), e.Name), '"')
	}
	switch v := e.Value.(type) {
	case String:
		return appendText(b, v)
	case Set:
		return appendSet(b, v)
	case Null:
		return append(b, " />\n"...), nil
	case Int:
		b = strconv.AppendInt(append(b, ` value="`...), int64(v), 10)
	case Long:
		b = strconv.AppendInt(append(b, ` value="`...), int64(v), 10)
	case Float:
		b = append(b, ` value="`...)
		if f, ok := parseFloat(e.written); ok && math.Float32bits(f) == math.Float32bits(float32(v)) {
			b = append(b, e.written...)
		} else {
			b = appendFloat(b, float32(v))
		}
	case Bool:
		b = strconv.AppendBool(append(b, ` value="`...), bool(v))
	}
	return append(b, "\" />\n"...), nil
}

// appendText finishes a string element whose tag is still open.
func appendText(b []byte, s String) ([]byte, error) {
	if !utf8.ValidString(string(s)) {
		return nil, ErrUnencodable
	}
	b = appendEscaped(append(b, '>'), string(s))
	return append(b, "</string>\n"...), nil
}

func appendSet(b []byte, set Set) ([]byte, error) {
	if len(set) == 0 {
		return append(b, " />\n"...), nil
	}
	b = append(b, ">\n"...)
	for _, v := range set {
		var err error
		switch v := v.(type) {
		case String:
			b, err = appendText(append(b, "        <string"...), v)
		case Null:
			b = append(b, "        <null />\n"...)
		default:
			err = ErrUnencodable
		}
		if err != nil {
			return nil, err
		}
	}
	return append(b, "    </set>\n"...), nil
}

// appendEscaped writes text and attributes alike: control characters by their
// number, the apostrophe and everything from U+007F on as it is.
func appendEscaped(b []byte, s string) []byte {
	from := 0
	for i := range len(s) {
		var named string
		switch c := s[i]; {
		case c == '"':
			named = "&quot;"
		case c == '&':
			named = "&amp;"
		case c == '<':
			named = "&lt;"
		case c == '>':
			named = "&gt;"
		case c >= ' ':
			continue
		}
		b = append(b, s[from:i]...)
		if from = i + 1; named != "" {
			b = append(b, named...)
		} else {
			b = append(strconv.AppendUint(append(b, "&#"...), uint64(s[i]), 10), ';')
		}
	}
	return append(b, s[from:]...)
}
