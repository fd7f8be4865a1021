package p2p

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/quic-go/quic-go"
	"golang.org/x/sync/errgroup"
)

const (
	laneALPN = "ferry-lane/1"
	// laneIdle is how long a lane may be silent; a live one is kept by pings
	// every second.
	laneIdle   = 5 * time.Second
	laneQueue  = 16
	errLaneEnd = quic.ApplicationErrorCode(0)
	errLaneNot = quic.ApplicationErrorCode(1) // not wanted here
)

func laneConfig() *quic.Config {
	return &quic.Config{
		HandshakeIdleTimeout: laneIdle, MaxIdleTimeout: laneIdle, KeepAlivePeriod: time.Second,
		MaxIncomingStreams: -1, MaxIncomingUniStreams: -1, Versions: []quic.Version{quic.Version1},
	}
}

// Lane is the sending end of a lane. Writes belong to one goroutine; Close may
// come from any.
type Lane struct {
	conn    *quic.Conn
	stream  *quic.SendStream
	release func()
	once    sync.Once
}

// OpenLane opens a lane to the link's device, at the link's address.
func (l *Link) OpenLane(ctx context.Context) (*Lane, error) {
	id, err := l.remote.Peer()
	if err != nil {
		return nil, err
	}
	conf, _ := l.h.tls.ConfigForPeer(id)
	conf.NextProtos = []string{laneALPN}
	addr := net.UDPAddrFromAddrPort(l.addr)
	network := "udp4"
	if l.addr.Addr().Is6() {
		network = "udp6"
	}
	tr, err := l.h.cm.TransportForDial(network, addr)
	if err != nil {
		return nil, fmt.Errorf("open lane: %w", err)
	}
	c, err := tr.Dial(ctx, addr, conf, laneConfig())
	if err != nil {
		tr.DecreaseCount()
		return nil, fmt.Errorf("open lane: %w", err)
	}
	s, err := c.OpenUniStreamSync(ctx)
	if err != nil {
		c.CloseWithError(errLaneEnd, "")
		tr.DecreaseCount()
		return nil, fmt.Errorf("open lane: %w", err)
	}
	return &Lane{conn: c, stream: s, release: tr.DecreaseCount}, nil
}

// Write implements io.Writer.
func (l *Lane) Write(p []byte) (int, error) { return l.stream.Write(p) }

// Stats returns the lane's smoothed and least round trip time, how many packets
// it sent and lost, and how many bytes it sent and did not lose.
func (l *Lane) Stats() (rtt, minRTT time.Duration, sent, lost uint64, bytes int64) {
	s := l.conn.ConnectionStats()
	return s.SmoothedRTT, s.MinRTT, s.PacketsSent, s.PacketsLost, int64(s.BytesSent - s.BytesLost)
}

// Done is closed when the lane's connection has ended: after CloseWrite, when
// the other side has read everything.
func (l *Lane) Done() <-chan struct{} { return l.conn.Context().Done() }

// CloseWrite says that the lane ends here; everything written still arrives if
// Close is not called before it did.
func (l *Lane) CloseWrite() error { return l.stream.Close() }

// Close drops the lane.
func (l *Lane) Close() error {
	l.once.Do(func() {
		l.conn.CloseWithError(errLaneEnd, "")
		l.release()
	})
	return nil
}

// IncomingLane is the receiving end of a lane.
type IncomingLane struct {
	conn   *quic.Conn
	stream *quic.ReceiveStream
}

// Read implements io.Reader.
func (l *IncomingLane) Read(p []byte) (int, error) { return l.stream.Read(p) }

// Close drops the lane and wakes a blocked Read.
func (l *IncomingLane) Close() error { return l.conn.CloseWithError(errLaneEnd, "") }

// laneServer accepts lanes and hands each to the session with its device.
// Lanes of devices without a session are refused.
type laneServer struct {
	group  errgroup.Group
	lns    []quicreuse.Listener
	cancel context.CancelFunc
	ctx    context.Context
	// handshakes bounds the lanes that are being set up.
	handshakes chan struct{}

	mu      sync.Mutex
	waiting map[identity.DeviceID]chan *IncomingLane // guarded by mu
}

