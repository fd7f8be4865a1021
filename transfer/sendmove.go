package transfer

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer/lanes"
	"github.com/ferry-move/ferry/transfer/squeeze"
	"github.com/ferry-move/ferry/transfer/tree"
	"github.com/ferry-move/ferry/transfer/wire"
	"golang.org/x/sync/errgroup"
	"lukechampine.com/blake3"
)

const (
	fileReaders = 3 // files being read at once
	comparers   = 2 // files being hashed for a comparison at once
)

// block is a piece of content on its way to a lane, or a bundle of small items.
type block struct {
	head  wire.BlockHeader
	o     *outItem
	last  bool
	many  []*outItem            // the items of a bundle, which has no o
	worth bool                  // it may be squeezed
	data  []byte                // the content
	buf   *[wire.BlockSize]byte // what data lies in, to be given back; nil for an entity's value
}

var blockBufs = sync.Pool{New: func() any { return new([wire.BlockSize]byte) }}

func (b *block) release() {
	if b.buf != nil {
		blockBufs.Put(b.buf)
		b.buf = nil
	}
}

// move runs the manifest, the readers and the lanes until every item has its
// result, which allDone tells.
func (s *sender) move(ctx context.Context) error {
	s.meter.setPhase(movePhase(s.cfg.Verify))
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.list(gctx) })
	g.Go(func() error { return s.gate.tellWaits(gctx, s.c, s.meter, s.peer.Protocol, s.allDone) })
	g.Go(func() error { return s.throttle.tell(gctx, s.c, s.allDone) })
	g.Go(func() error { return s.writeManifest(gctx) })
	g.Go(func() error {
		return s.settled.batches(gctx, s.allDone, entriesPerFrame, linger, func(b []wire.Settled) error {
			return s.c.send(gctx, &wire.Settle{Settled: b})
		})
	})
	g.Go(func() error {
		return s.pushed.batches(gctx, s.allDone, bundleMost, linger, func(b []*outItem) error {
			s.small.put(b...)
			return nil
		})
	})
	over, end := context.WithCancel(gctx)
	defer end()
	producers, pctx := errgroup.WithContext(gctx)
	for range fileReaders {
		producers.Go(func() error { return s.todo.each(pctx, s.allDone, 1, s.readItem) })
	}
	for range bundlers {
		producers.Go(func() error { return s.bundle(pctx) })
	}
	for range comparers {
		producers.Go(func() error { return s.compare.each(pctx, s.allDone, 1, s.compareItem) })
	}
	g.Go(func() error {
		err := producers.Wait()
		close(s.blocks)
		end()
		return err
	})
	most := min(s.cfg.LaneCount, int(min(s.answer.Lanes, MaxLanes)))
	c := &crew{s: s, g: g, max: most, pol: lanes.Policy{Max: most}, over: over}
	g.Go(func() error { return c.run(gctx) })
	return g.Wait()
}

