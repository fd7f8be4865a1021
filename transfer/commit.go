package transfer

import (
	"cmp"
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer/journal"
	"golang.org/x/sync/errgroup"
)

// committer gathers what is ready and makes it durable in batches. It belongs
// to commitLoop's goroutine.
type committer struct {
	r     *receiver
	batch map[int][]*inItem // by kind
	count int
	files int         // those of them that are no entities
	bytes int64       // of those
	late  *time.Timer // rings when the batch is committed at the latest; it has no clock that could be set
	// queues hold the entities of a kind in the order of the manifest, from
	// the first that is not finished.
	queues map[int][]*inItem
	// commits are the batches of files that are being forced to the disk, each
	// with a place in places; busy counts their items.
	commits *errgroup.Group
	places  chan struct{}
	busy    atomic.Int64
	// ended are the items that need no commit, with their results.
	ended   []*inItem
	results []backup.Result
}

// commitLoop commits until every item has its result. A batch goes when it is
// full, when it has waited long enough, or when every item under way is in it,
// so that waiting could bring nothing.
//
// Entities are committed one batch after the other. Of files, a batch is being
// made durable while the next is gathered and named.
func (r *receiver) commitLoop(ctx context.Context) (err error) {
	c := &committer{r: r, batch: map[int][]*inItem{}, queues: map[int][]*inItem{}, places: make(chan struct{}, commitsAtOnce)}
	c.commits, ctx = errgroup.WithContext(ctx)
	defer func() { err = cmp.Or(c.commits.Wait(), err) }()
	buf := make([]*inItem, 0, commitItems)
	c.late = time.NewTimer(time.Hour)
	defer c.late.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-r.allDone:
			return nil
		case <-r.ready.wake:
			got, _ := r.ready.grab(buf[:0])
			for _, in := range got {
				c.take(in)
			}
			clear(got)
			c.endSimple(ctx)
			if c.count < commitItems && c.bytes < commitBytes && !c.isAll() {
				continue
			}
			if r.ready.len() > 0 && c.count < entityBatch && c.files == 0 {
				continue // an agent may rewrite a file for each batch
			}
		case <-c.late.C:
		}
		if err := c.flush(ctx); err != nil {
			return err
		}
	}
}

// isAll reports whether nothing else is under way.
func (c *committer) isAll() bool {
	if c.r.ready.len() > 0 {
		return false
	}
	c.r.mu.Lock()
	defer c.r.mu.Unlock()
	return c.r.items.len() == c.count+int(c.busy.Load())
}

// take puts an item where it belongs.
func (c *committer) take(in *inItem) {
	if !c.ordered(in.kind) {
		c.add(in)
		return
	}
	if !in.listed { // it is on its way
		in.listed = true
		c.queues[in.kind] = append(c.queues[in.kind], in)
		return
	}
	// Only entities wait for those before them.
	waits := func(in *inItem) bool { return in.it.Type == backup.TypeEntity }
	if !waits(in) {
		c.add(in)
	}
	in.finished = true
	q := c.queues[in.kind]
	for len(q) > 0 && q[0].finished {
		if waits(q[0]) {
			c.add(q[0])
		}
		q[0] = nil
		q = q[1:]
	}
	c.queues[in.kind] = q
}

// ordered reports whether a kind has entities, which are committed in their
// order.
func (c *committer) ordered(kind int) bool {
	info := c.r.infos[kind]
	return info.Entities || info.Mixed
}

// add sets an item aside that needs no commit, and gathers one that does.
func (c *committer) add(in *inItem) {
	switch {
	case in.fail != nil:
		c.r.drop(in)
		c.over(in, backup.Result{Outcome: backup.Failed, Err: in.fail})
		return
	case in.have:
		c.r.drop(in)
		c.over(in, backup.Result{Outcome: backup.Skipped, Name: in.name, Stamp: in.stamp})
		return
	}
	if c.count == 0 {
		wait := commitLinger
		if in.it.Type == backup.TypeEntity {
			wait = entityLinger
		}
		c.late.Reset(wait)
	}
	if in.it.Type != backup.TypeEntity {
		c.files++
		c.bytes += in.it.Size
	}
	c.batch[in.kind] = append(c.batch[in.kind], in)
	c.count++
}

func (c *committer) over(in *inItem, res backup.Result) {
	c.ended, c.results = append(c.ended, in), append(c.results, res)
}

