// Package flow is one device's whole way through a move, behind whatever face: the
// one truth of it. It runs the engine (session.Send, session.Receive), folds what
// that tells into a [Snapshot], and takes what a person wants by methods that return
// at once. It has no words: counts, sizes, times, reasons and errors are values, and
// a face says them.
//
//	engine ── events ──> state ── Snapshot, ten times a second ──> face
//	engine <─ answers ── Flow <── intents ──────────────────────── face
//
// A [Flow] has one role at a time, with one goroutine of its own, and the engine is
// run by that goroutine, one step after the other. A role begins when the one before
// it has ended.
//
// Its worst moment is a device that sends a hundred thousand events a second: each is
// folded into memory of a fixed size before the next one is taken, nothing waits in a
// queue, and nobody draws before the face asks.
package flow

import (
	"cmp"
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/mobile"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/pace"
)

// meterEvery is how often a move's meter is read at most.
const meterEvery = 100 * time.Millisecond

// Options are what a flow needs to know. The zero value works.
type Options struct {
	// Home is where the device keeps its own files. Empty = session.Home().
	Home string
	// Name is shown at the other device. Empty = session.DeviceName().
	Name string
	// Loopback keeps to this machine.
	Loopback bool
	// Verify reads everything again after a move that is sent from here.
	Verify bool
	// Limit returns the most bytes of content a second. nil = no limit.
	Limit func() int64
	// AppQuota is how many bytes one app may move. 0 = session's.
	AppQuota int64
	// Now is the clock for speeds. nil = time.Now.
	Now func() time.Time

	// The engine, and what opens phones. nil = package session's.
	Send       func(context.Context, session.SendOptions) (*transfer.Report, error)
	Receive    func(context.Context, session.ReceiveOptions) error
	Watch      func(ctx context.Context, loopback bool, changed func([]discovery.Candidate), diagnose func(discovery.Diagnosis))
	OpenFolder func(dir string, make bool) (mobile.Device, error)
	OpenSource func(context.Context, string, session.SourceOptions) (mobile.Device, error)
	// Resolve finds the addresses of a host's name. nil = the system's resolver.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
}

// Flow is one device's way through a move. Its methods are safe for use by several
// goroutines, and return at once but for Close.
type Flow struct {
	opt Options // immutable but for Name and Verify

	mu       sync.Mutex      // guards opt.Name and opt.Verify too
	state    state           // guarded by mu
	version  uint64          // grows with each change; guarded by mu
	role     *role           // under way, nil = none; guarded by mu
	closed   bool            // guarded by mu
	last     <-chan struct{} // closed when the role before has ended, nil = there was none; guarded by mu
	gauge                    // guarded by mu
	limit    int64           // what Limit said last; guarded by mu
	measured measured        // of the last move that told something; guarded by mu

	roles sync.WaitGroup
}

// gauge reads the meter of the move under way.
type gauge struct {
	meter    *transfer.Meter // nil = nothing moves
	estimate pace.Estimator
	read     time.Time
	moving   time.Duration // that of the move, while it is verified
}

// New makes a flow. It ends with Close.
func New(o Options) *Flow {
	if o.Name == "" {
		o.Name = session.DeviceName()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Send == nil {
		o.Send = session.Send
	}
	if o.Receive == nil {
		o.Receive = session.Receive
	}
	if o.Watch == nil {
		o.Watch = session.Watch
	}
	if o.OpenFolder == nil {
		o.OpenFolder = session.OpenFolder
	}
	if o.OpenSource == nil {
		o.OpenSource = session.OpenSource
	}
	if o.Resolve == nil {
		o.Resolve = resolve
	}
	f := &Flow{opt: o}
	f.state.Name, f.state.Free = o.Name, -1
	return f
}

// Snapshot returns what is to be shown now. It is cheap: while its Version is that
// of the one before, nothing is to be drawn.
func (f *Flow) Snapshot() Snapshot {
	var limit int64
	if f.opt.Limit != nil {
		limit = f.opt.Limit()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if limit != f.limit {
		f.limit = limit
		f.version++
	}
	if d := f.opt.Now().Sub(f.read); d < 0 || d >= meterEvery {
		f.readMeter()
	}
	s := f.state.estimated(f.measured, limit).Snapshot
	s.Version = f.version
	return s
}

// readMeter takes in how far the move is. The caller holds mu.
func (f *Flow) readMeter() {
	if f.meter == nil {
		return
	}
	f.read = f.opt.Now()
	f.set(f.state.moved(f.estimate.Add(f.read, f.meter.Snapshot())))
}

// learn takes from a move that has ended how fast the link to the new phone is. The
// caller holds mu.
func (f *Flow) learn(rep *transfer.Report) {
	if f.meter == nil || rep == nil || f.state.Role != OldPhone || f.meter.Snapshot().Limit > 0 {
		return
	}
	moving := cmp.Or(f.moving, f.estimate.Moving())
	if least, most, ok := measure(rep.SentItems, rep.SentBytes, rep.Elapsed, moving); ok {
		f.measured = measured{f.state.Peer.Device, peerAt(f.state.Peer), least, most}
	}
}

// Prefer sets this device's name, empty = session.DeviceName(), and whether
// everything is read again after a move that is sent from here. It holds from the
// next role on.
func (f *Flow) Prefer(name string, verify bool) {
	if name == "" {
		name = session.DeviceName()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.opt.Name, f.opt.Verify = name, verify
	if f.role == nil {
		s := f.state
		s.Name = name
		f.set(s)
	}
}

// Close leaves, and returns when everything has ended.
func (f *Flow) Close() {
	f.mu.Lock()
	f.closed = true
	f.leave()
	f.mu.Unlock()
	f.roles.Wait()
}

// set makes s the state. The caller holds mu.
func (f *Flow) set(s state) {
	f.state = s
	f.version++
}

// leave ends the role under way. The caller holds mu.
func (f *Flow) leave() {
	if f.role != nil {
		f.role.end(context.Canceled)
		f.last, f.role = f.role.over, nil
	}
	f.meter = nil
	s := state{}
	s.Name, s.Free = f.opt.Name, -1
	f.set(s)
}

// begin makes the device one of the two phones. Calls after Close do nothing.
func (f *Flow) begin(r Role, place string, run func(*role)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return
	}
	f.leave()
	n := newRole(f)
	before := f.last
	f.role = n
	f.set(begin(r, f.opt.Name, place))
	f.roles.Go(func() {
		defer close(n.over)
		if before != nil {
			<-before
		}
		run(n)
		n.close()
	})
}

// home is the folder with the device's own files.
func (f *Flow) home() (string, error) {
	if f.opt.Home != "" {
		return f.opt.Home, nil
	}
	return session.Home()
}