// list walks the agents in their order and gives every item an ID.
func (s *sender) list(ctx context.Context) error {
	defer s.manifest.close()
	id := uint64(0)
	for _, k := range s.accepted {
		for it, err := range s.backups[k].Items(ctx) {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			id++
			if err := s.gate.pass(ctx, nil); err != nil {
				return err
			}
			if err := s.listItem(ctx, id, k, it, err); err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listed, s.listEnd = id, true
	s.checkDone()
	return nil
}

func (s *sender) listItem(ctx context.Context, id uint64, kind int, it backup.Item, fail error) error {
	it.Kind = s.kinds[kind]
	o := &outItem{id: id, kind: kind, it: it, unlisted: fail != nil}
	entry := wire.EntryOf(uint32(kind), it)
	switch {
	case fail != nil:
		entry.Fail = uint16(backup.ReasonOf(fail))
	case len(it.Key) == 0 || len(it.Key) > backup.MaxKey || len(it.Group) > backup.MaxKey:
		entry.Fail = uint16(backup.BadName)
	case it.Type == backup.TypeEntity && len(it.Value) > backup.MaxValue, it.Size < 0 || it.Size > wire.MaxSize:
		entry.Fail = uint16(backup.TooLarge)
	case s.pushes(kind, it):
		o.pushed, o.wanted = true, true
		entry.Size, o.it.Size = uint64(len(it.Value)), int64(len(it.Value))
	case it.Type == backup.TypeEntity:
		o.digest = backup.Digest(blake3.Sum256(it.Value))
		entry.Digest, entry.Size = o.digest[:], uint64(len(it.Value))
		o.it.Size = int64(len(it.Value))
	}
	if entry.Fail != 0 { // the listing only has to name it
		entry.Size, entry.Digest = 0, nil
		entry.Key = entry.Key[:min(len(entry.Key), backup.MaxKey)]
		if len(entry.Key) == 0 {
			entry.Key = []byte("?")
		}
		entry.Group = entry.Group[:min(len(entry.Group), backup.MaxKey)]
		s.release(o)
		o.it, o.unlisted = entry.Item(s.kinds, string(entry.Group)), true
	}
	need := cost{items: 1, keys: keyCost(o.it)}
	if o.it.Type == backup.TypeEntity {
		need.values = int64(len(o.it.Value))
	}
	if err := s.credit.take(ctx, need); err != nil {
		return err
	}
	s.mu.Lock()
	s.items.set(id, o)
	s.mu.Unlock()
	s.manifest.put(entry)
	if o.pushed {
		s.pushed.put(o)
	}
	return nil
}

// writeManifest sends the entries, and End after the last.
func (s *sender) writeManifest(ctx context.Context) error {
	most := entriesPerFrame
	if s.protocol >= wire.CompactSince {
		most = compactPerFrame
	}
	err := s.manifest.batches(ctx, nil, most, linger, func(b []wire.Entry) error {
		return frames(b, func(e *wire.Entry) int { return len(e.Key) + len(e.Group) + 128 }, func(b []wire.Entry) error {
			m := &wire.Items{First: s.nextSent, Entries: b}
			var err error
			if s.protocol >= wire.CompactSince {
				err = s.c.send(ctx, (*wire.List)(m))
			} else {
				err = s.c.send(ctx, m)
			}
			if err != nil {
				return err
			}
			s.nextSent += uint64(len(b))
			return nil
		})
	})
	if err != nil {
		return err
	}
	return s.c.send(ctx, &wire.End{Items: s.nextSent - 1})
}

// compareItem hashes what the receiver may have, and sends only what it does
// not.
func (s *sender) compareItem(ctx context.Context, job compareJob) error {
	o := job.o
	d := o.digest
	if o.it.Type == backup.TypeFile {
		r, err := s.backups[o.kind].Open(ctx, o.it, 0)
		if err != nil {
			return s.fail(o, err)
		}
		h := blake3.New(32, nil)
		_, err = io.Copy(h, gatedReader{ctx, s, o, r})
		r.Close()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return s.fail(o, err)
		}
		d = backup.Digest(h.Sum(nil))
		s.mu.Lock()
		o.digest = d
		s.mu.Unlock()
	}
	for i, have := range job.digests {
		if d == have {
			s.settled.put(wire.Settled{ID: o.id, Same: uint32(i + 1)})
			return nil
		}
	}
	s.mu.Lock()
	s.underway(o, -o.moved) // it is counted as it is sent
	s.mu.Unlock()
	s.read(o)
	return nil
}

// hashed counts n bytes that were read to be compared. Only where that is what a
// session is about they are progress.
func (s *sender) hashed(o *outItem, n int64) {
	if !s.cfg.Verify {
		return
	}
	s.mu.Lock()
	s.underway(o, n)
	s.mu.Unlock()
}

// gatedReader ends a long read with its context, rests while a person has
// paused, and counts.
type gatedReader struct {
	ctx context.Context
	s   *sender
	o   *outItem
	r   io.Reader
}

func (g gatedReader) Read(p []byte) (int, error) {
	if err := g.ctx.Err(); err != nil {
		return 0, context.Cause(g.ctx)
	}
	if err := g.s.gate.pass(g.ctx, g.s.allDone); err != nil {
		return 0, err
	}
	defer g.s.meter.disk()()
	n, err := g.r.Read(p)
	g.s.hashed(g.o, int64(n))
	return n, err
}

// fail settles an item that cannot be read. The run goes on.
func (s *sender) fail(o *outItem, err error) error {
	s.settled.put(wire.Settled{ID: o.id, Fail: uint16(backup.ReasonOf(err))})
	return nil
}

// readItem reads an item's content once, but for what the receiver has, and
// queues its blocks.
func (s *sender) readItem(ctx context.Context, o *outItem) error {
	t := tree.Resume(o.it.Size, o.there)
	s.mu.Lock()
	s.underway(o, o.thereBytes())
	s.mu.Unlock()
	for _, gap := range tree.Gaps(o.it.Size, o.there) {
		if on, err := s.readGap(ctx, o, t, gap); err != nil || !on {
			return err
		}
	}
	return nil
}

// readGap reads a run of blocks. It returns false when nothing more of the item
// is to be read.
func (s *sender) readGap(ctx context.Context, o *outItem, t *tree.Tree, gap tree.Gap) (on bool, err error) {
	size := o.it.Size
	var r io.ReadCloser
	if o.it.Type == backup.TypeFile {
		if r, err = s.backups[o.kind].Open(ctx, o.it, gap.First*wire.BlockSize); err != nil {
			return false, s.fail(o, err)
		}
		defer r.Close()
	}
	worth := false
	for i := gap.First; i < gap.End; i++ {
		if o.ended.Load() { // it failed over there: its disk is full, a block was damaged
			return false, nil
		}
		b := &block{o: o, last: i == tree.Blocks(size)-1}
		n := tree.BlockLen(size, i)
		if r == nil {
			b.data = o.it.Value[i*wire.BlockSize:][:n]
		} else {
			b.buf = blockBufs.Get().(*[wire.BlockSize]byte)
			b.data = b.buf[:n]
			done := s.meter.disk()
			err := readBlock(r, b.data, b.last)
			done()
			if err != nil {
				b.release()
				return false, s.fail(o, err)
			}
		}
		if i == gap.First && !s.cfg.NoSqueeze && n >= squeeze.MinBlock {
			worth = squeeze.Worth(contentName(o.it), b.data)
		}
		b.worth = worth
		b.head = wire.BlockHeader{Length: uint32(n), Item: o.id, Offset: uint64(i) * wire.BlockSize, Hash: tree.Block(b.data, i, size)}
		if err := t.Add(i, b.head.Hash); err != nil {
			return false, err
		}
		if b.last {
			s.mu.Lock()
			o.digest, _ = t.Digest()
			o.sent = true
			s.mu.Unlock()
		}
		if err := put(ctx, s.blocks, b); err != nil {
			return false, err
		}
	}
	return true, nil
}

// contentName is what tells of an item's content by its ending.
func contentName(it backup.Item) string {
	if it.Type == backup.TypeFile {
		return string(it.Key)
	}
	return ""
}

// readBlock fills p. Of the last block it also reads the end: a file that grew
// or changed is told there, before its last block leaves.
func readBlock(r io.Reader, p []byte, last bool) error {
	if _, err := io.ReadFull(r, p); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return backup.Changed // it is shorter than it was
		}
		return err
	}
	if !last {
		return nil
	}
	var one [1]byte
	switch n, err := r.Read(one[:]); {
	case n > 0:
		return backup.Changed
	case err != nil && err != io.EOF:
		return err
	}
	return nil
}
