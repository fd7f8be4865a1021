package fakephone

import (
	"math/bits"

	"github.com/ferry-move/ferry/mobile/backup"
	"lukechampine.com/blake3"
	"lukechampine.com/blake3/guts"
)

// leaf is how much of a file is hashed at once. It is a power of two of
// BLAKE3's chunks, so that each leaf is a subtree of its own and leaves can be
// hashed in any order.
const leaf = 256 << 10

// value is a subtree's hash.
type value [8]uint32

// leafValue hashes the content b of leaf n of a file that has several.
func leafValue(b []byte, n int64) value {
	return subtree(b, uint64(n)*(leaf/guts.ChunkSize))
}

func subtree(b []byte, counter uint64) value {
	chunks := (len(b) + guts.ChunkSize - 1) / guts.ChunkSize
	switch {
	case chunks <= 1:
		return guts.ChainingValue(guts.CompressChunk(b, &guts.IV, counter, 0))
	case chunks*guts.ChunkSize == len(b) && bits.OnesCount(uint(chunks)) == 1:
		return guts.ChainingValue(guts.CompressEigentree(b, &guts.IV, counter, 0))
	}
	left := split(chunks)
	l := subtree(b[:left*guts.ChunkSize], counter)
	r := subtree(b[left*guts.ChunkSize:], counter+uint64(left))
	return guts.ChainingValue(guts.ParentNode(l, r, &guts.IV, 0))
}

// split returns how many of n parts are on the left: the largest power of two
// below n.
func split(n int) int { return 1 << (bits.Len(uint(n-1)) - 1) }

// root returns the digest of a file that has two leaves or more.
func root(leaves []value) backup.Digest {
	n := merge(leaves)
	n.Flags |= guts.FlagRoot
	out := guts.WordsToBytes(guts.CompressNode(n))
	return backup.Digest(out[:len(backup.Digest{})])
}

func merge(leaves []value) guts.Node {
	left := split(len(leaves))
	return guts.ParentNode(joined(leaves[:left]), joined(leaves[left:]), &guts.IV, 0)
}

func joined(leaves []value) value {
	if len(leaves) == 1 {
		return leaves[0]
	}
	return guts.ChainingValue(merge(leaves))
}

// sum hashes content that is in memory.
func sum(b []byte) backup.Digest { return blake3.Sum256(b) }
