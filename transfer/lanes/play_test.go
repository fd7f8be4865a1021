package lanes

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const ms = time.Millisecond

// The links of the benchmarks. The lag is what makes one lane as fast as one
// was measured to be.
func linkA() link {
	return link{name: "A", rate: 400, rtt: 4 * ms, lag: 1400 * time.Microsecond, loss: 0.001, queue: 30 * ms}
}

func linkB() link {
	return link{name: "B", rate: 400, rtt: 4 * ms, lag: 1400 * time.Microsecond, queue: 30 * ms}
}

func linkC() link {
	return link{name: "C", rate: 900, rtt: 2 * ms, lag: 1 * ms, loss: 0.0005, queue: 30 * ms}
}

func linkD() link {
	return link{name: "D", rate: 50, rtt: 20 * ms, lag: 4 * ms, loss: 0.01, queue: 30 * ms}
}

func linkE() link {
	return link{name: "E", rate: 150, rtt: 6 * ms, lag: 1 * ms, burst: 30 * ms, every: 2 * time.Second, queue: 30 * ms}
}

// linkF has no wire: its rate is the processors', and more lanes only cost.
func linkF() link {
	return link{name: "F", rate: 1000, rtt: 200 * time.Microsecond, lag: 400 * time.Microsecond, queue: 2 * ms,
		collapse: func(n int) float64 { return 1 / (1 + 0.04*float64(max(n, 1)-1)) }}
}

// change is a decision that was one.
type change struct {
	at time.Duration
	Decision
}

// played is what came of a transfer.
type played struct {
	s       *sim
	changes []change // of the number of lanes
	log     []change // every decision with a reason
	got     []int64  // at each sample
	lanes   []int    // wanted, at each sample
}

// play runs a transfer for some time, or until bytes have arrived. With lanes
// above 0 it uses that many and no policy.
func play(l link, seed uint64, d time.Duration, bytes int64, fixed int) *played {
	p := &played{s: newSim(l, seed)}
	var policy Policy
	have := 0
	for p.s.now < d && (bytes == 0 || p.s.got < bytes) {
		dec := Decision{Lanes: fixed}
		if fixed == 0 {
			dec = policy.Next(p.s.sample())
		}
		if dec.Why != Hold {
			p.log = append(p.log, change{p.s.now, dec})
		}
		if dec.Lanes != have {
			p.changes = append(p.changes, change{p.s.now, dec})
			have = dec.Lanes
			p.s.set(have)
		}
		p.got, p.lanes = append(p.got, p.s.got), append(p.lanes, have)
		p.s.run(p.s.now + Interval)
	}
	p.got = append(p.got, p.s.got)
	return p
}

func index(t time.Duration) int { return int(t / Interval) }

// share is the part of a frame rate in Mbit/s that was content, from one moment
// to another.
func (p *played) share(rate float64, from, to time.Duration) float64 {
	return float64(p.got[index(to)]-p.got[index(from)]) * 8 / 1e6 / (to - from).Seconds() / rate
}

// usual is the number of lanes that was wanted for the longest time, and mean
// and most what they say, from one moment to another.
func (p *played) usual(from, to time.Duration) (usual int, mean float64, most int) {
	var count [DefaultMax + 1]int
	part := p.lanes[index(from):index(to)]
	for _, n := range part {
		count[n]++
		mean += float64(n) / float64(len(part))
		most = max(most, n)
	}
	for n, c := range count {
		if c > count[usual] {
			usual = n
		}
	}
	return usual, mean, most
}

func (p *played) changed(from, to time.Duration) int {
	n := 0
	for _, c := range p.changes {
		if c.at >= from && c.at < to {
			n++
		}
	}
	return n
}

func (p *played) String() string {
	var b strings.Builder
	for _, c := range p.log {
		fmt.Fprintf(&b, " %.2fs:%d(%v)", c.at.Seconds(), c.Lanes, c.Why)
	}
	return b.String()
}

// explain logs what was decided, when the test fails.
func explain(t *testing.T, p *played) {
	t.Helper()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("decisions:%v", p)
		}
	})
}

func seeds(t *testing.T, f func(t *testing.T, seed uint64)) {
	n := uint64(3)
	if testing.Short() {
		n = 1
	}
	for seed := uint64(1); seed <= n; seed++ {
		t.Run(fmt.Sprintf("seed%d", seed), func(t *testing.T) { f(t, seed) })
	}
}
