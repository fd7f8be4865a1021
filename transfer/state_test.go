package transfer_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/receipt"
	"github.com/ferry-move/ferry/transfer/wire"
)

// samples makes a message of each type that would be right at its place: item
// is one that is under way, totals and proof are the right ones where there
// are any yet.
func (f *fake) samples(item uint64, totals *wire.Totals, proof *wire.Receipt) []wire.Message {
	if totals == nil {
		totals = &wire.Totals{Root: make([]byte, 32)}
	}
	if proof == nil {
		proof = &wire.Receipt{Payload: []byte("{}"), Signature: make([]byte, wire.SignatureSize)}
	}
	return []wire.Message{
		f.hello(), offer(), &wire.Answer{Why: wire.StopRefused},
		&wire.Items{First: 1, Entries: []wire.Entry{file("Documents/a", 7)}},
		&wire.Want{Wanted: []wire.Wanted{{ID: item, Verdict: 1}}},
		&wire.Settle{Settled: []wire.Settled{{ID: 1, Fail: 1}}},
		&wire.Results{Results: []wire.Result{{ID: item, Outcome: 4, Reason: 1}}},
		&wire.End{}, totals, proof, &wire.Bye{}, &wire.Ping{}, &wire.Stop{Kind: wire.StopCancelled}, &wire.Waits{For: wire.WaitPause},
		&wire.List{First: 1, Entries: []wire.Entry{file("Documents/a", 7)}},
		&wire.Need{Runs: []wire.Run{{First: item, Count: 1}}},
		&wire.Done{Runs: []wire.DoneRun{{Run: wire.Run{First: item, Count: 1}, Outcome: 3}}},
	}
}

// state is one of a session's states: how to get there, and which frames are
// legal there beside Ping and Stop.
type state struct {
	name  string
	reach func(f *fake) (item uint64, totals *wire.Totals, proof *wire.Receipt)
	legal []wire.Type
}

// judge says each message in a state and looks at how the session ends: legal
// ones leave it as it was, others end it at once.
func judge(t *testing.T, s state, run func(t *testing.T, script func(*fake)) ended) {
	for i := range 17 {
		synctest.Test(t, func(t *testing.T) {
			var m wire.Message
			e := run(t, func(f *fake) {
				m = f.samples(s.reach(f))[i]
				f.say(m)
				f.cancels()
			})
			var stop *transfer.StopError
			switch {
			case errors.Is(e.err, transfer.ErrProtocol):
				if m.Type() == wire.TypePing || m.Type() == wire.TypeStop || slices.Contains(s.legal, m.Type()) {
					t.Errorf("%s: a frame of type %d is refused: %v", s.name, m.Type(), e.err)
				}
			case e.err == nil && m.Type() == wire.TypeBye && slices.Contains(s.legal, wire.TypeBye):
			case errors.As(e.err, &stop) && stop.Remote:
				if m.Type() != wire.TypePing && m.Type() != wire.TypeStop && !slices.Contains(s.legal, m.Type()) {
					t.Errorf("%s: a frame of type %d is taken", s.name, m.Type())
				}
			default:
				t.Errorf("%s, type %d: %v", s.name, m.Type(), e.err)
			}
		})
	}
}

