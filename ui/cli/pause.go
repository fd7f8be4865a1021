package cli

import (
	"os"
	"os/signal"
	"sync"

	"github.com/ferry-move/ferry/transfer"
)

// pauser makes what pauses this command's moves, and has a signal work it where
// there is one. The function that it returns ends that.
func (c *command) pauser() (p *transfer.Pauser, end func()) {
	p = new(transfer.Pauser)
	ch, stop := make(chan os.Signal, 1), make(chan struct{})
	notifyPause(ch)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-ch:
				p.Toggle()
			case <-stop:
				return
			}
		}
	})
	return p, func() {
		signal.Stop(ch)
		close(stop)
		wg.Wait()
	}
}

// pausedBy is the word of --json for whose hand holds a move up; empty = nobody's.
func pausedBy(w transfer.Wait) string {
	switch w {
	case transfer.WaitPause:
		return "here"
	case transfer.WaitPauseThere:
		return "there"
	case transfer.WaitPauseBoth:
		return "both"
	}
	return ""
}
