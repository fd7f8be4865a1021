package tree

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer/wire"
	"lukechampine.com/blake3"
)

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

// again passes nodes through their bytes.
func again(t *testing.T, size int64, nodes []Node) []Node {
	t.Helper()
	b := AppendNodes(nil, nodes)
	if len(b) != len(nodes)*wire.NodeSize {
		t.Fatalf("%d nodes are %d bytes", len(nodes), len(b))
	}
	back, err := ParseNodes(b, size)
	if err != nil || !slices.Equal(back, nodes) {
		t.Fatalf("%+v came back as %+v, %v", nodes, back, err)
	}
	return back
}

// finish goes on from nodes, with the blocks that they leave out in a random
// order, and compares the digest.
func finish(t *testing.T, size int64, known []Node, sums []backup.Digest, want backup.Digest, rnd *rand.Rand) {
	t.Helper()
	tr := Resume(size, again(t, size, known))
	var missing []int64
	for _, g := range Gaps(size, known) {
		for i := g.First; i < g.End; i++ {
			missing = append(missing, i)
		}
	}
	if int64(len(missing))+Covered(known) != Blocks(size) || missing[len(missing)-1] != Blocks(size)-1 {
		t.Fatalf("%+v leave out %v of %d", known, missing, Blocks(size))
	}
	for i := range sums {
		if !slices.Contains(missing, int64(i)) && tr.Add(int64(i), sums[i]) == nil {
			t.Fatalf("block %d was taken a second time", i)
		}
	}
	rnd.Shuffle(len(missing), func(i, j int) { missing[i], missing[j] = missing[j], missing[i] })
	for _, i := range missing {
		if err := tr.Add(i, sums[i]); err != nil {
			t.Fatal(err)
		}
	}
	if got, ok := tr.Digest(); !ok || got != want {
		t.Fatalf("%d blocks from %+v: %v, %v", len(sums), known, got, ok)
	}
}

// TestPrefix takes every prefix of content of every number of blocks up to 70,
// goes on from it, and gets the digest that BLAKE3 gives in one piece.
func TestPrefix(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	counts := []int64{128, 129, 130}
	for n := range int64(70) {
		counts = append(counts, n+1)
	}
	for range 3 {
		counts = append(counts, 71+rnd.Int64N(300))
	}
	for _, n := range counts {
		size, sums, want := hashes(n)
		tr := New(size)
		for k := range n + 1 {
			known, prefix := tr.Known(wire.MaxNodes), min(k, n-1)
			if Covered(known) != prefix || len(known) != bits.OnesCount64(uint64(prefix)) {
				t.Fatalf("after %d of %d blocks %+v are known", k, n, known)
			}
			finish(t, size, known, sums, want, rnd)
			if k < n {
				if err := tr.Add(k, sums[k]); err != nil {
					t.Fatal(err)
				}
			}
		}
		if !tr.Complete() {
			t.Fatal("not complete")
		}
	}
}

// TestKnown is the same of blocks that come in any order, and of as many nodes as
// there may be.
func TestKnown(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 30 {
		n := 2 + rnd.Int64N(300)
		size, sums, want := hashes(n)
		tr, in := New(size), map[int64]bool{}
		for _, i := range rnd.Perm(int(n)) {
			if err := tr.Add(int64(i), sums[i]); err != nil {
				t.Fatal(err)
			}
			in[int64(i)] = int64(i) < n-1
			all := tr.Known(1 << 20)
			for _, k := range all {
				for b := k.First; b < k.End(); b++ {
					if !in[b] {
						t.Fatalf("block %d of %d is known and never came", b, n)
					}
				}
			}
			if have := Covered(all); tr.Complete() && have != n-1 {
				t.Fatalf("%d of %d blocks are known at the end", have, n)
			}
			if rnd.IntN(16) > 0 {
				continue
			}
			few := tr.Known(1 + rnd.IntN(wire.MaxNodes))
			for _, k := range few { // no larger one was left out
				for _, a := range all {
					if a.Level > k.Level && !slices.Contains(few, a) {
						t.Fatalf("%+v and not %+v", k, a)
					}
				}
			}
			finish(t, size, few, sums, want, rnd)
		}
	}
}

