package window

import (
	"math"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/mobile/backup"
)

// chosen is what a choice comes to.
type chosen struct {
	any   bool // something is to move, and be it a folder
	items uint64
	bytes int64
	// needs is what it takes on the new phone, as far as is known, and lacks how
	// much less is free there.
	needs, lacks int64
}

// chosenOf sums up what is to move.
func chosenOf(s flow.Snapshot) (c chosen) {
	for _, k := range s.Kinds {
		c.any = c.any || k.Taken > 0 || k.On && k.Folders > 0
		c.items += k.Taken
		c.bytes = plus(c.bytes, int64(min(k.TakenBytes, math.MaxInt64)))
	}
	if c.needs = c.bytes; s.Preview != nil {
		c.needs = over(s)
	}
	if s.Free >= 0 {
		c.lacks = max(0, c.needs-s.Free)
	}
	return c
}

// fits reports whether it may begin. What is there already takes no room, so that
// only a preview knows; where there can be none the engine finds out.
func (c chosen) fits(s flow.Snapshot) bool { return c.lacks == 0 || s.PreviewErr != nil }

// over is how many bytes a preview says come over the link.
func over(s flow.Snapshot) (n int64) {
	for _, k := range s.Preview.Kinds {
		n = plus(n, max(0, k.Bytes))
	}
	return n
}

// plus adds what does not count below 0, and no further than there are numbers.
func plus(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// movable is how many items of a kind can move.
func movable(k flow.KindChoice) uint64 { return k.Items - min(k.Items, cannotMove(k)) }

// cannotMove is how many cannot.
func cannotMove(k flow.KindChoice) (n uint64) {
	for _, g := range k.Cannot {
		n += g.Count
	}
	return n
}

// kindOf finds a kind of the choice; ok = false if it is not there.
func kindOf(s flow.Snapshot, kind backup.Kind) (k flow.KindChoice, ok bool) {
	for _, k := range s.Kinds {
		if k.Info.Kind == kind {
			return k, true
		}
	}
	return flow.KindChoice{}, false
}
