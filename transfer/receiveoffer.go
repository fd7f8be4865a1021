package transfer

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer/journal"
	"github.com/ferry-move/ferry/transfer/receipt"
	"github.com/ferry-move/ferry/transfer/wire"
)

// Offer is what a person at the new phone is asked about.
type Offer struct {
	Peer  receipt.Side
	Flags backup.Flags
	Kinds []OfferedKind
	// Free is the free space here in bytes, -1 where it is not known.
	Free int64
	// Already is the most that need not come because it is here: what arrived
	// from that device in earlier runs, files that did not arrive whole included;
	// where the offer would not fit otherwise, as much as is here of each kind.
	Already int64
	// Verify tells that everything is to be read again on both phones; Again,
	// that another session follows this one.
	Verify, Again bool
}

// OfferedKind is one kind of an offer.
type OfferedKind struct {
	Kind  backup.Kind
	Items uint64
	Bytes uint64
	// Cannot counts those that the old phone already knows it cannot move.
	Cannot uint64
	// Folders come besides; they are not among Items.
	Folders uint64
	// Supported tells that this phone has an agent for the kind.
	Supported bool
}

// Bytes returns the content of the supported kinds in bytes.
func (o *Offer) Bytes() (n int64) {
	for _, k := range o.Kinds {
		if k.Supported {
			n += int64(k.Bytes)
		}
	}
	return n
}

// Missing returns how many bytes of space are missing here for sure, 0 if it may
// fit or if that is not known. What may be here already is taken off; if it turns
// out to have changed, the move waits for space.
func (o *Offer) Missing() int64 {
	if o.Free < 0 {
		return 0
	}
	return max(0, o.Bytes()-min(o.Already, o.Bytes())-o.Free)
}

// Decision is what the person said. The zero value refuses.
type Decision struct {
	Accept bool
	// Kinds are those that may come. nil = every supported one.
	Kinds []backup.Kind
	// Why tells the old phone the reason of a refusal. 0 = StopRefused.
	Why wire.StopKind
}

// open answers hello and offer.
func (r *receiver) open(ctx context.Context) error {
	hello, err := next[*wire.Hello](ctx, r.turns)
	if err != nil {
		return err
	}
	if err := checkHello(hello, r.cfg.Peer); err != nil {
		return err
	}
	id := SessionID(hello.Session)
	if !r.cfg.Session.IsZero() && id != r.cfg.Session {
		return protocolError("another session's hello")
	}
	if r.cfg.Begun != nil {
		r.cfg.Begun(id)
	}
	r.hello = *hello
	r.protocol = min(wire.Protocol, hello.Protocol)
	r.mu.Lock()
	r.items.grow(WindowOf(r.protocol))
	r.report.Peer = receipt.Side{Device: r.cfg.Peer, Name: hello.Name, Version: hello.Version}
	r.mu.Unlock()
	r.turns.reach(stepHello)
	err = r.c.send(ctx, &wire.Hello{
		Protocol: wire.Protocol, Device: string(r.cfg.Self.Key.ID()), Name: r.cfg.Self.Name, Version: r.cfg.Self.Version, Session: hello.Session,
	})
	if err != nil {
		return err
	}
	r.meter.setPhase(PhasePlan)
	offer, err := next[*wire.Offer](ctx, r.turns)
	if err != nil {
		return err
	}
	r.turns.reach(stepOffer)
	flags := backup.Flags(offer.Flags)
	if !flags.Has(backup.FlagDeviceToDeviceTransfer) {
		return stop(wire.StopFlags)
	}
	r.started = fromMillis(offer.Started)
	if r.cfg.Journal != nil {
		if r.journal, err = r.cfg.Journal(r.cfg.Peer); err != nil {
			if errors.Is(err, journal.ErrBusy) {
				return errors.Join(stop(wire.StopBusy), err)
			}
			return err
		}
	}
	r.describe(ctx, offer, flags)
	d, err := r.ask(ctx)
	if ctx.Err() != nil { // a yes that comes too late opens nothing
		return context.Cause(ctx)
	}
	if err != nil {
		return err
	}
	if !d.Accept {
		why := d.Why
		if why == wire.StopNone {
			why = wire.StopRefused
		}
		r.c.ending.Store(&StopError{Kind: why})
		answer := &wire.Answer{Why: why}
		if why == wire.StopNoSpace {
			answer.Free = r.room()
		}
		if err := r.c.send(ctx, answer); err != nil {
			return err
		}
		return stop(why)
	}
	return r.accept(ctx, d, flags)
}

// describe makes the offer that the person sees.
func (r *receiver) describe(ctx context.Context, o *wire.Offer, flags backup.Flags) {
	r.offer = Offer{Peer: r.report.Peer, Flags: flags, Free: -1, Verify: o.Verify, Again: o.Again}
	if r.cfg.Free != nil {
		if n, err := r.cfg.Free(); err == nil {
			r.offer.Free = n
		}
	}
	if r.journal != nil {
		r.earlier = r.journal.Bytes() + r.journal.Held()
		r.offer.Already = r.earlier
	}
	defer r.countHere(ctx)
	for _, k := range o.Kinds {
		r.kinds = append(r.kinds, backup.Kind(k.Kind))
		r.offer.Kinds = append(r.offer.Kinds, OfferedKind{
			Kind: backup.Kind(k.Kind), Items: k.Items, Bytes: k.Bytes, Cannot: k.Cannot, Folders: k.Folders, Supported: r.agent(backup.Kind(k.Kind)) != nil,
		})
	}
}

