// Package pace makes out of readings of a session's meter what a person wants to
// know: how much is done, how fast it goes now, and how long it may still take.
// It has no clock and starts nothing: whoever shows a move hands it a reading and
// its time a few times a second.
//
//	reading ─> samples of the last minute ─> speed now
//	                 │                        spread of speeds ──┐
//	                 └─> what an item costs beside its bytes ────┴─> time left, from … to
//
// An item has a cost of its own: 20,000 notes of a kilobyte take longer than one
// video of their size. How much it is in bytes is learned from the move itself, and
// because what is still to come may be of another mix, the range covers half and
// twice of it.
//
// Its worst moment is the first minute of a move that begins with large files and
// ends with tiny ones: what those cost nobody knows yet, and the range is only as
// good as the guess that it begins with.
package pace

import (
	"math"
	"time"

	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/wire"
)

const (
	// speedOver is how far back the speed of this moment looks.
	speedOver = 3 * time.Second
	// keepFor is how far back anything looks, and keepEvery the least distance of
	// two samples.
	keepFor   = time.Minute
	keepEvery = 200 * time.Millisecond
	// groundAfter is how long items must have moved before anything is said about
	// the rest, and staleAfter how long none may have.
	groundAfter = 4 * time.Second
	staleAfter  = 5 * time.Second
	// nearest is the least that an estimate looks back.
	nearest = 12 * time.Second
	// stepMost is the most that counts from one reading to the next: what is more,
	// the process was stopped, the device slept, or somebody set its clock.
	stepMost = time.Second
	// longest is the longest time that is worth saying.
	longest = 100 * time.Hour

	// safeShare is the part of the bar that content earns when it is safe, after
	// it has come; finishShare what the last phase has of the whole.
	safeShare   = 0.1
	finishShare = 0.01
)

// Range is how long something may take, from … to. The zero value is not known.
type Range struct{ Low, High time.Duration }

// Known reports whether there is ground for saying anything.
func (r Range) Known() bool { return r.High > 0 }

// View is a move at a moment.
type View struct {
	transfer.Progress
	// Part is how much is done, from 0 to 1; it is 1 only when both phones have
	// signed. It does not go back.
	Part float64
	// Speed is content in bytes per second over the last few seconds, 0 when
	// nothing comes.
	Speed float64
	// ItemSpeed is items per second, of those that ended.
	ItemSpeed float64
	// Left is how long it may still take, while items move and the link is there.
	Left Range
}

// sample is a reading, at a time that leaves out what persons took, a link that
// was lost, and a process that was stopped.
type sample struct {
	at    time.Duration
	sent  uint64
	items uint64
	link  uint64 // what sent took on the link
	done  uint64 // bytes of what ended and is under way
}

// Estimator turns readings of one move into views. The zero value is ready. It
// belongs to one goroutine.
type Estimator struct {
	began bool
	last  time.Time
	at    time.Duration // time in which items could move
	moved time.Duration // at, when something moved last
	part  float64

	samples []sample // of the last minute, the oldest first
	cost    cost
	left    eased
}

// Add takes a reading in. Readings come in the order in which they were made; a
// clock that was set meanwhile spoils no more than the next few.
func (e *Estimator) Add(now time.Time, p transfer.Progress) View {
	step := time.Duration(0)
	if e.began {
		step = min(max(0, now.Sub(e.last)), stepMost)
	}
	e.began, e.last = true, now
	v := View{Progress: p, Part: e.done(p)}
	if p.Lost {
		e.forgetStill()
	}
	if !p.Phase.Moving() || p.Lost || p.Waiting.ByHand() || p.Paused.ByHand() {
		e.left = eased{}
		return v
	}
	e.at += step
	e.take(p)
	block := blockAt(p.Limit)
	recent := e.over(max(speedOver, 2*block))
	v.Speed, v.ItemSpeed = recent.perSecond()
	if p.Limit > 0 && recent.link > 0 { // blocks are counted as they begin
		v.Speed = min(v.Speed, float64(p.Limit)*recent.sent/recent.link)
	}
	if e.at < groundAfter || e.at-e.moved > staleAfter+block || p.Waiting == transfer.WaitLink {
		e.left = eased{}
		return v
	}
	v.Left = e.left.follow(e.estimate(p), step)
	return v
}

