package discovery

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/grandcat/zeroconf"

	"github.com/ferry-move/ferry/discovery/netif"
)

const (
	// roundLength is how often a Browser asks. zeroconf tells of each instance
	// once in a round, so this is also how often one is seen again.
	roundLength = 4 * time.Second
	sweepEvery  = 500 * time.Millisecond
)

// Options are what a Browser may be told. The zero value works.
type Options struct {
	// Loopback browses on the loopback interface alone, so that nothing leaves
	// this device: for demos and tests, also where there is no network at all.
	// Both sides have to ask for it. Without it, programs on one device find
	// each other through any local network.
	//
	// On Linux this works with lo as it is once it is up, over IPv4: a message
	// that names its interface needs neither the MULTICAST flag nor a route.
	// Multicast over IPv6 on lo would need a route.
	Loopback bool
	// Exclude is left out of the candidates: this device's own announcement.
	// The zero value excludes nothing.
	Exclude InstanceID
}

// Browser looks for instances until it is closed. Its methods are safe for use
// by several goroutines.
//
// Its goroutines: run does one round after the other and owns the ear; sweep
// ages the table; zeroconf and the ear hand in what they received from
// goroutines of their own, which run waits for.
type Browser struct {
	opt    Options // immutable
	net    seeker  // immutable
	table  *table  // has a lock of its own
	cancel func()  // immutable
	done   chan struct{}

	ear listener // owned by run; nil = no interface to listen on

	mu    sync.Mutex
	facts facts     // guarded by mu
	since time.Time // guarded by mu; when facts.interfacesOn came into use
}

// Browse looks for instances on every local interface, and on those that come
// later, until Close is called or ctx ends.
func Browse(ctx context.Context, o Options) *Browser { return browse(ctx, o, multicast{}) }

func browse(ctx context.Context, o Options, net seeker) *Browser {
	ctx, cancel := context.WithCancel(ctx)
	b := &Browser{opt: o, net: net, table: newTable(), cancel: cancel, done: make(chan struct{}), since: time.Now()}
	go b.run(ctx)
	return b
}

// Candidates returns who is there now, longest known first.
func (b *Browser) Candidates() []Candidate {
	b.mu.Lock()
	on := b.facts.interfacesOn
	b.mu.Unlock()
	return b.table.candidates(on)
}

// Changes returns a channel that holds one token whenever [Browser.Candidates]
// would return others than before: somebody came or went, or has another name
// or address. Being seen again is no change. It is closed when the Browser
// ends.
func (b *Browser) Changes() <-chan struct{} { return b.table.changed }

// Close ends browsing and returns when nothing of ours runs any more. The
// candidates stay as they were. Close may be called more than once.
func (b *Browser) Close() error {
	b.cancel()
	<-b.done
	return nil
}

// Diagnose says why nobody, or not everybody, may have been found. It is worth
// asking after ten seconds; silence is not judged before eight.
func (b *Browser) Diagnose() Diagnosis {
	now := time.Now()
	b.mu.Lock()
	f := b.facts
	f.watched = now.Sub(b.since)
	b.mu.Unlock()
	f.listens = true
	f.found, f.crowded = b.table.count(now)
	return diagnose(f)
}

func (b *Browser) run(ctx context.Context) {
	defer close(b.done)
	var wg sync.WaitGroup
	wg.Go(func() { b.sweep(ctx) })
	for ctx.Err() == nil {
		b.round(ctx)
	}
	if b.ear != nil {
		b.ear.close()
	}
	wg.Wait()
	close(b.table.changed) // nobody is left to signal
}

func (b *Browser) sweep(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			b.table.sweep(time.Now())
		}
	}
}

// round looks at the interfaces, asks, and collects answers for roundLength.
func (b *Browser) round(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, roundLength)
	defer cancel()
	on := b.look()
	if b.ear != nil {
		n, _ := b.table.count(time.Now())
		trouble := b.ear.ask(n == 0)
		b.mu.Lock()
		b.facts.send = trouble
		b.mu.Unlock()
	}
	if len(on) > 0 {
		err := b.net.seek(ctx, on, func(e *zeroconf.ServiceEntry) { b.found(e, on) })
		if errors.Is(err, errFlood) {
			b.table.flooded(time.Now())
			err = nil
		}
		b.mu.Lock()
		b.facts.failed = err
		b.mu.Unlock()
	}
	<-ctx.Done()
}

// look lists the interfaces and moves the ear to them if they are others than
// before. If they cannot be listed, the ones from before stay in use.
func (b *Browser) look() []netif.Interface {
	all, err := b.net.interfaces()
	b.mu.Lock()
	before := b.facts.interfacesOn
	if err != nil {
		b.facts.listErr = err
		b.mu.Unlock()
		return before
	}
	on := usable(all, b.opt.Loopback)
	b.facts.listErr, b.facts.all, b.facts.loopback = nil, all, b.opt.Loopback
	b.mu.Unlock()
	if same(on, before) {
		return on
	}
	if b.ear != nil {
		b.ear.close()
		b.ear = nil
	}
	b.mu.Lock()
	b.facts = facts{all: all, loopback: b.opt.Loopback, interfacesOn: on}
	b.since = time.Now()
	b.mu.Unlock()
	if len(on) == 0 {
		return nil
	}
	ear, trouble := b.net.listen(on, b.heard)
	b.ear = ear
	b.mu.Lock()
	b.facts.join = trouble
	b.mu.Unlock()
	return on
}

// found takes in what zeroconf received. What fails the checks is dropped: a
// stranger's nonsense is nobody's error.
func (b *Browser) found(e *zeroconf.ServiceEntry, on []netif.Interface) {
	s, err := parse(e)
	if err != nil || s.id == b.opt.Exclude {
		return
	}
	b.table.see(s, reachable(s, on), time.Now())
}

// heard takes in what the ear received. A goodbye counts if it came from an
// address of the instance, or if both are this device: on the loopback
// interface a message bears whichever of our addresses the system likes, or
// none.
func (b *Browser) heard(p packet) {
	b.mu.Lock()
	all := b.facts.all
	ours := p.from.IsUnspecified() || own(all, p.from)
	b.facts.heard = b.facts.heard || !ours
	b.mu.Unlock()
	for _, id := range goodbyes(p.data) {
		b.table.leave(id, func(a netip.Addr) bool { return a == p.from || ours && own(all, a) }, time.Now())
	}
}

// own reports whether a is an address of this device.
func own(all []netif.Interface, a netip.Addr) bool {
	return slices.ContainsFunc(all, func(i netif.Interface) bool {
		return slices.ContainsFunc(i.Prefixes, func(p netip.Prefix) bool { return p.Addr() == a })
	})
}
