package transfer

import (
	"context"
	"io"
	"sync"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer/tree"
	"github.com/ferry-move/ferry/transfer/wire"
	"lukechampine.com/blake3"
)

// A full disk on the new phone fails nothing. Whoever meets it tries again
// until there is space or the session ends:
//
//	check, stage, write, checkpoint, commit, note ─ full ─> enter ─┐
//	        ^                                                      ├─ fullEvery ─> again
//	        └── done, or another error <─ leave <──────────────────┘
//
// What waits is bounded by the goroutines that there are: checkers, lanes,
// committer, keeper. The blocks behind them stay on the old phone, because
// nobody reads the lanes; the heartbeat goes on. The old phone is told.

const (
	// fullEvery is how often a disk that was full is tried again.
	fullEvery = time.Second
	// fullReserve is what is wanted free beyond what is missing, in bytes: agents
	// never fill a disk to its end.
	fullReserve = 1 << 20
	// ownSpace is what is asked for where ferry's own folder is full, in bytes: what
	// notes of a large move take.
	ownSpace = 1 << 20
)

// full is what a session waits for space for. The zero value waits for nothing.
type full struct {
	mu    sync.Mutex
	waits map[*wait]struct{} // guarded by mu
	told  int64              // what was told last; guarded by mu
	of    Shortage           // the same
}

// wait is what one call waits for.
type wait struct {
	need int64 // bytes
	own  bool  // in ferry's own folder
}

// isFull reports whether an error says that the disk is full.
func isFull(err error) bool { return backup.ReasonOf(err) == backup.NoSpace }

// patiently does op, which needs some bytes of space, again and again while the
// disk is full. It gives up when ctx ends or over says so, and returns op's last
// error then.
func (r *receiver) patiently(ctx context.Context, need int64, over func() bool, op func() error) error {
	return r.waitFull(ctx, wait{need: need}, over, op)
}

// noting is patiently for what is noted in ferry's own folder.
func (r *receiver) noting(ctx context.Context, over func() bool, op func() error) error {
	return r.waitFull(ctx, wait{own: true}, over, op)
}

func (r *receiver) waitFull(ctx context.Context, w wait, over func() bool, op func() error) error {
	try := func() error {
		defer r.meter.disk()()
		return op()
	}
	err := try()
	if !isFull(err) || ctx.Err() != nil {
		return err
	}
	r.enterFull(ctx, &w)
	defer r.leaveFull(ctx, &w)
	tick := time.NewTicker(fullEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
		if over != nil && over() {
			return err
		}
		if err = try(); !isFull(err) {
			return err
		}
		r.tellFull(ctx)
	}
}

func (r *receiver) enterFull(ctx context.Context, w *wait) {
	r.full.mu.Lock()
	if r.full.waits == nil {
		r.full.waits = map[*wait]struct{}{}
	}
	r.full.waits[w] = struct{}{}
	r.full.mu.Unlock()
	r.tellFull(ctx)
}

func (r *receiver) leaveFull(ctx context.Context, w *wait) {
	r.full.mu.Lock()
	delete(r.full.waits, w)
	last := len(r.full.waits) == 0
	r.full.mu.Unlock()
	if last {
		r.tellFull(ctx)
	}
}

// tellFull tells everybody how much is missing, if that is not what they know.
// That a session which ends waits no more, its end says.
func (r *receiver) tellFull(ctx context.Context) {
	r.full.mu.Lock()
	defer r.full.mu.Unlock()
	missing, of := r.missing()
	if missing == r.full.told && of == r.full.of || ctx.Err() != nil {
		return
	}
	r.full.told, r.full.of = missing, of
	r.space.set(missing, of)
	r.c.send(ctx, &wire.Full{Missing: uint64(missing), Of: uint8(of)}) // an error ends the session by itself
}

// missing returns what the disk lacks, and how many bytes must be freed for
// everything that is still to come, 1 at the least while something waits. It is
// called with full.mu held.
func (r *receiver) missing() (int64, Shortage) {
	if len(r.full.waits) == 0 {
		return 0, ShortSpace
	}
	var need int64
	own := true
	for w := range r.full.waits {
		need = max(need, w.need)
		own = own && w.own
	}
	if own {
		return ownSpace, ShortOwn
	}
	if r.cfg.FreeFiles != nil {
		if n, err := r.cfg.FreeFiles(); err == nil && n == 0 {
			return max(need, 1), ShortFiles
		}
	}
	free := int64(-1)
	if r.cfg.Free != nil {
		if n, err := r.cfg.Free(); err == nil {
			free = n
		}
	}
	if free < 0 {
		return max(need, 1), ShortSpace
	}
	need = max(need, r.toCome())
	return max(1, need+fullReserve-free), ShortSpace
}

// toCome returns how many bytes are still to come and have no room on the disk
// yet: of what is staged the room was taken. What earlier runs brought and this one
// has not come to yet is taken off.
func (r *receiver) toCome() int64 {
	p := r.meter.Snapshot()
	n := int64(p.Bytes) - int64(min(p.Bytes, p.DoneBytes)) - max(0, r.earlier-r.found.Load())
	r.mu.Lock()
	items := make([]*inItem, 0, r.items.len())
	for in := range r.items.all {
		items = append(items, in)
	}
	r.mu.Unlock()
	for _, in := range items {
		in.mu.Lock()
		if in.staged != nil && in.it.Type == backup.TypeFile {
			n -= max(0, in.it.Size-in.moved)
		}
		in.mu.Unlock()
	}
	return max(n, 0)
}

// rewrite reads a whole file back, which the disk may have lost a part of, and
// writes it again. What is not right any more is damaged.
func rewrite(ctx context.Context, st backup.Staged, in *inItem) error {
	f, ok := st.(backup.ResumedFile)
	if !ok {
		return backup.Damaged
	}
	h, buf := blake3.New(len(in.digest), nil), new([wire.BlockSize]byte)
	for off := int64(0); off < in.it.Size; off += wire.BlockSize {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		p := buf[:min(wire.BlockSize, in.it.Size-off)]
		if n, err := f.ReadAt(p, off); n < len(p) {
			return backup.Fail("read", in.it.Kind, backup.Damaged, err)
		}
		h.Write(p) // never fails
		if _, err := f.WriteAt(p, off); err != nil {
			return err
		}
	}
	if backup.Digest(h.Sum(nil)) != in.digest {
		return backup.Damaged
	}
	return nil
}

// withoutGaps returns the tree of what was written: the blocks that a full disk
// kept out are taken from t, by reading those beside them.
func withoutGaps(f io.ReaderAt, size int64, t *tree.Tree, gaps map[int64]backup.Digest) *tree.Tree {
	var kept []tree.Node
	buf := new([wire.BlockSize]byte)
	for _, n := range t.Known(wire.MaxNodes) {
		has := false
		for i := range gaps {
			has = has || i >= n.First && i < n.End()
		}
		if !has {
			kept = append(kept, n)
			continue
		}
		whole, part := tree.New(size), tree.New(size)
		for i := n.First; i < n.End(); i++ {
			sum, gap := gaps[i]
			if !gap {
				if m, _ := f.ReadAt(buf[:], i*wire.BlockSize); m < len(buf) {
					break // what cannot be read is not there
				}
				sum = tree.Block(buf[:], i, size)
				part.Add(i, sum)
			}
			whole.Add(i, sum)
		}
		if all := whole.Known(1); len(all) == 1 && all[0] == n {
			kept = append(kept, part.Known(wire.MaxNodes)...)
		}
	}
	return tree.Resume(size, kept)
}
