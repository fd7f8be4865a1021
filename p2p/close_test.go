package p2p_test

import (
	"context"
	"testing"
	"time"

	"github.com/ferry-move/ferry/p2p"
	"github.com/ferry-move/ferry/p2p/identity"
	"go.uber.org/goleak"
)

// TestClose: a host leaves no goroutine behind, over real sockets and with a
// link, a stream and a lane open. Nothing is ignored.
func TestClose(t *testing.T) {
	before := goleak.IgnoreCurrent()
	open := func(listen bool) *p2p.Host {
		k, err := identity.New()
		if err != nil {
			t.Fatal(err)
		}
		h, err := p2p.New(p2p.Config{Key: k, Listen: listen, Loopback: true})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	src, dst := open(false), open(true)
	streams := make(chan *p2p.Stream, 1)
	dst.Handle(p2p.SessionProtocol, func(s *p2p.Stream) { streams <- s })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	link, err := src.Dial(ctx, loopback(dst), dst.ID())
	if err != nil {
		t.Fatal(err)
	}
	lanes, err := dst.AcceptLanes(src.ID())
	if err != nil {
		t.Fatal(err)
	}
	s, err := link.Open(ctx, p2p.SessionProtocol)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	<-streams
	lane, err := link.OpenLane(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lane.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	if _, err := lanes.Accept(ctx); err != nil {
		t.Fatal(err)
	}
	for range 2 { // a second Close is none
		if err := src.Close(); err != nil {
			t.Error(err)
		}
		if err := dst.Close(); err != nil {
			t.Error(err)
		}
	}
	goleak.VerifyNone(t, before)
}
