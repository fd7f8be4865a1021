package flow

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/mobile"
	"github.com/ferry-move/ferry/mobile/android/ab"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/p2p"
	"github.com/ferry-move/ferry/p2p/pairing"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/receipt"
)

func TestOldPhone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t)
		defer d.Close()
		d.BeOld("/phone")
		d.at(Find)
		d.why <- discovery.Diagnosis{Findings: []discovery.Finding{{Cause: discovery.NobodyHeard}}}
		if s := d.at(Find); s.Diagnosis == nil || !s.Diagnosis.Has(discovery.NobodyHeard) {
			t.Fatal("no diagnosis")
		}
		d.found <- []discovery.Candidate{pixel}
		if s := d.at(Find); s.Diagnosis != nil || len(s.Devices) != 1 || s.Devices[0].Name != "Pixel" {
			t.Fatalf("%+v", s)
		}
		d.Choose(pixel.Instance)
		d.TypeCode("what?")
		if s := d.at(Code); !errors.Is(s.CodeErr, pairing.ErrBadCode) || s.Checking || s.Peer.Name != "Pixel" {
			t.Fatalf("%+v", s)
		}
		c := d.engine()
		d.TypeCode("1111111") // typed before it is asked for
		if s := d.at(Code); !s.Checking || s.CodeErr != nil {
			t.Fatalf("%+v", s)
		}
		if _, err := c.send.Password(c.ctx, nil); err != nil {
			t.Fatal(err)
		}
		c.send.Events(session.WrongCode{TriesLeft: 2})
		got := ask(func() (pairing.Password, error) {
			return c.send.Password(c.ctx, &pairing.WrongCodeError{TriesLeft: 2})
		})
		if s := d.at(Code); s.Checking || s.TriesLeft != 2 || s.Wrong != 1 {
			t.Fatalf("%+v", s)
		}
		d.TypeCode("742 9163")
		if a := <-got; a.err != nil {
			t.Fatal(a.err)
		}
		c.send.Events(session.Paired{Device: "there"})
		d.at(Counting)
		sel := d.chosen(c, session.Choice{Plans: plans, Free: 5000})
		if sel.Kinds != nil || sel.Leave != nil {
			t.Fatalf("%+v", sel)
		}
		c.send.Events(session.Accepted{Peer: receipt.Side{Name: "Their phone"}, Meter: new(transfer.Meter)})
		if s := d.at(Moving); s.Peer.Name != "Their phone" {
			t.Fatalf("%+v", s.Peer)
		}
		d.Pause()
		if s := d.at(Moving); !s.Paused || !c.send.Pauser.Paused() {
			t.Fatal("not paused")
		}
		d.Resume()
		if s := d.at(Moving); s.Paused || c.send.Pauser.Paused() {
			t.Fatal("paused")
		}
		c.send.Events(session.Waiting{Agreed: true, Until: time.Now()})
		c.send.Events(session.NobodyYet{})
		if s := d.at(Moving); s.Lost == nil || !s.Lost.Agreed || s.Diagnosis == nil {
			t.Fatal("not lost")
		}
		c.send.Events(session.Item{Kind: "photos", Key: "a", Reason: backup.Vanished})
		c.send.Events(session.Back{Agreed: true})
		c.send.Events(session.Item{Kind: "photos", Key: "a", Reason: backup.Vanished})
		c.send.Events(session.Item{Kind: "photos", Key: "b", Reason: backup.Vanished})
		c.send.Events(session.Item{Kind: "photos", Key: "c", Name: "c (2)"})
		if s := d.at(Moving); s.Lost != nil || s.Diagnosis != nil {
			t.Fatal("lost")
		}
		c.send.Events(session.Done{Report: report(2), ReceiptPath: "/r"})
		c.ret <- nil
		s := d.at(Done)
		r := s.Result
		if !r.Signed || r.Complete || r.Erase != EraseByHand || r.ByHand != 2 || r.Receipt != "/r" || r.Here != 8 || r.Items != 10 {
			t.Fatalf("%+v", r)
		}
		if len(r.NotMoved) != 1 || r.NotMoved[0].Count != 2 || r.NotMoved[0].Names[1].Key != "b" || r.Renamed.Count != 1 {
			t.Fatalf("%+v", r)
		}

		d.Again() // the same new phone, whose code is asked for
		if s := d.at(Code); s.Result != nil || s.Peer.Addrs[0] != pixel.Addrs[0] {
			t.Fatalf("%+v", s)
		}
		c = d.engine()
		if c.send.At[0] != pixel.Addrs[0] {
			t.Fatal(c.send.At)
		}
		c.send.Events(session.Paired{})
		c.send.Events(session.Accepted{Meter: new(transfer.Meter)})
		c.send.Events(session.Done{Report: report(0)})
		c.ret <- nil
		if s := d.at(Done); s.Result.Erase != EraseYes || len(s.Result.NotMoved) != 0 {
			t.Fatalf("%+v", s.Result)
		}
		d.Finish()
		if s := d.at(Start); s.Result != nil || s.Role != NoPhone {
			t.Fatalf("%+v", s)
		}
	})
}

