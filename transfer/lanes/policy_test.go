package lanes

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestCollapse is a link that gives way under more than five lanes: those are
// left soon, and not tried again for long.
func TestCollapse(t *testing.T) {
	l := linkA()
	l.collapse = func(n int) float64 {
		if n > 5 {
			return 0.3
		}
		return 1
	}
	seeds(t, func(t *testing.T, seed uint64) {
		p := play(l, seed, time.Minute, 0, 0)
		explain(t, p)
		if got := p.share(l.rate, 5*time.Second, time.Minute); got < 0.85 {
			t.Errorf("goodput %.3f of the link, want 0.85", got)
		}
		over := 0
		for _, n := range p.lanes[index(4*time.Second):] {
			if n > 5 {
				over++
			}
		}
		if most := index(2 * time.Second); over > most {
			t.Errorf("too many lanes for %v", time.Duration(over)*Interval)
		}
	})
}

// TestGivesWay is a link that becomes bad while many lanes are in use: rate and
// loss of a phone that is carried out of the room.
func TestGivesWay(t *testing.T) {
	l := linkA()
	l.rateAt = func(now time.Duration) float64 {
		if now > 20*time.Second {
			return 10
		}
		return 400
	}
	l.lossAt = func(now time.Duration) float64 {
		if now > 20*time.Second {
			return 0.08
		}
		return 0.001
	}
	seeds(t, func(t *testing.T, seed uint64) {
		p := play(l, seed, 30*time.Second, 0, 0)
		explain(t, p)
		before := p.lanes[index(20*time.Second)]
		collapse := false
		for _, c := range p.log {
			collapse = collapse || c.Why == Collapse && c.Lanes < before
		}
		if !collapse {
			t.Errorf("%d lanes before, and no collapse was seen", before)
		}
	})
}

// TestLinkChanges is a clean link that loses packets for a while, and a lossy
// one whose rate falls and rises: the lanes follow within seconds.
func TestLinkChanges(t *testing.T) {
	during := func(now time.Duration) bool { return now > 20*time.Second && now < 50*time.Second }
	dirty, slow := linkB(), linkA()
	dirty.lossAt = func(now time.Duration) float64 {
		if during(now) {
			return 0.002
		}
		return 0
	}
	slow.rateAt = func(now time.Duration) float64 {
		if during(now) {
			return 100
		}
		return 400
	}
	seeds(t, func(t *testing.T, seed uint64) {
		p := play(dirty, seed, 90*time.Second, 0, 0)
		explain(t, p)
		if n, _, _ := p.usual(30*time.Second, 50*time.Second); n < 4 {
			t.Errorf("%d lanes while packets are lost, want 4", n)
		}
		if got := p.share(dirty.rate, 30*time.Second, 50*time.Second); got < 0.85 {
			t.Errorf("goodput %.3f of the link while packets are lost, want 0.85", got)
		}
		if n, _, _ := p.usual(70*time.Second, 90*time.Second); n > 2 {
			t.Errorf("%d lanes 20 s after the last loss, want 2", n)
		}

		p = play(slow, seed, 90*time.Second, 0, 0)
		explain(t, p)
		if got := p.share(100, 25*time.Second, 50*time.Second); got < 0.80 {
			t.Errorf("goodput %.3f of the slow link, want 0.80", got)
		}
		if n, _, _ := p.usual(40*time.Second, 50*time.Second); n > 4 {
			t.Errorf("%d lanes on the slow link, want 4", n)
		}
		if got := p.share(400, 60*time.Second, 90*time.Second); got < 0.75 {
			t.Errorf("goodput %.3f of the link when it is fast again, want 0.75", got)
		}
	})
}

// TestShallow is a clean link with hardly a queue: what it drops when it is full
// looks like chance, and only trying shows that more lanes bring nothing.
func TestShallow(t *testing.T) {
	l := linkF()
	l.queue = ms
	seeds(t, func(t *testing.T, seed uint64) {
		p := play(l, seed, time.Minute, 0, 0)
		explain(t, p)
		if n, _, _ := p.usual(15*time.Second, time.Minute); n > 2 {
			t.Errorf("%d lanes, want 2", n)
		}
		if got := p.share(l.rate, 15*time.Second, time.Minute); got < 0.85 {
			t.Errorf("goodput %.3f of the link, want 0.85", got)
		}
	})
}

