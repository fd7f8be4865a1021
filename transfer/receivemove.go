package transfer

import (
	"context"
	"sync"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer/journal"
	"github.com/ferry-move/ferry/transfer/tree"
	"github.com/ferry-move/ferry/transfer/wire"
	"golang.org/x/sync/errgroup"
)

const (
	checkers = 4 // agents asked at once
	// maxStaged is the most files staged and not yet committed.
	maxStaged = 2048
	// commitItems, commitBytes and commitLinger say when a batch is committed. A
	// third batch is gathered while two are forced to the disk; maxStaged has room
	// for them.
	commitItems = 640
	commitBytes = 4 << 20
	// commitsAtOnce is how many batches of files are forced to the disk at once.
	commitsAtOnce = 2
	commitLinger  = 100 * time.Millisecond
	entityLinger  = 150 * time.Millisecond
	// entityBatch is the most entities in one commit, which is whatever is ready:
	// an agent may rewrite a whole file for each, and waits for the disk.
	entityBatch = Window
)

// inItem is an item under way.
type inItem struct {
	id   uint64
	kind int
	it   backup.Item
	want backup.Digest // an entity's digest, as it was listed; the received one's if it comes unasked
	// unasked tells that it is an entity that comes without being asked for.
	unasked bool

	mu       sync.Mutex
	compare  []backup.Digest         // offered with the verdict Compare; guarded by mu
	names    []backup.Key            // where those are; guarded by mu
	stamps   []int64                 // and their times; guarded by mu
	open     bool                    // blocks may come; guarded by mu
	checked  bool                    // its agent was asked, of an entity that comes unasked; guarded by mu
	writing  writers                 // lanes that are writing a block; guarded by mu
	over     bool                    // handed to the committer after it was open; guarded by mu
	making   chan struct{}           // closed when its place is made; nil = not begun; guarded by mu
	staged   backup.Staged           // guarded by mu
	temp     backup.Key              // guarded by mu
	value    []byte                  // an entity's, as it comes; guarded by mu
	tree     *tree.Tree              // guarded by mu
	moved    int64                   // bytes counted by the meter, those of earlier runs included; guarded by mu
	holds    bool                    // a place in receiver.staging; guarded by mu
	note     journal.Kept            // the last of what came of it; guarded by mu
	noted    int64                   // bytes of it; guarded by mu
	kept     int64                   // bytes that the journal knows to be on the disk; guarded by mu
	doubtful bool                    // staged may have lost a part of its content; guarded by mu
	gaps     map[int64]backup.Digest // blocks in tree that a full disk kept out when the session ended; guarded by mu
	vouched  journal.Boot            // when the bytes of earlier runs were known to be right; guarded by mu

	// Set by whoever hands the item to the committer, then the committer's.
	digest backup.Digest
	fail   error      // the item failed
	have   bool       // it is there already
	name   backup.Key // with have
	stamp  int64      // with have, as [backup.Result] has it
	known  bool       // the journal has it
	listed bool       // the committer has seen it, of an entity
	// finished tells that nothing more of it comes, of what waits for those before it.
	finished bool
}

// isDone reports whether every item has its result.
func (r *receiver) isDone() bool { return closed(r.allDone) }

// isOver reports whether nothing more of an item is to come.
func (in *inItem) isOver() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return !in.open
}

// drop discards what is staged of an item.
func (r *receiver) drop(in *inItem) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.open = false
	if in.staged != nil {
		r.discard(in.staged, in.temp)
		in.staged = nil
	}
}

func (r *receiver) discard(st backup.Staged, temp backup.Key) {
	if st.Discard() == nil && temp != "" {
		r.journal.Gone(temp)
	}
}

