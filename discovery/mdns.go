package discovery

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grandcat/zeroconf"

	"github.com/ferry-move/ferry/discovery/netif"
)

const (
	// maxRound is how many entries and addresses one round may bring. zeroconf
	// keeps everything it heard until the round ends; a flood ends it early.
	maxRound = 4096
	// startUp is the least age at which a registration is withdrawn. zeroconf's
	// receivers count themselves in only once they run, and Shutdown must not
	// wait for them before that.
	startUp = 100 * time.Millisecond
)

// publisher makes services known.
type publisher interface {
	interfaces() ([]netif.Interface, error)
	// publish announces s until withdraw is called, which says goodbye. The
	// troubles are interfaces on which it is not announced.
	publish(s service, on []netif.Interface) (withdraw func(), _ []trouble, _ error)
}

// seeker finds services.
type seeker interface {
	interfaces() ([]netif.Interface, error)
	// seek asks on the interfaces and calls found with each entry until ctx
	// ends; found is not called after it returned. It returns errFlood when it
	// gave up before because there was too much, another error when it works
	// on none of the interfaces.
	seek(ctx context.Context, on []netif.Interface, found func(*zeroconf.ServiceEntry)) error
	// listen hears all that is said on the interfaces.
	listen(on []netif.Interface, handle func(packet)) (listener, []trouble)
}

// listener is an ear, or what stands for it in a test.
type listener interface {
	ask(all bool) []trouble
	close()
}

// multicast is the real publisher and seeker.
type multicast struct{}

func (multicast) interfaces() ([]netif.Interface, error) { return netif.List() }

var (
	errNoInterface = errors.New("multicast DNS works on no interface")
	errFlood       = errors.New("too many announcements")
)

// publish registers with zeroconf only where joining works: zeroconf writes
// what it cannot join to the standard logger. One line remains where one IP
// version works on none of the interfaces.
func (multicast) publish(s service, on []netif.Interface) (func(), []trouble, error) {
	probe, troubles := openEar(on)
	probe.close()
	on = filter(on, func(i netif.Interface) bool {
		return !slices.ContainsFunc(troubles, func(t trouble) bool { return t.name == i.Name })
	})
	if len(on) == 0 {
		return nil, troubles, errNoInterface
	}
	server, err := zeroconf.RegisterProxy(s.id.String(), serviceType, domain, s.port,
		"ferry-"+s.id.String(), announced(on), s.text(), interfacesOf(on))
	if err != nil {
		return nil, troubles, fmt.Errorf("register: %w", err)
	}
	since := time.Now()
	return func() {
		time.Sleep(startUp - time.Since(since))
		server.Shutdown()
	}, troubles, nil
}

// announced returns the addresses to announce: those of the interfaces, the
// most useful first, at most MaxAddrs.
func announced(on []netif.Interface) []string {
	var addrs []netip.AddrPort
	for _, i := range on {
		for _, p := range i.Prefixes {
			addrs = append(addrs, netip.AddrPortFrom(p.Addr(), 0))
		}
	}
	sortAddrs(addrs, on)
	addrs = slices.Compact(addrs)
	var out []string
	for _, a := range addrs[:min(len(addrs), MaxAddrs)] {
		out = append(out, a.Addr().String())
	}
	return out
}

// seek runs one zeroconf browser for each IP version, so that one can fail
// without the other. It returns when zeroconf has handed over its last entry;
// zeroconf's receivers end with their sockets just after that.
func (multicast) seek(ctx context.Context, on []netif.Interface, found func(*zeroconf.ServiceEntry)) error {
	var wg sync.WaitGroup
	var flood atomic.Bool
	var errs []error
	tried := 0
	for _, f := range []struct {
		version zeroconf.IPType
		has     func(netif.Interface) bool
	}{{zeroconf.IPv4, netif.Interface.Has4}, {zeroconf.IPv6, netif.Interface.Has6}} {
		with := filter(on, f.has)
		if len(with) == 0 {
			continue // given none, zeroconf would list them itself
		}
		tried++
		r, err := zeroconf.NewResolver(zeroconf.SelectIPTraffic(f.version), zeroconf.SelectIfaces(interfacesOf(with)))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		round, stop := context.WithCancel(ctx)
		entries := make(chan *zeroconf.ServiceEntry)
		wg.Go(func() {
			defer stop()
			n := 0
			for e := range entries { // to the end: zeroconf blocks on it
				n += 1 + len(e.AddrIPv4) + len(e.AddrIPv6)
				if n > maxRound {
					flood.Store(true)
					stop()
					continue
				}
				found(e)
			}
		})
		if err := r.Browse(round, serviceType, domain, entries); err != nil {
			stop()
			errs = append(errs, err)
		}
	}
	wg.Wait()
	if flood.Load() {
		return errFlood
	}
	if tried > len(errs) {
		return nil
	}
	return errors.Join(errs...)
}

func interfacesOf(on []netif.Interface) []net.Interface {
	var out []net.Interface
	for _, i := range on {
		out = append(out, *plain(i))
	}
	return out
}

func (multicast) listen(on []netif.Interface, handle func(packet)) (listener, []trouble) {
	e, troubles := openEar(on)
	e.listen(handle)
	return e, troubles
}
