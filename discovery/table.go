package discovery

import (
	"cmp"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/ferry-move/ferry/discovery/netif"
)

const (
	// lifetime is how long something counts that was not seen again: three
	// rounds of asking may be lost.
	lifetime = 15 * time.Second
	// parting is how long a goodbye may be taken back (RFC 6762, 10.1). A
	// device says goodbye and hello when its addresses change.
	parting = time.Second
)

// table is what a Browser knows. It merges, ages and bounds.
type table struct {
	// changed holds one token while there is a change nobody has looked at.
	changed chan struct{}

	mu    sync.Mutex
	known map[InstanceID]*record // guarded by mu; at most MaxCandidates
	full  time.Time              // guarded by mu; when somebody was last turned away
}

// record is a candidate in the table.
type record struct {
	name        string
	form        Form
	protocol    int
	first, last time.Time
	leaves      time.Time                    // zero = it has not said goodbye
	addrs       map[netip.AddrPort]time.Time // last seen; at most MaxAddrs
}

func newTable() *table {
	return &table{changed: make(chan struct{}, 1), known: make(map[InstanceID]*record)}
}

// see takes a sighting in. When the table is full newcomers are turned away:
// a flood must not push out the device that is already on the screen.
func (t *table) see(s sighting, addrs []netip.AddrPort, now time.Time) {
	if len(addrs) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.known[s.id]
	if r == nil {
		if len(t.known) >= MaxCandidates {
			t.full = now
			return
		}
		r = &record{first: now, addrs: make(map[netip.AddrPort]time.Time)}
		t.known[s.id] = r
	}
	change := r.name != s.name || r.form != s.form || r.protocol != s.protocol
	r.name, r.form, r.protocol, r.last, r.leaves = s.name, s.form, s.protocol, now, time.Time{}
	for _, a := range addrs {
		_, have := r.addrs[a]
		if !have && len(r.addrs) >= MaxAddrs {
			continue
		}
		change = change || !have
		r.addrs[a] = now
	}
	if change {
		t.signal()
	}
}

// flooded notes that announcements were dropped unread.
func (t *table) flooded(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.full = now
}

// leave notes a goodbye, if from holds for an address of the instance.
func (t *table) leave(id InstanceID, from func(netip.Addr) bool, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.known[id]
	if r == nil || !r.leaves.IsZero() {
		return
	}
	for a := range r.addrs {
		if from(a.Addr().WithZone("")) {
			r.leaves = now.Add(parting)
			return
		}
	}
}

// sweep removes what was not seen for too long.
func (t *table) sweep(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change := false
	for id, r := range t.known {
		for a, seen := range r.addrs {
			if now.Sub(seen) >= lifetime {
				delete(r.addrs, a)
				change = true
			}
		}
		if len(r.addrs) == 0 || !r.leaves.IsZero() && !now.Before(r.leaves) {
			delete(t.known, id)
			change = true
		}
	}
	if change {
		t.signal()
	}
}

// signal leaves a token in changed unless one is there. t.mu is held.
func (t *table) signal() {
	select {
	case t.changed <- struct{}{}:
	default:
	}
}

// candidates returns a copy of the table, longest known first, so that nothing
// moves in a list while a finger is on its way to it.
func (t *table) candidates(on []netif.Interface) []Candidate {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]Candidate, 0, len(t.known))
	for id, r := range t.known {
		c := Candidate{Instance: id, Name: r.name, Form: r.form, Protocol: r.protocol, FirstSeen: r.first, LastSeen: r.last}
		for a := range r.addrs {
			c.Addrs = append(c.Addrs, a)
		}
		sortAddrs(c.Addrs, on)
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Candidate) int {
		return cmp.Or(a.FirstSeen.Compare(b.FirstSeen), slices.Compare(a.Instance[:], b.Instance[:]))
	})
	return out
}

// count returns how many candidates there are, and whether others were turned
// away lately.
func (t *table) count(now time.Time) (n int, crowded bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.known), !t.full.IsZero() && now.Sub(t.full) < lifetime
}
