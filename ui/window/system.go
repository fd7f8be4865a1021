package window

import (
	"sync/atomic"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/ui/say"
)

// system is what is beyond the window.
type system struct {
	here     atomic.Bool  // a window of the program has the focus; false also where that is not known
	awake    bool         // the screen is kept on
	stopping bool         // the person was ending the move when it was drawn last
	told     *flow.Result // the end that was notified of
}

// listen learns whether the window has the focus.
func (w *Window) listen() {
	w.app.Lifecycle().SetOnEnteredForeground(func() { w.system.here.Store(true) })
	w.app.Lifecycle().SetOnExitedForeground(func() { w.system.here.Store(false) })
}

// attend keeps the screen on while items move, and notifies of the end of a move
// that the person neither sees nor wanted.
func (w *Window) attend() {
	s := w.state
	moves := (s.Screen == flow.Moving || s.Screen == flow.Verifying) && !s.Paused
	if moves != w.system.awake {
		w.system.awake = moves
		w.app.Driver().SetDisableScreenBlanking(moves)
	}
	wanted := w.system.stopping
	w.system.stopping = s.Stopping
	if s.Result == nil || s.Result == w.system.told {
		return
	}
	w.system.told = s.Result
	if !wanted && !w.system.here.Load() {
		w.app.SendNotification(w.news(s))
	}
}

// news says how a move ended. It names nothing of the person's: it may be seen on a
// locked screen.
func (w *Window) news(s flow.Snapshot) *fyne.Notification {
	r := s.Result
	switch {
	case s.Screen == flow.Problem:
		return fyne.NewNotification(w.words.Say("The move broke off"), w.words.Say("What has arrived is safe. Open Ferry to see what to do."))
	case r.Err != nil:
		return fyne.NewNotification(w.words.Say("The move is done"), w.words.Say("Both phones agree, but something is left to do. Open Ferry to see what."))
	case !r.Complete:
		return fyne.NewNotification(w.words.Say("The move is done"), w.words.Say("Not everything could move. Open Ferry to see what did not, and what to do."))
	}
	return fyne.NewNotification(w.words.Say("The move is done"), w.words.Say("Everything that was to move is on the new phone: {{.Items}}. Both phones agree.", say.Fields{"Items": w.words.Items(r.Here)}))
}
