package flow

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/p2p/pairing"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/receipt"
)

// ways lead to each screen; the run of the engine there is nil where there is none.
var ways = map[Screen]func(d *device) *call{
	Find: func(d *device) *call { d.BeOld("/"); return nil },
	Code: func(d *device) *call {
		d.BeOld("/")
		d.at(Find)
		d.GoTo("192.0.2.7:4242")
		d.at(Code)
		return d.engine()
	},
	Counting: func(d *device) *call { d.BeOld("/"); return d.pair() },
	What: func(d *device) *call {
		d.BeOld("/")
		c := d.pair()
		ask(func() (session.Selection, error) { return c.send.Select(c.ctx, session.Choice{Plans: plans}) })
		return c
	},
	AskedThere: func(d *device) *call {
		d.BeOld("/")
		c := d.pair()
		d.chosen(c, session.Choice{Plans: plans})
		return c
	},
	Moving: func(d *device) *call {
		d.BeOld("/")
		c := d.pair()
		c.send.Events(session.Accepted{Meter: new(transfer.Meter)})
		return c
	},
	Wait: func(d *device) *call {
		d.BeNew("/")
		c := d.engine()
		c.recv.Events(session.Code{Code: code(d.T)})
		return c
	},
	Asking: func(d *device) *call {
		d.BeNew("/")
		c := d.engine()
		c.recv.Events(session.Code{Code: code(d.T)})
		ask(func() (transfer.Decision, error) { return c.recv.Accept(c.ctx, transfer.Offer{}) })
		return c
	},
}

func TestBackAndCancel(t *testing.T) {
	for from, to := range map[Screen]Screen{Find: Start, Code: Find, Counting: Find, What: Find, AskedThere: Find, Wait: Start, Asking: Wait} {
		for name, do := range map[string]func(*Flow){"back": (*Flow).Back, "cancel": (*Flow).Cancel} {
			t.Run(fmt.Sprint(name, " from ", from), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d := newDevice(t)
					defer d.Close()
					c := ways[from](d)
					d.at(from)
					told := false
					if c != nil && to != Wait { // what it still tells is no news
						c.late = func() {
							told = true
							if c.send.Events != nil {
								if _, err := c.send.Password(c.ctx, nil); err == nil {
									t.Error("a code out of nowhere")
								}
								c.send.Events(session.Paired{})
								c.send.Events(session.Accepted{Meter: new(transfer.Meter)})
								c.send.Events(session.Done{Report: report(0), Err: errBroken})
							} else {
								c.recv.Events(session.Code{Code: code(t)})
							}
						}
					}
					do(d.Flow)
					if s := d.at(to); to != Wait && (!s.Code.IsZero() || s.Err != nil) {
						t.Fatalf("%+v", s)
					}
					if c == nil || to == Wait {
						return
					}
					if !told || !errors.Is(context.Cause(c.ctx), context.Canceled) {
						t.Fatal("the engine goes on")
					}
				})
			})
		}
	}
}

// One who went back may go elsewhere before the engine has ended.
func TestBackAndElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t)
		defer d.Close()
		ways[Code](d)
		d.Back()
		d.GoTo("192.0.2.8:1")
		d.TypeCode("7429163")
		d.at(Code)
		c := d.engine()
		if c.ctx.Err() != nil || c.send.At[0] != netip.MustParseAddrPort("192.0.2.8:1") {
			t.Fatalf("goes to %v", c.send.At)
		}
		got := ask(func() (pairing.Password, error) { return c.send.Password(c.ctx, nil) })
		if synctest.Wait(); len(got) == 0 {
			t.Fatal("the code is lost")
		}
	})
}

func TestCancelMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t)
		defer d.Close()
		c := ways[Moving](d)
		d.Back()
		d.at(Moving)
		c.send.Pauser.Pause()
		d.Cancel()
		if s := d.Snapshot(); !s.Stopping {
			t.Fatal("not stopping")
		}
		c.send.Events(session.Done{Report: &transfer.Report{Kinds: []receipt.Kind{{Kind: "photos", Items: 3, Added: 3}}}, Err: context.Canceled})
		s := d.at(Problem)
		if !errors.Is(s.Err, context.Canceled) || s.Result.Here != 3 || s.Result.Erase != EraseNo || s.Result.EraseWhy != NotSigned || s.Stopping {
			t.Fatalf("%+v %+v", s, s.Result)
		}
		if s.Try != TryAgain|TryFind|TryStart {
			t.Fatalf("can try %b", s.Try)
		}
		d.Again()
		d.at(Code)
		if c := d.engine(); c.send.Pauser.Paused() {
			t.Fatal("the next move is paused")
		}
	})
}

