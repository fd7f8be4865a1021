package p2p

import (
	"sync"

	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// Bounds on what strangers may hold. A move needs two links.
const (
	maxLinks      = 64 // in all
	maxLinksPerIP = 8
	maxStreams    = 16 // of one link
)

// limits are the resource manager's: hard caps for everything.
func limits() rcmgr.ConcreteLimitConfig {
	base := rcmgr.ResourceLimits{
		Streams: 256, StreamsInbound: 128, StreamsOutbound: 128,
		Conns: maxLinks, ConnsInbound: maxLinks, ConnsOutbound: 32, FD: 64, Memory: 64 << 20,
	}
	peerLimit := rcmgr.ResourceLimits{
		Streams: 2 * maxStreams, StreamsInbound: maxStreams, StreamsOutbound: maxStreams,
		Conns: 8, ConnsInbound: 4, ConnsOutbound: 4, FD: 8, Memory: 16 << 20,
	}
	return rcmgr.PartialLimitConfig{
		System: base, Transient: base, PeerDefault: peerLimit, Conn: peerLimit,
		ServiceDefault: base, ServicePeerDefault: peerLimit, ProtocolDefault: base, ProtocolPeerDefault: peerLimit,
		Stream: rcmgr.ResourceLimits{Streams: 1, StreamsInbound: 1, StreamsOutbound: 1, Memory: 16 << 20},
	}.Build(rcmgr.InfiniteLimits)
}

// gate counts the links that others opened, by their address, and refuses those
// beyond the bounds.
type gate struct {
	mu    sync.Mutex
	perIP map[string]int // guarded by mu
}

func newGate() *gate { return &gate{perIP: map[string]int{}} }

func ipOf(a ma.Multiaddr) string {
	ip, err := manet.ToIP(a)
	if err != nil {
		return ""
	}
	return ip.String()
}

// admit counts a link in; the result says whether it may stay.
func (g *gate) admit(a ma.Multiaddr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	ip := ipOf(a)
	if g.perIP[ip] >= maxLinksPerIP {
		return false
	}
	g.perIP[ip]++
	return true
}

func (g *gate) leave(a ma.Multiaddr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	ip := ipOf(a)
	if g.perIP[ip]--; g.perIP[ip] <= 0 {
		delete(g.perIP, ip)
	}
}

// InterceptPeerDial and the four below are libp2p's ConnectionGater.
func (g *gate) InterceptPeerDial(peer.ID) bool { return true }

// InterceptAddrDial allows what the program itself dials.
func (g *gate) InterceptAddrDial(peer.ID, ma.Multiaddr) bool { return true }

// InterceptAccept sees a connection before its handshake.
func (g *gate) InterceptAccept(c network.ConnMultiaddrs) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.perIP[ipOf(c.RemoteMultiaddr())] < maxLinksPerIP
}

// InterceptSecured sees a connection when its key is proved.
func (g *gate) InterceptSecured(network.Direction, peer.ID, network.ConnMultiaddrs) bool { return true }

// InterceptUpgraded sees a connection that is ready.
func (g *gate) InterceptUpgraded(c network.Conn) (bool, control.DisconnectReason) {
	if c.Stat().Direction != network.DirInbound {
		return true, 0
	}
	return g.admit(c.RemoteMultiaddr()), 0
}

// notifee returns what tells the gate that a link ended.
func (g *gate) notifee() network.Notifiee {
	return &network.NotifyBundle{DisconnectedF: func(_ network.Network, c network.Conn) {
		if c.Stat().Direction == network.DirInbound {
			g.leave(c.RemoteMultiaddr())
		}
	}}
}
