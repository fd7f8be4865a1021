package session

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/p2p/pairing"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/wire"
	"github.com/marcopolo/simnet"
)

// world is a network in virtual time: 20 ms one way, 100 Mbit/s, and a part of the
// packets is lost. It lives within one bubble.
type world struct {
	t    *testing.T
	net  *simnet.Simnet
	loss float64

	mu   sync.Mutex
	rnd  *rand.Rand // guarded by mu
	port int        // guarded by mu: the last that was given away
	lost int        // guarded by mu
}

func newWorld(t *testing.T, loss float64) *world {
	const seed = 1
	t.Logf("seed %d", seed)
	w := &world{t: t, loss: loss, rnd: rand.New(rand.NewPCG(seed, 0)), port: 4000}
	w.net = &simnet.Simnet{LatencyFunc: simnet.StaticLatency(20 * time.Millisecond), Logger: slog.New(slog.DiscardHandler)}
	w.net.Start()
	t.Cleanup(w.net.Close)
	return w
}

// at returns what opens the sockets of a device at an address.
func (w *world) at(ip netip.Addr) sockets {
	return func(network string, laddr *net.UDPAddr) (net.PacketConn, error) {
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
		return lossy{c, w}, nil
	}
}

// lossy loses packets on their way out.
type lossy struct {
	net.PacketConn
	w *world
}

func (s lossy) WriteTo(p []byte, to net.Addr) (int, error) {
	s.w.mu.Lock()
	lost := s.w.rnd.Float64() < s.w.loss
	if lost {
		s.w.lost++
	}
	s.w.mu.Unlock()
	if lost {
		return len(p), nil
	}
	a := to.(*net.UDPAddr)
	return s.PacketConn.WriteTo(p, &net.UDPAddr{IP: a.IP.To4(), Port: a.Port}) // the network knows the short form
}

// choosesOver has an old phone send what src has to a new one, both in a world of
// their own; choose is its person.
func choosesOver(t *testing.T, loss float64, src *fakephone.Device, choose func(context.Context, Choice) (Selection, error), change func(*SendOptions, *ReceiveOptions)) (rep *transfer.Report, err error) {
	t.Helper()
	w := newWorld(t, loss)
	const port = 4242
	there := netip.AddrFrom4([4]byte{1, 0, 0, 2})
	codes := make(chan Code, 1) // the first; later ones nobody needs
	recv := ReceiveOptions{
		Home: t.TempDir(), Phone: fakephone.New(fakephone.Config{Empty: true, Keep: 1 << 30}), Place: "new", Name: "New", Port: port,
		Accept: yes, mute: true, sockets: w.at(there),
		Events: func(ev Event) {
			if c, ok := ev.(Code); ok {
				select {
				case codes <- c:
				default:
				}
			}
		},
	}
	send := SendOptions{
		Home: t.TempDir(), Phone: src, Name: "Old", At: []netip.AddrPort{netip.AddrPortFrom(there, port)}, Select: choose,
		sockets: w.at(netip.AddrFrom4([4]byte{1, 0, 0, 1})),
	}
	if change != nil {
		change(&send, &recv)
	}
	ctx, stop := context.WithCancelCause(t.Context())
	over := make(chan error, 1)
	go func() { over <- Receive(ctx, recv) }()
	code := <-codes
	asked := 0
	send.Password = func(context.Context, *pairing.WrongCodeError) (pairing.Password, error) {
		asked++
		return code.Code, nil
	}
	rep, err = Send(ctx, send)
	time.Sleep(time.Second) // of virtual time: the new phone sees how it ended
	if asked != 1 {
		t.Errorf("the code was asked for %d times", asked)
	}
	stop(errStop)
	if err := <-over; !errors.Is(err, errStop) {
		t.Errorf("the new phone: %v", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if loss > 0 && w.lost == 0 {
		t.Error("no packet was lost")
	}
	return rep, err
}

// Who takes a long time to choose moves all the same, and gives no second code.
func TestChoosesForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rep, err := choosesOver(t, 0, fakephone.New(fakephone.Config{Seed: 1}), func(ctx context.Context, c Choice) (Selection, error) {
			time.Sleep(3*Life + time.Minute) // of virtual time
			if _, err := c.Preview(ctx, Selection{}); err != nil {
				t.Errorf("a preview: %v", err)
			}
			return Selection{}, nil
		}, nil)
		if err != nil || !rep.Complete() {
			t.Errorf("%+v, %v", rep, err)
		}
	})
}

// Whose device slept meanwhile is told that the code is wanted again, and not that
// a link was lost.
func TestChoosesForTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wants := func(what string, err error) {
			var stop *transfer.StopError
			if !errors.As(err, &stop) || stop.Kind != wire.StopUnpaired || !stop.Remote {
				t.Errorf("%s: %v", what, err)
			}
		}
		began := time.Now()
		rep, err := choosesOver(t, 0, fakephone.New(fakephone.Config{Seed: 1}), func(ctx context.Context, c Choice) (Selection, error) {
			time.Sleep(Life + time.Minute)
			_, err := c.Preview(ctx, Selection{})
			wants("a preview", err)
			return Selection{}, nil
		}, func(s *SendOptions, _ *ReceiveOptions) { s.renew = 100 * Life })
		if rep != nil && rep.Receipt != nil {
			t.Error("it moved")
		}
		wants("the move", err)
		if d := time.Since(began) - Life; d > 2*time.Minute {
			t.Errorf("it took %v to say so", d)
		}
	})
}

// Who only looks and goes can send again at once: the new phone shows its next code.
func TestLooksAndGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		enough := errors.New("enough")
		var mu sync.Mutex
		var told []Event // of the new phone's; guarded by mu
		_, err := choosesOver(t, 0, fakephone.New(fakephone.Config{Seed: 1}), func(ctx context.Context, c Choice) (Selection, error) {
			if _, err := c.Preview(ctx, Selection{}); err != nil {
				t.Error(err)
			}
			return Selection{}, enough
		}, func(_ *SendOptions, r *ReceiveOptions) {
			events := r.Events
			r.Events = func(ev Event) {
				events(ev)
				mu.Lock()
				defer mu.Unlock()
				told = append(told, ev)
			}
		})
		if !errors.Is(err, enough) {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		if last, ok := told[len(told)-1].(Code); len(told) != 4 || !ok || last.Why != pairing.Paired {
			t.Errorf("the new phone tells %v", told)
		}
	})
}

// A preview over a link that loses many packets tells what one over a good link
// does.
func TestPreviewOverLoss(t *testing.T) {
	enough := errors.New("enough")
	look := func(loss float64) (p Preview) {
		synctest.Test(t, func(t *testing.T) {
			src := fakephone.New(fakephone.Config{Seed: 1, Files: 20_000, Unreadable: 0.01})
			_, err := choosesOver(t, loss, src, func(ctx context.Context, c Choice) (Selection, error) {
				var err error
				if p, err = c.Preview(ctx, Selection{Leave: func(k backup.Kind, key backup.Key) bool { return len(key)%3 == 0 }}); err != nil {
					t.Errorf("%.0f %% lost: %v", 100*loss, err)
				}
				return Selection{}, enough
			}, nil)
			if !errors.Is(err, enough) {
				t.Errorf("%v", err)
			}
		})
		return p
	}
	good, bad := look(0), look(0.05)
	if files := kindOf(good, fakephone.Files); files.Add < 10_000 || files.Cannot == 0 || !reflect.DeepEqual(good, bad) {
		t.Errorf("over a good link: %+v\nover a bad one: %+v", good, bad)
	}
}
