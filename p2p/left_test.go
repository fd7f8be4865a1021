package p2p_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-move/ferry/p2p"
)

// TestLeft: a device that closes its link is told from one whose link breaks, and
// from one whose link was closed here.
func TestLeft(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(w *world, here, there *p2p.Link, other *p2p.Host)
		left bool
	}{
		{"it closes the link", func(_ *world, _, there *p2p.Link, _ *p2p.Host) { there.Close() }, true},
		{"it ends", func(_ *world, _, _ *p2p.Link, other *p2p.Host) { other.Close() }, true},
		{"it is closed here", func(_ *world, here, _ *p2p.Link, _ *p2p.Host) { here.Close() }, false},
		{"no packet comes through", func(w *world, _, _ *p2p.Link, _ *p2p.Host) { w.cut() }, false},
		{"it is closed, and no packet comes through", func(w *world, _, there *p2p.Link, _ *p2p.Host) { w.cut(); there.Close() }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 0, 1)
				src, _ := w.host(false)
				dst, ip := w.host(true)
				links := make(chan *p2p.Link, 1)
				dst.Handle(p2p.PairProtocol, func(s *p2p.Stream) { links <- s.Link(); s.Close() })
				there, err := src.Dial(t.Context(), []netip.AddrPort{netip.AddrPortFrom(ip, uint16(dst.Port()))}, dst.ID())
				if err != nil {
					t.Fatal(err)
				}
				if _, err := there.Open(t.Context(), p2p.PairProtocol); err != nil {
					t.Fatal(err)
				}
				here := <-links
				time.Sleep(time.Minute) // of virtual time; pings keep it
				select {
				case <-here.Done():
					t.Fatal("it has ended by itself")
				default:
				}
				if here.Left() {
					t.Error("it has not ended, and was left")
				}
				began := time.Now()
				tt.end(w, here, there, src)
				<-here.Done()
				if here.Left() != tt.left {
					t.Errorf("left: %v", here.Left())
				}
				if d := time.Since(began); tt.left && d > time.Second {
					t.Errorf("it is known after %v", d)
				}
			})
		})
	}
}
