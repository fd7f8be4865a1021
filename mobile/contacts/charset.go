package contacts

import (
	"bytes"
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
)

// toUTF8 turns a value's bytes into text. Bytes that are neither UTF-8 nor
// valid in the charset they claim are read as ISO 8859-1: different bytes then
// stay different, and none is lost.
func toUTF8(b []byte, charset string) string {
	if charset != "" && !strings.EqualFold(charset, "UTF-8") && !ascii(b, charset) {
		if s, ok := decodeCharset(b, charset); ok {
			return s
		}
	}
	if utf8.Valid(b) {
		return string(b)
	}
	out := make([]rune, len(b))
	for i, c := range b {
		out[i] = rune(c)
	}
	return string(out)
}

// ascii reports whether b means the same in any charset that can be expected:
// no high bytes, and no escape sequences of ISO-2022.
func ascii(b []byte, charset string) bool {
	if strings.HasPrefix(strings.ToUpper(charset), "UTF-16") {
		return false
	}
	for _, c := range b {
		if c >= 0x80 || c == 0x1B || c == '~' || c == '\\' {
			return false
		}
	}
	return true
}

func decodeCharset(b []byte, charset string) (string, bool) {
	e := findCharset(charset)
	if e == nil {
		return "", false
	}
	s, err := e.NewDecoder().Bytes(b)
	if err != nil || !utf8.Valid(s) || bytes.ContainsRune(s, utf8.RuneError) {
		return "", false
	}
	return string(s), true
}

func findCharset(name string) encoding.Encoding {
	if e, err := htmlindex.Get(name); err == nil {
		return e
	}
	if e, err := ianaindex.IANA.Encoding(name); err == nil {
		return e // nil when the name is known and the charset is not there
	}
	return nil
}

// decodeQuoted decodes quoted-printable text without soft breaks. What is not
// an escape stays as it is.
func decodeQuoted(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] == '=' && i+2 < len(b) {
			hi, ok1 := unhex(b[i+1])
			lo, ok2 := unhex(b[i+2])
			if ok1 && ok2 {
				out = append(out, hi<<4|lo)
				i += 2
				continue
			}
		}
		out = append(out, b[i])
	}
	return out
}

func unhex(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}

// decodeBase64 decodes base64 with blanks in it, padded or not.
func decodeBase64(b []byte) ([]byte, bool) {
	clean := make([]byte, 0, len(b))
	for _, c := range b {
		if c > ' ' {
			clean = append(clean, c)
		}
	}
	clean = bytes.TrimRight(clean, "=")
	out := make([]byte, base64.RawStdEncoding.DecodedLen(len(clean)))
	n, err := base64.RawStdEncoding.Strict().Decode(out, clean)
	if err != nil || n == 0 {
		return nil, false
	}
	return out[:n], true
}

// isBase64Line reports whether a line can be base64 that was not indented.
func isBase64Line(b []byte) bool {
	for _, c := range b {
		if !(c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' ||
			c == '+' || c == '/' || c == '=' || c == ' ' || c == '\t') {
			return false
		}
	}
	return len(b) > 0
}
