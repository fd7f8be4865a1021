package p2p

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	mss "github.com/multiformats/go-multistream"
)

// ErrUnreachable means that no address answered.
var ErrUnreachable = errors.New("no answer at any address")

// ErrNoProtocol means that the other device does not speak a protocol.
var ErrNoProtocol = errors.New("the other device does not speak that protocol")

// ErrOtherDevice means that another device answered than the expected one.
var ErrOtherDevice = errors.New("another device answered")

// ErrSelf means that an address leads to this device itself: whoever answers there
// has its key.
var ErrSelf = errors.New("this device itself answered")

// ErrCrowded means that the other device serves as many links as it may, all in all
// or from this address.
var ErrCrowded = errors.New("the other device serves no more links")

// dialStagger is how long an address has for itself before the next is tried
// beside it.
const dialStagger = 150 * time.Millisecond

// Dial links to a device. All addresses are tried, and the first that answers and
// can be linked to wins: an address with a zone may answer, and libp2p does not
// link to it.
// expect is the device that must answer; empty takes whichever does, and it is
// then pairing's to find out who that is.
func (h *Host) Dial(ctx context.Context, addrs []netip.AddrPort, expect identity.DeviceID) (*Link, error) {
	if len(addrs) == 0 {
		return nil, ErrUnreachable
	}
	whole := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type answer struct {
		id   peer.ID
		addr ma.Multiaddr
		err  error
	}
	answers := make(chan answer, len(addrs))
	for i, a := range addrs {
		go func() {
			select {
			case <-time.After(time.Duration(i) * dialStagger):
			case <-ctx.Done():
				answers <- answer{err: ctx.Err()}
				return
			}
			m, err := multiaddr(a)
			if err != nil {
				answers <- answer{err: err}
				return
			}
			id, err := h.learn(ctx, m)
			answers <- answer{id, m, err}
		}()
	}
	var errs []error
	var won *Link
	for range addrs { // every goroutine is waited for
		a := <-answers
		switch {
		case won != nil:
		case a.err != nil:
			errs = append(errs, a.err)
		case expect != "" && identity.FromPeer(a.id) != expect:
			errs = append(errs, ErrOtherDevice)
		case identity.FromPeer(a.id) == h.ID():
			errs = append(errs, ErrSelf)
		default:
			link, err := h.connect(whole, a.id, a.addr)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			won = link
			cancel()
		}
	}
	if won == nil {
		if whole.Err() != nil {
			return nil, context.Cause(whole)
		}
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, errors.Join(errs...))
	}
	return won, nil
}

func (h *Host) connect(ctx context.Context, id peer.ID, addr ma.Multiaddr) (*Link, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	h.host.Peerstore().ClearAddrs(id) // where it was before, somebody else may be
	h.host.Peerstore().AddAddr(id, addr, peerstore.TempAddrTTL)
	c, err := h.host.Network().DialPeer(network.WithForceDirectDial(ctx, "ferry"), id)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	return h.link(c)
}

// learn asks who is at an address: it makes a handshake in which the other side
// proves its key, and ends it.
func (h *Host) learn(ctx context.Context, addr ma.Multiaddr) (peer.ID, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conf, key := h.tls.ConfigForPeer("")
	c, err := h.cm.DialQUIC(ctx, addr, conf, nil)
	if err != nil {
		return "", err
	}
	defer c.CloseWithError(0, "")
	select {
	case k := <-key:
		return peer.IDFromPublicKey(k)
	default:
		return "", errors.New("the handshake proved no key")
	}
}

func multiaddr(a netip.AddrPort) (ma.Multiaddr, error) {
	ip := a.Addr().Unmap()
	if !ip.IsValid() || a.Port() == 0 {
		return nil, errors.New("not an address with a port")
	}
	if z := ip.Zone(); z != "" {
		return ma.NewMultiaddr(fmt.Sprintf("/ip6zone/%s/ip6/%s/udp/%d/quic-v1", z, ip.WithZone(""), a.Port()))
	}
	m, err := manet.FromIP(ip.AsSlice())
	if err != nil {
		return nil, err
	}
	return m.Encapsulate(ma.StringCast(fmt.Sprintf("/udp/%d/quic-v1", a.Port()))), nil
}

// turnedAway says of an error of a link whether the other device ended it because it
// has too many.
func turnedAway(err error) error {
	var c *network.ConnError
	if errors.As(err, &c) && c.Remote && (c.ErrorCode == network.ConnGated || c.ErrorCode == network.ConnResourceLimitExceeded) {
		return fmt.Errorf("%w: %w", ErrCrowded, err)
	}
	return err
}

// ParseAddr reads an address as a person types it: host:port with an IP
// address, or a multiaddr such as /ip4/192.0.2.1/udp/4242/quic-v1.
func ParseAddr(s string) (netip.AddrPort, error) {
	if a, err := netip.ParseAddrPort(s); err == nil && a.Port() != 0 {
		return a, nil
	}
	m, err := ma.NewMultiaddr(s)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("not an address: want host:port or a multiaddr")
	}
	zone := ""
	if c := m[0]; c.Protocol().Code == ma.P_IP6ZONE {
		zone, m = c.Value(), m[1:]
	}
	if len(m) < 2 {
		return netip.AddrPort{}, errors.New("not an address: the multiaddr has no UDP port")
	}
	ip, err := m.ValueForProtocol(ma.P_IP4)
	if err != nil {
		if ip, err = m.ValueForProtocol(ma.P_IP6); err != nil {
			return netip.AddrPort{}, errors.New("not an address: the multiaddr has no IP address")
		}
	}
	port, err := m.ValueForProtocol(ma.P_UDP)
	if err != nil {
		return netip.AddrPort{}, errors.New("not an address: the multiaddr has no UDP port")
	}
	if zone != "" {
		ip += "%" + zone
	}
	a, err := netip.ParseAddrPort("[" + ip + "]:" + port)
	if err != nil || a.Port() == 0 {
		a, err = netip.ParseAddrPort(ip + ":" + port)
	}
	if err != nil || a.Port() == 0 {
		return netip.AddrPort{}, errors.New("not an address: want host:port or a multiaddr")
	}
	return a, nil
}

// negotiate agrees on a stream's protocol as libp2p hosts do.
func negotiate(ctx context.Context, s network.Stream, p Protocol) error {
	deadline := time.Now().Add(10 * time.Second)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	s.SetDeadline(deadline)
	defer s.SetDeadline(time.Time{})
	stop := context.AfterFunc(ctx, func() { s.Reset() })
	defer stop()
	_, err := mss.SelectOneOf([]string{string(p)}, s)
	if errors.Is(err, mss.ErrNotSupported[string]{}) {
		err = fmt.Errorf("%w: %w", ErrNoProtocol, err)
	}
	return err
}
