package session

import (
	"context"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/p2p/pairing"
)

// played is a lookout that the test plays.
type played struct {
	mu     sync.Mutex
	causes []discovery.Cause // guarded by mu
	short  bool              // guarded by mu: it has not listened for long
	opened int               // guarded by mu: how many are open
}

func (p *played) Diagnose() discovery.Diagnosis {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := discovery.Diagnosis{Watched: time.Minute}
	if p.short {
		d.Watched = silence - 1
	}
	for _, c := range p.causes {
		d.Findings = append(d.Findings, discovery.Finding{Cause: c})
	}
	return d
}

func (p *played) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.opened--
	return nil
}

func (p *played) play(short bool, causes ...discovery.Cause) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.short, p.causes = short, causes
}

// waiter is a new phone that nobody has come to, in virtual time.
type waiter struct {
	*receiving
	played
	ctx   context.Context
	stop  context.CancelFunc
	over  chan error
	mu    sync.Mutex
	heard []discovery.Diagnosis // guarded by mu
}

func startWaiter(t *testing.T) *waiter {
	mine, err := identity.New()
	if err != nil {
		t.Fatal(err)
	}
	desk, err := pairing.NewDesk(mine.ID())
	if err != nil {
		t.Fatal(err)
	}
	w := &waiter{over: make(chan error, 1)}
	w.receiving = &receiving{key: mine, desk: desk, visits: make(chan visit), paired: map[identity.DeviceID]time.Time{}, events: func(ev Event) {
		if n, ok := ev.(NobodyYet); ok {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.heard = append(w.heard, n.Diagnosis)
		}
	}}
	w.outlook = func(context.Context) lookout {
		w.played.mu.Lock()
		defer w.played.mu.Unlock()
		w.opened++
		return &w.played
	}
	w.ctx, w.stop = context.WithCancel(t.Context())
	go w.await(w.ctx)
	return w
}

// await waits as loop does.
func (w *waiter) await(ctx context.Context) {
	for {
		_, changed, err := w.desk.Offer()
		if err == nil {
			err = w.wait(ctx, changed)
		}
		if err != nil {
			w.over <- err
			return
		}
	}
}

// end stops it; nothing listens then.
func (w *waiter) end(t *testing.T) {
	t.Helper()
	w.stop()
	<-w.over
	w.desk.Close()
	if w.opened != 0 {
		t.Errorf("%d still listen", w.opened)
	}
}

// told waits, and returns what was told since it was asked last.
func (w *waiter) told(d time.Duration) []discovery.Diagnosis {
	time.Sleep(d) // of virtual time
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	h := w.heard
	w.heard = nil
	return h
}

func only(ds []discovery.Diagnosis, causes ...discovery.Cause) bool {
	if len(ds) != 1 || len(ds[0].Findings) != len(causes) {
		return false
	}
	return !slices.ContainsFunc(causes, func(c discovery.Cause) bool { return !ds[0].Has(c) })
}

func TestNobodyComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := startWaiter(t)
		defer w.end(t)
		w.play(false, discovery.NoInterface)
		if ds := w.told(DiagnoseAfter - 1); len(ds) != 0 {
			t.Errorf("too early: %v", ds)
		}
		if ds := w.told(1); !only(ds, discovery.NoInterface) {
			t.Errorf("no network: %v", ds)
		}
		if ds := w.told(3 * DiagnoseAfter); len(ds) != 0 {
			t.Errorf("told again: %v", ds)
		}
		w.play(true) // Wi-Fi was turned on a moment ago
		if ds := w.told(DiagnoseAfter); len(ds) != 0 {
			t.Errorf("too early to tell: %v", ds)
		}
		w.play(false, discovery.TunnelBeside, discovery.NoAnswer) // which is as it should be here
		if ds := w.told(DiagnoseAfter); len(ds) != 0 {
			t.Errorf("it may be over soon: %v", ds)
		}
		if ds := w.told(doubtEvery); !only(ds, discovery.TunnelBeside) {
			t.Errorf("beside a tunnel: %v", ds)
		}
		w.play(false)
		if ds := w.told(2 * DiagnoseAfter); len(ds) != 0 {
			t.Errorf("it changes often: %v", ds)
		}
		if ds := w.told(doubtEvery); !only(ds) {
			t.Errorf("nothing is wrong any more: %v", ds)
		}
	})
}

