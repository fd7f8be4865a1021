package lanes

import (
	"testing"
	"time"
)

// TestSimulator holds the simulator against what was measured of quic-go over
// emulated links.
func TestSimulator(t *testing.T) {
	for _, c := range []struct {
		link   link
		lanes  int
		lo, hi float64
	}{
		{linkA(), 1, 0.22, 0.34}, // measured: 27 %
		{linkA(), 8, 0.85, 0.95}, // 88 %
		{linkB(), 1, 0.90, 0.95}, // 95 %
		{linkC(), 8, 0.85, 0.95}, // 89 %
		{linkD(), 1, 0.15, 0.24}, // 19 %
		{linkD(), 8, 0.85, 0.95}, // 89 %
	} {
		p := play(c.link, 5, 12*time.Second, 0, c.lanes)
		if got := p.share(c.link.rate, 2*time.Second, 12*time.Second); got < c.lo || got > c.hi {
			t.Errorf("link %s, %d lanes: %.0f %%, want %.0f to %.0f", c.link.name, c.lanes, got*100, c.lo*100, c.hi*100)
		}
	}
}

// TestLinks is the links of the benchmarks, for two minutes, or half of one.
func TestLinks(t *testing.T) {
	t.Logf("%-4s %4s  %6s %6s %6s  %5s %5s %4s  %10s", "link", "seed", "0-1 s", "1-5 s", "5 s on", "usual", "mean", "most", "changes/min")
	for _, c := range []struct {
		link                link
		first, second, rest float64 // shares of the link's rate; 93.7 % is all there is
		lo, hi              int     // lanes that it settles on
	}{
		{linkA(), 0.60, 0.85, 0.90, 3, 8},
		{linkB(), 0.88, 0.92, 0.93, 1, 1},
		{linkC(), 0.55, 0.90, 0.92, 3, 8},
		{linkD(), 0.30, 0.80, 0.88, 5, 12},
		{linkE(), 0.88, 0.90, 0.90, 1, 2},
		{linkF(), 0.90, 0.91, 0.92, 1, 2},
	} {
		t.Run(c.link.name, func(t *testing.T) {
			seeds(t, func(t *testing.T, seed uint64) {
				end := 2 * time.Minute
				if testing.Short() {
					end = 30 * time.Second
				}
				p := play(c.link, seed, end, 0, 0)
				explain(t, p)
				first := p.share(c.link.rate, 0, time.Second)
				second := p.share(c.link.rate, time.Second, 5*time.Second)
				rest := p.share(c.link.rate, 5*time.Second, end)
				usual, mean, most := p.usual(10*time.Second, end)
				one, two := p.changed(0, time.Minute), p.changed(time.Minute, 2*time.Minute)
				t.Logf("%-4s %4d  %5.1f%% %5.1f%% %5.1f%%  %5d %5.1f %4d  %5d, %d", c.link.name, seed, first*100, second*100, rest*100, usual, mean, most, one, two)
				if first < c.first || second < c.second || rest < c.rest {
					t.Errorf("goodput %.3f, %.3f, %.3f of the link; want %.3f, %.3f, %.3f", first, second, rest, c.first, c.second, c.rest)
				}
				if usual < c.lo || usual > c.hi {
					t.Errorf("settled on %d lanes, want %d to %d", usual, c.lo, c.hi)
				}
				if one > 24 || two > 18 {
					t.Errorf("%d changes in the first minute and %d in the second; want at most 24 and 18", one, two)
				}
			})
		})
	}
}

// TestPhotos is a transfer that is over in seconds: the policy has no time to
// lose. It is compared with the number of lanes that would have been best.
func TestPhotos(t *testing.T) {
	const bytes = 300e6
	for _, l := range []link{linkA(), linkB(), linkC(), linkD(), linkE(), linkF()} {
		t.Run(l.name, func(t *testing.T) {
			size := int64(bytes)
			if testing.Short() {
				size /= 4
			}
			if l.rate < 100 {
				size /= 8
			}
			seeds(t, func(t *testing.T, seed uint64) {
				best, lanes := time.Hour, 0
				for _, n := range []int{1, 2, 4, 6, 8, 12} {
					if d := play(l, seed, time.Hour, size, n).s.now; d < best {
						best, lanes = d, n
					}
				}
				p := play(l, seed, time.Hour, size, 0)
				explain(t, p)
				ratio := float64(best) / float64(p.s.now)
				t.Logf("%s: %v; with %d lanes all along %v: %.3f", l.name, p.s.now, lanes, best, ratio)
				if ratio < 0.88 {
					t.Errorf("%.3f of the speed with %d lanes, want 0.88", ratio, lanes)
				}
			})
		})
	}
}

// TestSoon is how soon a link that needs lanes has them.
func TestSoon(t *testing.T) {
	for _, c := range []struct {
		link link
		need int
	}{{linkA(), 4}, {linkC(), 4}, {linkD(), 4}} {
		seeds(t, func(t *testing.T, seed uint64) {
			p := play(c.link, seed, 2*time.Second, 0, 0)
			explain(t, p)
			for i, n := range p.lanes {
				if n >= c.need {
					if at := time.Duration(i) * Interval; at > time.Second {
						t.Errorf("link %s: %d lanes after %v", c.link.name, n, at)
					}
					return
				}
			}
			t.Errorf("link %s: never %d lanes", c.link.name, c.need)
		})
	}
}
