package p2p_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/p2p"
	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/transfertest"
	"github.com/ferry-move/ferry/transfer/wire"
	"github.com/marcopolo/simnet"
)

// world is a simulated network in virtual time. It lives within one synctest
// bubble.
type world struct {
	t    testing.TB
	net  *simnet.Simnet
	loss float64

	mu   sync.Mutex
	rnd  *rand.Rand // guarded by mu
	dead bool       // guarded by mu: every packet is lost
	port int        // guarded by mu: the last that was given away
	ips  int
}

// newWorld makes a network whose packets take 20 ms each way at 100 Mbit/s, and
// of which the given part is lost.
func newWorld(t testing.TB, loss float64, seed uint64) *world {
	t.Logf("seed %d", seed)
	w := &world{t: t, loss: loss, rnd: rand.New(rand.NewPCG(seed, 0)), port: 4000}
	w.net = &simnet.Simnet{LatencyFunc: simnet.StaticLatency(20 * time.Millisecond), Logger: slog.New(slog.DiscardHandler)}
	w.net.Start() // its log would tell of packets to devices that are gone
	t.Cleanup(w.net.Close)
	return w
}

// cut loses every packet from now on.
func (w *world) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead = true
}

func (w *world) lost() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dead || w.rnd.Float64() < w.loss
}

// host makes a device with an address of its own.
func (w *world) host(listen bool) (*p2p.Host, netip.Addr) {
	w.t.Helper()
	w.ips++
	ip := netip.AddrFrom4([4]byte{1, 0, 0, byte(w.ips)})
	return w.hostAt(ip, listen), ip
}

// hostAt makes a device at an address, perhaps beside others.
func (w *world) hostAt(ip netip.Addr, listen bool) *p2p.Host {
	w.t.Helper()
	k, err := identity.New()
	if err != nil {
		w.t.Fatal(err)
	}
	h, err := p2p.New(p2p.Config{Key: k, Listen: listen, ListenUDP: func(network string, laddr *net.UDPAddr) (net.PacketConn, error) {
		if network != "udp4" {
			return nil, errors.New("IPv4 only")
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		port := laddr.Port
		if port == 0 {
			w.port++
			port = w.port
		}
		link := simnet.LinkSettings{BitsPerSecond: 100_000_000}
		c := w.net.NewEndpoint(&net.UDPAddr{IP: ip.AsSlice(), Port: port}, simnet.NodeBiDiLinkSettings{Downlink: link, Uplink: link})
		c.SetLocalAddr(&net.UDPAddr{IP: net.IPv4zero, Port: port}) // as the system's sockets have it
		return socket{c, w}, nil
	}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := h.Close(); err != nil {
			w.t.Error(err)
		}
	})
	return h
}

// socket loses packets on their way out.
type socket struct {
	net.PacketConn
	w *world
}

func (s socket) WriteTo(p []byte, to net.Addr) (int, error) {
	if s.w.lost() {
		return len(p), nil
	}
	a := to.(*net.UDPAddr)
	return s.PacketConn.WriteTo(p, &net.UDPAddr{IP: a.IP.To4(), Port: a.Port}) // the network knows the short form
}

// ends makes a link between two new devices of the world.
func (w *world) ends(t testing.TB) transfertest.Ends {
	t.Helper()
	src, _ := w.host(false)
	dst, ip := w.host(true)
	streams := make(chan *p2p.Stream, 1)
	dst.Handle(p2p.SessionProtocol, func(s *p2p.Stream) { streams <- s })
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	link, err := src.Dial(ctx, []netip.AddrPort{netip.AddrPortFrom(ip, uint16(dst.Port()))}, dst.ID())
	if err != nil {
		t.Fatal(err)
	}
	lanes, err := dst.AcceptLanes(src.ID())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lanes.Close() })
	s, err := link.Open(ctx, p2p.SessionProtocol)
	if err != nil {
		t.Fatal(err)
	}
	return transfertest.Ends{SendControl: s.Control(), ReceiveControl: lazyControl{streams}.wait(t), Open: opener{link}, Accept: acceptor{lanes}}
}

// TestSessionOverSimnet is the suite over QUIC, on a network with 40 ms of round
// trip and 0.5 % loss, in virtual time.
func TestSessionOverSimnet(t *testing.T) {
	transfertest.RunIn(t, func(t testing.TB) transfertest.Ends { return newWorld(t, 0.005, 1).ends(t) }, synctest.Test)
}

