package main

import (
	"context"
	"os"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/app/settings"
	"github.com/ferry-move/ferry/app/start"
	"github.com/ferry-move/ferry/ui/window"
	"github.com/ferry-move/ferry/ui/window/words"
)

// newApp is Fyne's part of the program; there is one in a process. It quits when
// ctx ends.
func newApp(ctx context.Context) fyne.App {
	if dir, err := os.UserCacheDir(); err == nil {
		_ = os.MkdirAll(dir, 0o700) // Fyne makes its folder in it, but not this one
	}
	a := app.NewWithID(id)
	a.SetIcon(window.Icon())
	a.Settings().SetTheme(window.Theme())
	context.AfterFunc(ctx, func() { fyne.Do(a.Quit) }) // Fyne itself listens only once its loop runs
	return a
}

// show shows the window until it is closed.
func show(ctx context.Context, opt window.Options) {
	a := newApp(ctx)
	w := a.NewWindow("Ferry")
	opt.Settings, opt.Trouble = settings.Open(opt.Home)
	opt.Report = start.Report(opt.Home, session.Version)
	face := window.New(a, w, opt)
	defer face.Close()
	w.Resize(fyne.NewSize(440, 760))
	w.CenterOnScreen()

	ctx, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		face.Run(ctx)
	}()
	w.ShowAndRun()
	stop()
	<-ended
}

// tell says on the terminal why there is no window, or no window any more, and
// says it again in a small one for those who started Ferry by its icon. Where
// there is no display the terminal has to do.
func tell(ctx context.Context, err error) {
	said := words.In("")
	start.Print(said, err)
	start.CatchSilently()
	a := newApp(ctx)
	w := a.NewWindow("Ferry")
	text := widget.NewLabel(start.Say(said, err))
	text.Wrapping = fyne.TextWrapWord
	ok := widget.NewButton(said.Say("Close"), a.Quit)
	ok.Importance = widget.HighImportance
	w.SetContent(container.NewPadded(container.NewBorder(nil, ok, nil, nil, text)))
	w.Resize(fyne.NewSize(440, 260))
	w.CenterOnScreen()
	w.Canvas().Focus(ok)
	w.ShowAndRun()
}
