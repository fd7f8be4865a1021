package lanes

import "time"

// Bounds of the policy.
const (
	// DefaultMax is the most lanes, unless the policy says otherwise.
	DefaultMax = 16
	// first is how many lanes a transfer begins with. On a link that needs one
	// they are too many for half a second; the other way round, a link that needs
	// eight would be slow for the first second, a tenth of a short move.
	first = 4
	// rampMax is how many lanes the start may open before any of them had to
	// show what it is good for.
	rampMax = 8

	// nearRTT is a round trip that no radio makes: both ends are one machine, or
	// share a cable. Its processors are the limit, and more lanes cost them more.
	nearRTT = time.Millisecond

	rampWindow   = 100 * time.Millisecond // of one step of the start, at least
	rampSettle   = 25 * time.Millisecond
	rampEnd      = 600 * time.Millisecond // without a loss that lanes could help with
	steadyWindow = 500 * time.Millisecond // at least
	steadySettle = 150 * time.Millisecond

	history    = 4 // steady windows that are compared with: 2 s
	enough     = 2 // of them, to try anything
	trialParts = 2 // windows of a trial

	firstPause = 4 * time.Second // after a trial that failed; then twice that
	lastPause  = 32 * time.Second
	calm       = 8 * time.Second // before the other direction is tried, after a trial that paid
	bestFor    = time.Minute
	openFor    = 3 * time.Second // for lanes to open and to end
	gap        = 2 * time.Second // between samples: the device slept
	trialFor   = 20 * time.Second
)

// Shares.
const (
	minGain  = 0.03 // what more lanes must bring, at least,
	perShare = 0.10 // or of what they would bring on an empty link
	paid     = 0.5  // of that: the next trial is of twice the lanes
	// alone replaces perShare where lost packets do not explain what more
	// lanes would be good for: lanes that only take from others do not reach it.
	alone     = 0.75
	maxMissed = 0.02   // what fewer lanes may cost
	shift     = 0.4    // a change of goodput that is the link's
	fall      = 0.5    // what is left of goodput in a collapse
	worse     = 0.95   // of the goodput with half the lanes: the start went too far
	proof     = 1.15   // of it: it did not
	badLoss   = 0.03   // packets lost in a collapse, at least
	lossy     = 0.0003 // packets lost that one lane would suffer from
	// hopelessShare of the goodput before ends a trial early.
	hopelessShare = 0.8
)

type phase uint8

const (
	ramping phase = iota
	steady
	trying // Policy.from is to be compared with
)

// Policy decides how many lanes a transfer uses. It has no clock: time is what
// the samples say. It belongs to one goroutine. The zero value is ready.
//
//	     loss, no queue: twice the lanes
//	           ┌───┐
//	           v   │         a trial is due
//	first ──> ramping ────> steady ───────────> trying
//	             ^           │ ^ ^                │
//	             └───────────┘ │ └ kept or undone ┘
//	    the link changed       └ goodput collapsed: half the lanes
type Policy struct {
	// Max is the most lanes. 0 = DefaultMax.
	Max int

	phase phase
	want  int
	last  Sample
	begun bool
	since time.Duration // when want was decided, or the lanes last changed by themselves
	ready time.Duration // when there were as many as wanted; 0 = not yet
	win   window        // the one under way

	rampFrom float64 // goodput before the last doubling; 0 = there was none
	early    bool    // it is the transfer's start, not a later one
	seen     int     // samples of the start that count
	losing   int     // of them: with loss
	idle     int     // samples of the start in which lanes starved
	proven   bool    // fewer lanes were worse

	past             []window      // the last steady ones with these lanes
	odd              []window      // those after past that do not fit
	usual, usualLoss float64       // the last mean of past
	best             float64       // the best mean of a whole past; 0 = not known
	bestAt           time.Duration // when that was

	trial []window
	from  int     // lanes before the trial
	base  float64 // goodput before the trial
	need  float64 // what the trial must reach

	more, fewer direction
	filled      bool      // these lanes filled the link
	bold        bool      // the last trial of more paid nearly in full
	thrifty     bool      // the last trial of fewer cost nothing
	ceiling     int       // lanes that made goodput collapse, not to be tried; 0 = none
	ceilings    direction // when they may be
}