func (r *receiver) move(ctx context.Context) error {
	r.meter.setPhase(movePhase(r.offer.Verify))
	g, gctx := errgroup.WithContext(ctx)
	for range checkers {
		g.Go(func() error { return r.toCheck.each(gctx, r.allDone, 1, r.checkItem) })
	}
	g.Go(func() error { return r.inOrder.each(gctx, r.allDone, entriesPerFrame, r.checkItem) })
	most := entriesPerFrame
	if r.protocol >= wire.CompactSince {
		most = compactPerFrame
	}
	g.Go(func() error {
		return r.wanted.batches(gctx, r.allDone, most, linger, func(b []wire.Wanted) error { return r.sayWant(gctx, b) })
	})
	g.Go(func() error {
		return r.results.batches(gctx, r.allDone, most, linger, func(b []outcome) error { return r.sayResults(gctx, b) })
	})
	g.Go(func() error { return r.gate.tellWaits(gctx, r.c, r.meter, r.hello.Protocol, r.allDone) })
	g.Go(func() error { return r.throttle.tell(gctx, r.c, r.allDone) })
	g.Go(func() error { return r.commitLoop(gctx) })
	g.Go(func() error { return r.keepLoop(gctx) })
	g.Go(func() error { return r.syncLoop(gctx) })
	g.Go(func() error { return r.keepAtPause(gctx) })
	g.Go(func() error { return r.acceptLanes(gctx) })
	return g.Wait()
}

func (r *receiver) onItems(m *wire.Items) error {
	if m.First != r.next || r.endSeen {
		return protocolError("items out of order")
	}
	all := make([]inItem, len(m.Entries))
	var check, inOrder, ordered []*inItem
	var keys int64
	group := "" // most items of a batch share one
	for i := range m.Entries {
		e := &m.Entries[i]
		if int(e.Kind) >= len(r.kinds) || !r.accepted[e.Kind] {
			return protocolError("an item of a kind that was not accepted")
		}
		in := &all[i]
		if in.id, in.kind = r.next, int(e.Kind); group != string(e.Group) {
			group = string(e.Group)
		}
		in.it = e.Item(r.kinds, group)
		r.next++
		info := &r.infos[in.kind]
		if e.Fail != 0 {
			in.fail = backup.Reason(e.Fail)
		} else if !info.Mixed && info.Entities != (in.it.Type == backup.TypeEntity) {
			return protocolError("an item of a type that its kind does not have")
		}
		if in.unasked = r.isUnasked(e); in.unasked && !r.unasked[in.kind] {
			return protocolError("an entity without a digest")
		}
		if err := r.onListed(in.it, in.kind, e.Fail != 0); err != nil {
			return err
		}
		if len(e.Digest) > 0 {
			in.want = backup.Digest(e.Digest)
		}
		keys += keyCost(in.it)
		if info.Entities || info.Mixed {
			ordered = append(ordered, in)
		}
		if in.it.Type == backup.TypeEntity {
			inOrder = append(inOrder, in)
		} else {
			check = append(check, in)
		}
	}
	r.mu.Lock()
	r.keyBytes += keys
	r.known = r.next
	tooMany := r.next-r.led.next > uint64(WindowOf(r.protocol)) || r.keyBytes > 2*windowKeys
	var err error
	if tooMany {
		err = protocolError("more items under way than the window allows")
	}
	for i := 0; i < len(all) && err == nil; i++ {
		r.items.set(all[i].id, &all[i])
		err = r.takeEarly(&all[i])
	}
	r.mu.Unlock()
	if err != nil {
		return err
	}
	// Entities are committed in the order in which they are listed, so the
	// committer hears of them first.
	r.ready.put(ordered...)
	r.toCheck.put(check...)
	r.inOrder.put(inOrder...)
	return nil
}

// onListed holds what is listed against what was offered, and parts against their
// wholes. failed tells that it does not move.
func (r *receiver) onListed(it backup.Item, kind int, failed bool) error {
	if !failed {
		if r.spare -= it.Size; r.spare < 0 {
			return protocolError("far more bytes than it offered")
		}
	}
	if w := r.wholes[kind]; w != nil {
		return w.list(it, failed)
	}
	return nil
}

