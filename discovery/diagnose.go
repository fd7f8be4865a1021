package discovery

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/ferry-move/ferry/discovery/netif"
)

// Cause is a reason why another device may not be found. Numbers and names are
// only ever added to.
type Cause uint8

const (
	// Unlisted: the system does not tell which interfaces there are.
	Unlisted Cause = 1
	// NoInterface: no network interface is up; Wi-Fi is off or not connected.
	NoInterface Cause = 2
	// NoMulticast: interfaces are up, and none of them can do multicast.
	NoMulticast Cause = 3
	// OnlyTunnel: a VPN is up and no local network beside it.
	OnlyTunnel Cause = 4
	// OnlyMobile: mobile data is up and no local network beside it.
	OnlyMobile Cause = 5
	// CannotJoin: on these interfaces we are not let listen to multicast.
	CannotJoin Cause = 6
	// CannotSend: on these interfaces sending is refused, as by a firewall.
	CannotSend Cause = 7
	// TunnelBeside: a VPN is up beside the local network. It may swallow what
	// is meant for that network.
	TunnelBeside Cause = 8
	// SeveralNetworks: this device is on several local networks; the other one
	// may be on one that this one is not.
	SeveralNetworks Cause = 9
	// Crowded: more candidates were announced than are kept; somebody may be
	// flooding the network.
	Crowded Cause = 10
	// NobodyHeard: not one multicast DNS message from any other device.
	// The access point may keep its guests apart or drop multicast, or the
	// system withholds it (Android without a multicast lock).
	NobodyHeard Cause = 11
	// NoAnswer: others are heard, so multicast works, and none of them is an
	// instance of ours. The other device does not announce itself, has a
	// firewall, or is on another subnet.
	NoAnswer Cause = 12
)

var causeNames = map[Cause]string{
	Unlisted: "unlisted", NoInterface: "no-interface", NoMulticast: "no-multicast", OnlyTunnel: "only-tunnel",
	OnlyMobile: "only-mobile", CannotJoin: "cannot-join", CannotSend: "cannot-send", TunnelBeside: "tunnel-beside",
	SeveralNetworks: "several-networks", Crowded: "crowded", NobodyHeard: "nobody-heard", NoAnswer: "no-answer",
}

// String returns the cause's name for logs; package ui/say has the sentences
// for people.
func (c Cause) String() string {
	if s, ok := causeNames[c]; ok {
		return s
	}
	return fmt.Sprintf("cause %d", uint8(c))
}

// Finding is one cause with what belongs to it.
type Finding struct {
	Cause Cause
	// Interfaces are the names of those concerned, in the order of their
	// indexes. Empty where the cause concerns none or all.
	Interfaces []string
	// Networks are the subnets, with SeveralNetworks.
	Networks []netip.Prefix
	// Err is the system's error, with Unlisted, CannotJoin and CannotSend.
	// errors.Is(Err, fs.ErrPermission) tells a missing permission.
	Err error
}

// String returns f for logs. It holds no address of any device.
func (f Finding) String() string {
	s := f.Cause.String()
	if len(f.Interfaces) > 0 {
		s += " (" + strings.Join(f.Interfaces, ", ") + ")"
	}
	if f.Err != nil {
		s += ": " + f.Err.Error()
	}
	return s
}

// Diagnosis is what is known on this device about why nobody was found.
type Diagnosis struct {
	// Findings has the most likely cause first. It is empty if nothing is
	// wrong or it is too early to tell.
	Findings []Finding
	// Interfaces are the names of the local interfaces in use.
	Interfaces []string
	// Watched is how long those interfaces have been in use. Whether anybody
	// is heard is judged from eight seconds on.
	Watched time.Duration
}

// Has reports whether c is among the findings.
func (d Diagnosis) Has(c Cause) bool {
	return slices.ContainsFunc(d.Findings, func(f Finding) bool { return f.Cause == c })
}

// String returns d for logs.
func (d Diagnosis) String() string {
	if len(d.Findings) == 0 {
		return "nothing found wrong"
	}
	parts := make([]string, len(d.Findings))
	for i, f := range d.Findings {
		parts[i] = f.String()
	}
	return strings.Join(parts, "; ")
}

// settle is how long to listen before silence means anything: two rounds.
const settle = 2 * roundLength

