package session

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/discovery/netif"
	"github.com/ferry-move/ferry/mobile"
	"github.com/ferry-move/ferry/p2p"
	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/p2p/pairing"
	"github.com/ferry-move/ferry/transfer"
)

// pairedFor is how long no new code is shown after a device proved one, unless that
// closes its link: it begins its move at once, and nobody needs another. Where its
// link breaks in between, it may begin for as long as a session lives.
const pairedFor = 15 * time.Second

// ReceiveOptions are what the new phone needs. The fields without a default
// must be set.
type ReceiveOptions struct {
	// Home is the folder from the function Home.
	Home string
	// Phone is where things are restored; the caller closes it.
	Phone mobile.Device
	// Place names the phone for its journals; see PlaceOf.
	Place string
	// Name is shown at the other device. Empty = DeviceName().
	Name string
	// Port is the UDP port to listen on. 0 = one that is free.
	Port int
	// Loopback keeps to this machine.
	Loopback bool
	// Limit returns the most bytes of content a second. nil = no limit.
	Limit func() int64
	// Once ends after one move, however it ended.
	Once bool
	// Pauser lets the person here pause the move under way; what it says holds for
	// the next one too. nil = that is not possible.
	Pauser *transfer.Pauser
	// Accept asks the person about an offer that was Offered. It is not called
	// for one that there is no space for, nor when a session goes on that was
	// agreed to.
	Accept func(context.Context, transfer.Offer) (transfer.Decision, error)
	Events Events

	// For tests: instead of Life for a lost link (life) and for one who proved the
	// code (trust), and of the system's sockets. 0, nil = those.
	life    time.Duration
	trust   time.Duration
	sockets sockets
	deaf    bool // it answers no previews, as versions before them
	mute    bool // it announces itself nowhere, and listens for nobody
}

// receiving is a new phone that waits.
type receiving struct {
	opt    ReceiveOptions
	key    *identity.Key
	host   *p2p.Host
	desk   *pairing.Desk
	shut   *pairing.Desk // closed: it refuses whoever comes during a move
	events Events

	// outlook begins to listen for why nobody comes; nil = nobody asks.
	outlook func(context.Context) lookout

	visits chan visit  // a device that may begin a move or go on with one, one at a time
	proved chan leaver // holds the link over which a code was proved last, until that is looked at

	done   bool   // the one move of Once has ended; owned by loop
	result error  // how; owned by loop
	doubts doubts // owned by loop
	shown  uint64 // the code that was shown last, 0 = it is to be shown again; owned by loop

	mu      sync.Mutex
	paired  map[identity.DeviceID]time.Time // when a device proved the code, by the monotonic clock; guarded by mu
	knocked time.Time                       // when a code was tried last, by the monotonic clock; guarded by mu
	held    *held                           // the session under way or waited for; guarded by mu, set by loop
	busy    bool                            // a part is under way; guarded by mu
	looks   looks                           // previews
	wg      sync.WaitGroup                  // stream handlers

	replaced []past // sessions that another took the place of, the last ones; guarded by mu
}

// Receive waits for moves and takes them in. It returns nil after a move with
// Once, or the error of that move; the cause of ctx; or why it cannot wait.
func Receive(ctx context.Context, opt ReceiveOptions) error {
	if opt.Name == "" {
		opt.Name = DeviceName()
	}
	key, err := loadKey(opt.Home)
	if err != nil {
		return err
	}
	if l, ok := opt.Phone.(mobile.Locker); ok {
		unlock, err := l.Lock()
		if err != nil {
			return err
		}
		defer unlock()
	}
	host, err := p2p.New(p2p.Config{Key: key, Listen: true, Port: opt.Port, Loopback: opt.Loopback, ListenUDP: opt.sockets})
	if err != nil {
		return errors.Join(err, tryPort(opt.Port, opt.Loopback))
	}
	defer host.Close()
	desk, err := pairing.NewDesk(key.ID())
	if err != nil {
		return err
	}
	defer desk.Close()
	shut, err := pairing.NewDesk(key.ID())
	if err != nil {
		return err
	}
	shut.Close()
	r := &receiving{
		opt: opt, key: key, host: host, desk: desk, shut: shut, events: serial(opt.Events), visits: make(chan visit), proved: make(chan leaver, 1),
		paired: map[identity.DeviceID]time.Time{},
	}
	if !opt.mute {
		ann, err := discovery.Announce(ctx, discovery.Announcement{Name: opt.Name, Port: host.Port(), Loopback: opt.Loopback})
		if err != nil {
			return err
		}
		defer ann.Close()
		r.outlook = func(ctx context.Context) lookout {
			return discovery.Browse(ctx, discovery.Options{Loopback: opt.Loopback, Exclude: ann.Instance()})
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer r.wg.Wait()
	defer cancel()
	host.Handle(p2p.PairProtocol, func(s *p2p.Stream) { r.handle(ctx, s, r.pair) })
	host.Handle(p2p.SessionProtocol, func(s *p2p.Stream) { r.handle(ctx, s, r.session) })
	host.Handle(p2p.AgainProtocol, func(s *p2p.Stream) { r.handle(ctx, s, r.again) })
	if !opt.deaf {
		host.Handle(p2p.PreviewProtocol, func(s *p2p.Stream) { r.handle(ctx, s, r.preview) })
	}
	r.events.tell(Ready{Name: opt.Name, Device: key.ID(), Addrs: reachable(host.Port(), opt.Loopback)})
	return r.loop(ctx)
}

// tryPort returns the system's own error about a port, which p2p.New's does not
// hold, or nil.
func tryPort(port int, loopback bool) error {
	ip := net.IPv4zero
	if loopback {
		ip = net.IPv4(127, 0, 0, 1)
	}
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: ip, Port: port})
	if err != nil {
		return err
	}
	return c.Close()
}

