package flow

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/mobile"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/transfer"
)

// What was listed is read from wherever it is asked for, and not after the person left.
func TestOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _ := choosing(t, session.Choice{Plans: plans})
		defer d.Close()
		d.Items(fakephone.Photos, 0, 0)
		synctest.Wait()
		e := d.Items(fakephone.Photos, 3, 1).Items[0]
		f, size, err := d.Open(e)
		if err != nil || size != e.Size || size < 100 {
			t.Fatalf("%d of %d bytes, %v", size, e.Size, err)
		}
		all, err := io.ReadAll(f)
		if err != nil || int64(len(all)) != size {
			t.Fatalf("%d of %d bytes, %v", len(all), size, err)
		}
		for _, seek := range []struct {
			offset int64
			whence int
			want   int64
		}{{10, io.SeekStart, 10}, {-20, io.SeekEnd, size - 20}, {0, io.SeekStart, 0}, {40, io.SeekCurrent, 56}} {
			at, err := f.Seek(seek.offset, seek.whence)
			part := make([]byte, 16)
			if _, rerr := io.ReadFull(f, part); err != nil || rerr != nil || at != seek.want || !bytes.Equal(part, all[at:at+16]) {
				t.Fatalf("%+v: at %d, %v, %v", seek, at, err, rerr)
			}
		}
		for _, far := range []int64{-1, size + 1} {
			if at, err := f.Seek(far, io.SeekStart); err == nil {
				t.Fatalf("it is at %d of %d", at, size)
			}
		}
		other := e
		other.ModTime = e.ModTime.Add(1)
		if g, _, err := d.Open(other); err == nil {
			if _, err = io.ReadAll(g); err == nil {
				t.Error("it is another file by now, and is read")
			}
			g.Close()
		}
		for _, bad := range []Entry{{Kind: "nothing", Key: "a"}, {Kind: fakephone.Contacts, Key: "a"}, {Kind: fakephone.Photos, Key: e.Key, Reason: backup.Unreadable}} {
			if _, _, err := d.Open(bad); !errors.Is(err, ErrNoContent) {
				t.Errorf("%v: %v", bad, err)
			}
		}
		d.Leave()
		synctest.Wait()
		if _, err := f.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
			t.Errorf("the person has left, and it is read: %v", err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if _, _, err := d.Open(e); !errors.Is(err, ErrNoContent) {
			t.Errorf("there is no phone any more: %v", err)
		}
	})
}

// parcel is an agent whose items are parts of larger things.
type parcel struct {
	backup.Agent
	items []backup.Item
	bad   map[backup.Key]backup.Reason
}

func (*parcel) Info() backup.Info { return backup.Info{Kind: "apps", Mixed: true} }

func (*parcel) Whole(k backup.Key) backup.Key {
	whole, _, _ := bytes.Cut([]byte(k), []byte("/"))
	return backup.Key(whole)
}

func (p *parcel) Backup(context.Context, backup.Transport) (backup.Backup, error) {
	return parcels{p: p}, nil
}

type parcels struct {
	backup.Backup
	p *parcel
}

func (p parcels) Items(context.Context) iter.Seq2[backup.Item, error] {
	return func(yield func(backup.Item, error) bool) {
		for _, it := range p.p.items {
			var err error
			if r := p.p.bad[it.Key]; r != 0 {
				err = backup.Fail("read", "apps", r, nil)
			}
			if !yield(it, err) {
				return
			}
		}
	}
}

func (parcels) Close() error { return nil }

// Name implements backup.Namer.
func (parcels) Name(it backup.Item) string { return strings.Repeat(string(it.Key), 400) }

type parcelPhone struct {
	mobile.Device
	agent backup.Agent
}

func (p parcelPhone) Agents() []backup.Agent { return []backup.Agent{p.agent} }

func (parcelPhone) Close() error { return nil }

// An app is one entry with all of its data, and stays or moves as one.
func TestWholes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		agent := &parcel{bad: map[backup.Key]backup.Reason{"b": backup.NotAllowed, "c/1": backup.Unreadable}}
		for _, k := range []backup.Key{"a/1", "a/2", "a", "b", "c/1", "c/2"} {
			agent.items = append(agent.items, backup.Item{Kind: "apps", Type: backup.TypeFile, Key: k, Size: 10})
		}
		d := newDevice(t)
		d.opt.OpenSource = func(context.Context, string, session.SourceOptions) (mobile.Device, error) {
			return parcelPhone{agent: agent}, nil
		}
		defer d.Close()
		d.BeOld("/")
		e := d.pair()
		apps := []transfer.KindPlan{{
			Info: agent.Info(), Items: 6, Bytes: 40, Cannot: map[backup.Reason]uint64{backup.NotAllowed: 1, backup.Unreadable: 1},
		}}
		got := ask(func() (session.Selection, error) { return e.send.Select(e.ctx, session.Choice{Plans: apps}) })
		d.at(What)
		d.Items("apps", 0, 0)
		synctest.Wait()
		p := d.Items("apps", 0, 10)
		if n := p.Items[0].Name; n != "" {
			t.Errorf("an app has the name of one of its parts: %q", n)
		}
		want := []Entry{
			{Kind: "apps", Key: "a", Parts: 3, Size: 30, On: true},
			{Kind: "apps", Key: "b", Reason: backup.NotAllowed},
			{Kind: "apps", Key: "c", Parts: 1, Size: 10, On: true},
		}
		if !p.Complete || len(p.Items) != 3 || p.Items[0] != want[0] || p.Items[1] != want[1] || p.Items[2] != want[2] {
			t.Fatalf("%+v", p.Items)
		}
		d.Take(p.Items[0], false)
		if k := d.at(What).Kinds[0]; k.Taken != 1 || k.TakenBytes != 10 || k.Exceptions != 1 {
			t.Fatalf("%+v", k)
		}
		d.TakeKind("apps", false)
		d.Take(p.Items[0], true)
		d.Take(p.Items[2], true)
		d.Take(p.Items[2], false)
		if k := d.at(What).Kinds[0]; k.Taken != 3 || k.TakenBytes != 30 {
			t.Fatalf("%+v", k)
		}
		d.Move()
		if s := (<-got).v; s.Leave("apps", "a") || !s.Leave("apps", "c") {
			t.Fatal("the wrong one stays")
		}
	})
}

// Names are what a person calls items, and not longer than a line needs.
func TestItemNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		agent := &parcel{items: []backup.Item{{Kind: "apps", Key: "ä"}, {Kind: "apps", Key: "b"}}, bad: map[backup.Key]backup.Reason{"b": backup.Malformed}}
		d := newDevice(t)
		d.opt.OpenSource = func(context.Context, string, session.SourceOptions) (mobile.Device, error) {
			return parcelPhone{agent: struct{ backup.Agent }{agent}}, nil // whose items are by themselves
		}
		defer d.Close()
		d.BeOld("/")
		e := d.pair()
		ask(func() (session.Selection, error) { return e.send.Select(e.ctx, session.Choice{}) })
		d.at(What)
		d.Items("apps", 0, 0)
		synctest.Wait()
		p := d.Items("apps", 0, 10)
		if len(p.Items) != 2 || p.Items[0].Name != strings.Repeat("ä", maxText) || p.Items[1].Name != "" {
			t.Errorf("%+v", p.Items)
		}
	})
}
