// Package memory makes the garbage collector use the memory that there is, and
// no more of it than Ferry says it takes.
//
// Go's default lets the heap grow to twice of what lives, whether that is little
// or much. A move of a hundred thousand small records has little that lives and
// makes a lot of garbage: there the collector would run all the time while most
// of the memory that is allowed is not used. A move of a million files has much
// that lives, and twice of it would be too much.
//
// The worst moment is a heap that is larger than the budget by itself: a hard
// limit would then leave the processors to the collector. Here it goes on as if
// the budget were half as much again as what lives.
package memory

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// Budget is how large the heap of a whole device may become, in bytes. With the
// program itself, stacks and what the collector needs, a process stays below
// 150 MB.
const Budget = 80 << 20

// Bounds of GOGC: the heap's growth over what lives until the next collection,
// in percent.
const (
	least = 50
	most  = 400
)

// Bound makes the heap's growth follow budget from now on: after each collection
// it is set anew. A GOGC or GOMEMLIMIT of the environment is left alone.
func Bound(budget uint64) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	adjust(budget)
}

// adjust sets the growth, and does it again after the next collection: that is
// when a cleanup of something nobody holds runs.
func adjust(budget uint64) {
	debug.SetGCPercent(percent(live(), budget))
	runtime.AddCleanup(new([16]byte), adjust, budget)
}

// live returns how many bytes the last collection found in use.
func live() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return s[0].Value.Uint64()
}

// percent returns by how much the heap may grow.
func percent(live, budget uint64) int {
	if live == 0 || budget/live > most/100+1 {
		return most
	}
	return max(least, min(most, int(100*budget/live)-100))
}