// TestRivals is other people's connections on a clean link. More lanes would
// take more of it, and are not used for that.
func TestRivals(t *testing.T) {
	always, later := linkB(), linkB()
	always.rivals, later.rivals = 1, 3
	later.rivalsFrom, later.rivalsTo = 10*time.Second, 40*time.Second
	seeds(t, func(t *testing.T, seed uint64) {
		p := play(always, seed, time.Minute, 0, 0)
		explain(t, p)
		if _, mean, most := p.usual(time.Second, time.Minute); most > 2 || mean > 1.3 {
			t.Errorf("beside one: %d lanes, %.1f on the average", most, mean)
		}
		if ours := float64(p.s.got) / float64(p.s.got+p.s.rival); ours > 0.6 {
			t.Errorf("beside one: %.2f of what went over the link", ours)
		}
		p = play(later, seed, time.Minute, 0, 0)
		explain(t, p)
		if _, mean, most := p.usual(10*time.Second, 40*time.Second); most > 2 || mean > 1.3 {
			t.Errorf("beside three: %d lanes, %.1f on the average", most, mean)
		}
		if got := p.share(later.rate, 45*time.Second, time.Minute); got < 0.90 {
			t.Errorf("%.3f of the link after they went, want 0.90", got)
		}
	})
}

// TestJitter is a link whose delay says nothing: it looks full all the time.
// What lanes bring is then found by trying.
func TestJitter(t *testing.T) {
	l := linkD()
	l.jitter = 60 * ms
	seeds(t, func(t *testing.T, seed uint64) {
		p := play(l, seed, time.Minute, 0, 0)
		explain(t, p)
		if n, _, _ := p.usual(45*time.Second, time.Minute); n < 4 {
			t.Errorf("%d lanes, want 4", n)
		}
		one := play(l, seed, time.Minute, 0, 1)
		if gain := float64(p.s.got) / float64(one.s.got); gain < 2 {
			t.Errorf("%.2f times what one lane does, want 2", gain)
		}
	})
}

// TestSlowDisk is a disk slower than a lane on a link that could use many.
func TestSlowDisk(t *testing.T) {
	l := linkA()
	l.feed = 60
	seeds(t, func(t *testing.T, seed uint64) {
		p := play(l, seed, time.Minute, 0, 0)
		explain(t, p)
		if _, _, most := p.usual(time.Second, time.Minute); most > 2 {
			t.Errorf("%d lanes for what one carries", most)
		}
		if got := float64(p.s.got) * 8 / 1e6 / 60; got < 0.95*l.feed {
			t.Errorf("%.1f Mbit/s of the disk's %.0f", got, l.feed)
		}
	})
}

// TestDiskStands is a disk that gives nothing for one second of every three:
// the time without it is no reason for anything.
func TestDiskStands(t *testing.T) {
	clean, lost := linkB(), linkA()
	clean.starved = func(now time.Duration) bool { return now%(3*time.Second) > 2*time.Second }
	lost.starved = clean.starved
	seeds(t, func(t *testing.T, seed uint64) {
		p := play(clean, seed, time.Minute, 0, 0)
		explain(t, p)
		if n, _, most := p.usual(time.Second, time.Minute); n > 1 || most > 2 {
			t.Errorf("%d lanes, and %d at most, on a clean link", n, most)
		}
		p = play(lost, seed, time.Minute, 0, 0)
		explain(t, p)
		if n, _, _ := p.usual(5*time.Second, time.Minute); n < 3 {
			t.Errorf("%d lanes on a lossy link, want 3", n)
		}
		if got := p.share(lost.rate, 6*time.Second, time.Minute); got < 0.55 {
			t.Errorf("goodput %.3f of the link, of the 0.62 that there is time for", got)
		}
		for _, c := range p.log {
			if c.Why == Collapse {
				t.Errorf("a collapse at %v", c.at)
			}
		}
	})
}

// TestTiny is a transfer of a megabyte: it is over before anything is known.
func TestTiny(t *testing.T) {
	for _, l := range []link{linkA(), linkB(), linkC(), linkF()} {
		seeds(t, func(t *testing.T, seed uint64) {
			p := play(l, seed, time.Minute, 1e6, 0)
			explain(t, p)
			if _, _, most := p.usual(0, p.s.now); most > first {
				t.Errorf("link %s: %d lanes for a megabyte", l.name, most)
			}
		})
	}
}