func TestNewPhone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t)
		defer d.Close()
		d.BeNew("/new")
		d.at(Opening)
		c := d.engine()
		c.recv.Events(session.Ready{Name: "Here", Addrs: pixel.Addrs})
		c.recv.Events(session.Code{Why: pairing.First, Code: code(t)})
		if s := d.at(Wait); len(s.Addrs) != 1 || s.Code.IsZero() {
			t.Fatalf("%+v", s)
		}
		why := session.NobodyYet{Diagnosis: discovery.Diagnosis{Findings: []discovery.Finding{{Cause: discovery.NobodyHeard}}}}
		c.recv.Events(why)
		if s := d.at(Wait); s.Diagnosis == nil || !s.Diagnosis.Has(discovery.NobodyHeard) {
			t.Fatal("no diagnosis")
		}
		c.recv.Events(session.WrongCode{TriesLeft: 1})
		if s := d.at(Wait); s.Notice != (Notice{Kind: CodeWrong, TriesLeft: 1}) || s.Diagnosis != nil {
			t.Fatalf("%+v", s)
		}
		c.recv.Events(why)
		c.recv.Events(session.Paired{})
		if s := d.at(Wait); s.Diagnosis != nil {
			t.Fatal("somebody came")
		}
		offer := transfer.Offer{Peer: receipt.Side{Name: "Old"}, Kinds: []transfer.OfferedKind{{Kind: "photos", Items: 10, Bytes: 1000, Supported: true}}, Free: 7}

		// It is refused.
		got := ask(func() (transfer.Decision, error) { return c.recv.Accept(c.ctx, offer) })
		if s := d.at(Asking); s.Offer.Items != 10 || s.Offer.Bytes != 1000 || s.Peer.Name != "Old" || s.Offer.Free != 7 {
			t.Fatalf("%+v", s.Offer)
		}
		d.Answer(false, nil)
		d.Answer(true, nil) // too late
		if a := <-got; a.err != nil || a.v.Accept {
			t.Fatalf("%+v", a)
		}
		c.recv.Events(session.Done{Report: new(transfer.Report), Err: errBroken})
		if s := d.at(Wait); s.Notice.Kind != Refused {
			t.Fatalf("%+v", s.Notice)
		}

		// The old phone goes before it is answered.
		gone, leave := context.WithCancel(c.ctx)
		got = ask(func() (transfer.Decision, error) { return c.recv.Accept(gone, offer) })
		d.at(Asking)
		leave()
		if a := <-got; a.err == nil {
			t.Fatal("answered")
		}
		c.recv.Events(session.Done{Report: new(transfer.Report), Err: errBroken})
		if s := d.at(Wait); s.Notice.Kind != Withdrawn || !errors.Is(s.Notice.Err, errBroken) {
			t.Fatalf("%+v", s.Notice)
		}

		// It is accepted, in part, and lost while it is asked for.
		got = ask(func() (transfer.Decision, error) { return c.recv.Accept(c.ctx, offer) })
		d.at(Asking)
		d.Answer(true, []backup.Kind{"photos"})
		if a := <-got; !a.v.Accept || len(a.v.Kinds) != 1 {
			t.Fatalf("%+v", a)
		}
		c.recv.Events(session.Accepted{Meter: new(transfer.Meter)})
		c.recv.Events(session.Item{Kind: "photos", Key: "healed", Reason: backup.Damaged})
		c.recv.Events(session.Item{Kind: "photos", Key: "not", Reason: backup.Damaged})
		c.recv.Events(session.Verifying{Meter: new(transfer.Meter)})
		d.at(Verifying)
		c.recv.Events(session.Differed{Kind: "photos", Key: "healed"})
		c.recv.Events(session.Item{Kind: "photos", Key: "not", Reason: backup.Damaged})
		c.recv.Events(session.Done{Report: report(2), Verified: report(1)})
		s := d.at(Done)
		if r := s.Result; !r.Verified || r.Erase != EraseByHand || r.ByHand != 1 || r.Kinds[0].Healed != 1 || r.Differed.Count != 1 {
			t.Fatalf("%+v", r)
		}
		if g := s.Result.NotMoved; len(g) != 1 || g[0].Count != 1 || g[0].Names[0].Key != "not" {
			t.Fatalf("%+v", g)
		}
		c.recv.Events(why) // which is told once
		d.Again()
		if s := d.at(Opening); s.Result != nil || s.Diagnosis == nil { // no code is shown yet
			t.Fatalf("%+v", s)
		}
		c.recv.Events(session.Code{Why: pairing.Paired, Code: code(t)})
		d.at(Wait)
		c.ret <- errBroken
		if s := d.at(Problem); !errors.Is(s.Err, errBroken) || s.Try != TryAgain|TryStart || !s.Code.IsZero() {
			t.Fatalf("%+v", s)
		}
		d.Again()
		d.engine()
		d.at(Opening)
		d.Back()
		d.at(Start)
	})
}

