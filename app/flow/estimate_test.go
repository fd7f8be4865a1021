package flow

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/receipt"
)

func chosenKinds(entities bool, items, bytes uint64) []KindChoice {
	return []KindChoice{{Info: backup.Info{Kind: "photos", Entities: entities}, On: true, Taken: items, TakenBytes: bytes}}
}

func TestEstimate(t *testing.T) {
	there := Peer{Device: "there", Addrs: pixel.Addrs}
	fast := measured{to: "there", at: pixel.Addrs[0].Addr(), least: 10e6, most: 20e6}
	some := &session.Preview{Kinds: []session.PreviewKind{{Kind: "photos", Add: 10, Merge: 10, Skip: 1e6, Bytes: 1e9}}}
	minutes := func(m float64) time.Duration { return time.Duration(m * float64(time.Minute)) }
	for _, tt := range []struct {
		name        string
		kinds       []KindChoice
		preview     *session.Preview
		m           measured
		limit       int64
		least, most [2]time.Duration // from … to
	}{
		// 18.4 GB are three minutes over the best Wi-Fi, and an hour over a poor one.
		{"a phone", chosenKinds(false, 4000, 18.4e9), nil, measured{}, 0, [2]time.Duration{minutes(3), minutes(4)}, [2]time.Duration{minutes(50), minutes(60)}},
		{"it was measured", chosenKinds(false, 4000, 18.4e9), nil, fast, 0, [2]time.Duration{minutes(7), minutes(9)}, [2]time.Duration{minutes(60), minutes(63)}},
		{"measured with another", chosenKinds(false, 4000, 18.4e9), nil, measured{to: "else", at: fast.at, least: 1, most: 1}, 0, [2]time.Duration{minutes(3), minutes(4)}, [2]time.Duration{minutes(50), minutes(60)}},
		{"measured elsewhere", chosenKinds(false, 4000, 18.4e9), nil, measured{to: "there", least: 1, most: 1}, 0, [2]time.Duration{minutes(3), minutes(4)}, [2]time.Duration{minutes(50), minutes(60)}},
		{"under a limit", chosenKinds(false, 1, 1200e6), nil, measured{}, 1e6, [2]time.Duration{minutes(20), minutes(20.1)}, [2]time.Duration{minutes(20), minutes(20.1)}},
		{"a limit that nothing reaches", chosenKinds(false, 1, 1e9), nil, measured{}, 1e12, [2]time.Duration{minutes(.1), minutes(.2)}, [2]time.Duration{minutes(2.8), minutes(3)}},
		{"tiny files", chosenKinds(false, 600_000, 0), nil, measured{}, 0, [2]time.Duration{minutes(.5), minutes(.5)}, [2]time.Duration{minutes(10), minutes(10)}},
		{"records", chosenKinds(true, 1_000_000, 0), nil, measured{}, 0, [2]time.Duration{minutes(.1), minutes(.1)}, [2]time.Duration{minutes(1), minutes(1)}},
		{"most is there", chosenKinds(false, 1e6, 1e12), some, measured{}, 0, [2]time.Duration{minutes(.1), minutes(.2)}, [2]time.Duration{minutes(2.8), minutes(3)}},
		{"of another kind", chosenKinds(false, 1, 1e9), &session.Preview{Kinds: []session.PreviewKind{{Kind: "music", Add: 1, Bytes: 1e9}}}, measured{}, 0, [2]time.Duration{}, [2]time.Duration{shortest, shortest}},
		{"nothing", nil, nil, measured{}, 0, [2]time.Duration{}, [2]time.Duration{shortest, shortest}},
		{"without end", chosenKinds(false, 1, 1<<63), nil, measured{}, 1, [2]time.Duration{}, [2]time.Duration{}},
		{"hostile numbers", chosenKinds(false, 1, 1), &session.Preview{Kinds: []session.PreviewKind{{Kind: "photos", Add: 1 << 63, Bytes: -1}}}, measured{}, 0, [2]time.Duration{}, [2]time.Duration{}},
	} {
		e := tt.m.estimate(there, loadOf(tt.kinds, tt.preview), tt.limit)
		if e.Least < tt.least[0] || e.Least > tt.least[1] || e.Most < tt.most[0] || e.Most > tt.most[1] {
			t.Errorf("%s: %v to %v; want %v to %v", tt.name, e.Least, e.Most, tt.least, tt.most)
		}
	}
}