// serial makes events come one at a time.
func serial(e Events) Events {
	if e == nil {
		return nil
	}
	var mu sync.Mutex
	return func(ev Event) {
		mu.Lock()
		defer mu.Unlock()
		e(ev)
	}
}

// loop shows codes while it waits, and runs moves one after the other.
func (r *receiving) loop(ctx context.Context) (err error) {
	defer func() {
		if gone := r.giveUp(ctx); errors.As(gone, new(*UnverifiedError)) {
			err = gone
		}
	}()
	for {
		offer, changed, err := r.desk.Offer()
		if err != nil {
			return err
		}
		if !r.done && offer.Serial != r.shown {
			r.shown = offer.Serial
			r.events.tell(Code{
				Code: offer.Code, Link: offer.Link(linkAddrs(r.host.Port(), r.opt.Loopback)...), Expires: offer.Expires, Why: offer.Why,
			})
		}
		if err := r.wait(ctx, changed); err != nil && !r.done {
			return err
		}
		if r.done && (r.held == nil || ctx.Err() != nil) {
			return r.result
		}
	}
}

// wait returns when another code is to be shown, or a part of a move has ended.
func (r *receiving) wait(ctx context.Context, changed <-chan struct{}) error {
	var late <-chan time.Time
	var proved leaver
	var gone <-chan struct{} // closed when the link proved has ended
	var look <-chan time.Time
	if r.held != nil {
		t := time.NewTicker(lifeStep)
		defer t.Stop()
		look = t.C
	}
	if r.doubts.told == nil {
		r.doubts.somebody()
	}
	doubt := time.NewTicker(doubtEvery)
	defer doubt.Stop()
	out := r.lookOut(ctx)
	defer out.Close()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-doubt.C:
			r.doubt(out.Diagnose())
		case v := <-r.visits:
			if !r.welcome(v) {
				continue
			}
			r.doubts.somebody()
			return r.move(ctx, v)
		case <-look:
			if r.held.life.pass(time.Now()) == 0 {
				r.over(r.held.lost)
				return nil
			}
		case <-late: // it paired and does nothing
			return nil
		case proved = <-r.proved:
			gone = proved.Done()
		case <-gone:
			if proved.Left() {
				return nil
			}
			gone = nil // its link broke, and it may be back
		case <-changed:
			offer, next, err := r.desk.Offer()
			if err != nil {
				return err
			}
			if offer.Why != pairing.Paired {
				return nil
			}
			changed, late = next, time.After(pairedFor)
		}
	}
}

// handle runs f on a stream unless everything is ending.
func (r *receiving) handle(ctx context.Context, s *p2p.Stream, f func(context.Context, *p2p.Stream)) {
	if ctx.Err() != nil {
		s.Reset()
		return
	}
	r.wg.Add(1)
	defer r.wg.Done()
	f(ctx, s)
}

// pair lets a device prove the code.
func (r *receiving) pair(ctx context.Context, s *p2p.Stream) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	desk := r.desk
	if r.isBusy() {
		desk = r.shut
	}
	r.knock()
	exporter, err := s.Link().Exporter()
	if err != nil {
		s.Reset()
		return
	}
	peer := s.Link().Remote()
	b := pairing.Binding{Initiator: peer, Responder: r.key.ID(), Exporter: exporter}
	_, err = desk.Respond(ctx, s, b, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.paired[peer] = time.Now()
	})
	var wrong *pairing.WrongCodeError
	switch {
	case errors.As(err, &wrong):
		r.events.tell(WrongCode{TriesLeft: wrong.TriesLeft})
	case err == nil:
		r.events.tell(Paired{Device: peer})
		r.watchFor(s.Link()) // from here on: the next code is told of after that
	}
	s.CloseWrite()
	s.Close()
}

// leaver is a link, as far as it is asked how it ended.
type leaver interface {
	Done() <-chan struct{}
	Left() bool
}

// watchFor has wait show the next code when a device that proved one closes its link.
// Only the last one counts.
func (r *receiving) watchFor(l leaver) {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.proved:
	default:
	}
	r.proved <- l
}

// knock notes that somebody tries a code.
func (r *receiving) knock() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.knocked = time.Now()
}

// trusts reports whether who proved the code at that time may still begin a move.
func (r *receiving) trusts(when time.Time) bool {
	return time.Since(when) < cmp.Or(r.opt.trust, Life)
}

// reachable lists this device's addresses with a port, for people.
func reachable(port int, loopback bool) (out []netip.AddrPort) {
	ifs, err := netif.List()
	if err != nil {
		return nil
	}
	for _, i := range ifs {
		up := i.Flags&net.FlagUp != 0 && !i.Mobile()
		if !up || loopback != i.Loopback() {
			continue
		}
		for _, p := range i.Prefixes {
			if !p.Addr().IsLinkLocalUnicast() {
				out = append(out, netip.AddrPortFrom(p.Addr(), uint16(port)))
			}
		}
	}
	return out
}

// linkAddrs are those of them that a QR code holds.
func linkAddrs(port int, loopback bool) []netip.AddrPort {
	a := reachable(port, loopback)
	return a[:min(len(a), pairing.MaxLinkAddrs)]
}
