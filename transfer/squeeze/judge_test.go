package squeeze

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// world is a link, the processors of both phones, and lanes that work ahead by
// a block, in virtual time.
type world struct {
	link       func(at time.Duration) float64 // bytes a second
	processors int
	encode     float64 // ns for a byte of content, squeezed
	decode     float64
	carry      float64 // ns for a byte on the lanes, both ends
	other      float64 // ns for a byte of content either way: read, hash, write
	ratio      float64
	block      int
	lanes      int
	reader     float64 // content a second that can be read; 0 = any
}

// run moves total bytes of content and returns how long that takes.
func (w world) run(total int64, next func(at time.Duration) Ticket, sent func(time.Duration, Ticket, Sample)) time.Duration {
	cpu := make([]float64, w.processors) // when each is free, in ns
	var link, read, end float64
	type done struct {
		at float64
		t  Ticket
		s  Sample
	}
	ahead := make([][]done, 2*w.lanes) // two blocks of each lane at once
	lane := make([]float64, len(ahead))
	use := func(from, cost float64) float64 {
		p := 0
		for i := range cpu {
			if cpu[i] < cpu[p] {
				p = i
			}
		}
		cpu[p] = max(from, cpu[p]) + cost
		return cpu[p]
	}
	for moved := int64(0); moved < total; moved += int64(w.block) {
		l := 0
		for i := range lane {
			if lane[i] < lane[l] {
				l = i
			}
		}
		now := lane[l]
		for _, d := range ahead[l] {
			sent(time.Duration(d.at), d.t, d.s)
		}
		ahead[l] = ahead[l][:0]
		t := next(time.Duration(now))
		if w.reader > 0 {
			read = max(read, now) + float64(w.block)/w.reader*1e9
			now = read
		}
		s := Sample{Raw: w.block, Wire: w.block}
		cost := w.other * float64(w.block)
		if t.Squeeze {
			s.Wire = int(float64(w.block) / w.ratio)
			s.Encode = time.Duration(w.encode * float64(w.block))
			now = use(now, float64(s.Encode))
			cost += w.decode * float64(w.block)
		}
		now = use(now, cost+w.carry*float64(s.Wire))
		link = max(link, now) + float64(s.Wire)/w.link(time.Duration(now))*1e9
		ahead[l] = append(ahead[l], done{link, t, s})
		lane[l] = link
		end = max(end, link)
	}
	return time.Duration(end)
}

func steady(rate float64) func(time.Duration) float64 {
	return func(time.Duration) float64 { return rate }
}

func (w world) fixed(total int64, squeeze bool) time.Duration {
	return w.run(total, func(time.Duration) Ticket { return Ticket{Squeeze: squeeze} }, func(time.Duration, Ticket, Sample) {})
}

func (w world) judged(total int64) time.Duration {
	j := NewJudge(w.processors)
	return w.run(total, func(time.Duration) Ticket { return j.Next() }, j.Sent)
}

// The way a Judge goes is nearly as fast as the faster of both, on links and
// processors of every kind, and never slower than going without.
func TestJudgeIsNeverSlower(t *testing.T) {
	links, processors := []float64{10, 50, 150, 400, 900, 2000, 8000}, []int{1, 2, 8}
	if testing.Short() {
		links, processors = []float64{50, 400, 8000}, []int{2}
	}
	for _, mbps := range links {
		for _, processors := range processors {
			for _, carry := range []float64{5, 15, 30} {
				for _, ratio := range []float64{1.1, 1.5, 2.7, 20} {
					for _, lanes := range []int{1, 8} {
						w := world{link: steady(mbps * 1e6 / 8), processors: processors, encode: 7, decode: 2, carry: carry, other: 1, ratio: ratio, block: 64 << 10, lanes: lanes}
						const total, start = 400 << 20, 100 * time.Millisecond
						raw, squeezed, judged := w.fixed(total, false), w.fixed(total, true), w.judged(total)
						name := fmt.Sprintf("%v Mbit/s, %d processors, %v ns to carry a byte, ratio %v, %d lanes: as it is %v, squeezed %v, judged %v",
							mbps, processors, carry, ratio, lanes, raw, squeezed, judged)
						if float64(judged) > 1.05*float64(raw)+float64(start) {
							t.Errorf("slower than without: %s", name)
						}
						// A trial is what the lanes have under way, and a bit.
						trial := time.Duration(1.5 * (1 << 20) / (mbps * 1e6 / 8) * 1e9)
						if float64(judged) > 1.1*float64(min(raw, squeezed))+float64(start+2*trial) {
							t.Errorf("slower than it could be: %s", name)
						}
					}
				}
			}
		}
	}
}

