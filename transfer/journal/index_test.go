package journal

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// TestIndex holds an index against a map.
func TestIndex(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var x index
	want := map[Fingerprint]int64{}
	fp := func(i int) (f Fingerprint) {
		r := rand.New(rand.NewPCG(uint64(i), 3))
		binary.BigEndian.PutUint64(f[:], r.Uint64())
		binary.BigEndian.PutUint64(f[8:], r.Uint64())
		return f
	}
	const many = 200_000
	for i := range many {
		f, at := fp(rng.IntN(many)), 1+rng.Int64N(maxOffset)
		_, twice := want[f]
		if isNew := x.put(f, at); isNew == twice {
			t.Fatalf("step %d: new is %v", i, isNew)
		}
		want[f] = at
	}
	for i := range many {
		at, ok := x.get(fp(i))
		if w, known := want[fp(i)]; ok != known || at != w {
			t.Fatalf("%d: %d, %v; want %d, %v", i, at, ok, w, known)
		}
	}
	if x.n != len(want) {
		t.Errorf("%d, want %d", x.n, len(want))
	}
	if per := float64(cap(x.slots)) * float64(unsafe.Sizeof(slot{})) / float64(x.n); per > 21 {
		t.Errorf("%.1f bytes a record, want at most 21", per)
	}
}

// TestIndexEdges: fingerprints that crowd at the table's end, and offsets that
// cannot be held.
func TestIndexEdges(t *testing.T) {
	var x index
	if _, ok := x.get(Fingerprint{}); ok {
		t.Error("an empty index has something")
	}
	for _, at := range []int64{0, -1, maxOffset + 1} {
		if x.put(Fingerprint{1}, at) {
			t.Errorf("offset %d is noted", at)
		}
	}
	for i := range 1000 {
		f := Fingerprint{0xff, 0xff, 0xff, 0xff, byte(i >> 8), byte(i)}
		if !x.put(f, int64(i)+1) {
			t.Fatalf("%d is not new", i)
		}
	}
	for i := range 1000 {
		f := Fingerprint{0xff, 0xff, 0xff, 0xff, byte(i >> 8), byte(i)}
		if at, ok := x.get(f); !ok || at != int64(i)+1 {
			t.Fatalf("%d: %d, %v", i, at, ok)
		}
	}
	// What differs only behind the tag counts as one.
	a, b := Fingerprint{7: 1}, Fingerprint{7: 2, 15: 9}
	if !x.put(a, 5) || x.put(b, 6) {
		t.Error("the tag is longer than 56 bits")
	}
	if at, _ := x.get(a); at != 6 {
		t.Errorf("offset %d, want the later one", at)
	}
}
