package transfer

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/transfer/journal"
	"github.com/ferry-move/ferry/transfer/receipt"
	"github.com/ferry-move/ferry/transfer/wire"
)

// ReceiveConfig is what a receiving session needs. The fields without a default
// must be set.
type ReceiveConfig struct {
	Self Self
	Peer identity.DeviceID // as the link proved it
	// Session is the one that goes on; any other is refused. Zero = a new one.
	Session SessionID
	// Begun is called with the session's ID when the old phone has said it. nil =
	// not called.
	Begun func(SessionID)
	// Before is what earlier parts of the session brought.
	Before  []Brought
	Control Control
	Lanes   LaneAcceptor
	// Agents are the kinds that this phone takes.
	Agents []backup.Agent
	// Free returns the free space in bytes. nil = not known.
	Free func() (int64, error)
	// FreeFiles returns how many more files the disk can hold. nil = not known.
	FreeFiles func() (int64, error)
	// Journal opens the journal for what comes from a device. nil = nothing is
	// remembered, and a file that does not arrive whole comes again.
	Journal func(identity.DeviceID) (*journal.Journal, error)
	// Boot names this run of the operating system. Zero = the system is asked.
	Boot journal.Boot
	// Accept asks the person.
	Accept func(context.Context, Offer) (Decision, error)
	// LaneCount is the most lanes to serve. 0 = MaxLanes.
	LaneCount int
	// Limit returns the most bytes of content a second that lanes may bring at
	// present, all together; 0 = as many as go. It is asked for every few
	// kilobytes and must return at once, so a phone can answer by its battery and
	// heat. nil = never a limit. The old phone is told, and sends no more.
	Limit func() int64
	// Now is this device's clock. What it says of the day stands in the receipt;
	// pauses between bytes and between lanes are measured with it, and it may be
	// set at any time. nil = time.Now.
	Now   func() time.Time
	Meter *Meter
	// Pauser lets the person here pause. nil = that is not possible.
	Pauser   *Pauser
	Observer Observer
}

// receiver is the receiving side of a session; see sender for the states.
//
// The reader takes the manifest in; checkers ask the agents what is needed;
// lanes stage blocks; one committer makes batches durable, notes them in the
// journal and reports them; one keeper makes the beginnings of large files
// durable while they grow. An item is owned by the stage it is in, and leaves
// the window when it and all before it have their result.
//
// Whatever the sender does, a session holds no more than 2 × windowBytes of
// entities, 2 × windowKeys of keys, Window items, maxNodes hashes, maxOpen of
// names, one frame, and a block and its buffer for each lane: some 130 MB.
//
// A sender that pings and sends nothing more is waited for: its person may
// have put the phone down, and only a person can tell that it is over.
type receiver struct {
	cfg     ReceiveConfig
	c       *control
	meter   *Meter
	gate    *gate
	journal *journal.Journal // nil = none
	token   [wire.TokenSize]byte

	hello    wire.Hello
	protocol uint32 // the session's; set before work begins
	offer    Offer
	kinds    []backup.Kind
	accepted []bool
	unasked  []bool    // kinds whose small entities come unasked
	wholes   []*wholes // by kind, nil where each item stands for itself; set before work begins, then owned by the read loop
	spare    int64     // bytes that may still be listed; the same
	declined []receipt.Declined
	started  time.Time
	infos    []backup.Info
	restores []backup.Restore

	toCheck *queue[*inItem]
	inOrder *queue[*inItem] // the same for entities, by one checker
	wanted  *queue[wire.Wanted]
	results *queue[outcome]
	ready   *queue[*inItem]
	staging chan struct{} // one for each file staged and not committed
	keepNow chan struct{} // the keeper has something to do
	syncNow chan struct{} // what it noted is to be forced to the disk

	mu         sync.Mutex
	items      ring[inItem]         // guarded by mu
	growing    map[*inItem]struct{} // files worth a checkpoint; guarded by mu
	next       uint64               // the next item's ID; owned by the read loop
	known      uint64               // the same, once items has those before it; guarded by mu
	keyBytes   int64                // guarded by mu
	valueBytes int64                // guarded by mu
	early      map[uint64]early     // entities that came before they were listed; guarded by mu
	listed     uint64               // items in the manifest, valid once endSeen; guarded by mu
	reported   uint64               // results handed over to be sent; guarded by mu
	endSeen    bool                 // guarded by mu
	led        *ledger              // guarded by mu
	report     Report               // guarded by mu
	full       full
	space      *spaceNews   // of what full tells
	earlier    int64        // bytes that earlier runs brought, by the journal; set before work begins
	found      atomic.Int64 // bytes of what was here already, or in part, when its turn came
	throttle   throttle

	telling sync.Mutex // held while the observer is called

	nodes  atomic.Int64 // held by the items' trees
	unkept atomic.Int64 // bytes of growing files that came since the keeper last looked

	turns   *turns
	allDone chan struct{} // closed when every item has its result; guarded by mu
	// said ends when the sender has said its totals: its lanes are over, even
	// those whose ends are lost on the way.
	said   context.Context
	onSaid context.CancelFunc
}

