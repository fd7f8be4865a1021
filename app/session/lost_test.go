package session

import (
	"context"
	"fmt"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/p2p/pairing"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/receipt"
)

// valve is in front of a device's sockets. While it is shut no packet leaves.
type valve struct {
	mu   sync.Mutex
	shut bool             // guarded by mu
	loud bool             // guarded by mu: the system says that there is no network
	when func() bool      // guarded by mu: asked before each packet; true shuts it once
	cuts int              // guarded by mu
	all  []net.PacketConn // guarded by mu: the sockets that it is in front of
}

var errDown = &net.OpError{Op: "write", Net: "udp", Err: syscall.ENETUNREACH}

func (v *valve) listen(network string, laddr *net.UDPAddr) (net.PacketConn, error) {
	c, err := net.ListenUDP(network, laddr)
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.all = append(v.all, c)
	return tapped{c, v}, nil
}

// close closes the sockets: libp2p leaves those alone that it did not open.
func (v *valve) close() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, c := range v.all {
		c.Close()
	}
}

func (v *valve) set(shut bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.shut = shut
}

// cutWhen shuts the valve before the packet for which f first says so.
func (v *valve) cutWhen(f func() bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.when = f
}

func (v *valve) passes() (ok, loud bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.shut && v.when != nil && v.when() {
		v.shut, v.when = true, nil
		v.cuts++
	}
	return !v.shut, v.loud
}

// tapped is a socket behind a valve.
type tapped struct {
	net.PacketConn
	v *valve
}

func (s tapped) WriteTo(p []byte, to net.Addr) (int, error) {
	switch ok, loud := s.v.passes(); {
	case ok:
		return s.PacketConn.WriteTo(p, to)
	case loud:
		return 0, errDown
	}
	return len(p), nil
}

// pair is an old and a new phone and the events of both.
type pair struct {
	t        *testing.T
	src, dst *fakephone.Device
	old, new valve
	send     SendOptions
	receive  ReceiveOptions

	mu    sync.Mutex
	heard []string // of both, one word each; guarded by mu
	asked int      // guarded by mu
	slow  bool     // owned by Accept
	meter *transfer.Meter
	on    map[string]func() // what a word does when it is heard, once; guarded by mu

	code     Code // that was typed
	codes    chan Code
	sent     chan error
	received chan error
	rep      *transfer.Report
	done     *Done // the new phone's
	gone     *Done // the old phone's
}

// meetUp makes the two. Nothing runs yet.
func meetUp(t *testing.T, conf fakephone.Config) *pair {
	p := &pair{
		t: t, src: fakephone.New(conf), dst: fakephone.New(fakephone.Config{Empty: true, Keep: 1 << 30}), on: map[string]func(){},
		codes: make(chan Code, 64), sent: make(chan error, 1), received: make(chan error, 1),
	}
	p.old.loud, p.new.loud = true, true
	t.Cleanup(p.old.close)
	t.Cleanup(p.new.close)
	p.receive = ReceiveOptions{
		Home: t.TempDir(), Phone: p.dst, Place: "new", Name: "New", Loopback: true, Once: true, sockets: p.new.listen,
		Accept: func(ctx context.Context, _ transfer.Offer) (transfer.Decision, error) {
			p.mu.Lock()
			p.asked++
			p.mu.Unlock()
			if p.hear("asked"); p.slow { // the person thinks until the question is withdrawn
				p.slow = false
				<-ctx.Done()
				return transfer.Decision{}, context.Cause(ctx)
			}
			return transfer.Decision{Accept: true}, nil
		},
		Events: p.events("new"),
	}
	p.send = SendOptions{Home: t.TempDir(), Phone: p.src, Name: "Old", Loopback: true, sockets: p.old.listen, Events: p.events("old")}
	return p
}

// typed is a person who types a code.
func typed(pw pairing.Password) func(context.Context, *pairing.WrongCodeError) (pairing.Password, error) {
	return func(context.Context, *pairing.WrongCodeError) (pairing.Password, error) { return pw, nil }
}

