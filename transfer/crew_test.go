package transfer

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// slowlyRead is a lane whose other end reads it to its end in a while.
type slowlyRead struct {
	LaneWriter
	done chan struct{}
}

func (l slowlyRead) Done() <-chan struct{} { return l.done }

// TestDrain: a lane that is not needed any more is not cut while the other side
// reads what is in it, however slowly.
func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := slowlyRead{done: make(chan struct{})}
		c := &crew{over: context.Background(), ends: 1}
		time.AfterFunc(time.Minute, func() { close(l.done) })
		began := time.Now()
		c.drain(&laneRun{lane: l})
		if took := time.Since(began); took != time.Minute || c.ends != 0 {
			t.Errorf("it was cut after %v; %d lanes end", took, c.ends)
		}
	})
}
