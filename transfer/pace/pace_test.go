package pace

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/ferry-move/ferry/transfer"
	"pgregory.net/rapid"
)

// course is a move that a test makes up: items in their order, and how fast the
// link and the disk are at each moment.
type course struct {
	items []uint64                      // sizes
	speed func(t float64) float64       // bytes per second at a second
	each  float64                       // seconds that an item takes beside its bytes
	wait  func(t float64) transfer.Wait // nil = nothing
}

func files(n int, size func(i int) uint64) []uint64 {
	out := make([]uint64, n)
	for i := range out {
		out[i] = size(i)
	}
	return out
}

func all(size uint64) func(int) uint64 { return func(int) uint64 { return size } }

func steady(mb float64) func(float64) float64 { return func(float64) float64 { return mb * 1e6 } }

// noisy is a speed that wanders: each second it is pulled to its mean and pushed
// at random, with logged seeds.
func noisy(mb, push float64, seed uint64) func(float64) float64 {
	r := rand.New(rand.NewPCG(seed, 1))
	var course []float64
	x := 0.0
	for range 20000 {
		x = 0.9*x + push*r.NormFloat64()
		course = append(course, mb*1e6*math.Exp(x))
	}
	return func(t float64) float64 { return course[min(int(t), len(course)-1)] }
}

const every = 200 * time.Millisecond

// reading is a view and how long it really took from there.
type reading struct {
	View
	at, truth float64 // seconds
}

// run plays a course and returns what was shown.
func (c course) run(t *testing.T) []reading {
	t.Helper()
	var e Estimator
	var out []reading
	p := transfer.Progress{Phase: transfer.PhaseMove, Items: uint64(len(c.items))}
	for _, n := range c.items {
		p.Bytes += n
	}
	start := time.Unix(1000, 0)
	now, next, worked := 0.0, 0.0, 0.0
	show := func() {
		for ; next <= now; next += every.Seconds() {
			if c.wait != nil {
				p.Waiting = c.wait(next)
			}
			p.DoneBytes = p.SafeBytes + p.PendingBytes
			v := e.Add(start.Add(time.Duration(next*float64(time.Second))), p)
			out = append(out, reading{View: v, at: next, truth: worked})
		}
	}
	const tick = 0.01
	left, overhead := 0.0, 0.0
	for i := 0; i < len(c.items); {
		now += tick
		budget := tick
		if c.wait == nil || c.wait(now) == transfer.WaitNothing {
			worked += tick
			for budget > 0 && i < len(c.items) {
				if overhead == 0 && left == 0 {
					left, overhead = float64(c.items[i]), c.each
				}
				use := min(budget, overhead)
				overhead, budget = overhead-use, budget-use
				n := min(left, budget*c.speed(now))
				if s := c.speed(now); s > 0 {
					budget -= n / s
				} else {
					budget = 0
				}
				left -= n
				p.PendingBytes += uint64(n)
				if left < 1 && overhead <= 0 {
					p.SafeBytes, p.PendingBytes = p.SafeBytes+c.items[i], 0
					p.SentBytes = p.SafeBytes
					p.DoneItems++
					left, overhead = 0, 0
					i++
				}
			}
			p.SentBytes = p.SafeBytes + p.PendingBytes
		}
		show()
		if now > 20000 {
			t.Fatal("the course has no end")
		}
	}
	for i := range out {
		out[i].truth = worked - out[i].truth
	}
	return out
}

// judged is how good the estimates of a course were.
type judged struct {
	known  float64 // part of the time in which there was one
	within float64 // part of those in which the truth was in the range
	off    float64 // how far the middle of the range is from the truth, as a part of it: the mean, after a tenth of the time
	jump   float64 // the largest change of the middle in a second beyond the second itself, as a part of it
	wide   float64 // the mean of high / low
}

