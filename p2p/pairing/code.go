package pairing

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"unicode"
)

const (
	// CodeDigits is the length of a code. Seven digits are 23.2 bits.
	CodeDigits = 7

	codeSpace   = 10_000_000 // 10^CodeDigits
	maxCodeText = 256        // longest text that ParseCode looks at, in bytes
)

// Code is the number that the new phone shows and a person types on the old
// one. It prints as a fixed text; [Code.Reveal] is for the screen and for
// nothing else. The zero value is no code. Compare with [Code.Equal].
type Code struct{ hidden }

// newCode draws a code, each with the same probability.
func newCode(random io.Reader) (Code, error) {
	const fair = (1 << 32) / codeSpace * codeSpace
	var b [4]byte
	for {
		if _, err := io.ReadFull(random, b[:]); err != nil {
			return Code{}, fmt.Errorf("random bytes: %w", err)
		}
		if n := binary.BigEndian.Uint32(b[:]); n < fair {
			return Code{hide(fmt.Appendf(nil, "%0*d", CodeDigits, n%codeSpace))}, nil
		}
	}
}

// ParseCode reads a code as people type and paste it: digits of any script,
// with spaces, dashes, dots and invisible marks anywhere. Everything else, and
// any other number of digits, is [ErrBadCode].
func ParseCode(text string) (Code, error) {
	if len(text) > maxCodeText {
		return Code{}, ErrBadCode
	}
	digits := make([]byte, 0, CodeDigits)
	for _, r := range text {
		d, ok := digit(r)
		switch {
		case ok && len(digits) < CodeDigits:
			digits = append(digits, '0'+d)
		case ok || !separator(r):
			clear(digits)
			return Code{}, ErrBadCode
		}
	}
	if len(digits) != CodeDigits {
		clear(digits)
		return Code{}, ErrBadCode
	}
	return Code{hide(digits)}, nil
}

// digit returns the value of a decimal digit. Unicode keeps the ten digits of
// a script together and in order, and Go's ranges begin at a zero.
func digit(r rune) (byte, bool) {
	for _, rg := range unicode.Nd.R16 {
		if rune(rg.Lo) <= r && r <= rune(rg.Hi) {
			return byte((r - rune(rg.Lo)) % 10), true
		}
	}
	for _, rg := range unicode.Nd.R32 {
		if rune(rg.Lo) <= r && r <= rune(rg.Hi) {
			return byte((r - rune(rg.Lo)) % 10), true
		}
	}
	return 0, false
}

// separator reports whether r may stand between digits. The minus sign is no
// dash to Unicode, and marks of direction come along when text is copied.
func separator(r rune) bool {
	return unicode.IsSpace(r) || unicode.In(r, unicode.Pd, unicode.Zs, unicode.Cf) ||
		strings.ContainsRune(".．。·\u2212", r)
}

// Reveal returns the code as the screen shows it, "742 9163"; empty for the
// zero Code.
func (c Code) Reveal() string {
	d := c.Digits()
	if d == "" {
		return ""
	}
	return d[:3] + " " + d[3:]
}

// Digits returns the seven ASCII digits, for a screen reader; empty for the
// zero Code.
func (c Code) Digits() string { return string(c.bytes()) }

// Equal reports whether both are the same code, in constant time.
func (c Code) Equal(o Code) bool { return c.equal(o.hidden) }

func (c Code) prove() (proof, error) {
	if c.IsZero() {
		return proof{}, ErrBadCode
	}
	return proof{method: MethodCode, prs: c.bytes()}, nil
}
