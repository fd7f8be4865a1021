package discovery

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"testing"

	"github.com/grandcat/zeroconf"

	"github.com/ferry-move/ferry/discovery/netif"
)

const lanFlags = net.FlagUp | net.FlagBroadcast | net.FlagMulticast | net.FlagRunning

func iface(index int, name string, flags net.Flags, prefixes ...string) netif.Interface {
	i := netif.Interface{Interface: net.Interface{Index: index, Name: name, Flags: flags}}
	for _, p := range prefixes {
		i.Prefixes = append(i.Prefixes, netip.MustParsePrefix(p))
	}
	return i
}

func wlan() netif.Interface {
	return iface(3, "wlan0", lanFlags, "192.168.7.20/24", "fe80::20/64", "2001:db8:7::20/64")
}

func loopback() netif.Interface {
	return iface(1, "lo", net.FlagUp|net.FlagLoopback|net.FlagRunning, "127.0.0.1/8", "::1/128")
}

// fakeNet is a publisher and a seeker without a network. Its seek hands over
// what is on at the start of the round, and what is sent to extra meanwhile.
type fakeNet struct {
	extra chan *zeroconf.ServiceEntry

	mu         sync.Mutex
	ifs        []netif.Interface
	listErr    error
	publishErr error
	seekErr    error
	join, send []trouble
	on         []*zeroconf.ServiceEntry
	published  [][]netif.Interface
	services   []service
	withdrawn  int
	handle     func(packet)
	asked      []bool
	open       int // ears
}

func newFakeNet(ifs ...netif.Interface) *fakeNet {
	return &fakeNet{ifs: ifs, extra: make(chan *zeroconf.ServiceEntry)}
}

func (f *fakeNet) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fakeNet) interfaces() ([]netif.Interface, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ifs, f.listErr
}

func (f *fakeNet) publish(s service, on []netif.Interface) (func(), []trouble, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.publishErr != nil {
		return nil, f.join, f.publishErr
	}
	f.published = append(f.published, on)
	f.services = append(f.services, s)
	return func() { f.set(func() { f.withdrawn++ }) }, f.join, nil
}

func (f *fakeNet) seek(ctx context.Context, _ []netif.Interface, found func(*zeroconf.ServiceEntry)) error {
	f.mu.Lock()
	on, err := f.on, f.seekErr
	f.mu.Unlock()
	if err != nil {
		return err
	}
	for _, e := range on {
		found(e)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-f.extra:
			found(e)
		}
	}
}

func (f *fakeNet) listen(_ []netif.Interface, handle func(packet)) (listener, []trouble) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.handle = handle
	f.open++
	return f, f.join
}

func (f *fakeNet) ask(all bool) []trouble {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, all)
	return f.send
}

func (f *fakeNet) close() { f.set(func() { f.open-- }) }

// hear hands a packet to the Browser's ear.
func (f *fakeNet) hear(from string, data []byte) {
	f.mu.Lock()
	handle := f.handle
	f.mu.Unlock()
	handle(packet{from: netip.MustParseAddr(from), data: data})
}

// entry is what zeroconf hands over for a well-behaved instance.
func entry(id InstanceID, name string, port int, addrs ...string) *zeroconf.ServiceEntry {
	e := zeroconf.NewServiceEntry(id.String(), serviceType, domain)
	e.Port = port
	e.HostName = "ferry-" + id.String() + ".local."
	e.Text = service{id: id, port: port, name: name}.text()
	e.TTL = 120
	for _, s := range addrs {
		a := netip.MustParseAddr(s)
		if a.Is4() {
			e.AddrIPv4 = append(e.AddrIPv4, a.AsSlice())
		} else {
			e.AddrIPv6 = append(e.AddrIPv6, a.AsSlice())
		}
	}
	return e
}

func id(n byte) InstanceID { return InstanceID{0xab, 7: n} }

func addrPorts(t testing.TB, in ...string) []netip.AddrPort {
	t.Helper()
	var out []netip.AddrPort
	for _, s := range in {
		out = append(out, netip.MustParseAddrPort(s))
	}
	return out
}

var errFake = errors.New("fake")
