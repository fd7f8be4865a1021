package contacts

import (
	"encoding/binary"

	"github.com/ferry-move/ferry/mobile/backup"
)

// slot is a card that the target had when the restore was opened. It answers
// for at most one incoming card.
//
//	free --claim--> claimed --release--> free
//	  \________________\______ gone (its file changed; new slots stand for it)
type slot struct {
	file   *file
	at     int64 // where its bytes are in the file
	size   int64
	digest backup.Digest
	set    hash16
	// others are the slots that the claiming card could have instead. A card
	// that comes later and has no other choice makes it move.
	others []int32
	state  slotState
}

type slotState uint8

const (
	free slotState = iota
	claimed
	gone
)

// nobody is no slot.
const nobody int32 = -1

// bucket lists the slots found by one hash. Those from next on may be free,
// those before it are not.
type bucket struct {
	slots []int32
	next  int
}

// matcher finds the slot for an incoming card. It keeps hashes, not cards.
type matcher struct {
	hash    hasher
	slots   []slot
	buckets map[uint64]*bucket
}

func newMatcher() *matcher {
	return &matcher{hash: newHasher(), buckets: map[uint64]*bucket{}}
}

// maxCandidates is how many cards are looked at for one that came in.
const maxCandidates = 16

func (m *matcher) digestKey(d backup.Digest) uint64 { return binary.LittleEndian.Uint64(d[:8]) }
func (m *matcher) setKey(s hash16) uint64           { return ^binary.LittleEndian.Uint64(s[:8]) }

// add makes a card of the target a slot.
func (m *matcher) add(s slot, f *features) int32 {
	id := int32(len(m.slots))
	s.digest, s.set = f.digest, f.set
	m.slots = append(m.slots, s)
	m.list(m.digestKey(f.digest), id)
	m.list(m.setKey(f.set), id)
	for _, k := range f.uids {
		m.list(k, id)
	}
	for _, k := range f.persons {
		m.list(k, id)
	}
	return id
}

func (m *matcher) list(key uint64, id int32) {
	b := m.buckets[key]
	if b == nil {
		b = &bucket{}
		m.buckets[key] = b
	}
	b.slots = append(b.slots, id)
}

// freeIn returns up to maxCandidates free slots that key finds and ok accepts.
// Slots found to be taken leave the part that is searched, so a long bucket is
// not walked again and again.
func (m *matcher) freeIn(key uint64, ok func(*slot) bool) []int32 {
	b := m.buckets[key]
	if b == nil {
		return nil
	}
	var out []int32
	for i := b.next; i < len(b.slots) && len(out) < maxCandidates; i++ {
		id := b.slots[i]
		s := &m.slots[id]
		if s.state != free {
			b.slots[i], b.slots[b.next] = b.slots[b.next], id
			b.next++
		} else if ok(s) {
			out = append(out, id)
		}
	}
	return out
}

// takenIn returns up to maxCandidates claimed slots that key finds.
func (m *matcher) takenIn(key uint64) []int32 {
	b := m.buckets[key]
	if b == nil {
		return nil
	}
	var out []int32
	for i := b.next - 1; i >= max(0, b.next-maxCandidates); i-- {
		if m.slots[b.slots[i]].state == claimed {
			out = append(out, b.slots[i])
		}
	}
	return out
}

// knows reports whether any of keys can find a slot.
func (m *matcher) knows(keys []uint64) bool {
	for _, k := range keys {
		if m.buckets[k] != nil {
			return true
		}
	}
	return false
}

// exact returns a free slot with the same bytes.
func (m *matcher) exact(d backup.Digest) int32 {
	return first(m.freeIn(m.digestKey(d), func(s *slot) bool { return s.digest == d }))
}

// equal returns a free slot with the same set of properties.
func (m *matcher) equal(set hash16) int32 {
	return first(m.freeIn(m.setKey(set), func(s *slot) bool { return s.set == set }))
}

func first(ids []int32) int32 {
	if len(ids) == 0 {
		return nobody
	}
	return ids[0]
}

// claim takes a slot; others are those that would do as well.
func (m *matcher) claim(id int32, others []int32) {
	m.slots[id].state, m.slots[id].others = claimed, others
}

// release gives back the slot that the card f had, so that it is found again
// by whatever f is found by.
func (m *matcher) release(id int32, f *features) {
	s := &m.slots[id]
	if s.state != claimed {
		return
	}
	s.state, s.others = free, nil
	m.relist(m.digestKey(s.digest), id)
	m.relist(m.setKey(s.set), id)
	for _, k := range f.uids {
		m.relist(k, id)
	}
	for _, k := range f.persons {
		m.relist(k, id)
	}
}

func (m *matcher) relist(key uint64, id int32) {
	b := m.buckets[key]
	if b == nil {
		return
	}
	for i := b.next - 1; i >= 0; i-- {
		if b.slots[i] == id {
			b.next--
			b.slots[i], b.slots[b.next] = b.slots[b.next], id
			return
		}
	}
}

// steal frees one of the slots in want, which are claimed, by moving the card
// that has it to another that holds all of it too. It returns the slot that is
// free now, or nobody. seen keeps the search from running in circles.
func (m *matcher) steal(want []int32, seen map[int32]bool) int32 {
	for _, id := range want {
		if seen[id] || m.slots[id].state != claimed {
			continue
		}
		seen[id] = true
		others := m.slots[id].others
		next := nobody
		for _, o := range others {
			if m.slots[o].state == free {
				next = o
				break
			}
		}
		if next == nobody {
			next = m.steal(others, seen)
		}
		if next != nobody {
			moved := make([]int32, 0, len(others))
			for _, o := range others {
				if o != next {
					moved = append(moved, o)
				}
			}
			m.slots[id].state, m.slots[id].others = free, nil
			m.claim(next, append(moved, id))
			return id
		}
	}
	return nobody
}
