package transfer

import (
	"context"
	"sync/atomic"

	"github.com/ferry-move/ferry/transfer/wire"
)

// step is how far one side has come: what it said last, or is about to say.
type step int32

const (
	stepQuiet   step = iota // nothing
	stepHello               // hello
	stepOffer               // the sender offered; the receiver asks its person
	stepMove                // the receiver said yes; the sender is ready for verdicts
	stepTotals              // its totals
	stepReceipt             // its signature
	stepBye                 // goodbye
)

// span is the steps of this side during which a frame from the other is legal.
// Every frame is legal once only, but for the ones that are streamed. Ping,
// Stop and optional frames are legal at any time, and never get here.
type span struct {
	from, to step
	streamed bool
	after    wire.Type // what must have come before; 0 = nothing
}

// What each side may hear. A step is taken before it is said, so that an
// answer never comes too early.
//
//	this side's step   quiet   hello   offer   move                totals    receipt   bye
//	sender hears               Hello   Answer  Want Results Totals Totals    Receipt   Bye
//	                                   Waits ── Waits ──────────── Waits ─── Waits ─── Waits
//	                                   Full ─────────────────────── Full
//	                                   Limit ─ Limit ───────────── Limit ── Limit ── Limit
//	receiver hears     Hello   Offer   –       Items End           Receipt   Bye
//	                                           Settle ──────────── Settle
//	                                           Totals ──────────── Totals
//	                                           Waits ───────────── Waits ─── Waits ─── Waits
//	                                           Limit ───────────── Limit ─── Limit ─── Limit
//
// From protocol 3 on List, Need and Done come where Items, Want and Results may.
//
// Beyond that, Totals end Settle, come before Receipt, and come only when every
// item has its result.
var (
	senderHears = map[wire.Type]span{
		wire.TypeHello:   {from: stepHello, to: stepHello},
		wire.TypeAnswer:  {from: stepOffer, to: stepOffer},
		wire.TypeWant:    {from: stepMove, to: stepMove, streamed: true},
		wire.TypeNeed:    {from: stepMove, to: stepMove, streamed: true},
		wire.TypeResults: {from: stepMove, to: stepMove, streamed: true},
		wire.TypeDone:    {from: stepMove, to: stepMove, streamed: true},
		wire.TypeTotals:  {from: stepMove, to: stepTotals},
		wire.TypeReceipt: {from: stepReceipt, to: stepReceipt},
		wire.TypeBye:     {from: stepBye, to: stepBye},
		wire.TypeWaits:   {from: stepOffer, to: stepBye, streamed: true},
		wire.TypeFull:    {from: stepOffer, to: stepTotals, streamed: true},
		wire.TypeLimit:   {from: stepOffer, to: stepBye, streamed: true},
	}
	receiverHears = map[wire.Type]span{
		wire.TypeHello:   {from: stepQuiet, to: stepQuiet},
		wire.TypeOffer:   {from: stepHello, to: stepHello},
		wire.TypeItems:   {from: stepMove, to: stepMove, streamed: true},
		wire.TypeList:    {from: stepMove, to: stepMove, streamed: true},
		wire.TypeEnd:     {from: stepMove, to: stepMove},
		wire.TypeSettle:  {from: stepMove, to: stepTotals, streamed: true},
		wire.TypeTotals:  {from: stepMove, to: stepTotals},
		wire.TypeReceipt: {from: stepTotals, to: stepTotals, after: wire.TypeTotals},
		wire.TypeBye:     {from: stepReceipt, to: stepReceipt},
		wire.TypeWaits:   {from: stepMove, to: stepBye, streamed: true},
		wire.TypeLimit:   {from: stepMove, to: stepBye, streamed: true},
	}
)

// turns holds what the other side says against what it may say, and keeps the
// messages that are waited for one by one.
type turns struct {
	hears map[wire.Type]span // immutable
	at    atomic.Int32       // this side's step
	heard map[wire.Type]bool // owned by the read loop
	inbox chan wire.Message
}

func newTurns(hears map[wire.Type]span) *turns {
	return &turns{hears: hears, heard: map[wire.Type]bool{}, inbox: make(chan wire.Message, len(hears))}
}

// reach takes a step.
func (t *turns) reach(s step) { t.at.Store(int32(s)) }

// admit refuses a message that is out of turn.
func (t *turns) admit(m wire.Message) error {
	s, ok := t.hears[m.Type()]
	at := step(t.at.Load())
	if !ok || at < s.from || at > s.to || t.heard[m.Type()] && !s.streamed || s.after != 0 && !t.heard[s.after] {
		return protocolError("frame type %d out of turn", m.Type())
	}
	t.heard[m.Type()] = true
	return nil
}

// listen admits what the other side says and hands it to take, until its
// goodbye. What take says is waited for goes to next.
func (t *turns) listen(c *control, take func(wire.Message) (awaited bool, err error)) error {
	for {
		m, err := c.recv()
		if err != nil {
			return err
		}
		if err := t.admit(m); err != nil {
			return err
		}
		awaited, err := take(m)
		if err != nil {
			return err
		}
		if awaited {
			t.inbox <- m // never full: each is admitted once
		}
		if m.Type() == wire.TypeBye {
			return nil
		}
	}
}

// next waits for a message of type M, which must be the next one.
func next[M wire.Message](ctx context.Context, t *turns) (m M, err error) {
	select {
	case got := <-t.inbox:
		m, ok := got.(M)
		if !ok {
			return m, protocolError("frame type %d out of turn", got.Type())
		}
		return m, nil
	case <-ctx.Done():
		return m, context.Cause(ctx)
	}
}
