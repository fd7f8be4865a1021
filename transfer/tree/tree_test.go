package tree

import (
	"errors"
	"math/rand/v2"
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
