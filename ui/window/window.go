// Package window is Ferry's window. It holds no truth: ten times a second one
// ticker asks package flow whether something changed, and what did is drawn; what
// a person taps goes back to the flow as an intent. Words come from package words
// in the person's language, parts and colours from package kit.
//
//	flow ── Snapshot, at most ten a second ──> Window ──> the screen that is on top
//	flow <── intents ───────────────────────── taps
//
// The flow says which screen it is; besides, the person opens others over it
// (history, settings, the items of a kind), which go when the flow goes on. A
// screen makes its parts once, and changes them as snapshots come, so that the
// focus and the place in a list stay.
//
// Its worst moment is a flood of a hundred thousand events a second beside a name
// of ten kilobytes: nothing is queued for the goroutine that draws but one draw,
// lists are bounded, and the buttons have a place that no text can take. A screen
// that panics is replaced by a sentence, and the move goes on.
package window

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/app/settings"
	"github.com/ferry-move/ferry/ui/say"
	"github.com/ferry-move/ferry/ui/window/kit"
	"github.com/ferry-move/ferry/ui/window/words"
)

// tick is how often the flow is asked whether something changed.
const tick = 100 * time.Millisecond

// Options are what a window needs to know.
type Options struct {
	// Home is the folder with the device's own files.
	Home string
	// Settings are the person's. Trouble is what reading them said, or nil.
	Settings *settings.Store
	Trouble  error
	// Name, Into and From stand for the settings' where they are not empty: this
	// device's name, the folder that is the new phone, and the folder or archive
	// that is the old one.
	Name, Into, From string
	// Loopback keeps to this machine.
	Loopback bool
	// Report saves a report about a panic, from its stack, and returns the file's
	// name. nil = nothing is saved.
	Report func(stack []byte) (string, error)
	// Flow changes the engine, for tests. The fields above win.
	Flow flow.Options
}

// Window is the window and what it shows. But for Run all of it belongs to the
// goroutine that draws.
type Window struct {
	app   fyne.App
	win   fyne.Window
	opt   Options
	flow  model
	store *settings.Store
	words say.Words
	do    func(func())     // fyne.Do
	now   func() time.Time // time.Now

	seen atomic.Uint64 // the version that was drawn last
	busy atomic.Bool   // a draw is on its way
	each atomic.Bool   // what is shown changes every second

	ctx    context.Context // ends with the window
	end    context.CancelFunc
	jobs   sync.WaitGroup  // what is under way beside drawing
	saving <-chan struct{} // closed when the settings saved last are on the disk; nil = none were

	look    kit.Look // the theme's
	dressed bool     // there is one

	at    station // where base belongs
	base  open
	over  []open // what the person opened over it
	state flow.Snapshot

	system system
}

// New fills w. It ends with Close.
func New(a fyne.App, w fyne.Window, opt Options) *Window {
	o := opt.Flow
	o.Home, o.Loopback = opt.Home, opt.Loopback
	o.Limit = func() int64 { return opt.Settings.Get().Limit }
	return newWindow(a, w, opt, flow.New(o))
}

func newWindow(a fyne.App, w fyne.Window, opt Options, m model) *Window {
	x := &Window{app: a, win: w, opt: opt, flow: m, store: opt.Settings, do: fyne.Do, now: time.Now}
	x.ctx, x.end = context.WithCancel(context.Background())
	w.SetPadded(false)
	x.listen()
	w.SetOnDropped(func(_ fyne.Position, what []fyne.URI) { x.on(func() { x.dropped(what) })() })
	x.prefer()
	x.draw()
	return x
}

// Run draws what changes, until ctx ends.
func (w *Window) Run(ctx context.Context) {
	t := time.NewTicker(tick)
	defer t.Stop()
	var second time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-t.C:
			changed := w.flow.Snapshot().Version != w.seen.Load()
			if s := now.Truncate(time.Second); w.each.Load() && s != second {
				second, changed = s, true
			}
			if changed && w.busy.CompareAndSwap(false, true) {
				w.do(func() {
					w.busy.Store(false)
					w.draw()
				})
			}
		}
	}
}

// Close ends what is under way. It may be called by any goroutine, when Run has
// ended.
func (w *Window) Close() {
	w.end()
	w.flow.Close()
	w.jobs.Wait()
}

// prefer takes the settings in: the words, the look, and this device's name.
func (w *Window) prefer() {
	s := w.store.Get()
	w.words = words.In(s.Language)
	w.words.Touch = true
	if l := look(s); !w.dressed || l != w.look {
		w.look, w.dressed = l, true
		w.app.Settings().SetTheme(l.Theme()) // reads the fonts again
	}
	name := s.Name
	if w.opt.Name != "" {
		name = w.opt.Name
	}
	w.flow.Prefer(name, s.Verify)
}

// look is how the settings want the window to look.
func look(s settings.Settings) kit.Look {
	l := kit.Look{Scale: s.Scale()}
	switch s.Appearance {
	case settings.Light:
		l.Scheme = kit.Light
	case settings.Dark:
		l.Scheme = kit.Dark
	case settings.HighContrast:
		l.HighContrast = true
	}
	return l
}

// on makes a callback of what a person wants: it is done, what became of it is
// drawn at once, and a panic in it is told.
func (w *Window) on(want func()) func() {
	return func() {
		w.guard(want)
		w.draw()
	}
}
