package transfer

import (
	"context"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer/journal"
	"github.com/ferry-move/ferry/transfer/tree"
	"github.com/ferry-move/ferry/transfer/wire"
)

// A file that a break cuts is not sent again from its start: what came of it is
// kept under its temporary name, and the journal has the nodes of its BLAKE3 tree,
// which say what came and what is in it.
//
//	blocks ─ written ─┬─ every keepStep bytes: noted; forced to the disk, noted ─┐
//	                  └─ the session breaks: cut to length, forced, noted ───────┤
//	next session: same kind, key, size and time ── opened <──────────────────────┘
//	              not touched, and this very run of the system, or read again
//	              ── Want{nodes} ─> the rest
//
// What a killed process wrote is in the system's cache, so it is believed as long
// as the system runs. After a restart only the disk's word is left, and it is
// read once, as after somebody wrote to the file; it is believed as far as its
// nodes agree.
const (
	// keepStep is how many bytes of growing files come between two checkpoints.
	keepStep = 4 << 20
	// growFrom is the size in bytes from which a file gets checkpoints.
	growFrom = 4 << 20
	// keepFrom is from how many bytes on a part is kept when a session breaks.
	keepFrom = 1 << 20
)

// writers counts the lanes that are writing, so that one can wait for those that
// were at some moment while others begin. The zero value is ready.
type writers struct {
	turn   int // of those that begin now: 0 or 1
	count  [2]int
	passed chan struct{} // closed when those of the other turn are done; nil = nobody waits
}

func (w *writers) none() bool { return w.count[0]+w.count[1] == 0 }

func (w *writers) begin() (turn int) {
	w.count[w.turn]++
	return w.turn
}

func (w *writers) end(turn int) {
	w.count[turn]--
	if w.passed != nil && turn != w.turn && w.count[turn] == 0 {
		close(w.passed)
		w.passed = nil
	}
}

// pass begins a new turn and returns a channel that is closed when every writer
// of the one before is done. The one before that must be over.
func (w *writers) pass() <-chan struct{} {
	passed := make(chan struct{})
	old := w.turn
	w.turn = 1 - w.turn
	if w.count[old] == 0 {
		close(passed)
	} else {
		w.passed = passed
	}
	return passed
}

// grows notes a file that checkpoints are worth.
func (r *receiver) grows(in *inItem, st backup.Staged) {
	if _, ok := st.(backup.Keeper); !ok || r.journal == nil || in.it.Size < growFrom || !keepable(in) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.items.get(in.id) == in { // else it has ended already
		r.growing[in] = struct{}{}
	}
}

// keepable reports whether a later run can know the file again. One without a
// time may be another by then.
func keepable(in *inItem) bool {
	return in.it.Type == backup.TypeFile && !in.it.ModTime.IsZero()
}

// grew counts content of growing files and wakes the keeper.
func (r *receiver) grew(in *inItem, n int) {
	if r.journal == nil || in.it.Size < growFrom || r.unkept.Add(int64(n)) < keepStep {
		return
	}
	select {
	case r.keepNow <- struct{}{}:
	default: // it knows
	}
}

// keepLoop notes what comes of growing files until every item has its result.
// The notes outlive the process. That they outlive the system is up to syncLoop,
// which a busy disk may hold up for long.
func (r *receiver) keepLoop(ctx context.Context) error {
	return each(ctx, r.keepNow, r.allDone, func(ctx context.Context, _ struct{}) error {
		r.unkept.Store(0)
		var notes []journal.Kept
		for _, in := range r.growingNow() {
			if k, ok := r.arrivedSoFar(ctx, in); ok {
				notes = append(notes, k)
			}
		}
		if len(notes) == 0 {
			return nil
		}
		// A journal that fails otherwise costs a later run time, not data.
		r.noting(ctx, r.isDone, func() error { return r.journal.KeepBriefly(notes) })
		select {
		case r.syncNow <- struct{}{}:
		default: // it knows
		}
		return nil
	})
}

