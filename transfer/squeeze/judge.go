package squeeze

import (
	"sync"
	"time"
)

// What a round is, and how often the other way is tried.
const (
	roundTime   = 25 * time.Millisecond
	roundMost   = 1500 * time.Millisecond // a slow link's round ends then
	roundBytes  = 1 << 20
	roundBlocks = 16
	pause       = 500 * time.Millisecond // a round with a gap of that is void

	waitFirst = 250 * time.Millisecond
	waitClear = 2 * time.Second // after a trial that was far behind
	waitMost  = 30 * time.Second

	advantage = 1.05 // squeezing must bring that to begin,
	keep      = 1.02 // and that to stay: without it a phone stays cooler
	clearly   = 1.4
	moved     = 1.5 // the rate changed by that: the link is another one

	hopeless = 0.25 // the gain is so small a part of the cost: no trial

	growing   = 1.1 // from round to round: a new link finds its speed,
	growsMost = 8   // for that many rounds at most
)

// Ticket says how a block goes. It comes back with Sent.
type Ticket struct {
	// Squeeze is whether the block is to be squeezed.
	Squeeze bool
	round   uint32
}

// Sample is how a block went.
type Sample struct {
	// Raw is the block's content, and Wire what went over the lane for it, in
	// bytes.
	Raw, Wire int
	// Encode is the time that [Encoder.Append] took; 0 = it was not called.
	Encode time.Duration
}

// Judge decides, block by block, whether squeezing is faster than sending
// content as it is. A session has one, for all lanes and for blocks of items
// that are [Worth] it only.
//
// How fast the link is, how fast the processors are, and who else wants them
// (encryption, the disk, the other phone) cannot be told apart from here. So it
// tries: now and then a round of blocks, some 25 ms and 1 MiB, goes the other
// way, and the way that moves more content in a second stays. A trial that only
// confirms is repeated after ever longer time. There is none of squeezing where
// a model rules it out, which is how the fastest links lose nothing:
//
//	bytes saved / the link's goodput  <<  time to squeeze / processors
//
//	         ┌──── trial no better ────┐
//	         v                         │
//	┌──────────────┐     it is due  ┌──┴────┐
//	│ home: a way  │ ─────────────> │ trial │
//	└──────────────┘                └──┬────┘
//	         ^                         │
//	         └─ trial better: its way ─┘
//
// It begins squeezing, because a link is slow when it is new, and concludes
// nothing until that has found its speed. Its worst moment is a rate that tells
// nothing: photos among the text, a pause, another network. A round with any of
// them is void, and a rate that changed calls for a trial.
//
// It has no clock and no chance: the same calls give the same answers. It is
// safe for concurrent use.
type Judge struct {
	processors float64

	mu     sync.Mutex
	raw    bool          // home: blocks go as they are
	trial  bool          // this round goes the other way
	round  uint32        // of the tickets that are given out
	open   bool          // the round's clock runs
	began  time.Duration // when it began to
	last   time.Duration // the last block's
	bytes  int           // the round's: content,
	wire   int           // what went over the lanes,
	other  int           // what is of items not worth it,
	blocks int           // and how many blocks
	rate   [2]float64    // content a second, as it is and squeezed; 0 = unknown
	grown  int           // rounds in which the link found its speed
	anchor float64       // home's rate at the last trial; 0 = none was
	due    time.Duration // when the next trial is
	wait   time.Duration // until the one after it

	encode, encoded float64 // time in ns and bytes of late, fading
	left            float64 // bytes that squeezing left of encoded
}

// NewJudge returns a Judge for a device on which so many processors can
// squeeze at once.
func NewJudge(processors int) *Judge {
	return &Judge{processors: float64(max(processors, 1)), wait: waitFirst}
}

// Next says how the next block goes.
func (j *Judge) Next() Ticket {
	j.mu.Lock()
	defer j.mu.Unlock()
	return Ticket{Squeeze: j.squeezing(), round: j.round}
}

