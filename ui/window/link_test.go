package window

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
)

// link is a simulated link: what reaches its address goes to the other phone and
// back, until it is cut.
type link struct {
	Addr  netip.AddrPort
	front *net.UDPConn
	to    *net.UDPAddr
	cut   atomic.Bool

	passed, lost atomic.Int64 // bytes, both ways

	mu    sync.Mutex
	backs map[netip.AddrPort]*net.UDPConn // by who sends; guarded by mu
	flows sync.WaitGroup
}

// newLink makes a link to an address of this machine. It is gone when the test
// ends.
func newLink(t *testing.T, to netip.AddrPort) *link {
	t.Helper()
	front, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	l := &link{Addr: front.LocalAddr().(*net.UDPAddr).AddrPort(), front: front, to: net.UDPAddrFromAddrPort(to), backs: map[netip.AddrPort]*net.UDPConn{}}
	l.flows.Go(func() {
		l.pump(front, func(p []byte, from netip.AddrPort) error {
			back, err := l.back(from)
			if err == nil {
				_, err = back.Write(p)
			}
			return err
		})
	})
	t.Cleanup(func() {
		front.Close()
		l.mu.Lock()
		for _, b := range l.backs {
			b.Close()
		}
		l.mu.Unlock()
		l.flows.Wait()
	})
	return l
}

// back is the socket that stands for one sender at the other phone.
func (l *link) back(from netip.AddrPort) (*net.UDPConn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b := l.backs[from]; b != nil {
		return b, nil
	}
	b, err := net.DialUDP("udp4", nil, l.to)
	if err != nil {
		return nil, err
	}
	l.backs[from] = b
	l.flows.Go(func() {
		l.pump(b, func(p []byte, _ netip.AddrPort) error {
			_, err := l.front.WriteToUDPAddrPort(p, from)
			return err
		})
	})
	return b, nil
}

// pump hands packets on until its socket is closed. What fails is lost, as on any
// link.
func (l *link) pump(c *net.UDPConn, hand func(p []byte, from netip.AddrPort) error) {
	p := make([]byte, 64<<10)
	for {
		n, from, err := c.ReadFromUDPAddrPort(p)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err == nil && l.cut.Load():
			l.lost.Add(int64(n))
		case err == nil:
			l.passed.Add(int64(n))
			_ = hand(p[:n], from)
		}
	}
}
