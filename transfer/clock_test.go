package transfer_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/faulttest"
	"github.com/ferry-move/ferry/transfer/pace"
	"github.com/ferry-move/ferry/transfer/receipt"
	"github.com/ferry-move/ferry/transfer/transfertest"
)

// disordered gives the devices clocks that somebody plays with: the old one, the
// new one, or both, by the seed.
func disordered(t *testing.T, r *transfertest.Rig, seed uint64) {
	sides := 1 + seed%3
	var clocks []*faulttest.Clock
	clock := func(side uint64) func() time.Time {
		if sides&side == 0 {
			return nil
		}
		c := faulttest.NewClock(3*seed + side)
		clocks = append(clocks, c)
		return c.Now
	}
	old, now := clock(1), clock(2)
	send, take := r.TuneSend, r.TuneTake
	r.TuneSend = func(c *transfer.SendConfig) {
		if send != nil {
			send(c)
		}
		c.Now = old
	}
	r.TuneTake = func(c *transfer.ReceiveConfig) {
		if take != nil {
			take(c)
		}
		c.Now = now
	}
	t.Logf("seed %d, clocks of sides %02b", seed, sides)
	t.Cleanup(func() {
		for _, c := range clocks {
			t.Logf("%+v", c.Did())
		}
	})
}

// watched looks at both meters ten times a second, until the function that it
// returns is called: whatever the clocks do, a person sees numbers that make sense.
func watched(t *testing.T, r *transfertest.Rig, seed uint64) (end func()) {
	over, done := make(chan struct{}), make(chan struct{})
	send, take := r.SendMeter, r.TakeMeter
	go func() {
		defer close(done)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		clock := faulttest.NewClock(seed + 1000)
		var e [2]pace.Estimator
		for {
			for i, m := range []*transfer.Meter{send, take} {
				v := e[i].Add(clock.Now(), m.Snapshot())
				sane := func(x float64) bool { return x >= 0 && !math.IsInf(x, 0) }
				if !sane(v.Part) || v.Part > 1 || !sane(v.Speed) || !sane(v.ItemSpeed) || v.Left.Low < 0 || v.Left.High < v.Left.Low || v.Elapsed < 0 {
					t.Errorf("%+v", v)
				}
			}
			select {
			case <-tick.C:
			case <-over:
				return
			}
		}
	}()
	return func() { close(over); <-done }
}

// TestClocks is the second property with clocks that jump, stand still, and run
// fast or slow: cut at any byte, frame or call, a session ends with equal phones and
// agreeing totals, and a run after that finds that there is nothing to do, whatever
// day it is.
func TestClocks(t *testing.T) {
	seeds := uint64(12)
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := transfertest.NewRig(t, func(testing.TB) transfertest.Ends { return transfertest.Pipe() }, smallPhone(seed), fakephone.Config{Empty: true})
			disordered(t, r, seed)
			disturbed(t, r, rand.New(rand.NewPCG(seed, 10)))
			undisturbed(t, r)
			if err := fakephone.Equal(t.Context(), r.Dst, r.Src); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestClocksInTime: no wait grows with a clock, with a limit on either side or
// without one, and the meters make sense at any moment.
func TestClocksInTime(t *testing.T) {
	const rate, size = 2_000_000, 16 << 20
	seeds := uint64(12)
	if testing.Short() {
		seeds = 4
	}
	for seed := range seeds {
		inTime(t, fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := transfertest.NewRig(t, func(testing.TB) transfertest.Ends { return transfertest.Pipe() }, largePhone(seed, size), fakephone.Config{Empty: true})
			r.Plain = true
			limit := func() int64 { return rate }
			r.TuneSend = func(c *transfer.SendConfig) {
				if seed&4 != 0 {
					c.Limit = limit
				}
			}
			r.TuneTake = func(c *transfer.ReceiveConfig) {
				if seed&4 == 0 {
					c.Limit = limit
				}
			}
			disordered(t, r, seed)
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			tune := r.TuneSend
			end := func() {}
			r.TuneSend = func(c *transfer.SendConfig) { // the meters are made by now
				tune(c)
				end = watched(t, r, seed)
			}
			began := time.Now()
			e := r.RunOver(ctx, ctx, transfertest.Pipe())
			took := time.Since(began)
			end()
			if p := mustAgree(t, e); !p.Complete() {
				t.Errorf("%+v", p)
			}
			if most := time.Duration(float64(e.Taken.SentBytes)/rate*float64(time.Second)) * 12 / 10; took > most {
				t.Errorf("%d bytes took %v, by the limit at most %v", e.Taken.SentBytes, took, most)
			}
			if e.Sent.Elapsed < 0 || e.Taken.Elapsed < 0 {
				t.Errorf("%v, %v", e.Sent.Elapsed, e.Taken.Elapsed)
			}
		})
	}
}

// TestReceiptOfAnyDay: clocks that are off by any number of years end no session,
// and its receipt has the nearest time that it can have.
func TestReceiptOfAnyDay(t *testing.T) {
	day := func(year int) func() time.Time {
		return func() time.Time { return time.Date(year, 2, 3, 4, 5, 6, 789e6, time.UTC) }
	}
	for year, want := range map[int]string{
		-300_000: "0001-01-01T00:00:00Z", 0: "0001-01-01T00:00:00Z", 1: "0001-02-03T04:05:06.789Z", 1901: "1901-02-03T04:05:06.789Z", 1970: "1970-02-03T04:05:06.789Z",
		9999: "9999-02-03T04:05:06.789Z", 10_000: "9999-12-31T23:59:59.999Z", 300_000: "9999-12-31T23:59:59.999Z",
	} {
		for _, side := range []string{"old", "new", "both"} {
			inTime(t, fmt.Sprint(side, " ", year), func(t *testing.T) {
				r := tinyRig(t)
				send, take := r.TuneSend, r.TuneTake
				r.TuneSend = func(c *transfer.SendConfig) {
					if send(c); side != "new" {
						c.Now = day(year)
					}
				}
				r.TuneTake = func(c *transfer.ReceiveConfig) {
					if take(c); side != "old" {
						c.Now = day(year)
					}
				}
				e := r.Run(t.Context())
				mustAgree(t, e)
				p, err := receipt.Verify(e.Taken.Receipt)
				if err != nil {
					t.Fatal(err)
				}
				if got := p.Started.Format(time.RFC3339Nano); side != "new" && got != want {
					t.Errorf("started %s, want %s", got, want)
				}
				if got := p.Finished.Format(time.RFC3339Nano); side != "old" && got != want {
					t.Errorf("finished %s, want %s", got, want)
				}
			})
		}
	}
}
