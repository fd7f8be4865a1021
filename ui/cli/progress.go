package cli

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/ui/say"
)

const (
	barEvery  = 200 * time.Millisecond
	jsonEvery = 500 * time.Millisecond
	barWidth  = 24
)

// progress shows a move's meter until it is stopped: a bar where a person
// looks, events with --json, nothing in a pipe.
type progress struct {
	c    *command
	stop chan struct{}
	done sync.WaitGroup

	mu    sync.Mutex
	shown int // width of the bar on the screen; guarded by mu
}

func (c *command) startProgress(m *transfer.Meter) *progress {
	p := &progress{c: c, stop: make(chan struct{})}
	bar := isTerminal(c.io.Err) && !c.json
	if !bar && !c.json {
		return p
	}
	p.done.Go(func() {
		every := barEvery
		if c.json {
			every = jsonEvery
		}
		t := time.NewTicker(every)
		defer t.Stop()
		for {
			select {
			case <-p.stop:
				if c.json {
					c.emit(jsonProgressOf(m.Snapshot()))
				}
				p.clear()
				return
			case <-t.C:
			}
			if c.json {
				c.emit(jsonProgressOf(m.Snapshot()))
			} else {
				p.draw(bar1(m.Snapshot()))
			}
		}
	})
	return p
}

// end stops showing and removes the bar. It may be called on nil.
func (p *progress) end() {
	if p == nil {
		return
	}
	close(p.stop)
	p.done.Wait()
}

// clear takes the bar off the screen, so that a line can be printed.
func (p *progress) clear() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown > 0 {
		fmt.Fprintf(p.c.io.Err, "\r%s\r", strings.Repeat(" ", p.shown))
		p.shown = 0
	}
}

func (p *progress) draw(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len([]rune(line))
	fmt.Fprintf(p.c.io.Err, "\r%s%s", line, strings.Repeat(" ", max(0, p.shown-n)))
	p.shown = n
}

// bar1 is a meter on one line.
func bar1(s transfer.Progress) string {
	part := 0.0
	if s.Bytes > 0 {
		part = float64(s.DoneBytes) / float64(s.Bytes)
	} else if s.Items > 0 {
		part = float64(s.DoneItems) / float64(s.Items)
	}
	part = min(part, 1)
	full := int(part * barWidth)
	line := fmt.Sprintf("[%s%s] %3.0f %%  %s of %s  %s items", strings.Repeat("=", full), strings.Repeat(" ", barWidth-full),
		100*part, say.Bytes(int64(s.DoneBytes)), say.Bytes(int64(s.Bytes)), say.Count(s.DoneItems))
	if s.Phase == transfer.PhaseFinish {
		return line + "  finishing"
	}
	if s.Elapsed > 0 {
		line += "  " + say.Speed(int64(s.DoneBytes), s.Elapsed)
	}
	if s.Elapsed > 2*time.Second && part > 0.01 && part < 1 {
		line += "  " + say.Left(time.Duration(float64(s.Elapsed)*(1-part)/part)) + " left"
	}
	return line
}