// A wrong node gives a wrong digest.
func TestWrongNode(t *testing.T) {
	size, sums, want := hashes(11)
	tr := New(size)
	for _, i := range []int64{0, 1, 2, 4, 5, 9} {
		if err := tr.Add(i, sums[i]); err != nil {
			t.Fatal(err)
		}
	}
	known := tr.Known(wire.MaxNodes)
	if len(known) != 4 {
		t.Fatalf("%+v", known)
	}
	for i := range known {
		bad := slices.Clone(known)
		bad[i].Sum[31] ^= 1
		tr := Resume(size, bad)
		for _, g := range Gaps(size, bad) {
			for j := g.First; j < g.End; j++ {
				if err := tr.Add(j, sums[j]); err != nil {
					t.Fatal(err)
				}
			}
		}
		if got, _ := tr.Digest(); got == want {
			t.Errorf("node %d counts for nothing", i)
		}
	}
}

func TestGoldenNodes(t *testing.T) {
	sum := backup.Digest(bytes.Repeat([]byte{0xab}, 32))
	want := "02" + "0000000000000004" + strings.Repeat("ab", 32) + // four blocks from 4 on
		"00" + "0000000000000009" + strings.Repeat("ab", 32)
	nodes := []Node{{4, 2, sum}, {9, 0, sum}}
	if got := hex.EncodeToString(AppendNodes(nil, nodes)); got != want {
		t.Errorf("%s, not %s", got, want)
	}
	again(t, 11*wire.BlockSize, nodes)
}

func TestNodesRefused(t *testing.T) {
	const size = 9*wire.BlockSize + 1 // ten blocks
	for name, nodes := range map[string][]Node{
		"the last block": {{First: 9}}, "the last two": {{First: 8, Level: 1}}, "all": {{Level: 4}}, "beyond": {{First: 10}}, "far beyond": {{First: 1 << 40}},
		"before": {{First: -1}}, "far before": {{First: -1 << 63}}, "odd": {{First: 1, Level: 1}}, "a high level": {{Level: 33}}, "the highest": {{Level: 255}},
		"twice": {{First: 2}, {First: 2}}, "overlapping": {{Level: 2}, {First: 3}}, "backwards": {{First: 3}, {First: 2}}, "64": {{Level: 64}},
	} {
		if got, err := ParseNodes(AppendNodes(nil, nodes), size); got != nil || !errors.Is(err, ErrNodes) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	whole := AppendNodes(nil, []Node{{First: 4, Level: 2}, {First: 8}})
	for n := range whole {
		if got, err := ParseNodes(whole[:n], size); n%wire.NodeSize != 0 && (got != nil || !errors.Is(err, ErrNodes)) {
			t.Errorf("%d bytes are %+v", n, got)
		}
	}
	var many []Node
	for i := range int64(wire.MaxNodes + 1) {
		many = append(many, Node{First: 2 * i})
	}
	if _, err := ParseNodes(AppendNodes(nil, many), 1<<30); !errors.Is(err, ErrNodes) {
		t.Errorf("%d nodes: %v", len(many), err)
	}
	if _, err := ParseNodes(AppendNodes(nil, many[1:]), 1<<30); err != nil {
		t.Error(err)
	}
	if _, err := ParseNodes(AppendNodes(nil, many[:1]), 0); !errors.Is(err, ErrNodes) {
		t.Errorf("a node of a small file: %v", err)
	}
}

// FuzzNodes: what parses encodes to the same bytes, and is of the content.
func FuzzNodes(f *testing.F) {
	f.Add(AppendNodes(nil, []Node{{First: 4, Level: 2}, {First: 9}}), int64(1<<30))
	f.Add(binary.BigEndian.AppendUint64([]byte{63}, 1), int64(1<<50))
	f.Fuzz(func(t *testing.T, b []byte, size int64) {
		if size < 0 || size > wire.MaxSize {
			return
		}
		nodes, err := ParseNodes(b, size)
		if err != nil {
			if nodes != nil || !errors.Is(err, ErrNodes) {
				t.Fatalf("%+v, %v", nodes, err)
			}
			return
		}
		if !bytes.Equal(AppendNodes(nil, nodes), b) || Covered(nodes) >= Blocks(size) {
			t.Fatalf("%x are %+v", b, nodes)
		}
		tr := Resume(size, nodes)
		if tr.Complete() || Covered(tr.Known(wire.MaxNodes)) != Covered(nodes) || len(Gaps(size, nodes)) > len(nodes)+1 {
			t.Fatalf("%+v became %+v", nodes, tr.Known(wire.MaxNodes))
		}
	})
}