// Who goes on before the engine has ended is not thrown back by its end.
func TestAgainAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t)
		defer d.Close()
		d.BeOld("/")
		d.at(Find)
		text, err := link(t).Reveal()
		if err != nil {
			t.Fatal(err)
		}
		d.GoTo(text)
		c := d.engine()
		c.send.Events(session.Accepted{Meter: new(transfer.Meter)})
		c.send.Events(session.Done{Report: report(0)})
		d.at(Done)
		d.Again()
		c.ret <- errBroken
		d.at(Code)
		c = d.engine()
		got := ask(func() (pairing.Password, error) { return c.send.Password(c.ctx, nil) })
		if synctest.Wait(); len(got) != 0 {
			t.Fatal("a link serves once")
		}
	})
}

func TestErrors(t *testing.T) {
	for from, way := range ways {
		if from == Find {
			continue
		}
		t.Run(from.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDevice(t)
				defer d.Close()
				c := way(d)
				d.at(from)
				c.ret <- errBroken
				if s := d.at(Problem); !errors.Is(s.Err, errBroken) || s.Offer != nil {
					t.Fatalf("%+v", s)
				}
				role := d.Snapshot().Role
				d.Back()
				if role == OldPhone {
					d.at(Find)
				} else {
					d.at(Start)
				}
			})
		})
	}
	t.Run("opening", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			for _, begin := range []func(*Flow, string){(*Flow).BeOld, (*Flow).BeNew} {
				d := newDevice(t)
				d.opened <- errBroken
				begin(d.Flow, "/")
				if s := d.at(Problem); !errors.Is(s.Err, errBroken) || s.Try != TryAgain|TryStart {
					t.Fatalf("%+v", s)
				}
				d.Again()
				if synctest.Wait(); d.Snapshot().Err != nil {
					t.Fatal("not tried again")
				}
				d.Close()
			}
		})
	})
}

func TestCloseAnywhere(t *testing.T) {
	for from, way := range ways {
		t.Run(from.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // which fails when a goroutine stays
				d := newDevice(t)
				way(d)
				d.at(from)
				d.Close()
				d.BeOld("/")
				d.at(Start)
			})
		})
	}
}

// A role begins when the one before has ended: they may want the same folder.
func TestRolesFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release, running := make(chan struct{}), 0
		var mu sync.Mutex
		f := New(Options{Home: t.TempDir(), Receive: func(ctx context.Context, _ session.ReceiveOptions) error {
			mu.Lock()
			if running++; running > 1 {
				t.Error("two at a time")
			}
			mu.Unlock()
			<-ctx.Done()
			<-release
			mu.Lock()
			running--
			mu.Unlock()
			return nil
		}})
		for range 3 {
			f.BeNew(t.TempDir())
		}
		synctest.Wait()
		close(release)
		f.Close()
	})
}

func TestAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t)
		defer d.Close()
		d.BeOld("/")
		d.at(Find)
		d.GoTo("nonsense")
		if s := d.at(Find); !errors.Is(s.AddressErr, ErrAddress) {
			t.Fatal(s.AddressErr)
		}
		d.GoTo("phone.local:4242")
		if s := d.at(Find); !errors.Is(s.AddressErr, ErrUnknownHost) || s.Resolving {
			t.Fatalf("%+v", s)
		}
		d.resolve = func(ctx context.Context, _ string) ([]netip.Addr, error) { <-ctx.Done(); return nil, ctx.Err() }
		d.GoTo("phone.local:4242")
		if s := d.at(Find); !s.Resolving || s.AddressErr != nil {
			t.Fatalf("%+v", s)
		}
		d.GoTo("192.0.2.9:5") // does not wait for the name
		d.at(Code)
		if c := d.engine(); c.send.At[0].Port() != 5 {
			t.Fatal(c.send.At)
		}
		d.Back()
		d.at(Find)
		d.resolve = func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("192.0.2.3")}, nil
		}
		d.GoTo("phone.local:4242")
		d.at(Code)
		if c := d.engine(); c.send.At[0] != netip.MustParseAddrPort("192.0.2.3:4242") {
			t.Fatal(c.send.At)
		}
	})
}

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