func judge(rs []reading) (j judged) {
	var n, known, within, off, wide, late float64
	var before []reading
	for _, r := range rs {
		n++
		before = append(before, r)
		if !r.Left.Known() {
			before = before[:0]
			continue
		}
		known++
		low, high := r.Left.Low.Seconds(), r.Left.High.Seconds()
		if low <= r.truth+1 && r.truth <= high+1 {
			within++
		}
		middle := math.Sqrt(low * high)
		if r.at > rs[len(rs)-1].at/10 && r.truth > 5 {
			late++
			off += math.Abs(middle-r.truth) / r.truth
			wide += high / max(low, 0.1)
		}
		if len(before) > 5 && r.truth > 5 {
			a := before[len(before)-6].Left
			was := math.Sqrt(a.Low.Seconds() * a.High.Seconds())
			j.jump = max(j.jump, math.Abs(middle-(was-1))/was)
		}
	}
	j.known, j.within, j.off, j.wide = known/n, within/max(known, 1), off/max(late, 1), wide/max(late, 1)
	return j
}

// TestCourses says, for speeds as links have them, how far off the estimates are,
// how often the truth was in the range, and how much they jump.
func TestCourses(t *testing.T) {
	photos := files(1000, func(i int) uint64 { return uint64(300e3 + 2.7e6*float64(i*7919%1000)/1000) })
	tiny := files(20000, all(4<<10))
	outage := func(mb float64) func(float64) float64 {
		return func(t float64) float64 {
			if math.Mod(t, 10) < 2 {
				return 0
			}
			return mb * 1e6
		}
	}
	slower := func(t float64) float64 {
		if t > 60 {
			return 10e6
		}
		return 40e6
	}
	ramp := func(t float64) float64 { return 40e6 * min(1, 0.1+t/20) }
	for name, tt := range map[string]struct {
		course
		within, off, jump, wide float64 // at least, at most, at most, at most
	}{
		"one file, steady":        {course{items: []uint64{4e9}, speed: steady(40)}, 0.98, 0.02, 0.02, 1.4},
		"photos, steady":          {course{items: photos, speed: steady(20), each: 1e-3}, 0.98, 0.02, 0.02, 1.4},
		"photos, wandering":       {course{items: photos, speed: noisy(10, 0.15, 1), each: 1e-3}, 0.75, 0.2, 0.15, 1.8},
		"photos, wandering more":  {course{items: photos, speed: noisy(10, 0.3, 2), each: 1e-3}, 0.55, 0.65, 0.3, 3},
		"photos, outages":         {course{items: photos, speed: outage(20), each: 1e-3}, 0.85, 0.2, 0.2, 2.8},
		"photos, four times less": {course{items: append(photos, photos...), speed: slower, each: 1e-3}, 0.5, 0.35, 0.15, 2},
		"photos, slow start":      {course{items: slices.Repeat(photos, 4), speed: ramp, each: 1e-3}, 0.6, 0.5, 0.05, 2},
		"tiny, steady":            {course{items: tiny, speed: steady(40), each: 2e-3}, 0.98, 0.02, 0.02, 1.4},
		"photos, then tiny":       {course{items: append(photos[:500:500], tiny...), speed: steady(40), each: 0.8e-3}, 0.95, 0.2, 0.15, 4.5},
		"tiny, then photos":       {course{items: append(tiny[:10000:10000], photos...), speed: steady(40), each: 2e-3}, 0.95, 1, 0.12, 7},
		"both, in turns":          {course{items: mixed(photos, tiny), speed: steady(20), each: 1e-3}, 0.95, 0.05, 0.02, 1.6},
	} {
		t.Run(name, func(t *testing.T) {
			j := judge(tt.run(t))
			t.Logf("known %.2f, within %.2f, off %.3f, jump %.3f, high/low %.2f", j.known, j.within, j.off, j.jump, j.wide)
			if j.known < 0.5 || j.within < tt.within || j.off > tt.off || j.jump > tt.jump || j.wide > tt.wide {
				t.Errorf("%+v; want within ≥ %v, off ≤ %v, jump ≤ %v, high/low ≤ %v", j, tt.within, tt.off, tt.jump, tt.wide)
			}
		})
	}
}

// mixed takes a hundred of one and two thousand of the other in turns.
func mixed(a, b []uint64) (out []uint64) {
	for len(a) > 0 || len(b) > 0 {
		n, m := min(100, len(a)), min(2000, len(b))
		out = append(append(out, a[:n]...), b[:m]...)
		a, b = a[n:], b[m:]
	}
	return out
}

// feed gives an estimator readings, one each 200 ms.
type feed struct {
	e   Estimator
	now time.Time
}

func (f *feed) add(p transfer.Progress) View {
	f.now = f.now.Add(every)
	return f.e.Add(f.now, p)
}

