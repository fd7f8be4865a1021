package tree

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer/wire"
)

// Node is a part of the content that is known by its hash: 1<<Level blocks from
// First on, which is a multiple of that number. Nodes travel, and are kept, as
//
//	 0       1            9               41
//	┌───────┬────────────┬───────────────┐
//	│ level │ first u64  │ chaining value│   one after the other, in their order
//	└───────┴────────────┴───────────────┘
type Node struct {
	First int64
	Level uint8
	Sum   backup.Digest
}

// Blocks returns how many blocks the node stands for.
func (n Node) Blocks() int64 { return 1 << n.Level }

// End returns the block behind the node.
func (n Node) End() int64 { return n.First + n.Blocks() }

// AppendNodes appends nodes to dst.
func AppendNodes(dst []byte, nodes []Node) []byte {
	for _, n := range nodes {
		dst = append(dst, n.Level)
		dst = binary.BigEndian.AppendUint64(dst, uint64(n.First))
		dst = append(dst, n.Sum[:]...)
	}
	return dst
}

// maxLevel is that of a node over the largest content.
const maxLevel = 32

// ParseNodes reads the nodes of content of size bytes. They come in their order,
// none overlaps another, and the last block is in none.
func ParseNodes(b []byte, size int64) ([]Node, error) {
	if len(b)%wire.NodeSize != 0 || len(b) > wire.MaxNodes*wire.NodeSize {
		return nil, fmt.Errorf("%w: %d bytes", ErrNodes, len(b))
	}
	nodes, at, last := make([]Node, 0, len(b)/wire.NodeSize), int64(0), Blocks(size)-1
	for ; len(b) > 0; b = b[wire.NodeSize:] {
		n := Node{Level: b[0], First: int64(binary.BigEndian.Uint64(b[1:])), Sum: backup.Digest(b[9:])}
		if n.Level > maxLevel || n.First < at || n.First > last || n.End() > last || n.First%n.Blocks() != 0 {
			return nil, fmt.Errorf("%w: level %d at %d of %d blocks", ErrNodes, n.Level, n.First, last+1)
		}
		nodes, at = append(nodes, n), n.End()
	}
	return nodes, nil
}

// Covered returns how many blocks nodes stand for.
func Covered(nodes []Node) (blocks int64) {
	for _, n := range nodes {
		blocks += n.Blocks()
	}
	return blocks
}

// Known returns the nodes of what has come, in their order, without the last
// block: the largest, where there are more than max.
func (t *Tree) Known(max int) []Node {
	nodes := make([]Node, 0, len(t.nodes))
	for p, d := range t.nodes {
		if n := (Node{p.index << p.level, p.level, d}); n.End() < t.blocks {
			nodes = append(nodes, n)
		}
	}
	if len(nodes) > max {
		slices.SortFunc(nodes, func(a, b Node) int {
			return cmp.Or(cmp.Compare(b.Level, a.Level), cmp.Compare(a.First, b.First))
		})
		nodes = nodes[:max]
	}
	slices.SortFunc(nodes, func(a, b Node) int { return cmp.Compare(a.First, b.First) })
	return nodes
}

// Resume returns the tree of content of size bytes of which a part is known.
// Nodes are as ParseNodes gives them; whether they are those of the content is
// the caller's to know.
func Resume(size int64, nodes []Node) *Tree {
	t := New(size)
	for _, n := range nodes {
		t.insert(place{n.Level, n.First >> n.Level}, n.Sum)
	}
	return t
}

// Gap is a run of blocks that have not come: from First to the one before End.
type Gap struct{ First, End int64 }

// Gaps returns what nodes leave out of content of size bytes, in order. The last
// block is in the last of them.
func Gaps(size int64, nodes []Node) []Gap {
	var gaps []Gap
	at := int64(0)
	for _, n := range nodes {
		if n.First > at {
			gaps = append(gaps, Gap{at, n.First})
		}
		at = n.End()
	}
	return append(gaps, Gap{at, Blocks(size)})
}