// underWay runs a session in a new world, disturbs it after a second of moving,
// and returns how it ended and when it was disturbed. Nothing takes longer than
// the move: 60 MB at 100 Mbit/s.
func underWay(t *testing.T, disturb func(w *world, sender, receiver context.CancelFunc)) (transfertest.Ended, time.Time) {
	w := newWorld(t, 0.001, 2)
	r := transfertest.NewRig(t, w.ends, fakephone.Config{
		Seed: 1, Photos: 30, Contacts: -1, Documents: -1, Videos: -1, Music: -1, Recordings: -1, Downloads: -1, Files: -1,
		Sizes: map[backup.Kind]fakephone.Range{"photos": {Min: 2_000_000, Max: 2_000_000}},
	}, fakephone.Config{Empty: true})
	sctx, sender := context.WithCancel(t.Context())
	rctx, receiver := context.WithCancel(t.Context())
	defer sender()
	defer receiver()
	meter := make(chan *transfer.Meter, 1)
	r.TuneTake = func(c *transfer.ReceiveConfig) { meter <- c.Meter }
	done := make(chan transfertest.Ended)
	go func() { done <- r.RunOver(sctx, rctx, w.ends(t)) }()
	time.Sleep(1500 * time.Millisecond) // of virtual time
	if p := (<-meter).Snapshot(); p.Phase != transfer.PhaseMove || p.DoneBytes == 0 {
		t.Errorf("the session stands at %+v", p)
	}
	at := time.Now()
	disturb(w, sender, receiver)
	return <-done, at
}

// TestDeadLink: C18. When no packet comes through any more, both sides know
// within five seconds.
func TestDeadLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, at := underWay(t, func(w *world, _, _ context.CancelFunc) { w.cut() })
		for _, side := range []struct {
			err error
			end time.Time
		}{{e.SendErr, e.SendEnded}, {e.TakeErr, e.TakeEnded}} {
			if !errors.Is(side.err, transfer.ErrLinkLost) || side.end.Sub(at) > 5*time.Second {
				t.Errorf("%v after %v", side.err, side.end.Sub(at))
			}
		}
	})
}

// TestCancel: C18. A cancel in the middle of the move, when every lane is full,
// reaches the other side within two seconds, and as what it is.
func TestCancel(t *testing.T) {
	for _, side := range []string{"sender", "receiver"} {
		synctest.Test(t, func(t *testing.T) {
			e, at := underWay(t, func(_ *world, sender, receiver context.CancelFunc) {
				if side == "sender" {
					sender()
				} else {
					receiver()
				}
			})
			mine, other, heard := e.SendErr, e.TakeErr, e.TakeEnded
			if side == "receiver" {
				mine, other, heard = e.TakeErr, e.SendErr, e.SendEnded
			}
			var stop *transfer.StopError
			if !errors.Is(mine, context.Canceled) || !errors.As(other, &stop) || stop.Kind != wire.StopCancelled || !stop.Remote || heard.Sub(at) > 2*time.Second {
				t.Errorf("%s: %v; the other side: %v after %v", side, mine, other, heard.Sub(at))
			}
		})
	}
}

// TestStrangersLane: a lane from a device that has no session is refused, and
// does not reach the session of another one.
func TestStrangersLane(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 0, 1)
		dst, ip := w.host(true)
		src, _ := w.host(false)
		stranger, _ := w.host(false)
		at := []netip.AddrPort{netip.AddrPortFrom(ip, uint16(dst.Port()))}
		lanes, err := dst.AcceptLanes(src.ID())
		if err != nil {
			t.Fatal(err)
		}
		defer lanes.Close()
		if _, err := dst.AcceptLanes(src.ID()); !errors.Is(err, p2p.ErrBusy) {
			t.Errorf("two sessions with one device: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		for _, h := range []*p2p.Host{stranger, src} {
			link, err := h.Dial(ctx, at, dst.ID())
			if err != nil {
				t.Fatal(err)
			}
			lane, err := link.OpenLane(ctx)
			if err == nil {
				_, err = lane.Write([]byte("hello"))
			}
			time.Sleep(time.Second)
			if err == nil {
				_, err = lane.Write([]byte("hello"))
			}
			if (err != nil) != (h == stranger) {
				t.Errorf("stranger %v: %v", h == stranger, err)
			}
			if lane != nil {
				defer lane.Close()
			}
		}
		lane, err := lanes.Accept(ctx)
		if err != nil {
			t.Fatal(err)
		}
		lane.Close()
		soon, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := lanes.Accept(soon); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a second lane came: %v", err)
		}
	})
}

