package preview_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/preview"
	"github.com/ferry-move/ferry/transfer/transfertest"
	"github.com/ferry-move/ferry/transfer/wire"
)

var d2d = backup.Transport{Flags: backup.FlagDeviceToDeviceTransfer}

// ask runs a whole preview.
func ask(t *testing.T, agents []backup.Agent, cfg preview.Config) *preview.Outlook {
	t.Helper()
	ends := transfertest.Pipe()
	served := make(chan error, 1)
	go func() { served <- preview.Serve(t.Context(), ends.ReceiveControl, cfg) }()
	o, err := preview.Ask(t.Context(), ends.SendControl, agents, d2d)
	if serr := <-served; err != nil || serr != nil {
		t.Fatalf("asked: %v; answered: %v", err, serr)
	}
	return o
}

// counts are what a phone has of a kind that could move, and what not.
func counts(t *testing.T, a backup.Agent) (items, bytes uint64, cannot map[backup.Reason]uint64) {
	t.Helper()
	plans, err := transfer.MakePlan(t.Context(), []backup.Agent{a}, d2d, nil)
	if err != nil {
		t.Fatal(err)
	}
	return plans[0].Items - plans[0].CannotTotal(), plans[0].Bytes, plans[0].Cannot
}

func TestOutlookOnAnEmptyPhone(t *testing.T) {
	src := fakephone.New(fakephone.Config{Seed: 1, Unreadable: 0.1, Documents: 60, Files: 3000})
	dst := fakephone.New(fakephone.Config{Empty: true})
	agents := dst.Agents()[1:] // it knows no contacts
	o := ask(t, src.Agents(), preview.Config{
		Agents: agents, Free: func() (int64, error) { return 12345, nil }, Name: "New", Version: "1",
	})
	if o.Free != 12345 || o.Name != "New" || o.Version != "1" {
		t.Errorf("%d bytes free on %q, %q", o.Free, o.Name, o.Version)
	}
	unreadable := false
	for i, a := range src.Agents() {
		items, bytes, cannot := counts(t, a)
		want := preview.Kind{Kind: a.Info().Kind, Add: items, Bytes: int64(bytes)}
		if i == 0 {
			want.Add, want.Bytes = 0, 0
			cannot[backup.Unsupported] = items
		}
		if len(cannot) > 0 {
			want.Why = cannot
		}
		for _, n := range cannot {
			want.Cannot += n
		}
		unreadable = unreadable || cannot[backup.Unreadable] > 0
		if !reflect.DeepEqual(o.Kinds[i], want) {
			t.Errorf("%s: %+v\nwant %+v", a.Info().Kind, o.Kinds[i], want)
		}
	}
	if !unreadable {
		t.Error("nothing was unreadable")
	}
	if n := len(list(t, dst)); n > 0 {
		t.Errorf("the new phone has %d items", n)
	}
}

// TestOutlookAgrees holds what is foreseen against what then happens, on a phone
// that has some of it.
func TestOutlookAgrees(t *testing.T) {
	src := fakephone.New(fakephone.Config{Seed: 5, Photos: 50, Contacts: 50})
	dst := fakephone.New(fakephone.Config{Empty: true, Keep: 1 << 30})
	var there []uint64
	for i, a := range src.Agents() {
		half := backup.Without(a, func(k backup.Key) bool { return len(k)%2 == 0 })
		n, _, _ := counts(t, half)
		there = append(there, n)
		if _, err := backup.Copy(t.Context(), dst.Agents()[i], half, d2d); err != nil {
			t.Fatal(err)
		}
	}
	before := list(t, dst)
	o := ask(t, src.Agents(), preview.Config{Agents: dst.Agents()})
	if !maps.Equal(before, list(t, dst)) {
		t.Error("looking changed the new phone")
	}
	if o.Free != -1 {
		t.Errorf("%d bytes are free where nobody knows", o.Free)
	}
	for i, a := range src.Agents() {
		tally, err := backup.Copy(t.Context(), dst.Agents()[i], a, d2d)
		if err != nil {
			t.Fatal(err)
		}
		k := o.Kinds[i]
		switch {
		case a.Info().Entities && (int64(k.Add) != tally.Added || int64(k.Skip) != tally.Skipped || k.Skip == 0):
			t.Errorf("%s: %+v foreseen; %+v happened", k.Kind, k, tally)
		case !a.Info().Entities && (int64(k.Add) != tally.Items()-folders(t, a) || k.Rename != there[i] || there[i] == 0):
			// Without notes only contents tell that a file is there.
			t.Errorf("%s: %+v foreseen; %+v happened", k.Kind, k, tally)
		}
	}
}

