package transfer

import (
	"context"
	"fmt"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer/journal"
	"github.com/ferry-move/ferry/transfer/wire"
)

// committer gathers what is ready and makes it durable in batches. It belongs
// to commitLoop's goroutine.
type committer struct {
	r     *receiver
	batch map[int][]*inItem // by kind
	count int
	due   time.Time // when the batch is committed at the latest
	// queues hold the entities of a kind in the order of the manifest, from
	// the first that is not finished.
	queues   map[int][]*inItem
	finished map[*inItem]bool
}

// commitLoop commits until every item has its result. A batch goes when it is
// full, when it has waited long enough, or when every item under way is in it,
// so that waiting could bring nothing.
func (r *receiver) commitLoop(ctx context.Context) error {
	c := &committer{r: r, batch: map[int][]*inItem{}, queues: map[int][]*inItem{}, finished: map[*inItem]bool{}}
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
		case in := <-r.ready:
			if err := c.take(ctx, in); err != nil {
				return err
			}
			if c.count < commitItems && !c.isAll() {
				continue
			}
			if len(r.ready) > 0 && c.count < entityBatch && c.entitiesOnly() {
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
	if len(c.r.ready) > 0 {
		return false
	}
	c.r.mu.Lock()
	defer c.r.mu.Unlock()
	return len(c.r.items) == c.count
}

func (c *committer) entitiesOnly() bool {
	for k := range c.batch {
		if !c.r.infos[k].Entities {
			return false
		}
	}
	return true
}

// take puts an item where it belongs.
func (c *committer) take(ctx context.Context, in *inItem) error {
	info := c.r.infos[in.kind]
	if !info.Entities && !info.Mixed {
		return c.add(ctx, in)
	}
	if !in.listed { // it is on its way
		in.listed = true
		c.queues[in.kind] = append(c.queues[in.kind], in)
		return nil
	}
	// Only entities wait for those before them.
	waits := func(in *inItem) bool { return in.it.Type == backup.TypeEntity }
	if !waits(in) {
		if err := c.add(ctx, in); err != nil {
			return err
		}
	}
	c.finished[in] = true
	q := c.queues[in.kind]
	for len(q) > 0 && c.finished[q[0]] {
		delete(c.finished, q[0])
		if waits(q[0]) {
			if err := c.add(ctx, q[0]); err != nil {
				return err
			}
		}
		q[0] = nil
		q = q[1:]
	}
	c.queues[in.kind] = q
	return nil
}

// add ends an item that needs no commit, and gathers one that does.
func (c *committer) add(ctx context.Context, in *inItem) error {
	switch {
	case in.fail != nil:
		c.r.drop(in)
		return c.end(ctx, in, backup.Result{Outcome: backup.Failed, Err: in.fail})
	case in.have:
		c.r.drop(in)
		if !in.known {
			c.remember(ctx, []*inItem{in}, []backup.Result{{Outcome: backup.Skipped, Name: in.name}})
		}
		return c.end(ctx, in, backup.Result{Outcome: backup.Skipped, Name: in.name})
	}
	if c.count == 0 {
		c.due = time.Now().Add(commitLinger)
		if c.r.infos[in.kind].Entities {
			c.due = time.Now().Add(entityLinger)
		}
	}
	c.batch[in.kind] = append(c.batch[in.kind], in)
	c.count++
	return nil
}

// flush commits the batch. What a full disk gives back is committed again, and
// nothing else before it: items may have an order.
func (c *committer) flush(ctx context.Context) error {
	for kind, items := range c.batch {
		delete(c.batch, kind)
		c.count -= len(items)
		var broken error
		err := c.r.patiently(ctx, 0, nil, func() error {
			items, broken = c.commit(ctx, kind, items)
			if broken == nil && len(items) > 0 {
				return backup.NoSpace
			}
			return nil
		})
		if broken != nil {
			return broken
		}
		if err != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

// commit makes items durable and ends them. It returns those that a full disk
// gave back.
func (c *committer) commit(ctx context.Context, kind int, items []*inItem) (full []*inItem, err error) {
	var batch []*inItem
	var staged []backup.Staged
	for _, in := range items {
		st, err := c.restage(ctx, in)
		switch {
		case isFull(err):
			full = append(full, in)
		case err != nil && ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err != nil:
			c.r.drop(in)
			if err := c.end(ctx, in, backup.Result{Outcome: backup.Failed, Err: err}); err != nil {
				return nil, err
			}
		default:
			batch, staged = append(batch, in), append(staged, st)
		}
	}
	if len(batch) == 0 {
		return full, nil
	}
	results := c.r.restores[kind].Commit(c.patient(ctx, kind), staged)
	if len(results) != len(batch) {
		return nil, fmt.Errorf("commit %s: %d results for %d items", c.r.kinds[kind], len(results), len(batch))
	}
	c.remember(ctx, batch, results)
	for i, in := range batch {
		if in.givenBack(staged[i], results[i]) {
			full = append(full, in)
			continue
		}
		if err := c.end(ctx, in, results[i]); err != nil {
			return nil, err
		}
	}
	return full, nil
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
	in.mu.Lock()
	in.staged, in.doubtful = nil, false
	in.mu.Unlock()
	return st, nil
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

// patient returns a context that does not end with the session, where a commit
// takes no more than the disk's time: files that are here whole are not given up
// because the link breaks while they are forced to the disk.
func (c *committer) patient(ctx context.Context, kind int) context.Context {
	if i := c.r.infos[kind]; i.Entities || i.Mixed {
		return ctx
	}
	return context.WithoutCancel(ctx)
}

// remember notes in the journal what is durable.
func (c *committer) remember(ctx context.Context, items []*inItem, results []backup.Result) {
	if c.r.journal == nil {
		return
	}
	var arrived []journal.Arrived
	for i, in := range items {
		if in.temp != "" && (results[i].Outcome != backup.Failed || !isFull(results[i].Err)) {
			c.r.journal.Gone(in.temp)
		}
		a := journal.Arrived{Fingerprint: journal.Of(in.it), Digest: in.digest, Size: in.it.Size, Name: results[i].Name}
		switch out := results[i].Outcome; {
		case out != backup.Added && (out != backup.Skipped || in.it.Type == backup.TypeDirectory):
			continue
		case in.it.Type == backup.TypeEntity:
			continue // agents recognise those by their content
		case in.it.Type == backup.TypeDirectory && a.Name == "":
			a.Name = in.it.Key // a folder has no digest, and its note must not be empty
		}
		arrived = append(arrived, a)
	}
	if len(arrived) > 0 {
		// A journal that fails otherwise costs a later run time, not data.
		c.r.patiently(ctx, noteSize, nil, func() error { return c.r.journal.Arrived(arrived) })
	}
}

// end gives an item its one result.
func (c *committer) end(ctx context.Context, in *inItem, res backup.Result) error {
	r := c.r
	e := ended{id: in.id, kind: in.kind, it: in.it, out: res.Outcome, name: res.Name}
	if e.name == in.it.Key {
		e.name = ""
	}
	w := wire.Result{ID: in.id, Outcome: uint8(res.Outcome), Name: []byte(e.name)}
	if res.Outcome == backup.Failed {
		e.reason = backup.ReasonOf(res.Err)
		if e.reason == 0 {
			e.reason = backup.Unknown
		}
		e.name, w.Name = "", nil
		w.Reason = uint16(e.reason)
	} else if in.it.Type != backup.TypeDirectory {
		e.digest = in.digest
		w.Digest = append([]byte(nil), in.digest[:]...)
	}
	// The item leaves the window before the sender hears, which may then list
	// another; the account is closed after the result is on its way.
	in.mu.Lock()
	moved, holds := in.moved, in.holds
	cost := int64(len(in.value))
	if in.tree != nil {
		r.nodes.Add(-int64(in.tree.Nodes()))
	}
	in.value, in.tree, in.holds, in.open = nil, nil, false, false
	in.mu.Unlock()
	if holds {
		<-r.staging
	}
	r.mu.Lock()
	delete(r.items, in.id)
	delete(r.growing, in)
	_, keys := r.led.add(e)
	r.keyBytes -= keys
	r.valueBytes -= cost
	r.mu.Unlock()
	if err := put(ctx, r.results, w); err != nil {
		return err
	}
	r.mu.Lock()
	r.reported++
	r.meter.ended(in.kind, in.it, moved, res.Outcome == backup.Failed)
	r.checkDone()
	r.mu.Unlock()
	tellItem(r.cfg.Observer, r.offer.Verify, e)
	return nil
}
