package contacts

import (
	"bytes"
	"errors"
)

// errNoCard means that bytes are not one card with a beginning and an end.
var errNoCard = errors.New("not one vCard")

// errEmpty means that a card holds no property at all.
var errEmpty = errors.New("no property in the vCard")

// card is a card understood. It points into the bytes it was made from.
type card struct {
	enc     layout
	version string // as it stands there, "" = none
	v21     bool
	eol     []byte // the line end behind BEGIN, in ASCII
	endAt   int    // where END begins, in bytes of the raw card
	// softTail: the last property ends in a soft break that nothing follows.
	softTail bool
	props    []property
}

// logical is one property on all its physical lines.
type logical struct {
	raw     []byte // the lines with their ends
	content []byte // unfolded, without soft breaks, not yet decoded
	traits  traits
	open    bool // the header is not complete
	soft    bool // it ends in a soft break
	nested  bool // it holds the lines of an AGENT's card
	odd     bool // its lines cannot stand in another card
	owned   bool // content is a copy
	wide    bool // it comes from UTF-16: CHARSET is about quoted-printable only
}

// parseCard understands one card as the splitter gives it.
func parseCard(raw []byte) (*card, error) {
	c := &card{enc: sniff(raw)}
	text := c.enc.decode(raw)
	body, end, err := c.frame(text)
	if err != nil {
		return nil, err
	}
	c.endAt = end
	if c.enc != bytes8 {
		c.endAt = 0
		for _, r := range string(text[:end]) {
			c.endAt += 2
			if r > 0xFFFF {
				c.endAt += 2
			}
		}
	}
	c.version = findVersion(body)
	c.v21 = c.version == "2.1"
	lines := c.unfold(body)
	known := c.version != ""
	for i := range lines {
		lines[i].wide = c.enc != bytes8
		p := parseProperty(&lines[i], c.v21)
		if p.name == "VERSION" {
			continue
		}
		known = known || p.name != ""
		c.props = append(c.props, p)
	}
	if n := len(lines); n > 0 {
		c.softTail = lines[n-1].soft
	}
	if !known {
		return nil, errEmpty
	}
	return c, nil
}

// frame finds the lines between BEGIN and END, and where END begins.
func (c *card) frame(text []byte) (body []byte, end int, err error) {
	start, end := -1, -1
	for rest := text; len(rest) > 0; {
		at := len(text) - len(rest)
		var line, eol []byte
		line, eol, rest = cutLine(rest)
		line = bytes.TrimPrefix(line, []byte(bom8))
		if len(bytes.Trim(line, " \t")) == 0 {
			continue
		}
		if start < 0 {
			if !isBegin(line) {
				return nil, 0, errNoCard
			}
			start, c.eol = len(text)-len(rest), eol
			continue
		}
		end = -1
		if isEnd(line) {
			end = at
		}
	}
	if end < 0 {
		return nil, 0, errNoCard
	}
	return text[start:end], end, nil
}

// findVersion returns the value of the first VERSION line.
func findVersion(body []byte) string {
	for len(body) > 0 {
		var line []byte
		line, _, body = cutLine(body)
		header, value, ok := cutHeader(line)
		if ok && bytes.EqualFold(bytes.TrimSpace(header), []byte("VERSION")) {
			return string(bytes.TrimSpace(value))
		}
	}
	return ""
}

// unfold joins physical lines to properties, by the splitter's rules.
func (c *card) unfold(body []byte) []logical {
	var out []logical
	depth := 0 // of AGENT cards
	agent := false
	for len(body) > 0 {
		line, eol, rest := cutLine(body)
		raw := body[:len(line)+len(eol)]
		body = rest
		line = bytes.TrimPrefix(line, []byte(bom8))
		blank := len(bytes.Trim(line, " \t")) == 0
		var cur *logical
		if len(out) > 0 {
			cur = &out[len(out)-1]
			cur.raw = cur.raw[:len(cur.raw)+len(raw)] // lines of a card are adjacent
		}
		switch {
		case cur == nil && blank:
			continue
		case cur != nil && depth > 0:
			if isBegin(line) {
				depth++
			} else if isEnd(line) {
				depth--
			}
			cur.add("\n", line)
		case cur != nil && cur.soft:
			cur.content = cur.content[:len(cur.content)-1]
			cur.soft = false
			cur.add("", line)
			cur.soft = cur.traits.quoted && bytes.HasSuffix(line, []byte{'='})
		case blank:
			if cur.traits.base64 {
				cur.traits.base64 = false // nothing unindented belongs to it now
			}
		case cur != nil && agent && isBegin(line):
			depth, agent = 1, false
			cur.nested = true
			cur.add("", line)
		case cur != nil && (line[0] == ' ' || line[0] == '\t'):
			agent = false
			part := line[1:]
			if c.v21 && !cur.open && !cur.traits.base64 {
				part = line // 2.1 folds before a blank that is part of the text
			}
			cur.add("", part)
			if cur.open {
				agent = cur.header()
			}
			cur.soft = cur.traits.quoted && bytes.HasSuffix(line, []byte{'='})
		case cur != nil && cur.traits.base64 && isBase64Line(line):
			cur.add("", line)
		default:
			if cur != nil {
				cur.raw = cur.raw[:len(cur.raw)-len(raw)]
			}
			l := logical{raw: raw, content: line, open: true, odd: line[0] == ' ' || line[0] == '\t'}
			agent = l.header()
			if _, value, ok := cutHeader(line); ok && l.traits.agent && isBegin(value) {
				depth, l.nested = 1, true
			}
			l.soft = l.traits.quoted && bytes.HasSuffix(line, []byte{'='})
			out = append(out, l)
		}
	}
	return out
}

// add appends to the content without touching the card's bytes.
func (l *logical) add(sep string, part []byte) {
	if !l.owned {
		l.content, l.owned = bytes.Clone(l.content), true
	}
	l.content = append(append(l.content, sep...), part...)
}

// header looks for the header's end and reports whether an AGENT's card has to
// follow on the next line.
func (l *logical) header() (agent bool) {
	header, value, ok := cutHeader(l.content)
	if !ok {
		l.open = len(l.content) <= maxHead
		return false
	}
	l.open, l.traits = false, headerTraits(header)
	return l.traits.agent && opensAgent(value)
}
