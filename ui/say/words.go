package say

import (
	"fmt"
	"strings"
)

// Words are the sentences of one language. The zero value speaks English, as
// it is written here; its functions must bear calls from several goroutines.
type Words struct {
	// Translate returns a message in the language; nil leaves it English. A
	// message is named by its English text, in which {{.Name}} stands for a
	// field.
	Translate func(message string, fields Fields) string
	// Plural does so for a message that counts, named by its English text for
	// many, with the form for n of the language; nil leaves it English.
	Plural func(one, many string, n uint64, fields Fields) string
	// Digits are how numbers are written.
	Digits Digits
	// Touch names what can be pressed in a window where the command line names
	// an option; false is for the command line.
	Touch bool
}

// Fields are what stands for {{.Name}} in a message.
type Fields map[string]string

// Digits are how a language writes numbers; the zero value is English.
type Digits struct {
	Group   string // between thousands; empty is a comma
	Decimal string // empty is a point
	Least   int    // digits from which on they are grouped; 0 is 4
}

// English are the words of the command line.
var English Words

// Say says a message; see [Words].
func (w Words) Say(message string, fields ...Fields) string {
	if t, ok := touch[message]; ok && w.Touch {
		message = t
	}
	f := joined(fields)
	if w.Translate == nil || message == "" {
		return Fill(message, f)
	}
	return w.Translate(message, f)
}

// Number says a message that counts n things, which stands for {{.Count}}
// unless a field of that name is given: "{{.Count}} item", "{{.Count}} items".
func (w Words) Number(one, many string, n uint64, fields ...Fields) string {
	f := joined(fields)
	if _, ok := f["Count"]; !ok {
		f["Count"] = w.Count(n)
	}
	switch {
	case w.Plural != nil:
		return w.Plural(one, many, n, f)
	case n == 1:
		return Fill(one, f)
	}
	return Fill(many, f)
}

// problem says both parts of a Problem that holds messages.
func (w Words) problem(p Problem, fields ...Fields) Problem {
	return Problem{w.Say(p.What, fields...), w.Say(p.Next, fields...)}
}

// Fill puts fields into a message, as they are: what looks like a field in one
// of them stays.
func Fill(message string, fields Fields) string {
	if len(fields) == 0 || !strings.Contains(message, "{{") {
		return message
	}
	pairs := make([]string, 0, 2*len(fields))
	for name, value := range fields {
		pairs = append(pairs, "{{."+name+"}}", value)
	}
	return strings.NewReplacer(pairs...).Replace(message)
}

func joined(fields []Fields) Fields {
	out := Fields{}
	for _, f := range fields {
		for name, value := range f {
			out[name] = value
		}
	}
	return out
}

// Count says a number with separators: "23,914".
func (w Words) Count(n uint64) string {
	s, group, least := fmt.Sprint(n), w.Digits.Group, w.Digits.Least
	if group == "" {
		group = ","
	}
	if len(s) < least {
		return s
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + group + s[i:]
	}
	return s
}

// tenths says a number with one digit behind the point.
func (w Words) tenths(v float64) string {
	s := fmt.Sprintf("%.1f", v)
	if w.Digits.Decimal == "" {
		return s
	}
	return strings.Replace(s, ".", w.Digits.Decimal, 1)
}
