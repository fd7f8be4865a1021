package fakephone

import (
	"hash/fnv"
	"math/bits"

	"github.com/ferry-move/ferry/mobile/backup"
)

// rng is SplitMix64: one word of state, so that there can be one per item. It
// uses no floating point, so that every machine makes the same phone.
type rng uint64

func (r *rng) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	return mix(uint64(*r))
}

// n returns a number from 0 to below n.
func (r *rng) n(n int) int {
	hi, _ := bits.Mul64(r.next(), uint64(n))
	return int(hi)
}

// in returns a size within s.
func (r *rng) in(s Range) int64 {
	lo := max(s.Min, 0)
	span := uint64(max(s.Max, lo) - lo)
	v := r.next()
	if span == 0 {
		return lo
	}
	v &= 1<<r.n(bits.Len64(span)+1) - 1
	return lo + int64(min(v, span))
}

func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// kindSeed depends on the kind's name alone: a kind that is added to the table
// changes no other.
func kindSeed(seed uint64, k backup.Kind) uint64 {
	h := fnv.New64a()
	h.Write([]byte(k))
	return mix(mix(seed) ^ h.Sum64())
}

// chance turns a part of all, 0 to 1, into a limit for 53 random bits.
func chance(part float64) uint64 {
	return uint64(min(max(part, 0), 1) * (1 << 53))
}
