package transfertest

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/faulttest"
	"github.com/ferry-move/ferry/transfer/journal"
	"github.com/ferry-move/ferry/transfer/receipt"
	"github.com/ferry-move/ferry/transfer/wire"
)

// Rig is two devices that a test moves things between.
type Rig struct {
	t        testing.TB
	link     func(testing.TB) Ends
	Old, New *identity.Key
	Src, Dst *fakephone.Device
	// Plain sends everything as it is: in a synctest bubble, which must not share
	// the memory that package squeeze keeps for the next lane.
	Plain     bool
	journal   string
	TuneSend  func(*transfer.SendConfig)
	TuneTake  func(*transfer.ReceiveConfig)
	SendMeter *transfer.Meter
	TakeMeter *transfer.Meter
}

// NewRig makes two devices; link makes the link for each run.
func NewRig(t testing.TB, link func(testing.TB) Ends, src, dst fakephone.Config) *Rig {
	t.Helper()
	r := &Rig{t: t, link: link, Src: fakephone.New(src), Dst: fakephone.New(dst), journal: filepath.Join(t.TempDir(), "journal")}
	for _, k := range []**identity.Key{&r.Old, &r.New} {
		var err error
		if *k, err = identity.New(); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// Ended is how one run went on both sides.
type Ended struct {
	Sent, Taken       *transfer.Report
	SendErr, TakeErr  error
	SendNotes, Taken2 []string
	// SendWaits and TakeWaits are how many bytes of space each side was told to
	// be missing, one after the other.
	SendWaits, TakeWaits []int64
	// SendEnded and TakeEnded are when each side returned.
	SendEnded, TakeEnded time.Time
}

type notes struct {
	mu      sync.Mutex
	keys    []string // guarded by mu
	waiting []int64  // guarded by mu
}

// Waiting implements transfer.SpaceObserver.
func (n *notes) Waiting(missing int64, _ transfer.Shortage) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.waiting = append(n.waiting, missing)
}

func (n *notes) ItemEnded(kind backup.Kind, key, name backup.Key, reason backup.Reason) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.keys = append(n.keys, string(kind)+"|"+string(key)+"|"+string(name)+"|"+reason.Error())
}

// Run runs one session to its end on both sides.
func (r *Rig) Run(ctx context.Context) Ended { return r.RunOver(ctx, ctx, r.link(r.t)) }

// RunOver runs a session over the given link, with a context for each side.
func (r *Rig) RunOver(sctx, rctx context.Context, l Ends) Ended {
	r.SendMeter, r.TakeMeter = new(transfer.Meter), new(transfer.Meter)
	var e Ended
	var sn, rn notes
	sc := transfer.SendConfig{
		Self: transfer.Self{Key: r.Old, Name: "Old phone", Version: "test"}, Peer: r.New.ID(),
		Control: l.SendControl, Lanes: l.Open, Agents: r.Src.Agents(), Meter: r.SendMeter, Observer: &sn, NoSqueeze: r.Plain,
	}
	rc := transfer.ReceiveConfig{
		Self: transfer.Self{Key: r.New, Name: "New phone", Version: "test"}, Peer: r.Old.ID(),
		Control: l.ReceiveControl, Lanes: l.Accept, Agents: r.Dst.Agents(), Free: r.Dst.Free, Meter: r.TakeMeter, Observer: &rn,
		Journal: func(d identity.DeviceID) (*journal.Journal, error) { return journal.Open(r.journal, d) },
		Accept: func(context.Context, transfer.Offer) (transfer.Decision, error) {
			return transfer.Decision{Accept: true}, nil
		},
	}
	if r.TuneSend != nil {
		r.TuneSend(&sc)
	}
	if r.TuneTake != nil {
		r.TuneTake(&rc)
	}
	var wg sync.WaitGroup
	wg.Go(func() { e.Sent, e.SendErr = transfer.Send(sctx, sc); e.SendEnded = time.Now() })
	wg.Go(func() { e.Taken, e.TakeErr = transfer.Receive(rctx, rc); e.TakeEnded = time.Now() })
	wg.Wait()
	e.SendNotes, e.Taken2 = sn.keys, rn.keys
	e.SendWaits, e.TakeWaits = sn.waiting, rn.waiting
	return e
}

