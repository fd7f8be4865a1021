package transfer

import (
	"context"
	"io"
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
		r.patiently(ctx, noteSize, r.isDone, func() error { return r.journal.KeepBriefly(notes) })
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
		r.patiently(ctx, noteSize, r.isDone, func() error { return r.journal.Keep(safe) })
		var since []journal.Kept // the last note counts
		for _, in := range list {
			in.mu.Lock()
			if in.noted > in.kept && in.fail == nil {
				since = append(since, in.note)
			}
			in.mu.Unlock()
		}
		r.patiently(ctx, noteSize, r.isDone, func() error { return r.journal.KeepBriefly(since) })
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

// commitRest commits the files that are here whole when a session breaks, so that
// they are not sent again. Nobody hears of it but the journal: the next session
// finds them.
func (r *receiver) commitRest(ctx context.Context) {
	c := &committer{r: r}
	over, end := context.WithCancel(ctx) // nobody waits for a full disk any more
	end()
	batch := map[int][]*inItem{}
	for in := range r.items.all {
		if i := r.infos[in.kind]; !i.Entities && !i.Mixed && in.over && in.fail == nil && !in.have && in.staged != nil && r.journal != nil {
			batch[in.kind] = append(batch[in.kind], in)
		}
	}
	for kind, items := range batch {
		staged := make([]backup.Staged, len(items))
		for i, in := range items {
			staged[i], in.staged = in.staged, nil
		}
		if results := r.restores[kind].Commit(ctx, staged); len(results) == len(items) {
			c.settle(over, kind, items, staged, results) // parts of what is given back may be kept
		}
	}
}

// keepRest keeps what came of the files on their way when a session breaks.
func (r *receiver) keepRest() {
	if r.journal == nil {
		return
	}
	var notes []journal.Kept
	for in := range r.items.all {
		st, can := in.staged.(backup.Keeper)
		if !can || in.fail != nil || in.have || in.tree == nil || in.temp == "" || !keepable(in) {
			continue
		}
		if len(in.gaps) > 0 {
			f, ok := st.(io.ReaderAt)
			if !ok {
				continue
			}
			in.tree = withoutGaps(f, in.it.Size, in.tree, in.gaps)
		}
		k, have := in.part()
		if have < keepFrom || len(notes) == journal.MaxKept || !r.journal.CanKeep(k) {
			continue
		}
		l, err := st.Keep(k.Left.Length)
		in.staged = nil
		if err != nil {
			r.journal.Gone(in.temp)
			continue
		}
		k.Left = l
		notes = append(notes, k)
	}
	if len(notes) > 0 {
		r.journal.Keep(notes) // a journal that fails costs a later run time, not data
	}
}

// left returns what an earlier run kept of an item. What it kept of the item
// before that was changed goes.
func (r *receiver) left(ctx context.Context, in *inItem) (journal.Kept, bool) {
	if r.journal == nil || !keepable(in) {
		return journal.Kept{}, false
	}
	if k, ok := r.journal.Stale(in.it); ok {
		r.abandon(ctx, k)
	}
	return r.journal.Left(journal.Of(in.it))
}

// abandon removes what an earlier run kept. What cannot be removed now stays
// noted.
func (r *receiver) abandon(ctx context.Context, k journal.Kept) {
	for i, kind := range r.kinds {
		if t, ok := r.restores[i].(backup.TempRemover); ok && kind == k.Kind && t.RemoveTemp(ctx, k.Left.Name) == nil {
			r.journal.Gone(backup.Key(k.Left.Name))
		}
	}
}

// sweepKept removes what is kept when every item has its result: of the kinds
// that came, none of it is wanted any more.
func (r *receiver) sweepKept(ctx context.Context) {
	if r.journal == nil {
		return
	}
	for _, k := range r.journal.AllKept() {
		r.abandon(ctx, k)
	}
}

// resume goes on with what an earlier run kept of an item, and says so in w. If
// anything is wrong with it, it goes, and the item comes from its start.
func (r *receiver) resume(ctx context.Context, in *inItem, k journal.Kept, w *wire.Wanted) error {
	nodes, err := tree.ParseNodes(k.Tree, in.it.Size)
	re, ok := r.restores[in.kind].(backup.Resumer)
	if err != nil || len(nodes) == 0 || k.Left.Length != nodes[len(nodes)-1].End()*wire.BlockSize || !ok {
		r.abandon(ctx, k)
		return nil
	}
	if !r.journal.Take(k.Fingerprint) { // the sender lists it twice
		return nil
	}
	if err := put(ctx, r.staging, struct{}{}); err != nil {
		return err
	}
	var f backup.ResumedFile
	var touched bool
	err = r.patiently(ctx, in.it.Size-k.Left.Held, nil, func() (err error) {
		f, touched, err = re.Resume(ctx, in.it, k.Left)
		return err
	})
	if err != nil {
		<-r.staging
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		r.abandon(ctx, k)
		return nil
	}
	if touched {
		k.Boot = journal.Boot{}
	}
	in.mu.Lock()
	in.staged, in.temp, in.holds = f, backup.Key(k.Left.Name), true
	in.tree, in.vouched = tree.Resume(in.it.Size, nodes), k.Boot
	in.mu.Unlock()
	if k.Boot.IsZero() || k.Boot != r.cfg.Boot {
		// Until it is read the item is not open, so nobody else has it but the
		// end of a session that breaks, which keeps it as it was.
		if nodes, err = reread(ctx, f, in.it.Size, nodes); err != nil {
			return err
		}
	}
	t, there := tree.Resume(in.it.Size, nodes), tree.Covered(nodes)*wire.BlockSize
	in.mu.Lock()
	in.tree, in.moved, in.kept, in.noted, in.vouched = t, there, there, there, r.cfg.Boot
	k, _ = in.part()
	in.mu.Unlock()
	r.nodes.Add(int64(t.Nodes()))
	r.meter.resumed(there)
	if st, ok := f.(backup.Keeper); ok && there > 0 { // from now on it is this run that writes to it
		if k.Left, err = st.Sync(k.Left.Length); err == nil {
			r.patiently(ctx, noteSize, nil, func() error { return r.journal.Keep([]journal.Kept{k}) })
		}
	}
	r.grows(in, f)
	w.Nodes = tree.AppendNodes(nil, nodes)
	return nil
}

// reread holds what is on the disk against its nodes, and returns those that are
// still right. It fails only when ctx is done.
func reread(ctx context.Context, f io.ReaderAt, size int64, nodes []tree.Node) (good []tree.Node, err error) {
	buf := new([wire.BlockSize]byte)
	for _, n := range nodes {
		t, whole := tree.New(size), true
		for i := n.First; whole && i < n.End(); i++ {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			m, _ := f.ReadAt(buf[:], i*wire.BlockSize) // what cannot be read is not there
			whole = m == len(buf) && t.Add(i, tree.Block(buf[:], i, size)) == nil
		}
		if whole && t.Known(1)[0] == n {
			good = append(good, n)
		}
	}
	return good, nil
}
