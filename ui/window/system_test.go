package window

import (
	"errors"
	"slices"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/ferry-move/ferry/app/flow"
)

// bedside is an application whose driver notes whether the screen is kept on.
type bedside struct {
	fyne.App
	lamp *lamp
}

func (b bedside) Driver() fyne.Driver { return b.lamp }

type lamp struct {
	fyne.Driver
	kept []bool
}

func (l *lamp) SetDisableScreenBlanking(on bool) { l.kept = append(l.kept, on) }

func TestScreenIsKeptOnWhileItemsMove(t *testing.T) {
	f := newFace(t, flow.Snapshot{Screen: flow.AskedThere})
	l := &lamp{Driver: f.app.Driver()}
	f.app = bedside{f.app, l}
	for _, s := range []flow.Snapshot{
		{Screen: flow.AskedThere}, {Screen: flow.Moving}, {Screen: flow.Moving}, {Screen: flow.Verifying}, {Screen: flow.Moving, Paused: true},
		{Screen: flow.Moving}, {Screen: flow.Done, Result: &flow.Result{}}, {Screen: flow.Start},
	} {
		f.see(s)
	}
	if want := []bool{true, false, true, false}; !slices.Equal(l.kept, want) {
		t.Errorf("kept on: %v, not %v", l.kept, want)
	}
}

func TestNotifiesOfTheEndOnce(t *testing.T) {
	const done = "The move is done"
	moving := flow.Snapshot{Screen: flow.Moving}
	for name, c := range map[string]struct {
		end  flow.Snapshot
		want *fyne.Notification
	}{
		"whole": {flow.Snapshot{Screen: flow.Done, Result: &flow.Result{Signed: true, Complete: true, Items: 3, Here: 3}},
			fyne.NewNotification(done, "Everything that was to move is on the new phone: 3 items. Both phones agree.")},
		"part": {flow.Snapshot{Screen: flow.Done, Result: &flow.Result{Signed: true, Items: 3, Here: 2}},
			fyne.NewNotification(done, "Not everything could move. Open Ferry to see what did not, and what to do.")},
		"not verified": {flow.Snapshot{Screen: flow.Done, Result: &flow.Result{Signed: true, Complete: true, Err: errors.New("no")}},
			fyne.NewNotification(done, "Both phones agree, but something is left to do. Open Ferry to see what.")},
		"broken": {flow.Snapshot{Screen: flow.Problem, Result: &flow.Result{}, Err: errors.New("/home/ada")},
			fyne.NewNotification("The move broke off", "What has arrived is safe. Open Ferry to see what to do.")},
		"nothing had moved": {flow.Snapshot{Screen: flow.Problem, Err: errors.New("no")}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFace(t, moving)
			test.AssertNotificationSent(t, c.want, func() { f.see(c.end) })
			test.AssertNotificationSent(t, nil, func() { f.see(c.end) })
		})
	}
}

func TestNotifiesNobodyWhoKnows(t *testing.T) {
	end := func() flow.Snapshot { return flow.Snapshot{Screen: flow.Done, Result: &flow.Result{Complete: true}} }
	f := newFace(t, flow.Snapshot{Screen: flow.Moving})
	life := f.app.Lifecycle().(interface {
		OnEnteredForeground() func()
		OnExitedForeground() func()
	})
	life.OnEnteredForeground()()
	test.AssertNotificationSent(t, nil, func() { f.see(end()) })
	life.OnExitedForeground()()
	test.AssertNotificationSent(t, nil, func() { f.see(f.player.Snapshot) }) // it was seen
	test.AssertNotificationSent(t, f.news(end()), func() { f.see(end()) })

	f.see(flow.Snapshot{Screen: flow.Moving, Stopping: true}) // the person ends it
	broken := flow.Snapshot{Screen: flow.Problem, Result: &flow.Result{}}
	test.AssertNotificationSent(t, nil, func() { f.see(broken) })
}
