//go:build linux

package main

import (
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// traffic is a sender's behaviour: a frame of so many bytes, so often.
type traffic struct {
	bytes int
	every time.Duration
	total int
}

// arrival is a frame that came out.
type arrival struct{ sent, came time.Duration }

// carry sends traffic over a line in virtual time and returns what came out. A
// frame's first bytes say when it was sent.
func carry(t *testing.T, link Link, tr traffic) (out []arrival, l *line) {
	t.Helper()
	l = &line{link: link, rng: rand.New(rand.NewPCG(1, 2))}
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		sent := make(map[*byte]time.Duration)
		take := func(now time.Duration) {
			for b := l.pop(now); b != nil; b = l.pop(now) {
				out = append(out, arrival{sent[&b[0]], now})
				l.release(b)
			}
		}
		next := func() (time.Duration, bool) { // when the next frame is due
			if l.empty() {
				return 0, false
			}
			return l.wait[l.head].due, true
		}
		for i := 0; i < tr.total || !l.empty(); {
			send := time.Duration(i) * tr.every
			if due, ok := next(); ok && (i == tr.total || due <= send) {
				time.Sleep(due - time.Since(start))
				take(time.Since(start))
				continue
			}
			time.Sleep(send - time.Since(start))
			b := l.buffer()[:tr.bytes]
			sent[&b[0]] = send
			l.push(time.Since(start), b)
			i++
		}
	})
	return out, l
}

const fullFrame = 1500

// saturated sends 1,500-byte frames at twice the rate for 2 s.
func saturated(link Link) traffic {
	every := time.Duration(fullFrame * 8 / link.Rate / 2 * float64(time.Microsecond))
	return traffic{fullFrame, every, int(2 * time.Second / every)}
}

func TestLineKeepsItsRate(t *testing.T) {
	for _, link := range links[:4] {
		link.Loss = 0
		out, l := carry(t, link, saturated(link))
		span := out[len(out)-1].came - out[0].came
		got := float64(len(out)-1) * fullFrame * 8 / 1e6 / span.Seconds()
		if math.Abs(got/link.Rate-1) > 0.001 {
			t.Errorf("link %s: %.1f Mbit/s of %g", link.Name, got, link.Rate)
		}
		if l.Dropped == 0 || l.Lost != 0 || int(l.Frames) != len(out) || l.Bytes != l.Frames*fullFrame {
			t.Errorf("link %s: %+v, %d came out", link.Name, l.counts, len(out))
		}
		air := time.Duration(fullFrame * 8 / link.Rate * float64(time.Microsecond))
		for i, a := range out {
			took := a.came - a.sent
			if i == 0 && took != link.Delay+air {
				t.Errorf("link %s: the first frame took %v, not %v", link.Name, took, link.Delay+air)
			}
			if worst := link.Delay + link.Queue + 2*air; took > worst {
				t.Fatalf("link %s: frame %d took %v, more than %v", link.Name, i, took, worst)
			}
			if i > 0 && (a.sent <= out[i-1].sent || a.came < out[i-1].came+air-time.Nanosecond) {
				t.Fatalf("link %s: frame %d came %v after the one before", link.Name, i, a.came-out[i-1].came)
			}
		}
		if full := out[len(out)-1]; full.came-full.sent < link.Delay+link.Queue {
			t.Errorf("link %s: its queue never filled", link.Name)
		}
	}
}

func TestLineWithoutLoad(t *testing.T) {
	link := links[1]
	out, l := carry(t, link, traffic{125, time.Millisecond, 500}) // 125 bytes are 2.5 µs there
	if len(out) != 500 || l.Dropped+l.Lost != 0 {
		t.Fatalf("%d came out, %+v", len(out), l.counts)
	}
	for i, a := range out {
		if a.came-a.sent != link.Delay+2500*time.Nanosecond {
			t.Fatalf("frame %d took %v", i, a.came-a.sent)
		}
	}
}

func TestLineLoses(t *testing.T) {
	link := Link{Name: "lossy", Rate: 100, Delay: time.Millisecond, Loss: 0.01, Queue: queue}
	const total = 200_000
	tr := traffic{500, 50 * time.Microsecond, total}
	out, l := carry(t, link, tr)
	if l.Dropped != 0 || int(l.Lost)+len(out) != total {
		t.Errorf("%+v, %d came out", l.counts, len(out))
	}
	// Four standard deviations around the mean.
	if got, dev := float64(l.Lost), 4*math.Sqrt(total*0.01*0.99); math.Abs(got-total*0.01) > dev {
		t.Errorf("%g of %d lost", got, total)
	}
	same, _ := carry(t, link, tr)
	if len(same) != len(out) || same[len(same)/2] != out[len(out)/2] {
		t.Error("the same seed lost other frames")
	}
}

func TestLineLosesInBursts(t *testing.T) {
	link := links[4]
	out, l := carry(t, link, traffic{1500, 100 * time.Microsecond, 100_000}) // 10 s, 120 Mbit/s
	if l.Dropped != 0 {
		t.Errorf("%+v", l.counts)
	}
	var gaps int
	for i, a := range out[1:] {
		switch gap := a.came - out[i].came; {
		case gap > 29*time.Millisecond && gap < 31*time.Millisecond:
			gaps++
		case gap > time.Millisecond:
			t.Errorf("a gap of %v at %v", gap, a.came)
		}
	}
	if gaps < 4 || gaps > 5 { // the last may be at the very end
		t.Errorf("%d bursts in 10 s", gaps)
	}
}

func TestLineOfAnyRate(t *testing.T) {
	out, l := carry(t, Link{Name: "fast", Delay: 3 * time.Millisecond}, traffic{1500, time.Microsecond, 20_000})
	if len(out) != 20_000 || l.Dropped != 0 {
		t.Fatalf("%d came out, %+v", len(out), l.counts)
	}
	for _, a := range out {
		if a.came-a.sent != 3*time.Millisecond {
			t.Fatalf("a frame took %v", a.came-a.sent)
		}
	}
}

// A link without a rate still holds no more than so many frames.
func TestLineIsBounded(t *testing.T) {
	l := &line{link: Link{Delay: time.Hour}}
	for range maxFrames + 10 {
		l.push(0, l.buffer()[:60])
	}
	if l.Dropped != 10 || len(l.wait) != maxFrames {
		t.Errorf("%+v, %d wait", l.counts, len(l.wait))
	}
}

func TestLinks(t *testing.T) {
	for _, want := range links {
		l, err := linkNamed(want.Name)
		if err != nil || l != want || l.check() != nil {
			t.Errorf("%s: %+v, %v", want.Name, l, err)
		}
	}
	if _, err := linkNamed("G"); err == nil {
		t.Error("there is a link G")
	}
	for _, bad := range []Link{{Loss: 1.1}, {Loss: -1}, {Rate: -1}, {Burst: 2, Every: 1}, {Loopback: true, Rate: 1}} {
		if bad.check() == nil {
			t.Errorf("%+v is good", bad)
		}
	}
}
