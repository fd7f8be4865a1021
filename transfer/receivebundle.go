package transfer

import (
	"bufio"
	"context"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer/tree"
	"github.com/ferry-move/ferry/transfer/wire"
)

// nextHeader reads what stands before a block or a bundle. many tells which.
func (r *receiver) nextHeader(rd *bufio.Reader) (h wire.BlockHeader, many bool, err error) {
	if first, err := rd.Peek(1); err == nil && wire.IsBundle(first[0]) && r.protocol >= wire.CompactSince {
		b, err := wire.ReadBundleHeader(rd)
		return wire.BlockHeader{Codec: b.Codec, Length: b.Length, Packed: b.Packed}, true, err
	}
	h, err = wire.ReadBlockHeader(rd)
	return h, false, err
}

// onBundle takes small items, each of them whole. The entities among them share
// the memory for their values.
func (r *receiver) onBundle(ctx context.Context, body []byte) error {
	pieces, err := wire.ParseBundle(nil, body)
	if err != nil {
		return err
	}
	items := make([]*inItem, len(pieces))
	var values int64
	r.mu.Lock()
	ahead := false
	for i := range pieces {
		items[i] = r.items.get(pieces[i].Item)
		r.report.SentBytes += uint64(len(pieces[i].Data))
		isAhead := pieces[i].Item >= r.known
		ahead = ahead || isAhead
		if isAhead || items[i] != nil && items[i].it.Type == backup.TypeEntity {
			values += int64(len(pieces[i].Data))
		}
	}
	r.valueBytes += values
	over := r.valueBytes > 2*windowBytes
	r.mu.Unlock()
	if over {
		return protocolError("more bytes of entities under way than allowed")
	}
	mem := make([]byte, 0, values)
	copied := func(p []byte) []byte {
		at := len(mem)
		mem = append(mem, p...)
		return mem[at:len(mem):len(mem)]
	}
	var done []*inItem
	arrived, moved := 0, 0
	if ahead {
		if arrived, moved, err = r.overtaking(pieces, items, copied); err != nil {
			return err
		}
		values -= int64(moved)
	}
	for i, in := range items {
		p := &pieces[i]
		switch {
		case in == nil: // it ended; the sender will hear, or has heard
		case in.it.Size != int64(len(p.Data)) || p.Hashed == (in.it.Type == backup.TypeEntity):
			return protocolError("a piece that its item does not have")
		case p.Hashed:
			err = r.onBlock(ctx, wire.BlockHeader{Item: p.Item, Length: uint32(len(p.Data)), Hash: p.Hash}, p.Data)
			if err != nil {
				return err
			}
		default:
			took, ready := r.onEntity(in, copied(p.Data))
			if !took {
				continue
			}
			values -= int64(len(p.Data))
			moved += len(p.Data)
			if ready {
				done = append(done, in)
			}
			if !ready || in.fail == nil {
				arrived++
			}
		}
	}
	r.meter.moved(moved)
	r.mu.Lock()
	r.valueBytes -= values // of those that had ended
	r.report.SentItems += uint64(arrived)
	r.mu.Unlock()
	r.ready.put(done...)
	return nil
}

// onEntity takes an entity's value. It reports whether the item has it now, and
// whether the item is for the committer.
func (r *receiver) onEntity(in *inItem, value []byte) (took, ready bool) {
	sum := tree.Block(value, 0, in.it.Size)
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.value != nil || in.over || !in.open && (!in.unasked || in.checked) { // it ended, or comes in blocks as well
		return false, false
	}
	in.moved += int64(len(value))
	in.value, in.digest = value, sum
	if !in.open { // its agent was not asked yet
		return true, false
	}
	in.open, in.over = false, true
	if in.unasked {
		in.want = sum
	} else if sum != in.want {
		in.fail = backup.Damaged
	}
	return true, true
}

// sayWant sends verdicts: those that say no more than that an item is needed as
// runs, from protocol 3 on.
func (r *receiver) sayWant(ctx context.Context, all []wire.Wanted) error {
	rest := all[:0:0]
	var plain wire.Need
	for _, w := range all {
		if r.protocol < wire.CompactSince || backup.Verdict(w.Verdict) != backup.Need || len(w.Nodes) > 0 {
			rest = append(rest, w)
			continue
		}
		if n := len(plain.Runs); n > 0 && w.ID == plain.Runs[n-1].First+plain.Runs[n-1].Count {
			plain.Runs[n-1].Count++
		} else {
			plain.Runs = append(plain.Runs, wire.Run{First: w.ID, Count: 1})
		}
	}
	if len(plain.Runs) > 0 {
		if err := r.c.send(ctx, &plain); err != nil {
			return err
		}
	}
	for len(rest) > 0 {
		n := min(len(rest), entriesPerFrame)
		if err := r.c.send(ctx, &wire.Want{Wanted: rest[:n]}); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// outcome is a result on its way to the sender. told says that the sender knows
// the content's digest: it sent it, or listed it.
type outcome struct {
	wire.Result
	told bool
}

// sayResults sends results: those of which the sender knows everything but the
// outcome as runs, from protocol 3 on.
func (r *receiver) sayResults(ctx context.Context, all []outcome) error {
	var rest []wire.Result
	var plain wire.Done
	for _, o := range all {
		if r.protocol < wire.CompactSince || !o.told || o.Outcome == uint8(backup.Failed) || len(o.Name) > 0 {
			rest = append(rest, o.Result)
			continue
		}
		n := len(plain.Runs)
		if n > 0 && o.Outcome == plain.Runs[n-1].Outcome && o.ID == plain.Runs[n-1].First+plain.Runs[n-1].Count {
			plain.Runs[n-1].Count++
		} else {
			plain.Runs = append(plain.Runs, wire.DoneRun{Run: wire.Run{First: o.ID, Count: 1}, Outcome: o.Outcome})
		}
	}
	if len(plain.Runs) > 0 {
		if err := r.c.send(ctx, &plain); err != nil {
			return err
		}
	}
	return frames(rest, func(w *wire.Result) int { return len(w.Name) + 64 }, func(b []wire.Result) error {
		return r.c.send(ctx, &wire.Results{Results: b})
	})
}
