package journal

import (
	"encoding/binary"
	"math/bits"
)

// index finds a record's offset by its fingerprint. It takes 14 to 21 bytes a
// record, a third of what a map takes: with a million items that is the most of
// what a receiver remembers.
//
// It is a table with open addressing. A slot holds 56 bits of the fingerprint
// and 40 of the offset; a fingerprint is a hash, so where a slot is to be is
// more of it. Two that agree in all of these count as one: the later offset
// stays, and Lookup, which reads the whole fingerprint, finds the other no more.
//
// The zero value is ready.
type index struct {
	slots []slot
	n     int
}

// slot is tag and offset; the offset is never 0 in one that is in use.
//
//	a         b                   c
//	┌────────┬────────┬──────────┬─────────────┐
//	│ tag 32 │ tag 24 │ offset 8 │ offset 32   │
//	└────────┴────────┴──────────┴─────────────┘
type slot struct{ a, b, c uint32 }

// maxOffset bounds what a slot can hold: a journal of a terabyte.
const maxOffset = 1<<40 - 1

const firstSlots = 256

func (s slot) offset() int64 { return int64(s.b&0xff)<<32 | int64(s.c) }

// place returns where a slot is to be among n, from the tag alone, so that a
// table can grow without its records.
func (s slot) place(n int) int {
	hi, _ := bits.Mul64(uint64(s.a)<<32|uint64(s.b&^0xff), uint64(n))
	return int(hi)
}

func slotOf(fp Fingerprint, at int64) slot {
	tag := binary.BigEndian.Uint64(fp[:])
	return slot{uint32(tag >> 32), uint32(tag)&^0xff | uint32(at>>32), uint32(at)}
}

func (s slot) same(t slot) bool { return s.a == t.a && s.b&^0xff == t.b&^0xff }

// find returns the slot of s's fingerprint, or the free one where it is to go.
func (x *index) find(s slot) *slot {
	for i := s.place(len(x.slots)); ; i++ {
		if i == len(x.slots) {
			i = 0
		}
		if t := &x.slots[i]; t.offset() == 0 || t.same(s) {
			return t
		}
	}
}

// get returns the offset that put was given last.
func (x *index) get(fp Fingerprint) (at int64, ok bool) {
	if x.n == 0 {
		return 0, false
	}
	at = x.find(slotOf(fp, 0)).offset()
	return at, at != 0
}

// put notes an offset, and reports whether the fingerprint is new. One that
// cannot be held is not noted.
func (x *index) put(fp Fingerprint, at int64) bool {
	if at <= 0 || at > maxOffset {
		return false
	}
	if 8*(x.n+1) > 7*len(x.slots) {
		x.grow()
	}
	s := slotOf(fp, at)
	t := x.find(s)
	isNew := t.offset() == 0
	if isNew {
		x.n++
	}
	*t = s
	return isNew
}

func (x *index) grow() {
	old := x.slots
	x.slots = make([]slot, max(firstSlots, len(old)+len(old)/2))
	for _, s := range old {
		if s.offset() != 0 {
			*x.find(s) = s
		}
	}
}
