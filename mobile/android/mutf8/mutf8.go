// Package mutf8 is Java's modified UTF-8, as java.io.DataOutput.writeUTF and
// JNI's GetStringUTFChars write it: U+0000 is C0 80, and a character above
// U+FFFF is its two surrogates with three bytes each.
//
// A Java string is any sequence of UTF-16 units, so it may hold half of a
// surrogate pair. In a Go string such a half is kept as the three bytes that
// UTF-8 would give it if it were a character (the form known as WTF-8). Every
// Java string is thereby exactly one Go string and one encoding, and back; a
// Go string with a lone half is not valid UTF-8.
//
// Android's runtime departs from JNI in one point (AOSP art/runtime/jni,
// "kUtfUse4ByteSequence"): native code sees a character above U+FFFF in the
// four bytes of plain UTF-8. [DecodeJNI] and [ValidJNI] take both forms,
// [Decode] only Java's own. [Append] writes Java's own, which both read.
//
// Its worst moment is text that no Java program wrote. It is refused with the
// offset of the first bad byte, and nothing is replaced or guessed.
package mutf8

import (
	"cmp"
	"encoding/binary"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxUTF is the longest text in bytes that Java's writeUTF can hold.
const MaxUTF = 1<<16 - 1

// Error tells where a text is malformed or too long.
type Error struct {
	// Offset counts bytes from the start of the text that was given.
	Offset int
	// What is a short phrase.
	What string
}

// Error implements error.
func (e *Error) Error() string {
	return "text is damaged at byte " + strconv.Itoa(e.Offset) + ": " + e.What
}

const (
	bad       = -1 // the rune of a malformed byte
	surrogate = 0xD800
	low       = 0xDC00
	surrEnd   = 0xE000
	supp      = 0x10000
)

// next reads the unit or character at the start of s, which is not empty, in
// any of the forms that this package knows: UTF-8, C0 80, and a surrogate in
// three bytes. A malformed byte gives bad and the size 1.
func next(s string) (r rune, size int) {
	if s[0] < utf8.RuneSelf {
		return rune(s[0]), 1
	}
	if r, size = utf8.DecodeRuneInString(s); size > 1 {
		return r, size
	}
	if len(s) >= 2 && s[0] == 0xC0 && s[1] == 0x80 {
		return 0, 2
	}
	if len(s) >= 3 && s[0] == 0xED && s[1]&0xE0 == 0xA0 && s[2]&0xC0 == 0x80 {
		return surrogate | rune(s[1]&0x1F)<<6 | rune(s[2]&0x3F), 3
	}
	return bad, 1
}

// plain reports whether s is ASCII without NUL: the same in every form.
func plain(s string) bool {
	for i := range len(s) {
		if s[i]-1 >= 0x7F {
			return false
		}
	}
	return true
}

func appendUnit(dst []byte, u rune) []byte {
	switch {
	case u == 0:
		return append(dst, 0xC0, 0x80)
	case u >= surrogate && u < surrEnd: // which utf8.AppendRune would replace
		return append(dst, 0xED, byte(u>>6)&0x3F|0x80, byte(u)&0x3F|0x80)
	}
	return utf8.AppendRune(dst, u)
}

// Append appends the modified UTF-8 of s to dst. It refuses what is neither
// UTF-8 nor a lone surrogate, with an [*Error]; dst is then returned as it was.
func Append(dst []byte, s string) ([]byte, error) {
	if plain(s) {
		return append(dst, s...), nil
	}
	old := len(dst)
	high := false // the unit before is a high surrogate that stands alone
	for i := 0; i < len(s); {
		r, n := next(s[i:])
		switch {
		case r == bad, n == 2 && r == 0:
			return dst[:old], &Error{i, "not UTF-8"}
		case high && r >= low && r < surrEnd:
			return dst[:old], &Error{i, "a character in two halves"}
		case r >= supp:
			r -= supp
			dst = appendUnit(dst, surrogate|r>>10)
			dst = appendUnit(dst, low|r&0x3FF)
		default:
			dst = appendUnit(dst, r)
		}
		high = n == 3 && r >= surrogate && r < low
		i += n
	}
	return dst, nil
}

// Decode returns the Go string of modified UTF-8. It is strict: what Java would
// not write is refused with an [*Error], and [Append] gives b again.
func Decode(b []byte) (string, error) { return decode(string(b), 0, false) }

// DecodeJNI is Decode for text from native code, where a character above
// U+FFFF may also have the four bytes that Android's runtime gives it.
func DecodeJNI(b []byte) (string, error) { return decode(string(b), 0, true) }

// decode decodes s, which stands at byte base of what an error counts in.
func decode(s string, base int, jni bool) (string, error) {
	if plain(s) {
		return s, nil
	}
	b := make([]byte, 0, len(s))
	var high rune // a high surrogate at the end of b, or 0
	for i := 0; i < len(s); {
		r, n := next(s[i:])
		if what := malformed(r, n, jni); what != "" {
			return "", &Error{base + i, what}
		}
		switch {
		case high != 0 && r >= low && r < surrEnd:
			b = utf8.AppendRune(b[:len(b)-3], supp+(high-surrogate)<<10+r-low)
		case r == 0:
			b = append(b, 0)
		default:
			b = appendUnit(b, r)
		}
		high = 0
		if r >= surrogate && r < low {
			high = r
		}
		i += n
	}
	return string(b), nil
}

// malformed says what is wrong with one piece of modified UTF-8, if anything.
func malformed(r rune, n int, jni bool) string {
	switch {
	case r == bad:
		return "not modified UTF-8"
	case r == 0 && n == 1:
		return "a zero byte"
	case r >= supp && !jni:
		return "a sequence of four bytes"
	}
	return ""
}

// ValidJNI reports whether [DecodeJNI] would take s.
func ValidJNI(s string) bool {
	if plain(s) {
		return true
	}
	for i := 0; i < len(s); {
		r, n := next(s[i:])
		if malformed(r, n, true) != "" {
			return false
		}
		i += n
	}
	return true
}

// FirstUnit returns the first UTF-16 unit of s, a Go string or modified UTF-8;
// false if s is empty. A malformed byte counts as U+FFFD.
func FirstUnit(s string) (uint16, bool) {
	if s == "" {
		return 0, false
	}
	u, _ := unit(s, 0)
	return u, true
}

// unit returns the UTF-16 unit at position at, and the position of the next.
// The second half of a four-byte sequence has the position 1 byte into it.
func unit(s string, at int) (u uint16, after int) {
	if at > 0 && s[at-1] >= 0xF0 && s[at]&0xC0 == 0x80 {
		r, n := next(s[at-1:])
		if n == 4 {
			return uint16(low | (r-supp)&0x3FF), at + 3
		}
	}
	switch r, n := next(s[at:]); {
	case r == bad:
		return utf8.RuneError, at + 1
	case r >= supp:
		return uint16(surrogate | (r-supp)>>10), at + 1
	default:
		return uint16(r), at + n
	}
}

// Compare orders two strings as Java's String.compareTo does: by UTF-16 units,
// so that characters above U+FFFF come before U+E000. Each may be a Go string
// or modified UTF-8; the same Java string in two forms is equal. A malformed
// byte counts as U+FFFD.
func Compare(a, b string) int {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] && a[i] < utf8.RuneSelf {
		i++
	}
	if a, b = a[i:], b[i:]; a == "" || b == "" || plain(a[:1]) && plain(b[:1]) {
		return strings.Compare(a, b)
	}
	for i, j := 0, 0; ; {
		switch {
		case i == len(a) && j == len(b):
			return 0
		case i == len(a):
			return -1
		case j == len(b):
			return 1
		}
		var u, v uint16
		u, i = unit(a, i)
		v, j = unit(b, j)
		if u != v {
			return cmp.Compare(u, v)
		}
	}
}

// Less reports whether a comes before b in the order of [Compare].
func Less(a, b string) bool { return Compare(a, b) < 0 }

// AppendUTF appends s as Java's writeUTF does: its length in bytes as a
// big-endian uint16, then modified UTF-8. On an error dst is returned as it
// was.
func AppendUTF(dst []byte, s string) ([]byte, error) {
	old := len(dst)
	b, err := Append(append(dst, 0, 0), s)
	if err != nil {
		return b[:old], err
	}
	n := len(b) - old - 2
	if n > MaxUTF {
		return b[:old], &Error{MaxUTF, "longer than 65535 bytes"}
	}
	binary.BigEndian.PutUint16(b[old:], uint16(n))
	return b, nil
}

// CutUTF reads what [AppendUTF] wrote from the start of b and returns the rest.
func CutUTF(b []byte) (s string, rest []byte, err error) {
	if len(b) < 2 {
		return "", nil, &Error{len(b), "it ends inside a text"}
	}
	n := int(binary.BigEndian.Uint16(b))
	if len(b)-2 < n {
		return "", nil, &Error{len(b), "it ends inside a text"}
	}
	if s, err = decode(string(b[2:2+n]), 2, false); err != nil {
		return "", nil, err
	}
	return s, b[2+n:], nil
}
