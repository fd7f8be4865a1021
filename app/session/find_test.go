package session

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-move/ferry/discovery"
)

// crowd is a browser that the test plays.
type crowd struct {
	played
	changes chan struct{}
	here    []discovery.Candidate // guarded by played.mu
}

func (c *crowd) Changes() <-chan struct{} { return c.changes }

func (c *crowd) Candidates() []discovery.Candidate {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.here
}

// are sets who is there.
func (c *crowd) are(who ...discovery.Candidate) {
	c.mu.Lock()
	c.here = who
	c.mu.Unlock()
	c.changes <- struct{}{}
	synctest.Wait() // it is taken in
}

// Why nobody is found is told anew when who was there has been gone for a while,
// and not at once.
func TestWatchGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crowd{changes: make(chan struct{})}
		c.play(false, discovery.NoAnswer)
		var mu sync.Mutex
		heard := 0 // guarded by mu
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			watch(ctx, c, func([]discovery.Candidate) {}, func(discovery.Diagnosis) {
				mu.Lock()
				defer mu.Unlock()
				heard++
			})
		})
		defer wg.Wait()
		defer stop()
		told := func(d time.Duration) int {
			time.Sleep(d) // of virtual time
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			n := heard
			heard = 0
			return n
		}
		if n := told(3 * DiagnoseAfter); n != 1 {
			t.Errorf("nobody: told %d times", n)
		}
		told(DiagnoseAfter / 2)
		c.are(discovery.Candidate{Name: "Pixel"})
		if n := told(DiagnoseAfter/2 - 2); n != 0 {
			t.Errorf("somebody: told %d times", n)
		}
		c.are() // just before it would have been told
		if n := told(DiagnoseAfter - 1); n != 0 {
			t.Errorf("gone a moment ago: told %d times", n)
		}
		if n := told(1); n != 1 {
			t.Errorf("gone for a while: told %d times", n)
		}
		c.are() // another list of nobody
		if n := told(3 * DiagnoseAfter); n != 0 {
			t.Errorf("gone for long: told %d times", n)
		}
		c.are(discovery.Candidate{Name: "Pixel"})
		c.are()
		if n := told(DiagnoseAfter); n != 1 {
			t.Errorf("came and went: told %d times", n)
		}
	})
}