func TestArchive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t)
		defer d.Close()
		d.Flow.opt.OpenSource = func(_ context.Context, _ string, o session.SourceOptions) (mobile.Device, error) {
			switch p, err := o.Password(); {
			case err != nil || string(p) == "broken":
				return nil, errors.Join(errBroken, err)
			case string(p) != "sesame":
				return nil, fmt.Errorf("open: %w", ab.ErrPassword)
			}
			return d.phone, nil
		}
		d.BeOld("/archive")
		if s := d.at(Unlock); s.WrongPasswords != 0 {
			t.Fatalf("%d wrong ones before the first", s.WrongPasswords)
		}
		for i := range 3 {
			d.Password("open")
			if s := d.at(Unlock); s.WrongPasswords != i+1 {
				t.Fatalf("%d wrong ones, not %d", s.WrongPasswords, i+1)
			}
		}
		d.Password("broken")
		if s := d.at(Problem); !errors.Is(s.Err, errBroken) {
			t.Fatal(s.Err)
		}
		d.Again()
		if s := d.at(Unlock); s.WrongPasswords != 0 {
			t.Fatalf("%d wrong ones are left", s.WrongPasswords)
		}
		d.Password("sesame")
		d.at(Find)
		d.BeOld("/archive") // left before it is given
		d.at(Unlock)
		d.Back()
		d.at(Start)
	})
}

// The text of the QR code says where to go and proves the code, once.
func TestLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t)
		defer d.Close()
		d.BeOld("/")
		d.at(Find)
		l := link(t)
		text, err := l.Reveal()
		if err != nil {
			t.Fatal(err)
		}
		d.GoTo(" " + text + " ")
		if s := d.at(Code); !s.Checking || s.Peer.Device != l.Device {
			t.Fatalf("%+v", s)
		}
		c := d.engine()
		if p, err := c.send.Password(c.ctx, nil); err != nil || !p.(pairing.Link).Secret.Equal(l.Secret) || c.send.At[0] != l.Addrs[0] {
			t.Fatal(p, err)
		}
		got := ask(func() (pairing.Password, error) {
			return c.send.Password(c.ctx, &pairing.WrongCodeError{TriesLeft: 2})
		})
		if s := d.at(Code); s.Checking || s.TriesLeft != 2 {
			t.Fatalf("%+v", s)
		}
		d.TypeCode(text)
		if a := <-got; a.err != nil {
			t.Fatal(a.err)
		}
	})
}

