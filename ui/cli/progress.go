package cli

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/ui/say"
	"golang.org/x/term"
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
	if !c.json && !isTerminal(c.io.Err) {
		return p
	}
	p.done.Go(func() {
		every := barEvery
		if c.json {
			every = jsonEvery
		}
		t := time.NewTicker(every)
		defer t.Stop()
		var past trend
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
				s := m.Snapshot()
				p.draw(bar(s, past.add(s), c.width()))
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
	n := len(line) // it is ASCII
	fmt.Fprintf(p.c.io.Err, "\r%s%s", line, strings.Repeat(" ", max(0, p.shown-n)))
	p.shown = n
}

// width is how much of a line the terminal shows, in columns.
func (c *command) width() int {
	w, _, err := term.GetSize(int(c.io.Err.Fd()))
	if err != nil || w <= 0 {
		return 80
	}
	return w - 1 // in the last column some terminals wrap
}

// itemCost is what an item takes besides its bytes, in bytes that would take as
// long: many small files are no quick matter.
const itemCost = 16 << 10

// work returns how much is done and how much there is, bytes and items together.
func work(s transfer.Progress) (done, all float64) {
	done = float64(s.DoneBytes) + itemCost*float64(s.DoneItems)
	all = float64(s.Bytes) + itemCost*float64(s.Items)
	return min(done, all), all
}

// pace is how fast a move goes at present. The zero value is not known yet.
type pace struct {
	bytes uint64        // in span
	span  time.Duration // 0 = not known
	left  time.Duration // until all is done; 0 = not known
}

// paceFor is how far back the pace looks.
const paceFor = 5 * time.Second

// trend makes a pace out of the last few snapshots.
type trend struct{ samples []transfer.Progress }

func (t *trend) add(s transfer.Progress) (p pace) {
	t.samples = append(t.samples, s)
	for len(t.samples) > 2 && s.Elapsed-t.samples[1].Elapsed >= paceFor {
		t.samples = t.samples[1:]
	}
	first := t.samples[0]
	p.span = s.Elapsed - first.Elapsed
	if p.span < time.Second {
		return pace{}
	}
	if s.DoneBytes > first.DoneBytes {
		p.bytes = s.DoneBytes - first.DoneBytes
	}
	before, _ := work(first)
	now, all := work(s)
	if now > before {
		p.left = time.Duration(min(float64(p.span)*(all-now)/(now-before), float64(1000*time.Hour)))
	}
	return p
}

// bar is a meter on one line of at most width columns: what does not fit is
// left out, the least important first.
func bar(s transfer.Progress, p pace, width int) string {
	part := 0.0
	if done, all := work(s); all > 0 {
		part = done / all
	}
	full := int(part * barWidth)
	parts := []string{
		fmt.Sprintf("%3.0f %%", 100*part),
		fmt.Sprintf("%s of %s", say.Bytes(int64(s.DoneBytes)), say.Bytes(int64(s.Bytes))),
	}
	switch {
	case s.Phase == transfer.PhaseFinish:
		parts = append(parts, "finishing")
	case p.left > 0 && part < 1:
		parts = append(parts, say.Left(p.left)+" left")
	}
	parts = append(parts, say.Count(s.DoneItems)+" items")
	if p.bytes > 0 && s.Phase != transfer.PhaseFinish {
		parts = append(parts, say.Speed(int64(p.bytes), p.span))
	}
	line := fmt.Sprintf("[%s%s]", strings.Repeat("=", full), strings.Repeat(" ", barWidth-full))
	for i, text := range parts {
		switch next := line + "  " + text; {
		case len(next) <= width:
			line = next
		case i == 0: // not even the bar fits
			return text[:min(len(text), max(width, 0))]
		default:
			return line
		}
	}
	return line
}