// hear notes a word, and does what it is to do.
func (p *pair) hear(word string) {
	p.mu.Lock()
	p.heard = append(p.heard, word)
	f := p.on[word]
	delete(p.on, word)
	p.mu.Unlock()
	if f != nil {
		f()
	}
}

// when does f when a word is heard.
func (p *pair) when(word string, f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.on[word] = f
}

func (p *pair) count(word string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.heard {
		if w == word {
			n++
		}
	}
	return n
}

func (p *pair) events(side string) Events {
	return func(ev Event) {
		switch ev := ev.(type) {
		case Code:
			p.codes <- ev
		case Accepted:
			if side == "new" {
				p.mu.Lock()
				p.meter = ev.Meter
				p.mu.Unlock()
			}
			p.hear(side + " accepted")
		case Verifying:
			if side == "new" {
				p.mu.Lock()
				p.meter = ev.Meter
				p.mu.Unlock()
			}
			p.hear(side + " verifies")
		case Offered:
			p.hear(side + " offered")
		case Waiting:
			if d := ev.Until.Sub(ev.Since); d <= 0 || d > Life || ev.Peer.Device == "" {
				p.t.Errorf("%s waits %v for %q", side, d, ev.Peer.Device)
			}
			if ev.Agreed {
				p.hear(side + " waits for an agreed move")
			}
			p.hear(side + " waits")
		case Back:
			p.hear(side + " back")
		case Done:
			p.mu.Lock()
			if side == "new" {
				p.done = &ev
			} else {
				p.gone = &ev
			}
			p.mu.Unlock()
			p.hear(side + " done")
		}
	}
}

// begin starts both; the code is typed.
func (p *pair) begin(ctx context.Context) {
	go func() { p.received <- Receive(ctx, p.receive) }()
	code := hear(p.t, p.codes)
	p.send.Password = typed(code.Link)
	p.code = code
	go func() {
		var err error
		p.rep, err = Send(ctx, p.send)
		p.sent <- err
	}()
}

// whole checks that both ended well, with one receipt, and that everything is
// there and in the reports of both as what the session brought.
func (p *pair) whole() {
	t := p.t
	t.Helper()
	if err := hear(t, p.sent); err != nil {
		t.Fatalf("the old phone: %v; %q", err, p.heard)
	}
	if err := hear(t, p.received); err != nil {
		t.Fatalf("the new phone: %v; %q", err, p.heard)
	}
	if err := fakephone.Equal(t.Context(), p.dst, p.src); err != nil {
		t.Error(err)
	}
	if !p.rep.Complete() || !p.done.Report.Complete() {
		t.Errorf("not complete")
	}
	pay, err := receipt.Verify(p.rep.Receipt)
	if err != nil {
		t.Fatal(err)
	}
	for i, k := range p.rep.Kinds {
		if k.Added+k.Merged != k.Items || k.Items != pay.Kinds[i].Items {
			t.Errorf("the old phone says that the session brought %+v", k)
		}
		if l := p.done.Report.Kinds[i]; l.Added+l.Merged != l.Items {
			t.Errorf("the new phone says that the session brought %+v", l)
		}
	}
}

// reopen opens the valves each time that somebody waits for the other. On a busy
// machine a link is lost by itself too, before the cut or in the middle of it.
func (p *pair) reopen() {
	open := func() { p.old.set(false); p.new.set(false) }
	var oldWaits, newWaits func()
	oldWaits = func() { p.when("old waits", oldWaits); open() }
	newWaits = func() {
		p.when("new waits", newWaits)
		if p.count("old waits") > p.count("old back") { // it has waited since before the cut
			open()
		}
	}
	p.when("old waits", oldWaits)
	p.when("new waits", newWaits)
	p.when("new done", open) // it signed, and went unheard
}

