package cli

import (
	"os"
	"os/signal"
	"sync"

	"github.com/ferry-move/ferry/transfer"
)

// watchPause makes what pauses the moves that f shows, and has a signal work it
// where there is one. The function that it returns ends that.
func (f *face) watchPause() (end func()) {
	f.pauser = new(transfer.Pauser)
	ch, stop := make(chan os.Signal, 1), make(chan struct{})
	notifyPause(ch)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-ch:
				f.toggle()
			case <-stop:
				return
			}
		}
	})
	return func() {
		signal.Stop(ch)
		close(stop)
		wg.Wait()
	}
}

// toggle pauses the move, or lets it go on. While there is none it only says so: a
// move that begins later is not to stand still for what nobody remembers.
func (f *face) toggle() {
	f.pausing.Lock()
	defer f.pausing.Unlock()
	if !f.moving {
		f.c.say("Nothing moves at present, so there is nothing to pause.")
		return
	}
	f.pauser.Toggle()
}

// moves notes whether a move is under way, also while its link is lost. When it is
// over, so is its pause: the next one is another. But one that begins in the place
// of a move whose link was lost, as when the old phone was started again, is the
// same to the person who paused.
func (f *face) moves(yes bool) {
	if f.pauser == nil {
		return
	}
	f.pausing.Lock()
	defer f.pausing.Unlock()
	if f.moving = yes; !yes {
		f.pauser.Resume()
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
