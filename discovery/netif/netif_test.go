package netif

import (
	"net"
	"net/netip"
	"slices"
	"testing"
)

// TestList compares with the standard library where that works; under the
// emulated denial it does not, and List has to work all the same.
func TestList(t *testing.T) {
	got, err := List()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(got, func(a, b Interface) int { return a.Index - b.Index }) {
		t.Error("not in the order of the indexes")
	}
	std, err := net.Interfaces()
	if err != nil {
		t.Logf("nothing to compare with: %v", err)
		if len(got) == 0 {
			t.Error("no interface found, not even loopback")
		}
		return
	}
	for _, want := range std {
		addrs, err := want.Addrs()
		if err != nil || len(addrs) == 0 {
			continue
		}
		at := slices.IndexFunc(got, func(i Interface) bool { return i.Index == want.Index })
		if at < 0 {
			t.Errorf("interface %d is missing", want.Index)
			continue
		}
		have := got[at]
		if have.Name != want.Name || have.MTU != want.MTU || have.Flags != want.Flags {
			t.Errorf("have %+v, want %+v", have.Interface, want)
		}
		for _, a := range addrs {
			p, err := netip.ParsePrefix(a.String())
			if err != nil || !slices.Contains(have.Prefixes, p) {
				t.Errorf("interface %d: an address is missing (%v)", want.Index, err)
			}
		}
	}
}

func TestPredicates(t *testing.T) {
	const lan = net.FlagUp | net.FlagBroadcast | net.FlagMulticast | net.FlagRunning
	const ptp = net.FlagUp | net.FlagPointToPoint | net.FlagMulticast
	for _, c := range []struct {
		name                          string
		flags                         net.Flags
		bare                          bool // has no address
		usable, tunnel, mobile, local bool
	}{
		{name: "wlan0", flags: lan, usable: true, local: true},
		{name: "swlan0", flags: lan, usable: true, local: true},
		{name: "ap0", flags: lan, usable: true, local: true},
		{name: "p2p-wlan0-0", flags: lan, usable: true, local: true},
		{name: "Wi-Fi", flags: lan, usable: true, local: true},
		{name: "tuner", flags: lan, usable: true, local: true},
		{name: "wlan0", flags: lan &^ net.FlagUp},
		{name: "wlan0", flags: lan &^ net.FlagMulticast},
		{name: "wlan0", flags: lan, bare: true},
		{name: "lo", flags: net.FlagUp | net.FlagLoopback | net.FlagMulticast},
		{name: "tun0", flags: ptp, usable: true, tunnel: true},
		{name: "tun", flags: lan, usable: true, tunnel: true},
		{name: "tap0", flags: lan, usable: true, tunnel: true},
		{name: "wg-home", flags: net.FlagUp, tunnel: true},
		{name: "utun3", flags: ptp, usable: true, tunnel: true},
		{name: "ppp0", flags: ptp, usable: true, tunnel: true},
		{name: "ipsec1", flags: lan, usable: true, tunnel: true},
		{name: "ztabcdef", flags: lan, usable: true, tunnel: true},
		{name: "something9", flags: ptp, usable: true, tunnel: true},
		{name: "rmnet_data2", flags: ptp, usable: true, mobile: true},
		{name: "ccmni0", flags: lan, usable: true, mobile: true},
	} {
		i := Interface{Interface: net.Interface{Index: 1, Name: c.name, Flags: c.flags}}
		if !c.bare {
			i.Prefixes = []netip.Prefix{netip.MustParsePrefix("10.0.0.1/8")}
		}
		if i.Usable() != c.usable || i.Tunnel() != c.tunnel || i.Mobile() != c.mobile || i.Local() != c.local {
			t.Errorf("%s %v: usable %v tunnel %v mobile %v local %v", c.name, c.flags, i.Usable(), i.Tunnel(), i.Mobile(), i.Local())
		}
	}
}

func TestContains(t *testing.T) {
	i := Interface{Prefixes: []netip.Prefix{netip.MustParsePrefix("192.168.7.20/24"), netip.MustParsePrefix("fe80::2/64")}}
	if !i.Has4() || !i.Has6() || (Interface{}).Has4() || (Interface{}).Has6() {
		t.Error("Has4 or Has6 is wrong")
	}
	for addr, want := range map[string]bool{
		"192.168.7.99": true, "192.168.8.99": false, "::ffff:192.168.7.1": true,
		"fe80::77": true, "fe80::77%4": true, "2001:db8::1": false,
	} {
		if got := i.Contains(netip.MustParseAddr(addr)); got != want {
			t.Errorf("Contains(%s) = %v", addr, got)
		}
	}
}
