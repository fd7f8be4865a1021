package transfer

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// throttleStep is how many bytes go at once under a limit.
	throttleStep = 16 << 10
	// throttleCredit is how long a limit that was not used up counts on.
	throttleCredit = 50 * time.Millisecond
	// LimitMin is the least limit in bytes a second: below it a lane would be
	// silent for so long that it counts as lost.
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
type throttle struct {
	limit func() int64     // the present limit; 0 = none; nil = never one
	now   func() time.Time // nil = time.Now
	held  atomic.Bool      // somebody waited since the last look

	mu   sync.Mutex
	seen time.Time     // the clock at the last look; guarded by mu
	at   time.Duration // how much time has passed; guarded by mu
	end  time.Duration // of the last slot that was taken, by at; guarded by mu
}

// rate is the present limit in bytes a second; 0 = none.
func (t *throttle) rate() int64 {
	if t.limit == nil {
		return 0
	}
	n := t.limit()
	if n <= 0 {
		return 0
	}
	return max(n, LimitMin)
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

// wait waits until n bytes more may go. before is called if that takes a moment.
func (t *throttle) wait(ctx context.Context, n int, before func() error) error {
	rate := t.rate()
	if rate == 0 {
		return nil
	}
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
	if t.limit == nil {
		return r
	}
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
