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
	files int       // those of them that are no entities
	due   time.Time // when the batch is committed at the latest
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
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		if c.count > 0 {
			timer.Reset(time.Until(c.due))
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-r.allDone:
			return nil
		case <-r.ready.wake:
			got, _ := r.ready.grab(buf[:0])
			for _, in := range got {
				c.take(ctx, in)
			}
			clear(got)
			c.endSimple()
			if c.count < commitItems && !c.isAll() {
				continue
			}
			if r.ready.len() > 0 && c.count < entityBatch && c.files == 0 {
				continue // an agent may rewrite a file for each batch
			}
		case <-timer.C:
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
func (c *committer) take(ctx context.Context, in *inItem) {
	info := c.r.infos[in.kind]
	if !info.Entities && !info.Mixed {
		c.add(ctx, in)
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
		c.add(ctx, in)
	}
	in.finished = true
	q := c.queues[in.kind]
	for len(q) > 0 && q[0].finished {
		if waits(q[0]) {
			c.add(ctx, q[0])
		}
		q[0] = nil
		q = q[1:]
	}
	c.queues[in.kind] = q
}

// add sets an item aside that needs no commit, and gathers one that does.
func (c *committer) add(ctx context.Context, in *inItem) {
	switch {
	case in.fail != nil:
		c.r.drop(in)
		c.over(in, backup.Result{Outcome: backup.Failed, Err: in.fail})
		return
	case in.have:
		c.r.drop(in)
		c.over(in, backup.Result{Outcome: backup.Skipped, Name: in.name})
		return
	}
	if in.staged == nil { // an entity or a directory
		it := in.it
		it.Value = in.value
		st, err := c.r.restores[in.kind].Stage(ctx, it)
		if err != nil {
			c.over(in, backup.Result{Outcome: backup.Failed, Err: err})
			return
		}
		in.staged = st
	}
	if c.count == 0 {
		c.due = time.Now().Add(commitLinger)
		if in.it.Type == backup.TypeEntity {
			c.due = time.Now().Add(entityLinger)
		}
	}
	if in.it.Type != backup.TypeEntity {
		c.files++
	}
	c.batch[in.kind] = append(c.batch[in.kind], in)
	c.count++
}

func (c *committer) over(in *inItem, res backup.Result) {
	c.ended, c.results = append(c.ended, in), append(c.results, res)
}

// endSimple ends what needs no commit.
func (c *committer) endSimple() {
	if len(c.ended) == 0 {
		return
	}
	c.remember(c.ended, c.results)
	c.end(c.ended, c.results)
	clear(c.ended)
	clear(c.results)
	c.ended, c.results = c.ended[:0], c.results[:0]
}

func (c *committer) flush(ctx context.Context) error {
	for kind, items := range c.batch {
		info := c.r.infos[kind]
		aside := !info.Entities && !info.Mixed
		if aside {
			if err := put(ctx, c.places, struct{}{}); err != nil {
				return err
			}
		}
		delete(c.batch, kind)
		c.count -= len(items)
		staged := make([]backup.Staged, len(items))
		for i, in := range items {
			in.mu.Lock()
			staged[i], in.staged = in.staged, nil
			in.mu.Unlock()
		}
		if !aside {
			if err := c.commit(ctx, kind, items, staged); err != nil {
				return err
			}
			continue
		}
		c.busy.Add(int64(len(items)))
		c.commits.Go(func() error {
			// Files that are here whole are not given up because the link breaks
			// while they are forced to the disk.
			err := c.commit(context.WithoutCancel(ctx), kind, items, staged)
			c.busy.Add(-int64(len(items)))
			<-c.places
			c.r.ready.signal() // the loop may now have all there is
			return err
		})
	}
	c.files = 0
	return nil
}

// commit makes items durable, notes them in the journal and ends them.
func (c *committer) commit(ctx context.Context, kind int, items []*inItem, staged []backup.Staged) error {
	done := c.r.meter.disk()
	results := c.r.restores[kind].Commit(ctx, staged)
	done()
	if len(results) != len(items) {
		return fmt.Errorf("commit %s: %d results for %d items", c.r.kinds[kind], len(results), len(items))
	}
	c.r.brings(kind, items, results)
	c.remember(items, results)
	c.end(items, results)
	return nil
}

// remember notes in the journal what is durable.
func (c *committer) remember(items []*inItem, results []backup.Result) {
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
		a := journal.Arrived{Fingerprint: journal.Of(in.it), Digest: in.digest, Size: in.it.Size, Name: results[i].Name}
		switch out := results[i].Outcome; {
		case out != backup.Added && (out != backup.Skipped || in.it.Type == backup.TypeDirectory && !c.r.madeEarlier(in.it, results[i])):
			continue
		case in.it.Type == backup.TypeDirectory && a.Name == "":
			a.Name = in.it.Key // a folder has no digest, and its note must not be empty
		}
		arrived = append(arrived, a)
	}
	if len(arrived) > 0 {
		c.r.journal.Arrived(arrived) // a journal that fails costs a later run time, not data
	}
}

// end gives items their one result each.
func (c *committer) end(items []*inItem, results []backup.Result) {
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
	}
	r.checkDone()
	r.mu.Unlock()
	r.telling.Lock()
	defer r.telling.Unlock()
	for i := range ends {
		if e := &ends[i]; r.cfg.Observer != nil && (e.out == backup.Failed || e.name != "") {
			r.cfg.Observer.ItemEnded(e.it.Kind, e.it.Key, e.name, e.reason)
		}
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