// Moving is how long items could move so far, as far as that was looked at: it
// leaves out what persons took, a link that was lost, and a process that was stopped.
func (e *Estimator) Moving() time.Duration { return e.at }

// blockAt is how long a block takes under a limit.
func blockAt(limit int64) time.Duration {
	if limit <= 0 {
		return 0
	}
	return seconds(wire.BlockSize / float64(limit))
}

// forgetStill takes back the time in which nothing moved: the link was lost before
// that was noticed.
func (e *Estimator) forgetStill() {
	for n := len(e.samples); n > 1 && e.samples[n-1].at > e.moved; n-- {
		e.samples = e.samples[:n-1]
	}
	e.at = min(e.at, e.moved)
	e.cost.last.at = min(e.cost.last.at, e.at)
}

// done is the part of the bar that is full.
func (e *Estimator) done(p transfer.Progress) float64 {
	if p.Phase == transfer.PhaseDone {
		e.part = 1
		return 1
	}
	all := float64(p.Bytes) + guess*float64(p.Items)
	part := 0.0
	if all > 0 && p.Phase >= transfer.PhaseMove {
		done := float64(p.DoneBytes) - safeShare*float64(p.PendingBytes) + guess*float64(p.DoneItems)
		part = (1 - finishShare) * min(1, done/all)
	}
	if p.Phase == transfer.PhaseFinish && p.Steps > 0 {
		part = 1 - finishShare + finishShare*float64(min(p.DoneSteps, p.Steps))/float64(p.Steps+1)
	}
	e.part = max(e.part, part)
	return e.part
}

// take keeps a sample.
func (e *Estimator) take(p transfer.Progress) {
	s := sample{e.at, p.SentBytes, p.DoneItems, p.LinkBytes, p.DoneBytes}
	n := len(e.samples)
	if n > 0 {
		old := e.samples[n-1]
		if s.sent < old.sent || s.items < old.items { // another session, which counts anew
			e.samples, n = e.samples[:0], 0
		} else if s.sent > old.sent || s.items > old.items {
			e.moved = e.at
		}
	}
	if n > 1 && s.at-e.samples[n-2].at < keepEvery {
		e.samples[n-1] = s
		return
	}
	e.samples = append(e.samples, s)
	drop := 0
	for drop+2 < len(e.samples) && s.at-e.samples[drop+1].at >= keepFor {
		drop++
	}
	e.samples = append(e.samples[:0], e.samples[drop:]...)
	e.cost.learn(s)
}

// span is what moved in a time.
type span struct {
	took  time.Duration
	sent  float64
	items float64
	link  float64
	done  float64
}

func (s span) perSecond() (bytes, items float64) {
	if s.took <= 0 {
		return 0, 0
	}
	return s.sent / s.took.Seconds(), s.items / s.took.Seconds()
}

// work is a span in bytes, where an item costs so many.
func (s span) work(item float64) float64 { return s.sent + item*s.items }

func between(a, b sample) span {
	return span{
		b.at - a.at, float64(b.sent - a.sent), float64(b.items - a.items),
		float64(b.link - min(a.link, b.link)), float64(b.done - min(a.done, b.done)),
	}
}

// over returns what moved in the last d, or since the first sample.
func (e *Estimator) over(d time.Duration) span {
	return between(e.before(d), e.samples[len(e.samples)-1])
}

// before returns the newest sample that is at least d old, or the oldest.
func (e *Estimator) before(d time.Duration) sample {
	i := len(e.samples) - 1
	for at := e.samples[i].at; i > 0 && at-e.samples[i].at < d; {
		i--
	}
	return e.samples[i]
}