func TestMeasure(t *testing.T) {
	for _, tt := range []struct {
		name            string
		items, bytes    uint64
		elapsed, moving time.Duration
		least, most     float64 // 0 = it tells nothing
	}{
		{"photos", 100, 100e6, 20 * time.Second, 10 * time.Second, 5e6, 10e6},
		{"one that was never looked at", 100, 100e6, 20 * time.Second, 0, 0, 0},
		{"a short one", 10, 100e6, toldAfter - 1, toldAfter - 1, 0, 0},
		{"tiny files", 100_000, 100e6, 20 * time.Second, 20 * time.Second, 0, 0},
		{"nothing new", 0, 0, 20 * time.Second, 20 * time.Second, 0, 0},
		{"a clock that was set", 100, 100e6, 5 * time.Second, 10 * time.Second, 0, 0},
	} {
		least, most, ok := measure(tt.items, tt.bytes, tt.elapsed, tt.moving)
		if least != tt.least || most != tt.most || ok != (tt.most > 0) {
			t.Errorf("%s: %v to %v, %v", tt.name, least, most, ok)
		}
	}
}

// The estimate is of what is chosen now, and knows the limit and the move before.
func TestEstimateWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t)
		defer d.Close()
		var limit int64
		d.Flow.opt.Limit = func() int64 { return limit }
		many := []transfer.KindPlan{{Info: backup.Info{Kind: "photos"}, Items: 100, Bytes: 1e9}, {Info: backup.Info{Kind: "videos"}, Items: 10, Bytes: 9e9}}
		d.BeOld("/")
		c := d.pair()
		choice := session.Choice{Peer: receipt.Side{Device: "there"}, Plans: many}
		got := ask(func() (session.Selection, error) { return c.send.Select(c.ctx, choice) })
		all := d.at(What).Estimate
		if all.Least <= 0 || all.Most <= all.Least {
			t.Fatalf("%+v", all)
		}
		d.TakeKind("videos", false)
		some := d.at(What)
		if some.Estimate.Most > all.Most/9 {
			t.Fatalf("%+v of %+v", some.Estimate, all)
		}
		limit = 1e6
		if s := d.at(What); s.Version == some.Version || s.Estimate.Least < 1000*time.Second {
			t.Fatalf("%+v", s.Estimate)
		}
		limit = 0
		d.TakeKind("photos", false)
		if s := d.at(What); s.Estimate != (Estimate{}) {
			t.Fatalf("of nothing: %+v", s.Estimate)
		}
		d.TakeKind("photos", true)
		d.Move()
		if s := d.at(AskedThere); s.Estimate != (Estimate{}) {
			t.Fatalf("%+v", s.Estimate)
		}
		<-got

		c.send.Events(session.Accepted{Peer: receipt.Side{Device: "there"}, Meter: new(transfer.Meter)})
		for range 101 { // what a face reads of the engine's meter
			d.mu.Lock()
			d.estimate.Add(time.Now(), transfer.Progress{Phase: transfer.PhaseMove})
			d.mu.Unlock()
			time.Sleep(100 * time.Millisecond)
		}
		c.send.Events(session.Verifying{Meter: new(transfer.Meter)})
		r := report(0)
		r.SentItems, r.SentBytes, r.Elapsed = 100, 1e9, 10*time.Second
		c.send.Events(session.Done{Report: r, Verified: report(0)})
		c.ret <- nil
		d.at(Done)
		d.Again()
		c = d.engine()
		ask(func() (session.Selection, error) { return c.send.Select(c.ctx, choice) })
		s := d.at(What)
		if want := (Estimate{5 * time.Second, 20 * time.Second}); s.Estimate.Least.Round(time.Second) != want.Least || s.Estimate.Most.Round(time.Second) != want.Most {
			t.Fatalf("after one that took ten seconds: %+v", s.Estimate)
		}
	})
}
