package discovery

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxName is the most runes of a shown name.
	MaxName = 64
	// maxNameBytes leaves room for "n=" in one TXT string of 255 bytes.
	maxNameBytes = 240
	// maxMarks is how many combining marks may follow each other. Written
	// languages need up to four; more only serve to draw over other lines.
	maxMarks = 4

	zeroWidthNonJoiner = '\u200c' // Persian and Indic spelling needs it
	zeroWidthJoiner    = '\u200d' // emoji are joined by it
)

// CleanName makes a name what other devices show of it. It may leave nothing.
func CleanName(s string) string { return clean(s) }

// clean makes a name safe to show beside other text: no control characters, no
// invisible ones that change the direction of what follows, white space in
// single spaces, at most MaxName runes. It may leave nothing.
func clean(s string) string {
	var b strings.Builder
	runes, marks := 0, 0
	space := false
	for _, r := range s {
		if unicode.IsSpace(r) {
			space = runes > 0
			continue
		}
		joins := r == zeroWidthNonJoiner || r == zeroWidthJoiner
		if r == utf8.RuneError || !unicode.IsGraphic(r) && !joins {
			continue
		}
		if unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r) || joins {
			if marks++; marks > maxMarks || runes == 0 {
				continue
			}
		} else {
			marks = 0
		}
		more := 1
		if space {
			more = 2
		}
		if runes+more > MaxName || b.Len()+more-1+utf8.RuneLen(r) > maxNameBytes {
			break
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
		runes += more
	}
	return b.String()
}

// escape writes s so that zeroconf sends it unchanged.
func escape(s string) string { return strings.ReplaceAll(s, `\`, `\\`) }

// unescape undoes what zeroconf does to the TXT strings it received: bytes that
// are not printable ASCII come as \DDD, quotes and backslashes behind a
// backslash.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b = append(b, s[i])
			continue
		}
		rest := s[i+1:]
		if n, ok := decimal(rest); ok {
			b = append(b, n)
			i += 3
		} else if rest != "" {
			b = append(b, rest[0])
			i++
		}
	}
	return string(b)
}

// decimal reads the three digits at the start of s as one byte.
func decimal(s string) (byte, bool) {
	if len(s) < 3 {
		return 0, false
	}
	n := 0
	for _, c := range []byte(s[:3]) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return byte(n), n <= 255
}