// TestSpeed: it is that of the last seconds, and zero when nothing moves; then
// nothing is said about the rest either.
func TestSpeed(t *testing.T) {
	var f feed
	p := transfer.Progress{Phase: transfer.PhaseMove, Items: 1000, Bytes: 1e12}
	var v View
	for range 300 { // 1 MB and 5 items a second
		p.SentBytes, p.DoneBytes, p.DoneItems = p.SentBytes+200e3, p.DoneBytes+200e3, p.DoneItems+1
		v = f.add(p)
	}
	if math.Abs(v.Speed-1e6) > 1 || math.Abs(v.ItemSpeed-5) > 0.01 || v.Left.Known() {
		t.Errorf("slow: %+v", v) // more than a hundred hours are not worth saying
	}
	for range 20 {
		p.SentBytes, p.DoneBytes = p.SentBytes+200e6, p.DoneBytes+200e6
		v = f.add(p)
	}
	if math.Abs(v.Speed-1e9) > 1e3 || v.ItemSpeed != 0 || !v.Left.Known() {
		t.Errorf("fast: %+v", v)
	}
	for range 16 {
		v = f.add(p)
	}
	if v.Speed != 0 || v.ItemSpeed != 0 {
		t.Errorf("after 3 s of nothing: %v, %v", v.Speed, v.ItemSpeed)
	}
	for range 12 {
		v = f.add(p)
	}
	if v.Left.Known() {
		t.Errorf("after 5 s of nothing: %+v", v.Left)
	}
}

// TestLimit: many small items at the beginning, the first blocks counted at once,
// and text that is squeezed make nobody believe that the rest is faster than the
// limit.
func TestLimit(t *testing.T) {
	const size, limit = 73e6, 500e3
	for name, squeezed := range map[string]float64{"as it is": 1, "squeezed": 0.3} {
		t.Run(name, func(t *testing.T) {
			var f feed
			p := transfer.Progress{Phase: transfer.PhaseMove, Items: 1000, Bytes: size, Limit: limit}
			for i := range 500 {
				link := uint64(limit * every.Seconds())
				if i == 0 {
					link += 1 << 20
				}
				n := link
				if i < 15 { // 3 s
					n = uint64(float64(link) / squeezed)
					p.DoneItems += 60
				}
				p.LinkBytes, p.SentBytes, p.DoneBytes = p.LinkBytes+link, p.SentBytes+n, p.DoneBytes+n
				v := f.add(p)
				truth := seconds((size - float64(p.DoneBytes)) / limit)
				if v.Left.Known() && (v.Left.High < truth*95/100 || squeezed == 1 && v.Left.Low < truth*95/100) {
					t.Fatalf("at %d: %v to %v, and it is %v", i, v.Left.Low, v.Left.High, truth)
				}
				if i > 21 && !v.Left.Known() || i > 330 && (v.Left.Low < truth*85/100 || v.Left.High > truth*13/10) {
					t.Errorf("at %d: %v to %v, and it is %v", i, v.Left.Low, v.Left.High, truth)
				}
				if i > 32 && v.Speed > 1.01*limit {
					t.Errorf("at %d: %v bytes a second", i, v.Speed)
				}
			}
		})
	}
}

// TestSlowest: under the least limit a block takes half a minute, and there is an
// estimate between two of them.
func TestSlowest(t *testing.T) {
	var f feed
	p := transfer.Progress{Phase: transfer.PhaseMove, Items: 1, Bytes: 10 << 20, Limit: transfer.LimitMin}
	for i := range 1500 {
		if i%131 == 0 {
			p.LinkBytes, p.SentBytes, p.DoneBytes = p.LinkBytes+1<<18, p.SentBytes+1<<18, p.DoneBytes+1<<18
		}
		v := f.add(p)
		truth := seconds(float64(p.Bytes-p.DoneBytes) / transfer.LimitMin)
		if i > 300 && (v.Left.Low < truth*3/4 || v.Left.Low > truth*5/4 || v.Left.High > truth*4 || v.Speed < 8000 || v.Speed > 10_000) {
			t.Fatalf("at %d: %v to %v, and it is %v; %v bytes a second", i, v.Left.Low, v.Left.High, truth, v.Speed)
		}
	}
}

