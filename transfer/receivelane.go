package transfer

import (
	"bufio"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer/squeeze"
	"github.com/ferry-move/ferry/transfer/tree"
	"github.com/ferry-move/ferry/transfer/wire"
	"golang.org/x/sync/errgroup"
)

// acceptLanes serves lanes until every item has its result.
func (r *receiver) acceptLanes(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	actx, stop := context.WithCancel(gctx)
	defer stop()
	lctx, drop := context.WithCancel(gctx)
	defer drop()
	g.Go(func() error { // no more lanes once everything is in
		select {
		case <-r.allDone:
		case <-actx.Done():
		}
		stop()
		return nil
	})
	defer context.AfterFunc(r.said, drop)() // what a lane still brings, nobody needs
	// A lane that ends keeps its place until its end was read, when the next one
	// may be on its way.
	places := make(chan struct{}, r.cfg.LaneCount+spareLanes)
	var strays atomic.Int32
	for strays.Load() <= maxStrays {
		if put(actx, places, struct{}{}) != nil {
			break
		}
		lane, err := r.cfg.Lanes.AcceptLane(actx)
		if err != nil {
			if actx.Err() == nil {
				g.Go(func() error { return wrapLane(gctx, err, r.allDone) })
			}
			break
		}
		g.Go(func() error {
			err := r.runLane(lctx, lane)
			if errors.Is(err, errStray) {
				strays.Add(1)
				err = nil
			}
			<-places
			return wrapLane(gctx, err, r.allDone) // the sender may close lanes as it likes then
		})
	}
	return g.Wait()
}

// maxStrays is how many lanes may come that are not this session's. A session
// that was cut may have some on their way when the next one begins.
const maxStrays = 2 * MaxLanes

// spareLanes is how many lanes may be ending beside those that are announced.
const spareLanes = 4

// errStray means that a lane is not this session's.
var errStray = errors.New("another session's lane")

// runLane stages the blocks of one lane until it ends.
func (r *receiver) runLane(ctx context.Context, lane io.ReadCloser) error {
	defer lane.Close()
	defer context.AfterFunc(ctx, func() { lane.Close() })()
	rd := bufio.NewReaderSize(r.throttle.reader(ctx, lane), 64<<10)
	h, err := wire.ReadLaneHello(rd)
	if errors.Is(err, wire.ErrLane) {
		return err
	}
	if err != nil || subtle.ConstantTimeCompare(h.Token[:], r.token[:]) != 1 {
		return errStray
	}
	buf := new([wire.BlockSize]byte)
	var d squeeze.Decoder
	defer d.Close()
	var small []byte // what comes squeezed; made with the first
	for {
		if r.hello.Protocol < wire.WaitsSince { // it is not told of a pause, and feels it instead
			if err := r.gate.pass(ctx, r.allDone); err != nil {
				return err
			}
		}
		bh, many, err := r.nextHeader(rd)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		p := buf[:bh.Length]
		if bh.Codec == wire.Squeezed {
			if small == nil {
				small = make([]byte, squeeze.MaxSqueezed)
			}
			if _, err := io.ReadFull(rd, small[:bh.Packed]); err != nil {
				return err
			}
			// Also of an item that is over: the next block builds on it.
			if err := d.Decode(p, small[:bh.Packed]); err != nil {
				return fmt.Errorf("%w: %w", wire.ErrLane, err)
			}
		} else if _, err := io.ReadFull(rd, p); err != nil {
			return err
		}
		if many {
			r.meter.carried(wire.BundleHeader{Codec: bh.Codec, Length: bh.Length, Packed: bh.Packed}.OnLane())
			err = r.onBundle(ctx, p)
		} else {
			r.meter.carried(bh.OnLane())
			r.mu.Lock()
			r.report.SentBytes += uint64(len(p))
			r.mu.Unlock()
			err = r.onBlock(ctx, bh, p)
		}
		if err != nil {
			return err
		}
	}
}