// squeezing is called with mu held.
func (j *Judge) squeezing() bool { return j.raw == j.trial }

// Other tells of n bytes of items not worth it that a lane has sent.
func (j *Judge) Other(n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.other += n
}

// Sent tells, now being the time since the session began, that a lane has sent
// a block.
func (j *Judge) Sent(now time.Duration, t Ticket, s Sample) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if s.Encode > 0 && s.Raw > 0 {
		const fade = 15.0 / 16
		j.encode = j.encode*fade + float64(s.Encode)
		j.encoded = j.encoded*fade + float64(s.Raw)
		j.left = j.left*fade + float64(s.Wire)
	}
	if !j.open || t.round != j.round || now-j.last > pause {
		// The clock begins with the last block of the round before.
		j.begin(now)
		return
	}
	j.last = now
	j.bytes += s.Raw
	j.wire += s.Wire
	j.blocks++
	took := now - j.began
	enough := took >= roundTime && j.bytes >= roundBytes && j.blocks >= roundBlocks || took >= roundMost
	if j.trial && took >= roundTime && j.blocks >= roundBlocks/4 {
		enough = enough || float64(j.bytes+s.Raw) < *j.homeRate()/2*took.Seconds() // hopelessly behind
	}
	switch {
	case !enough:
	case j.other > j.bytes/8:
		j.begin(now)
	default:
		j.conclude(now, took.Seconds())
	}
}

// begin starts the round's clock. It is called with mu held.
func (j *Judge) begin(now time.Duration) {
	j.open, j.began, j.last = true, now, now
	j.bytes, j.wire, j.other, j.blocks = 0, 0, 0, 0
}

// conclude ends a round. It is called with mu held.
func (j *Judge) conclude(now time.Duration, seconds float64) {
	rate, goodput := float64(j.bytes)/seconds, float64(j.wire)/seconds
	if j.trial {
		j.concludeTrial(now, rate)
		return
	}
	r := j.homeRate()
	j.begin(now)
	if j.anchor == 0 && j.grown < growsMost && rate > *r*growing {
		*r = rate
		j.grown++
		return
	}
	*r += (rate - *r) / 4
	if j.anchor > 0 && (*r > j.anchor*moved || *r < j.anchor/moved) {
		j.anchor, j.wait = *r, waitFirst
		j.due = min(j.due, now+waitFirst)
	}
	if now < j.due {
		return
	}
	if j.raw && j.gain(goodput) < hopeless {
		j.due = now + j.wait
		return
	}
	j.trial, j.open = true, false
	j.round++
}

func (j *Judge) concludeTrial(now time.Duration, rate float64) {
	home := *j.homeRate()
	better := rate > home*advantage
	if !j.raw { // as it is stands against squeezed
		better = rate*keep > home
	}
	switch {
	case better:
		j.raw = !j.raw
		j.wait = waitFirst
		home = rate
	case home > rate*clearly:
		j.wait = min(max(j.wait*4, waitClear), waitMost)
	default:
		j.wait = min(j.wait*2, waitMost)
	}
	*j.homeRate() = home
	j.anchor, j.due = home, now+j.wait
	j.trial, j.open = false, false
	j.round++
}

// homeRate is called with mu held.
func (j *Judge) homeRate() *float64 {
	if j.raw {
		return &j.rate[0]
	}
	return &j.rate[1]
}

// gain is how many times the time to squeeze a block the link would take for
// what that saves. It is called with mu held.
func (j *Judge) gain(goodput float64) float64 {
	if j.encode == 0 || goodput == 0 {
		return 1
	}
	return gain(1-j.left/j.encoded, goodput, j.encoded/j.encode*1e9, j.processors)
}

// gain compares what the link would take for the bytes saved with what the
// processors take to save them: above 1 squeezing pays. saved is a share of the
// content; goodput and speed, of one processor, are in bytes a second.
func gain(saved, goodput, speed, processors float64) float64 {
	return saved / goodput * speed * processors
}
