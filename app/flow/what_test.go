package flow

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/receipt"
	"github.com/ferry-move/ferry/transfer/wire"
)

// choosing is a device at What, with what the engine is told in the end.
func choosing(t *testing.T, c session.Choice) (*device, <-chan answer[session.Selection]) {
	d := newDevice(t)
	d.phone = fakephone.New(fakephone.Config{Seed: 1, Photos: 100_000})
	d.BeOld("/")
	e := d.pair()
	got := ask(func() (session.Selection, error) { return e.send.Select(e.ctx, c) })
	d.at(What)
	return d, got
}

func TestChoose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, got := choosing(t, session.Choice{Plans: plans, Free: 5000})
		defer d.Close()
		s := d.at(What)
		if s.Free != 5000 || len(s.Kinds) != 2 || !s.Kinds[0].On || s.Kinds[0].Taken != 10 || s.Kinds[1].Taken != 3 {
			t.Fatalf("%+v", s.Kinds)
		}
		if c := s.Kinds[1].Cannot; len(c) != 1 || c[0].Count != 1 || c[0].Reason != backup.Unreadable {
			t.Fatalf("%+v", c)
		}
		a, b := Entry{Kind: "photos", Key: "a", Size: 100}, Entry{Kind: "photos", Key: "b", Size: 50}
		d.Take(a, false)
		d.Take(a, false)
		d.Take(b, false)
		d.Take(b, true)
		d.TakeKind("videos", false) // there are none
		old := s.Kinds
		if s = d.at(What); s.Kinds[0].Taken != 9 || s.Kinds[0].TakenBytes != 900 || s.Kinds[0].Exceptions != 1 || !s.Kinds[0].On {
			t.Fatalf("%+v", s.Kinds[0])
		}
		if old[0].Taken != 10 {
			t.Fatal("an earlier snapshot changed")
		}
		d.TakeKind("contacts", false)
		d.TakeKind("photos", false)
		v := d.Snapshot().Version
		d.Move() // nothing
		if s = d.at(What); s.Version != v {
			t.Fatal("changed")
		}
		d.Take(b, true)
		if s = d.at(What); s.Kinds[0].Taken != 1 || s.Kinds[0].TakenBytes != 50 || s.Kinds[0].On {
			t.Fatalf("%+v", s.Kinds[0])
		}
		d.Move()
		d.at(AskedThere)
		sel := (<-got).v
		if len(sel.Kinds) != 1 || sel.Kinds[0] != "photos" {
			t.Fatalf("%v", sel.Kinds)
		}
		if !sel.Leave("photos", "a") || sel.Leave("photos", "b") || sel.Leave("music", "a") {
			t.Fatal("the wrong ones stay")
		}
	})
}

// What was left out by choice is not safe to erase.
func TestLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t)
		defer d.Close()
		d.BeOld("/")
		c := d.pair()
		got := ask(func() (session.Selection, error) { return c.send.Select(c.ctx, session.Choice{Plans: plans}) })
		d.at(What)
		d.TakeKind("contacts", false)
		d.Move()
		<-got
		c.send.Events(session.Accepted{Meter: new(transfer.Meter)})
		c.send.Events(session.Done{Report: report(0)})
		if r := d.at(Done).Result; !r.Complete || r.Erase != EraseNo || r.EraseWhy != LeftOut {
			t.Fatalf("%+v", r)
		}
	})
}

// Who took so long that the code is wanted again finds the choice as it was left.
func TestChosenTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t)
		defer d.Close()
		d.BeOld("/")
		c := d.pair()
		got := ask(func() (session.Selection, error) { return c.send.Select(c.ctx, session.Choice{Plans: plans}) })
		d.at(What)
		d.TakeKind("contacts", false)
		d.Move()
		<-got
		late := &transfer.StopError{Kind: wire.StopUnpaired, Remote: true}
		c.ret <- late
		if s := d.at(Problem); !errors.Is(s.Err, late) || s.Try != TryAgain|TryFind|TryStart {
			t.Fatalf("%+v", s)
		}
		d.Again()
		if s := d.at(Code); s.Peer.Addrs[0] != pixel.Addrs[0] || s.Checking {
			t.Fatalf("%+v", s)
		}
		c = d.engine()
		ask(func() (session.Selection, error) { return c.send.Select(c.ctx, session.Choice{Plans: plans}) })
		if s := d.at(What); !s.Kinds[0].On || s.Kinds[1].On {
			t.Fatalf("%+v", s.Kinds)
		}
	})
}