// An address that leads to this device itself is told apart from one that does not
// answer.
func TestDialSelf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 0, 1)
		h, ip := w.host(true)
		if _, err := h.Dial(t.Context(), []netip.AddrPort{netip.AddrPortFrom(ip, uint16(h.Port()))}, ""); !errors.Is(err, p2p.ErrSelf) || !errors.Is(err, p2p.ErrUnreachable) {
			t.Errorf("%v", err)
		}
	})
}

// TestDialOther: another device than the expected one is not linked to.
func TestDialOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 0, 1)
		src, _ := w.host(false)
		dst, ip := w.host(true)
		other, otherIP := w.host(true)
		addr := func(h *p2p.Host, ip netip.Addr) netip.AddrPort { return netip.AddrPortFrom(ip, uint16(h.Port())) }
		if _, err := src.Dial(t.Context(), []netip.AddrPort{addr(dst, ip)}, other.ID()); !errors.Is(err, p2p.ErrOtherDevice) {
			t.Errorf("linked to another device: %v", err)
		}
		// Among several addresses the right one is found, whichever comes first.
		dead := netip.MustParseAddrPort("1.0.0.250:9")
		for _, addrs := range [][]netip.AddrPort{{addr(dst, ip), addr(other, otherIP)}, {dead, addr(other, otherIP), addr(dst, ip)}} {
			link, err := src.Dial(t.Context(), addrs, other.ID())
			if err != nil || link.Remote() != other.ID() || link.Addr() != addr(other, otherIP) {
				t.Fatalf("%+v, %v", link, err)
			}
			link.Close()
		}
		for _, addrs := range [][]netip.AddrPort{nil, {dead}} {
			began := time.Now()
			if _, err := src.Dial(t.Context(), addrs, ""); !errors.Is(err, p2p.ErrUnreachable) || time.Since(began) > 6*time.Second {
				t.Errorf("%v after %v", err, time.Since(began))
			}
		}
	})
}

// TestTooManyLinks: SEC-13. One address gets so many links and no more; a
// device at another one still gets its own at once.
func TestTooManyLinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 0, 1)
		dst, ip := w.host(true)
		dst.Handle(p2p.PairProtocol, func(s *p2p.Stream) { s.Write([]byte{1}); s.CloseWrite() })
		told := 0
		at := []netip.AddrPort{netip.AddrPortFrom(ip, uint16(dst.Port()))}
		crowd := netip.MustParseAddr("1.0.0.200")
		served := func(h *p2p.Host) bool {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			link, err := h.Dial(ctx, at, dst.ID())
			if err != nil {
				return false
			}
			s, err := link.Open(ctx, p2p.PairProtocol)
			if err != nil {
				if errors.Is(err, p2p.ErrCrowded) {
					told++
				}
				return false
			}
			b, err := io.ReadAll(s)
			return err == nil && len(b) == 1
		}
		const allowed = 8
		for i := range allowed + 4 {
			if got := served(w.hostAt(crowd, false)); got != (i < allowed) {
				t.Errorf("link %d from one address: %v", i+1, got)
			}
		}
		if told == 0 {
			t.Error("nobody who was turned away was told why")
		}
		legal, _ := w.host(false)
		if !served(legal) {
			t.Error("a device at another address gets no link")
		}
	})
}

// TestExporter: both ends of a connection share a value, and no other one has
// it: not that of the same two devices either.
func TestExporter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 0, 1)
		src, _ := w.host(false)
		dst, ip := w.host(true)
		got := make(chan *p2p.Link, 1)
		dst.Handle(p2p.PairProtocol, func(s *p2p.Stream) { got <- s.Link(); s.Close() })
		seen := map[[32]byte]bool{{}: true}
		for range 3 {
			link, err := src.Dial(t.Context(), []netip.AddrPort{netip.AddrPortFrom(ip, uint16(dst.Port()))}, dst.ID())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := link.Open(t.Context(), p2p.PairProtocol); err != nil {
				t.Fatal(err)
			}
			mine, err := link.Exporter()
			if err != nil {
				t.Fatal(err)
			}
			there := <-got
			if theirs, err := there.Exporter(); err != nil || mine != theirs || seen[mine] {
				t.Errorf("%x, %x, %v", mine, theirs, err)
			}
			if there.Remote() != src.ID() || there.Local() != dst.ID() || link.Remote() != dst.ID() || link.Local() != src.ID() {
				t.Error("the link is of other devices")
			}
			seen[mine] = true
			link.Close()
			time.Sleep(time.Second) // of virtual time, until the other end knows
		}
	})
}
