package cli

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/pace"
	"github.com/ferry-move/ferry/ui/say"
	"golang.org/x/term"
)

// How often a move is looked at, and shown: never more than ten times a second,
// however fast it goes and however often the other device pauses it.
const (
	lookEvery = 250 * time.Millisecond
	jsonEvery = 500 * time.Millisecond
	lineEvery = 10 * time.Second // in a pipe
	barWidth  = 24
)

// progress shows a move's meter until it is stopped: a bar where a person
// looks, events with --json, a line now and then in a pipe.
type progress struct {
	c      *command
	meter  *transfer.Meter
	pauser *transfer.Pauser // nil = this face cannot pause
	keys   bool             // they are read
	show   func(pace.View)
	every  int // in how many looks it is shown again
	stop   chan struct{}
	done   sync.WaitGroup

	// owned by the goroutine that looks
	estimator pace.Estimator
	paused    transfer.Wait
	due       int // looks until it is shown

	mu    sync.Mutex
	shown int // width of the bar on the screen; guarded by mu
}

func (c *command) startProgress(m *transfer.Meter, pauser *transfer.Pauser) *progress {
	p := &progress{c: c, meter: m, pauser: pauser, stop: make(chan struct{})}
	show, every := p.line, lineEvery
	switch {
	case c.json:
		show, every = p.object, jsonEvery
	case isTerminal(c.io.Err):
		show, every = p.bar, 0
		if pauser != nil && c.interactive() && !c.reading {
			p.keys = p.watchKeys()
		}
	}
	p.show, p.every = show, int(every/lookEvery)
	p.due = p.every
	p.done.Go(func() {
		t := time.NewTicker(lookEvery)
		defer t.Stop()
		for {
			select {
			case <-p.stop:
				if c.json {
					p.object(p.estimator.Add(time.Now(), m.Snapshot()))
				}
				p.clear()
				return
			case now := <-t.C:
				p.look(now)
			}
		}
	})
	return p
}

// look looks at the meter, and shows it if that is due. It counts looks instead of
// asking the clock, which somebody may set.
func (p *progress) look(now time.Time) {
	v := p.estimator.Add(now, p.meter.Snapshot())
	p.due--
	if p.changed(v) || p.due <= 0 {
		p.due = p.every
		p.show(v)
	}
}

// changed tells, in events or lines, that somebody else has paused, or nobody any
// more.
func (p *progress) changed(v pace.View) bool {
	if p.paused == v.Paused {
		return false
	}
	p.paused = v.Paused
	if p.c.json {
		p.c.emit(jsonPause{"pause", pausedBy(v.Paused)})
	}
	return true
}

func (p *progress) object(v pace.View) { p.c.emit(jsonProgressOf(v)) }

func (p *progress) line(v pace.View) { p.c.say("%s", strings.Join(p.texts(v), "  ")) }

func (p *progress) bar(v pace.View) { p.draw(bar(v.Part, p.texts(v), p.c.width())) }

// watchKeys makes the key p, and the space bar, pause and go on. It returns false
// where single keys cannot be read.
func (p *progress) watchKeys() bool {
	read, err := singleKeys(p.c.io.In)
	if err != nil {
		return false
	}
	p.done.Go(func() {
		read(p.stop, p.c.interrupted, func(key byte) {
			if key == 'p' || key == 'P' || key == ' ' {
				p.pauser.Toggle()
			}
		})
	})
	return true
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

// texts says how far a move is, the most important first.
func (p *progress) texts(v pace.View) []string {
	texts := []string{
		fmt.Sprintf("%3d %%", int(100*v.Part)), // 100 is for the end alone
		fmt.Sprintf("%s of %s", say.Bytes(int64(v.DoneBytes)), say.Bytes(int64(v.Bytes))),
	}
	moving := v.Phase.Moving()
	if v.Phase == transfer.PhaseVerify {
		texts = append(texts, "verifying")
	}
	switch wait := say.Waiting(v.Waiting, v.Silent).What; {
	case v.Paused != transfer.WaitNothing: // also while the link is lost
		text := short(say.Waiting(v.Paused, 0).What)
		if p.keys && v.Paused != transfer.WaitPauseThere {
			text += " (p: go on)"
		}
		if texts = append(texts, text); v.Waiting != v.Paused && wait != "" {
			texts = append(texts, short(wait))
		}
	case v.Missing > 0 && v.Short == transfer.ShortFiles:
		texts = append(texts, "waiting for places for files")
	case v.Missing > 0:
		texts = append(texts, "waiting for space, "+say.Bytes(v.Missing)+" missing")
	case wait != "":
		texts = append(texts, short(wait))
	case v.Phase == transfer.PhaseFinish:
		texts = append(texts, "finishing")
	case v.Left.Known():
		texts = append(texts, say.LeftBetween(v.Left.Low, v.Left.High)+" left")
	}
	texts = append(texts, say.Items(v.DoneItems))
	if moving && v.Waiting == transfer.WaitNothing && v.Paused == transfer.WaitNothing {
		texts = append(texts, say.Speed(int64(v.Speed), time.Second))
	}
	if p.c.verbose {
		texts = append(texts, say.Bytes(int64(v.LinkBytes))+" on the link")
		if v.Lanes > 0 {
			texts = append(texts, fmt.Sprintf("%d lanes (%s)", v.Lanes, v.LanesWhy))
		}
	}
	if moving && p.keys && v.Paused == transfer.WaitNothing {
		texts = append(texts, "p: pause")
	}
	return texts
}

// short makes a sentence a part of a line.
func short(sentence string) string {
	s := strings.TrimSuffix(sentence, ".")
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// ascii is for terminals that show nothing else.
var ascii = strings.NewReplacer("–", "-", "…", "...", "’", "'")

// bar puts texts behind a bar, on one line of at most width columns: what does not
// fit is left out, the least important first.
func bar(part float64, texts []string, width int) string {
	full := min(barWidth, int(part*barWidth))
	line := fmt.Sprintf("[%s%s]", strings.Repeat("=", full), strings.Repeat(" ", barWidth-full))
	for i, text := range texts {
		text = ascii.Replace(text)
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
