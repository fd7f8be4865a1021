package discovery

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ferry-move/ferry/discovery/netif"
)

// pollEvery is how often an Announcer looks for changes of the interfaces.
const pollEvery = 3 * time.Second

// Announcement is what to make known.
type Announcement struct {
	// Name is shown to the person at the other device: a model name, never
	// somebody's own. It is cleaned and cut to [MaxName] runes; it may be
	// empty.
	Name string
	// Port is the UDP port to be reached at, 1 to 65535.
	Port int
	// Loopback announces on the loopback interface alone. See [Options].
	Loopback bool
}

// Announcer makes one instance known until it is closed.
type Announcer struct {
	id       InstanceID    // immutable
	loopback bool          // immutable
	net      publisher     // immutable
	svc      service       // immutable
	cancel   func()        // immutable
	done     chan struct{} // closed when nothing runs any more

	// Owned by whoever calls step: Announce, then run.
	on       []netif.Interface
	withdraw func() // nil = not announced

	mu    sync.Mutex
	facts facts     // guarded by mu
	since time.Time // guarded by mu; when facts.interfacesOn came into use
}

// Announce makes this device known on every local interface, and on those that
// come later, until Close is called or ctx ends. That there is none now, or
// that announcing fails, is no error: it keeps looking, and Diagnose says so.
func Announce(ctx context.Context, a Announcement) (*Announcer, error) {
	return announce(ctx, a, multicast{})
}

func announce(ctx context.Context, what Announcement, net publisher) (*Announcer, error) {
	if what.Port < 1 || what.Port > 1<<16-1 {
		return nil, fmt.Errorf("announce: %w: %d", errPort, what.Port)
	}
	id := newInstanceID()
	ctx, cancel := context.WithCancel(ctx)
	a := &Announcer{
		id:       id,
		loopback: what.Loopback,
		net:      net,
		svc:      service{id: id, port: what.Port, name: clean(what.Name), form: ownForm()},
		cancel:   cancel,
		done:     make(chan struct{}),
		since:    time.Now(),
	}
	a.step()
	go a.run(ctx)
	return a, nil
}

// Instance returns the ID under which this device is announced.
func (a *Announcer) Instance() InstanceID { return a.id }

// Close says goodbye and returns when the sockets are closed and nothing of
// ours runs any more. zeroconf cannot be stopped from counting to three: one
// goroutine of its own, without an open socket, may end up to four seconds
// after the last registration. Close may be called more than once.
func (a *Announcer) Close() error {
	a.cancel()
	<-a.done
	return nil
}

// Diagnose says what is wrong on this device. An Announcer does not listen; to
// know whether anybody is heard takes a [Browser].
func (a *Announcer) Diagnose() Diagnosis {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.facts
	f.watched = time.Since(a.since)
	return diagnose(f)
}

func (a *Announcer) run(ctx context.Context) {
	defer close(a.done)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			a.stop()
			return
		case <-tick.C:
			if ctx.Err() == nil {
				a.step()
			}
		}
	}
}

func (a *Announcer) stop() {
	if a.withdraw != nil {
		a.withdraw()
		a.withdraw = nil
	}
}

// step announces anew if the interfaces or their addresses are others than
// before, or if it failed before. If they cannot be listed, what is announced
// stays.
func (a *Announcer) step() {
	all, err := a.net.interfaces()
	if err != nil {
		a.mu.Lock()
		a.facts.listErr = err
		a.mu.Unlock()
		return
	}
	on := usable(all, a.loopback)
	f := facts{all: all, loopback: a.loopback, interfacesOn: on}
	if a.withdraw != nil && same(on, a.on) {
		a.mu.Lock()
		f.join = a.facts.join
		a.facts = f
		a.mu.Unlock()
		return
	}
	a.stop()
	changed := !same(on, a.on)
	a.on = on
	if len(on) > 0 {
		a.withdraw, f.join, f.failed = a.net.publish(a.svc, on)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.facts = f
	if changed {
		a.since = time.Now()
	}
}

// same reports whether two lists have the same interfaces with the same
// addresses. The order in which a system lists addresses does not count.
func same(a, b []netif.Interface) bool {
	return slices.EqualFunc(a, b, func(x, y netif.Interface) bool {
		if x.Index != y.Index || x.Name != y.Name || len(x.Prefixes) != len(y.Prefixes) {
			return false
		}
		for _, p := range x.Prefixes {
			if !slices.Contains(y.Prefixes, p) {
				return false
			}
		}
		return true
	})
}
