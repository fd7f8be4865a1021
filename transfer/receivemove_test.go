package transfer

import (
	"context"
	"errors"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer/tree"
	"github.com/ferry-move/ferry/transfer/wire"
)

type devNull struct{}

func (devNull) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }
func (devNull) Discard() error                         { return nil }

// TestNodesBounded: a sender that leaves holes everywhere is stopped before the
// hashes beside them fill the memory; one that fills them is not.
func TestNodesBounded(t *testing.T) {
	const size = 1 << 40
	p := make([]byte, wire.BlockSize)
	in := &inItem{id: 1, it: backup.Item{Kind: "photos", Type: backup.TypeFile, Size: size}, open: true, staged: devNull{}, tree: tree.New(size)}
	r := &receiver{meter: new(Meter)}
	r.items.grow(8)
	r.items.set(1, in)
	block := func(i int64) error {
		return r.onBlock(t.Context(), wire.BlockHeader{Item: 1, Offset: uint64(i) * wire.BlockSize, Hash: tree.Block(p, i, size)}, p)
	}
	for i := range int64(200) {
		if err := block(i); err != nil {
			t.Fatal(err)
		}
	}
	if n := r.nodes.Load(); n > 10 || n != int64(in.tree.Nodes()) {
		t.Fatalf("200 blocks in order leave %d nodes", n)
	}
	r.nodes.Store(maxNodes - 2) // of other items
	for i, want := range []error{nil, nil, ErrProtocol} {
		if err := block(300 + 2*int64(i)); !errors.Is(err, want) {
			t.Errorf("hole %d: %v", i, err)
		}
	}
}

// almostFull has no room for the first block.
type almostFull struct{ devNull }

func (almostFull) WriteAt(p []byte, off int64) (int, error) {
	if off == 0 {
		return 0, backup.NoSpace
	}
	return len(p), nil
}

// TestGapIsNotWhole: a file of which a full disk kept a block out when the session
// ended is not whole, though all of its blocks came.
func TestGapIsNotWhole(t *testing.T) {
	const size = 2 * wire.BlockSize
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p := make([]byte, wire.BlockSize)
	in := &inItem{id: 1, it: backup.Item{Kind: "photos", Type: backup.TypeFile, Size: size}, open: true, staged: almostFull{}, tree: tree.New(size)}
	r := &receiver{meter: new(Meter), ready: newQueue[*inItem]()}
	r.items.grow(8)
	r.items.set(1, in)
	for i, want := range []error{context.Canceled, nil} {
		off := uint64(i) * wire.BlockSize
		if err := r.onBlock(ctx, wire.BlockHeader{Item: 1, Offset: off, Hash: tree.Block(p, int64(i), size)}, p); !errors.Is(err, want) {
			t.Errorf("block %d: %v", i, err)
		}
	}
	if !in.open || in.over || r.ready.len() != 0 || len(in.gaps) != 1 {
		t.Errorf("open %v, over %v, %d gaps", in.open, in.over, len(in.gaps))
	}
}

// TestWriters holds that a turn is over when its own writers are done, whoever
// began since.
func TestWriters(t *testing.T) {
	over := func(c <-chan struct{}) bool {
		select {
		case <-c:
			return true
		default:
			return false
		}
	}
	var w writers
	if !over(w.pass()) || !w.none() {
		t.Error("nobody writes, and somebody is waited for")
	}
	a, b := w.begin(), w.begin()
	passed := w.pass()
	c := w.begin()
	if w.end(c); over(passed) {
		t.Error("a later one ended the turn")
	}
	d := w.begin()
	w.end(a)
	if over(passed) || w.none() {
		t.Error("one is still writing")
	}
	if w.end(b); !over(passed) {
		t.Error("the turn does not end")
	}
	next := w.pass()
	if w.end(d); !over(next) || !w.none() {
		t.Error("the next turn does not end")
	}
}
