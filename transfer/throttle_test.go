package transfer_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/transfertest"
	"github.com/ferry-move/ferry/transfer/wire"
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
						if a, b := r.SendMeter.Snapshot().Limit, r.TakeMeter.Snapshot().Limit; a != rate || b != rate {
							t.Errorf("the old phone keeps to %d, the new one to %d", a, b)
						}
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

// TestLimitThere: the sender keeps to the receiver's limit by itself, however fast
// that reads, and takes no limit for a link that lets nothing through.
func TestLimitThere(t *testing.T) {
	const size, rate = 1 << 20, transfer.LimitMin
	synctest.Test(t, func(t *testing.T) {
		meter, src := new(transfer.Meter), largePhone(1, size)
		sending(t, func(c *transfer.SendConfig) {
			c.Meter, c.Agents = meter, []backup.Agent{fakephone.New(src).Agent("videos")}
		}, func(f *fake) {
			f.pinging()
			f.answers()
			f.say(&wire.Limit{Rate: 1 << 62}, &wire.Limit{Rate: rate})
			all := f.listed()
			f.say(&wire.Want{Wanted: []wire.Wanted{{ID: fileOf(f, all, backup.TypeFile), Verdict: uint8(backup.Need)}}})
			began := time.Now()
			for n := 0; n < size; {
				_, p := f.reads()
				n += len(p)
				want := time.Duration(n) * time.Second / rate
				if took := time.Since(began); took < want*95/100 || took > want*105/100 {
					t.Errorf("%d bytes took %v, want %v", n, took, want)
				}
				if n < size/2 {
					time.Sleep(5 * time.Second) // half way through the next block
					mustWait(t, "sender", meter, transfer.WaitLimit)
				}
			}
			f.cancels()
		})
	})
}

// TestWaitsForALimit: a block that takes its time under a limit is no fault of the
// link, whichever phone has the limit.
func TestWaitsForALimit(t *testing.T) {
	for _, side := range []string{"old", "new"} {
		inTime(t, side, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			r := transfertest.NewRig(t, func(testing.TB) transfertest.Ends { return transfertest.Pipe() }, largePhone(1, 1<<20), fakephone.Config{Empty: true})
			limit := func() int64 { return transfer.LimitMin }
			old, young := new(transfer.Meter), new(transfer.Meter)
			r.TuneSend = func(c *transfer.SendConfig) {
				c.Meter, c.NoSqueeze = old, true
				if side == "old" {
					c.Limit = limit
				}
			}
			r.TuneTake = func(c *transfer.ReceiveConfig) {
				c.Meter = young
				if side == "new" {
					c.Limit = limit
				}
			}
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				r.Run(ctx)
			}()
			const looks = 240
			var limited [2]int
			for range looks {
				time.Sleep(500 * time.Millisecond)
				for i, m := range []*transfer.Meter{old, young} {
					switch s := m.Snapshot(); s.Waiting {
					case transfer.WaitNothing: // a block came just now
					case transfer.WaitLimit:
						limited[i]++
					default:
						t.Errorf("side %d waits for %q after %v", i, s.Waiting, s.Elapsed)
					}
				}
			}
			if limited[0] < looks/2 || limited[1] < looks/2 {
				t.Errorf("of %d looks %v say that the speed is limited", looks, limited)
			}
			cancel()
			<-ended
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
