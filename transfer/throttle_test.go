package transfer_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/transfertest"
)

// TestLimit holds a move to a rate, on either side: exactly over all, and evenly.
func TestLimit(t *testing.T) {
	const rate, lanes = 4_000_000, 4
	const slack = lanes * 256 << 10
	for _, side := range []string{"old", "new"} {
		inTime(t, side, func(t *testing.T) {
			r := transfertest.NewRig(t, func(testing.TB) transfertest.Ends { return transfertest.Pipe() }, largePhone(1, 20<<20), fakephone.Config{Empty: true})
			limit := func() int64 { return rate }
			r.TuneSend = func(c *transfer.SendConfig) {
				c.NoSqueeze, c.LaneCount = true, lanes
				if side == "old" {
					c.Limit = limit
				}
			}
			r.TuneTake = func(c *transfer.ReceiveConfig) {
				if side == "new" {
					c.Limit = limit
				}
			}
			began := time.Now()
			var seen []uint64
			looks := time.NewTicker(time.Second)
			over, done := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(done)
				for {
					select {
					case <-looks.C:
						seen = append(seen, r.TakeMeter.Snapshot().SentBytes)
					case <-over:
						return
					}
				}
			}()
			e := r.Run(t.Context())
			took := time.Since(began)
			close(over)
			<-done
			looks.Stop()
			if e.SendErr != nil || e.TakeErr != nil || !e.Sent.Complete() {
				t.Fatalf("send: %v; receive: %v", e.SendErr, e.TakeErr)
			}
			want := time.Duration(float64(e.Taken.SentBytes) / rate * float64(time.Second))
			if took < want*95/100 || took > want*105/100 {
				t.Errorf("%d bytes took %v, want %v", e.Taken.SentBytes, took, want)
			}
			for i := 2; i < len(seen)-1; i++ {
				// Blocks are counted whole, and each lane may have one under way.
				if n := int64(seen[i] - seen[i-1]); n < rate-slack || n > rate+slack {
					t.Errorf("second %d brought %d bytes", i, n)
				}
			}
		})
	}
}

// TestLimitOfAnyClock: by a clock that stands still, or is set back at each look,
// nobody waits for longer than the limit wants.
func TestLimitOfAnyClock(t *testing.T) {
	const rate = 4_000_000
	for name, step := range map[string]time.Duration{"still": 0, "back": -time.Hour, "backDecades": -10 * 365 * 24 * time.Hour} {
		inTime(t, name, func(t *testing.T) {
			r := transfertest.NewRig(t, func(testing.TB) transfertest.Ends { return transfertest.Pipe() }, largePhone(1, 20<<20), fakephone.Config{Empty: true})
			var looks atomic.Int64
			day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			r.TuneSend = func(c *transfer.SendConfig) {
				c.NoSqueeze, c.Limit = true, func() int64 { return rate }
				c.Now = func() time.Time { return day.Add(time.Duration(looks.Add(1)%20) * step) }
			}
			began := time.Now()
			e := r.Run(t.Context())
			took := time.Since(began)
			if e.SendErr != nil || e.TakeErr != nil || !e.Sent.Complete() {
				t.Fatalf("send: %v; receive: %v", e.SendErr, e.TakeErr)
			}
			if most := time.Duration(float64(e.Taken.SentBytes) / rate * 1.05 * float64(time.Second)); took > most {
				t.Errorf("%d bytes took %v, by the limit at most %v", e.Taken.SentBytes, took, most)
			}
		})
	}
}

// TestLimitChanges follows a limit that is taken away: a phone that has cooled
// down.
func TestLimitChanges(t *testing.T) {
	inTime(t, "none", func(t *testing.T) {
		r := transfertest.NewRig(t, func(testing.TB) transfertest.Ends { return transfertest.Pipe() }, largePhone(1, 20<<20), fakephone.Config{Empty: true})
		began := time.Now()
		r.TuneSend = func(c *transfer.SendConfig) {
			c.NoSqueeze = true
			c.Limit = func() int64 {
				if time.Since(began) < time.Minute {
					return 1 // as little as there is
				}
				return 0
			}
		}
		e := r.Run(t.Context())
		if e.SendErr != nil || e.TakeErr != nil || !e.Sent.Complete() {
			t.Fatalf("send: %v; receive: %v", e.SendErr, e.TakeErr)
		}
		if took := time.Since(began); took < time.Minute || took > 2*time.Minute {
			t.Errorf("it took %v", took)
		}
	})
}
