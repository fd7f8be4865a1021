package transfer

import (
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer/wire"
)

// SessionID names a session. Only the two devices know it: it never leaves
// their link but in the receipt. The zero value is none.
type SessionID [wire.SessionSize]byte

// IsZero reports whether id is none.
func (id SessionID) IsZero() bool { return id == SessionID{} }

// Brought is what a session brought of one kind, folders not counted.
type Brought struct {
	Kind          backup.Kind
	Added, Merged uint64
}

// A session whose link was lost goes on over another one: that is its next
// part. Each part is run by Send and Receive from hello to goodbye, with the
// same ID, and is accounted for by itself: what an earlier part brought is
// skipped in it. The receiver, which alone knows what became of items whose
// results nobody heard, says with its totals how many of those the earlier
// parts brought, so that both devices can sum the session up.

// brings counts what a commit brought. It is called with no lock held.
func (r *receiver) brings(kind int, items []*inItem, results []backup.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.report.Brought == nil {
		for _, k := range r.kinds {
			r.report.Brought = append(r.report.Brought, Brought{Kind: k})
		}
	}
	b := &r.report.Brought[kind]
	for i, in := range items {
		switch {
		case in.it.Type == backup.TypeDirectory:
		case results[i].Outcome == backup.Added:
			b.Added++
		case results[i].Outcome == backup.Merged:
			b.Merged++
		}
	}
}

// sayBefore notes in the totals what earlier parts brought of what was skipped.
func sayBefore(t *wire.Totals, before []Brought) {
	for i := range t.Kinds {
		k := &t.Kinds[i]
		for _, b := range before {
			if string(b.Kind) == k.Kind {
				k.AddedBefore = min(b.Added, k.Skipped)
				k.MergedBefore = min(b.Merged, k.Skipped-k.AddedBefore)
			}
		}
	}
}

// broughtBefore is what a receiver's totals say of earlier parts.
func broughtBefore(t *wire.Totals) (out []Brought) {
	for _, k := range t.Kinds {
		if k.AddedBefore+k.MergedBefore > 0 {
			out = append(out, Brought{backup.Kind(k.Kind), k.AddedBefore, k.MergedBefore})
		}
	}
	return out
}

// again begins another part of a session: what is done by now counts until
// that part has come as far. A meter that has counted nothing stays as it is.
func (m *Meter) again() {
	if m.began.Load() == nil {
		return
	}
	floor := m.Snapshot()
	m.floor.Store(&floor)
	m.underway.Store(0)
	m.safe.Store(0) // what is there is counted again
}

// notBelow lifts what is done to what was done before.
func (p *Progress) notBelow(floor *Progress) {
	if floor == nil {
		return
	}
	p.DoneItems = max(p.DoneItems, min(floor.DoneItems, p.Items))
	p.DoneBytes = max(p.DoneBytes, min(floor.DoneBytes, p.Bytes))
	p.SafeBytes = max(p.SafeBytes, min(floor.SafeBytes, p.Bytes))
	for i := range min(len(p.Kinds), len(floor.Kinds)) {
		k, f := &p.Kinds[i], floor.Kinds[i]
		if k.Kind == f.Kind {
			k.DoneItems = max(k.DoneItems, min(f.DoneItems, k.Items))
			k.DoneBytes = max(k.DoneBytes, min(f.DoneBytes, k.Bytes))
		}
	}
}