// most is the most lanes there may be now.
func (p *Policy) most(now time.Duration) int {
	n := p.Max
	if n <= 0 {
		n = DefaultMax
	}
	if p.ceiling > 0 && now < p.ceilings.next {
		n = min(n, max(p.ceiling-1, 1))
	}
	return n
}

// Next takes a sample and decides. A sample that is not later than the last
// one changes nothing.
func (p *Policy) Next(s Sample) Decision {
	if !p.begun {
		p.begun, p.early, p.want, p.last = true, true, min(first, p.most(s.At)), s
		return Decision{Lanes: p.want, Why: Start}
	}
	if s.At <= p.last.At {
		return p.hold()
	}
	slept := s.At-p.last.At > gap
	p.last = s
	if slept {
		p.ready, p.since = 0, s.At
	}
	switch {
	case s.Lanes != p.want && s.At-p.since > openFor && s.Lanes > 0:
		return p.refused(s)
	case s.Lanes != p.want:
		if p.ready != 0 {
			p.since, p.ready = s.At, 0
		}
		return p.hold()
	case p.ready == 0: // what was in the air before counts for nothing
		p.ready = s.At
		p.restart(s)
		return p.hold()
	case s.At-p.ready < p.settle(s):
		p.restart(s)
		return p.hold()
	}
	if p.phase == ramping && !s.Starved {
		p.seen++
		if s.Lost > p.win.end.Lost {
			p.losing++
		}
	}
	p.win.take(s)
	switch p.phase {
	case ramping:
		return p.ramp(s)
	case trying:
		return p.tryOn(s)
	}
	return p.watch(s)
}

func (p *Policy) hold() Decision { return Decision{Lanes: p.want} }

func (p *Policy) restart(s Sample) { p.win = window{first: s, end: s} }

func (p *Policy) settle(s Sample) time.Duration {
	if p.phase == ramping {
		return max(rampSettle, min(4*s.MinRTT, time.Second))
	}
	return max(steadySettle, min(8*s.MinRTT, 2*time.Second))
}

func (p *Policy) steadyWindow(s Sample) time.Duration {
	return max(steadyWindow, min(20*s.MinRTT, 4*time.Second))
}

// change decides on n lanes.
func (p *Policy) change(s Sample, n int, to phase, why Why, goodput float64) Decision {
	if n != p.want {
		p.since, p.ready = s.At, 0
		p.past, p.filled = nil, false
	}
	p.want, p.phase = n, to
	p.early = p.early && to == ramping
	p.odd, p.trial = nil, nil
	p.restart(s)
	return Decision{Lanes: n, Why: why, Goodput: goodput}
}

// refused goes on with the lanes that there are.
func (p *Policy) refused(s Sample) Decision {
	if s.Lanes < p.want {
		p.more.failed(s.At)
	}
	return p.change(s, min(s.Lanes, p.most(s.At)), steady, Refused, 0)
}

// ramp doubles the lanes for as long as packets are lost and nothing queues.
func (p *Policy) ramp(s Sample) Decision {
	w := &p.win
	if p.early && p.want > 1 && s.MinRTT > 0 && s.MinRTT < nearRTT {
		return p.lone(s)
	}
	if w.length() < max(rampWindow, min(4*s.MinRTT, time.Second)) {
		return p.hold()
	}
	if !w.useful() {
		if p.idle += w.n; p.idle > int(rampEnd/Interval) && p.idle > 2*p.seen && p.early && p.want > 1 {
			return p.lone(s)
		}
		p.restart(s)
		p.ready = s.At
		return p.hold()
	}
	most := min(p.most(s.At), rampMax)
	g := w.goodput()
	over := s.At-p.ready >= max(rampEnd, min(60*s.MinRTT, 4*time.Second))
	switch {
	case p.want >= most || over && w.losses < 2:
		return p.ramped(s, g)
	case s.queued() && !over: // slow start filled the link; that passes
		p.restart(s)
	case w.losses >= 2 && 2*w.full < w.n:
		p.rampFrom = g
		return p.change(s, min(2*p.want, most), ramping, Lossy, g)
	case over:
		return p.ramped(s, g)
	}
	return p.hold()
}

