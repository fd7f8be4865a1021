// Package tree hashes content block by block, so that blocks can be read,
// sent, verified and hashed in any order, on several lanes, and still give the
// BLAKE3 digest of the whole content.
//
// BLAKE3 is a binary tree over chunks of 1 KiB in which the left child is
// always the largest full power of two. A block of [wire.BlockSize] bytes is
// therefore one node; [Block] computes it, and [Tree] joins nodes as they come
// and keeps only those whose sibling is missing: a few hundred bytes for blocks
// that arrive nearly in order, whatever the content's size.
//
// [Tree.Known] gives the nodes of what has come, and [Resume] goes on from them
// without the blocks: so content can be finished and hashed of which nobody reads
// the first part again. The last block is joined only by [Tree.Digest], so the
// rest of content that is complete has its nodes too.
//
// Its worst moment is a block that comes twice or does not belong: it is
// refused, because the tree would be of some other content.
package tree

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"sort"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer/wire"
	"lukechampine.com/blake3/guts"
)

const (
	simdBytes      = guts.MaxSIMD * guts.ChunkSize
	chunksPerBlock = wire.BlockSize / guts.ChunkSize
)

// ErrBlock means that a block was not expected.
var ErrBlock = errors.New("unexpected block")

// ErrNodes means that nodes are not those of a part of the content.
var ErrNodes = errors.New("malformed nodes")

// Blocks returns how many blocks content of size bytes has: at least one.
func Blocks(size int64) int64 {
	if size <= wire.BlockSize {
		return 1
	}
	return (size-1)/wire.BlockSize + 1
}

// BlockLen returns the length of block i of content of size bytes.
func BlockLen(size, i int64) int {
	return int(min(size-i*wire.BlockSize, wire.BlockSize))
}

// Block returns the node of block i, whose bytes are p, of content of size
// bytes. It is the digest itself where there is only one block.
func Block(p []byte, i, size int64) backup.Digest {
	n := compress(p, uint64(i)*chunksPerBlock)
	if Blocks(size) == 1 {
		return rootDigest(n)
	}
	return cvBytes(guts.ChainingValue(n))
}

// compress returns the node over p, which begins at the given chunk.
func compress(p []byte, chunk uint64) guts.Node {
	if len(p) <= guts.ChunkSize { // a record
		return guts.CompressChunk(p, &guts.IV, chunk, 0)
	}
	var stack [10][8]uint32 // a block has 16 SIMD groups: five levels do
	var groups uint64
	for len(p) > simdBytes {
		n := guts.CompressBuffer((*[simdBytes]byte)(p), simdBytes, &guts.IV, chunk+groups*guts.MaxSIMD, 0)
		cv, lvl := guts.ChainingValue(n), 0
		for ; groups&(1<<lvl) != 0; lvl++ {
			cv = guts.ChainingValue(guts.ParentNode(stack[lvl], cv, &guts.IV, 0))
		}
		stack[lvl] = cv
		groups++
		p = p[simdBytes:]
	}
	var n guts.Node
	if len(p) == simdBytes {
		n = guts.CompressBuffer((*[simdBytes]byte)(p), simdBytes, &guts.IV, chunk+groups*guts.MaxSIMD, 0)
	} else {
		var buf [simdBytes]byte
		copy(buf[:], p)
		n = guts.CompressBuffer(&buf, len(p), &guts.IV, chunk+groups*guts.MaxSIMD, 0)
	}
	for lvl := bits.TrailingZeros64(groups); lvl < bits.Len64(groups); lvl++ {
		if groups&(1<<lvl) != 0 {
			n = guts.ParentNode(stack[lvl], guts.ChainingValue(n), &guts.IV, 0)
		}
	}
	return n
}

func rootDigest(n guts.Node) (d backup.Digest) {
	n.Flags |= guts.FlagRoot
	words := guts.CompressNode(n)
	for i := range 8 {
		binary.LittleEndian.PutUint32(d[4*i:], words[i])
	}
	return d
}

func cvBytes(cv [8]uint32) (d backup.Digest) {
	for i, w := range cv {
		binary.LittleEndian.PutUint32(d[4*i:], w)
	}
	return d
}

func cvWords(d backup.Digest) (cv [8]uint32) {
	for i := range cv {
		cv[i] = binary.LittleEndian.Uint32(d[4*i:])
	}
	return cv
}

// place is a node of 1<<level blocks that begins at block index<<level.
type place struct {
	level uint8
	index int64
}

// Tree joins the nodes of one content. It belongs to one goroutine at a time.
type Tree struct {
	size, blocks, have int64
	nodes              map[place]backup.Digest // nil = none yet
}

// New returns the tree of content of size bytes.
func New(size int64) *Tree {
	return &Tree{size: size, blocks: Blocks(size)}
}

// Add adds block i, whose node is d.
func (t *Tree) Add(i int64, d backup.Digest) error {
	if i < 0 || i >= t.blocks || t.covered(i) {
		return fmt.Errorf("%w: %d of %d", ErrBlock, i, t.blocks)
	}
	t.insert(place{0, i}, d)
	return nil
}

// insert joins a node to those that are there. None of its blocks may be.
func (t *Tree) insert(p place, d backup.Digest) {
	t.have += 1 << p.level
	// Two halves are joined unless the last block is in them: what it ends may be
	// the root, which is hashed differently, and is Digest's to make.
	for ((p.index|1)+1)<<p.level < t.blocks {
		sibling := place{p.level, p.index ^ 1}
		s, ok := t.nodes[sibling]
		if !ok {
			break
		}
		delete(t.nodes, sibling)
		l, r := s, d
		if p.index&1 == 0 {
			l, r = d, s
		}
		d = cvBytes(guts.ChainingValue(guts.ParentNode(cvWords(l), cvWords(r), &guts.IV, 0)))
		p = place{p.level + 1, p.index >> 1}
	}
	if t.nodes == nil {
		t.nodes = make(map[place]backup.Digest, 1)
	}
	t.nodes[p] = d
}

func (t *Tree) covered(i int64) bool {
	for l := uint8(0); int64(1)<<l < 2*t.blocks; l++ {
		if _, ok := t.nodes[place{l, i >> l}]; ok {
			return true
		}
	}
	return false
}

// Nodes returns how many nodes the tree holds.
func (t *Tree) Nodes() int { return len(t.nodes) }

// Complete reports whether every block is in.
func (t *Tree) Complete() bool { return t.have == t.blocks }

// Digest returns the content's BLAKE3 digest once the tree is complete.
func (t *Tree) Digest() (backup.Digest, bool) {
	if !t.Complete() {
		return backup.Digest{}, false
	}
	if t.blocks == 1 {
		return t.nodes[place{}], true
	}
	ps := make([]place, 0, len(t.nodes))
	for p := range t.nodes {
		ps = append(ps, p)
	}
	sort.Slice(ps, func(a, b int) bool { return ps[a].index<<ps[a].level > ps[b].index<<ps[b].level })
	right := t.nodes[ps[0]]
	for _, p := range ps[1 : len(ps)-1] {
		right = cvBytes(guts.ChainingValue(guts.ParentNode(cvWords(t.nodes[p]), cvWords(right), &guts.IV, 0)))
	}
	left := t.nodes[ps[len(ps)-1]]
	return rootDigest(guts.ParentNode(cvWords(left), cvWords(right), &guts.IV, 0)), true
}
