// Command app is Ferry's window.
package main

import (
	"context"
	"flag"
	"os"
	"os/signal"
	"syscall"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"

	"github.com/ferry-move/ferry/app/memory"
	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/app/settings"
	"github.com/ferry-move/ferry/app/start"
	"github.com/ferry-move/ferry/ui/window"
)

// id is FyneApp.toml's.
const id = "app.ferry.Ferry"

// Variables are set before any init runs, so what a packaging tool has written
// from FyneApp.toml wins over this. Migrations are left out on purpose: a plain
// build keeps Fyne's check that only its own goroutine draws.
var _ = metadata()

func metadata() struct{} {
	app.SetMetadata(fyne.AppMetadata{ID: id, Name: "Ferry", Version: session.Version, Build: 1, Icon: window.Icon()})
	return struct{}{}
}

func main() {
	if start.Watching() {
		if err := start.Wait(session.Version); err != nil {
			tell(context.Background(), err)
		}
		return
	}
	ctx, _ := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	os.Exit(run(ctx))
}

func run(ctx context.Context) int {
	into := flag.String("into", "", "the `folder` that is the new phone (default: that of the settings, or Ferry in your home)")
	from := flag.String("from", "", "the `folder` or archive that is the old phone (default: that of the settings)")
	loopback := flag.Bool("loopback", false, "keep to this machine")
	name := flag.String("name", "", "what this device is called at the other one")
	flag.Parse()
	memory.Bound(memory.Budget)

	start.Catch(false)
	home, err := session.Home()
	if err != nil {
		return tell(ctx, &start.FolderError{Err: start.ErrNoHome})
	}
	only, err := start.Only(home)
	if err != nil {
		return tell(ctx, err)
	}
	defer only.Close()
	if watcher, err := start.Watch(home); err == nil { // without one a crash is told by the runtime
		defer watcher.Close()
	}

	a := newApp(ctx)
	w := a.NewWindow("Ferry")
	store, trouble := settings.Open(home)
	face := window.New(a, w, window.Options{
		Home: home, Settings: store, Trouble: trouble, Name: *name, Into: *into, From: *from, Loopback: *loopback,
		Report: start.Report(home, session.Version),
	})
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
	face.Close()
	return start.ExitOK
}