// Receive runs a session as the new phone, to its end. The returned report is
// never nil. Receive closes cfg.Control.
func Receive(ctx context.Context, cfg ReceiveConfig) (*Report, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	r := &receiver{
		cfg: cfg, c: newControl(cfg.Control), meter: cfg.Meter, next: 1, known: 1,
		toCheck: newQueue[*inItem](), inOrder: newQueue[*inItem](), wanted: newQueue[wire.Wanted](), results: newQueue[outcome](),
		ready: newQueue[*inItem](), staging: make(chan struct{}, maxStaged), keepNow: make(chan struct{}, 1), syncNow: make(chan struct{}, 1),
		growing: map[*inItem]struct{}{}, early: map[uint64]early{},
		turns: newTurns(receiverHears), allDone: make(chan struct{}),
	}
	r.throttle.limit, r.throttle.now = cfg.Limit, cfg.Now
	r.said, r.onSaid = context.WithCancel(context.Background())
	defer r.onSaid()
	if r.meter == nil {
		r.meter = new(Meter)
	}
	r.meter.again()
	r.gate = newGate(cfg.Pauser)
	r.meter.attach(r.c, r.gate, &r.throttle, cfg.Now)
	var err error
	defer func() { r.meter.detach(err) }()
	if r.cfg.LaneCount <= 0 {
		r.cfg.LaneCount = MaxLanes
	}
	if r.cfg.Boot.IsZero() {
		r.cfg.Boot = journal.ThisBoot()
	}
	rand.Read(r.token[:])
	r.space = newSpaceNews(r.meter, cfg.Observer, &r.telling)
	defer r.space.close()
	err = afterReceipt(runSession(ctx, r.c, r.readLoop, r.run), &r.report)
	err = errors.Join(err, r.closeAll(context.WithoutCancel(ctx)))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.setKinds(r.led)
	r.report.Declined = r.declined
	r.report.Elapsed = r.meter.Snapshot().Elapsed
	return &r.report, err
}

// closeAll keeps of what is staged what a later run can use, drops the rest, and
// closes the agents' restores and the journal. No other goroutine is left.
func (r *receiver) closeAll(ctx context.Context) error {
	var err error
	r.commitRest(ctx)
	r.keepRest()
	for it := range r.items.all {
		r.drop(it)
	}
	for _, re := range r.restores {
		if re != nil {
			err = errors.Join(err, re.Close())
		}
	}
	if r.journal != nil {
		if err == nil {
			r.journal.Cleared() // costs a later run time, no more
		}
		err = errors.Join(err, r.journal.Close())
	}
	return err
}

func (r *receiver) run(ctx context.Context) error {
	if err := r.open(ctx); err != nil {
		return err
	}
	if err := r.move(ctx); err != nil {
		return err
	}
	return r.settleAccounts(ctx)
}

// readLoop takes what the sender says, until its goodbye.
func (r *receiver) readLoop(ctx context.Context) error {
	return r.turns.listen(r.c, func(m wire.Message) (bool, error) {
		switch m := m.(type) {
		case *wire.Items:
			return false, r.onItems(m)
		case *wire.List:
			if r.protocol < wire.CompactSince {
				return false, protocolError("frame type %d in protocol %d", m.Type(), r.protocol)
			}
			return false, r.onItems((*wire.Items)(m))
		case *wire.Settle:
			return false, r.onSettle(m)
		case *wire.End:
			return false, r.onEnd(m)
		case *wire.Waits:
			r.gate.heard(m)
			return false, nil
		case *wire.Limit:
			r.throttle.heard(m)
			return false, nil
		case *wire.Totals:
			return true, r.onTotals()
		}
		return true, nil
	})
}

