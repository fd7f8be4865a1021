package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ferry-move/ferry/transfer/wire"
)

const (
	// pingEvery is how long this side stays silent at most.
	pingEvery = time.Second
	// DeadAfter is how long the other side may be silent before the link
	// counts as lost.
	DeadAfter = 4500 * time.Millisecond
	// lingerFor is how long a side that ended a session waits for its last
	// word to arrive.
	lingerFor = time.Second
)

// control is a session's control stream with its heartbeat.
//
// Reads belong to one goroutine, which never waits for anything but the other
// side: the heartbeat counts on it. Writes come from several and are
// serialised.
type control struct {
	rw      Control
	writing chan struct{} // a semaphore of one, so that a write can be given up
	started time.Time
	lastIn  atomic.Int64 // when a byte came last; since started, ns
	lastOut atomic.Int64 // when a frame went last; since started, ns

	// ending is the error that this side ends the session with once the other
	// side hangs up, set before it is told to.
	ending    atomic.Pointer[StopError]
	readDone  chan struct{} // closed when the reader returned
	closeOnce sync.Once
}

func newControl(rw Control) *control {
	return &control{rw: rw, writing: make(chan struct{}, 1), started: time.Now(), readDone: make(chan struct{})}
}

func (c *control) since() int64 { return int64(time.Since(c.started)) }

// listening notes each byte as a sign of life: on a slow link one frame may
// take longer than DeadAfter.
type listening struct{ c *control }

func (l listening) Read(p []byte) (int, error) {
	n, err := l.c.rw.Read(p)
	if n > 0 {
		l.c.lastIn.Store(l.c.since())
	}
	return n, err
}

// send writes one frame.
func (c *control) send(ctx context.Context, m wire.Message) error {
	b, err := wire.Append(nil, m)
	if err != nil {
		return err
	}
	select {
	case c.writing <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-c.writing }()
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if _, err := c.rw.Write(b); err != nil {
		return fmt.Errorf("%w: %w", ErrLinkLost, err)
	}
	c.lastOut.Store(c.since())
	return nil
}

// recv reads the next message that is not a ping. A Stop comes back as an
// error.
func (c *control) recv() (wire.Message, error) {
	for {
		m, err := wire.Read(listening{c})
		if err != nil {
			if e := c.ending.Load(); e != nil {
				return nil, e
			}
			switch {
			case errors.Is(err, io.ErrUnexpectedEOF): // cut within a frame: nobody's fault
				err = io.ErrUnexpectedEOF
			case errors.Is(err, wire.ErrFrame):
				return nil, err
			}
			return nil, fmt.Errorf("%w: %w", ErrLinkLost, err)
		}
		switch m := m.(type) {
		case *wire.Ping:
		case *wire.Stop:
			return nil, &StopError{Kind: m.Kind, Remote: true}
		default:
			return m, nil
		}
	}
}

// heartbeat pings while nothing else is said and fails when nothing is heard.
// It ends without an error when done is closed. It measures with the monotonic
// clock, so setting the time does not matter, and it asks for signs of life
// only: a lane or a disk that stands still for minutes ends no session while
// the other side's pings come.
func (c *control) heartbeat(ctx context.Context, done <-chan struct{}) error {
	tick := time.NewTicker(pingEvery / 4)
	defer tick.Stop()
	c.lastIn.Store(c.since())
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-done:
			return nil
		case <-tick.C:
		}
		now := c.since()
		if now-c.lastIn.Load() > int64(DeadAfter) {
			return fmt.Errorf("%w: silent for %v", ErrLinkLost, DeadAfter)
		}
		if now-c.lastOut.Load() < int64(pingEvery) || len(c.writing) > 0 {
			continue // something is on its way out
		}
		if err := c.send(ctx, &wire.Ping{}); err != nil {
			return err
		}
		if rand.N(8) == 0 { // keeps the other side skipping what it does not know
			if err := c.optional(ctx); err != nil {
				return err
			}
		}
	}
}

func (c *control) optional(ctx context.Context) error {
	select {
	case c.writing <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-c.writing }()
	t := wire.FirstOptional + wire.Type(rand.N(128))
	if err := wire.WriteOptional(c.rw, t, make([]byte, rand.N(16))); err != nil {
		return fmt.Errorf("%w: %w", ErrLinkLost, err)
	}
	return nil
}

// shutdown ends the stream after err; nil = everything was said. It tells the
// other side why if that is still possible, waits a moment for it to hear and
// to close its end, and closes.
func (c *control) shutdown(err error) {
	kind := stopKind(err)
	if errors.Is(err, ErrLinkLost) {
		c.close()
		return
	}
	late := time.AfterFunc(lingerFor, c.close) // wakes whatever still blocks
	defer late.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), lingerFor)
	defer cancel()
	if kind != wire.StopNone {
		if c.send(ctx, &wire.Stop{Kind: kind}) != nil {
			c.close()
			return
		}
	}
	if c.rw.CloseWrite() == nil {
		<-c.readDone
		io.Copy(io.Discard, c.rw) // until the other side closed its end
	}
	c.close()
}

func (c *control) close() { c.closeOnce.Do(func() { c.rw.Close() }) }
