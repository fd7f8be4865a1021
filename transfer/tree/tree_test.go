package tree

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer/wire"
	"lukechampine.com/blake3"
)

func content(n int64) []byte {
	p := make([]byte, n)
	r := rand.NewChaCha8([32]byte{1})
	r.Read(p)
	return p
}

func blockOf(p []byte, i int64) []byte {
	return p[i*wire.BlockSize : i*wire.BlockSize+int64(BlockLen(int64(len(p)), i))]
}

// Every size around the edges of chunks, SIMD groups and blocks, with the
// blocks in random order, gives the digest that BLAKE3 gives in one piece.
func TestDigestIsBLAKE3(t *testing.T) {
	const b = wire.BlockSize
	sizes := []int64{0, 1, 1023, 1024, 1025, simdBytes - 1, simdBytes, simdBytes + 1, b - 1, b, b + 1, 2*b - 1, 2 * b,
		2*b + 1, 3 * b, 3*b + 5000, 4 * b, 5*b + 1, 7*b - 1, 8 * b, 8*b + 1, 13*b + 777}
	all := content(14 * b)
	for _, n := range sizes {
		p := all[:n]
		want := backup.Digest(blake3.Sum256(p))
		for seed := range uint64(4) {
			order := rand.New(rand.NewPCG(seed, 7)).Perm(int(Blocks(n)))
			tr := New(n)
			for _, i := range order {
				if tr.Complete() {
					t.Fatalf("size %d: complete too early", n)
				}
				if err := tr.Add(int64(i), Block(blockOf(p, int64(i)), int64(i), n)); err != nil {
					t.Fatal(err)
				}
			}
			if got, ok := tr.Digest(); !ok || got != want {
				t.Fatalf("size %d, order %v: %v %v, want %v", n, order, got, ok, want)
			}
		}
	}
}

func TestAddRefuses(t *testing.T) {
	const n = 9 * wire.BlockSize
	p := content(n)
	tr := New(n)
	for i := range int64(9) {
		if err := tr.Add(i, Block(blockOf(p, i), i, n)); err != nil {
			t.Fatal(err)
		}
		for j := range i + 1 {
			if err := tr.Add(j, backup.Digest{}); !errors.Is(err, ErrBlock) {
				t.Fatalf("block %d a second time after %d: %v", j, i, err)
			}
		}
	}
	for _, i := range []int64{-1, 9, 1 << 40} {
		if err := New(n).Add(i, backup.Digest{}); !errors.Is(err, ErrBlock) {
			t.Fatalf("block %d: %v", i, err)
		}
	}
	if _, ok := New(n).Digest(); ok {
		t.Fatal("an empty tree has a digest")
	}
}

// hashes returns the nodes of content made of whole blocks and a last one of
// 777 bytes, and its digest as BLAKE3 itself gives it.
func hashes(blocks int64) (size int64, nodes []backup.Digest, digest backup.Digest) {
	size = (blocks-1)*wire.BlockSize + 777
	h := blake3.New(32, nil)
	p := make([]byte, wire.BlockSize)
	for i := range blocks {
		for j := 0; j < len(p); j += 1024 { // no two chunks are alike
			p[j], p[j+1] = byte(i), byte(j>>10)
		}
		b := p[:BlockLen(size, i)]
		h.Write(b)
		nodes = append(nodes, Block(b, i, size))
	}
	return size, nodes, backup.Digest(h.Sum(nil))
}

// finish adds the blocks from the given one on, in a random order, and compares
// the digest.
func finish(t *testing.T, tr *Tree, from int64, nodes []backup.Digest, want backup.Digest, rnd *rand.Rand) {
	t.Helper()
	for _, i := range rnd.Perm(len(nodes) - int(from)) {
		if err := tr.Add(from+int64(i), nodes[from+int64(i)]); err != nil {
			t.Fatal(err)
		}
	}
	if got, ok := tr.Digest(); !ok || got != want {
		t.Fatalf("%d blocks from %d on: %v, %v", len(nodes), from, got, ok)
	}
}

