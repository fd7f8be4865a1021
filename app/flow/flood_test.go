package flow

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer"
)

// However much is told, it takes no more memory, and draws nothing.
func TestFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t)
		defer d.Close()
		c := ways[Moving](d)
		long := backup.Key(make([]byte, 4000))
		flood := func() {
			for i := range 100_000 {
				c.send.Events(session.Item{Kind: "photos", Key: long, Reason: backup.Reason(i % 1000)})
			}
		}
		flood()
		before, v := heap(), d.Snapshot().Version
		if d.Snapshot().Version != v {
			t.Fatal("it grew by itself")
		}
		flood()
		if more := int64(heap()) - int64(before); more > 1<<20 {
			t.Fatalf("%d bytes more", more)
		}
		if d.Snapshot().Version != v {
			t.Fatal("each item is drawn")
		}
		time.Sleep(meterEvery)
		if d.Snapshot().Version == v {
			t.Fatal("the meter is not read")
		}
		var cs []discovery.Candidate
		for i := range 500 {
			cs = append(cs, discovery.Candidate{Instance: discovery.InstanceID{byte(i), byte(i >> 8)}, Name: string(make([]byte, 10_000)), FirstSeen: time.Unix(int64(1000-i), 0)})
		}
		c.send.Events(session.Done{Report: report(1), Err: nil})
		r := d.at(Done).Result
		if len(r.NotMoved) != maxReasons-1 || // unknown is among them
			len(r.NotMoved[0].Names) != maxNames || len(r.NotMoved[0].Names[0].Key) != maxText {
			t.Fatalf("%d groups", len(r.NotMoved))
		}
		var n uint64
		for _, g := range append(r.NotMoved, r.Renamed) {
			n += g.Count
		}
		if n != 200_000 {
			t.Fatalf("%d counted", n)
		}
		d.Back()
		d.BeOld("/")
		d.at(Find)
		d.found <- cs
		s := d.at(Find)
		if len(s.Devices) != maxDevices || s.MoreDevices != 500-maxDevices || len(s.Devices[0].Name) != maxText || s.Devices[0].ID != (discovery.InstanceID{499 & 0xff, 499 >> 8}) {
			t.Fatalf("%d devices, %d more, the first %v", len(s.Devices), s.MoreDevices, s.Devices[0].ID)
		}
	})
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Whatever is wanted, in whatever order, by many at once: nothing breaks.
func TestEverythingAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := New(Options{
			Home: t.TempDir(),
			Send: func(ctx context.Context, o session.SendOptions) (*transfer.Report, error) {
				if _, err := o.Password(ctx, nil); err != nil {
					return nil, err
				}
				o.Events(session.Paired{})
				if _, err := o.Select(ctx, session.Choice{Plans: plans, Preview: func(context.Context, session.Selection) (session.Preview, error) {
					return session.Preview{}, errBroken
				}}); err != nil {
					return nil, err
				}
				o.Events(session.Accepted{Meter: new(transfer.Meter)})
				o.Events(session.Item{Kind: "photos", Reason: backup.Vanished})
				o.Events(session.Done{Report: report(1)})
				return nil, nil
			},
			Receive: func(ctx context.Context, o session.ReceiveOptions) error {
				o.Events(session.Code{Code: code(t)})
				if _, err := o.Accept(ctx, transfer.Offer{}); err != nil {
					return err
				}
				o.Events(session.Accepted{Meter: new(transfer.Meter)})
				return errBroken
			},
			Watch: func(ctx context.Context, _ bool, changed func([]discovery.Candidate), _ func(discovery.Diagnosis)) {
				changed([]discovery.Candidate{pixel})
				<-ctx.Done()
			},
		})
		dir := t.TempDir()
		intents := []func(){
			func() { f.BeOld(dir) }, func() { f.BeNew(dir) }, f.Back, f.Back, f.Cancel, f.Leave, f.Again, f.Again, f.Preview, f.Preview, f.Move, f.Move,
			func() { f.Choose(pixel.Instance) }, func() { f.GoTo("192.0.2.1:1") }, func() { f.TypeCode("7429163") }, func() { f.TypeCode("7429163") },
			func() { f.Answer(true, nil) }, func() { f.Items("photos", 0, 10) }, func() { f.Items("contacts", 0, 10) },
			func() { f.TakeKind("photos", false) }, func() { f.TakeKind("photos", true) }, f.Pause, f.Resume,
			func() { f.Snapshot() }, func() { f.Take(Entry{Kind: "photos", Key: "a"}, false) },
		}
		var wg sync.WaitGroup
		for g := range 4 {
			wg.Go(func() {
				x := uint32(g + 1)
				for range 2000 {
					x ^= x << 13
					x ^= x >> 17
					x ^= x << 5
					intents[x%uint32(len(intents))]()
					if x%64 == 0 {
						time.Sleep(time.Millisecond)
					}
				}
			})
		}
		wg.Wait()
		f.Close()
		if s := f.Snapshot(); s.Screen != Start {
			t.Fatal(s.Screen)
		}
	})
}