// Where networks come and go all the time, hardly anything is told, and in the end
// how it is.
func TestNetworksComeAndGo(t *testing.T) {
	for _, tt := range []struct {
		every time.Duration
		most  int // that are told within an hour
	}{{time.Second, 1}, {8 * time.Second, 1}, {DiagnoseAfter, 1}, {13 * time.Second, 2}, {time.Minute, 4}} {
		synctest.Test(t, func(t *testing.T) {
			w := startWaiter(t)
			defer w.end(t)
			told := 0
			for d := time.Duration(0); d < time.Hour; d += 3 * tt.every {
				for _, c := range [][]discovery.Cause{{discovery.NobodyHeard}, {discovery.SeveralNetworks}, {}} {
					w.play(false, c...)
					told += len(w.told(tt.every))
				}
			}
			if told == 0 || told > tt.most {
				t.Errorf("every %v: told %d times", tt.every, told)
			}
			w.play(false, discovery.NoInterface)
			if ds := w.told(holdsMost + doubtEvery); !only(ds, discovery.NoInterface) {
				t.Errorf("every %v, and then no network: %v", tt.every, ds)
			}
		})
	}
}

// Nobody is missed who has proved the code and chooses what to move, or has just
// tried a code; but who did so long ago is.
func TestSomebodyCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := startWaiter(t)
		defer w.end(t)
		w.play(false, discovery.NobodyHeard)
		time.Sleep(DiagnoseAfter / 2)
		w.knock()
		if ds := w.told(DiagnoseAfter); len(ds) != 0 {
			t.Errorf("after a wrong code: %v", ds)
		}
		if ds := w.told(DiagnoseAfter); !only(ds, discovery.NobodyHeard) {
			t.Errorf("some time after a wrong code: %v", ds)
		}
		w.proveCode(t)
		if ds := w.told(Life - DiagnoseAfter); len(ds) != 0 {
			t.Errorf("while somebody chooses: %v", ds)
		}
		if ds := w.told(2 * DiagnoseAfter); !only(ds, discovery.NobodyHeard) {
			t.Errorf("nobody began: %v", ds)
		}
	})
}

// While a link is lost it is told too, but not while all that may yet be asked for
// is a receipt.
func TestNobodyComesBack(t *testing.T) {
	for _, signed := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := startWaiter(t)
			w.play(false, discovery.CannotSend)
			w.stop()
			<-w.over
			w.held = &held{signed: signed, lost: errBack}
			w.held.life.begin(time.Now())
			w.ctx, w.stop = context.WithCancel(t.Context())
			go w.await(w.ctx)
			defer w.end(t)
			if ds := w.told(DiagnoseAfter + 1); only(ds, discovery.CannotSend) == signed {
				t.Errorf("signed: %v; told: %v", signed, ds)
			}
		})
	}
}

// proveCode pairs as an old phone does.
func (w *waiter) proveCode(t *testing.T) {
	t.Helper()
	theirs, err := identity.New()
	if err != nil {
		t.Fatal(err)
	}
	offer, _, err := w.desk.Offer()
	if err != nil {
		t.Fatal(err)
	}
	b := pairing.Binding{Initiator: theirs.ID(), Responder: w.key.ID(), Exporter: [32]byte{1}}
	here, there := net.Pipe()
	done := make(chan error)
	go func() {
		_, err := w.desk.Respond(t.Context(), here, b, func() {
			w.receiving.mu.Lock()
			defer w.receiving.mu.Unlock()
			w.paired[theirs.ID()] = time.Now()
		})
		done <- err
	}()
	if _, err := pairing.Initiate(t.Context(), there, b, offer.Code); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
