package lanes

import (
	"math"
	"math/rand/v2"
	"time"
)

// The simulator is a bottleneck and the connections over it, packet by packet,
// in virtual time. A connection is quic-go's NewReno: 32 packets to begin with,
// slow start that ends at a loss or at a rise of the delay, then one packet a
// round trip, down to 0.7 on a loss, no retreat on a timeout, paced. One tick
// is as precise as it gets.
const (
	tick    = 200 * time.Microsecond
	onAir   = 1494 // bytes of a full frame
	content = 1400 // bytes of it that are content: 93.7 %
)

// link is the bottleneck. Functions of time are nil where nothing changes.
type link struct {
	name         string
	lag          time.Duration // of the stack: late acknowledgements and timers
	rate         float64       // Mbit/s of frames; of loopback: what the processors can do
	rtt          time.Duration
	queue        time.Duration
	loss         float64
	burst, every time.Duration
	jitter       time.Duration // added to what is measured of an RTT, 0 to this
	rateAt       func(time.Duration) float64
	lossAt       func(time.Duration) float64
	starved      func(time.Duration) bool // the disk gives nothing
	feed         float64                  // Mbit/s of content that the disk gives; 0 = all it can
	// collapse is what share of the rate is left with n lanes.
	collapse func(n int) float64
	rivals   int // other people's connections, always full
	// rivalsFrom is when they come, rivalsTo when they go; 0 = never.
	rivalsFrom, rivalsTo time.Duration
}

type packet struct {
	lane *conn
	sent time.Duration
	due  time.Duration // when its acknowledgement is back
	lost bool
	cut  uint64 // the lane's cutbacks when it was sent
}

// conn is one connection.
type conn struct {
	cwnd, thresh float64
	inflight     int
	budget       float64
	srtt, min    time.Duration
	roundMin     time.Duration // of this round of slow start
	roundEnd     time.Duration
	cuts         uint64
	pending      int // lost, and not yet noticed
	pendingCut   bool
	heard        time.Duration // when the last acknowledgement came
	pto          int
	open         time.Duration // when its handshake is done
	rival        bool
	closing      bool
}

type sim struct {
	link
	rng       *rand.Rand
	now, free time.Duration
	conns     []*conn
	ring      []packet
	head      int
	feedLeft  float64
	starving  bool
	got       int64 // bytes of content acknowledged, ours
	rival     int64 // theirs
	sent      uint64
	lost      uint64
}

func newSim(l link, seed uint64) *sim {
	s := &sim{link: l, rng: rand.New(rand.NewPCG(seed, 4))}
	for range l.rivals {
		c := newConn(l.rivalsFrom)
		c.rival = true
		s.conns = append(s.conns, c)
	}
	return s
}

func newConn(open time.Duration) *conn {
	return &conn{cwnd: 32, thresh: math.Inf(1), open: open, heard: open}
}

// lanes returns ours that are open and not on their way out.
func (s *sim) lanes() (open, all int) {
	for _, c := range s.conns {
		if c.rival || c.closing {
			continue
		}
		all++
		if c.open <= s.now {
			open++
		}
	}
	return open, all
}

// set opens and closes lanes. A handshake takes two round trips and some
// arithmetic.
func (s *sim) set(n int) {
	_, have := s.lanes()
	for ; have < n; have++ {
		s.conns = append(s.conns, newConn(s.now+2*s.rtt+3*time.Millisecond))
	}
	for i := len(s.conns) - 1; i >= 0 && have > n; i-- {
		if c := s.conns[i]; !c.rival && !c.closing {
			c.closing = true
			have--
		}
	}
}

func (s *sim) rateNow() float64 {
	r := s.rate
	if s.rateAt != nil {
		r = s.rateAt(s.now)
	}
	if s.collapse != nil {
		n, _ := s.lanes()
		r *= s.collapse(n)
	}
	return r
}

// run goes on until the given time.
func (s *sim) run(until time.Duration) {
	for s.now < until {
		s.now += tick
		for s.head < len(s.ring) && s.ring[s.head].due <= s.now {
			s.back(&s.ring[s.head])
			s.head++
		}
		if s.head > 1<<14 {
			s.ring = s.ring[:copy(s.ring, s.ring[s.head:])]
			s.head = 0
		}
		if s.feed > 0 {
			s.feedLeft = min(s.feedLeft+s.feed*1e6/8*tick.Seconds(), 8<<20)
		}
		s.starving = s.link.starved != nil && s.link.starved(s.now) || s.feed > 0 && s.feedLeft < content
		rate := s.rateNow()
		perPacket := time.Duration(onAir * 8 / rate * float64(time.Microsecond))
		first := 0
		if len(s.conns) > 0 {
			first = s.rng.IntN(len(s.conns))
		}
		for i := range s.conns {
			s.send(s.conns[(first+i)%len(s.conns)], perPacket)
		}
	}
}