// TestGround: nothing is said about the rest before it has ground.
func TestGround(t *testing.T) {
	var f feed
	p := transfer.Progress{Phase: transfer.PhaseMove, Items: 10, Bytes: 1e9}
	for i := range 40 {
		p.SentBytes, p.DoneBytes = p.SentBytes+1e6, p.DoneBytes+1e6
		if v := f.add(p); v.Left.Known() != (i >= 20) {
			t.Errorf("after %v: %+v", time.Duration(i)*every, v.Left)
		}
	}
}

// TestClockIsSet: a clock that is set, by however much and however often, spoils
// the next few readings at most.
func TestClockIsSet(t *testing.T) {
	for _, by := range []time.Duration{-time.Hour, -300_000 * time.Hour, time.Hour, 300_000 * time.Hour, math.MaxInt64, math.MinInt64} {
		var f feed
		p := transfer.Progress{Phase: transfer.PhaseMove, Bytes: 1e9}
		var v View
		for i := range 600 {
			if i < 20 && i%2 == 0 {
				f.now = f.now.Add(by)
			}
			p.SentBytes += 1e5
			p.DoneBytes = p.SentBytes
			v = f.add(p)
		}
		if v.Speed < 4.9e5 || v.Speed > 5.1e5 {
			t.Errorf("set by %v: %.0f bytes a second", by, v.Speed)
		}
		if left := seconds(float64(p.Bytes-p.DoneBytes) / 5e5); v.Left.Low > left || v.Left.High < left || v.Left.High > 2*left {
			t.Errorf("set by %v: %v left, not %v", by, v.Left, left)
		}
	}
}

// TestPaused: a pause has no speed and no estimate, and costs the estimate nothing.
func TestPaused(t *testing.T) {
	var f feed
	p := transfer.Progress{Phase: transfer.PhaseMove, Items: 10, Bytes: 10e9}
	var before View
	move := func() View {
		p.SentBytes, p.DoneBytes = p.SentBytes+2e6, p.DoneBytes+2e6
		return f.add(p)
	}
	for range 300 {
		before = move()
	}
	p.Waiting = transfer.WaitPauseThere
	for range 3000 {
		if v := f.add(p); v.Left.Known() || v.Speed != 0 {
			t.Fatalf("in the pause: %+v", v)
		}
	}
	p.Waiting = transfer.WaitNothing
	after := move()
	if d := before.Left.High - after.Left.High; !after.Left.Known() || d.Abs() > before.Left.High/20 {
		t.Errorf("%v before, %v after", before.Left, after.Left)
	}
	if math.Abs(after.Speed-10e6) > 1e6 {
		t.Errorf("speed %v", after.Speed)
	}
}

// TestLost: a link that is lost, also before that is noticed, and a process that is
// stopped have no estimate and cost it nothing.
func TestLost(t *testing.T) {
	for name, still := range map[string]func(t *testing.T, f *feed, p transfer.Progress) View{
		"link": func(t *testing.T, f *feed, p transfer.Progress) (v View) {
			for range 9 {
				f.add(p)
			}
			p.Waiting, p.Silent = transfer.WaitLink, 2*time.Second
			for range 12 {
				if v = f.add(p); v.Left.Known() {
					t.Fatalf("silent: %+v", v.Left)
				}
			}
			p.Lost = true
			for range 100 {
				if v = f.add(p); v.Left.Known() || v.Speed != 0 {
					t.Fatalf("lost: %+v", v)
				}
			}
			p.Waiting = transfer.WaitNothing // it is back
			return f.add(p)
		},
		"stopped": func(_ *testing.T, f *feed, p transfer.Progress) View {
			f.now = f.now.Add(20 * time.Second)
			return f.add(p)
		},
		"stopped, then lost": func(_ *testing.T, f *feed, p transfer.Progress) View {
			f.now = f.now.Add(time.Hour)
			f.add(p)
			p.Waiting, p.Lost = transfer.WaitLink, true
			return f.add(p)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var f feed
			p := transfer.Progress{Phase: transfer.PhaseMove, Items: 1000, Bytes: 600e6}
			move := func() View {
				p.SentBytes, p.DoneBytes, p.DoneItems = p.SentBytes+2e6, p.DoneBytes+2e6, p.DoneItems+3
				return f.add(p)
			}
			for range 150 { // 10 MB a second for half a minute
				move()
			}
			still(t, &f, p)
			for range 25 {
				v := move()
				truth := seconds(float64(p.Bytes-p.DoneBytes) / 10e6)
				if !v.Left.Known() || v.Left.High > truth*3/2 || v.Left.Low < truth*2/3 {
					t.Fatalf("%v where it takes %v", v.Left, truth)
				}
			}
		})
	}
}

