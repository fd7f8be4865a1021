package faulttest

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestClock: all that a clock may do comes, within a century, and the same seed
// does the same again.
func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old := false
		for seed := range uint64(5) {
			a, b := NewClock(seed), NewClock(seed)
			back := false
			last := a.Now()
			b.Now()
			for range 1000 {
				time.Sleep(50 * time.Millisecond)
				now := a.Now()
				if other := b.Now(); other != now {
					t.Fatalf("seed %d: %v, and then %v", seed, now, other)
				}
				if off := time.Until(now); off.Abs() > clockFar {
					t.Fatalf("seed %d: it is off by %v", seed, off)
				}
				if now != now.Round(0) {
					t.Fatal("it has a monotonic reading")
				}
				back, old = back || now.Before(last), old || now.Year() < 1970
				last = now
			}
			if d := a.Did(); !back || min(d.Back, d.On, d.Still, d.Fast, d.Slow) == 0 {
				t.Errorf("seed %d: %+v, back %v", seed, d, back)
			}
		}
		if !old {
			t.Error("it was never before 1970")
		}
	})
}
