package flow

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/ferry-move/ferry/app/session"
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