// A link that is cut and comes back, wherever the move is, costs a wait and
// nothing else: no code, no second question after a yes.
func TestGoesOn(t *testing.T) {
	const afterCommit = 8
	type test struct {
		name  string
		asked int
		cut   func(p *pair)
	}
	tests := []test{
		{"asked", 2, func(p *pair) { p.slow = true; p.when("asked", func() { p.old.set(true); p.new.set(true) }) }},
		{"accepted", 1, func(p *pair) { p.when("new accepted", func() { p.old.set(true); p.new.set(true) }) }},
		{"moving, in silence", 1, func(p *pair) {
			p.old.loud, p.new.loud = false, false
			p.cutAt(func(m transfer.Progress) bool { return m.DoneBytes > m.Bytes/2 }, 0)
		}},
		{"moving", 1, func(p *pair) { p.cutAt(func(m transfer.Progress) bool { return m.DoneBytes > m.Bytes/2 }, 0) }},
		{"accepted, and moving", 1, func(p *pair) {
			p.when("new accepted", func() { p.old.set(true); p.new.set(true) })
			p.cutAt(func(m transfer.Progress) bool { return m.DoneBytes > m.Bytes/2 }, 0)
		}},
	}
	for n := range afterCommit {
		tests = append(tests, test{fmt.Sprintf("finishing, after %d packets", n), 1, func(p *pair) {
			p.cutAt(func(m transfer.Progress) bool { return m.Phase >= transfer.PhaseFinish }, n)
		}})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := meetUp(t, fakephone.Config{Seed: 1})
			p.reopen()
			tt.cut(p)
			p.begin(t.Context())
			p.whole()
			if p.asked != tt.asked {
				t.Errorf("the person was asked %d times", p.asked)
			}
			agreed := p.count("old waits for an agreed move") > 0 || p.count("new waits for an agreed move") > 0
			if p.count("new waits")+p.count("old waits") > 0 && tt.asked > 1 == agreed {
				t.Errorf("it waits for a move that was agreed to: %v; %q", agreed, p.heard)
			}
			if n := p.count("old accepted"); n != 1 {
				t.Errorf("accepted %d times: %q", n, p.heard)
			}
			t.Logf("%q", p.heard)
		})
	}
}

// cutAt shuts both valves n of the new phone's packets after its move has come
// to where.
func (p *pair) cutAt(where func(transfer.Progress) bool, n int) {
	there := false
	p.new.cutWhen(func() bool {
		p.mu.Lock()
		m := p.meter
		p.mu.Unlock()
		there = there || m != nil && where(m.Snapshot())
		if there {
			n--
		}
		if !there || n >= 0 {
			return false
		}
		p.old.set(true)
		return true
	})
}

// A network that goes away again and again ends nothing, and the bar never goes
// back.
func TestTwentyCuts(t *testing.T) {
	p := meetUp(t, fakephone.Config{Seed: 2, Photos: 300})
	const cuts = 20
	n := 0
	again := func() {
		n++
		if n > cuts {
			return
		}
		var from uint64
		p.old.cutWhen(func() bool {
			p.mu.Lock()
			m := p.meter
			p.mu.Unlock()
			if m == nil {
				return false
			}
			now := m.Snapshot()
			if from == 0 {
				from = now.SentBytes + now.Bytes/(2*cuts)
			}
			return now.SentBytes > from
		})
	}
	again()
	var waits func()
	waits = func() {
		p.old.set(false)
		again()
		p.when("old waits", waits)
	}
	p.when("old waits", waits)
	watched := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer close(watched)
		var last transfer.Progress
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			p.mu.Lock()
			m := p.meter
			p.mu.Unlock()
			if m == nil {
				continue
			}
			now := m.Snapshot()
			if now.DoneItems < last.DoneItems || now.SentBytes < last.SentBytes {
				t.Errorf("from %d items to %d, from %d bytes to %d", last.DoneItems, now.DoneItems, last.SentBytes, now.SentBytes)
				return
			}
			last = now
		}
	}()
	p.begin(t.Context())
	p.whole()
	cancel()
	<-watched
	p.old.mu.Lock()
	defer p.old.mu.Unlock()
	if p.old.cuts != cuts || p.count("old waits") < cuts || p.asked != 1 {
		t.Errorf("%d cuts, %d waits, asked %d times", p.old.cuts, p.count("old waits"), p.asked)
	}
}