// mustAgree fails unless both sides ended well with the same account.
func (r *Rig) mustAgree(e Ended) *receipt.Payload {
	r.t.Helper()
	if e.SendErr != nil || e.TakeErr != nil {
		r.t.Fatalf("send: %v; receive: %v", e.SendErr, e.TakeErr)
	}
	if len(e.Sent.Receipt) == 0 || !bytes.Equal(e.Sent.Receipt, e.Taken.Receipt) {
		r.t.Fatalf("the receipts differ:\n%s\n%s", e.Sent.Receipt, e.Taken.Receipt)
	}
	p, err := receipt.Verify(e.Sent.Receipt)
	if err != nil {
		r.t.Fatal(err)
	}
	for i, k := range p.Kinds {
		if k != e.Sent.Kinds[i] || k != e.Taken.Kinds[i] {
			r.t.Fatalf("totals differ: %+v, %+v, %+v", k, e.Sent.Kinds[i], e.Taken.Kinds[i])
		}
	}
	if p.Sender.Device != r.Old.ID() || p.Receiver.Device != r.New.ID() || !p.Flags.Has(backup.FlagDeviceToDeviceTransfer) {
		r.t.Fatalf("the receipt is of someone else: %+v", p)
	}
	if got, want := r.SendMeter.Snapshot(), e.Sent; got.Phase != transfer.PhaseDone || got.SentBytes < want.SentBytes || got.DoneItems != got.Items {
		r.t.Fatalf("the sender's meter stands at %+v", got)
	}
	if got := r.TakeMeter.Snapshot(); got.Phase != transfer.PhaseDone || got.DoneItems != got.Items || got.DoneBytes != got.Bytes {
		r.t.Fatalf("the receiver's meter stands at %+v", got)
	}
	return p
}

func sums(p *receipt.Payload) (k receipt.Kind) {
	for _, x := range p.Kinds {
		k.Items += x.Items
		k.Added += x.Added
		k.Merged += x.Merged
		k.Skipped += x.Skipped
		k.Failed += x.Failed
		k.Bytes += x.Bytes
	}
	return k
}

// phone is small, but has every kind, several blocks in a file and many items.
func phone(seed uint64) fakephone.Config {
	return fakephone.Config{
		Seed: seed, Contacts: 300, Documents: 500, Photos: 12, Videos: 2, Music: 2, Recordings: 2, Downloads: 3, Files: 3,
		Sizes: map[backup.Kind]fakephone.Range{
			"documents": {Min: 0, Max: 3000}, "photos": {Min: 100_000, Max: 700_000}, "videos": {Min: 1_000_000, Max: 1_600_000},
			"music": {Min: wire.BlockSize, Max: wire.BlockSize}, "recordings": {Min: 1, Max: 2 * wire.BlockSize}, "downloads": {Min: 0, Max: 10}, "files": {Min: 0, Max: 10},
		},
	}
}

func empty() fakephone.Config { return fakephone.Config{Empty: true} }

// Run runs the whole suite; link makes a new link for each session.
func Run(t *testing.T, link func(testing.TB) Ends) {
	suite(t, link, func(t *testing.T, f func(*testing.T)) { f(t) }, false)
}

// RunIn runs the suite with each of its tests within the function in, such as
// synctest.Test.
func RunIn(t *testing.T, link func(testing.TB) Ends, in func(*testing.T, func(*testing.T))) {
	suite(t, link, in, true)
}

