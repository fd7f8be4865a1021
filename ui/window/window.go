// Package window is Ferry's window: so far the new phone, which shows a code,
// asks about what is offered, and shows how the move goes and how it ended.
//
// It holds no truth. What package session tells becomes the next [State] by a
// pure function, and the view draws states; what a person taps goes back as an
// intent. Only [Window.change] hands work to the goroutine that draws, and
// never a second piece before the first is taken, so a flood of events is one
// redraw. How far a move is, is read ten times a second.
//
// Its worst moment is an offer with a name of ten kilobytes: texts from the
// other device are cut and made harmless when they enter the State, lists are
// bounded, and the buttons have a place of their own that no text can take.
package window

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/pace"
)

// meterEvery is how often a move's meter is read.
const meterEvery = 100 * time.Millisecond

// Options are what a window needs to know. The zero value works.
type Options struct {
	// Into is the folder that is the new phone; it is made if it is missing.
	// Empty = "Ferry" in the user's home.
	Into string
	// Name is shown at the other device. Empty = session.DeviceName().
	Name string
}

// Window is a window that is a new phone.
type Window struct {
	opt     Options
	receive func(context.Context, session.ReceiveOptions) error // session.Receive
	do      func(func())                                        // fyne.Do
	show    func(State)                                         // owned by the goroutine that draws

	meters chan *transfer.Meter // the move's under way; nil = it ended
	again  chan struct{}
	pauser transfer.Pauser // of the move under way

	mu     sync.Mutex
	state  State       // guarded by mu
	drawn  bool        // guarded by mu; false while a redraw is on its way
	answer chan<- bool // guarded by mu; where the person's answer goes, or nil
}

// New fills w. It belongs to the goroutine that draws.
func New(w fyne.Window, opt Options) *Window {
	f := &Window{
		opt: opt, receive: session.Receive, do: fyne.Do, drawn: true,
		meters: make(chan *transfer.Meter), again: make(chan struct{}, 1),
	}
	v := newView(w, intents{answer: f.answered, pause: f.pause, next: f.next, again: f.retry})
	f.show = v.show
	v.show(f.state)
	return f
}

// Run waits for moves and takes them in until ctx ends.
func (w *Window) Run(ctx context.Context) {
	for {
		err := w.wait(ctx)
		if ctx.Err() != nil {
			return
		}
		w.change(func(s State) State { return s.stopped(err) })
		select {
		case <-w.again:
		case <-ctx.Done():
			return
		}
	}
}

// wait is one run of the engine.
func (w *Window) wait(ctx context.Context) error {
	into := w.opt.Into
	if into == "" {
		dir, err := os.UserHomeDir()
		if err != nil {
			return err
		}
		into = filepath.Join(dir, "Ferry")
	}
	home, err := session.Home()
	if err != nil {
		return err
	}
	phone, err := session.OpenFolder(into, true)
	if err != nil {
		return err
	}
	defer phone.Close()
	place := session.PlaceOf(into)
	w.change(func(State) State { return ready(place, infosOf(phone.Agents())) })
	ctx, stop := context.WithCancel(ctx)
	var reading sync.WaitGroup
	reading.Go(func() { w.readMeters(ctx) })
	defer reading.Wait()
	defer stop()
	return w.receive(ctx, session.ReceiveOptions{
		Home: home, Phone: phone, Place: place, Name: w.opt.Name, Pauser: &w.pauser,
		Accept: w.accept, Events: func(ev session.Event) { w.event(ctx, ev) },
	})
}

// event takes one event; calls do not overlap.
func (w *Window) event(ctx context.Context, ev session.Event) {
	switch ev := ev.(type) {
	case session.Accepted:
		w.meter(ctx, ev.Meter)
	case session.Verifying:
		w.meter(ctx, ev.Meter)
	case session.Done:
		if !errors.Is(ev.Err, session.ErrReplaced) { // one in its place is paused too
			w.pauser.Resume()
		}
		w.meter(ctx, nil)
	case session.Item: // the next reading of the meter draws
		w.mu.Lock()
		w.state = w.state.event(ev)
		w.mu.Unlock()
		return
	}
	w.change(func(s State) State { return s.event(ev) })
}

func (w *Window) meter(ctx context.Context, m *transfer.Meter) {
	select {
	case w.meters <- m:
	case <-ctx.Done():
	}
}

// readMeters reads the meter of the move under way, until ctx ends.
func (w *Window) readMeters(ctx context.Context) {
	var m *transfer.Meter
	var estimator pace.Estimator
	t := time.NewTicker(meterEvery)
	defer t.Stop()
	t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case m = <-w.meters:
			estimator = pace.Estimator{}
			if t.Stop(); m != nil {
				t.Reset(meterEvery)
			}
		case now := <-t.C:
			v := estimator.Add(now, m.Snapshot())
			w.change(func(s State) State { return s.moved(v) })
		}
	}
}

// accept asks the person about an offer, for as long as the other device waits.
func (w *Window) accept(ctx context.Context, o transfer.Offer) (transfer.Decision, error) {
	answer := make(chan bool, 1)
	w.mu.Lock()
	w.answer = answer
	w.mu.Unlock()
	w.change(func(s State) State { return s.offered(o) })
	select {
	case yes := <-answer:
		return transfer.Decision{Accept: yes}, nil
	case <-ctx.Done():
		w.mu.Lock()
		w.answer = nil
		w.mu.Unlock()
		return transfer.Decision{}, context.Cause(ctx)
	}
}

// answered is the person's answer to the offer. Only the first one counts.
func (w *Window) answered(yes bool) {
	w.mu.Lock()
	answer := w.answer
	w.answer = nil
	w.mu.Unlock()
	if answer == nil {
		return
	}
	w.change(func(s State) State { return s.answered(yes) })
	answer <- yes
}

// pause pauses the move, or lets it go on.
func (w *Window) pause() {
	paused := w.pauser.Toggle()
	w.change(func(s State) State { return s.paused(paused) })
}

func (w *Window) next() { w.change(State.dismissed) }

// retry starts the engine again.
func (w *Window) retry() {
	w.change(func(State) State { return State{} })
	select {
	case w.again <- struct{}{}:
	default: // it was asked for already
	}
}

// change makes the next state and has it drawn, with all that come before it is
// its turn. Nothing else reaches the goroutine that draws.
func (w *Window) change(next func(State) State) {
	w.mu.Lock()
	w.state = next(w.state)
	queue := w.drawn
	w.drawn = false
	w.mu.Unlock()
	if queue {
		w.do(w.draw)
	}
}

func (w *Window) draw() {
	w.mu.Lock()
	w.drawn = true
	s := w.state
	w.mu.Unlock()
	w.show(s)
}
