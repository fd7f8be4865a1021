package wire

import (
	"bytes"
	"encoding/binary"

	"github.com/ferry-move/ferry/mobile/backup"
)

// The frames of protocol 3 that come by the hundred thousand are written by
// hand: what an entry has in common with the one before is not said again, and
// IDs that follow each other are a run. Numbers are varints (unsigned ones as
// protobuf has them, signed ones zigzag), in their shortest form.
//
//	List   first ID · number · entries     each: flags u8 · shared · length · key's rest · size · what the flags say
//	Need   number · runs                   each: distance from the end of the one before (signed) · length
//	Done   number · runs                   each: the same · outcome u8
//
// Flags of an entry, and what they bring, in this order:
//
//	1  kind     2  type u8     4  mode     8  seconds (signed) · nanoseconds and, lowest bit, epoch     16  length · group
//	32  digest, 32 bytes     64  fail
//
// Kind, type, mode, time and group stand there only where they differ from the
// entry before; before the first they are zero.

// maxExpanded is the most bytes of keys and groups in a List, shared ones
// counted each time.
const maxExpanded = MaxFrame

// MaxRun is the most items in a Need or a Done.
const MaxRun = 1 << 16

// List is what Items is, in a protocol from 3 on.
type List Items

// Run is IDs that follow each other.
type Run struct{ First, Count uint64 }

// Need is a batch of verdicts that are backup.Need and nothing else, in a
// protocol from 3 on. Its runs are in no order, and none goes on where the one
// before ends.
type Need struct{ Runs []Run }

// DoneRun is items that ended in the same way.
type DoneRun struct {
	Run
	Outcome uint8
}

// Done is a batch of results, in a protocol from 3 on: items that did not fail,
// are kept under their own key, and have the content that the sender knows of.
type Done struct{ Runs []DoneRun }

// Type implements [Message].
func (*List) Type() Type { return TypeList }

// Type implements [Message].
func (*Need) Type() Type { return TypeNeed }

// Type implements [Message].
func (*Done) Type() Type { return TypeDone }

// compact is a message with a form of its own.
type compact interface {
	Message
	appendBody(b []byte) []byte
	parse(b []byte) error
}

const (
	hasKind = 1 << iota
	hasType
	hasMode
	hasTime
	hasGroup
	hasDigest
	hasFail
)

func (m *List) check() error { return (*Items)(m).checkList() }

func (m *List) appendBody(b []byte) []byte {
	b = binary.AppendUvarint(b, m.First)
	b = binary.AppendUvarint(b, uint64(len(m.Entries)))
	before := new(Entry)
	for i := range m.Entries {
		b = m.Entries[i].append(b, before)
		before = &m.Entries[i]
	}
	return b
}

// flags says what of e is written after before.
func (e *Entry) flags(before *Entry) (f byte) {
	for i, differs := range [...]bool{
		e.Kind != before.Kind, e.Type != before.Type, e.Mode != before.Mode,
		e.Sec != before.Sec || e.Nsec != before.Nsec || e.Epoch != before.Epoch,
		!bytes.Equal(e.Group, before.Group), len(e.Digest) > 0, e.Fail != 0,
	} {
		if differs {
			f |= 1 << i
		}
	}
	return f
}

