package discovery

import (
	"net"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/ferry-move/ferry/discovery/netif"
)

func TestDiagnose(t *testing.T) {
	const ptp = net.FlagUp | net.FlagPointToPoint | net.FlagMulticast | net.FlagRunning
	tun := iface(6, "tun0", ptp, "10.8.0.2/24")
	rmnet := iface(7, "rmnet0", ptp, "100.70.0.2/30")
	usb := iface(5, "usb0", lanFlags, "192.168.42.1/24")
	off := iface(3, "wlan0", lanFlags&^net.FlagUp, "192.168.7.20/24")
	dumb := iface(4, "eth0", lanFlags&^net.FlagMulticast, "192.168.9.2/24")
	idle := iface(8, "docker0", lanFlags&^net.FlagRunning, "172.17.0.1/16")
	same := iface(9, "eth1", lanFlags, "192.168.7.21/24")
	only6 := iface(10, "eth2", lanFlags, "fe80::1/64", "fd00:1::1/64")
	nets := func(s ...string) []netip.Prefix {
		var out []netip.Prefix
		for _, p := range s {
			out = append(out, netip.MustParsePrefix(p))
		}
		return out
	}
	for _, c := range []struct {
		name  string
		facts facts
		want  []Finding
	}{
		{"fine", facts{all: []netif.Interface{loopback(), wlan()}}, nil},
		{"unknown", facts{listErr: errFake}, []Finding{{Cause: Unlisted, Err: errFake}}},
		{"nothing", facts{}, []Finding{{Cause: NoInterface}}},
		{"loopback only", facts{all: []netif.Interface{loopback()}}, []Finding{{Cause: NoInterface}}},
		{"loopback as asked", facts{all: []netif.Interface{loopback()}, loopback: true}, nil},
		{"nobody on the loopback", facts{all: []netif.Interface{loopback()}, loopback: true, listens: true, watched: settle}, []Finding{{Cause: NoAnswer}}},
		{"Wi-Fi off", facts{all: []netif.Interface{loopback(), off}}, []Finding{{Cause: NoInterface}}},
		{"no multicast", facts{all: []netif.Interface{dumb, tun}}, []Finding{{Cause: NoMulticast, Interfaces: []string{"eth0", "tun0"}}}},
		{"VPN only", facts{all: []netif.Interface{tun, rmnet}}, []Finding{{Cause: OnlyTunnel, Interfaces: []string{"tun0"}}}},
		{"mobile only", facts{all: []netif.Interface{rmnet}}, []Finding{{Cause: OnlyMobile, Interfaces: []string{"rmnet0"}}}},
		{"mobile beside", facts{all: []netif.Interface{wlan(), rmnet}}, nil},
		{"VPN beside", facts{all: []netif.Interface{wlan(), tun}}, []Finding{{Cause: TunnelBeside, Interfaces: []string{"tun0"}}}},
		{"two networks", facts{all: []netif.Interface{wlan(), usb, idle, same}}, []Finding{{Cause: SeveralNetworks,
			Interfaces: []string{"wlan0", "usb0"}, Networks: nets("192.168.7.0/24", "192.168.42.0/24")}}},
		{"two networks, one without IPv4", facts{all: []netif.Interface{wlan(), only6}}, []Finding{{Cause: SeveralNetworks,
			Interfaces: []string{"wlan0", "eth2"}, Networks: nets("192.168.7.0/24", "fd00:1::/64")}}},
		{"deaf", facts{all: []netif.Interface{wlan()}, join: []trouble{{"wlan0", errFake}}, listens: true, watched: settle},
			[]Finding{{Cause: CannotJoin, Interfaces: []string{"wlan0"}, Err: errFake}}},
		{"half deaf", facts{all: []netif.Interface{wlan(), same}, join: []trouble{{"wlan0", errFake}}, listens: true, watched: settle},
			[]Finding{{Cause: CannotJoin, Interfaces: []string{"wlan0"}, Err: errFake}, {Cause: NobodyHeard}}},
		{"too early", facts{all: []netif.Interface{wlan()}, listens: true, watched: settle - time.Nanosecond}, nil},
		{"somebody found", facts{all: []netif.Interface{wlan()}, listens: true, watched: settle, found: 1}, nil},
		{"somebody heard", facts{all: []netif.Interface{wlan()}, listens: true, watched: settle, heard: true}, []Finding{{Cause: NoAnswer}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.facts.interfacesOn = usable(c.facts.all, c.facts.loopback)
			got := diagnose(c.facts)
			if !reflect.DeepEqual(got.Findings, c.want) {
				t.Errorf("got %v", got)
			}
			for _, f := range c.want {
				if !got.Has(f.Cause) {
					t.Errorf("Has(%v) is false", f.Cause)
				}
			}
		})
	}
}

// TestUsable: what keeps to this device uses no network.
func TestUsable(t *testing.T) {
	all := []netif.Interface{loopback(), wlan()}
	for _, c := range []struct {
		loopback bool
		want     []string
	}{{false, []string{wlan().Name}}, {true, []string{loopback().Name}}} {
		if got := names(usable(all, c.loopback)); !slices.Equal(got, c.want) {
			t.Errorf("loopback %v: got %q, want %q", c.loopback, got, c.want)
		}
	}
}

// TestCauseNames keeps the names apart and complete; logs and scripts rely on
// them.
func TestCauseNames(t *testing.T) {
	var seen []string
	for c := Unlisted; c <= NoAnswer; c++ {
		s := c.String()
		if _, ok := causeNames[c]; !ok || slices.Contains(seen, s) {
			t.Errorf("%d is called %q", c, s)
		}
		seen = append(seen, s)
	}
	if got := (Diagnosis{Findings: []Finding{{Cause: CannotSend, Interfaces: []string{"wlan0", "usb0"}, Err: errFake}, {Cause: NobodyHeard}}}).String(); got !=
		"cannot-send (wlan0, usb0): fake; nobody-heard" {
		t.Errorf("%q", got)
	}
	if Cause(200).String() != "cause 200" || (Diagnosis{}).String() != "nothing found wrong" {
		t.Error("no name for what has none")
	}
}