// endSimple ends what needs no commit.
func (c *committer) endSimple(ctx context.Context) {
	if len(c.ended) == 0 {
		return
	}
	c.remember(ctx, c.ended, c.results)
	c.end(c.ended, c.results)
	clear(c.ended)
	clear(c.results)
	c.ended, c.results = c.ended[:0], c.results[:0]
}

// flush commits the batch.
func (c *committer) flush(ctx context.Context) error {
	for kind, items := range c.batch {
		aside := !c.ordered(kind)
		if aside {
			if err := put(ctx, c.places, struct{}{}); err != nil {
				return err
			}
		}
		delete(c.batch, kind)
		c.count -= len(items)
		if !aside {
			if err := c.commitAll(ctx, kind, items); err != nil {
				return err
			}
			continue
		}
		c.busy.Add(int64(len(items)))
		c.commits.Go(func() error {
			err := c.commitAll(ctx, kind, items)
			c.busy.Add(-int64(len(items)))
			<-c.places
			c.r.ready.signal() // the loop may now have all there is
			return err
		})
	}
	c.files, c.bytes = 0, 0
	return nil
}

// commitAll commits items, and what a full disk gives back of them again, until
// each has its result or ctx ends. Whoever waits for space keeps its place, so
// no more waits than there are places, and of entities nothing that is listed
// later comes first.
func (c *committer) commitAll(ctx context.Context, kind int, items []*inItem) error {
	var broken error
	err := c.r.patiently(ctx, 0, nil, func() error {
		if items, broken = c.commit(ctx, kind, items); broken == nil && len(items) > 0 {
			return backup.NoSpace
		}
		return nil
	})
	if broken == nil && err != nil {
		return context.Cause(ctx)
	}
	return broken
}

// commit makes items durable, notes them in the journal and ends them. It
// returns those that a full disk gave back.
func (c *committer) commit(ctx context.Context, kind int, items []*inItem) (full []*inItem, err error) {
	var batch, late []*inItem
	var staged []backup.Staged
	for _, in := range items {
		if len(late) > 0 && c.ordered(kind) {
			late = append(late, in)
			continue
		}
		st, err := c.restage(ctx, in)
		switch {
		case isFull(err):
			late = append(late, in)
		case err != nil && ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err != nil:
			c.r.drop(in)
			c.end([]*inItem{in}, []backup.Result{{Outcome: backup.Failed, Err: err}})
		default:
			batch, staged = append(batch, in), append(staged, st)
		}
	}
	if len(batch) == 0 {
		return late, nil
	}
	for _, in := range batch {
		in.mu.Lock()
		in.staged, in.doubtful = nil, false
		in.mu.Unlock()
	}
	// Files that are here whole are not given up because the link breaks while
	// they are forced to the disk.
	patient := ctx
	if !c.ordered(kind) {
		patient = context.WithoutCancel(ctx)
	}
	results := c.r.restores[kind].Commit(patient, staged)
	if len(results) != len(batch) {
		return nil, fmt.Errorf("commit %s: %d results for %d items", c.r.kinds[kind], len(results), len(batch))
	}
	full, batch, results = c.settle(ctx, kind, batch, staged, results)
	c.end(batch, results)
	return append(full, late...), nil
}

// restage returns what is to be committed of an item. An entity or a directory
// is staged here, a file that the disk may have lost a part of written again.
func (c *committer) restage(ctx context.Context, in *inItem) (backup.Staged, error) {
	in.mu.Lock()
	st, doubtful := in.staged, in.doubtful
	in.mu.Unlock()
	if st == nil {
		it := in.it
		it.Value = in.value
		return c.r.restores[in.kind].Stage(ctx, it)
	}
	if doubtful {
		if err := rewrite(ctx, st, in); err != nil {
			return nil, err
		}
	}
	return st, nil
}

// settle keeps what a commit of items found the disk too full for, counts and
// notes the rest, and returns both.
func (c *committer) settle(ctx context.Context, kind int, items []*inItem, staged []backup.Staged, results []backup.Result) (full, rest []*inItem, ends []backup.Result) {
	for i, in := range items {
		if in.givenBack(staged[i], results[i]) {
			full = append(full, in)
			continue
		}
		rest, ends = append(rest, in), append(ends, results[i])
	}
	c.r.brings(kind, rest, ends)
	c.remember(ctx, rest, ends)
	return full, rest, ends
}