// shared is how many bytes two keys have in common.
func shared(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

func (e *Entry) append(b []byte, before *Entry) []byte {
	f, n := e.flags(before), shared(e.Key, before.Key)
	b = append(b, f)
	b = binary.AppendUvarint(b, uint64(n))
	b = binary.AppendUvarint(b, uint64(len(e.Key)-n))
	b = append(b, e.Key[n:]...)
	b = binary.AppendUvarint(b, e.Size)
	if f&hasKind != 0 {
		b = binary.AppendUvarint(b, uint64(e.Kind))
	}
	if f&hasType != 0 {
		b = append(b, e.Type)
	}
	if f&hasMode != 0 {
		b = binary.AppendUvarint(b, uint64(e.Mode))
	}
	if f&hasTime != 0 {
		b = binary.AppendVarint(b, e.Sec)
		n := uint64(e.Nsec) << 1
		if e.Epoch {
			n |= 1
		}
		b = binary.AppendUvarint(b, n)
	}
	if f&hasGroup != 0 {
		b = binary.AppendUvarint(b, uint64(len(e.Group)))
		b = append(b, e.Group...)
	}
	if f&hasDigest != 0 {
		b = append(b, e.Digest...)
	}
	if f&hasFail != 0 {
		b = binary.AppendUvarint(b, uint64(e.Fail))
	}
	return b
}

// cursor reads a body. After an error everything it reads is zero.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) uvarint(most uint64) uint64 {
	v, n := binary.Uvarint(c.b)
	if n <= 0 || n > 1 && c.b[n-1] == 0 || v > most {
		c.bad, c.b = true, nil
		return 0
	}
	c.b = c.b[n:]
	return v
}

func (c *cursor) varint() int64 {
	v := c.uvarint(1<<64 - 1)
	return int64(v>>1) ^ -int64(v&1)
}

func (c *cursor) take(n uint64) []byte {
	if n > uint64(len(c.b)) {
		c.bad, c.b = true, nil
		return nil
	}
	p := c.b[:n:n]
	c.b = c.b[n:]
	return p
}

func (c *cursor) u8() byte {
	if p := c.take(1); p != nil {
		return p[0]
	}
	return 0
}

// The least that an entry (flags, two lengths, a byte of key or a length more,
// a size) and a run take, in bytes.
const (
	leastEntry = 4
	leastRun   = 2
)

// count reads how many things of at least that size follow.
func (c *cursor) count(least int) int {
	n := c.uvarint(MaxBatch)
	if n > uint64(len(c.b)/least) {
		c.bad, c.b = true, nil
		return 0
	}
	return int(n)
}

func (m *List) parse(b []byte) error {
	c := cursor{b: b}
	m.First = c.uvarint(1<<64 - 1)
	m.Entries = make([]Entry, c.count(leastEntry))
	keys, left := make([]byte, 0, len(b)), maxExpanded
	before := new(Entry)
	for i := range m.Entries {
		e := &m.Entries[i]
		keys = e.parse(&c, before, keys, &left)
		if c.bad || left < 0 {
			return bad("list: entry %d", i)
		}
		before = e
	}
	if c.bad || len(c.b) > 0 {
		return bad("list: %d entries", len(m.Entries))
	}
	return nil
}

// parse reads one entry. Its key is put behind keys, which is returned; its
// bytes are taken off left.
func (e *Entry) parse(c *cursor, before *Entry, keys []byte, left *int) []byte {
	f := c.u8()
	n, rest := c.uvarint(uint64(len(before.Key))), c.uvarint(backup.MaxKey)
	tail := c.take(rest)
	if c.bad || f >= hasFail<<1 || n+rest > backup.MaxKey {
		c.bad = true
		return keys
	}
	if *left -= int(n + rest); *left < 0 {
		return keys
	}
	at := len(keys)
	keys = append(append(keys, before.Key[:n]...), tail...)
	e.Key = keys[at:len(keys):len(keys)]
	e.Size = c.uvarint(MaxSize)
	e.Kind, e.Type, e.Mode = before.Kind, before.Type, before.Mode
	e.Sec, e.Nsec, e.Epoch, e.Group = before.Sec, before.Nsec, before.Epoch, before.Group
	if f&hasKind != 0 {
		e.Kind = uint32(c.uvarint(MaxKinds))
	}
	if f&hasType != 0 {
		e.Type = c.u8()
	}
	if f&hasMode != 0 {
		e.Mode = uint32(c.uvarint(0o777))
	}
	if f&hasTime != 0 {
		e.Sec = c.varint()
		n := c.uvarint(999_999_999<<1 | 1)
		e.Nsec, e.Epoch = uint32(n>>1), n&1 != 0
	}
	if f&hasGroup != 0 {
		e.Group = c.take(c.uvarint(backup.MaxKey))
		if len(e.Group) == 0 {
			e.Group = nil
		}
	}
	*left -= len(e.Group)
	if f&hasDigest != 0 {
		e.Digest = c.take(uint64(len(backup.Digest{})))
	}
	if f&hasFail != 0 {
		e.Fail = uint16(c.uvarint(1<<16 - 1))
	}
	if e.flags(before) != f || shared(e.Key, before.Key) != int(n) { // it could be shorter
		c.bad = true
	}
	return keys
}