// estimate is how long the rest takes if it goes as it went.
func (e *Estimator) estimate(p transfer.Progress) Range {
	bytes := float64(p.Bytes - min(p.Bytes, p.DoneBytes))
	items := float64(p.Items - min(p.Items, p.DoneItems))
	item, unsure := e.cost.item()
	nearest := max(nearest, 3*blockAt(p.Limit))
	recent := e.over(nearest)
	horizon := nearest
	if work := recent.work(item); work > 0 { // the longer it takes, the longer ago counts
		horizon = clamp(seconds(recent.took.Seconds()*(bytes+item*items)/work)/3, nearest, max(nearest, keepFor))
		recent = e.over(horizon)
	}
	r := Range{Low: longest}
	for _, c := range []float64{item / unsure, item, item * unsure} {
		work := recent.work(c)
		if work <= 0 {
			return Range{}
		}
		left := seconds(recent.took.Seconds() * (bytes + c*items) / work)
		r.Low, r.High = min(r.Low, left), max(r.High, left)
	}
	spread := e.spread(horizon, item)
	r.Low = time.Duration(float64(r.Low) / (1 + spread))
	r.High = time.Duration(float64(r.High) / (1 - spread))
	r = r.notBelow(limited(p, bytes, recent))
	if r.High > longest {
		return Range{}
	}
	return r
}

// limited is what the rest takes at least under a limit: where it is as what came
// of late, of which some was there already and some was squeezed; and where it is
// of what is sent as it is, of which the more may be the less has come.
func limited(p transfer.Progress, bytes float64, recent span) Range {
	if p.Limit <= 0 || recent.link <= 0 {
		return Range{}
	}
	share := min(1, recent.link/max(recent.done, 1))
	worst := share + (1-share)*min(1, bytes/max(float64(p.DoneBytes), 1))
	full := bytes / float64(p.Limit)
	return Range{seconds(full * share), seconds(full * worst)}
}

// notBelow raises the ends of a range to those of another.
func (r Range) notBelow(o Range) Range { return Range{max(r.Low, o.Low), max(r.High, o.High)} }

// spread is how much the speed of a few seconds differs from their mean.
func (e *Estimator) spread(horizon time.Duration, item float64) float64 {
	const least, most = 0.1, 0.6
	every := horizon / 5
	var n, sum, squares float64
	newest := e.samples[len(e.samples)-1]
	for back := every; back <= horizon; back += every {
		older := e.before(back)
		s := between(older, newest)
		if s.took <= 0 {
			break
		}
		rate := s.work(item) / s.took.Seconds()
		n, sum, squares = n+1, sum+rate, squares+rate*rate
		newest = older
	}
	if n < 2 || sum <= 0 {
		return 0.3
	}
	mean := sum / n
	return clamp(1.3*math.Sqrt(max(0, squares/n-mean*mean))/mean, least, most)
}

// eased is a range as it is shown: it runs down with the time, and follows a new
// estimate without a jump.
type eased struct{ low, high float64 } // seconds

func (s *eased) follow(r Range, step time.Duration) Range {
	if !r.Known() {
		*s = eased{}
		return Range{}
	}
	low, high := r.Low.Seconds(), r.High.Seconds()
	if s.high == 0 {
		*s = eased{low, high}
	}
	slack := clamp(min(low+high, s.low+s.high)/2*0.1, 1, 15) // seconds in which most of a difference is made up
	part := 1 - math.Exp(-step.Seconds()/slack)
	s.low = max(0, s.low-step.Seconds())
	s.high = max(0, s.high-step.Seconds())
	s.low += (low - s.low) * part
	s.high += (high - s.high) * part
	return Range{seconds(s.low), max(1, seconds(s.high))}
}

// seconds is a duration that cannot overflow.
func seconds(s float64) time.Duration {
	return time.Duration(clamp(s, 0, 2*longest.Seconds()) * float64(time.Second))
}

func clamp[T time.Duration | float64](v, low, high T) T { return max(low, min(v, high)) }
