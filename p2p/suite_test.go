package p2p_test

import (
	"context"
	"io"
	"net/netip"
	"testing"
	"time"

	"github.com/ferry-move/ferry/p2p"
	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/transfertest"
)

func host(t testing.TB, listen bool) *p2p.Host {
	t.Helper()
	k, err := identity.New()
	if err != nil {
		t.Fatal(err)
	}
	h, err := p2p.New(p2p.Config{Key: k, Listen: listen, Loopback: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func loopback(h *p2p.Host) []netip.AddrPort {
	return []netip.AddrPort{netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(h.Port()))}
}

type opener struct{ l *p2p.Link }

func (o opener) OpenLane(ctx context.Context) (transfer.LaneWriter, error) {
	lane, err := o.l.OpenLane(ctx)
	if err != nil {
		return nil, err
	}
	return lane, nil
}

type acceptor struct{ l *p2p.Lanes }

func (a acceptor) AcceptLane(ctx context.Context) (io.ReadCloser, error) {
	lane, err := a.l.Accept(ctx)
	if err != nil {
		return nil, err
	}
	return lane, nil
}

// ends makes a link between two hosts over real sockets.
func ends(t testing.TB) transfertest.Ends {
	t.Helper()
	src, dst := host(t, false), host(t, true)
	streams := make(chan *p2p.Stream, 1)
	dst.Handle(p2p.SessionProtocol, func(s *p2p.Stream) { streams <- s })
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	link, err := src.Dial(ctx, loopback(dst), dst.ID())
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
	if _, err := s.Write(nil); err != nil {
		t.Fatal(err)
	}
	return transfertest.Ends{SendControl: s.Control(), ReceiveControl: lazyControl{streams}.wait(t), Open: opener{link}, Accept: acceptor{lanes}}
}

type lazyControl struct{ ch chan *p2p.Stream }

func (l lazyControl) wait(t testing.TB) transfer.Control {
	select {
	case s := <-l.ch:
		return s.Control()
	case <-time.After(time.Minute):
		t.Fatal("the stream did not arrive")
		return nil
	}
}

func TestSessionOverLoopback(t *testing.T) { transfertest.Run(t, ends) }
