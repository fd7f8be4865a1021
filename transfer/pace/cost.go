package pace

import (
	"math"
	"time"
)

const (
	// guess is what an item is taken to cost beside its bytes, in bytes that would
	// take as long, before the move has shown it.
	guess = 16 << 10
	// cheapest and dearest bound what is learned.
	cheapest, dearest = 256, 16 << 20
	// learnEvery is how long one lesson is, and forgetOver how long it takes until
	// one counts for a third.
	learnEvery = time.Second
	forgetOver = 2 * time.Minute
)

// cost learns what an item costs beside its bytes, in bytes: the time that each
// second took is fitted by
//
//	time = a × bytes + b × items        cost = b / a
//
// with least squares over what was seen, the newest counting most. While bytes and
// items have only come in one proportion, that says nothing about the cost, and the
// fit leans on the guess. The zero value is ready.
type cost struct {
	last   sample
	begun  bool
	bb, bi float64 // sums of squares and products, of bytes and items
	ii     float64
	tb, ti float64
}

// learn takes a sample in.
func (c *cost) learn(s sample) {
	if !c.begun || s.sent < c.last.sent || s.items < c.last.items {
		c.last, c.begun = s, true
		return
	}
	if s.at-c.last.at < learnEvery {
		return
	}
	d := between(c.last, s)
	c.last = s
	keep := math.Exp(-d.took.Seconds() / forgetOver.Seconds())
	t := d.took.Seconds()
	// In units of the guess, so that bytes and items are of one size.
	b, i := d.sent/guess, d.items
	c.bb, c.bi, c.ii = c.bb*keep+b*b, c.bi*keep+b*i, c.ii*keep+i*i
	c.tb, c.ti = c.tb*keep+t*b, c.ti*keep+t*i
}

// item is what an item costs, in bytes, and by what factor that may be wrong.
func (c *cost) item() (bytes, unsure float64) {
	const least, most = 1.5, 4
	unsure = most
	if both := c.bb * c.ii; both > 0 { // 0 when they came in one proportion only
		unsure = least + (most-least)*math.Exp(-10*(1-c.bi*c.bi/both))
	}
	lean := 0.02*(c.bb+c.ii) + 1 // how much a = b is worth
	bb, bi, ii := c.bb+lean, c.bi-lean, c.ii+lean
	det := bb*ii - bi*bi
	if det <= 0 {
		return guess, most
	}
	a, b := (c.tb*ii-c.ti*bi)/det, (c.ti*bb-c.tb*bi)/det
	switch {
	case a <= 0 && b <= 0:
		return guess, most
	case a <= 0:
		return dearest, unsure
	}
	return clamp(guess*b/a, cheapest, dearest), unsure
}
