package transfer

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/transfer/receipt"
	"github.com/ferry-move/ferry/transfer/squeeze"
	"github.com/ferry-move/ferry/transfer/tree"
	"github.com/ferry-move/ferry/transfer/wire"
)

// SendConfig is what a sending session needs. The fields without a default must
// be set.
type SendConfig struct {
	Self Self
	Peer identity.DeviceID // as the link proved it
	// Session is the one that goes on. Zero = a new one.
	Session SessionID
	// Started is when the session began. Zero = now.
	Started time.Time
	Control Control
	Lanes   LaneOpener
	// Agents are the kinds to move, in their order.
	Agents []backup.Agent
	// Plans are what MakePlan found for Agents. nil = Send makes it.
	Plans []KindPlan
	// Transport's flags get FlagDeviceToDeviceTransfer added.
	Transport backup.Transport
	// LaneCount is how many lanes to use at most. 0 = DefaultLanes.
	LaneCount int
	// Limit returns the most bytes of content a second that lanes may carry at
	// present, all together; 0 = as many as go. It is asked for every few
	// kilobytes and must return at once, so a phone can answer by its battery and
	// heat. nil = never a limit.
	Limit func() int64
	// NoSqueeze sends all content as it is.
	NoSqueeze bool
	// Verify has both phones read everything that is there already, whatever is
	// noted of it, and sends what differs. It follows a move.
	Verify bool
	// Again announces that another session follows, if this one ends well.
	Again bool
	// Now is this device's clock. What it says of the day stands in the receipt;
	// pauses between bytes and between lanes are measured with it, and it may be
	// set at any time. nil = time.Now.
	Now func() time.Time
	// Meter is written to. nil = nobody looks.
	Meter *Meter
	// Pauser lets the person here pause. nil = that is not possible.
	Pauser *Pauser
	// Observer hears of items. nil = nobody listens.
	Observer Observer
	// Accepted is called when the new phone said yes. nil = not called.
	Accepted func(peer receipt.Side)
}

// outItem is an item under way. Its fields are set before it is shared, but for
// those that say otherwise.
type outItem struct {
	id     uint64
	kind   int
	it     backup.Item
	digest backup.Digest // guarded by sender.mu
	moved  int64         // bytes counted by the meter, those that the receiver had included; guarded by sender.mu
	sent   bool          // its last block was read; guarded by sender.mu
	// unlisted tells that the agent gave an error for it.
	unlisted bool
	ended    atomic.Bool // it has its result: nothing more of it need be read
	wanted   bool        // it was asked for, or is pushed; owned by the read loop once it is shared
	pushed   bool        // it goes without being asked for, and its digest is known once it was read
	squeeze  squeeze.Item
	// What an earlier session sent, as the receiver says. Set before it is read.
	there []tree.Node
}

// sender is the sending side of a session.
//
//	hello ─> offer ─> answer ─> ┌ items, settle, blocks ┐ ─> totals ─> receipt ─> bye
//	                            └ want, results <───────┘
//
// list walks the agents and fills the window; the reader takes verdicts and
// results; readers and comparers turn verdicts into blocks and settlements;
// lanes carry blocks. Every queue is as long as the window, so the reader never
// blocks. An item leaves the window when it and all before it have their
// result, so a large file at the window's head lets at most the rest of the
// window pass.
//
// A receiver that pings and takes nothing, such as one whose disk stands still,
// is waited for: only its person, or ours, can tell that it is over.
type sender struct {
	cfg     SendConfig
	c       *control
	meter   *Meter
	gate    *gate
	session SessionID
	started time.Time // of this part, with its monotonic reading

	peer     wire.Hello
	answer   *wire.Answer
	room     uint64 // what the answer says of space; owned by the read loop
	kinds    []backup.Kind
	accepted []int
	declined []receipt.Declined

	protocol uint32  // the session's; set before work begins
	credit   *credit // the same

	unasked []bool // kinds whose small entities are pushed; the same

	manifest *queue[wire.Entry]
	pushed   *queue[*outItem] // entities that go without being asked for
	nextSent uint64           // ID of the next entry in a frame; owned by writeManifest
	settled  *queue[wire.Settled]
	todo     *queue[*outItem] // to be read block by block
	small    *queue[*outItem] // to be read whole, for bundles
	compare  *queue[compareJob]
	blocks   chan *block

	mu      sync.Mutex
	items   ring[outItem]   // guarded by mu
	backups []backup.Backup // set before work begins
	led     *ledger         // guarded by mu
	listed  uint64          // guarded by mu; valid once listEnd
	listEnd bool            // guarded by mu
	report  Report          // guarded by mu
	lanes   []LaneWriter    // guarded by mu

	throttle throttle
	space    *spaceNews // of what the receiver says
	judge    *squeeze.Judge
	turns    *turns
	allDone  chan struct{} // closed when every item has its result; guarded by mu

	telling sync.Mutex // held while the observer is called
}