func (r *receiver) onEnd(m *wire.End) error {
	for _, w := range r.wholes {
		if w == nil {
			continue
		}
		if err := w.ended(); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.endSeen || m.Items != r.next-1 {
		return protocolError("the manifest's end does not fit")
	}
	r.endSeen, r.listed = true, m.Items
	r.checkDone()
	return nil
}

// checkDone is called with mu held.
func (r *receiver) checkDone() {
	if r.endSeen && r.reported == r.listed && !closed(r.allDone) {
		close(r.allDone)
	}
}

// onSettle ends items whose content does not come.
func (r *receiver) onSettle(m *wire.Settle) error {
	if r.turns.heard[wire.TypeTotals] {
		return protocolError("settled after the totals")
	}
	for _, s := range m.Settled {
		r.mu.Lock()
		in := r.items.get(s.ID)
		r.mu.Unlock()
		if in == nil {
			continue // it ended here in the meantime: a damaged block, a full disk
		}
		in.mu.Lock()
		if !in.open {
			in.mu.Unlock()
			continue
		}
		if s.Same != 0 {
			if int(s.Same) > len(in.compare) {
				in.mu.Unlock()
				return protocolError("it settles on a digest that was not offered")
			}
			in.have, in.digest = true, in.compare[s.Same-1]
			if int(s.Same) <= len(in.names) {
				in.name = in.names[s.Same-1]
			}
			if int(s.Same) <= len(in.stamps) {
				stamp := in.stamps[s.Same-1]
				in.known = in.known && stamp == in.stamp // else it would be read in each run
				in.stamp = stamp
			}
		} else {
			in.fail = backup.Reason(s.Fail)
		}
		in.open = false
		r.handOver(in)
	}
	return nil
}

// handOver ends a change of an item: once it is no longer open and no lane
// writes in it, the committer gets it. It is called with in.mu held, and
// releases it.
func (r *receiver) handOver(in *inItem) {
	ready := !in.open && in.writing.none() && !in.over
	in.over = in.over || ready
	var note []journal.Kept
	if ready {
		if k, ok := r.whole(in); ok {
			note = []journal.Kept{k}
		}
	}
	in.mu.Unlock()
	if len(note) > 0 {
		r.journal.KeepBriefly(note) // a journal that fails costs a later run time, not data
	}
	if ready {
		r.done(in)
	}
}

// done hands an item to the committer. Each item is handed over once: by
// handOver, or by its checker if it never was open.
func (r *receiver) done(in *inItem) {
	r.ready.put(in)
}

// checkItem asks the agent what is needed.
func (r *receiver) checkItem(ctx context.Context, in *inItem) error {
	if in.fail != nil {
		r.done(in)
		return nil
	}
	left, isLeft := r.left(ctx, in)
	a := backup.Answer{Verdict: backup.Need}
	if c, ok := r.restores[in.kind].(backup.Checker); ok {
		var prior backup.Prior
		if r.journal != nil && in.it.Type != backup.TypeEntity {
			prior, in.known = r.journal.Lookup(journal.Of(in.it))
			in.stamp = prior.Stamp
			prior.Left, prior.Verify = left.Left, r.offer.Verify && in.it.Type == backup.TypeFile
		}
		it := in.it
		it.Digest = in.want
		r.patiently(ctx, it.Size-left.Left.Held, nil, func() error {
			a = c.Check(ctx, it, prior)
			if a.Verdict == backup.Refuse {
				return a.Err
			}
			return nil
		})
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	if isLeft && (a.Verdict == backup.Have || a.Verdict == backup.Compare) { // it is there whole, or something of its name
		r.abandon(ctx, left)
		isLeft = false
	}
	if in.unasked && a.Verdict != backup.Refuse { // it is on its way
		a.Verdict = backup.Need
	}
	switch a.Verdict {
	case backup.Have:
		in.have, in.digest = true, a.Digest
		if len(a.Names) > 0 {
			in.name = a.Names[0]
		}
		r.done(in)
		return nil
	case backup.Refuse:
		in.mu.Lock()
		in.checked = true
		in.mu.Unlock()
		in.fail = a.Err
		if in.fail == nil {
			in.fail = backup.Unknown
		}
		r.done(in)
		return nil
	}
	if in.it.Type == backup.TypeDirectory { // the committer stages it
		r.done(in)
		return nil
	}
	if in.unasked {
		r.admit(in)
		return nil
	}
	w := wire.Wanted{ID: in.id, Verdict: uint8(backup.Need)}
	if isLeft {
		if err := r.resume(ctx, in, left, &w); err != nil {
			return err
		}
	}
	in.mu.Lock()
	if a.Verdict == backup.Compare && len(a.Digests) > 0 {
		w.Verdict = uint8(backup.Compare)
		in.compare, in.names, in.stamps = a.Digests[:min(len(a.Digests), wire.MaxDigests)], a.Names, a.Stamps
		for _, d := range in.compare {
			w.Digests = append(w.Digests, append([]byte(nil), d[:]...))
		}
	}
	if in.tree == nil {
		in.tree = tree.New(in.it.Size)
	}
	in.open = true
	in.mu.Unlock()
	r.wanted.put(w)
	return nil
}