// send lets a connection send what its window and its pace allow.
func (s *sim) send(c *conn, perPacket time.Duration) {
	if c.open > s.now || c.rival && s.rivalsTo > 0 && s.now >= s.rivalsTo {
		return
	}
	rtt := max(c.srtt, s.rtt)
	pace := 1.25
	if c.cwnd < c.thresh {
		pace = 2
	}
	c.budget = min(c.budget+pace*c.cwnd/rtt.Seconds()*tick.Seconds(), max(10, 2*pace*c.cwnd*float64(tick)/float64(rtt)))
	if c.inflight > 0 && s.now-c.heard > (rtt*3/2+5*time.Millisecond)<<min(c.pto, 6) { // a probe
		c.pto++
		c.heard = s.now
		s.push(c, perPacket)
	}
	for float64(c.inflight) < c.cwnd && c.budget >= 1 {
		if !c.rival && (s.starving || c.closing) {
			return
		}
		c.budget--
		s.push(c, perPacket)
	}
}

// push hands a packet to the link.
func (s *sim) push(c *conn, perPacket time.Duration) {
	c.inflight++
	if c.inflight == 1 {
		c.heard = s.now
	}
	if !c.rival {
		s.sent++
		s.feedLeft -= content
	}
	p := packet{lane: c, sent: s.now, cut: c.cuts}
	s.free = max(s.free, s.now)
	loss := s.loss
	if s.lossAt != nil {
		loss = s.lossAt(s.now)
	}
	if s.free-s.now > s.queue {
		p.lost = true
	} else {
		s.free += perPacket
		p.lost = loss > 0 && s.rng.Float64() < loss || s.burst > 0 && s.free%s.every >= s.every-s.burst
	}
	p.due = s.free + s.rtt + s.lag
	s.ring = append(s.ring, p)
}

// back is what an acknowledgement does, or its absence.
func (s *sim) back(p *packet) {
	c := p.lane
	if p.lost { // noticed with the next that arrives
		c.pending++
		c.pendingCut = c.pendingCut || p.cut == c.cuts
		return
	}
	c.inflight--
	c.heard, c.pto = s.now, 0
	rtt := s.now - p.sent
	if s.jitter > 0 {
		rtt += time.Duration(s.rng.Float64() * float64(s.jitter))
	}
	if c.min == 0 || rtt < c.min {
		c.min = rtt
	}
	if c.srtt == 0 {
		c.srtt = rtt
	}
	c.srtt += (rtt - c.srtt) / 8
	if c.rival {
		s.rival += content
	} else {
		s.got += content
	}
	if c.pending > 0 {
		c.inflight -= c.pending
		if !c.rival {
			s.lost += uint64(c.pending)
		}
		c.pending = 0
		if c.pendingCut {
			c.pendingCut = false
			c.cuts++
			c.cwnd = max(2, c.cwnd*0.7)
			c.thresh = c.cwnd
		}
	}
	if p.cut != c.cuts || float64(c.inflight) < c.cwnd/2 { // recovering, or not using what it has
		return
	}
	switch {
	case c.cwnd >= c.thresh:
		c.cwnd += 1 / c.cwnd
	default:
		c.cwnd++
		if s.now > c.roundEnd {
			c.roundEnd, c.roundMin = s.now+c.srtt, rtt
		}
		c.roundMin = min(c.roundMin, rtt)
		if c.cwnd > 16 && c.roundMin > c.min+min(max(c.min/8, 4*time.Millisecond), 16*time.Millisecond) {
			c.thresh = c.cwnd
		}
	}
}

// sample is what a transfer would tell the policy.
func (s *sim) sample() Sample {
	open, _ := s.lanes()
	out := Sample{At: s.now, Bytes: s.got, Lanes: open, Sent: s.sent, Lost: s.lost, Starved: s.starving}
	n := 0
	for _, c := range s.conns {
		if c.rival || c.closing || c.srtt == 0 {
			continue
		}
		out.RTT += c.srtt
		n++
		if out.MinRTT == 0 || c.min < out.MinRTT {
			out.MinRTT = c.min
		}
	}
	if n > 0 {
		out.RTT /= time.Duration(n)
	}
	return out
}
