package faulttest

import (
	"math"
	"math/rand/v2"
	"sync"
	"time"
)

// clockFar is how far a Clock gets from the true time, either way: before 1970
// and back.
const clockFar = 100 * 365 * 24 * time.Hour

// Clock is a device's clock that somebody plays with. Every few looks it is set
// on or back, by seconds to decades and also to before 1970, stands still, runs
// fast or slow, or is right for a while. Its times have no monotonic reading, so
// that every duration that is computed from two of them has the fault too. What
// comes next is drawn from the seed alone.
type Clock struct {
	mu    sync.Mutex
	rnd   *rand.Rand  // guarded by mu
	looks int         // until the next fault; guarded by mu
	since time.Time   // the true time of the last fault; guarded by mu
	from  time.Time   // what was shown then; guarded by mu
	speed float64     // guarded by mu
	seen  ClockFaults // guarded by mu
}

// ClockFaults counts what a Clock did.
type ClockFaults struct{ Back, On, Still, Fast, Slow int }

// NewClock returns a clock that is right at the first look.
func NewClock(seed uint64) *Clock {
	now := time.Now()
	return &Clock{rnd: rand.New(rand.NewPCG(seed, 9)), looks: 1, since: now, from: now, speed: 1}
}

// Now returns the time that the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	shown := c.from.Add(time.Duration(min(c.speed*float64(now.Sub(c.since)), 2*float64(clockFar))))
	if far := shown.Sub(now); far.Abs() > clockFar { // it ran there
		shown = now
	}
	if c.looks--; c.looks < 0 {
		c.looks = c.rnd.IntN(12)
		c.since, c.from, c.speed = now, shown, 1
		switch c.rnd.IntN(6) {
		case 0:
			c.seen.On++
			c.from = now.Add(c.far())
		case 1:
			c.seen.Back++
			c.from = now.Add(-c.far())
		case 2:
			c.seen.Still++
			c.speed = 0
		case 3:
			c.seen.Fast++
			c.speed = 1 + c.far().Hours()
		case 4:
			c.seen.Slow++
			c.speed = c.rnd.Float64()
		default:
			c.from = now
		}
		shown = c.from
	}
	return shown.Round(0)
}

// far draws how far the clock is set: a second as likely as a decade.
func (c *Clock) far() time.Duration {
	return time.Duration(math.Exp(c.rnd.Float64()*math.Log(clockFar.Seconds())) * float64(time.Second))
}

// Did returns what the clock did so far.
func (c *Clock) Did() ClockFaults {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen
}
