package flow

import (
	"math"
	"net/netip"
	"time"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/p2p/identity"
)

// Estimate is how long a move may take from the new phone's yes on, from … to. The
// zero value is not known. What persons take, and a verification, come on top.
type Estimate struct{ Least, Most time.Duration }

// What is taken for granted before anything was measured, from docs/benchmarks.md.
const (
	// quickLink and slowLink are content in bytes a second, of photos: over link C,
	// as good as Wi-Fi gets (900 Mbit/s), and over link D, a poor one (50 Mbit/s,
	// 1 % lost).
	quickLink = 746e6 / 8
	slowLink  = 46e6 / 8
	// quickFile and slowFile are what a file takes beside its bytes: on link C half
	// of the 2.1 s that 20,000 tiny ones took; and four times what they took on the
	// busiest disk (135 Mbit/s), because nobody has measured a phone's flash.
	quickFile = 50 * time.Microsecond
	slowFile  = time.Millisecond
	// quickRecord and slowRecord are the same of records: 6 µs on either side, and
	// ten times that.
	quickRecord = 6 * time.Microsecond
	slowRecord  = 60 * time.Microsecond

	// shortest is the least that is worth saying, and longest the most.
	shortest = time.Second
	longest  = 100 * time.Hour
)

// load is what is to move.
type load struct{ bytes, files, records float64 }

// loadOf is what was chosen: less what the new phone says is there, where it was
// asked.
func loadOf(kinds []KindChoice, p *session.Preview) (l load) {
	for _, k := range kinds {
		bytes, items := k.TakenBytes, k.Taken
		if p != nil {
			bytes, items = 0, 0
			for _, seen := range p.Kinds {
				if seen.Kind == k.Info.Kind {
					bytes, items = uint64(max(0, seen.Bytes)), seen.Add+seen.Merge
				}
			}
		}
		l.bytes += float64(bytes)
		if k.Info.Entities {
			l.records += float64(items)
		} else {
			l.files += float64(items)
		}
	}
	return l
}

// measured is how fast a move was, to a device at an address, in bytes of content a
// second. The zero value is nothing.
type measured struct {
	to          identity.DeviceID
	at          netip.Addr
	least, most float64
}

const (
	// A move tells how fast a link is when it took long enough, and of files so large
	// that it was the link that took the time.
	toldAfter = 5 * time.Second
	toldSize  = 256 << 10
	// The same link may be this much quicker or slower another time.
	mayDiffer = 2
)

// measure makes out how fast a link is. elapsed is how long the move took, and
// moving how much of it something is known to have moved in: the rest is a wait, or
// was not looked at. ok is false when that tells nothing.
func measure(items, bytes uint64, elapsed, moving time.Duration) (least, most float64, ok bool) {
	if moving > elapsed || moving < toldAfter || bytes/toldSize < max(items, 1) {
		return 0, 0, false
	}
	return float64(bytes) / elapsed.Seconds(), float64(bytes) / moving.Seconds(), true
}

// peerAt is where a phone is.
func peerAt(p Peer) (at netip.Addr) {
	if len(p.Addrs) > 0 {
		at = p.Addrs[0].Addr()
	}
	return at
}

// estimate says how long a load may take. limit is the most bytes a second, 0 = none.
func (m measured) estimate(to Peer, l load, limit int64) Estimate {
	slow, quick := float64(slowLink), float64(quickLink)
	if m.to != "" && m.to == to.Device && m.at == peerAt(to) {
		slow, quick = m.least/mayDiffer, m.most*mayDiffer
	}
	if limit > 0 {
		slow, quick = min(slow, float64(limit)), min(quick, float64(limit))
	}
	e := Estimate{
		Least: l.over(quick, quickFile, quickRecord),
		Most:  l.over(slow, slowFile, slowRecord),
	}
	if e.Least > longest {
		return Estimate{}
	}
	return Estimate{e.Least, min(max(e.Most, shortest), longest)}
}

// over is how long a load takes.
func (l load) over(rate float64, file, record time.Duration) time.Duration {
	s := l.bytes/rate + l.files*file.Seconds() + l.records*record.Seconds()
	return time.Duration(math.Min(s, 2*longest.Seconds()) * float64(time.Second))
}

// estimated adds an estimate of what is chosen.
func (s state) estimated(m measured, limit int64) state {
	s.Estimate = Estimate{}
	if s.Screen == What || s.Screen == Previewing {
		for _, k := range s.Kinds {
			if k.moves() {
				s.Estimate = m.estimate(s.Peer, loadOf(s.Kinds, s.Preview), limit)
				break
			}
		}
	}
	return s
}
