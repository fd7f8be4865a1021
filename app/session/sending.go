package session

import (
	"context"
	"crypto/rand"
	"errors"
	"net/netip"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/p2p"
	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/receipt"
	"github.com/ferry-move/ferry/transfer/wire"
)

// maxUnheard is how often the session is begun with a new phone that does not
// even say hello.
const maxUnheard = 3

// sending is an old phone's session, over as many links as it takes:
//
//	          ┌──── the link is lost ────> waiting ──> over: Life has passed
//	          │                               │   └──> gone: the new phone does not know it
//	paired ──> part <── the peer is back ─────┘
//	             └──> ended
//
// It belongs to the goroutine of Send.
type sending struct {
	opt    SendOptions
	events Events
	key    *identity.Key
	host   *p2p.Host
	agents []backup.Agent // of what is to move
	plans  []transfer.KindPlan

	move   move
	link   *p2p.Link // the last one
	peer   receipt.Side
	life   life
	seeker seeker
	lost   error // why the link was lost last
	leg
}

// leg is what is of one session: the move, or its verification.
type leg struct {
	verify  bool
	id      transfer.SessionID
	started time.Time
	meter   *transfer.Meter
	sum     sum
	heard   bool // the new phone said hello
	agreed  bool
	unheard int // parts without a hello
}

// run sends over link, and over others when that is lost, until the move and its
// verification end. addrs are where else the new phone may be.
func (s *sending) run(ctx context.Context, link *p2p.Link, addrs []netip.AddrPort) (*transfer.Report, error) {
	s.link = link
	defer func() { s.link.Close() }()
	s.peer = receipt.Side{Device: link.Remote()}
	s.seeker.was(addrs...)
	s.seeker.was(link.Addr())
	s.move.verifies = s.opt.Verify
	err := s.session(ctx, false)
	if err == nil && s.opt.Verify {
		err = s.session(ctx, true)
	}
	if s.move.done.Report == nil {
		return nil, err
	}
	return s.move.done.Report, s.move.end(s.events, err)
}

// session runs the move, or its verification, over as many links as it takes. It
// begins on the last one.
func (s *sending) session(ctx context.Context, verify bool) error {
	s.leg = leg{verify: verify, meter: new(transfer.Meter), started: time.Now()}
	rand.Read(s.id[:])
	stream, err := s.link.Open(ctx, p2p.SessionProtocol)
	if err != nil {
		err = errors.Join(transfer.ErrLinkLost, err)
	}
	for {
		if err == nil {
			err = s.part(ctx, stream)
		}
		if err == nil || ctx.Err() != nil || !s.waitsFor(err) {
			return err
		}
		s.link.Close()
		if stream, err = s.wait(ctx, err); err != nil {
			return err
		}
		s.link = stream.Link()
	}
}

// waitsFor reports whether the session goes on after a part that ended so.
func (s *sending) waitsFor(err error) bool {
	var stop *transfer.StopError
	if s.lost != nil && !s.agreed && errors.As(err, &stop) && stop.Remote {
		switch stop.Kind { // it has not noticed yet that the link to this device broke
		case wire.StopBusy:
			return true
		case wire.StopUnpaired:
			s.unheard++
			return s.unheard < maxUnheard
		}
	}
	return isLost(err) && s.unheard < maxUnheard
}

// part runs the session over one stream. It closes a link over which the two did
// not part.
func (s *sending) part(ctx context.Context, stream *p2p.Stream) error {
	link := stream.Link()
	before, began := s.meter.Snapshot(), time.Now()
	rep, err := transfer.Send(ctx, transfer.SendConfig{
		Self: transfer.Self{Key: s.key, Name: s.opt.Name, Version: Version}, Peer: link.Remote(), Session: s.id, Started: s.started,
		Control: stream.Control(), Lanes: opener{link}, Agents: s.agents, Plans: s.plans, LaneCount: s.opt.Lanes,
		Verify: s.verify, Again: s.opt.Verify && !s.verify, Limit: s.opt.Limit, Meter: s.meter, Pauser: s.opt.Pauser,
		Observer: observer{s.events},
		Accepted: func(peer receipt.Side) {
			if !s.agreed {
				s.agreed = true
				tellBegin(s.events, s.verify, peer, s.meter)
			}
		},
	})
	if !rep.Parted {
		link.Close()
	}
	s.sum.add(rep)
	if isLost(err) {
		s.unheard++
	}
	if rep.Peer.Device != "" {
		s.peer, s.heard, s.unheard = rep.Peer, true, 0
	} else {
		rep.Peer = s.peer
	}
	if useful(before, s.meter.Snapshot(), time.Since(began)) {
		s.life.renew()
		s.seeker.quicker()
	}
	return s.move.add(ctx, s.events, s.opt.Home, rep, err, s.verify)
}

// wait waits for the new phone after a part that ended with err, and returns the
// stream of the next one.
func (s *sending) wait(ctx context.Context, err error) (*p2p.Stream, error) {
	s.lost = err
	now := time.Now()
	s.life.begin(now)
	s.events.tell(Waiting{Peer: s.peer, Since: now, Until: now.Add(s.life.left()), Why: LinkLost, Agreed: s.agreed || s.verify})
	stream, err := s.seek(ctx, s.knock)
	if err != nil {
		return nil, err
	}
	s.seeker.was(stream.Link().Addr())
	s.events.tell(Back{Peer: s.peer, Agreed: s.agreed || s.verify})
	return stream, nil
}

// knock links to the new phone, wherever of addrs it is, and asks it to go on.
func (s *sending) knock(ctx context.Context, addrs []netip.AddrPort, within time.Duration) (*p2p.Stream, error) {
	dialing, cancel := context.WithTimeout(ctx, within)
	link, err := s.host.Dial(dialing, addrs, s.peer.Device)
	cancel()
	if err != nil {
		return nil, err
	}
	stream, err := goOn(ctx, link, s.id)
	if errors.Is(err, ErrGone) && !errors.Is(err, ErrDisplaced) && !s.heard {
		// It paired, and the session had not begun there.
		stream, err = link.Open(ctx, p2p.SessionProtocol)
	}
	if err != nil {
		link.Close()
		return nil, err
	}
	return stream, nil
}