// TestReceiverStates is SEC-06 for the receiver: every frame in every state.
func TestReceiverStates(t *testing.T) {
	hold := func(c *transfer.ReceiveConfig) {
		c.Accept = func(ctx context.Context, _ transfer.Offer) (transfer.Decision, error) {
			<-ctx.Done()
			return transfer.Decision{}, context.Cause(ctx)
		}
	}
	for _, s := range []struct {
		state
		tune func(*transfer.ReceiveConfig)
	}{
		{state{"quiet", func(f *fake) (uint64, *wire.Totals, *wire.Receipt) { return 1, nil, nil }, []wire.Type{wire.TypeHello}}, nil},
		{state{"hello", func(f *fake) (uint64, *wire.Totals, *wire.Receipt) {
			f.say(f.hello())
			hear[*wire.Hello](f)
			return 1, nil, nil
		}, []wire.Type{wire.TypeOffer}}, nil},
		{state{"asked", func(f *fake) (uint64, *wire.Totals, *wire.Receipt) {
			f.say(f.hello())
			hear[*wire.Hello](f)
			f.say(offer())
			synctest.Wait() // the person is asked
			return 1, nil, nil
		}, nil}, hold},
		{state{"moving", func(f *fake) (uint64, *wire.Totals, *wire.Receipt) {
			f.opens()
			return 1, nil, nil
		}, []wire.Type{wire.TypeItems, wire.TypeSettle, wire.TypeEnd, wire.TypeWaits}}, nil},
		{state{"ended", func(f *fake) (uint64, *wire.Totals, *wire.Receipt) {
			f.opens()
			return 1, f.finishes(0), nil
		}, []wire.Type{wire.TypeSettle, wire.TypeTotals, wire.TypeWaits}}, nil},
		{state{"agreed", func(f *fake) (uint64, *wire.Totals, *wire.Receipt) {
			f.opens()
			m := f.finishes(0)
			f.say(m)
			return 1, m, f.signs(m, nil)
		}, []wire.Type{wire.TypeReceipt, wire.TypeWaits}}, nil},
		{state{"signed", func(f *fake) (uint64, *wire.Totals, *wire.Receipt) {
			f.opens()
			m := f.finishes(0)
			f.say(m, f.signs(m, nil))
			hear[*wire.Receipt](f)
			return 1, m, f.signs(m, nil)
		}, []wire.Type{wire.TypeBye, wire.TypeWaits}}, nil},
	} {
		judge(t, s.state, func(t *testing.T, script func(*fake)) ended {
			e, _ := receiving(t, s.tune, script)
			return e
		})
	}
}

// TestSenderStates is SEC-06 for the sender.
func TestSenderStates(t *testing.T) {
	moving := func(f *fake) []wire.Entry {
		f.answers()
		return f.listed()
	}
	sign := func(f *fake) *wire.Receipt {
		r := hear[*wire.Receipt](f)
		sig, err := receipt.Sign(f.key, receipt.Receiver, r.Payload)
		if err != nil {
			f.t.Error(err)
		}
		return &wire.Receipt{Payload: r.Payload, Signature: sig}
	}
	plan := func(c *transfer.SendConfig) { c.Agents = []backup.Agent{slow{c.Agents[0], 3 * time.Second}} }
	for _, s := range []struct {
		state
		tune func(*transfer.SendConfig)
	}{
		{state{"planning", func(f *fake) (uint64, *wire.Totals, *wire.Receipt) { return 1, nil, nil }, nil}, plan},
		{state{"hello", func(f *fake) (uint64, *wire.Totals, *wire.Receipt) {
			f.session = hear[*wire.Hello](f).Session
			return 1, nil, nil
		}, []wire.Type{wire.TypeHello}}, nil},
		{state{"offered", func(f *fake) (uint64, *wire.Totals, *wire.Receipt) {
			f.session = hear[*wire.Hello](f).Session
			f.say(f.hello())
			hear[*wire.Offer](f)
			return 1, nil, nil
		}, []wire.Type{wire.TypeAnswer, wire.TypeWaits}}, nil},
		{state{"moving", func(f *fake) (uint64, *wire.Totals, *wire.Receipt) {
			return fileOf(f, moving(f), backup.TypeFile), nil, nil
		}, []wire.Type{wire.TypeWant, wire.TypeResults, wire.TypeWaits}}, nil},
		{state{"ended", func(f *fake) (uint64, *wire.Totals, *wire.Receipt) {
			f.takes(moving(f))
			return 1, hear[*wire.Totals](f), nil
		}, []wire.Type{wire.TypeTotals, wire.TypeWaits}}, nil},
		{state{"agreed", func(f *fake) (uint64, *wire.Totals, *wire.Receipt) {
			f.takes(moving(f))
			m := hear[*wire.Totals](f)
			f.say(m)
			return 1, m, sign(f)
		}, []wire.Type{wire.TypeReceipt, wire.TypeWaits}}, nil},
		{state{"signed", func(f *fake) (uint64, *wire.Totals, *wire.Receipt) {
			f.takes(moving(f))
			m := hear[*wire.Totals](f)
			f.say(m)
			r := sign(f)
			f.say(r)
			hear[*wire.Bye](f)
			return 1, m, r
		}, []wire.Type{wire.TypeBye, wire.TypeWaits}}, nil},
	} {
		judge(t, s.state, func(t *testing.T, script func(*fake)) ended { return sending(t, s.tune, script) })
	}
}
