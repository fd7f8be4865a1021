package discovery

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
	"time"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// took reports whether t has signalled a change, and takes the token.
func took(t *table) bool {
	select {
	case <-t.changed:
		return true
	default:
		return false
	}
}

func TestTableMerges(t *testing.T) {
	tab := newTable()
	s := sighting{id: id(1), name: "Pixel 9", protocol: 1}
	tab.see(s, addrPorts(t, "192.168.7.30:4242"), start)
	tab.see(s, addrPorts(t, "[fe80::30%3]:4242", "192.168.7.30:4242"), start.Add(time.Second))
	if !took(tab) || took(tab) {
		t.Error("two changes should leave one token")
	}
	tab.see(s, addrPorts(t, "192.168.7.30:4242"), start.Add(2*time.Second))
	if took(tab) {
		t.Error("being seen again is no change")
	}
	got := tab.candidates(nil)
	if len(got) != 1 || len(got[0].Addrs) != 2 || got[0].FirstSeen != start || got[0].LastSeen != start.Add(2*time.Second) {
		t.Fatalf("%+v", got)
	}
	s.name = "Pixel 10"
	tab.see(s, addrPorts(t, "192.168.7.30:4242"), start.Add(3*time.Second))
	if got := tab.candidates(nil); !took(tab) || got[0].Name != "Pixel 10" {
		t.Errorf("%+v", got)
	}
	tab.see(sighting{id: id(2)}, nil, start)
	if got := tab.candidates(nil); len(got) != 1 {
		t.Error("a candidate without an address that can be tried")
	}
}

func TestTableAges(t *testing.T) {
	tab := newTable()
	s := sighting{id: id(1), protocol: 1}
	tab.see(s, addrPorts(t, "192.168.7.30:1", "192.168.7.31:1"), start)
	tab.see(s, addrPorts(t, "192.168.7.31:1"), start.Add(10*time.Second))
	took(tab)
	for _, c := range []struct {
		after  time.Duration
		addrs  int
		change bool
	}{
		{lifetime - 1, 2, false},
		{lifetime, 1, true},
		{10*time.Second + lifetime - 1, 1, false},
		{10*time.Second + lifetime, 0, true},
		{time.Hour, 0, false},
	} {
		tab.sweep(start.Add(c.after))
		addrs := 0
		for _, got := range tab.candidates(nil) {
			addrs += len(got.Addrs)
		}
		if change := took(tab); addrs != c.addrs || change != c.change {
			t.Errorf("after %v: %d addresses, change %v", c.after, addrs, change)
		}
	}
}

func TestTableGoodbye(t *testing.T) {
	at := func(s string) func(netip.Addr) bool {
		return func(a netip.Addr) bool { return a == netip.MustParseAddr(s) }
	}
	s := sighting{id: id(1), protocol: 1}
	setUp := func() *table {
		tab := newTable()
		tab.see(s, addrPorts(t, "192.168.7.30:1", "[fe80::30%3]:1"), start)
		return tab
	}
	for _, c := range []struct {
		name string
		do   func(*table)
		want int
	}{
		{"from its address", func(tab *table) { tab.leave(id(1), at("192.168.7.30"), start) }, 0},
		{"from its link-local address", func(tab *table) { tab.leave(id(1), at("fe80::30"), start) }, 0},
		{"from another's address", func(tab *table) { tab.leave(id(1), at("192.168.7.66"), start) }, 1},
		{"of another", func(tab *table) { tab.leave(id(2), at("192.168.7.30"), start) }, 1},
		{"and back", func(tab *table) {
			tab.leave(id(1), at("192.168.7.30"), start)
			tab.sweep(start.Add(parting - 1))
			tab.see(s, addrPorts(t, "192.168.7.30:1"), start.Add(parting-1))
		}, 1},
	} {
		tab := setUp()
		c.do(tab)
		tab.sweep(start.Add(parting))
		if got := len(tab.candidates(nil)); got != c.want {
			t.Errorf("goodbye %s: %d left, want %d", c.name, got, c.want)
		}
	}
}

func TestTableIsBounded(t *testing.T) {
	tab := newTable()
	known := sighting{id: id(1), name: "known", protocol: 1}
	tab.see(known, addrPorts(t, "192.168.7.30:1"), start)
	for n := range 10 * MaxCandidates {
		var i InstanceID
		binary.BigEndian.PutUint64(i[:], uint64(n+1))
		tab.see(sighting{id: i, protocol: 1}, addrPorts(t, "192.168.7.66:1"), start)
	}
	for n := range 10 * MaxAddrs {
		tab.see(known, addrPorts(t, fmt.Sprintf("192.168.8.%d:%d", n%250+1, n+1)), start.Add(time.Second))
	}
	got := tab.candidates(nil)
	if len(got) != MaxCandidates {
		t.Errorf("%d candidates", len(got))
	}
	found := false
	for _, c := range got {
		found = found || c.Instance == known.id
		if len(c.Addrs) > MaxAddrs {
			t.Errorf("%d addresses", len(c.Addrs))
		}
	}
	if !found {
		t.Error("the flood pushed out the one that was there first")
	}
	if _, crowded := tab.count(start); !crowded {
		t.Error("not crowded")
	}
	tab.sweep(start.Add(time.Minute))
	if n, crowded := tab.count(start.Add(time.Minute)); n != 0 || crowded {
		t.Errorf("%d, crowded %v, a minute later", n, crowded)
	}
}