// TestEdge takes every left edge of content of every number of blocks up to 70,
// goes on from it, and gets the digest that BLAKE3 gives in one piece.
func TestEdge(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	counts := []int64{128, 129, 130, 255, 256, 257}
	for n := range int64(70) {
		counts = append(counts, n+1)
	}
	for range 3 {
		counts = append(counts, 71+rnd.Int64N(300))
	}
	for _, n := range counts {
		size, nodes, want := hashes(n)
		whole := New(size)
		for k := range n {
			blocks, edge := whole.Edge()
			if blocks != k || len(edge) != EdgeLen(k) {
				t.Fatalf("after %d of %d blocks the edge is of %d, with %d nodes", k, n, blocks, len(edge))
			}
			tr, err := Resume(size, k, edge)
			if err != nil {
				t.Fatal(err)
			}
			if b, e := tr.Edge(); b != k || !slices.Equal(e, edge) {
				t.Fatalf("%d of %d blocks came back as %d", k, n, b)
			}
			for i := range k {
				if tr.Add(i, nodes[i]) == nil {
					t.Fatalf("block %d of the edge of %d was taken a second time", i, k)
				}
			}
			finish(t, tr, k, nodes, want, rnd)
			if err := whole.Add(k, nodes[k]); err != nil {
				t.Fatal(err)
			}
		}
		if b, _ := whole.Edge(); b != n-1 || !whole.Complete() {
			t.Fatalf("complete content of %d blocks has an edge of %d", n, b)
		}
	}
}

// TestEdgeOfGaps is the same of blocks that come in any order.
func TestEdgeOfGaps(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		n := 2 + rnd.Int64N(200)
		size, nodes, want := hashes(n)
		tr, in, first := New(size), make([]bool, n), int64(0)
		for _, i := range rnd.Perm(int(n)) {
			if err := tr.Add(int64(i), nodes[i]); err != nil {
				t.Fatal(err)
			}
			for in[i] = true; first < n && in[first]; first++ {
			}
			blocks, edge := tr.Edge()
			if blocks != min(first, n-1) {
				t.Fatalf("the first %d of %d blocks are in, the edge is of %d", first, n, blocks)
			}
			if rnd.IntN(8) == 0 {
				half, err := Resume(size, blocks, edge)
				if err != nil {
					t.Fatal(err)
				}
				finish(t, half, blocks, nodes, want, rnd)
			}
		}
	}
}

func TestResumeRefuses(t *testing.T) {
	const size = 9*wire.BlockSize + 1
	for _, tt := range []struct {
		blocks int64
		nodes  int
	}{{-1, 64}, {0, 1}, {1, 0}, {1, 2}, {3, 1}, {4, 2}, {7, 4}, {10, 2}, {11, 3}, {1 << 40, 1}, {-1 << 63, 1}} {
		if _, err := Resume(size, tt.blocks, make([]backup.Digest, tt.nodes)); !errors.Is(err, ErrEdge) {
			t.Errorf("%d nodes for %d blocks: %v", tt.nodes, tt.blocks, err)
		}
	}
	if _, err := Resume(0, 1, make([]backup.Digest, 1)); !errors.Is(err, ErrEdge) {
		t.Errorf("the whole of a small file: %v", err)
	}
}

// A wrong edge gives a wrong digest.
func TestWrongEdge(t *testing.T) {
	size, nodes, want := hashes(11)
	tr := New(size)
	for i := range int64(7) {
		if err := tr.Add(i, nodes[i]); err != nil {
			t.Fatal(err)
		}
	}
	blocks, edge := tr.Edge()
	for i := range edge {
		bad := slices.Clone(edge)
		bad[i][31] ^= 1
		tr, err := Resume(size, blocks, bad)
		if err != nil {
			t.Fatal(err)
		}
		for j := blocks; j < 11; j++ {
			if err := tr.Add(j, nodes[j]); err != nil {
				t.Fatal(err)
			}
		}
		if got, _ := tr.Digest(); got == want {
			t.Errorf("node %d counts for nothing", i)
		}
	}
}

// Blocks that arrive in order leave one node for each bit of their number.
func TestTreeStaysSmall(t *testing.T) {
	tr := New(200 << 30)
	for i := range int64(100_000) {
		if err := tr.Add(i, backup.Digest{byte(i)}); err != nil {
			t.Fatal(err)
		}
		if len(tr.nodes) > 17 {
			t.Fatalf("%d nodes after %d blocks", len(tr.nodes), i+1)
		}
	}
}

func BenchmarkBlock(b *testing.B) {
	p := content(wire.BlockSize)
	b.SetBytes(wire.BlockSize)
	for b.Loop() {
		Block(p, 3, 1<<30)
	}
}