func (r *receiver) growingNow() []*inItem {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]*inItem, 0, len(r.growing))
	for in := range r.growing {
		list = append(list, in)
	}
	return list
}

// arrivedSoFar describes what came of a file, once it is all written.
func (r *receiver) arrivedSoFar(ctx context.Context, in *inItem) (k journal.Kept, ok bool) {
	in.mu.Lock()
	if _, can := in.staged.(backup.Keeper); !can || in.fail != nil || in.tree == nil {
		in.mu.Unlock()
		return k, false
	}
	k, have := in.part()
	if have <= in.noted || !r.journal.CanKeep(k) {
		in.mu.Unlock()
		return k, false
	}
	written := in.writing.pass() // a block is in the tree before it is on the disk
	in.mu.Unlock()
	select {
	case <-written:
	case <-ctx.Done():
		return k, false
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.fail != nil {
		return k, false
	}
	k.Left.Held = k.Left.Length
	in.note, in.noted = k, have
	return k, true
}

// syncLoop makes checkpoints until every item has its result.
func (r *receiver) syncLoop(ctx context.Context) error {
	return each(ctx, r.syncNow, r.allDone, func(ctx context.Context, _ struct{}) error {
		var safe []journal.Kept
		list := r.growingNow()
		for _, in := range list {
			if k, ok := r.checkpoint(in); ok {
				safe = append(safe, k)
			}
		}
		if len(safe) == 0 {
			return nil
		}
		r.noting(ctx, r.isDone, func() error { return r.journal.Keep(safe) })
		var since []journal.Kept // the last note counts
		for _, in := range list {
			in.mu.Lock()
			if in.noted > in.kept && in.fail == nil {
				since = append(since, in.note)
			}
			in.mu.Unlock()
		}
		r.noting(ctx, r.isDone, func() error { return r.journal.KeepBriefly(since) })
		return nil
	})
}

// landsFor is how long after a pause has begun what was on its way is taken for
// landed.
const landsFor = 500 * time.Millisecond

// keepAtPause wakes the keeper in each pause: a person may switch the phone off
// in it.
func (r *receiver) keepAtPause(ctx context.Context) error {
	for {
		if err := r.gate.until(ctx, true, r.allDone); err != nil {
			return err
		}
		landed := time.NewTimer(landsFor)
		select {
		case <-landed.C:
		case <-r.allDone:
			landed.Stop()
			return nil
		case <-ctx.Done():
			landed.Stop()
			return context.Cause(ctx)
		}
		select {
		case r.keepNow <- struct{}{}:
		default: // it knows
		}
		if err := r.gate.until(ctx, false, r.allDone); err != nil {
			return err
		}
	}
}

// checkpoint forces what is noted of a file to the disk.
func (r *receiver) checkpoint(in *inItem) (k journal.Kept, ok bool) {
	in.mu.Lock()
	st, can := in.staged.(backup.Keeper)
	k, have := in.note, in.noted
	can = can && in.fail == nil && have > in.kept
	in.mu.Unlock()
	if !can {
		return k, false
	}
	done := r.meter.disk()
	l, err := st.Sync(k.Left.Length)
	done()
	in.mu.Lock()
	defer in.mu.Unlock()
	if err != nil || in.fail != nil { // Commit will say the same, if it is still to come
		return k, false
	}
	k.Left, in.kept = l, have
	return k, true
}

// part describes what came of a file, and how many bytes that is. It is called
// with in.mu held.
func (in *inItem) part() (k journal.Kept, have int64) {
	nodes := in.tree.Known(wire.MaxNodes)
	k = journal.Kept{
		Fingerprint: journal.Of(in.it), Place: journal.PlaceOf(in.it), Kind: in.it.Kind, Boot: in.vouched,
		Left: backup.Leftover{Name: string(in.temp)}, Tree: tree.AppendNodes(nil, nodes),
	}
	if len(nodes) > 0 {
		k.Left.Length = nodes[len(nodes)-1].End() * wire.BlockSize
	}
	return k, tree.Covered(nodes) * wire.BlockSize
}
