package preview

import (
	"fmt"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer/wire"
	"lukechampine.com/blake3"
)

// waiting is a record whose value decides what would become of it.
type waiting struct {
	id   uint64
	kind *looking
	it   backup.Item
}

// seen is a record that its agent has staged.
type seen struct {
	staged backup.Staged
	size   int64
}

// wait sets a record aside that is to be asked for. Its value would tell nothing, or
// is one too many, if it returns false.
func (v *server) wait(k *looking, id uint64, it backup.Item) bool {
	cost := keptCost + len(it.Key) + len(it.Group)
	if k.foreseer == nil || v.records > MaxRecords || v.kept+cost > maxKept || v.wants+it.Size > MaxContents {
		return false
	}
	v.kept, v.wants = v.kept+cost, v.wants+it.Size
	v.waiting = append(v.waiting, waiting{id: id, kind: k, it: it})
	return true
}

// foresee asks for the values that decide, and counts their records.
func (v *server) foresee() error {
	if len(v.waiting) == 0 {
		return nil
	}
	if err := v.ask(); err != nil {
		return err
	}
	for len(v.waiting) > 0 {
		m, err := v.read()
		if err != nil {
			return err
		}
		c, ok := m.(*wire.Content)
		if !ok {
			return protocolError("frame type %d among values", m.Type())
		}
		for _, p := range c.Pieces {
			if err := v.piece(p); err != nil {
				return err
			}
		}
	}
	return nil
}

// ask says whose values are to come.
func (v *server) ask() error {
	need, sum := &wire.Need{}, uint64(0)
	for i := range v.waiting {
		id := v.waiting[i].id
		last := len(need.Runs) - 1
		on := last >= 0 && need.Runs[last].First+need.Runs[last].Count == id
		if sum == wire.MaxRun || !on && last+1 == wire.MaxBatch {
			if err := v.write(need); err != nil {
				return err
			}
			need.Runs, sum, on = need.Runs[:0], 0, false
		}
		if on {
			need.Runs[last].Count++
		} else {
			need.Runs = append(need.Runs, wire.Run{First: id, Count: 1})
		}
		sum++
	}
	if err := v.write(need); err != nil {
		return err
	}
	return v.write(&wire.End{Items: uint64(len(v.waiting))})
}

// piece takes in a piece of the value that is next.
func (v *server) piece(p wire.Piece) error {
	if len(v.waiting) == 0 || p.Item != v.waiting[0].id {
		return protocolError("a value that was not asked for")
	}
	w := v.waiting[0]
	have := int64(len(v.part) + len(p.Data))
	if have < w.it.Size && len(p.Data) > 0 {
		v.part = append(v.part, p.Data...)
		return nil
	}
	w.it.Value = p.Data
	if len(v.part) > 0 {
		w.it.Value = append(v.part, p.Data...)
	}
	v.waiting[0], v.waiting, v.part = waiting{}, v.waiting[1:], nil
	if have < w.it.Size { // it changed
		w.kind.Add++
		w.kind.comes(w.it.Size)
	} else if blake3.Sum256(w.it.Value) != w.it.Digest { // it may be longer, too
		return protocolError("another value than was listed")
	} else if err := v.stage(&w); err != nil {
		return err
	}
	if len(v.waiting) == 0 || v.waiting[0].kind != w.kind {
		return v.settle(w.kind)
	}
	return nil
}

// stage has an agent take a record in, to look at it.
func (v *server) stage(w *waiting) error {
	s, err := w.kind.restore.Stage(v.ctx, w.it)
	if v.ctx.Err() != nil {
		return v.why(nil)
	}
	if err != nil {
		w.kind.cannot(reason(err), 1)
		return nil
	}
	v.batch, v.held = append(v.batch, seen{s, w.it.Size}), v.held+w.it.Size
	if len(v.batch) == batchItems || v.held >= batchBytes {
		return v.settle(w.kind)
	}
	return nil
}

// settle counts what would become of the records that are staged.
func (v *server) settle(k *looking) error {
	if len(v.batch) == 0 {
		return nil
	}
	staged := make([]backup.Staged, len(v.batch))
	for i := range v.batch {
		staged[i] = v.batch[i].staged
	}
	results := k.foreseer.Foresee(v.ctx, staged)
	if v.ctx.Err() != nil {
		return v.why(nil)
	}
	if len(results) != len(staged) {
		return fmt.Errorf("foresee %s: %d results for %d items", k.Kind.Kind, len(results), len(staged))
	}
	for i, r := range results {
		switch r.Outcome {
		case backup.Added:
			k.Add++
			k.comes(v.batch[i].size)
		case backup.Merged:
			k.Merge++
			k.comes(v.batch[i].size)
		case backup.Skipped:
			k.Skip++
		default:
			k.cannot(reason(r.Err), 1)
		}
	}
	clear(v.batch)
	v.batch, v.held = v.batch[:0], 0
	return nil
}
