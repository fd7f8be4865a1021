package transfer

import (
	"slices"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer/tree"
	"github.com/ferry-move/ferry/transfer/wire"
)

// Of a kind of which the receiver has nothing, small entities come unasked: they
// are on their way as soon as they are listed, and what lists them does not say
// their digest. They may overtake what lists them, and wait for it.
//
//	list ─┬─> List ──────────> control ─> check ─┬─> committer
//	      └─> small ─ bundle ─> lanes ─> value ──┘

// early is an entity that came before it was listed.
type early struct {
	value  []byte
	digest backup.Digest
}

// pushes reports whether an entity goes without being asked for.
func (s *sender) pushes(kind int, it backup.Item) bool {
	return it.Type == backup.TypeEntity && s.unasked[kind] && len(it.Value) < wire.PushBelow
}

// isUnasked reports whether an entry is of an entity that comes unasked.
func (r *receiver) isUnasked(e *wire.Entry) bool {
	return backup.Type(e.Type) == backup.TypeEntity && e.Fail == 0 && len(e.Digest) == 0
}

// overtaking keeps those pieces that are not listed yet, and finds the items of
// those that are by now. It returns how many it kept, and their bytes.
func (r *receiver) overtaking(pieces []wire.Piece, items []*inItem, copied func([]byte) []byte) (n, size int, err error) {
	sums := make([]backup.Digest, len(pieces)) // outside the lock
	for i := range pieces {
		if items[i] == nil {
			sums[i] = tree.Block(pieces[i].Data, 0, int64(len(pieces[i].Data)))
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range pieces {
		p := &pieces[i]
		if items[i] != nil {
			continue
		}
		if p.Item < r.known {
			items[i] = r.items.get(p.Item)
			continue
		}
		_, twice := r.early[p.Item]
		if twice || p.Hashed || len(p.Data) >= wire.PushBelow || p.Item-r.led.next >= uint64(WindowOf(r.protocol)) || !slices.Contains(r.unasked, true) {
			return n, size, protocolError("a piece of no item")
		}
		r.early[p.Item] = early{copied(p.Data), sums[i]}
		n, size = n+1, size+len(p.Data)
	}
	return n, size, nil
}

// takeEarly gives an item that is now listed what came before. It is called with
// mu held.
func (r *receiver) takeEarly(in *inItem) error {
	if len(r.early) == 0 {
		return nil
	}
	v, ok := r.early[in.id]
	if !ok {
		return nil
	}
	delete(r.early, in.id)
	if !in.unasked || int64(len(v.value)) != in.it.Size {
		return protocolError("a piece that its item does not have")
	}
	in.value, in.digest, in.moved = v.value, v.digest, in.it.Size
	return nil
}

// admit lets an entity that comes unasked go to the committer, now or when it is
// here.
func (r *receiver) admit(in *inItem) {
	in.mu.Lock()
	in.checked = true
	ready := in.value != nil
	if in.open, in.over = !ready, ready; ready {
		in.want = in.digest
	}
	in.mu.Unlock()
	if ready {
		r.done(in)
	}
}