// When the new phone has got another code, that one is asked for, on the same
// screen, by another run of the engine.
func TestCodeChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t)
		defer d.Close()
		d.BeOld("/phone")
		d.at(Find)
		d.found <- []discovery.Candidate{pixel}
		d.at(Find)
		d.Choose(pixel.Instance)
		for try := 1; try <= 2; try++ {
			d.TypeCode("1111111")
			if s := d.at(Code); !s.Checking || s.CodeErr != nil {
				t.Fatalf("%+v", s)
			}
			c := d.engine()
			if _, err := c.send.Password(c.ctx, nil); err != nil {
				t.Fatal(err)
			}
			c.ret <- fmt.Errorf("pairing: %w", pairing.ErrCodeChanged)
			if s := d.at(Code); s.Checking || s.Wrong != try || s.TriesLeft != 0 || !errors.Is(s.CodeErr, pairing.ErrCodeChanged) || s.Peer.Name != "Pixel" {
				t.Fatalf("%+v", s)
			}
		}
		c := d.engine()
		got := ask(func() (pairing.Password, error) { return c.send.Password(c.ctx, nil) })
		d.at(Code)
		d.TypeCode("742 9163")
		if a := <-got; a.err != nil {
			t.Fatal(a.err)
		}
		c.send.Events(session.Paired{Device: "there"})
		d.at(Counting)
		c.ret <- pairing.ErrCodeChanged // too late to be about a code
		d.at(Problem)
		d.Again()
		d.at(Code)
		c = d.engine()
		d.Back()
		d.at(Find)
		if c.ctx.Err() == nil {
			t.Error("the engine goes on")
		}
	})
}

// What a person prefers holds from the next role on.
func TestPrefer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t)
		defer d.Close()
		d.BeNew("/new")
		d.at(Opening)
		c := d.engine()
		d.Prefer("Mine", true)
		if s := d.at(Opening); s.Name != "Here" || c.recv.Name != "Here" {
			t.Fatalf("the role under way: %q, %q", s.Name, c.recv.Name)
		}
		d.Leave()
		if s := d.at(Start); s.Name != "Mine" {
			t.Fatalf("at the start: %q", s.Name)
		}
		d.BeNew("/new")
		d.at(Opening)
		if c = d.engine(); c.recv.Name != "Mine" {
			t.Fatalf("the next role: %q", c.recv.Name)
		}
		d.Leave()
		d.Prefer("", false)
		if s := d.at(Start); s.Name != session.DeviceName() {
			t.Fatalf("no name: %q", s.Name)
		}
	})
}

// A new phone that was started again is somewhere else: it is looked for again.
func TestAgainElsewhere(t *testing.T) {
	for _, gone := range []error{p2p.ErrUnreachable, session.ErrGone} {
		synctest.Test(t, func(t *testing.T) {
			d := newDevice(t)
			defer d.Close()
			d.BeOld("/old")
			d.at(Find)
			d.found <- []discovery.Candidate{pixel}
			d.at(Find)
			d.Choose(pixel.Instance)
			d.at(Code)
			c := d.engine()
			c.ret <- fmt.Errorf("wrapped: %w", gone)
			d.at(Problem)
			d.Again()
			d.at(Find)
			moved := pixel
			moved.Instance, moved.Addrs = discovery.InstanceID{9}, []netip.AddrPort{netip.MustParseAddrPort("192.0.2.7:7777")}
			d.found <- []discovery.Candidate{moved}
			d.at(Find)
			d.Choose(moved.Instance)
			d.at(Code)
			if c = d.engine(); c.send.At[0] != moved.Addrs[0] {
				t.Errorf("%v: goes to %v", gone, c.send.At)
			}
		})
	}
}
