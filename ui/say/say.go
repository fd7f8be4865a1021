// Package say holds the words that every face shares: sizes, speeds, counts,
// and for each thing that can go wrong a sentence and the next step.
//
// Its worst moment is a text from the other device: everything of that kind
// goes through [Foreign], which leaves nothing that could move a cursor, turn
// text around or push the rest off the screen.
package say

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/journal"
)

// Bytes says a size in decimal units: "18.4 GB".
func (w Words) Bytes(n int64) string {
	if n < 1000 {
		return w.Say("{{.Number}} B", Fields{"Number": fmt.Sprint(n)})
	}
	v, units := float64(n), []string{"{{.Number}} kB", "{{.Number}} MB", "{{.Number}} GB", "{{.Number}} TB", "{{.Number}} PB"}
	i := -1
	for v >= 999.5 && i < len(units)-1 {
		v /= 1000
		i++
	}
	number := fmt.Sprintf("%.0f", v)
	if v < 9.95 {
		number = w.tenths(v)
	}
	return w.Say(units[i], Fields{"Number": number})
}

// Speed says bytes over a time: "31 MB/s".
func (w Words) Speed(n int64, d time.Duration) string {
	per := int64(0)
	if d > 0 {
		per = int64(float64(n) / d.Seconds())
	}
	return w.Say("{{.Size}}/s", Fields{"Size": w.Bytes(per)})
}

// Took says how long something took: "12.3 s", "4 min 10 s".
func (w Words) Took(d time.Duration) string {
	if d < time.Minute {
		return w.Say("{{.Seconds}} s", Fields{"Seconds": w.tenths(d.Seconds())})
	}
	d = d.Round(time.Second)
	minutes := fmt.Sprint(int64(d % time.Hour / time.Minute))
	if d >= time.Hour {
		return w.Say("{{.Hours}} h {{.Minutes}} min", Fields{"Hours": fmt.Sprint(int64(d / time.Hour)), "Minutes": minutes})
	}
	return w.Say("{{.Minutes}} min {{.Seconds}} s", Fields{"Minutes": minutes, "Seconds": fmt.Sprint(int64(d % time.Minute / time.Second))})
}

const (
	maxForeign = 60  // characters of a foreign text that are shown
	maxPath    = 240 // of a path
	maxMarks   = 4   // marks in a row on one letter; more only draw over other lines
)

// Foreign makes a text from another device, or a name from a disk, fit to be
// shown: cut, without control and formatting characters, and isolated from the
// direction of the text around it if it has one of its own.
func Foreign(s string) string {
	runes, rtl := visible(s, maxForeign)
	long := 0
	for i, r := range runes {
		if long += utf8.RuneCountInString(r); long > maxForeign {
			runes = append(runes[:i], "…")
			break
		}
	}
	return isolate(strings.Join(runes, ""), rtl)
}

// Path does the same for a path, which may be longer, and is cut in its middle:
// its end says which file it is.
func Path(s string) string {
	runes, rtl := visible(s, len(s))
	if n := len(runes); n > maxPath {
		runes = slices.Concat(runes[:maxPath/3], []string{"…"}, runes[n-maxPath*2/3:])
	}
	return isolate(strings.Join(runes, ""), rtl)
}

// visible returns what to show for each character, and whether some are written
// from right to left. It ends soon after most characters: a text may be very long.
func visible(s string, most int) (out []string, rtl bool) {
	marks := 0
	for len(s) > 0 && len(out) <= most {
		r, size := utf8.DecodeRuneInString(s)
		raw := s[0]
		s = s[size:]
		if unicode.In(r, unicode.Mn, unicode.Me) {
			if marks++; marks > maxMarks {
				continue
			}
		} else {
			marks = 0
		}
		switch {
		case r == utf8.RuneError && size == 1:
			out = append(out, fmt.Sprintf(`\x%02x`, raw))
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r) && r != '\u200c' && r != '\u200d', r == '\u2028', r == '\u2029':
			out = append(out, fmt.Sprintf(`\u%04x`, r))
		default:
			rtl = rtl || unicode.In(r, rightToLeft...)
			out = append(out, string(r))
		}
	}
	return out, rtl
}

var rightToLeft = []*unicode.RangeTable{
	unicode.Arabic, unicode.Hebrew, unicode.Syriac, unicode.Thaana, unicode.Nko, unicode.Samaritan, unicode.Mandaic, unicode.Adlam,
	unicode.Hanifi_Rohingya,
}

func isolate(s string, rtl bool) string {
	if rtl {
		return "\u2068" + s + "\u2069" // first strong isolate … pop
	}
	return s
}

// Space says that a move waits for space on the new phone, or, with 0, that it
// goes on; here tells that this is the new phone.
func (w Words) Space(s session.WaitingForSpace, here bool) Problem {
	p, own := space(s, here)
	f := Fields{"Missing": w.Bytes(s.Missing)}
	if own {
		f["Folder"] = w.homeFolder()
	}
	return w.problem(p, f)
}

// space returns the messages, and whether they name this device's own folder.
func space(w session.WaitingForSpace, here bool) (p Problem, own bool) {
	switch {
	case w.Missing <= 0:
		return Problem{What: "There is space again, and the move goes on."}, false
	case w.Own, w.Of == transfer.ShortOwn && here:
		return Problem{"The disk with Ferry's own folder, {{.Folder}}, is full.", "Free {{.Missing}} there, and the move goes on by itself."}, true
	case w.Of == transfer.ShortOwn:
		return Problem{"The disk with Ferry's own folder on the new phone is full.", "Free {{.Missing}} there, and the move goes on by itself."}, false
	case w.Of == transfer.ShortFiles && here:
		return Problem{"This disk takes no more files, however small: it has places for a certain number only.", "Delete some files, and the move goes on by itself."}, false
	case w.Of == transfer.ShortFiles:
		return Problem{"The new phone takes no more files, however small: its disk has places for a certain number only.", "Delete some files there, and the move goes on by itself."}, false
	case here:
		return Problem{"This disk is full, and lacks {{.Missing}}.", "Free some space, and the move goes on by itself."}, false
	}
	return Problem{"The new phone is full, and lacks {{.Missing}}.", "Free some space on it, and the move goes on by itself."}, false
}

// Notes says how what was noted of earlier moves was found.
func (w Words) Notes(s journal.State) Problem { return w.problem(notes(s)) }

func notes(s journal.State) Problem {
	const instead = "Files that are here already are compared by their content instead, which takes longer; nothing is lost."
	switch s {
	case journal.Damaged:
		return Problem{"A part of what this device noted of earlier moves from there is damaged.", instead}
	case journal.Newer:
		return Problem{"A newer version of Ferry noted the earlier moves from there, so those notes were set aside.", instead}
	}
	return Problem{"What this device noted of earlier moves from there is not its own or is damaged, so it was set aside.", instead}
}