// lone ends the start with one lane.
func (p *Policy) lone(s Sample) Decision {
	p.proven, p.thrifty = true, false
	return p.change(s, 1, steady, Spared, 0)
}

// ramped ends the ramp. Lanes stay for which there was a use: packets were lost
// again and again, and not now and then, as where a queue overflows.
func (p *Policy) ramped(s Sample, goodput float64) Decision {
	if p.early && p.rampFrom == 0 && 2*p.losing < p.seen && p.want > 1 {
		return p.lone(s)
	}
	p.proven, p.thrifty = p.rampFrom == 0, 2*p.losing < p.seen
	p.fewer.wait(s.At + calm)
	if n := min(2*p.want, p.most(s.At), rampMax); p.early && p.rampFrom == 0 && n > p.want {
		// Packets were lost all along, and what hid what lanes can do about
		// that may be no queue: the devices are busy.
		p.from, p.base, p.need = p.want, goodput, goodput*(1+perShare)
		return p.change(s, n, trying, TryMore, goodput)
	}
	return p.change(s, p.want, steady, Hold, goodput)
}

// watch looks on, and begins a trial when one is due.
func (p *Policy) watch(s Sample) Decision {
	w := p.win
	if w.length() < p.steadyWindow(s) {
		return p.hold()
	}
	p.restart(s)
	if !w.useful() {
		return p.hold()
	}
	g := w.goodput()
	if p.odd = append(p.odd, w); p.fits(g) {
		p.past, p.odd = append(p.past, w), nil
		if len(p.past) > history {
			p.past = p.past[1:]
		}
	} else if len(p.odd) >= 2 {
		return p.shifted(s, g)
	}
	if len(p.past) < enough || len(p.odd) > 0 {
		return Decision{Lanes: p.want, Goodput: g}
	}
	mean := goodputOf(p.past)
	p.usual, p.usualLoss = mean, lossIn(p.past)
	if len(p.past) == history && (mean > p.best || mean < p.best*(1-shift) || s.At-p.bestAt > bestFor) {
		p.best, p.bestAt = mean, s.At
	}
	if n, why := p.due(s, mean); why != Hold {
		p.from, p.base = p.want, mean
		d := p.change(s, n, trying, why, mean)
		p.rampFrom = 0
		return d
	}
	return Decision{Lanes: p.want, Goodput: g}
}

// fits tells whether goodput is what it was. Lanes that are new are given time.
func (p *Policy) fits(goodput float64) bool {
	if len(p.past) < history {
		return goodput >= p.usual*fall
	}
	return goodput > p.usual*(1-shift) && goodput < p.usual*(1+shift)
}

// shifted begins anew: two windows in a row did not fit, so the link is another
// one now, or the lanes are too many for it.
func (p *Policy) shifted(s Sample, goodput float64) Decision {
	p.odd = p.odd[1:] // the first was part of both
	now, loss := goodputOf(p.odd), lossIn(p.odd)
	collapsed := p.want > 1 && now < fall*p.usual && loss > badLoss && loss > 2*p.usualLoss
	p.past, p.usual, p.usualLoss = p.odd, now, loss
	p.best = 0
	p.more.hurry(s.At, steadyWindow)
	p.fewer.hurry(s.At, firstPause)
	p.bold = false
	if collapsed {
		p.ceiling = p.want
		p.ceilings.failed(s.At)
		return p.change(s, p.want/2, steady, Collapse, goodput)
	}
	p.rampFrom, p.ready, p.ceiling = 0, s.At, 0
	return p.change(s, p.want, ramping, Hold, goodput)
}

