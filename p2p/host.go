// Package p2p gives authenticated links between two devices, or none.
//
// A [Host] is this device on the network: a go-libp2p host put together by hand
// from its swarm and its QUIC transport, and nothing else. There is no TCP, no
// relay, no DHT, no NAT service; it speaks to nobody that it was not told to
// dial or that did not dial it.
//
// A [Link] is one QUIC connection to one device whose Ed25519 key the TLS 1.3
// handshake proved. It carries [Stream]s (pairing, the session's control
// stream). Content travels over lanes: further QUIC connections to the same
// UDP port with an ALPN of their own, authenticated by the same keys, because
// on Wi-Fi one connection's congestion control leaves most of the link unused.
//
// A link proves which key is at the other end. It does not say whose device
// that is: only pairing does.
//
// The worst moment is before pairing, when anyone on the network may knock.
// Connections are then bounded in number, in all and for each address, and in
// what they may hold.
package p2p

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
	basichost "github.com/libp2p/go-libp2p/p2p/host/basic"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/libp2p/go-libp2p/p2p/host/peerstore/pstoremem"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	libp2pquic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	"github.com/quic-go/quic-go"
)

// Protocol names a kind of stream on a link.
type Protocol string

// The protocols of this program. The number changes only when two versions can
// no longer talk on such a stream at all.
const (
	PairProtocol    Protocol = "/ferry/pair/1"
	SessionProtocol Protocol = "/ferry/session/1"
	AgainProtocol   Protocol = "/ferry/again/1"
	PreviewProtocol Protocol = "/ferry/preview/1"
)

// Config says how a host is made.
type Config struct {
	Key *identity.Key
	// Listen makes the host reachable. A host that only dials needs no port.
	Listen bool
	// Port is the UDP port to listen on. 0 = one that is free.
	Port int
	// Loopback listens on 127.0.0.1 and ::1 only.
	Loopback bool
	// ListenUDP opens sockets. nil = the operating system's.
	ListenUDP func(network string, laddr *net.UDPAddr) (net.PacketConn, error)
}

// Host is this device on the network. Its methods are safe for several
// goroutines.
type Host struct {
	key   *identity.Key
	host  *basichost.BasicHost
	cm    *quicreuse.ConnManager
	tls   *libp2ptls.Identity
	port  int
	gate  *gate
	lanes *laneServer // nil of a host that does not listen
	rm    network.ResourceManager

	closeOnce sync.Once
	closeErr  error
}

// New makes a host. The caller closes it.
func New(cfg Config) (*Host, error) {
	// quic-go warns on standard error when the kernel's socket buffers are
	// small; a person can do nothing about it.
	os.Setenv("QUIC_GO_DISABLE_RECEIVE_BUFFER_WARNING", "true")
	h := &Host{key: cfg.Key, gate: newGate()}
	fail := func(err error) (*Host, error) {
		h.Close()
		return nil, fmt.Errorf("p2p: %w", err)
	}
	priv := cfg.Key.Private()
	id, err := cfg.Key.ID().Peer()
	if err != nil {
		return fail(err)
	}
	ps, err := pstoremem.NewPeerstore()
	if err != nil {
		return fail(err)
	}
	if err := errors.Join(ps.AddPrivKey(id, priv), ps.AddPubKey(id, priv.GetPublic())); err != nil {
		return fail(err)
	}
	if h.rm, err = rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(limits())); err != nil {
		return fail(err)
	}
	bus := eventbus.NewBus()
	sw, err := swarm.NewSwarm(id, ps, bus, swarm.WithResourceManager(h.rm), swarm.WithConnectionGater(h.gate),
		swarm.WithDialTimeout(10*time.Second), swarm.WithDialTimeoutLocal(10*time.Second))
	if err != nil {
		return fail(err)
	}
	srk, tok, err := quicKeys(cfg.Key)
	if err != nil {
		sw.Close()
		return fail(err)
	}
	var opts []quicreuse.Option
	if cfg.ListenUDP != nil {
		opts = append(opts, quicreuse.OverrideListenUDP(cfg.ListenUDP), quicreuse.DisableReuseport())
	}
	if h.cm, err = quicreuse.NewConnManager(srk, tok, opts...); err != nil {
		sw.Close()
		return fail(err)
	}
	tr, err := libp2pquic.NewTransport(priv, h.cm, nil, h.gate, h.rm)
	if err != nil {
		sw.Close()
		return fail(err)
	}
	if err := sw.AddTransport(tr); err != nil {
		sw.Close()
		return fail(err)
	}
	if h.tls, err = libp2ptls.NewIdentity(priv); err != nil {
		sw.Close()
		return fail(err)
	}
	if cfg.Listen {
		if err := h.listen(sw, cfg); err != nil {
			sw.Close()
			return fail(err)
		}
	}
	// The host tells nobody its addresses; discovery does, from its own list
	// of interfaces.
	h.host, err = basichost.NewHost(sw, &basichost.HostOpts{
		EventBus: bus, AddrsFactory: func([]ma.Multiaddr) []ma.Multiaddr { return nil },
		UserAgent: "ferry", ProtocolVersion: "ferry/1", DisableSignedPeerRecord: true,
	})
	if err != nil {
		sw.Close()
		return fail(err)
	}
	sw.Notify(h.gate.notifee())
	h.host.Start()
	return h, nil
}