// trouble is an interface on which something fails in each family that it has.
type trouble struct {
	name string
	err  error
}

// facts is what findings are drawn from.
type facts struct {
	listErr      error
	all          []netif.Interface
	loopback     bool
	join, send   []trouble
	listens      bool          // false for an Announcer, which does not listen
	watched      time.Duration // since the present interfaces came into use
	heard        bool          // somebody else, meanwhile
	found        int
	crowded      bool
	failed       error // why nothing works although every interface could be joined
	interfacesOn []netif.Interface
}

// diagnose draws the findings, most likely cause first.
func diagnose(f facts) Diagnosis {
	d := Diagnosis{Watched: f.watched, Interfaces: names(f.interfacesOn)}
	add := func(c Cause, n []string, err error) {
		d.Findings = append(d.Findings, Finding{Cause: c, Interfaces: n, Err: err})
	}
	if f.listErr != nil {
		add(Unlisted, nil, f.listErr)
		return d
	}
	up := filter(f.all, func(i netif.Interface) bool {
		return i.Flags&net.FlagUp != 0 && i.Flags&net.FlagLoopback == 0
	})
	tunnels := filter(up, netif.Interface.Tunnel)
	mobile := filter(up, netif.Interface.Mobile)
	if len(usable(f.all, f.loopback)) == 0 {
		switch {
		case len(up) == 0:
			add(NoInterface, nil, nil)
		case len(up) > len(tunnels)+len(mobile):
			add(NoMulticast, names(up), nil)
		case len(tunnels) > 0:
			add(OnlyTunnel, names(tunnels), nil)
		default:
			add(OnlyMobile, names(mobile), nil)
		}
		return d
	}
	for _, t := range f.join {
		add(CannotJoin, []string{t.name}, t.err)
	}
	if f.failed != nil && len(f.join) == 0 {
		add(CannotJoin, names(f.interfacesOn), f.failed)
	}
	for _, t := range f.send {
		add(CannotSend, []string{t.name}, t.err)
	}
	if len(tunnels) > 0 {
		add(TunnelBeside, names(tunnels), nil)
	}
	if on, nets := networks(f.all); len(nets) > 1 {
		d.Findings = append(d.Findings, Finding{Cause: SeveralNetworks, Interfaces: on, Networks: nets})
	}
	if f.crowded {
		add(Crowded, nil, nil)
	}
	deaf := len(f.join) >= len(f.interfacesOn)
	if f.listens && f.found == 0 && !deaf && f.watched >= settle {
		if f.heard || f.loopback { // there, all that is heard is our own
			add(NoAnswer, nil, nil)
		} else {
			add(NobodyHeard, nil, nil)
		}
	}
	return d
}

// networks returns one subnet for each different local network that has a
// link, with the names of the interfaces. IPv4 tells networks apart best;
// where there is none, IPv6 does unless it is link-local, which is the same
// everywhere.
func networks(all []netif.Interface) (on []string, nets []netip.Prefix) {
	for _, i := range all {
		if !i.Local() || i.Flags&net.FlagRunning == 0 {
			continue
		}
		at := slices.IndexFunc(i.Prefixes, func(p netip.Prefix) bool { return p.Addr().Is4() })
		if at < 0 {
			at = slices.IndexFunc(i.Prefixes, func(p netip.Prefix) bool { return !p.Addr().IsLinkLocalUnicast() })
		}
		if at < 0 {
			continue
		}
		if p := i.Prefixes[at].Masked(); !slices.Contains(nets, p) {
			on, nets = append(on, i.Name), append(nets, p)
		}
	}
	return on, nets
}

// usable returns the interfaces to announce and to browse on.
func usable(all []netif.Interface, loopback bool) []netif.Interface {
	if loopback {
		return filter(all, netif.Interface.Loopback)
	}
	return filter(all, netif.Interface.Local)
}

func filter(in []netif.Interface, keep func(netif.Interface) bool) []netif.Interface {
	var out []netif.Interface
	for _, i := range in {
		if keep(i) {
			out = append(out, i)
		}
	}
	return out
}

func names(in []netif.Interface) []string {
	var out []string
	for _, i := range in {
		out = append(out, i.Name)
	}
	return out
}