// onTotals refuses totals that come too early: the sender has them only when it heard every
// result.
func (r *receiver) onTotals() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.endSeen || r.items.len() > 0 {
		return protocolError("totals before the last result")
	}
	r.onSaid()
	return nil
}

// settleAccounts finishes the agents' work, compares totals, signs, and says
// goodbye.
func (r *receiver) settleAccounts(ctx context.Context) error {
	r.meter.setPhase(PhaseFinish)
	steps := len(r.restores) + 3 // each kind, the totals, the receipt, goodbye
	if err := r.finishAgents(ctx, steps); err != nil {
		return err
	}
	r.foldersDone()
	r.mu.Lock()
	ours := r.led.totals()
	r.mu.Unlock()
	ours.Finished = millis(r.cfg.Now())
	sayBefore(ours, r.cfg.Before)
	r.turns.reach(stepTotals)
	if err := r.c.send(ctx, ours); err != nil {
		return err
	}
	theirs, err := next[*wire.Totals](ctx, r.turns)
	if err != nil {
		return err
	}
	if !sameTotals(ours, theirs) {
		return stop(wire.StopDisagree)
	}
	r.meter.step(steps)
	proof, err := next[*wire.Receipt](ctx, r.turns)
	if err != nil {
		return err
	}
	if err := r.checkReceipt(proof, ours.Finished); err != nil {
		return err
	}
	sig, err := receipt.Sign(r.cfg.Self.Key, receipt.Receiver, proof.Payload)
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.report.Before = broughtBefore(ours)
	r.report.Receipt = receipt.Format(proof.Payload, proof.Signature, sig)
	r.mu.Unlock()
	r.turns.reach(stepReceipt)
	if err := r.c.send(ctx, &wire.Receipt{Payload: proof.Payload, Signature: sig}); err != nil {
		return err
	}
	r.meter.step(steps)
	if _, err := next[*wire.Bye](ctx, r.turns); err != nil {
		return err
	}
	r.meter.step(steps)
	r.mu.Lock()
	r.report.Parted = true
	r.mu.Unlock()
	r.meter.setPhase(PhaseDone)
	return r.c.send(ctx, &wire.Bye{})
}

// finishAgents ends the agents' work.
func (r *receiver) finishAgents(ctx context.Context, steps int) error {
	defer r.meter.disk()()
	r.sweepKept(ctx)
	for i, re := range r.restores {
		if f, ok := re.(backup.Finisher); ok {
			if err := r.patiently(ctx, 0, nil, func() error { return f.Finish(ctx) }); err != nil {
				return fmt.Errorf("finish %s: %w", r.kinds[i], err)
			}
		}
		r.meter.step(steps)
	}
	return nil
}

// checkReceipt holds the sender's payload against this side's own account. Every
// field that this side can know must be what it knows.
func (r *receiver) checkReceipt(m *wire.Receipt, finished int64) error {
	p, err := receipt.DecodePayload(m.Payload)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrProtocol, err)
	}
	want := receipt.Payload{
		Session: hex.EncodeToString(r.hello.Session), Protocol: min(wire.Protocol, r.hello.Protocol), Flags: r.offer.Flags,
		Sender:   r.report.Peer,
		Receiver: receipt.Side{Device: r.cfg.Self.Key.ID(), Name: r.cfg.Self.Name, Version: r.cfg.Self.Version},
		Started:  r.started, Finished: fromMillis(finished), Declined: append([]receipt.Declined{}, r.declined...),
	}
	r.mu.Lock()
	r.led.fill(&want)
	r.mu.Unlock()
	ours, err := want.Encode()
	if err != nil {
		return err
	}
	theirs, err := p.Encode()
	if err != nil {
		return err
	}
	if string(ours) != string(theirs) {
		return stop(wire.StopDisagree)
	}
	if !receipt.Check(r.cfg.Peer, receipt.Sender, m.Payload, m.Signature) {
		return protocolError("its signature does not match the receipt")
	}
	return nil
}