// onBlock takes a block, or a file that came in a bundle. Whoever calls it has
// counted its bytes as sent.
func (r *receiver) onBlock(ctx context.Context, bh wire.BlockHeader, p []byte) error {
	r.mu.Lock()
	in := r.items.get(bh.Item)
	r.mu.Unlock()
	if in == nil {
		return nil // it ended; the sender will hear, or has heard
	}
	if in.unasked {
		return protocolError("a block of what comes in bundles")
	}
	i := int64(bh.Offset / wire.BlockSize)
	if i >= tree.Blocks(in.it.Size) || tree.BlockLen(in.it.Size, i) != len(p) {
		return protocolError("a block that its item does not have")
	}
	sum := tree.Block(p, i, in.it.Size)
	if err := r.prepare(ctx, in); err != nil {
		return err
	}
	in.mu.Lock()
	if !in.open || in.staged == nil && in.value == nil { // it ended, or the session did
		in.mu.Unlock()
		return nil
	}
	in.moved += int64(len(p))
	r.meter.moved(len(p))
	if sum != bh.Hash {
		in.fail, in.open = backup.Damaged, false
		r.handOver(in)
		return nil
	}
	// The block's place is taken before it is written, so no other lane can
	// write there, and the item ends only after its last writer.
	nodes := in.tree.Nodes()
	if in.tree.Add(i, bh.Hash) != nil {
		in.mu.Unlock()
		return protocolError("a block twice")
	}
	turn := in.writing.begin()
	staged, value := in.staged, in.value
	nodes = in.tree.Nodes() - nodes
	in.mu.Unlock()
	if r.nodes.Add(int64(nodes)) > maxNodes {
		return protocolError("blocks too far out of order")
	}
	var err error
	if value != nil {
		copy(value[bh.Offset:], p)
	} else if len(p) > 0 {
		err = r.patiently(ctx, int64(len(p)), in.isOver, func() error {
			_, err := staged.(backup.StagedFile).WriteAt(p, int64(bh.Offset))
			return err
		})
	}
	in.mu.Lock()
	in.writing.end(turn)
	switch {
	case in.open && isFull(err) && ctx.Err() != nil: // what else came of it stays
		if in.gaps == nil {
			in.gaps = map[int64]backup.Digest{}
		}
		in.gaps[i] = bh.Hash
		in.mu.Unlock()
		return context.Cause(ctx)
	case !in.open: // it failed, or was settled, meanwhile
	case err != nil:
		in.fail, in.open = err, false
	case in.tree.Complete() && in.writing.none() && len(in.gaps) == 0:
		in.digest, _ = in.tree.Digest()
		in.open = false
		if in.it.Type == backup.TypeEntity && in.digest != in.want {
			in.fail = backup.Damaged
			break
		}
		r.mu.Lock()
		r.report.SentItems++
		r.mu.Unlock()
	}
	r.handOver(in)
	r.grew(in, len(p))
	return nil
}

// prepare makes an item's place before its first block. One lane makes it; the
// others wait. in.mu is free meanwhile: a disk may take its time, and the read
// loop must be able to settle the item.
func (r *receiver) prepare(ctx context.Context, in *inItem) error {
	in.mu.Lock()
	if !in.open || in.staged != nil || in.value != nil {
		in.mu.Unlock()
		return nil
	}
	if made := in.making; made != nil {
		in.mu.Unlock()
		select {
		case <-made:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if in.it.Type == backup.TypeEntity {
		defer in.mu.Unlock()
		r.mu.Lock()
		r.valueBytes += in.it.Size
		over := r.valueBytes > 2*windowBytes
		r.mu.Unlock()
		if over {
			return protocolError("more bytes of entities under way than allowed")
		}
		in.value = make([]byte, in.it.Size)
		return nil
	}
	made := make(chan struct{})
	defer close(made)
	in.making = made
	in.mu.Unlock()
	return r.stage(ctx, in)
}

// stage makes a file's place.
func (r *receiver) stage(ctx context.Context, in *inItem) error {
	if err := put(ctx, r.staging, struct{}{}); err != nil {
		return err
	}
	var st backup.Staged
	err := r.patiently(ctx, in.it.Size, in.isOver, func() (err error) {
		st, err = r.restores[in.kind].Stage(ctx, in.it)
		return err
	})
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var temp backup.Key
	if _, ok := st.(backup.StagedFile); err == nil && !ok {
		st.Discard()
		err = backup.Fail("stage", in.it.Kind, backup.Unsupported, nil)
	} else if t, ok := st.(backup.TempNamer); err == nil && ok && r.journal != nil {
		temp = backup.Key(t.TempName())
		// A journal that fails otherwise costs a later run time, not data.
		r.noting(ctx, in.isOver, func() error { return r.journal.Temporary(temp) })
	}
	in.mu.Lock()
	switch {
	case err == nil && in.open:
		in.staged, in.temp, in.holds, in.vouched = st, temp, true, r.cfg.Boot
		in.mu.Unlock()
		r.grows(in, st)
		return nil
	case err == nil: // it was settled meanwhile
		r.discard(st, temp)
	case in.open:
		in.fail, in.open = err, false
	}
	r.handOver(in)
	<-r.staging
	return nil
}