// append writes a run behind one that ends at end.
func (r Run) append(b []byte, end uint64) []byte {
	b = binary.AppendVarint(b, int64(r.First-end))
	return binary.AppendUvarint(b, r.Count)
}

func (r *Run) parse(c *cursor, end uint64) {
	r.First = end + uint64(c.varint())
	r.Count = c.uvarint(MaxRun)
}

// checkRuns holds n runs against the caps.
func checkRuns(n int, run func(int) Run) error {
	var sum uint64
	for i := range n {
		r := run(i)
		if sum += r.Count; r.First == 0 || r.First >= 1<<62 || r.Count == 0 || r.Count > MaxRun || sum > MaxRun {
			return bad("run %d: %d from %d", i, r.Count, r.First)
		}
	}
	if n == 0 || n > MaxBatch {
		return bad("%d runs", n)
	}
	return nil
}

func (m *Need) check() error {
	for i := 1; i < len(m.Runs); i++ {
		if m.Runs[i].First == m.Runs[i-1].First+m.Runs[i-1].Count {
			return bad("need: run %d goes on", i)
		}
	}
	return checkRuns(len(m.Runs), func(i int) Run { return m.Runs[i] })
}

func (m *Need) appendBody(b []byte) []byte {
	var end uint64
	b = binary.AppendUvarint(b, uint64(len(m.Runs)))
	for _, r := range m.Runs {
		b = r.append(b, end)
		end = r.First + r.Count
	}
	return b
}

func (m *Need) parse(b []byte) error {
	c := cursor{b: b}
	var end uint64
	m.Runs = make([]Run, c.count(leastRun))
	for i := range m.Runs {
		r := &m.Runs[i]
		r.parse(&c, end)
		end = r.First + r.Count
	}
	if c.bad || len(c.b) > 0 {
		return bad("need: run %d", len(m.Runs))
	}
	return nil
}

func (m *Done) check() error {
	for i, r := range m.Runs {
		if o := backup.Outcome(r.Outcome); !o.Valid() || o == backup.Failed {
			return bad("done: outcome %d", r.Outcome)
		}
		if i > 0 && r.Outcome == m.Runs[i-1].Outcome && r.First == m.Runs[i-1].First+m.Runs[i-1].Count {
			return bad("done: run %d goes on", i)
		}
	}
	return checkRuns(len(m.Runs), func(i int) Run { return m.Runs[i].Run })
}

func (m *Done) appendBody(b []byte) []byte {
	var end uint64
	b = binary.AppendUvarint(b, uint64(len(m.Runs)))
	for _, r := range m.Runs {
		b = append(r.append(b, end), r.Outcome)
		end = r.First + r.Count
	}
	return b
}

func (m *Done) parse(b []byte) error {
	c := cursor{b: b}
	var end uint64
	m.Runs = make([]DoneRun, c.count(leastRun+1))
	for i := range m.Runs {
		r := &m.Runs[i]
		r.Run.parse(&c, end)
		r.Outcome = c.u8()
		end = r.First + r.Count
	}
	if c.bad || len(c.b) > 0 {
		return bad("done: run %d", len(m.Runs))
	}
	return nil
}