func folders(t *testing.T, a backup.Agent) int64 {
	t.Helper()
	plans, err := transfer.MakePlan(t.Context(), []backup.Agent{a}, d2d, nil)
	if err != nil {
		t.Fatal(err)
	}
	return int64(plans[0].Folders)
}

func list(t *testing.T, d *fakephone.Device) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, a := range d.Agents() {
		b, err := a.Backup(t.Context(), d2d)
		if err != nil {
			t.Fatal(err)
		}
		for it, err := range b.Items(t.Context()) {
			all[string(it.Kind)+" "+string(it.Key)] = fmt.Sprint(it.Size, it.ModTime, err)
		}
		b.Close()
	}
	return all
}

// drain takes a question in to its end.
func drain(s transfer.Control) {
	for {
		if m, err := wire.Read(s); err != nil || m.Type() == wire.TypeEnd {
			return
		}
	}
}

func TestAskHostileReceiver(t *testing.T) {
	src := fakephone.New(fakephone.Config{Seed: 1, Files: 3000})
	says := func(ms ...wire.Message) func(transfer.Control) {
		return func(c transfer.Control) {
			for _, m := range ms {
				wire.Write(c, m)
			}
		}
	}
	lies := func(o *wire.Outlook) func(transfer.Control) {
		return func(c transfer.Control) {
			drain(c)
			wire.Write(c, o)
		}
	}
	for name, c := range map[string]struct {
		do   func(transfer.Control)
		want error
	}{
		"an answer before the question": {says(&wire.Outlook{}), transfer.ErrProtocol},
		"another frame":                 {says(&wire.Bye{}), transfer.ErrProtocol},
		"noise":                         {func(c transfer.Control) { c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) }, transfer.ErrProtocol},
		"items that were not listed":    {lies(&wire.Outlook{Kinds: []wire.OutlookKind{{Kind: 0, Add: 1 << 40}}}), transfer.ErrProtocol},
		"bytes that were not listed":    {lies(&wire.Outlook{Kinds: []wire.OutlookKind{{Kind: 0, Skip: 20, Bytes: 1 << 60}}}), transfer.ErrProtocol},
		"kinds that were not offered":   {lies(&wire.Outlook{Kinds: []wire.OutlookKind{{Kind: 63}}}), transfer.ErrProtocol},
		"nothing, taking nothing":       {says(), transfer.ErrLinkLost},
		"nothing, taking all":           {drain, transfer.ErrLinkLost},
		"its end":                       {func(c transfer.Control) { c.Close() }, transfer.ErrLinkLost},
		"pings for ever": {func(c transfer.Control) {
			for wire.Write(c, &wire.Ping{}) == nil {
				time.Sleep(time.Second) // of virtual time
			}
		}, transfer.ErrLinkLost},
		"a refusal": {says(&wire.Stop{Kind: wire.StopBusy}), nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ends, began, over := transfertest.Pipe(), time.Now(), make(chan struct{})
				var wg sync.WaitGroup
				wg.Go(func() {
					c.do(ends.ReceiveControl)
					<-over
				})
				o, err := preview.Ask(t.Context(), ends.SendControl, src.Agents(), d2d)
				took := time.Since(began)
				close(over)
				wg.Wait()
				var stop *transfer.StopError
				if o != nil || err == nil || c.want == nil && !(errors.As(err, &stop) && stop.Remote && stop.Kind == wire.StopBusy) ||
					c.want != nil && !errors.Is(err, c.want) {
					t.Errorf("%v; want %v", err, c.want)
				}
				if took > preview.Most {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

func TestServeHostileSender(t *testing.T) {
	photo := wire.Entry{Type: uint8(backup.TypeFile), Key: []byte("DCIM/a.jpg"), Size: 3}
	with := func(change func(*wire.Entry)) wire.Entry {
		e := photo
		change(&e)
		return e
	}
	offer := &wire.Offer{Kinds: []wire.OfferedKind{{Kind: "photos"}, {Kind: "new.kind"}}}
	list := func(first uint64, es ...wire.Entry) *wire.List { return &wire.List{First: first, Entries: es} }
	for name, c := range map[string]struct {
		say  []wire.Message
		want error
	}{
		"no offer":             {[]wire.Message{&wire.End{}}, transfer.ErrProtocol},
		"two offers":           {[]wire.Message{offer, offer}, transfer.ErrProtocol},
		"a list out of order":  {[]wire.Message{offer, list(2, photo)}, transfer.ErrProtocol},
		"an end out of order":  {[]wire.Message{offer, list(1, photo), &wire.End{Items: 2}}, transfer.ErrProtocol},
		"too many":             {[]wire.Message{offer, list(preview.MaxItems+1, photo)}, transfer.ErrProtocol},
		"no such kind":         {[]wire.Message{offer, list(1, with(func(e *wire.Entry) { e.Kind = 2 }))}, transfer.ErrProtocol},
		"a folder":             {[]wire.Message{offer, list(1, with(func(e *wire.Entry) { e.Type, e.Size = uint8(backup.TypeDirectory), 0 }))}, transfer.ErrProtocol},
		"an item that failed":  {[]wire.Message{offer, list(1, with(func(e *wire.Entry) { e.Fail = 2 }))}, transfer.ErrProtocol},
		"a file with a digest": {[]wire.Message{offer, list(1, with(func(e *wire.Entry) { e.Digest = make([]byte, 32) }))}, transfer.ErrProtocol},
		"a record among files": {[]wire.Message{offer, list(1, with(func(e *wire.Entry) { e.Type, e.Digest = uint8(backup.TypeEntity), make([]byte, 32) }))}, transfer.ErrProtocol},
		"more after the end":   {[]wire.Message{offer, &wire.End{}, offer}, transfer.ErrProtocol},
		"silence":              {[]wire.Message{offer}, transfer.ErrLinkLost},
		"nothing":              {nil, transfer.ErrLinkLost},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dst := fakephone.New(fakephone.Config{Empty: true})
				ends := transfertest.Pipe()
				for _, m := range c.say {
					if err := wire.Write(ends.SendControl, m); err != nil {
						t.Fatal(err)
					}
				}
				if err := preview.Serve(t.Context(), ends.ReceiveControl, preview.Config{Agents: dst.Agents()}); !errors.Is(err, c.want) {
					t.Errorf("%v; want %v", err, c.want)
				}
			})
		})
	}
}