// feed gives a policy samples of a transfer at a constant rate, and returns the
// last decision.
type feeder struct {
	p     Policy
	s     Sample
	lanes int // what there is; 0 = what is wanted
}

func (f *feeder) run(d time.Duration, edit func(*Sample)) []Decision {
	var out []Decision
	for end := f.s.At + d; f.s.At < end; {
		f.s.At += Interval
		f.s.Bytes += 1e6
		f.s.Sent += 700
		edit(&f.s)
		dec := f.p.Next(f.s)
		if dec.Why != Hold {
			out = append(out, dec)
		}
		f.s.Lanes = dec.Lanes
		if f.lanes > 0 {
			f.s.Lanes = min(dec.Lanes, f.lanes)
		}
	}
	return out
}

func quiet(s *Sample) { s.RTT, s.MinRTT = 5*ms, 4*ms }

func losing(s *Sample) { quiet(s); s.Lost++ }

// TestStart is the first seconds of a link that loses packets and never fills.
func TestStart(t *testing.T) {
	var f feeder
	got := f.run(time.Second, losing)
	want := []Decision{{Lanes: 4, Why: Start}, {Lanes: 8, Why: Lossy}}
	if len(got) != len(want) {
		t.Fatalf("decisions %v, want %v", got, want)
	}
	for i := range got {
		if got[i].Lanes != want[i].Lanes || got[i].Why != want[i].Why {
			t.Errorf("decision %d: %v, want %v", i, got[i], want[i])
		}
		if i > 0 && (got[i].Goodput < 19e6 || got[i].Goodput > 21e6) {
			t.Errorf("decision %d: goodput %.0f, want 20 MB/s", i, got[i].Goodput)
		}
	}
}

// TestBusyDevices is the start on a link that loses packets, between devices that
// answer late because they are busy. That looks like a queue, so more lanes are
// tried, and go if they bring nothing.
func TestBusyDevices(t *testing.T) {
	busy := func(s *Sample) { losing(s); s.RTT = 10 * ms }
	for _, gain := range []bool{true, false} {
		var f feeder
		got := f.run(time.Second, func(s *Sample) {
			busy(s)
			if gain && s.Lanes > 4 {
				s.Bytes += 500e3
			}
		})
		if len(got) != 2 || got[1].Lanes != 8 || got[1].Why != TryMore {
			t.Fatalf("decisions %v", got)
		}
		got = f.run(2*time.Second, func(s *Sample) {
			busy(s)
			if gain {
				s.Bytes += 500e3
			}
		})
		want := Decision{Lanes: 8, Why: Gained}
		if !gain {
			want = Decision{Lanes: 4, Why: NoGain}
		}
		if len(got) == 0 || got[0].Lanes != want.Lanes || got[0].Why != want.Why {
			t.Errorf("with a gain, %v: %v, want %v", gain, got, want)
		}
	}
}

// TestStarved is a transfer whose lanes wait all the time: one will do, and then
// nothing more is decided,
// whatever is lost.
func TestStarved(t *testing.T) {
	var f feeder
	got := f.run(time.Minute, func(s *Sample) { losing(s); s.Starved = true })
	if len(got) != 2 || got[0].Why != Start || got[1].Lanes != 1 {
		t.Errorf("decisions %v", got)
	}
}

// TestAsleep is a device that sleeps for ten minutes: what came of it is no
// goodput.
func TestAsleep(t *testing.T) {
	var f feeder
	f.run(10*time.Second, losing)
	n := f.s.Lanes
	for range 3 {
		f.s.At += 10 * time.Minute
		for _, d := range f.run(400*ms, losing) {
			t.Errorf("after a sleep: %v", d)
		}
	}
	if f.s.Lanes != n {
		t.Errorf("%d lanes after sleeping, %d before", f.s.Lanes, n)
	}
}

