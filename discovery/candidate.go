package discovery

import (
	"cmp"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/grandcat/zeroconf"

	"github.com/ferry-move/ferry/discovery/netif"
)

// Limits of what others can make us keep.
const (
	// MaxCandidates is the most candidates known at a time.
	MaxCandidates = 500
	// MaxAddrs is the most addresses of one candidate.
	MaxAddrs = 32

	maxTextStrings = 32
	maxProtocol    = 1<<16 - 1
)

// Candidate is a device that may be the one a person is looking for. All of it
// is what somebody on the network claims.
type Candidate struct {
	Instance InstanceID
	// Name is for showing: at most [MaxName] runes, no control characters.
	// Empty = the device gave none that can be shown.
	Name string
	// Form is what it says that it looks like.
	Form Form
	// Protocol is the discovery protocol it speaks, at least 1. One above
	// [Protocol] belongs to a later release.
	Protocol int
	// Addrs are where it may be reached, best first, at least one and at most
	// [MaxAddrs]: our own subnets, IPv4 before IPv6, link-local IPv6 last.
	// Link-local ones carry the number of an interface of ours as their zone,
	// once for each interface, as an announcement does not tell which.
	Addrs []netip.AddrPort
	// FirstSeen and LastSeen are by this device's clock.
	FirstSeen, LastSeen time.Time
}

// sighting is one announcement after checking.
type sighting struct {
	id       InstanceID
	name     string
	form     Form
	protocol int
	port     uint16
	addrs    []netip.Addr // without zones
}

var (
	errNotOurs  = errors.New("not an instance of ours")
	errPort     = errors.New("port out of range")
	errProtocol = errors.New("protocol number out of range")
)

// parse checks what was received: everything in e is a stranger's.
func parse(e *zeroconf.ServiceEntry) (sighting, error) {
	id, err := ParseInstanceID(e.Instance)
	if err != nil {
		return sighting{}, errNotOurs
	}
	said, _ := lookup(e.Text, "id")
	if said != e.Instance {
		return sighting{}, errNotOurs
	}
	if e.Port < 1 || e.Port > 1<<16-1 {
		return sighting{}, errPort
	}
	v, _ := lookup(e.Text, "v")
	protocol, err := strconv.Atoi(v)
	if err != nil || protocol < 1 || protocol > maxProtocol || strconv.Itoa(protocol) != v {
		return sighting{}, errProtocol
	}
	name, _ := lookup(e.Text, "n")
	form, _ := lookup(e.Text, "d")
	s := sighting{id: id, name: clean(name), form: parseForm(form), protocol: protocol, port: uint16(e.Port)}
	for _, ip := range slices.Concat(capped(e.AddrIPv4), capped(e.AddrIPv6)) {
		a, ok := netip.AddrFromSlice(ip)
		if !ok {
			continue
		}
		a = a.Unmap()
		if !slices.Contains(s.addrs, a) {
			s.addrs = append(s.addrs, a)
		}
	}
	return s, nil
}

func capped(ips []net.IP) []net.IP { return ips[:min(len(ips), 2*MaxAddrs)] }

// lookup returns the value of the first string that has this key, as RFC 6763
// wants it.
func lookup(text []string, key string) (string, bool) {
	for _, s := range text[:min(len(text), maxTextStrings)] {
		k, v, ok := strings.Cut(s, "=")
		if ok && strings.EqualFold(k, key) {
			return unescape(v), true
		}
	}
	return "", false
}

// reachable turns the addresses of a sighting into those worth trying from
// these interfaces. Loopback addresses count only if one of on is the loopback
// interface. Public addresses count only inside our own subnets: no announcement
// makes us send anything out of the house.
func reachable(s sighting, on []netif.Interface) []netip.AddrPort {
	var out []netip.AddrPort
	for _, a := range s.addrs {
		link := slices.ContainsFunc(on, func(i netif.Interface) bool { return i.Contains(a) })
		switch {
		case !a.IsValid() || a.IsUnspecified() || a.IsMulticast() || a.IsLoopback() && !link:
			continue
		case a.Is6() && a.IsLinkLocalUnicast():
			for _, i := range on {
				if i.Contains(a) {
					out = append(out, netip.AddrPortFrom(a.WithZone(strconv.Itoa(i.Index)), s.port))
				}
			}
		case link || a.IsPrivate() || a.IsLinkLocalUnicast():
			out = append(out, netip.AddrPortFrom(a, s.port))
		}
	}
	sortAddrs(out, on)
	return out[:min(len(out), MaxAddrs)]
}

// sortAddrs puts the address that is most likely to work first.
func sortAddrs(addrs []netip.AddrPort, on []netif.Interface) {
	rank := func(a netip.Addr) int {
		link := slices.ContainsFunc(on, func(i netif.Interface) bool { return i.Contains(a) })
		switch {
		case a.IsLoopback():
			return 5
		case a.Is6() && a.IsLinkLocalUnicast():
			return 4
		case link && a.Is4():
			return 0
		case link:
			return 1
		case a.Is4():
			return 2
		}
		return 3
	}
	slices.SortFunc(addrs, func(a, b netip.AddrPort) int {
		return cmp.Or(cmp.Compare(rank(a.Addr()), rank(b.Addr())), a.Compare(b))
	})
}
