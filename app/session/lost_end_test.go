package session

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/p2p"
	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/wire"
)

// half makes the two lose each other in the middle of a move, and returns when
// both wait. The new phone shows the second code then.
func half(t *testing.T, ctx context.Context, change func(*pair)) (p *pair, second Code) {
	p = meetUp(t, fakephone.Config{Seed: 3})
	if change != nil {
		change(p)
	}
	p.cutAt(func(m transfer.Progress) bool { return m.DoneBytes > m.Bytes/2 }, 0)
	oldWaits, newWaits := make(chan struct{}), make(chan struct{})
	p.when("old waits", func() { close(oldWaits) })
	p.when("new waits", func() { close(newWaits) })
	p.begin(ctx)
	hear(t, oldWaits)
	hear(t, newWaits)
	return p, hear(t, p.codes)
}

// stranger is a device that nobody paired with.
func stranger(t *testing.T) *p2p.Host {
	t.Helper()
	key, err := identity.New()
	if err != nil {
		t.Fatal(err)
	}
	h, err := p2p.New(p2p.Config{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

// While the old phone is waited for, nobody goes on in its place: neither another
// device, nor the device with the ID of another session.
func TestStrangerGoesOn(t *testing.T) {
	t.Parallel()
	p, second := half(t, t.Context(), nil)
	p.new.set(false)
	h := stranger(t)
	for _, id := range []transfer.SessionID{{}, {1, 2, 3}} {
		link, err := h.Dial(t.Context(), second.Link.Addrs, second.Link.Device)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := goOn(t.Context(), link, id); err != ErrGone {
			t.Errorf("with the ID %x: %v", id[:3], err)
		}
		s, err := link.Open(t.Context(), p2p.SessionProtocol)
		if err != nil {
			t.Fatal(err)
		}
		s.SetReadDeadline(time.Now().Add(time.Minute))
		m, err := wire.Read(s)
		if stop, ok := m.(*wire.Stop); !ok || stop.Kind != wire.StopUnpaired {
			t.Errorf("a session that nobody paired for: %+v, %v", m, err)
		}
		link.Close()
	}
	p.old.set(false)
	p.whole()
}

// Only the session's device goes on with it, and only with its ID.
func TestKnows(t *testing.T) {
	cut := false
	h := &held{id: transfer.SessionID{1}, cut: func(error) { cut = true }}
	h.device = "old"
	r := &receiving{}
	if r.knows("old", h.id, true) {
		t.Error("nothing is held")
	}
	r.held = h
	for _, tt := range []struct {
		peer identity.DeviceID
		id   transfer.SessionID
		want bool
	}{{"other", h.id, false}, {"old", transfer.SessionID{2}, false}, {"old", transfer.SessionID{}, false}, {"old", h.id, true}} {
		if got := r.knows(tt.peer, tt.id, true); got != tt.want || cut != tt.want {
			t.Errorf("%s with %x: %v, the part that is under way was ended: %v", tt.peer, tt.id[:1], got, cut)
		}
	}
	if h.id = (transfer.SessionID{}); r.knows("old", h.id, false) {
		t.Error("a session without an ID")
	}
}

// Nobody waits longer than a session lives, and both say how it ended.
func TestLifeEnds(t *testing.T) {
	t.Parallel()
	p, _ := half(t, t.Context(), func(p *pair) { p.send.life, p.receive.life = 3*time.Second, 3*time.Second })
	for side, c := range map[string]chan error{"old": p.sent, "new": p.received} {
		if err := hear(t, c); !errors.Is(err, transfer.ErrLinkLost) {
			t.Errorf("%s: %v", side, err)
		}
		if p.count(side+" done") != 1 {
			t.Errorf("%s: it is not told", side)
		}
	}
	if p.rep == nil || p.rep.Complete() || p.rep.SentBytes == 0 {
		t.Errorf("%+v", p.rep)
	}
}

// A person may end the wait on either side; the other one goes on waiting.
func TestWaitIsEnded(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	p, _ := half(t, ctx, nil)
	cancel(errStop)
	for side, c := range map[string]chan error{"old": p.sent, "new": p.received} {
		if err := hear(t, c); !errors.Is(err, errStop) {
			t.Errorf("%s: %v", side, err)
		}
		if p.count(side+" done") != 1 {
			t.Errorf("%s: it is not told", side)
		}
	}
}

// An old phone that was started again needs the code that is shown meanwhile, and
// begins another move in place of the one that is waited for. The first program
// cannot go on any more.
func TestReplaced(t *testing.T) {
	t.Parallel()
	p, second := half(t, t.Context(), nil)
	p.new.set(false)
	again := p.send
	again.sockets, again.Events = nil, nil
	again.Password = typed(second.Code)
	again.At = second.Link.Addrs[:1]
	replaced := make(chan error, 1)
	p.when("new done", func() { replaced <- p.done.Err })
	rep, err := Send(t.Context(), again)
	if err != nil || !rep.Complete() {
		t.Fatalf("%v", err)
	}
	if err := hear(t, replaced); !errors.Is(err, ErrReplaced) {
		t.Errorf("the first move ended with %v", err)
	}
	if err := hear(t, p.received); err != nil {
		t.Errorf("the new phone: %v", err)
	}
	if err := fakephone.Equal(t.Context(), p.dst, p.src); err != nil {
		t.Error(err)
	}
}

// A device whose move another one took the place of is told so when it is back, and
// nobody else is.
func TestDisplacedIsTold(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	p, second := half(t, ctx, func(p *pair) { p.receive.Once = false })
	p.new.set(false)
	again := p.send
	again.sockets, again.Events, again.Home = nil, nil, t.TempDir()
	again.Password = typed(second.Code)
	again.At = second.Link.Addrs[:1]
	if rep, err := Send(t.Context(), again); err != nil || !rep.Complete() {
		t.Fatalf("%v", err)
	}
	p.old.set(false)
	if err := hear(t, p.sent); !errors.Is(err, ErrDisplaced) || !errors.Is(err, ErrGone) {
		t.Errorf("the old phone: %v", err)
	}
	cancel()
	hear(t, p.received)
}

// The new phone remembers a bounded number of sessions that others replaced.
func TestReplacedAreFew(t *testing.T) {
	r := &receiving{}
	for i := range byte(2 * maxPast) {
		r.held = &held{device: "old", id: transfer.SessionID{i + 1}}
		r.replace()
	}
	if len(r.replaced) != maxPast || !r.isReplaced("old", transfer.SessionID{2 * maxPast}) || r.isReplaced("old", transfer.SessionID{1}) {
		t.Errorf("%d are remembered", len(r.replaced))
	}
	if r.isReplaced("other", transfer.SessionID{2 * maxPast}) {
		t.Error("another device is told")
	}
}

// A new phone of an earlier version says no, and not why.
func TestNoWithoutWhy(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]error{"\x02": ErrGone, "\x02\x00": ErrGone, "\x02\x07": ErrGone, "\x02\x01": ErrDisplaced} {
		key, err := identity.New()
		if err != nil {
			t.Fatal(err)
		}
		h, err := p2p.New(p2p.Config{Key: key, Listen: true, Loopback: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { h.Close() })
		h.Handle(p2p.AgainProtocol, func(s *p2p.Stream) {
			readAgain(s)
			answerAgain(s, []byte(answer)...)
			s.CloseWrite()
		})
		link, err := stranger(t).Dial(t.Context(), []netip.AddrPort{netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(h.Port()))}, key.ID())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := goOn(t.Context(), link, transfer.SessionID{1}); err != want {
			t.Errorf("after %x: %v", answer, err)
		}
		link.Close()
	}
}

// After a move whose link was lost, however it ended, the new phone shows the code
// that holds: it still waits.
func TestCodeAfterALostLink(t *testing.T) {
	for _, end := range []string{"whole", "cancelled", "given up"} {
		t.Run(end, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			p := meetUp(t, fakephone.Config{Seed: 3})
			p.receive.Once = false
			p.cutAt(func(m transfer.Progress) bool { return m.DoneBytes > m.Bytes/2 }, 0)
			opened := func() { p.old.set(false); p.new.set(false) }
			sending, stop := context.WithCancel(t.Context())
			defer stop()
			switch end {
			case "given up":
				p.receive.life = 2 * time.Second
			case "cancelled":
				p.when("old back", func() {
					p.mu.Lock()
					m := p.meter
					p.mu.Unlock()
					from := m.Snapshot().SentBytes
					p.old.cutWhen(func() bool {
						if m.Snapshot().SentBytes > from {
							stop()
						}
						return false
					})
				})
				fallthrough
			default:
				p.when("old waits", opened)
			}
			ended := make(chan struct{})
			p.when("new done", func() { close(ended) })
			go func() { p.received <- Receive(ctx, p.receive) }()
			p.code = hear(t, p.codes)
			p.send.Password = typed(p.code.Link)
			go func() {
				_, err := Send(sending, p.send)
				p.sent <- err
			}()
			shown := hear(t, p.codes)
			hear(t, ended)
			if now := hear(t, p.codes); now.Code.Reveal() != shown.Code.Reveal() || (p.done.Err == nil) != (end == "whole") {
				t.Errorf("another code than in the wait, after %v", p.done.Err)
			}
			stop()
			hear(t, p.sent)
			cancel()
			hear(t, p.received)
		})
	}
}

// A new phone that was started again does not know the move, and says so.
func TestNewPhoneStartedAgain(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	p := meetUp(t, fakephone.Config{Seed: 3})
	p.cutAt(func(m transfer.Progress) bool { return m.DoneBytes > m.Bytes/2 }, 0)
	waits := make(chan struct{})
	p.when("old waits", func() { close(waits) })
	go func() { p.received <- Receive(ctx, p.receive) }()
	p.code = hear(t, p.codes)
	p.send.Password = typed(p.code.Link)
	go func() {
		_, err := Send(t.Context(), p.send)
		p.sent <- err
	}()
	hear(t, waits)
	cancel()
	hear(t, p.received)
	p.new.close()
	p.receive.Port = int(p.code.Link.Addrs[0].Port())
	p.receive.sockets = nil
	ctx, cancel = context.WithCancel(t.Context())
	go func() { p.received <- Receive(ctx, p.receive) }()
	p.old.set(false)
	if err := hear(t, p.sent); !errors.Is(err, ErrGone) {
		t.Errorf("the old phone: %v", err)
	}
	cancel()
	hear(t, p.received)
}

// Another device in the new phone's place, at its very address, gets nothing.
func TestOtherKeyAtTheAddress(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	p := meetUp(t, fakephone.Config{Seed: 3})
	p.send.life = 4 * time.Second
	p.cutAt(func(m transfer.Progress) bool { return m.DoneBytes > m.Bytes/2 }, 0)
	waits := make(chan struct{})
	p.when("old waits", func() { close(waits) })
	go func() { p.received <- Receive(ctx, p.receive) }()
	p.code = hear(t, p.codes)
	p.send.Password = typed(p.code.Link)
	go func() {
		_, err := Send(t.Context(), p.send)
		p.sent <- err
	}()
	hear(t, waits)
	cancel()
	hear(t, p.received)
	p.new.close()

	at := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), p.code.Link.Addrs[0].Port())
	key, err := identity.New()
	if err != nil {
		t.Fatal(err)
	}
	other, err := p2p.New(p2p.Config{Key: key, Listen: true, Port: int(at.Port()), Loopback: true})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for _, proto := range []p2p.Protocol{p2p.AgainProtocol, p2p.SessionProtocol, p2p.PairProtocol} {
		other.Handle(proto, func(s *p2p.Stream) {
			t.Errorf("it speaks %s to another device", proto)
			s.Reset()
		})
	}
	p.old.set(false)
	if err := hear(t, p.sent); !errors.Is(err, transfer.ErrLinkLost) {
		t.Errorf("the old phone: %v", err)
	}
}