// A link that changes is noticed.
func TestJudgeNoticesAnotherLink(t *testing.T) {
	fast, slow := 8000e6/8, 50e6/8
	for _, c := range []struct{ before, after float64 }{{fast, slow}, {slow, fast}} {
		w := world{processors: 2, encode: 7, decode: 2, carry: 8, other: 1, ratio: 2.7, block: 256 << 10, lanes: 4, link: func(at time.Duration) float64 {
			if at < 10*time.Second {
				return c.before
			}
			return c.after
		}}
		j := NewJudge(2)
		late := map[bool]int{}
		w.run(4<<30, func(at time.Duration) Ticket {
			k := j.Next()
			if at > 14*time.Second {
				late[k.Squeeze]++
			}
			return k
		}, j.Sent)
		if want := c.after == slow; late[want] < 9*late[!want] || late[want] == 0 {
			t.Errorf("from %.0f to %.0f bytes a second: %d blocks as they are, %d squeezed", c.before, c.after, late[false], late[true])
		}
	}
}

// Where reading is the slowest, squeezing brings nothing, and the processor
// rests.
func TestJudgeSparesTheProcessor(t *testing.T) {
	w := world{processors: 2, encode: 7, carry: 8, ratio: 2.7, block: 64 << 10, lanes: 4, link: steady(100e6), reader: 40e6}
	j := NewJudge(2)
	count := map[bool]int{}
	w.run(400<<20, func(time.Duration) Ticket {
		k := j.Next()
		count[k.Squeeze]++
		return k
	}, j.Sent)
	if count[true] > count[false]/4 {
		t.Errorf("%d blocks squeezed, %d not", count[true], count[false])
	}
}

// Photos between the texts, and pauses, tell nothing: no way is taken because
// of them.
func TestJudgeVoidRounds(t *testing.T) {
	j := NewJudge(2)
	at := time.Duration(0)
	for i := range 10_000 {
		k := j.Next()
		if !k.Squeeze {
			t.Fatalf("block %d goes as it is, after rounds that are all void", i)
		}
		if i%2 == 0 {
			at += 10 * time.Millisecond
		} else {
			at += time.Millisecond
		}
		j.Other(64 << 10)
		j.Sent(at, k, Sample{Raw: 64 << 10, Wire: 32 << 10, Encode: time.Millisecond})
	}
	for i := range 1000 {
		k := j.Next()
		if !k.Squeeze {
			t.Fatalf("block %d goes as it is, after pauses", i)
		}
		at += time.Second
		j.Sent(at, k, Sample{Raw: 64 << 10, Wire: 32 << 10, Encode: time.Millisecond})
	}
}

func TestGain(t *testing.T) {
	for _, c := range []struct {
		saved, goodput, speed, processors float64
		pays                              bool
	}{
		{0.63, 46e6, 140e6, 1, true},   // 400 Mbit/s
		{0.63, 105e6, 140e6, 1, false}, // 900 Mbit/s: 0.84 of what it costs
		{0.63, 105e6, 140e6, 2, true},
		{0.63, 400e6, 140e6, 2, false}, // loopback
		{0.06, 46e6, 140e6, 2, false},
		{0, 1e6, 140e6, 8, false},
		{0.95, 6e6, 140e6, 1, true},
	} {
		if g := gain(c.saved, c.goodput, c.speed, c.processors); g > 1 != c.pays {
			t.Errorf("%+v: %.2f", c, g)
		}
	}
}

func TestJudgeIsSafeForConcurrentUse(t *testing.T) {
	j := NewJudge(2)
	var g sync.WaitGroup
	for range 8 {
		g.Go(func() {
			for i := range 2000 {
				k := j.Next()
				j.Other(1)
				j.Sent(time.Duration(i)*time.Millisecond, k, Sample{Raw: 1 << 16, Wire: 1 << 15, Encode: time.Microsecond})
			}
		})
	}
	g.Wait()
	if j.blocks < 0 || j.encoded <= 0 {
		t.Errorf("%+v", j)
	}
}