// Secrets move only if the person turned them on, and that holds for the next move.
func TestSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t)
		defer d.Close()
		d.phone = fakephone.New(fakephone.Config{Seed: 1, Secrets: 7})
		all, err := session.Plan(t.Context(), d.phone, nil)
		if err != nil {
			t.Fatal(err)
		}
		last := len(all) - 1
		d.BeOld("/")
		c := d.pair()
		choice := session.Choice{Plans: all}
		got := ask(func() (session.Selection, error) { return c.send.Select(c.ctx, choice) })
		s := d.at(What)
		for i, k := range s.Kinds {
			if secret := i == last; k.On == secret || k.Info.Secret != secret || k.Taken > 0 == secret {
				t.Errorf("%+v", k)
			}
		}
		if p := d.Items(fakephone.Secrets, 0, 10); p.Complete {
			t.Fatal("listed at once")
		}
		synctest.Wait()
		if p := d.Items(fakephone.Secrets, 0, 10); len(p.Items) != 7 || p.Items[0].On {
			t.Errorf("%+v", p)
		}
		d.Move()
		if sel := <-got; slices.Contains(sel.v.Kinds, fakephone.Secrets) || len(sel.v.Kinds) != last {
			t.Errorf("%v moves", sel.v.Kinds)
		}
		c.send.Events(session.Accepted{Meter: new(transfer.Meter)})
		c.send.Events(session.Done{Report: report(0)})
		c.ret <- nil
		if r := d.at(Done).Result; r.Erase != EraseNo || r.EraseWhy != LeftOut {
			t.Errorf("%+v", r)
		}
		for _, on := range []bool{false, true} {
			d.Again()
			c = d.engine()
			got = ask(func() (session.Selection, error) { return c.send.Select(c.ctx, choice) })
			if k := d.at(What).Kinds[last]; k.On != on {
				t.Errorf("%+v", k)
			}
			d.TakeKind(fakephone.Secrets, true)
			d.Move()
			if sel := <-got; sel.v.Kinds != nil {
				t.Errorf("%v moves", sel.v.Kinds)
			}
			c.send.Events(session.Accepted{Meter: new(transfer.Meter)})
			c.send.Events(session.Done{Report: report(0)})
			c.ret <- nil
			d.at(Done)
		}
	})
}

func TestErase(t *testing.T) {
	kinds := func(failed uint64) []receipt.Kind {
		return []receipt.Kind{{Kind: "photos", Items: 10, Added: 10 - failed, Failed: failed}}
	}
	signed := []byte("signed")
	for name, c := range map[string]struct {
		done   session.Done
		known  known
		want   Erase
		why    EraseWhy
		byHand uint64
	}{
		"all":              {done: session.Done{Report: report(0)}, want: EraseYes},
		"the new phone":    {done: session.Done{Report: report(0)}, known: known{role: NewPhone}, want: EraseAskOld},
		"some failed":      {done: session.Done{Report: report(3)}, want: EraseByHand, byHand: 3},
		"not signed":       {done: session.Done{Report: &transfer.Report{Kinds: kinds(0)}, Err: errBroken}, why: NotSigned},
		"nothing":          {done: session.Done{Err: errBroken}, why: NotSigned},
		"left out":         {done: session.Done{Report: report(0)}, known: known{leftOut: 1}, why: LeftOut},
		"left out there":   {done: session.Done{Report: &transfer.Report{Receipt: signed, Declined: []receipt.Declined{{Kind: "music", Items: 1}}}}, why: LeftOut},
		"a kind unread":    {done: session.Done{Report: report(0)}, known: known{notRead: true}, why: NotRead},
		"healed":           {done: session.Done{Report: report(3), Verified: &transfer.Report{Receipt: signed, Kinds: kinds(0)}}, want: EraseYes},
		"not the same":     {done: session.Done{Report: report(0), Verified: &transfer.Report{Receipt: signed, Kinds: kinds(2)}}, why: NotSame},
		"verifying failed": {done: session.Done{Report: report(0), Verified: &transfer.Report{SentItems: 1}}, why: NotKnownMoved},
		"not verified":     {done: session.Done{Report: report(0), Verified: &transfer.Report{}, Err: &session.UnverifiedError{Err: errBroken}}, want: EraseYes},
	} {
		r := resultOf(c.done, c.known, new(tally), new(tally))
		if r.Erase != c.want || r.EraseWhy != c.why || r.ByHand != c.byHand {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// A stranger who fails takes no result from the screen that nobody has read.
func TestResultStays(t *testing.T) {
	s := begin(NewPhone, "", "")
	s = s.event(session.Code{})
	s = s.event(session.Accepted{Peer: receipt.Side{Name: "Old"}})
	s = s.ended(session.Done{Report: report(0)}, new(tally), new(tally))
	s = s.event(session.Waiting{Until: time.Now()})
	s = s.ended(session.Done{Report: new(transfer.Report), Err: errBroken}, new(tally), new(tally))
	if s.Screen != Done || s.Result == nil || s.Notice.Kind != Withdrawn {
		t.Fatalf("%+v", s)
	}
}

// One that begins in the place of a move whose link was lost is paused as that was.
func TestReplaced(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{{session.ErrReplaced, true}, {errBroken, false}} {
		s := begin(NewPhone, "", "").event(session.Accepted{}).paused(true)
		s = s.ended(session.Done{Report: new(transfer.Report), Err: c.err}, new(tally), new(tally))
		if s = s.offered(transfer.Offer{}); s.Paused != c.want || s.Result != nil || s.Err != nil {
			t.Fatalf("%v: %+v", c.err, s)
		}
	}
}
