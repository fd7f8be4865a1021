package contacts

import (
	"errors"
	"io"

	"lukechampine.com/blake3"

	"github.com/ferry-move/ferry/mobile/backup"
)

// piece is a run of bytes of a vCard file: a card, or something that is none.
type piece struct {
	// raw is the card with the blanks that belong to it. It is nil when
	// reason is TooLarge, and cut short when the piece is junk.
	raw []byte
	// at is where the piece begins, size its length, in bytes.
	at, size int64
	// digest is BLAKE3-256 of all its bytes.
	digest backup.Digest
	// reason is 0 for a card, Malformed for one without an end and for text
	// outside any card, TooLarge for a card above the limit.
	reason backup.Reason
	// junk tells text outside any card from a broken card.
	junk bool
}

// splitState is where the splitter stands.
//
//	outside --BEGIN--> inside --END--> after --BEGIN--> inside
//	   |                  |               |
//	   +---other--> junk <-+ (no: a card  +---other--> junk --BEGIN--> inside
//	                          without END ends at the next BEGIN)
type splitState uint8

const (
	outside splitState = iota // only blanks so far
	junk                      // text that is in no card
	inside
	after // blanks behind a card
)

// splitter cuts a vCard file into pieces without changing a byte. It holds one
// piece at a time.
type splitter struct {
	lines *lineReader
	max   int

	state   splitState
	buf     []byte
	at      int64 // where the current piece begins
	size    int64
	dropped int64          // blanks behind it that belong to no piece
	hash    *blake3.Hasher // from the moment that buf does not hold all

	depth  int
	header []byte // of the current property, while its colon is missing
	open   bool   // header is not complete
	traits traits
	soft   bool // the line before ended in a soft break
	agent  bool // the line before was AGENT: without a value
	// maybe is set when END:VCARD stood where a soft break goes on. What comes
	// next decides: a new card, or more of this one.
	maybe bool
	held  *piece // a card that ended inside a line too long to be held
	done  bool
}

// maxLead is how many blank bytes before a first card are kept.
const maxLead = 64 << 10

func newSplitter(r io.Reader, limit int) *splitter {
	return &splitter{lines: newLineReader(r), max: limit}
}

// next returns the next piece, io.EOF after the last one, or the error of the
// reader. The caller owns the piece.
func (s *splitter) next() (piece, error) {
	for !s.done {
		err := s.lines.next(s.spill)
		if errors.Is(err, io.EOF) {
			s.done = true
			if p, ok := s.last(); ok {
				return p, nil
			}
			break
		} else if err != nil {
			return piece{}, err
		}
		p, ok := s.line()
		if s.held != nil {
			p, ok, s.held = *s.held, true, nil
		}
		if ok {
			return p, nil
		}
	}
	return piece{}, io.EOF
}

// line puts the line that was read where it belongs and returns the piece that
// it ends, if any.
func (s *splitter) line() (piece, bool) {
	l := s.lines
	begin := !l.long && isBegin(l.head)
	switch {
	case s.state == inside:
		return s.inside(begin)
	case begin && s.state == outside:
		s.begin()
		return piece{}, false
	case begin:
		p := s.cut()
		s.begin()
		return p, true
	case s.state == junk:
	case l.blank() && !l.long:
		if s.state == after && s.hash == nil && len(s.buf)+len(l.raw) > s.max {
			s.dropped += int64(len(l.raw)) // blanks are not worth the card
			return piece{}, false
		}
		if s.state == outside && len(s.buf) > maxLead {
			s.at, s.buf, s.size = s.at+s.size, s.buf[:0], 0
		}
	case s.state == after && !l.long:
		p := s.cut()
		s.state = junk
		s.put(l.raw)
		return p, true
	default:
		s.state = junk
	}
	s.put(l.raw)
	return piece{}, false
}

func (s *splitter) inside(begin bool) (piece, bool) {
	l := s.lines
	wasAgent, wasMaybe := s.agent, s.maybe
	switch {
	case s.soft:
		s.soft = s.traits.quoted && l.last == '='
		s.maybe = s.depth == 1 && isEnd(l.head)
	case l.blank():
		// The blank line that ends BASE64, or nothing at all.
	case begin && wasAgent && !wasMaybe:
		s.depth++
		s.property()
	case begin:
		p := s.cut()
		s.begin()
		return p, true
	case l.folded():
		s.maybe, s.agent = false, false
		if s.open {
			s.parseHeader(l.head[1:])
		}
		s.soft = s.traits.quoted && l.last == '='
	case isEnd(l.head):
		s.maybe = false
		if s.depth--; s.depth == 0 {
			s.state = after
		}
		s.property()
	default:
		s.maybe = false
		s.property()
	}
	s.put(l.raw)
	return piece{}, false
}

// property looks at the first line of a property.
func (s *splitter) property() {
	s.header, s.open, s.traits = s.header[:0], true, traits{}
	s.soft, s.agent = false, false
	s.parseHeader(s.lines.head)
	s.soft = s.traits.quoted && s.lines.last == '='
}

func (s *splitter) parseHeader(part []byte) {
	if len(s.header) > maxHead {
		s.open = false
		return
	}
	s.header = append(s.header, part...)
	header, value, ok := cutHeader(s.header)
	if !ok {
		return
	}
	s.open, s.traits = false, headerTraits(header)
	s.agent = s.traits.agent && opensAgent(value)
	if s.traits.agent && isBegin(value) {
		s.depth++
	}
}

// opensAgent reports whether an AGENT has its card on the next line.
func opensAgent(value []byte) bool {
	for _, c := range value {
		if c != ' ' && c != '\t' {
			return false
		}
	}
	return true
}

// begin starts a card with the line that was read.
func (s *splitter) begin() {
	s.state, s.depth, s.maybe = inside, 1, false
	s.property()
	s.put(s.lines.raw)
}

// spill takes the part of a long line that is no longer held. A line that long
// is not blank enough to belong to a card.
func (s *splitter) spill(b []byte) {
	switch s.state {
	case after:
		p := s.cut()
		s.held = &p
		s.state = junk
	case outside:
		s.state = junk
	}
	s.put(b)
}

func (s *splitter) put(b []byte) {
	s.size += int64(len(b))
	if s.hash == nil && s.size > int64(s.max) {
		s.hash = blake3.New(32, nil)
		s.hash.Write(s.buf)
		s.buf = nil
	}
	if s.hash != nil {
		s.hash.Write(b)
		return
	}
	s.buf = append(s.buf, b...)
}

// cut ends the current piece.
func (s *splitter) cut() piece {
	p := piece{raw: s.buf, at: s.at, size: s.size, junk: s.state == junk}
	if s.hash != nil {
		s.hash.Sum(p.digest[:0])
		p.reason = backup.TooLarge
	} else {
		p.digest = blake3.Sum256(s.buf)
	}
	if p.junk || p.reason == 0 && s.state == inside && !s.maybe {
		p.reason = backup.Malformed
	}
	s.at += s.size + s.dropped
	s.buf, s.size, s.dropped, s.hash, s.state, s.maybe = nil, 0, 0, nil, outside, false
	return p
}

// last ends what the end of the file ends.
func (s *splitter) last() (piece, bool) {
	if s.state == outside {
		return piece{}, false
	}
	return s.cut(), true
}

// ended reports whether the file's last line was ended.
func (s *splitter) ended() bool { return s.lines.ended }