// TestPart: C22. The bar is full when both have signed and not before; what came
// and is not safe counts less, and the last phase has a part of its own.
func TestPart(t *testing.T) {
	var f feed
	last := -1.0
	for i, p := range []transfer.Progress{
		{},
		{Phase: transfer.PhasePlan, Items: 2, Bytes: 1e9},
		{Phase: transfer.PhaseMove, Items: 2, Bytes: 1e9},
		{Phase: transfer.PhaseMove, Items: 2, Bytes: 1e9, DoneBytes: 1e9, PendingBytes: 1e9}, // all came, nothing is safe
		{Phase: transfer.PhaseMove, Items: 2, Bytes: 1e9, DoneBytes: 1e9, PendingBytes: 4e8, DoneItems: 1},
		{Phase: transfer.PhaseMove, Items: 2, Bytes: 1e9, DoneBytes: 1e9, DoneItems: 2},
		{Phase: transfer.PhaseFinish, Items: 2, Bytes: 1e9, DoneBytes: 1e9, DoneItems: 2, DoneSteps: 1, Steps: 3},
		{Phase: transfer.PhaseFinish, Items: 2, Bytes: 1e9, DoneBytes: 1e9, DoneItems: 2, DoneSteps: 3, Steps: 3},
		{Phase: transfer.PhaseDone, Items: 2, Bytes: 1e9, DoneBytes: 1e9, DoneItems: 2},
	} {
		v := f.add(p)
		if v.Part < last || i > 2 && v.Part <= last {
			t.Errorf("%d: %v after %v", i, v.Part, last)
		}
		if (v.Part == 1) != (p.Phase == transfer.PhaseDone) {
			t.Errorf("%d: %v in phase %v", i, v.Part, p.Phase)
		}
		if i == 3 && (v.Part < 0.85 || v.Part > 0.9) {
			t.Errorf("%v of what is not safe", v.Part)
		}
		last = v.Part
	}
	if v := f.add(transfer.Progress{Phase: transfer.PhaseMove, Items: 2, Bytes: 1e9}); v.Part < last {
		t.Error("it went back")
	}
}

// TestAnyReading: whatever a meter says, in whatever order, a view makes sense and
// little is kept.
func TestAnyReading(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var f feed
		n := rapid.OneOf(rapid.Uint64(), rapid.Uint64Range(0, 1000))
		for range rapid.IntRange(1, 60).Draw(t, "readings") {
			f.now = f.now.Add(time.Duration(rapid.OneOf(rapid.Int64Range(-1e9, 1<<45), rapid.Int64()).Draw(t, "step")))
			p := transfer.Progress{
				Phase: transfer.Phase(rapid.Uint8Range(0, 5).Draw(t, "phase")), Waiting: transfer.Wait(rapid.Uint8Range(0, 7).Draw(t, "waiting")),
				Items: n.Draw(t, "items"), DoneItems: n.Draw(t, "done items"), Bytes: n.Draw(t, "bytes"), DoneBytes: n.Draw(t, "done bytes"),
				PendingBytes: n.Draw(t, "pending"), SentBytes: n.Draw(t, "sent"), DoneSteps: rapid.IntRange(0, 9).Draw(t, "done steps"), Steps: rapid.IntRange(0, 9).Draw(t, "steps"),
			}
			v := f.add(p)
			sane := func(x float64) bool { return x >= 0 && !math.IsInf(x, 0) }
			if !sane(v.Part) || v.Part > 1 || !sane(v.Speed) || !sane(v.ItemSpeed) || v.Left.Low < 0 || v.Left.High < v.Left.Low {
				t.Fatalf("%+v of %+v", v, p)
			}
		}
	})
	var f feed
	p := transfer.Progress{Phase: transfer.PhaseMove, Bytes: 1e12}
	for range 100_000 {
		p.SentBytes += 1000
		f.add(p)
	}
	if n := len(f.e.samples); n > 310 {
		t.Errorf("%d samples are kept", n)
	}
}
