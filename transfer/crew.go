package transfer

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ferry-move/ferry/transfer/lanes"
	"golang.org/x/sync/errgroup"
)

// A lane may say how it fares and when the other side has read its end. Without
// the first only what was written tells of the link; without the second a lane
// that is not needed any more stays open, idle, until the session's end.
type (
	statLane interface {
		// Stats returns the smoothed and the least round trip time, the packets
		// sent and lost, and the bytes sent and not lost. 0 = not known.
		Stats() (rtt, minRTT time.Duration, sent, lost uint64, bytes int64)
	}
	doneLane interface {
		// Done is closed when the connection has ended.
		Done() <-chan struct{}
	}
)

// tickMost is the most that counts from one sample to the next: enough to tell
// that the device slept.
const tickMost = 10 * time.Second

// crew opens and ends lanes while a session runs, as package lanes says.
//
//	opening ─> open ─> told to end ─> gone
type crew struct {
	s   *sender
	g   *errgroup.Group
	max int
	pol lanes.Policy
	// over ends when there is nothing more to send.
	over context.Context

	waiting atomic.Int32 // lanes that wait for blocks

	mu    sync.Mutex
	open  []*laneRun   // in the order in which they opened; guarded by mu
	dials int          // opening; guarded by mu
	ends  int          // told to end and not gone; guarded by mu
	past  lanes.Sample // sums over lanes that are gone: Bytes, Sent, Lost; guarded by mu
}

// laneRun is a lane at work.
type laneRun struct {
	lane  LaneWriter
	leave chan struct{} // closed when it is to end after the block it has
}

// run keeps the number of lanes until there is nothing more to send.
func (c *crew) run(ctx context.Context) error {
	tick := time.NewTicker(lanes.Interval)
	defer tick.Stop()
	var at time.Duration
	last, first := c.s.cfg.Now(), true
	for {
		now := c.s.cfg.Now()
		step := min(max(0, now.Sub(last)), tickMost)
		last = now
		if !c.s.gate.shut() || first { // else nothing is to be learned in this time
			at += step
			c.pol.Max = c.s.throttle.lanes(c.max)
			d := c.pol.Next(c.sample(at))
			d.Lanes = min(d.Lanes, c.pol.Max)
			c.s.meter.lanes(d)
			c.adjust(ctx, d.Lanes, first)
			first = false
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-c.over.Done():
			return nil
		case <-tick.C:
		}
	}
}

// sample is how the link fares now.
func (c *crew) sample(at time.Duration) lanes.Sample {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.past
	s.At, s.Lanes, s.Starved = at, len(c.open), c.s.throttle.held.Swap(false) || c.waiting.Load() > 0
	var rtts time.Duration
	known := 0
	for _, l := range c.open {
		st, ok := l.lane.(statLane)
		if !ok {
			continue
		}
		rtt, least, sent, lost, bytes := st.Stats()
		s.Bytes, s.Sent, s.Lost = s.Bytes+bytes, s.Sent+sent, s.Lost+lost
		rtts += rtt
		if known == 0 || least < s.MinRTT {
			s.MinRTT = least
		}
		known++
	}
	if known > 0 {
		s.RTT = rtts / time.Duration(known)
	} else if s.Bytes == 0 {
		s.Bytes = int64(c.s.meter.sent.Load())
	}
	return s
}

// adjust opens lanes that are missing, and tells the newest to end where there
// are too many. The session fails with its first lane only.
func (c *crew) adjust(ctx context.Context, want int, first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.open) > max(want, 1) {
		last := c.open[len(c.open)-1]
		if _, ok := last.lane.(doneLane); !ok {
			break
		}
		c.open = c.open[:len(c.open)-1]
		c.account(last.lane)
		c.ends++
		close(last.leave)
	}
	for len(c.open)+c.dials < min(want, c.max) && len(c.open)+c.dials+c.ends < c.max+spareLanes {
		c.dials++
		c.g.Go(func() error {
			err := c.s.runLane(ctx, c)
			if first {
				return wrapLane(ctx, err, nil)
			}
			return wrapLate(ctx, err)
		})
		if first {
			break
		}
	}
}

// account adds what a lane did to the sums. It is called with mu held.
func (c *crew) account(l LaneWriter) {
	if st, ok := l.(statLane); ok {
		_, _, sent, lost, bytes := st.Stats()
		c.past.Bytes, c.past.Sent, c.past.Lost = c.past.Bytes+bytes, c.past.Sent+sent, c.past.Lost+lost
	}
}

// opened notes that a lane is ready for blocks; nil = it could not be opened.
func (c *crew) opened(l LaneWriter) *laneRun {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dials--
	if l == nil {
		return nil
	}
	r := &laneRun{lane: l, leave: make(chan struct{})}
	c.open = append(c.open, r)
	return r
}

// drain waits until the other side has read a lane's end, or needs it no more.
// That may take long: it reads nothing while its disk is full, and little under a
// limit. A lane whose link is lost is done too.
func (c *crew) drain(r *laneRun) {
	if d, ok := r.lane.(doneLane); ok {
		select {
		case <-d.Done():
		case <-c.over.Done():
		}
	}
	c.mu.Lock()
	c.ends--
	c.mu.Unlock()
}