func suite(t *testing.T, link func(testing.TB) Ends, in func(*testing.T, func(*testing.T)), plain bool) {
	newRig := func(t testing.TB, src, dst fakephone.Config) *Rig {
		r := NewRig(t, link, src, dst)
		r.Plain = plain
		return r
	}
	run := func(name string, f func(*testing.T, context.Context)) {
		t.Run(name, func(t *testing.T) { in(t, func(t *testing.T) { f(t, t.Context()) }) })
	}
	run("everything arrives, and a second run sends nothing", func(t *testing.T, ctx context.Context) {
		r := newRig(t, phone(1), empty())
		p := r.mustAgree(r.Run(ctx))
		if s := sums(p); s.Added != s.Items || s.Items < 800 {
			t.Fatalf("not everything was added: %+v %+v", s, p.NotMoved[:min(3, len(p.NotMoved))])
		}
		if err := fakephone.Equal(ctx, r.Dst, r.Src); err != nil {
			t.Fatal(err)
		}
		e := r.Run(ctx)
		if s := sums(r.mustAgree(e)); s.Skipped != s.Items || e.Sent.SentBytes != 0 || r.SendMeter.Snapshot().SentBytes != 0 {
			t.Fatalf("the second run did something: %+v, %d bytes", s, e.Sent.SentBytes)
		}
		if err := fakephone.Equal(ctx, r.Dst, r.Src); err != nil {
			t.Fatal(err)
		}
	})
	run("a second run without a journal compares content", func(t *testing.T, ctx context.Context) {
		r := newRig(t, phone(2), empty())
		r.TuneTake = func(c *transfer.ReceiveConfig) { c.Journal = nil }
		r.mustAgree(r.Run(ctx))
		e := r.Run(ctx)
		if s := sums(r.mustAgree(e)); s.Skipped != s.Items || e.Sent.SentBytes != 0 {
			t.Fatalf("the second run did something: %+v, %d bytes", s, e.Sent.SentBytes)
		}
	})
	run("what cannot be read is reported and stops nothing", func(t *testing.T, ctx context.Context) {
		cfg := phone(3)
		cfg.Unreadable, cfg.ChangeWhileReading = 0.1, 0.1
		r := newRig(t, cfg, empty())
		e := r.Run(ctx)
		p := r.mustAgree(e)
		s := sums(p)
		if s.Failed == 0 || s.Added == 0 || s.Added+s.Failed != s.Items {
			t.Fatalf("%+v", s)
		}
		if uint64(len(p.NotMoved)) != s.Failed || uint64(len(e.SendNotes)) != s.Failed || uint64(len(e.Taken2)) != s.Failed {
			t.Fatalf("%d failed, %d in the receipt, %d and %d told", s.Failed, len(p.NotMoved), len(e.SendNotes), len(e.Taken2))
		}
		if p.Complete() || e.Sent.Complete() || e.Taken.Complete() {
			t.Fatal("a run with failed items calls itself complete")
		}
	})
	run("a run that breaks is finished by the next", func(t *testing.T, ctx context.Context) {
		r := newRig(t, phone(4), empty())
		broken := 0
		for limit := int64(20_000); ; limit += 700_000 {
			e := r.RunOver(ctx, ctx, Break(link(t), faulttest.CutAfterBytes(limit)))
			if e.SendErr == nil && e.TakeErr == nil {
				r.mustAgree(e)
				break
			}
			broken++
			for _, err := range []error{e.SendErr, e.TakeErr} {
				if err != nil && !errors.Is(err, transfer.ErrLinkLost) {
					t.Fatalf("cut at %d: send %v, receive %v", limit, e.SendErr, e.TakeErr)
				}
			}
		}
		if broken < 3 {
			t.Fatalf("only %d runs broke", broken)
		}
		if err := fakephone.Equal(ctx, r.Dst, r.Src); err != nil {
			t.Fatal(err)
		}
	})
	run("a refusal reaches the sender, and nothing is written", func(t *testing.T, ctx context.Context) {
		r := newRig(t, phone(5), empty())
		r.TuneTake = func(c *transfer.ReceiveConfig) {
			c.Accept = func(_ context.Context, o transfer.Offer) (transfer.Decision, error) {
				if o.Peer.Name != "Old phone" || len(o.Kinds) == 0 || o.Bytes() == 0 || !o.Flags.Has(backup.FlagDeviceToDeviceTransfer) {
					t.Errorf("the offer says %+v", o)
				}
				return transfer.Decision{}, nil
			}
		}
		e := r.Run(ctx)
		mustStop(t, e.SendErr, wire.StopRefused, true)
		mustStop(t, e.TakeErr, wire.StopRefused, false)
		if n := r.Dst.Len("documents"); n != 0 {
			t.Fatalf("%d items were written", n)
		}
	})
	run("a kind can be declined", func(t *testing.T, ctx context.Context) {
		r := newRig(t, phone(6), empty())
		r.TuneTake = func(c *transfer.ReceiveConfig) {
			c.Accept = func(context.Context, transfer.Offer) (transfer.Decision, error) {
				return transfer.Decision{Accept: true, Kinds: []backup.Kind{"contacts", "photos"}}, nil
			}
		}
		e := r.Run(ctx)
		p := r.mustAgree(e)
		if len(p.Declined) != 6 || r.Dst.Len("documents") != 0 || r.Dst.Len("photos") == 0 || p.Complete() {
			t.Fatalf("%+v", p.Declined)
		}
	})
	run("cancel reaches the other side", func(t *testing.T, ctx context.Context) {
		for _, side := range []string{"sender", "receiver"} {
			r := newRig(t, phone(7), empty())
			mine, cancel := context.WithCancel(ctx)
			r.TuneTake = func(c *transfer.ReceiveConfig) {
				c.Accept = func(ctx context.Context, _ transfer.Offer) (transfer.Decision, error) {
					cancel()
					<-ctx.Done() // asked until the session ends
					return transfer.Decision{}, context.Cause(ctx)
				}
			}
			var e Ended
			if side == "sender" {
				e = r.RunOver(mine, ctx, link(t))
				mustStop(t, e.TakeErr, wire.StopCancelled, true)
			} else {
				e = r.RunOver(ctx, mine, link(t))
				mustStop(t, e.SendErr, wire.StopCancelled, true)
			}
		}
	})
}

func mustStop(t testing.TB, err error, kind wire.StopKind, remote bool) {
	t.Helper()
	var se *transfer.StopError
	if !errors.As(err, &se) || se.Kind != kind || se.Remote != remote {
		t.Fatalf("%v, want a stop of kind %d, remote %v", err, kind, remote)
	}
}
