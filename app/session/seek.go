package session

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/discovery/netif"
	"github.com/ferry-move/ferry/p2p"
)

const (
	// A try begins pauseFirst after the one before at first, and pauseMost after
	// it when nobody was there for long. Each gets tryFirst, and more when it is
	// long that nobody was there.
	pauseFirst = 200 * time.Millisecond
	pauseMost  = 5 * time.Second
	tryFirst   = 1500 * time.Millisecond
	// tryAddrs is how many addresses are tried at once beside known ones, and
	// knownAddrs how many of those there are at most.
	tryAddrs   = 6
	knownAddrs = 8
)

// seeker looks for a device that was there before. Whoever announces itself is
// asked for its key, and nobody else's answer counts.
type seeker struct {
	known  []netip.AddrPort // where it was, the last place first
	others []netip.AddrPort // of those that announce themselves
	from   int              // the next of others
	pause  time.Duration    // 0 = pauseFirst
}

// was notes where the device was.
func (k *seeker) was(addrs ...netip.AddrPort) {
	for _, a := range slices.Backward(addrs) {
		k.known = slices.DeleteFunc(k.known, func(b netip.AddrPort) bool { return a == b })
		k.known = slices.Insert(k.known, 0, a)
	}
	k.known = k.known[:min(len(k.known), knownAddrs)]
}

// heard notes who announces itself now.
func (k *seeker) heard(cs []discovery.Candidate) {
	k.others = k.others[:0]
	for _, c := range cs {
		for _, a := range c.Addrs {
			if !slices.Contains(k.known, a) && !slices.Contains(k.others, a) {
				k.others = append(k.others, a)
			}
		}
	}
}

// next returns the addresses of the next try: what is known, and a few of the
// others in turn, however many there are.
func (k *seeker) next() []netip.AddrPort {
	out := slices.Clone(k.known)
	for i := range min(tryAddrs, len(k.others)) {
		out = append(out, k.others[(k.from+i)%len(k.others)])
	}
	if len(k.others) > 0 {
		k.from = (k.from + tryAddrs) % len(k.others)
	}
	return out
}

// patience is how long the next try may take.
func (k *seeker) patience() time.Duration { return tryFirst + k.pause }

// slower returns how long to wait after a try, longer each time.
func (k *seeker) slower() time.Duration {
	k.pause = min(max(k.pause*3/2, pauseFirst), pauseMost)
	return k.pause
}

// quicker begins with short pauses again.
func (k *seeker) quicker() { k.pause = 0 }

// seek tries until try succeeds, fails for good (ErrGone), ctx ends, or life is
// over; within is how long finding the device may take. A change of this device's networks, or of who announces itself, makes it
// quick again.
func (s *sending) seek(ctx context.Context, try func(ctx context.Context, addrs []netip.AddrPort, within time.Duration) (*p2p.Stream, error)) (*p2p.Stream, error) {
	b := discovery.Browse(ctx, discovery.Options{Loopback: s.opt.Loopback})
	defer b.Close()
	var doubts doubts
	doubts.somebody()
	doubt := time.NewTicker(doubtEvery)
	defer doubt.Stop()
	look := time.NewTicker(lifeStep)
	defer look.Stop()
	nets := networks()
	k := &s.seeker
	due := time.Now()
	pause := time.NewTimer(0)
	defer pause.Stop()
	in := func(d time.Duration) {
		due = time.Now().Add(d)
		pause.Reset(d)
	}
	changes := b.Changes()
	for {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case _, ok := <-changes:
			if !ok {
				changes = nil
				continue
			}
			cs := b.Candidates()
			if len(cs) > 0 {
				doubts.somebody()
			}
			k.heard(cs)
			// Announcements are anyone's: they neither make it faster than it is at
			// first, nor put a try off.
			k.quicker()
			if time.Until(due) > pauseFirst {
				in(pauseFirst)
			}
		case <-doubt.C:
			if len(b.Candidates()) > 0 {
				doubts.somebody()
				continue
			}
			if d, ok := doubts.news(b.Diagnose()); ok {
				s.events.tell(NobodyYet{Diagnosis: d})
			}
		case <-look.C:
			if s.life.pass(time.Now()) == 0 {
				return nil, s.lost
			}
			if now := networks(); !slices.Equal(now, nets) {
				nets = now
				k.quicker()
				in(0)
			}
		case <-pause.C:
			st, err := try(ctx, k.next(), k.patience())
			if err == nil || errors.Is(err, ErrGone) {
				return st, err
			}
			in(k.slower())
		}
	}
}

// networks are this device's own addresses; nil where the system does not tell.
func networks() (out []netip.Prefix) {
	ifs, err := netif.List()
	if err != nil {
		return nil
	}
	for _, i := range ifs {
		if i.Usable() || i.Loopback() {
			out = append(out, i.Prefixes...)
		}
	}
	slices.SortFunc(out, netip.Prefix.Compare)
	return out
}