// listen opens one UDP port for IPv4 and IPv6, with links and lanes on it.
func (h *Host) listen(sw *swarm.Swarm, cfg Config) error {
	ip4, ip6 := "0.0.0.0", "::"
	if cfg.Loopback {
		ip4, ip6 = "127.0.0.1", "::1"
	}
	port := cfg.Port
	if err := sw.Listen(quicAddr("ip4", ip4, port)); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	for _, a := range sw.ListenAddresses() {
		if na, err := manet.ToNetAddr(firstTwo(a)); err == nil {
			port = na.(*net.UDPAddr).Port
		}
	}
	h.port = port
	binds := []ma.Multiaddr{quicAddr("ip4", ip4, port)}
	// A machine without IPv6, or with that port taken, is reached by IPv4.
	if err := sw.Listen(quicAddr("ip6", ip6, port)); err == nil {
		binds = append(binds, quicAddr("ip6", ip6, port))
	}
	var err error
	h.lanes, err = serveLanes(h, binds)
	return err
}

func quicAddr(family, ip string, port int) ma.Multiaddr {
	return ma.StringCast(fmt.Sprintf("/%s/%s/udp/%d/quic-v1", family, ip, port))
}

// firstTwo keeps /ip…/udp/… of an address.
func firstTwo(a ma.Multiaddr) ma.Multiaddr {
	if len(a) < 2 {
		return a
	}
	return a[:2]
}

// quicKeys derives the keys for QUIC's stateless resets and address tokens.
func quicKeys(k *identity.Key) (srk quic.StatelessResetKey, tok quic.TokenGeneratorKey, err error) {
	raw, err := k.Private().Raw()
	if err != nil {
		return srk, tok, err
	}
	for info, out := range map[string][]byte{"ferry quic stateless reset key": srk[:], "ferry quic token key": tok[:]} {
		b, err := hkdf.Key(sha256.New, raw, nil, info, len(out))
		if err != nil {
			return srk, tok, err
		}
		copy(out, b)
	}
	return srk, tok, nil
}

// ID returns this device.
func (h *Host) ID() identity.DeviceID { return h.key.ID() }

// Port returns the UDP port that the host listens on, 0 if it does not.
func (h *Host) Port() int { return h.port }

// Stream is a stream with what is known of its link.
type Stream struct {
	network.Stream
	link *Link
}

// Link returns the link that the stream is on.
func (s *Stream) Link() *Link { return s.link }

// Handle calls f for each stream that a device opens with a protocol. f owns
// the stream, and runs in a goroutine of the host's that ends when f returns.
func (h *Host) Handle(p Protocol, f func(*Stream)) {
	h.host.SetStreamHandler(protocol.ID(p), func(s network.Stream) {
		l, err := h.link(s.Conn())
		if err != nil {
			s.Reset()
			return
		}
		f(&Stream{Stream: s, link: l})
	})
}

// Link is a connection to a device.
type Link struct {
	h      *Host
	conn   network.Conn
	quic   *quic.Conn
	remote identity.DeviceID
	addr   netip.AddrPort
}

func (h *Host) link(c network.Conn) (*Link, error) {
	l := &Link{h: h, conn: c, remote: identity.FromPeer(c.RemotePeer())}
	if !c.As(&l.quic) {
		return nil, errors.New("not a QUIC connection")
	}
	a, ok := l.quic.RemoteAddr().(*net.UDPAddr)
	if !ok {
		return nil, errors.New("not a UDP address")
	}
	l.addr = a.AddrPort()
	l.addr = netip.AddrPortFrom(l.addr.Addr().Unmap(), l.addr.Port())
	return l, nil
}

// Local returns this device.
func (l *Link) Local() identity.DeviceID { return l.h.ID() }

// Remote returns the device at the other end, as its key proved it.
func (l *Link) Remote() identity.DeviceID { return l.remote }

// Addr returns the other end's address.
func (l *Link) Addr() netip.AddrPort { return l.addr }

// exporterLabel names our use of the TLS exporter (RFC 8446, 7.5).
const exporterLabel = "EXPORTER-ferry-pairing-1"

// Exporter returns a value that the two ends of this very connection share and
// nobody else knows: 32 bytes from TLS.
func (l *Link) Exporter() (out [32]byte, err error) {
	st := l.quic.ConnectionState().TLS
	b, err := st.ExportKeyingMaterial(exporterLabel, nil, len(out))
	if err != nil {
		return out, fmt.Errorf("exporter: %w", err)
	}
	copy(out[:], b)
	return out, nil
}

// Open opens a stream. ErrCrowded is among its errors.
func (l *Link) Open(ctx context.Context, p Protocol) (*Stream, error) {
	// The stream is opened on this connection, not on any that the host has
	// to the same device.
	s, err := l.conn.NewStream(ctx)
	if err != nil {
		return nil, fmt.Errorf("open stream: %w", turnedAway(err))
	}
	if err := negotiate(ctx, s, p); err != nil {
		s.Reset()
		return nil, fmt.Errorf("open stream: %w", turnedAway(err))
	}
	return &Stream{Stream: s, link: l}, nil
}

// Close ends the link at once, and tells the other device so.
func (l *Link) Close() error { return l.conn.Close() }

// Done is closed when the link has ended, however it did.
func (l *Link) Done() <-chan struct{} { return l.quic.Context().Done() }

// Left reports whether the link has ended because the other device closed it. A link
// that broke, or that was closed here, was not left.
func (l *Link) Left() bool {
	var e *quic.ApplicationError
	return errors.As(context.Cause(l.quic.Context()), &e) && e.Remote && e.ErrorCode == 0
}

// Close ends every link and waits for the host's goroutines.
func (h *Host) Close() error {
	h.closeOnce.Do(func() {
		if h.lanes != nil {
			h.closeErr = h.lanes.close()
		}
		if h.host != nil {
			h.closeErr = errors.Join(h.closeErr, h.host.Close())
		}
		if h.cm != nil {
			h.closeErr = errors.Join(h.closeErr, h.cm.Close())
		}
		if h.rm != nil {
			h.closeErr = errors.Join(h.closeErr, h.rm.Close())
		}
	})
	return h.closeErr
}
