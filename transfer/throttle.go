package transfer

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ferry-move/ferry/transfer/wire"
)

const (
	// throttleStep is how many bytes go at once under a limit.
	throttleStep = 16 << 10
	// throttleCredit is how long a limit that was not used up counts on.
	throttleCredit = 50 * time.Millisecond
	// LimitMin is the least limit in bytes a second: below it a block would take
	// the better part of a minute, and what a break costs grows with that.
	LimitMin = 10_000
)

// throttle holds all lanes of a session together to a number of bytes a second.
// Whoever wants to send takes the next time slot and sleeps until it is over, so
// lanes share by taking turns, and nothing runs while they wait. The control
// stream is not held. The zero value holds nothing.
//
// Time is what passes from one look at the clock to the next, and never goes
// back. Where the clock is set back or stands still, a slot that was slept
// through has passed all the same; so nobody waits for longer than the bytes
// under way need.
//
// Each side tells the other its limit, and the lower one holds on both:
//
//	sender    sends no faster            the limit is as exact as its clock
//	receiver  reads no faster            that is felt only by a sender that sends faster
type throttle struct {
	limit func() int64     // this side's present limit; 0 = none; nil = never one
	there atomic.Int64     // the other side's, as it said last; 0 = none
	now   func() time.Time // nil = time.Now
	held  atomic.Bool      // somebody waited since the last look
	told  int64            // what this side said last; belongs to tellNow, and to tell after that

	flow atomic.Pointer[time.Time] // when bytes went last under a limit; nil = never

	mu   sync.Mutex
	seen time.Time     // the clock at the last look; guarded by mu
	at   time.Duration // how much time has passed; guarded by mu
	end  time.Duration // of the last slot that was taken, by at; guarded by mu
}

// own is this side's present limit in bytes a second; 0 = none.
func (t *throttle) own() int64 {
	if t.limit == nil {
		return 0
	}
	if n := t.limit(); n > 0 {
		return max(n, LimitMin)
	}
	return 0
}

// rate is the lower of both limits in bytes a second; 0 = none.
func (t *throttle) rate() int64 {
	own, there := t.own(), t.there.Load()
	if own == 0 || there > 0 && there < own {
		return there
	}
	return own
}

// heard takes in the other side's limit.
func (t *throttle) heard(m *wire.Limit) {
	n := int64(m.Rate) // no more than that, as checked
	if n > 0 {
		n = max(n, LimitMin)
	}
	t.there.Store(n)
}

// tellNow tells the other side this one's limit, if that is not what it knows.
func (t *throttle) tellNow(ctx context.Context, c *control) error {
	now := t.own()
	if now == t.told {
		return nil
	}
	t.told = now
	return c.send(ctx, &wire.Limit{Rate: uint64(now)})
}

// tell tells the other side this one's limit whenever it changes, until done.
func (t *throttle) tell(ctx context.Context, c *control, done <-chan struct{}) error {
	if t.limit == nil {
		return nil
	}
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	for {
		if err := t.tellNow(ctx, c); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-done:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// lanes is how many lanes of most a limit is shared by: each of them carries a
// block a second or more, so that a break costs no more than some seconds.
func (t *throttle) lanes(most int) int {
	rate := t.rate()
	if rate == 0 {
		return most
	}
	return int(min(max(rate/wire.BlockSize, 1), int64(most)))
}

// flows reports whether bytes go as fast as the limit lets them.
func (t *throttle) flows() bool {
	rate, last := t.rate(), t.flow.Load()
	if rate == 0 || last == nil {
		return false
	}
	step := time.Duration(throttleStep) * time.Second / time.Duration(rate)
	return time.Since(*last) < stillAfter+2*step
}

// look counts the time since the last look. It is called with mu held.
func (t *throttle) look() {
	now := time.Now
	if t.now != nil {
		now = t.now
	}
	seen := now()
	t.at += min(max(0, seen.Sub(t.seen)), t.end+throttleCredit-t.at) // more need not be known
	t.seen = seen
}

// slot takes the time that n bytes need and returns its end, and how long to
// wait for that.
func (t *throttle) slot(n int, rate int64) (end, wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.look()
	t.end += time.Duration(float64(n) / float64(rate) * float64(time.Second))
	return t.end, t.end - t.at
}

// passed notes that a slot was slept through.
func (t *throttle) passed(end time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.look()
	t.at = max(t.at, end)
}

// charge takes the time that n bytes need from what comes next.
func (t *throttle) charge(n int) {
	if rate := t.rate(); rate > 0 {
		t.slot(n, rate)
	}
}

// wait waits until n bytes more may go. before is called if that takes a moment.
func (t *throttle) wait(ctx context.Context, n int, before func() error) error {
	rate := t.rate()
	if rate == 0 || n == 0 {
		return nil
	}
	now := time.Now()
	t.flow.Store(&now)
	end, d := t.slot(n, rate)
	if d <= 0 {
		return nil
	}
	t.held.Store(true)
	if before != nil {
		if err := before(); err != nil {
			return err
		}
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		t.passed(end)
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// flusher is a writer that holds bytes back.
type flusher interface {
	io.Writer
	Flush() error
}

// write writes p in steps. What was held back goes before each wait.
func (t *throttle) write(ctx context.Context, w flusher, p []byte) error {
	for len(p) > 0 {
		n := len(p)
		if t.rate() > 0 {
			n = min(n, throttleStep)
		}
		if err := t.wait(ctx, n, w.Flush); err != nil {
			return err
		}
		if _, err := w.Write(p[:n]); err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

// reader returns r, read no faster than the limit.
func (t *throttle) reader(ctx context.Context, r io.Reader) io.Reader {
	return throttled{ctx, r, t}
}

type throttled struct {
	ctx context.Context
	r   io.Reader
	t   *throttle
}

// Read implements io.Reader.
func (t throttled) Read(p []byte) (int, error) {
	if t.t.rate() > 0 {
		p = p[:min(len(p), throttleStep)]
	}
	n, err := t.r.Read(p)
	if werr := t.t.wait(t.ctx, n, nil); err == nil {
		err = werr
	}
	return n, err
}
