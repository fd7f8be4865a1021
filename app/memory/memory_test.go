package memory

import (
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

func TestPercent(t *testing.T) {
	const mb = 1 << 20
	for _, c := range []struct {
		live, budget uint64
		want         int
	}{
		{0, 80 * mb, most}, {1, 80 * mb, most}, {10 * mb, 80 * mb, most}, {16 * mb, 80 * mb, 400}, {20 * mb, 80 * mb, 300},
		{40 * mb, 80 * mb, 100}, {53 * mb, 80 * mb, 50}, {80 * mb, 80 * mb, least}, {500 * mb, 80 * mb, least}, {1 << 62, 80 * mb, least},
	} {
		if got := percent(c.live, c.budget); got != c.want {
			t.Errorf("%d of %d: %d, want %d", c.live, c.budget, got, c.want)
		}
	}
}

var held [][]byte

// TestBound grows and shrinks what lives: the growth that is allowed follows.
func TestBound(t *testing.T) {
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	was := debug.SetGCPercent(100)
	defer debug.SetGCPercent(was)
	defer func() { held = nil }()
	Bound(40 << 20)
	now := func() int { // SetGCPercent is the only way to ask
		p := debug.SetGCPercent(100)
		debug.SetGCPercent(p)
		return p
	}
	follows := func(what string, ok func(int) bool) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); ; {
			runtime.GC() // the cleanup runs some time after it
			if p := now(); ok(p) {
				return
			} else if time.Now().After(end) {
				t.Fatalf("%s: %d %%", what, p)
			}
		}
	}
	follows("little lives", func(p int) bool { return p == most })
	for range 64 {
		held = append(held, make([]byte, 1<<20))
	}
	follows("much lives", func(p int) bool { return p == least })
	held = nil
	follows("little lives again", func(p int) bool { return p == most })
}

// TestEnvironment: what a person sets stays.
func TestEnvironment(t *testing.T) {
	was := debug.SetGCPercent(77)
	defer debug.SetGCPercent(was)
	t.Setenv("GOGC", "77")
	Bound(1 << 20)
	if p := debug.SetGCPercent(77); p != 77 {
		t.Errorf("it is %d", p)
	}
}
