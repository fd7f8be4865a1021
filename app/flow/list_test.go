package flow

import (
	"context"
	"iter"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/mobile"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/transfer"
)

func TestItems(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		photos := []transfer.KindPlan{{Info: backup.Info{Kind: fakephone.Photos}, Items: 100_000}}
		d, _ := choosing(t, session.Choice{Plans: photos})
		defer d.Close()
		v := d.Snapshot().Version
		d.Items(fakephone.Photos, 0, 10)
		synctest.Wait()
		p := d.Items(fakephone.Photos, 99_990, 1000)
		if !p.Complete || p.Err != nil || p.Listed != 100_000 || len(p.Items) != 10 || !p.Items[9].On || p.Items[9].Size == 0 {
			t.Fatalf("%d listed, %d of the page, %v", p.Listed, len(p.Items), p.Err)
		}
		if d.Snapshot().Version == v {
			t.Fatal("nobody learns that there are more")
		}
		d.Take(p.Items[9], false)
		if d.Items(fakephone.Photos, 99_999, 1).Items[0].On || !d.Items(fakephone.Photos, 99_998, 1).Items[0].On {
			t.Fatal("the wrong one is off")
		}
		if p := d.Items(fakephone.Photos, -5, 1<<30); len(p.Items) != maxPage || p.From != 0 {
			t.Fatalf("%d items from %d", len(p.Items), p.From)
		}
		if p := d.Items(fakephone.Photos, 200_000, 10); len(p.Items) != 0 {
			t.Fatalf("%d items", len(p.Items))
		}
		if p := d.Items(fakephone.Photos, 5, -1); len(p.Items) != 0 {
			t.Fatalf("%d items", len(p.Items))
		}
		if p := d.Items("nothing", 0, 10); !p.Complete {
			t.Fatal("a kind that there is not")
		}
		if p := d.Items(fakephone.Contacts, 0, 1); p.Complete {
			t.Fatal("it waited")
		}
		d.Back()
		if p := d.at(Find); p.Kinds != nil {
			t.Fatal(p.Kinds)
		}
		if p := d.Items(fakephone.Photos, 0, 10); p.Listed != 0 {
			t.Fatal("it is kept")
		}
	})
}

// Of a kind that is larger than a list may be, the rest is counted.
func TestItemsAreCapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 262_144
		const all = most + 3*listStep + 7
		d, _ := choosing(t, session.Choice{Plans: []transfer.KindPlan{{Info: backup.Info{Kind: fakephone.Photos}, Items: all}}})
		defer d.Close()
		d.mu.Lock()
		d.role.phone = fakephone.New(fakephone.Config{Seed: 1, Photos: all})
		d.mu.Unlock()
		d.Items(fakephone.Photos, 0, 1)
		synctest.Wait()
		p := d.Items(fakephone.Photos, most-1, 10)
		if !p.Complete || p.Err != nil || p.Listed != most || p.More != all-most || len(p.Items) != 1 {
			t.Fatalf("%d listed and %d more; %d of the page, %v, %v", p.Listed, p.More, len(p.Items), p.Complete, p.Err)
		}
	})
}

// endless is a phone whose photos never end. Listing takes a second an item.
type endless struct {
	*fakephone.Device
	*trail
}

// trail is what became of an endless phone.
type trail struct {
	mu            sync.Mutex
	begun, ended  int  // listings; guarded by mu
	closed, early bool // early: while one was under way; guarded by mu
}

func (e endless) Agents() []backup.Agent {
	out := e.Device.Agents()
	for i, a := range out {
		out[i] = endlessAgent{a, e.trail}
	}
	return out
}

func (e endless) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed, e.early = true, e.begun > e.ended
	return nil
}

func (tr *trail) under() int {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.begun - tr.ended
}

type endlessAgent struct {
	backup.Agent
	*trail
}

func (a endlessAgent) Backup(context.Context, backup.Transport) (backup.Backup, error) {
	return endlessBackup{trail: a.trail, kind: a.Info().Kind}, nil
}

type endlessBackup struct {
	backup.Backup // nil: nothing of it is opened
	*trail
	kind backup.Kind
}

func (b endlessBackup) Close() error { return nil }

func (b endlessBackup) Items(ctx context.Context) iter.Seq2[backup.Item, error] {
	return func(yield func(backup.Item, error) bool) {
		b.mu.Lock()
		b.begun++
		b.mu.Unlock()
		defer func() {
			time.Sleep(time.Second) // it is slow to end, too
			b.mu.Lock()
			defer b.mu.Unlock()
			b.ended++
		}()
		for ctx.Err() == nil && yield(backup.Item{Kind: b.kind, Type: backup.TypeFile, Key: "a"}, nil) {
			time.Sleep(time.Second)
		}
	}
}

// A list ends when another kind is opened, when the choice is made, and when the
// person leaves; the phone stays open until it has.
func TestListsEnd(t *testing.T) {
	for name, do := range map[string]func(d *device){
		"another kind": func(d *device) { d.Items(fakephone.Contacts, 0, 1) },
		"move":         func(d *device) { d.Move() },
		"back":         func(d *device) { d.Back() },
		"close":        func(d *device) { d.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := new(trail)
				d := newDevice(t)
				d.Flow.opt.OpenSource = func(context.Context, string, session.SourceOptions) (mobile.Device, error) {
					return endless{d.phone, tr}, nil
				}
				d.BeOld("/")
				c := d.pair()
				ask(func() (session.Selection, error) { return c.send.Select(c.ctx, session.Choice{Plans: plans}) })
				d.at(What)
				d.Items(fakephone.Photos, 0, 1)
				time.Sleep(time.Minute)
				if p := d.Items(fakephone.Photos, 0, 1); p.Complete || tr.under() != 1 {
					t.Fatalf("%d under way; %+v", tr.under(), p)
				}
				do(d)
				time.Sleep(3 * time.Second)
				want := 0
				if name == "another kind" {
					want = 1
				}
				if n := tr.under(); n != want {
					t.Errorf("%d lists under way", n)
				}
				d.Close()
				if !tr.closed || tr.early {
					t.Errorf("closed: %v, while it was listed: %v", tr.closed, tr.early)
				}
			})
		})
	}
}
