package manager

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/ferry-move/ferry/mobile/android"
)

// A session is one agent at work, from its making to its end. It belongs to the
// goroutine that runs the pass.
type session struct {
	m     *Manager
	app   *App
	agent android.Agent
	lost  bool // a call did not return
}

// errOver is what an agent hears that comes back after its time.
var errOver = errors.New("the time for this call is over")

// errExit says that an agent ended its goroutine instead of returning.
var errExit = errors.New("the app's agent did not return")

// A call is one call of an agent. The agent's goroutine has to hand everything
// that concerns the transport to the manager's goroutine, which waits for it:
// so a transport is called by one goroutine, the agent's clock stands still
// meanwhile, and an agent that was given up reaches nothing.
type call struct {
	ask  chan func()
	over chan struct{} // closed once nothing is done for the agent any more
}

// do runs f in the manager's goroutine and returns when it is done.
func (c *call) do(f func()) error {
	done := make(chan struct{})
	select {
	case <-c.over:
		return errOver
	default:
	}
	select {
	case c.ask <- func() { defer close(done); f() }:
		<-done
		return nil
	case <-c.over:
		return errOver
	}
}

// The ends of a call: either its goroutine or the manager comes first.
const (
	callRuns int32 = iota
	callReturned
	callGivenUp
)

// call runs f, one method of the agent, for at most limit without a sign of it.
func (s *session) call(ctx context.Context, limit time.Duration, f func(context.Context, *call) error) error {
	if s.lost {
		return ErrStuck
	}
	callCtx, cancel := context.WithCancelCause(ctx)
	defer cancel(errOver)
	c := &call{ask: make(chan func()), over: make(chan struct{})}
	result := make(chan error, 1)
	returned := make(chan struct{})
	var end atomic.Int32
	go func() {
		defer close(returned)
		err := errExit
		defer func() {
			if v := recover(); v != nil {
				err = &PanicError{Value: v}
			}
			result <- err
			if !end.CompareAndSwap(callRuns, callReturned) {
				s.destroy()
			}
		}()
		err = f(callCtx, c)
	}()

	timer := time.NewTimer(limit)
	defer timer.Stop()
	asks, cancelled := c.ask, ctx.Done()
	var late error // why the time is over, once it is
	stop := func(why error) {
		late, asks, cancelled = why, nil, nil
		close(c.over)
		cancel(why)
		timer.Reset(s.m.times.Grace)
	}
	for {
		select {
		case err := <-result:
			<-returned
			if late != nil {
				return late
			}
			close(c.over)
			return err
		case f := <-asks:
			timer.Stop()
			f()
			timer.Reset(limit)
		case <-cancelled:
			stop(context.Cause(ctx))
		case <-timer.C:
			switch {
			case late == nil:
				stop(ErrTimeout)
			case end.CompareAndSwap(callRuns, callGivenUp):
				s.lost = true
				s.m.giveUp(s.app.Name, returned)
				return fmt.Errorf("%w: %w", late, ErrStuck)
			}
		}
	}
}

// open makes an agent and has it prepare itself.
func (m *Manager) open(ctx context.Context, app *App, construct func() android.Agent) (*session, error) {
	s := &session{m: m, app: app}
	if m.stuck(app.Name) {
		return nil, ErrStuck
	}
	err := s.call(ctx, m.times.Bind, func(ctx context.Context, _ *call) error {
		if s.agent = construct(); s.agent == nil {
			return NoAgent
		}
		if c, ok := s.agent.(android.Creator); ok {
			return c.Create(ctx)
		}
		return nil
	})
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// close ends the session. An agent that was given up is destroyed when it
// returns.
func (s *session) close() {
	if s.lost || s.agent == nil {
		return
	}
	_ = s.call(context.Background(), s.m.times.Bind, func(context.Context, *call) error {
		s.destroy()
		return nil
	})
	if !s.lost {
		s.agent = nil
	}
}

// destroy runs in an agent's goroutine.
func (s *session) destroy() {
	defer func() { _ = recover() }() // it ends here, one way or the other
	if d, ok := s.agent.(android.Destroyer); ok {
		d.Destroy()
	}
}

// quotaExceeded tells the agent why its data was not taken.
func (s *session) quotaExceeded(ctx context.Context, measured, quota int64) {
	l, ok := s.agent.(android.QuotaListener)
	if !ok {
		return
	}
	_ = s.call(ctx, s.m.times.QuotaExceeded, func(ctx context.Context, _ *call) error {
		l.QuotaExceeded(ctx, measured, quota)
		return nil
	})
}
