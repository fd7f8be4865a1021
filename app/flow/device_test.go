package flow

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/mobile"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/p2p/pairing"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/receipt"
)

var errBroken = errors.New("broken")

// call is one run of the engine, which the test plays.
type call struct {
	ctx  context.Context
	send session.SendOptions
	recv session.ReceiveOptions
	ret  chan error // makes it return
	late func()     // what it does yet when it is cancelled; nil = nothing
}

func (c *call) wait() error {
	select {
	case err := <-c.ret:
		return err
	case <-c.ctx.Done():
		if c.late != nil {
			c.late()
		}
		return context.Cause(c.ctx)
	}
}

// device is a flow on an engine that the test plays.
type device struct {
	*testing.T
	*Flow
	calls   chan *call
	found   chan []discovery.Candidate
	why     chan discovery.Diagnosis
	phone   *fakephone.Device
	opened  chan error // what opening a phone fails with
	looks   chan struct{}
	resolve func(context.Context, string) ([]netip.Addr, error)
}

func newDevice(t *testing.T) *device {
	d := &device{
		T: t, calls: make(chan *call, 4), found: make(chan []discovery.Candidate), why: make(chan discovery.Diagnosis),
		phone: fakephone.New(fakephone.Config{Seed: 1}), opened: make(chan error, 1), looks: make(chan struct{}, 8),
	}
	open := func() (mobile.Device, error) {
		select {
		case err := <-d.opened:
			return nil, err
		default:
			return d.phone, nil
		}
	}
	d.Flow = New(Options{
		Home: t.TempDir(), Name: "Here",
		Send: func(ctx context.Context, o session.SendOptions) (*transfer.Report, error) {
			c := &call{ctx: ctx, send: o, ret: make(chan error)}
			d.calls <- c
			return nil, c.wait()
		},
		Receive: func(ctx context.Context, o session.ReceiveOptions) error {
			c := &call{ctx: ctx, recv: o, ret: make(chan error)}
			d.calls <- c
			return c.wait()
		},
		Watch: func(ctx context.Context, _ bool, changed func([]discovery.Candidate), diagnose func(discovery.Diagnosis)) {
			d.looks <- struct{}{}
			for {
				select {
				case cs := <-d.found:
					changed(cs)
				case g := <-d.why:
					diagnose(g)
				case <-ctx.Done():
					return
				}
			}
		},
		OpenFolder: func(string, bool) (mobile.Device, error) { return open() },
		OpenSource: func(context.Context, string, session.SourceOptions) (mobile.Device, error) { return open() },
		Resolve: func(ctx context.Context, host string) ([]netip.Addr, error) {
			if d.resolve == nil {
				return nil, errBroken
			}
			return d.resolve(ctx, host)
		},
	})
	return d
}

// at waits until everything stands still, and checks the screen.
func (d *device) at(want Screen) Snapshot {
	d.Helper()
	synctest.Wait()
	s := d.Snapshot()
	if s.Screen != want {
		d.Fatalf("at %v (%v), want %v", s.Screen, s.Err, want)
	}
	return s
}

// engine is the run of the engine that has begun.
func (d *device) engine() *call {
	d.Helper()
	synctest.Wait()
	select {
	case c := <-d.calls:
		return c
	default:
		d.Fatal("the engine was not started")
		return nil
	}
}

var pixel = discovery.Candidate{Name: "Pixel", Addrs: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.7:4242")}}

// pair goes to a new phone, and proves the code.
func (d *device) pair() *call {
	d.Helper()
	d.at(Find)
	d.found <- []discovery.Candidate{pixel}
	d.at(Find)
	d.Choose(pixel.Instance)
	d.at(Code)
	c := d.engine()
	if len(c.send.At) != 1 || c.send.At[0] != pixel.Addrs[0] {
		d.Fatalf("goes to %v", c.send.At)
	}
	got := ask(func() (pairing.Password, error) { return c.send.Password(c.ctx, nil) })
	d.TypeCode("742 9163")
	if a := <-got; a.err != nil {
		d.Fatal(a.err)
	}
	c.send.Events(session.Paired{Device: "there"})
	d.at(Counting)
	return c
}

// chosen goes to the move.
func (d *device) chosen(c *call, choice session.Choice) session.Selection {
	d.Helper()
	got := ask(func() (session.Selection, error) { return c.send.Select(c.ctx, choice) })
	d.at(What)
	d.Move()
	d.at(AskedThere)
	a := <-got
	if a.err != nil {
		d.Fatal(a.err)
	}
	return a.v
}

type answer[T any] struct {
	v   T
	err error
}

// ask asks as the engine does.
func ask[T any](f func() (T, error)) <-chan answer[T] {
	c := make(chan answer[T], 1)
	go func() {
		v, err := f()
		c <- answer[T]{v, err}
	}()
	return c
}

var plans = []transfer.KindPlan{
	{Info: backup.Info{Kind: "photos"}, Items: 10, Bytes: 1000},
	{Info: backup.Info{Kind: "contacts"}, Items: 4, Bytes: 40, Cannot: map[backup.Reason]uint64{backup.Unreadable: 1}},
}

func report(failed uint64) *transfer.Report {
	return &transfer.Report{Receipt: []byte("signed"), Kinds: []receipt.Kind{{Kind: "photos", Items: 10, Added: 10 - failed, Failed: failed, Bytes: 1000}}}
}

// link is one of a device that waits.
func link(t *testing.T) pairing.Link {
	t.Helper()
	key, err := identity.Load(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	d, err := pairing.NewDesk(key.ID())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	o, _, err := d.Offer()
	if err != nil {
		t.Fatal(err)
	}
	return o.Link(pixel.Addrs...)
}

// code is one that a person can type.
func code(t *testing.T) pairing.Code {
	t.Helper()
	c, err := pairing.ParseCode("7429163")
	if err != nil {
		t.Fatal(err)
	}
	return c
}