// due finds the trial to begin now, if any.
func (p *Policy) due(s Sample, mean float64) (int, Why) {
	var n, full, losses, lossyOnes int
	for i, w := range p.past {
		n, full, losses = n+w.n, full+w.full, losses+w.losses
		if lossIn(p.past[i:i+1]) >= lossy {
			lossyOnes++
		}
	}
	lost := 2*lossyOnes > len(p.past) // most of the time, not now and then as on any full link
	crowd := 2*full >= n
	if 4*full >= 3*n {
		p.filled = true
	} else if p.filled && full == 0 { // there is room where there was none
		p.filled = false
		p.more.next = min(p.more.next, s.At)
	}
	if p.rampFrom > 0 && mean >= proof*p.rampFrom {
		p.proven = true
	}
	if !p.proven && mean < worse*p.rampFrom && p.want > 1 { // the start went too far
		p.need = max(p.best, mean) * (1 - maxMissed)
		return p.want / 2, TryFewer
	}
	up := p.up(s.At)
	mayMore := up > p.want && s.At >= p.more.next
	share := float64(up)/float64(p.want) - 1
	switch {
	case mayMore && !crowd && lost:
		p.need = mean * (1 + max(minGain, perShare*share))
		return up, TryMore
	case p.want > 1 && s.At >= p.fewer.next && (4*full >= 3*n || losses == 0 || !p.proven):
		p.need = max(p.best, mean) * (1 - maxMissed)
		return p.down(), TryFewer
	case mayMore && (!crowd || lost && len(p.past) >= history-1): // a delay that is not a queue, perhaps; or something else
		p.need = mean * (1 + alone*share)
		return up, TryMore
	}
	return 0, Hold
}

// up is how many lanes to try next.
func (p *Policy) up(now time.Duration) int {
	n := p.want + max(1, p.want/2)
	if p.bold {
		n = 2 * p.want
	}
	return min(n, p.most(now))
}

// down is how many lanes to try next.
func (p *Policy) down() int {
	if p.thrifty {
		return p.want / 2
	}
	return p.want - max(1, p.want/4)
}

// tryOn compares a trial with what was before it.
func (p *Policy) tryOn(s Sample) Decision {
	w := p.win
	if w.length() < p.steadyWindow(s) {
		return p.hold()
	}
	p.restart(s)
	if w.useful() {
		p.trial = append(p.trial, w)
	} else if s.At-p.since < trialFor {
		return p.hold()
	}
	g := goodputOf(p.trial)
	up := p.want > p.from
	switch hopeless := len(p.trial) > 0 && g < p.base*hopelessShare; {
	case len(p.trial) < trialParts && !hopeless && s.At-p.since < trialFor:
		return Decision{Lanes: p.want, Goodput: g}
	case len(p.trial) > 0 && g >= p.need && up:
		p.more.pause /= 2
		if p.bold = g/p.base-1 >= paid*(float64(p.want)/float64(p.from)-1); p.bold {
			p.more.pause = 0
		}
		p.fewer.wait(s.At + calm)
		p.proven, p.thrifty = true, false
		return p.keep(s, Gained, g)
	case len(p.trial) > 0 && g >= p.need:
		p.fewer.pause /= 2
		p.more.pause = 0 // that was with other lanes
		p.thrifty = g >= p.base*(1-maxMissed/2)
		p.more.wait(s.At + calm)
		return p.keep(s, Spared, g)
	case up:
		p.more.failed(s.At)
		if p.bold = false; hopeless { // it cost dearly
			p.more.failed(s.At)
		}
		if loss := lossIn(p.trial); hopeless && loss > badLoss && loss > 2*p.usualLoss {
			p.ceiling = p.want
			p.ceilings.failed(s.At)
		}
		return p.change(s, p.from, steady, NoGain, g)
	}
	p.fewer.failed(s.At)
	p.thrifty, p.proven = false, true
	return p.change(s, p.from, steady, Missed, g)
}

// keep goes on with the lanes of the trial, whose windows are what comes next
// is compared with.
func (p *Policy) keep(s Sample, why Why, goodput float64) Decision {
	past := p.trial
	d := p.change(s, p.want, steady, why, goodput)
	p.past = past
	return d
}

// direction is when more lanes, or fewer, may be tried.
type direction struct {
	next, pause time.Duration
}

func (d *direction) failed(now time.Duration) {
	d.pause = min(max(2*d.pause, firstPause), lastPause)
	d.next = now + d.pause
}

// hurry brings the next trial nearer, less so the more failed.
func (d *direction) hurry(now, by time.Duration) {
	d.next = min(max(d.next, now+by), now+max(by, d.pause/4))
}

func (d *direction) wait(until time.Duration) { d.next = max(d.next, until) }
