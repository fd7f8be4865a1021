package flow

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/p2p"
	"github.com/ferry-move/ferry/p2p/pairing"
)

// ErrAddress means that a text is no address of a device.
var ErrAddress = errors.New("not an address")

// ErrUnknownHost means that no device has that name.
var ErrUnknownHost = errors.New("no device has that name")

// resolveFor is how long an address is looked up.
const resolveFor = 10 * time.Second

// target is a new phone to go to.
type target struct {
	peer Peer
	// host and port are to be looked up first, where host is not empty.
	host string
	port uint16
	link pairing.Password // what proves the code, nil = it is asked for
}

// BeOld makes this device the old phone. source is a folder, or an archive.
func (f *Flow) BeOld(source string) {
	f.begin(OldPhone, source, func(r *role) {
		for r.ctx.Err() == nil {
			err := r.open(source)
			if err == nil {
				r.old()
				return
			}
			r.stopped(err)
			if a, ok := r.next(); !ok || a != afterAgain {
				return
			}
		}
	})
}

// open opens the old phone, with as many passwords as the person gives.
func (r *role) open(source string) error {
	ctx, end := r.step()
	defer end()
	drain(r.passwords)
	opt := session.SourceOptions{AppQuota: r.f.opt.AppQuota, Password: func() ([]byte, error) {
		r.change(func(s state) state { s.Screen = Unlock; return s })
		select {
		case p := <-r.passwords:
			return p, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}}
	p, err := r.f.opt.OpenSource(ctx, source, opt)
	for session.WrongPassword(err) && ctx.Err() == nil {
		r.change(func(s state) state { s.WrongPasswords++; return s })
		p, err = r.f.opt.OpenSource(ctx, source, opt)
	}
	if err == nil {
		r.opened(p)
	}
	return err
}

// old searches and sends until the person leaves.
func (r *role) old() {
	for r.ctx.Err() == nil {
		t, err := r.search()
		for again := err == nil; again; {
			back, err := r.send(&t)
			if back {
				break
			}
			t.link = nil // it served
			r.stopped(err)
			if r.on(Find) {
				break
			}
			if r.on(Code) { // another one is asked for
				continue
			}
			a, ok := r.next()
			again = ok && a == afterAgain
		}
	}
}

// on reports whether the person is at a screen.
func (r *role) on(s Screen) bool {
	r.f.mu.Lock()
	defer r.f.mu.Unlock()
	return r.f.role == r && r.f.state.Screen == s
}

// search shows new phones until one is chosen.
func (r *role) search() (t target, err error) {
	ctx, end := r.step()
	defer end()
	r.change(func(s state) state {
		if s.Screen == Opening {
			return s.searching()
		}
		return s // it is at it already, or the person has chosen meanwhile
	})
	watching, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		r.f.opt.Watch(watching, r.f.opt.Loopback,
			func(cs []discovery.Candidate) { r.whileFind(func(s state) state { return s.found(cs) }) },
			func(d discovery.Diagnosis) { r.whileFind(func(s state) state { return s.diagnosed(d) }) })
	})
	defer wg.Wait()
	defer stop()
	for {
		select {
		case t = <-r.targets:
		case <-ctx.Done():
			return target{}, context.Cause(ctx)
		}
		if t.host == "" || r.lookUp(ctx, &t) {
			return t, nil
		}
	}
}

// whileFind changes the state while it is a search's.
func (r *role) whileFind(next func(state) state) {
	r.change(func(s state) state {
		if s.Screen != Find {
			return s
		}
		return next(s)
	})
}