// countHere makes Already of what is here, if the offer would not fit otherwise.
// A journal knows what arrived, but not what was removed since, nor what came
// in another way.
func (r *receiver) countHere(ctx context.Context) {
	o := &r.offer
	if o.Free < 0 || o.Bytes() <= o.Free {
		return
	}
	o.Already = 0
	if r.journal != nil {
		o.Already = r.journal.Held()
	}
	for _, k := range o.Kinds {
		if !k.Supported {
			continue
		}
		plans, err := MakePlan(ctx, []backup.Agent{r.agent(k.Kind)}, backup.Transport{Flags: o.Flags}, nil)
		if err == nil && plans[0].Err == nil {
			o.Already += int64(min(plans[0].Bytes, k.Bytes))
		} else { // nobody knows
			o.Already += int64(k.Bytes)
		}
	}
}

func (r *receiver) agent(k backup.Kind) backup.Agent {
	for _, a := range r.cfg.Agents {
		if a.Info().Kind == k {
			return a
		}
	}
	return nil
}

func (r *receiver) ask(ctx context.Context) (Decision, error) {
	r.meter.setPhase(PhaseAsk)
	return r.cfg.Accept(ctx, r.offer)
}

// room is what the old phone may send, in bytes: what is free here, and what is
// here already. 0 = not known.
func (r *receiver) room() uint64 {
	if r.offer.Free < 0 {
		return 0
	}
	return uint64(max(1, r.offer.Free+r.offer.Already))
}

// accept opens the agents and says yes.
func (r *receiver) accept(ctx context.Context, d Decision, flags backup.Flags) error {
	r.restores = make([]backup.Restore, len(r.kinds))
	r.infos = make([]backup.Info, len(r.kinds))
	r.accepted = make([]bool, len(r.kinds))
	r.unasked = make([]bool, len(r.kinds))
	r.wholes = make([]*wholes, len(r.kinds))
	var offered uint64
	progress := make([]KindProgress, len(r.kinds))
	answer := &wire.Answer{Accept: true, Token: r.token[:], Lanes: uint32(r.cfg.LaneCount), Free: r.room()}
	for i, k := range r.offer.Kinds {
		progress[i].Kind = k.Kind
		yes := k.Supported
		if d.Kinds != nil {
			yes = false
			for _, want := range d.Kinds {
				yes = yes || want == k.Kind && k.Supported
			}
		}
		if !yes {
			r.declined = append(r.declined, receipt.Declined{Kind: k.Kind, Items: k.Items, Bytes: k.Bytes})
			continue
		}
		a := r.agent(k.Kind)
		var re backup.Restore
		err := r.patiently(ctx, 0, nil, func() (err error) {
			re, err = a.Restore(ctx, backup.Transport{Flags: flags, Notes: r.notes()})
			return err
		})
		if err != nil {
			return fmt.Errorf("open %s: %w", k.Kind, err)
		}
		r.restores[i], r.infos[i], r.accepted[i] = re, a.Info(), true
		if w, ok := a.(backup.Wholer); ok {
			r.wholes[i] = newWholes(w)
		}
		offered = min(offered+k.Bytes, math.MaxInt64/2)
		progress[i].Items, progress[i].Bytes = k.Items, k.Bytes
		answer.Kinds = append(answer.Kinds, uint32(i))
		if b, ok := re.(backup.Blank); ok && r.protocol >= wire.CompactSince && b.Blank() {
			r.unasked[i] = true
			answer.Unasked = append(answer.Unasked, uint32(i))
		}
	}
	r.spare = listable(offered)
	if err := r.sweep(ctx); err != nil {
		return err
	}
	r.meter.setKinds(progress)
	r.mu.Lock()
	r.led = newLedger(r.kinds)
	r.mu.Unlock()
	if err := r.gate.tellPause(ctx, r.c, r.hello.Protocol); err != nil {
		return err
	}
	if err := r.throttle.tellNow(ctx, r.c); err != nil { // before anything comes
		return err
	}
	r.turns.reach(stepMove)
	return r.c.send(ctx, answer)
}

// growth is how much more may be listed than was offered, however little that was.
const growth = 16 << 30

// listable returns how many bytes may be listed after so many were offered, which are
// no more than an int64 holds. An old phone that is in use has more by the time its
// files are listed, hours later perhaps; one that lists more than twice as much, and
// growth more, offered something else than it sends.
func listable(offered uint64) int64 {
	return int64(offered + min(max(offered, growth), math.MaxInt64-offered))
}

// sweep removes what an earlier run from the same device left half done. A
// file that cannot be removed now stays noted, for a later run, and the new
// run does not fail for it. Beginnings that were kept stay.
func (r *receiver) sweep(ctx context.Context) error {
	if r.journal == nil {
		return nil
	}
	for _, n := range r.journal.Temporaries() {
		for _, re := range r.restores {
			if t, ok := re.(backup.TempRemover); ok && t.RemoveTemp(ctx, string(n)) == nil {
				r.journal.Gone(n)
				break
			}
		}
	}
	r.journal.Cleared() // costs a later run time, no more
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}
