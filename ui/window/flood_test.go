package window

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/mobile"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/receipt"
)

// While an engine tells of items as fast as it can, the window draws ten times a
// second at the most, whether or not it gets to it, and takes no more memory.
func TestFlood(t *testing.T) {
	const many = 100_000
	var told atomic.Int64
	var pause sync.Mutex          // held while nothing is told
	enough := make(chan struct{}) // closed when many were told, for several ticks
	s := newProgram(t)
	a := s.enter(Options{Name: "Old", Flow: flow.Options{
		Watch: nobodyIsFound,
		OpenSource: func(context.Context, string, session.SourceOptions) (mobile.Device, error) {
			return fakephone.New(fakephone.Config{Seed: 1}), nil
		},
		Send: func(ctx context.Context, o session.SendOptions) (*transfer.Report, error) {
			long, start, all := backup.Key(make([]byte, 4000)), time.Now(), false
			o.Events(session.Accepted{Peer: receipt.Side{Name: "New"}, Meter: new(transfer.Meter)})
			for ctx.Err() == nil {
				pause.Lock()
				o.Events(session.Item{Kind: "photos", Key: long, Reason: backup.Reason(told.Load() % 1000)})
				if told.Add(1); !all && told.Load() >= many && time.Since(start) > 5*tick {
					all = true
					close(enough)
				}
				pause.Unlock()
			}
			return nil, context.Cause(ctx)
		},
	}})
	a.flow.BeOld("phone")
	a.reads("Choose your new phone")
	began, before := time.Now(), s.drawn
	a.flow.GoTo("192.0.2.7:4242")
	<-enough // the window does not get to draw meanwhile
	s.mu.Lock()
	if n := len(s.todo); n > 1 {
		t.Errorf("%d draws wait", n)
	}
	s.mu.Unlock()
	a.reads("Moving to New")
	draws := func(n int, since int64) {
		end := s.drawn + n
		s.until("it is not drawn", func() bool { return s.drawn >= end && told.Load() >= since+many })
	}
	draws(3, told.Load()) // what a page needs is there by now
	heap := func() int64 {
		pause.Lock()
		defer pause.Unlock()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	least := heap()
	draws(10, told.Load())
	if more := heap() - least; more > 2<<20 {
		t.Errorf("%d bytes more, after %d items", more, told.Load())
	}
	if n, d := s.drawn-before, time.Since(began); n > int(d/tick)+2 {
		t.Errorf("%d draws in %v", n, d)
	}
	if s.waited > 1 {
		t.Errorf("%d draws waited at once", s.waited)
	}
}