// TestRefused is a receiver that takes three lanes.
func TestRefused(t *testing.T) {
	f := feeder{lanes: 3}
	got := f.run(10*time.Second, func(s *Sample) { losing(s); s.Bytes += int64(s.Lanes) * 1e6 })
	refused := 0
	for _, d := range got {
		if d.Why == Refused {
			refused++
			if d.Lanes != 3 {
				t.Errorf("refused, and %d lanes wanted", d.Lanes)
			}
		}
	}
	if refused == 0 || f.s.Lanes != 3 {
		t.Errorf("decisions %v", got)
	}
}

// TestBlind is a link that tells no delays and no losses: only goodput counts.
func TestBlind(t *testing.T) {
	var f feeder
	f.run(time.Minute, func(s *Sample) { // what a lane does, up to five of them
		s.Bytes += int64(min(max(s.Lanes, 1), 5)-1) * 1e6
		s.RTT, s.MinRTT, s.Sent, s.Lost = 0, 0, 0, 0
	})
	if f.s.Lanes < 4 || f.s.Lanes > 9 {
		t.Errorf("%d lanes, want some 5", f.s.Lanes)
	}
}

// TestMax is a bound that is never exceeded.
func TestMax(t *testing.T) {
	for _, most := range []int{1, 2, 3, 5, 8, 16} {
		f := feeder{p: Policy{Max: most}}
		reached := 0
		for _, d := range f.run(2*time.Minute, func(s *Sample) { losing(s); s.Bytes += int64(s.Lanes) * 1e6 }) {
			reached = max(reached, d.Lanes)
		}
		if reached != most {
			t.Errorf("%d lanes at most, want %d", reached, most)
		}
	}
}

// TestStale is samples that come twice or too late.
func TestStale(t *testing.T) {
	var a, b feeder
	a.run(20*time.Second, losing)
	b.run(20*time.Second, func(s *Sample) {
		losing(s)
		old := *s
		old.At -= Interval
		old.Bytes, old.Lost = 0, 0
		b.p.Next(old)
	})
	if a.s != b.s {
		t.Errorf("%+v with stale samples, %+v without", b.s, a.s)
	}
}

// TestNonsense is samples without any sense: the number stays in its bounds,
// and the same samples give the same decisions.
func TestNonsense(t *testing.T) {
	run := func(seed uint64, check bool) []Decision {
		rng := rand.New(rand.NewPCG(seed, 7))
		p := Policy{Max: 1 + rng.IntN(20)}
		var s Sample
		var out []Decision
		for range 3000 {
			s.At += time.Duration(rng.Int64N(int64(200*ms))) - 5*ms
			s.Bytes += rng.Int64N(4e6) - 1e5
			s.Sent += rng.Uint64N(3000)
			s.Lost += rng.Uint64N(30)
			s.RTT, s.MinRTT = time.Duration(rng.Int64N(int64(50*ms))), time.Duration(rng.Int64N(int64(5*ms)))
			s.Starved = rng.IntN(10) == 0
			if rng.IntN(50) == 0 {
				s.Lanes = rng.IntN(40) - 5
			}
			if rng.IntN(200) == 0 {
				s = Sample{At: s.At, RTT: -1, Lost: 1 << 63}
			}
			d := p.Next(s)
			if check && (d.Lanes < 1 || d.Lanes > p.Max || d.Goodput < 0 || d.Why.String() == "?") {
				t.Fatalf("seed %d: %+v of at most %d lanes", seed, d, p.Max)
			}
			out = append(out, d)
			if rng.IntN(4) > 0 {
				s.Lanes = d.Lanes
			}
		}
		return out
	}
	for seed := range uint64(200) {
		a, b := run(seed, true), run(seed, false)
		for i := range a {
			if a[i] != b[i] {
				t.Fatalf("seed %d: decision %d differs", seed, i)
			}
		}
	}
}

// TestWhy holds the words that progress events use.
func TestWhy(t *testing.T) {
	seen := map[string]bool{}
	for w := Hold; w <= Refused; w++ {
		if s := w.String(); s == "?" || s == "" || seen[s] {
			t.Errorf("reason %d is %q", w, s)
		} else {
			seen[s] = true
		}
	}
	if s := Why(200).String(); s != "?" {
		t.Errorf("an unknown reason is %q", s)
	}
}

// BenchmarkNext is a sample and its decision.
func BenchmarkNext(b *testing.B) {
	var f feeder
	b.ReportAllocs()
	for b.Loop() {
		f.run(Interval, losing)
	}
}
