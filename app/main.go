// Command app is Ferry's window.
package main

import (
	"context"
	"flag"
	"os"
	"os/signal"
	"syscall"

	"github.com/ferry-move/ferry/app/memory"
	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/app/start"
	"github.com/ferry-move/ferry/ui/window"
	"github.com/ferry-move/ferry/ui/window/words"
)

func main() {
	ctx := context.Background()
	if start.Watching() {
		if err := start.Wait(session.Version); err != nil {
			tell(ctx, err)
		}
		return
	}
	var opt window.Options
	flag.StringVar(&opt.Into, "into", "", "the `folder` that is the new phone (default: that of the settings, or Ferry in your home)")
	flag.StringVar(&opt.From, "from", "", "the `folder` or archive that is the old phone (default: that of the settings)")
	flag.BoolVar(&opt.Loopback, "loopback", false, "keep to this machine")
	flag.StringVar(&opt.Name, "name", "", "what this device is called at the other one")
	flag.Parse()

	memory.Bound(memory.Budget)
	ctx, _ = signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	if err := run(ctx, opt); err != nil {
		tell(ctx, err)
		os.Exit(start.ExitFailed)
	}
}

// run shows the window until it is closed. The error is why there is none.
func run(ctx context.Context, opt window.Options) (err error) {
	if opt.Home, err = session.Home(); err != nil {
		return &session.HomeError{Err: err}
	}
	only, err := start.Only(opt.Home)
	if err != nil {
		return err
	}
	defer only.Close()
	if watcher, err := start.Watch(opt.Home); err == nil { // without one a crash is told by the runtime
		defer watcher.Close()
	}
	start.Catch(words.In(""))
	show(ctx, opt)
	return nil
}
