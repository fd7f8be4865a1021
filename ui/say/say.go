// Package say holds the words that every face shares: sizes, speeds, counts,
// and for each thing that can go wrong a sentence and the next step.
//
// Its worst moment is a text from the other device: everything of that kind
// goes through [Foreign], which leaves nothing that could move a cursor, turn
// text around or push the rest off the screen.
package say

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ferry-move/ferry/mobile/backup"
)

// Bytes says a size in decimal units: "18.4 GB".
func Bytes(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	v, units := float64(n), []string{"kB", "MB", "GB", "TB", "PB"}
	i := -1
	for v >= 999.5 && i < len(units)-1 {
		v /= 1000
		i++
	}
	if v < 9.95 {
		return fmt.Sprintf("%.1f %s", v, units[i])
	}
	return fmt.Sprintf("%.0f %s", v, units[i])
}

// Speed says bytes over a time: "31 MB/s".
func Speed(n int64, d time.Duration) string {
	if d <= 0 {
		return Bytes(0) + "/s"
	}
	return Bytes(int64(float64(n)/d.Seconds())) + "/s"
}

// Count says a number with separators: "23,914".
func Count(n uint64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Items says a number of items of a kind: "412 contacts", "1 contact".
func Items(info backup.Info, n uint64) string {
	if n == 1 {
		return "1 " + info.One
	}
	return Count(n) + " " + info.Many
}

// Left says how long something may still take, roundly: "about 12 minutes".
func Left(d time.Duration) string {
	switch {
	case d < 5*time.Second:
		return "a few seconds"
	case d < 90*time.Second:
		return fmt.Sprintf("about %d seconds", int((d+2500*time.Millisecond)/(5*time.Second))*5)
	case d < 90*time.Minute:
		return fmt.Sprintf("about %d minutes", int((d+30*time.Second)/time.Minute))
	}
	return fmt.Sprintf("about %.0f hours", d.Hours())
}

// Took says how long something took: "12.3 s", "4 min 10 s".
func Took(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	d = d.Round(time.Second)
	return fmt.Sprintf("%d min %d s", d/time.Minute, d%time.Minute/time.Second)
}

// maxForeign is how many characters of a foreign text are shown.
const maxForeign = 60

// Foreign makes a text from another device, or a name from a disk, fit to be
// shown: cut, without control and formatting characters, and isolated from the
// direction of the text around it if it has one of its own.
func Foreign(s string) string { return foreign(s, maxForeign) }

// Path does the same for a path, which may be longer.
func Path(s string) string { return foreign(s, 240) }

func foreign(s string, limit int) string {
	var b strings.Builder
	n, rtl := 0, false
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		raw := s[0]
		s = s[size:]
		if n++; n > limit {
			b.WriteString("…")
			break
		}
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, raw)
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r) && r != '\u200d', r == '\u2028', r == '\u2029':
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			rtl = rtl || unicode.In(r, unicode.Arabic, unicode.Hebrew, unicode.Syriac, unicode.Thaana, unicode.Nko)
			b.WriteRune(r)
		}
	}
	if rtl {
		return "\u2068" + b.String() + "\u2069" // first strong isolate … pop
	}
	return b.String()
}