func serveLanes(h *Host, binds []ma.Multiaddr) (*laneServer, error) {
	s := &laneServer{waiting: map[identity.DeviceID]chan *IncomingLane{}, handshakes: make(chan struct{}, 4*laneQueue)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	conf, _ := h.tls.ConfigForPeer("")
	conf.NextProtos = []string{laneALPN}
	conf.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) { // single use, so one each
		c, _ := h.tls.ConfigForPeer("")
		c.NextProtos = []string{laneALPN}
		return c, nil
	}
	for _, b := range binds {
		ln, err := h.cm.ListenQUIC(b, conf, func(*quic.Conn, uint64) bool { return true })
		if err != nil {
			s.close()
			return nil, fmt.Errorf("listen for lanes: %w", err)
		}
		s.lns = append(s.lns, ln)
		s.group.Go(func() error { return s.accept(ln) })
	}
	return s, nil
}

func (s *laneServer) accept(ln quicreuse.Listener) error {
	for {
		c, err := ln.Accept(s.ctx)
		if err != nil {
			return nil // closed
		}
		select {
		case s.handshakes <- struct{}{}:
		default:
			c.CloseWithError(errLaneNot, "")
			continue
		}
		s.group.Go(func() error {
			defer func() { <-s.handshakes }()
			s.serve(c)
			return nil
		})
	}
}

// serve finds the session that a lane belongs to.
func (s *laneServer) serve(c *quic.Conn) {
	id, err := proved(c)
	if err != nil {
		c.CloseWithError(errLaneNot, "")
		return
	}
	s.mu.Lock()
	_, wanted := s.waiting[id]
	s.mu.Unlock()
	if !wanted {
		c.CloseWithError(errLaneNot, "")
		return
	}
	ctx, cancel := context.WithTimeout(s.ctx, laneIdle)
	defer cancel()
	st, err := c.AcceptUniStream(ctx)
	if err != nil {
		c.CloseWithError(errLaneNot, "")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	select { // a closed session is no longer in the map, and a nil channel never ready
	case s.waiting[id] <- &IncomingLane{conn: c, stream: st}:
	default:
		c.CloseWithError(errLaneNot, "")
	}
}

// proved returns the device whose key the handshake proved.
func proved(c *quic.Conn) (identity.DeviceID, error) {
	var chain []*x509.Certificate = c.ConnectionState().TLS.PeerCertificates
	pub, err := libp2ptls.PubKeyFromCertChain(chain)
	if err != nil {
		return "", err
	}
	id, err := peer.IDFromPublicKey(pub)
	if err != nil {
		return "", err
	}
	return identity.FromPeer(id), nil
}

func (s *laneServer) close() error {
	s.cancel()
	for _, ln := range s.lns {
		ln.Close()
	}
	return s.group.Wait()
}

// Lanes accepts the lanes of one device until it is closed.
type Lanes struct {
	s  *laneServer
	id identity.DeviceID
	ch chan *IncomingLane
}

// ErrBusy means that a session with that device is under way.
var ErrBusy = errors.New("a session with that device is under way")

// AcceptLanes begins to accept lanes from a device. The host must listen.
func (h *Host) AcceptLanes(from identity.DeviceID) (*Lanes, error) {
	if h.lanes == nil {
		return nil, errors.New("accept lanes: the host does not listen")
	}
	h.lanes.mu.Lock()
	defer h.lanes.mu.Unlock()
	if _, ok := h.lanes.waiting[from]; ok {
		return nil, ErrBusy
	}
	ch := make(chan *IncomingLane, laneQueue)
	h.lanes.waiting[from] = ch
	return &Lanes{s: h.lanes, id: from, ch: ch}, nil
}

// Accept waits for the next lane.
func (l *Lanes) Accept(ctx context.Context) (*IncomingLane, error) {
	select {
	case lane := <-l.ch:
		return lane, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Close stops accepting and drops the lanes that nobody took.
func (l *Lanes) Close() error {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	delete(l.s.waiting, l.id)
	for {
		select {
		case lane := <-l.ch:
			lane.Close()
		default:
			return nil
		}
	}
}
