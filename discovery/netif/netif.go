// Package netif lists this device's network interfaces and their addresses.
//
// Android 11 and later refuse an app everything that net.Interfaces needs: to
// bind a netlink socket and to ask for links. On Linux and Android this package
// asks for addresses only, on a socket it does not bind, and fills in names and
// flags with ioctls. Other systems use net.Interfaces.
//
// Its worst moment is an answer that is cut or makes no sense: then there is an
// error and no list, because half a list would quietly leave out the one network
// that both phones share.
package netif

import (
	"net"
	"net/netip"
	"strings"
)

// Interface is a network interface with its addresses.
type Interface struct {
	// Interface has no hardware address on Linux and Android.
	net.Interface
	// Prefixes are the addresses, each with the length of its subnet's prefix
	// and with its host bits. IPv6 link-local ones have no zone; it is Index.
	Prefixes []netip.Prefix
}

// Usable reports whether i can take part in multicast with other devices: it
// is up, multicast-capable, has an address and is not the loopback interface.
// Tunnels and mobile data may be usable in this sense too; see [Interface.Local].
func (i Interface) Usable() bool {
	return i.Flags&net.FlagUp != 0 && i.Flags&net.FlagMulticast != 0 &&
		i.Flags&net.FlagLoopback == 0 && len(i.Prefixes) > 0
}

// Tunnel reports whether i leads to a network that is somewhere else: a VPN
// or another point-to-point link. Mobile data is told apart by
// [Interface.Mobile].
func (i Interface) Tunnel() bool {
	if i.Mobile() {
		return false
	}
	return i.Flags&net.FlagPointToPoint != 0 || named(i.Name, "tun", "tap", "wg", "ppp", "utun", "ipsec",
		"tailscale", "zt", "nordlynx", "vti", "gre", "sit", "ip6tnl", "tunl")
}

// Mobile reports whether i looks like a phone's mobile data connection.
func (i Interface) Mobile() bool {
	return named(i.Name, "rmnet", "r_rmnet", "ccmni", "ccemni", "pdp_ip", "wwan", "v4-rmnet", "v4-ccmni", "clat")
}

// Local reports whether i is usable and leads to a network around this
// device: Wi-Fi, cable, USB, or a hotspot of its own.
func (i Interface) Local() bool { return i.Usable() && !i.Tunnel() && !i.Mobile() }

// Loopback reports whether i is the loopback interface, up and with an
// address.
func (i Interface) Loopback() bool {
	return i.Flags&net.FlagUp != 0 && i.Flags&net.FlagLoopback != 0 && len(i.Prefixes) > 0
}

// Has4 reports whether i has an IPv4 address.
func (i Interface) Has4() bool { return i.has(netip.Addr.Is4) }

// Has6 reports whether i has an IPv6 address.
func (i Interface) Has6() bool { return i.has(netip.Addr.Is6) }

func (i Interface) has(is func(netip.Addr) bool) bool {
	for _, p := range i.Prefixes {
		if is(p.Addr()) {
			return true
		}
	}
	return false
}

// Contains reports whether a lies in one of i's subnets. The zone of a is not
// looked at.
func (i Interface) Contains(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, p := range i.Prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// named reports whether name is one of the kinds, with or without more behind
// it that is not a letter: "tun0" and "wg-home" are, "tuner" is not.
func named(name string, kinds ...string) bool {
	name = strings.ToLower(name)
	for _, k := range kinds {
		rest, ok := strings.CutPrefix(name, k)
		if ok && (rest == "" || rest[0] < 'a' || rest[0] > 'z' || k == "zt" || k == "rmnet") {
			return true
		}
	}
	return false
}
