package main

import (
	"context"
	"os"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"github.com/ferry-move/ferry/app/start"
	"github.com/ferry-move/ferry/ui/window"
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

// tell says on the terminal why there is no window, or no window any more, and
// says it again in a small one for those who started Ferry by its icon. Where
// there is no display the terminal has to do.
func tell(ctx context.Context, err error) int {
	start.Print(err)
	start.Catch(true)
	a := newApp(ctx)
	w := a.NewWindow("Ferry")
	text := widget.NewLabel(start.Say(err))
	text.Wrapping = fyne.TextWrapWord
	ok := widget.NewButton("Close", a.Quit)
	ok.Importance = widget.HighImportance
	w.SetContent(container.NewPadded(container.NewBorder(nil, ok, nil, nil, text)))
	w.Resize(fyne.NewSize(440, 260))
	w.CenterOnScreen()
	w.Canvas().Focus(ok)
	w.ShowAndRun()
	return start.ExitFailed
}
