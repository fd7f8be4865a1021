package session

import (
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
	"github.com/ferry-move/ferry/transfer/journal"
	"github.com/ferry-move/ferry/transfer/wire"
)

// pairedFor is how long a device that proved the code has to begin its move,
// which it does at once. So long no new code is shown: nobody needs one.
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
	// for one that there is no space for.
	Accept func(context.Context, transfer.Offer) (transfer.Decision, error)
	Events Events
}

// receiving is a new phone that waits.
type receiving struct {
	opt    ReceiveOptions
	key    *identity.Key
	host   *p2p.Host
	desk   *pairing.Desk
	shut   *pairing.Desk // closed: it refuses whoever comes during a move
	events Events

	moves chan *p2p.Stream // a paired device's session stream, one at a time

	done   bool  // the one move of Once has ended; owned by loop
	result error // how; owned by loop

	mu     sync.Mutex
	paired map[identity.DeviceID]time.Time // guarded by mu
	busy   bool                            // guarded by mu
	sequel *sequel                         // nil = none is awaited; guarded by mu
	wg     sync.WaitGroup                  // stream handlers
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
	host, err := p2p.New(p2p.Config{Key: key, Listen: true, Port: opt.Port, Loopback: opt.Loopback})
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
	ann, err := discovery.Announce(ctx, discovery.Announcement{Name: opt.Name, Port: host.Port(), Loopback: opt.Loopback})
	if err != nil {
		return err
	}
	defer ann.Close()
	r := &receiving{
		opt: opt, key: key, host: host, desk: desk, shut: shut, events: serial(opt.Events), moves: make(chan *p2p.Stream),
		paired: map[identity.DeviceID]time.Time{},
	}
	ctx, cancel := context.WithCancel(ctx)
	defer r.wg.Wait()
	defer cancel()
	host.Handle(p2p.PairProtocol, func(s *p2p.Stream) { r.handle(ctx, s, r.pair) })
	host.Handle(p2p.SessionProtocol, func(s *p2p.Stream) { r.handle(ctx, s, r.session) })
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
func (r *receiving) loop(ctx context.Context) error {
	for {
		offer, changed, err := r.desk.Offer()
		if err != nil {
			return err
		}
		r.events.tell(Code{
			Code: offer.Code, Link: offer.Link(linkAddrs(r.host.Port(), r.opt.Loopback)...), Expires: offer.Expires, Why: offer.Why,
		})
		if err := r.wait(ctx, changed); err != nil {
			return err
		}
		if r.done {
			return r.result
		}
	}
}

// wait returns when another code is to be shown, or a move has ended.
func (r *receiving) wait(ctx context.Context, changed <-chan struct{}) error {
	var late <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case s := <-r.moves:
			err := r.move(ctx, s)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			r.done, r.result = r.opt.Once, err
			return nil
		case <-late: // it paired and went away
			return nil
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

func (r *receiving) isBusy() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.busy
}

// pair lets a device prove the code.
func (r *receiving) pair(ctx context.Context, s *p2p.Stream) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	desk := r.desk
	if r.isBusy() {
		desk = r.shut
	}
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
		r.paired[peer] = time.Now().Add(pairedFor)
	})
	var wrong *pairing.WrongCodeError
	switch {
	case errors.As(err, &wrong):
		r.events.tell(WrongCode{TriesLeft: wrong.TriesLeft})
	case err == nil:
		r.events.tell(Paired{Device: peer})
	}
	s.CloseWrite()
	s.Close()
}

// session lets a device that paired begin one move, once.
func (r *receiving) session(ctx context.Context, s *p2p.Stream) {
	peer := s.Link().Remote()
	if r.isSequel(ctx, peer) {
		r.hand(ctx, s)
		return
	}
	r.mu.Lock()
	until, ok := r.paired[peer]
	busy := r.busy
	if ok && !busy {
		delete(r.paired, peer)
		r.busy = true
	}
	r.mu.Unlock()
	switch {
	case !ok || time.Now().After(until):
		s.Reset()
		return
	case busy:
		transfer.Refuse(ctx, s.Control(), wire.StopBusy)
		return
	}
	r.hand(ctx, s)
}

// hand gives a stream to the loop.
func (r *receiving) hand(ctx context.Context, s *p2p.Stream) {
	select {
	case r.moves <- s:
	case <-ctx.Done():
		s.Reset()
	}
}

// move runs one move, and the verification that follows it.
func (r *receiving) move(ctx context.Context, s *p2p.Stream) error {
	defer func() {
		r.mu.Lock()
		r.busy = false
		r.mu.Unlock()
	}()
	m := &move{}
	follows, err := r.one(ctx, s, m, nil)
	switch {
	case follows != nil && err == nil:
		err = r.verification(ctx, m, follows)
	case follows != nil:
		r.awaits(nil)
		close(follows.ended)
	}
	if m.done.Report == nil {
		return err
	}
	return m.end(r.events, err)
}

// one runs one session: a move, or the verification of the one before. It returns
// what is to follow.
func (r *receiving) one(ctx context.Context, s *p2p.Stream, m *move, before *sequel) (follows *sequel, err error) {
	peer := s.Link().Remote()
	lanes, err := r.host.AcceptLanes(peer)
	if err != nil {
		s.Reset()
		return nil, err
	}
	defer lanes.Close()
	meter := new(transfer.Meter)
	var accepted sync.Once
	rep, err := transfer.Receive(ctx, transfer.ReceiveConfig{
		Self: transfer.Self{Key: r.key, Name: r.opt.Name, Version: Version}, Peer: peer,
		Control: s.Control(), Lanes: acceptor{lanes}, Agents: r.opt.Phone.Agents(), Free: r.opt.Phone.Free, Limit: r.opt.Limit, Meter: meter, Pauser: r.opt.Pauser,
		Observer: observer{r.events},
		Journal: func(d identity.DeviceID) (*journal.Journal, error) {
			j, err := journal.Open(journalPath(r.opt.Home, r.opt.Place, d), d)
			if err == nil && j.State() != journal.Sound {
				r.events.tell(Notes{j.State()})
			}
			return j, err
		},
		Accept: func(ctx context.Context, o transfer.Offer) (transfer.Decision, error) {
			if before != nil {
				if !before.covers(o) {
					return transfer.Decision{}, nil
				}
				tellBegin(r.events, true, o.Peer, meter)
				return before.decision, nil
			}
			r.events.tell(Offered{o})
			if o.Missing() > 0 {
				return transfer.Decision{Why: wire.StopNoSpace}, nil
			}
			d, err := r.opt.Accept(ctx, o)
			if err == nil && d.Accept {
				accepted.Do(func() { tellBegin(r.events, false, o.Peer, meter) })
				if o.Again {
					follows = &sequel{peer: peer, offer: o, decision: d, ended: make(chan struct{})}
					r.awaits(follows)
				}
			}
			return d, err
		},
	})
	return follows, m.add(ctx, r.events, r.opt.Home, rep, err, before != nil)
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