type compareJob struct {
	o       *outItem
	digests []backup.Digest
}

// Send runs a session as the old phone, to its end. The returned report is
// never nil. Send closes cfg.Control.
func Send(ctx context.Context, cfg SendConfig) (*Report, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &sender{
		cfg: cfg, c: newControl(cfg.Control), meter: cfg.Meter, started: time.Now(),
		manifest: newQueue[wire.Entry](), pushed: newQueue[*outItem](), settled: newQueue[wire.Settled](),
		todo: newQueue[*outItem](), small: newQueue[*outItem](), compare: newQueue[compareJob](), blocks: make(chan *block, 32),
		judge:    squeeze.NewJudge(runtime.GOMAXPROCS(0)),
		nextSent: 1, turns: newTurns(senderHears), allDone: make(chan struct{}),
	}
	if s.meter == nil {
		s.meter = new(Meter)
	}
	s.meter.again()
	if s.cfg.Started.IsZero() {
		s.cfg.Started = cfg.Now()
	}
	s.gate = newGate(cfg.Pauser)
	s.throttle.limit, s.throttle.now = cfg.Limit, cfg.Now
	s.meter.attach(s.c, s.gate, &s.throttle, cfg.Now)
	var err error
	defer func() { s.meter.detach(err) }()
	if s.cfg.LaneCount <= 0 {
		s.cfg.LaneCount = DefaultLanes
	}
	s.cfg.Transport.Flags |= backup.FlagDeviceToDeviceTransfer
	if s.session = s.cfg.Session; s.session.IsZero() {
		rand.Read(s.session[:])
	}
	s.space = newSpaceNews(s.meter, cfg.Observer, &s.telling)
	defer s.space.close()
	err = s.lacking(afterReceipt(runSession(ctx, s.c, s.readLoop, s.run), &s.report))
	for _, l := range s.lanes {
		l.Close()
	}
	for _, b := range s.backups {
		if b != nil {
			err = errors.Join(err, b.Close())
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.setKinds(s.led)
	s.report.Declined = s.declined
	s.report.Elapsed = s.meter.Snapshot().Elapsed
	return &s.report, err
}

// run opens the session, moves everything, and closes the account.
func (s *sender) run(ctx context.Context) error {
	if s.cfg.Plans == nil {
		plans, err := MakePlan(ctx, s.cfg.Agents, s.cfg.Transport, s.meter)
		if err != nil {
			return err
		}
		s.cfg.Plans = plans
	}
	if err := s.open(ctx); err != nil {
		return err
	}
	if err := s.move(ctx); err != nil {
		return err
	}
	return s.settleAccounts(ctx)
}

// open says hello, offers, and waits for the answer.
func (s *sender) open(ctx context.Context) error {
	s.turns.reach(stepHello)
	err := s.c.send(ctx, &wire.Hello{
		Protocol: wire.Protocol, Device: string(s.cfg.Self.Key.ID()), Name: s.cfg.Self.Name, Version: s.cfg.Self.Version, Session: s.session[:],
	})
	if err != nil {
		return err
	}
	hello, err := next[*wire.Hello](ctx, s.turns)
	if err != nil {
		return err
	}
	if err := checkHello(hello, s.cfg.Peer); err != nil {
		return err
	}
	if string(hello.Session) != string(s.session[:]) {
		return protocolError("another session's hello")
	}
	s.peer = *hello
	s.protocol = min(wire.Protocol, hello.Protocol)
	s.items.grow(WindowOf(s.protocol))
	s.credit = newCredit(cost{int64(WindowOf(s.protocol)), windowKeys, windowBytes})
	offer := &wire.Offer{Flags: uint32(s.cfg.Transport.Flags), Started: millis(s.cfg.Started), Verify: s.cfg.Verify, Again: s.cfg.Again}
	progress := make([]KindProgress, len(s.cfg.Plans))
	for i, p := range s.cfg.Plans {
		offer.Kinds = append(offer.Kinds, wire.OfferedKind{Kind: string(p.Info.Kind), Items: p.Items, Bytes: p.Bytes, Cannot: p.CannotTotal(), Folders: p.Folders})
		s.kinds = append(s.kinds, p.Info.Kind)
		progress[i] = KindProgress{Kind: p.Info.Kind, Items: p.Items, Bytes: p.Bytes}
	}
	s.mu.Lock()
	s.report.Peer = receipt.Side{Device: s.cfg.Peer, Name: hello.Name, Version: hello.Version}
	s.mu.Unlock()
	s.meter.setPhase(PhaseAsk)
	s.turns.reach(stepOffer)
	if err := s.c.send(ctx, offer); err != nil {
		return err
	}
	if s.answer, err = next[*wire.Answer](ctx, s.turns); err != nil {
		return err
	}
	if !s.answer.Accept {
		return &StopError{Kind: s.answer.Why, Remote: true}
	}
	yes := make([]bool, len(s.kinds))
	s.unasked = make([]bool, len(s.kinds))
	for _, k := range s.answer.Kinds {
		if int(k) >= len(s.kinds) {
			return protocolError("it accepts a kind that was not offered")
		}
		yes[k] = true
	}
	for _, k := range s.answer.Unasked { // some of those
		s.unasked[k] = s.protocol >= wire.CompactSince
	}
	for i, p := range s.cfg.Plans {
		if yes[i] {
			s.accepted = append(s.accepted, i)
		} else {
			s.declined = append(s.declined, receipt.Declined{Kind: p.Info.Kind, Items: p.Items, Bytes: p.Bytes})
			progress[i].Items, progress[i].Bytes = 0, 0
		}
	}
	s.meter.setKinds(progress)
	s.mu.Lock()
	s.led = newLedger(s.kinds)
	s.mu.Unlock()
	s.backups = make([]backup.Backup, len(s.kinds))
	t := s.cfg.Transport
	if room := int64(min(s.answer.Free, math.MaxInt64)); room > 0 && (t.Quota == 0 || room < t.Quota) {
		t.Quota = room
	}
	for _, i := range s.accepted {
		if s.backups[i], err = s.cfg.Agents[i].Backup(ctx, t); err != nil {
			return fmt.Errorf("open %s: %w", s.kinds[i], err)
		}
	}
	if s.cfg.Accepted != nil {
		s.cfg.Accepted(s.report.Peer)
	}
	s.turns.reach(stepMove)
	return nil
}

// readLoop takes what the receiver says, until its goodbye.
func (s *sender) readLoop(ctx context.Context) error {
	return s.turns.listen(s.c, func(m wire.Message) (bool, error) {
		switch m := m.(type) {
		case *wire.Want:
			return false, s.onWant(m)
		case *wire.Need:
			if s.protocol < wire.CompactSince {
				return false, protocolError("frame type %d in protocol %d", m.Type(), s.protocol)
			}
			return false, s.onNeed(m)
		case *wire.Results:
			return false, s.onResults(m)
		case *wire.Done:
			if s.protocol < wire.CompactSince {
				return false, protocolError("frame type %d in protocol %d", m.Type(), s.protocol)
			}
			return false, s.onDone(m)
		case *wire.Waits:
			s.gate.heard(m)
			return false, nil
		case *wire.Limit:
			s.throttle.heard(m)
			return false, nil
		case *wire.Full:
			s.space.set(int64(m.Missing), Shortage(m.Of))
			return false, nil
		case *wire.Answer:
			s.room = m.Free
		case *wire.Totals:
			if !closed(s.allDone) {
				return false, protocolError("totals before the last result")
			}
		}
		return true, nil
	})
}

// lacking notes in a refusal for want of space how much the new phone lacks. Its stop
// may come before its answer was looked at. No other goroutine is left.
func (s *sender) lacking(err error) error {
	var e *StopError
	if s.room == 0 || !errors.As(err, &e) || !e.Remote || e.Kind != wire.StopNoSpace {
		return err
	}
	var all uint64
	for _, p := range s.cfg.Plans {
		all += p.Bytes
	}
	e.Missing = int64(min(all-min(all, s.room), math.MaxInt64))
	return err
}

// closed reports whether ch is closed.
func closed(ch <-chan struct{}) bool {
	select {
	case <-ch:
		return true
	default:
		return false
	}
}

// settleAccounts compares totals, exchanges signatures, and says goodbye.
func (s *sender) settleAccounts(ctx context.Context) error {
	const steps = 3 // the totals, the receipt, goodbye
	s.meter.setPhase(PhaseFinish)
	s.mu.Lock()
	ours := s.led.totals()
	s.mu.Unlock()
	ours.Finished = millis(s.cfg.Now())
	s.turns.reach(stepTotals)
	if err := s.c.send(ctx, ours); err != nil {
		return err
	}
	theirs, err := next[*wire.Totals](ctx, s.turns)
	if err != nil {
		return err
	}
	if !sameTotals(ours, theirs) {
		return stop(wire.StopDisagree)
	}
	s.meter.step(steps)
	p := &receipt.Payload{
		Session: hex.EncodeToString(s.session[:]), Protocol: min(wire.Protocol, s.peer.Protocol), Flags: s.cfg.Transport.Flags,
		Sender:   receipt.Side{Device: s.cfg.Self.Key.ID(), Name: s.cfg.Self.Name, Version: s.cfg.Self.Version},
		Receiver: s.report.Peer, Started: fromMillis(millis(s.cfg.Started)), Finished: fromMillis(theirs.Finished),
		Declined: append([]receipt.Declined{}, s.declined...),
	}
	s.mu.Lock()
	s.led.fill(p)
	s.mu.Unlock()
	payload, err := p.Encode()
	if err != nil {
		return err
	}
	sig, err := receipt.Sign(s.cfg.Self.Key, receipt.Sender, payload)
	if err != nil {
		return err
	}
	s.turns.reach(stepReceipt)
	if err := s.c.send(ctx, &wire.Receipt{Payload: payload, Signature: sig}); err != nil {
		return err
	}
	proof, err := next[*wire.Receipt](ctx, s.turns)
	if err != nil {
		return err
	}
	if string(proof.Payload) != string(payload) || !receipt.Check(s.cfg.Peer, receipt.Receiver, payload, proof.Signature) {
		return protocolError("its signature does not match the receipt")
	}
	s.mu.Lock()
	s.report.Before = broughtBefore(theirs)
	s.report.Receipt = receipt.Format(payload, sig, proof.Signature)
	s.mu.Unlock()
	s.meter.step(steps)
	s.turns.reach(stepBye)
	if err := s.c.send(ctx, &wire.Bye{}); err != nil {
		return err
	}
	s.meter.step(steps)
	s.meter.setPhase(PhaseDone)
	if _, err = next[*wire.Bye](ctx, s.turns); err != nil {
		return err
	}
	s.mu.Lock()
	s.report.Parted = true
	s.mu.Unlock()
	return nil
}