// givenBack reports whether a commit found the disk full and is to be done again,
// and keeps what was staged.
func (in *inItem) givenBack(st backup.Staged, res backup.Result) bool {
	if res.Outcome != backup.Failed || !isFull(res.Err) {
		return false
	}
	re, ok := st.(backup.Recommitter)
	if !ok {
		return in.it.Type != backup.TypeFile // staged anew
	}
	still, doubtful := re.Uncommitted()
	if still {
		in.mu.Lock()
		in.staged, in.doubtful = st, doubtful
		in.mu.Unlock()
	}
	return still
}

// remember notes in the journal what is durable.
func (c *committer) remember(ctx context.Context, items []*inItem, results []backup.Result) {
	if c.r.journal == nil {
		return
	}
	var arrived []journal.Arrived
	for i, in := range items {
		if in.have && in.known || in.fail != nil {
			continue
		}
		if in.temp != "" {
			c.r.journal.Gone(in.temp)
		}
		if in.it.Type == backup.TypeEntity {
			continue // agents recognise those by their content
		}
		a := journal.Arrived{Fingerprint: journal.Of(in.it), Digest: in.digest, Size: in.it.Size, Name: results[i].Name, Stamp: results[i].Stamp}
		switch out := results[i].Outcome; {
		case out != backup.Added && (out != backup.Skipped || in.it.Type == backup.TypeDirectory && !c.r.madeEarlier(in.it, results[i])):
			continue
		case in.it.Type == backup.TypeDirectory && a.Name == "":
			a.Name = in.it.Key // a folder has no digest, and its note must not be empty
		}
		arrived = append(arrived, a)
	}
	if len(arrived) > 0 {
		// A journal that fails otherwise costs a later run time, not data.
		c.r.noting(ctx, nil, func() error { return c.r.journal.Arrived(arrived) })
	}
}

// end gives items their one result each, some at a time: what is needed for
// that stays small, whatever the group's size.
func (c *committer) end(items []*inItem, results []backup.Result) {
	const some = 128
	for len(items) > some {
		c.endSome(items[:some], results[:some])
		items, results = items[some:], results[some:]
	}
	c.endSome(items, results)
}

func (c *committer) endSome(items []*inItem, results []backup.Result) {
	r := c.r
	outs := make([]outcome, len(items))
	ends := make([]ended, len(items))
	moved := make([]int64, len(items))
	var values int64
	for i, in := range items {
		outs[i], ends[i] = in.outcome(&results[i])
		in.mu.Lock()
		moved[i] = in.moved
		values += int64(len(in.value))
		holds := in.holds
		if in.tree != nil {
			r.nodes.Add(-int64(in.tree.Nodes()))
		}
		in.value, in.tree, in.holds, in.open = nil, nil, false, false
		in.mu.Unlock()
		if holds {
			<-r.staging
		}
	}
	// The items leave the window before the sender hears, which may then list
	// others; the account is closed after the results are on their way.
	r.mu.Lock()
	r.valueBytes -= values
	for i, in := range items {
		r.items.del(in.id)
		if in.it.Size >= growFrom {
			delete(r.growing, in)
		}
		_, keys := r.led.add(ends[i])
		r.keyBytes -= keys
	}
	r.mu.Unlock()
	r.results.put(outs...)
	r.mu.Lock()
	r.reported += uint64(len(items))
	for i, in := range items {
		r.meter.ended(in.kind, in.it, moved[i], ends[i].out == backup.Failed)
		if in.have {
			r.found.Add(in.it.Size)
		}
	}
	r.checkDone()
	r.mu.Unlock()
	r.telling.Lock()
	defer r.telling.Unlock()
	for i := range ends {
		tellItem(r.cfg.Observer, r.offer.Verify, &ends[i])
	}
}

// outcome is how an item ended, for the sender and for the account.
func (in *inItem) outcome(res *backup.Result) (o outcome, e ended) {
	e = ended{id: in.id, kind: in.kind, it: in.it, out: res.Outcome, name: res.Name}
	if e.name == in.it.Key {
		e.name = ""
	}
	o.ID, o.Outcome = in.id, uint8(res.Outcome)
	switch {
	case res.Outcome == backup.Failed:
		e.name, e.reason = "", backup.ReasonOf(res.Err)
		if e.reason == 0 {
			e.reason = backup.Unknown
		}
		o.Reason = uint16(e.reason)
	case in.it.Type == backup.TypeDirectory:
		o.told = true
	default:
		e.digest = in.digest
		o.Digest = in.digest[:]
		o.told = !in.have
		if in.it.Type == backup.TypeEntity {
			o.told = in.digest == in.want
		}
	}
	if e.name != "" {
		o.Name = []byte(e.name)
	}
	return o, e
}
