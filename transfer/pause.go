package transfer

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ferry-move/ferry/transfer/wire"
)

// Pauser lets the person at this device pause a session and go on. The other
// device learns of it, and items stop moving until the persons at both devices
// let them; what is on its way still lands and is made safe, and the two devices
// keep in touch for as long as it takes.
//
// It may be used at any time, from any goroutine. Before items move it makes them
// wait; once all are there it changes nothing. What it says holds for every
// session that has it, one after the other. The zero value lets items move.
type Pauser struct {
	on atomic.Bool

	mu      sync.Mutex
	changed chan struct{} // closed with the next change; nil = nobody waits for it; guarded by mu
}

// Pause holds items back.
func (p *Pauser) Pause() { p.set(func(bool) bool { return true }) }

// Resume takes Pause back.
func (p *Pauser) Resume() { p.set(func(bool) bool { return false }) }

// Toggle does the other of the two, and reports whether it is paused now.
func (p *Pauser) Toggle() (paused bool) { return p.set(func(on bool) bool { return !on }) }

// Paused reports whether this device's person holds items back.
func (p *Pauser) Paused() bool { return p.on.Load() }

func (p *Pauser) set(next func(on bool) bool) (on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.on.Load()
	on = next(was)
	p.on.Store(on)
	if on != was && p.changed != nil {
		close(p.changed)
		p.changed = nil
	}
	return on
}

// state returns whether it is paused, and what is closed when that changes.
func (p *Pauser) state() (paused bool, changed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.changed == nil {
		p.changed = make(chan struct{})
	}
	return p.on.Load(), p.changed
}

// gate is what content passes on its way to the lanes. However often it opens and
// shuts, it keeps no more than its state.
//
//	        Pause here, or Waits with WaitPause
//	open ────────────────────────────────────────> shut
//	     <────────────────────────────────────────
//	      Resume here, and Waits without WaitPause
type gate struct {
	here    *Pauser
	there   Pauser        // as the other side said last
	flags   atomic.Uint32 // what it said last; wire.WaitFlags
	heardOf atomic.Bool   // it said something
	// told is what this side said last. It belongs to tellPause, and to tellWaits
	// after that.
	told wire.WaitFlags
}

func newGate(here *Pauser) *gate {
	if here == nil {
		here = new(Pauser)
	}
	return &gate{here: here}
}

func (g *gate) shut() bool { return g.here.Paused() || g.there.Paused() }

// heard takes in what the other side waits for.
func (g *gate) heard(m *wire.Waits) {
	g.flags.Store(uint32(m.For))
	g.there.set(func(bool) bool { return m.For&wire.WaitPause != 0 })
	g.heardOf.Store(true)
}

// pass waits until the gate is open, or until over is closed.
func (g *gate) pass(ctx context.Context, over <-chan struct{}) error {
	if !g.shut() {
		return nil
	}
	return g.until(ctx, false, over)
}

// until waits until the gate is shut or open, or until over is closed.
func (g *gate) until(ctx context.Context, shut bool, over <-chan struct{}) error {
	for {
		here, hereChanged := g.here.state()
		there, thereChanged := g.there.state()
		if shut == (here || there) {
			return nil
		}
		select {
		case <-hereChanged:
		case <-thereChanged:
		case <-over:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

const (
	// tellEvery is how often a side looks whether its storage holds it up.
	tellEvery = 250 * time.Millisecond
	// tellGap is the least time between two Waits.
	tellGap = 50 * time.Millisecond
)

// tellPause tells the old phone of a pause before it is answered: it may list
// items as soon as it has the answer.
func (g *gate) tellPause(ctx context.Context, c *control, protocol uint32) error {
	if protocol < wire.WaitsSince || !g.here.Paused() {
		return nil
	}
	g.told = wire.WaitPause
	return c.send(ctx, &wire.Waits{For: g.told})
}

// tellWaits tells the other side what this one waits for, until every item has
// its result. To a device that does not know the frame it says nothing.
func (g *gate) tellWaits(ctx context.Context, c *control, m *Meter, protocol uint32, done <-chan struct{}) error {
	if protocol < wire.WaitsSince {
		return nil
	}
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	gap := time.NewTimer(0)
	defer gap.Stop()
	for {
		select { // a person's fingers are slower; a program's need not be
		case <-gap.C:
		case <-done:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		paused, changed := g.here.state()
		var now wire.WaitFlags
		if paused {
			now |= wire.WaitPause
		}
		if m.onDisk() {
			now |= wire.WaitDisk
		}
		if now != g.told {
			if err := c.send(ctx, &wire.Waits{For: now}); err != nil {
				return err
			}
			g.told = now
		}
		select {
		case <-changed:
		case <-tick.C:
		case <-done:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		gap.Reset(tellGap)
	}
}
