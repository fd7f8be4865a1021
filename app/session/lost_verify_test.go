package session

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/transfer"
)

// verified checks, after whole, that both verified the move, once.
func (p *pair) verified() {
	t := p.t
	t.Helper()
	for side, d := range map[string]*Done{"old": p.gone, "new": p.done} {
		if d.Err != nil || d.Verified == nil || !d.Complete() || d.Verified.SentItems != 0 || d.ReceiptPath == "" {
			t.Errorf("the %s phone: %+v, %+v", side, d, d.Verified)
		}
		for word, want := range map[string]int{" accepted": 1, " verifies": 1, " done": 1} {
			if n := p.count(side + word); n != want {
				t.Errorf("%s%s %d times: %q", side, word, n, p.heard)
			}
		}
	}
	if p.asked != 1 {
		t.Errorf("the person was asked %d times", p.asked)
	}
}

// A link that is lost in a verification, before it, or at the end of the move that
// it follows costs a wait: the verification needs no code and no question.
func TestVerifyGoesOn(t *testing.T) {
	verifying := func(m transfer.Progress) bool {
		return m.Phase == transfer.PhaseVerify && m.DoneItems > 0
	}
	type test struct {
		name  string
		waits bool
		cut   func(p *pair)
	}
	tests := []test{
		{"undisturbed", false, func(*pair) {}},
		{"begun", true, func(p *pair) { p.when("new verifies", func() { p.old.set(true); p.new.set(true) }) }},
		{"verifying", true, func(p *pair) { p.cutAt(verifying, 0) }},
		{"verifying, in silence", true, func(p *pair) {
			p.old.loud, p.new.loud = false, false
			p.cutAt(verifying, 0)
		}},
		{"moved", true, func(p *pair) {
			p.cutAt(func(m transfer.Progress) bool { return m.Phase == transfer.PhaseDone }, 0)
		}},
	}
	for n := range 6 {
		tests = append(tests, test{fmt.Sprintf("the move finishing, after %d packets", n), false, func(p *pair) {
			p.cutAt(func(m transfer.Progress) bool { return m.Phase == transfer.PhaseFinish }, n)
		}})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := meetUp(t, fakephone.Config{Seed: 4, Documents: 400})
			p.send.Verify = true
			p.reopen()
			tt.cut(p)
			p.begin(t.Context())
			p.whole()
			p.verified()
			if n := p.count("old waits"); tt.waits && n == 0 || tt.name == "undisturbed" && n+p.count("new waits") > 0 {
				t.Errorf("it waits %d times: %q", n, p.heard)
			}
		})
	}
}

// A device that announced a verification cannot begin it before its move is whole,
// nor a second one; and nobody else can. It may ask before, since its last words
// may be under way.
func TestVerifies(t *testing.T) {
	h := &held{device: "old"}
	r := &receiving{held: h}
	for _, tt := range []struct {
		name           string
		follows, whole bool
		peer           identity.DeviceID
		may, begins    bool
	}{
		{"not announced", false, true, "old", false, false},
		{"not whole", true, false, "old", true, false},
		{"another device", true, true, "other", false, false},
		{"whole", true, true, "old", true, true},
	} {
		h.follows, h.whole, h.id = tt.follows, tt.whole, transfer.SessionID{1}
		if got := r.verifies(tt.peer); got != tt.may {
			t.Errorf("%s: it may: %v", tt.name, got)
		}
		if got := r.begins(tt.peer); got != tt.begins || h.verify != tt.begins || h.id.IsZero() != tt.begins {
			t.Errorf("%s: it begins: %v", tt.name, got)
		}
	}
	if r.verifies("old") || r.begins("old") {
		t.Error("it begins twice")
	}
}

// A verification that never comes is waited for like a device whose link is lost,
// and the move's own account is told with the loss.
func TestVerifyNeverComes(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes pairedFor")
	}
	t.Parallel()
	p := meetUp(t, fakephone.Config{Seed: 4})
	p.receive.life = 2 * time.Second
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p.send.Verify = true
	p.cutAt(func(m transfer.Progress) bool { return m.Phase == transfer.PhaseDone }, 0)
	p.when("old waits", cancel)
	go func() { p.received <- Receive(t.Context(), p.receive) }()
	p.send.Password = typed(hear(t, p.codes).Link)
	go func() {
		_, err := Send(ctx, p.send)
		p.sent <- err
	}()
	if err := hear(t, p.sent); !errors.Is(err, context.Canceled) {
		t.Errorf("the old phone: %v", err)
	}
	if err := hear(t, p.received); !errors.Is(err, transfer.ErrLinkLost) {
		t.Errorf("the new phone: %v", err)
	}
	if d := p.done; d.Report.Receipt == nil || !d.Report.Complete() || d.Verified != nil || d.ReceiptPath == "" {
		t.Errorf("%+v", d)
	}
	if p.count("new waits") != 1 || p.count("new done") != 1 {
		t.Errorf("%q", p.heard)
	}
}

// A person who ends a verification has a move that is complete.
func TestVerifyCancelled(t *testing.T) {
	for _, side := range []string{"old", "new"} {
		t.Run(side, func(t *testing.T) {
			t.Parallel()
			p := meetUp(t, fakephone.Config{Seed: 4, Documents: 400})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			sctx, rctx := t.Context(), ctx
			if side == "old" {
				sctx, rctx = ctx, t.Context()
			}
			p.send.Verify = true
			p.send.Pauser = new(transfer.Pauser) // so that it is under way when it is ended
			p.when("old verifies", p.send.Pauser.Pause)
			p.when("new verifies", cancel)
			go func() { p.received <- Receive(rctx, p.receive) }()
			p.send.Password = typed(hear(t, p.codes).Link)
			go func() {
				_, err := Send(sctx, p.send)
				p.sent <- err
			}()
			for name, ended := range map[string]chan error{"old": p.sent, "new": p.received} {
				var unverified *UnverifiedError
				if err := hear(t, ended); !errors.As(err, &unverified) {
					t.Errorf("the %s phone: %v", name, err)
				}
			}
			if !p.gone.Complete() || !p.done.Complete() {
				t.Errorf("%+v, %+v", p.gone, p.done)
			}
		})
	}
}