// TestServeFlood lists sizes that no number holds together, and takes no answer.
func TestServeFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dst := fakephone.New(fakephone.Config{Empty: true, Free: math.MaxInt64})
		ends, began := transfertest.Pipe(), time.Now()
		served := make(chan error)
		go func() {
			served <- preview.Serve(t.Context(), ends.ReceiveControl, preview.Config{Agents: dst.Agents()})
		}()
		if err := wire.Write(ends.SendControl, &wire.Offer{Kinds: []wire.OfferedKind{{Kind: "photos"}}}); err != nil {
			t.Fatal(err)
		}
		n := uint64(1)
		for n < 1<<14 {
			l := &wire.List{First: n}
			for range 1024 {
				l.Entries = append(l.Entries, wire.Entry{Type: uint8(backup.TypeFile), Key: fmt.Appendf(nil, "DCIM/%d", n), Size: wire.MaxSize})
				n++
			}
			if err := wire.Write(ends.SendControl, l); err != nil {
				t.Fatal(err)
			}
		}
		if err := wire.Write(ends.SendControl, &wire.End{Items: n - 1}); err != nil {
			t.Fatal(err)
		}
		m, err := wire.Read(ends.SendControl)
		if o, ok := m.(*wire.Outlook); !ok || o.Kinds[0].Add != n-1 || o.Kinds[0].Bytes != math.MaxInt64 {
			t.Errorf("%+v, %v", m, err)
		}
		for wire.Write(ends.SendControl, &wire.Ping{}) == nil { // it does not go away
			time.Sleep(time.Second) // of virtual time
		}
		if err := <-served; err != nil || time.Since(began) > preview.Most+time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

func TestCancel(t *testing.T) {
	src := fakephone.New(fakephone.Config{Seed: 1, Files: 20000})
	for name, side := range map[string]int{"old phone": 0, "new phone": 1} {
		t.Run(name, func(t *testing.T) {
			ends := transfertest.Pipe()
			var ctxs [2]context.Context
			var cancels [2]context.CancelCauseFunc
			for i := range ctxs {
				ctxs[i], cancels[i] = context.WithCancelCause(t.Context())
				defer cancels[i](nil)
			}
			enough := errors.New("enough")
			dst := fakephone.New(fakephone.Config{Empty: true})
			served := make(chan error, 1)
			go func() {
				served <- preview.Serve(ctxs[1], ends.ReceiveControl, preview.Config{Agents: dst.Agents()})
			}()
			n := 0
			var agents []backup.Agent
			for _, a := range src.Agents() {
				agents = append(agents, backup.Without(a, func(backup.Key) bool {
					if n++; n == 10000 {
						cancels[side](enough)
					}
					return false
				}))
			}
			_, err := preview.Ask(ctxs[0], ends.SendControl, agents, d2d)
			errs := [2]error{err, <-served}
			if !errors.Is(errs[side], enough) || !errors.Is(errs[1-side], transfer.ErrLinkLost) {
				t.Errorf("asked: %v; answered: %v", errs[0], errs[1])
			}
		})
	}
}