// send is one move. back tells that the person went back to the search.
func (r *role) send(t *target) (back bool, err error) {
	ctx, end := r.step()
	defer end()
	select {
	case *t = <-r.targets: // went back, and chose another one
	default:
		if r.on(Find) {
			return true, nil
		}
	}
	home, err := r.f.home()
	if err != nil {
		return false, err
	}
	link := t.link
	_, err = r.f.opt.Send(ctx, session.SendOptions{
		Home: home, Phone: r.phone, Name: r.name, At: t.peer.Addrs, Loopback: r.f.opt.Loopback, Verify: r.verify,
		Limit: r.f.opt.Limit, Pauser: &r.pauser, Events: r.event, Select: r.choose,
		Password: func(ctx context.Context, wrong *pairing.WrongCodeError) (pairing.Password, error) {
			if p := link; p != nil {
				link = nil
				return p, nil
			}
			r.change(func(s state) state { return s.asked(wrong) })
			select {
			case p := <-r.codes:
				if ctx.Err() != nil { // it is meant for the next step
					r.hand(p)
					return nil, context.Cause(ctx)
				}
				return p, nil
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
		},
	})
	return errors.Is(context.Cause(ctx), errBack), err
}

// errBack is the cause of a step's end when the person goes back.
var errBack = errors.Join(context.Canceled, errors.New("the person went back"))

// choose asks the person what is to move.
func (r *role) choose(ctx context.Context, c session.Choice) (session.Selection, error) {
	r.f.mu.Lock()
	r.choice = &c
	drain(r.orders)
	r.picks.withhold(c.Plans)
	r.changeLocked(func(s state) state { return s.choosing(r.picks.choices(c.Plans), c) })
	r.f.mu.Unlock()
	defer func() {
		r.f.mu.Lock()
		defer r.f.mu.Unlock()
		r.choice = nil
		if r.list != nil {
			r.list.stop()
			r.list = nil
		}
	}()
	for {
		select {
		case o := <-r.orders:
			r.f.mu.Lock()
			sel := r.picks.selection(c.Plans)
			r.f.mu.Unlock()
			if o == orderMove {
				return sel, nil
			}
			r.see(ctx, c, sel)
		case <-ctx.Done():
			return session.Selection{}, context.Cause(ctx)
		}
	}
}

// see asks the new phone what would become of a selection.
func (r *role) see(ctx context.Context, c session.Choice, sel session.Selection) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r.f.mu.Lock()
	if r.f.state.Screen != Previewing { // it was taken back already
		r.f.mu.Unlock()
		return
	}
	r.aside = cancel
	r.f.mu.Unlock()
	p, err := c.Preview(ctx, sel)
	r.f.mu.Lock()
	defer r.f.mu.Unlock()
	r.aside = nil
	r.changeLocked(func(s state) state {
		if ctx.Err() != nil { // it was taken back
			return s
		}
		return s.previewed(p, err)
	})
}

// parseTarget reads what a person writes of a new phone: an address, a host's name
// with a port, or the text of its QR code.
func parseTarget(text string) (target, error) {
	text = strings.TrimSpace(text)
	if l, err := pairing.ParseLink(text); err == nil && len(l.Addrs) > 0 {
		return target{peer: Peer{Device: l.Device, Addrs: l.Addrs}, link: l}, nil
	}
	if a, err := p2p.ParseAddr(text); err == nil {
		return target{peer: Peer{Addrs: []netip.AddrPort{a}}}, nil
	}
	host, service, err := net.SplitHostPort(text)
	port, perr := strconv.ParseUint(service, 10, 16)
	if err != nil || perr != nil || host == "" || port == 0 || strings.ContainsAny(host, "/ \t\n") || len(host) > 253 {
		return target{}, ErrAddress
	}
	return target{host: host, port: uint16(port)}, nil
}

// lookUp finds the addresses of a host, and goes there unless the person has chosen
// otherwise meanwhile.
func (r *role) lookUp(ctx context.Context, t *target) bool {
	ctx, cancel := context.WithTimeout(ctx, resolveFor)
	defer cancel()
	r.f.mu.Lock()
	if r.f.role != r || r.f.state.Screen != Find {
		r.f.mu.Unlock()
		return false
	}
	r.aside = cancel
	r.f.mu.Unlock()
	ips, err := r.f.opt.Resolve(ctx, t.host)
	for _, ip := range ips[:min(len(ips), maxAddrs)] {
		t.peer.Addrs = append(t.peer.Addrs, netip.AddrPortFrom(ip.Unmap(), t.port))
	}
	r.f.mu.Lock()
	defer r.f.mu.Unlock()
	r.aside = nil
	if r.f.role != r || r.stale || r.f.state.Screen != Find {
		return false
	}
	s := r.f.state
	if err != nil || len(ips) == 0 {
		s.Resolving, s.AddressErr = false, errors.Join(ErrUnknownHost, err)
		r.f.set(s)
		return false
	}
	t.host = ""
	drain(r.codes)
	r.f.set(s.chosen(t.peer, false))
	return true
}

// hand gives a code that was not for the one who took it to the next.
func (r *role) hand(p pairing.Password) {
	r.f.mu.Lock()
	defer r.f.mu.Unlock()
	if len(r.codes) == 0 {
		r.codes <- p
	}
}

func resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

// parsePassword reads a code, or the text of a QR code.
func parsePassword(text string) (pairing.Password, error) {
	if strings.Contains(text, ":") {
		return pairing.ParseLink(strings.TrimSpace(text))
	}
	return pairing.ParseCode(text)
}
