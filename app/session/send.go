package session

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/mobile"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/p2p"
	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/p2p/pairing"
	"github.com/ferry-move/ferry/transfer"
)

const (
	// DiagnoseAfter is when a search that found nobody says why.
	DiagnoseAfter = 10 * time.Second
	// settleFor is how long a search goes on after the first find, so that a
	// second phone of the same name is seen too; settleToChoose where a person
	// can pick one, which takes longer anyway.
	settleFor      = 500 * time.Millisecond
	settleToChoose = time.Second
)

// ErrNobody means that no new phone was found.
var ErrNobody = errors.New("no new phone was found")

// AmbiguousError means that several new phones fit and nobody could be asked.
type AmbiguousError struct{ Candidates []discovery.Candidate }

// Error implements error.
func (e *AmbiguousError) Error() string { return "several new phones were found" }

// NoMatchError means that there are new phones, and none has the name that was
// asked for.
type NoMatchError struct{ Candidates []discovery.Candidate }

// Error implements error.
func (e *NoMatchError) Error() string { return "no new phone of that name was found" }

// Unwrap makes it an ErrNobody too.
func (e *NoMatchError) Unwrap() error { return ErrNobody }

// SendOptions are what the old phone needs. The fields without a default must
// be set.
type SendOptions struct {
	Home string
	// Phone is what is sent; the caller closes it.
	Phone mobile.Device
	// Kinds are those to send. nil = all.
	Kinds []backup.Kind
	// Name is shown at the other device. Empty = DeviceName().
	Name string
	// At are addresses to go to without a search.
	At []netip.AddrPort
	// To is the name of the new phone to send to. Empty = the only one.
	To string
	// Wait is how long to search. 0 = until ctx ends.
	Wait time.Duration
	// Loopback keeps to this machine.
	Loopback bool
	// Verify reads everything again on both devices after the move, and sends
	// what differs.
	Verify bool
	// Limit returns the most bytes of content a second. nil = no limit.
	Limit func() int64
	// Lanes is how many lanes to use. 0 = transfer.DefaultLanes.
	Lanes int
	// Pauser lets the person here pause the move. nil = that is not possible.
	Pauser *transfer.Pauser
	// Password asks for the code, or for the text of the QR code. wrong is
	// what the last one met with, or nil.
	Password func(ctx context.Context, wrong *pairing.WrongCodeError) (pairing.Password, error)
	// Choose asks which of several new phones. nil = AmbiguousError.
	Choose func(context.Context, []discovery.Candidate) (discovery.Candidate, error)
	// Select asks what of Kinds is to move, once, after both devices proved the code
	// and before anything is offered. An error ends Send. nil = everything.
	Select func(context.Context, Choice) (Selection, error)
	Events Events

	// For tests: instead of Life, of renewEvery, and of the system's sockets. 0, nil =
	// those.
	life    time.Duration
	renew   time.Duration
	sockets sockets
}

// agentsOf returns the agents of the kinds that are to move.
func agentsOf(p mobile.Device, kinds []backup.Kind) []backup.Agent {
	var out []backup.Agent
	for _, a := range p.Agents() {
		ok := kinds == nil
		for _, k := range kinds {
			ok = ok || a.Info().Kind == k
		}
		if ok {
			out = append(out, a)
		}
	}
	return out
}

var transport = backup.Transport{Flags: backup.FlagDeviceToDeviceTransfer}

// Plan counts what a phone has.
func Plan(ctx context.Context, p mobile.Device, kinds []backup.Kind) ([]transfer.KindPlan, error) {
	return transfer.MakePlan(ctx, agentsOf(p, kinds), transport, nil)
}

// Send finds the new phone, pairs with it, and moves everything. The report is
// nil if it did not come to a move.
func Send(ctx context.Context, opt SendOptions) (*transfer.Report, error) {
	if opt.Name == "" {
		opt.Name = DeviceName()
	}
	events := serial(opt.Events)
	key, err := loadKey(opt.Home)
	if err != nil {
		return nil, err
	}
	plans, err := Plan(ctx, opt.Phone, opt.Kinds)
	if err != nil {
		return nil, err
	}
	events.tell(Planned{Plans: plans})
	host, err := p2p.New(p2p.Config{Key: key, ListenUDP: opt.sockets})
	if err != nil {
		return nil, err
	}
	defer host.Close()
	link, addrs, err := meet(ctx, host, opt, events)
	if err != nil {
		return nil, err
	}
	s := &sending{opt: opt, events: events, key: key, host: host, agents: agentsOf(opt.Phone, opt.Kinds), plans: plans, life: life{all: opt.life}}
	if err := s.choose(ctx, link); err != nil {
		link.Close()
		return nil, err
	}
	return s.run(ctx, link, addrs)
}

// meet links to the new phone and proves the code. It also returns where the new
// phone may be.
func meet(ctx context.Context, host *p2p.Host, opt SendOptions, events Events) (*p2p.Link, []netip.AddrPort, error) {
	var pw pairing.Password
	var expect identity.DeviceID
	addrs := opt.At
	var err error
	if len(addrs) == 0 && opt.To == "" && opt.Choose == nil {
		// Without anyone to ask, the text of the QR code may say where to go.
		if pw, err = opt.Password(ctx, nil); err != nil {
			return nil, nil, err
		}
		if l, ok := pw.(pairing.Link); ok {
			addrs, expect = l.Addrs, l.Device
		}
	}
	if len(addrs) == 0 {
		c, err := find(ctx, opt, events)
		if err != nil {
			return nil, nil, err
		}
		events.tell(Found{Candidate: c})
		addrs = c.Addrs
	}
	link, err := host.Dial(ctx, addrs, expect)
	if err != nil {
		return nil, nil, err
	}
	if err := prove(ctx, link, opt, pw, events); err != nil {
		link.Close()
		return nil, nil, err
	}
	return link, addrs, nil
}

// prove pairs, with as many codes as the person gives and the new phone takes.
func prove(ctx context.Context, link *p2p.Link, opt SendOptions, pw pairing.Password, events Events) error {
	exporter, err := link.Exporter()
	if err != nil {
		return err
	}
	b := pairing.Binding{Initiator: link.Local(), Responder: link.Remote(), Exporter: exporter}
	var wrong *pairing.WrongCodeError
	for {
		if pw == nil {
			if pw, err = opt.Password(ctx, wrong); err != nil {
				return err
			}
		}
		s, err := link.Open(ctx, p2p.PairProtocol)
		if err != nil {
			return err
		}
		_, err = pairing.Initiate(ctx, s, b, pw)
		s.Close()
		if err == nil {
			events.tell(Paired{Device: link.Remote()})
			return nil
		}
		if !errors.As(err, &wrong) {
			return err
		}
		events.tell(WrongCode{TriesLeft: wrong.TriesLeft})
		pw = nil
	}
}
