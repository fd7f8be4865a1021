package transfer

import (
	"context"
	"io"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer/journal"
	"github.com/ferry-move/ferry/transfer/tree"
	"github.com/ferry-move/ferry/transfer/wire"
)

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
	r.found.Add(there)
	if st, ok := f.(backup.Keeper); ok && there > 0 { // from now on it is this run that writes to it
		if k.Left, err = st.Sync(k.Left.Length); err == nil {
			r.noting(ctx, nil, func() error { return r.journal.Keep([]journal.Kept{k}) })
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
