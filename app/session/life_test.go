package session

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/receipt"
)

// A session lives as long as it should by a clock that ticks, and a process that
// was stopped has nearly all of its life left, however late its timers come.
func TestLife(t *testing.T) {
	now := time.Now()
	var l life
	l.begin(now)
	for range 1799 {
		now = now.Add(lifeStep)
		if l.pass(now) == 0 {
			t.Fatal("it ended too early")
		}
	}
	if l.pass(now.Add(lifeStep)) != 0 {
		t.Error("it does not end after half an hour")
	}
	l.renew()
	if l.left() != Life {
		t.Errorf("a link that was of use leaves %v", l.left())
	}
	for _, stopped := range []time.Duration{10 * time.Minute, 40 * time.Minute, 24 * time.Hour, -3 * time.Hour} {
		l = life{}
		l.begin(now)
		if left := l.pass(now.Add(stopped)); left < Life-10*time.Second {
			t.Errorf("after %v in which it did not run %v are left", stopped, left)
		}
	}
	// What passes between two waits does not count.
	l = life{}
	l.begin(now)
	l.pass(now.Add(5 * time.Second))
	l.begin(now.Add(time.Hour))
	if left := l.pass(now.Add(time.Hour + 5*time.Second)); left != Life-10*time.Second {
		t.Errorf("%v are left", left)
	}
}

// A search is quick at first and gentle later, and tries who is new in turn.
func TestSeeker(t *testing.T) {
	var k seeker
	var all time.Duration
	tries := 0
	for ; all < 2*time.Second; tries++ {
		all += k.slower()
	}
	if tries < 5 {
		t.Errorf("%d tries in the first two seconds", tries)
	}
	for range 20 {
		k.slower()
	}
	if k.slower() != pauseMost || k.patience() < 5*time.Second {
		t.Errorf("%v later, %v each", k.slower(), k.patience())
	}
	k.quicker()
	if k.slower() != pauseFirst {
		t.Error("it does not become quick again")
	}

	at := func(i int) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 4000)
	}
	for i := range 20 {
		k.was(at(i))
	}
	if len(k.known) != knownAddrs || k.known[0] != at(19) {
		t.Errorf("%v", k.known)
	}
	k.known = []netip.AddrPort{at(0)}
	var cs []discovery.Candidate
	for i := range 100 {
		cs = append(cs, discovery.Candidate{Addrs: []netip.AddrPort{at(i), at(i + 1)}})
	}
	k.heard(cs)
	tried := map[netip.AddrPort]bool{}
	for range 100/tryAddrs + 1 {
		next := k.next()
		if len(next) != 1+tryAddrs || next[0] != at(0) {
			t.Fatalf("%v", next)
		}
		for _, a := range next {
			tried[a] = true
		}
	}
	if len(tried) != 101 {
		t.Errorf("%d of 101 addresses were tried", len(tried))
	}
}

// The reports of a session's parts are those of the session.
func TestSum(t *testing.T) {
	part := func(receipt bool, sent uint64, k receiptKind, brought, before []transfer.Brought) *transfer.Report {
		r := &transfer.Report{SentItems: sent, SentBytes: 10 * sent, Kinds: []receiptKind{k}, Brought: brought, Before: before}
		if receipt {
			r.Receipt = []byte("receipt")
		}
		return r
	}
	const kind = backup.Kind("photos")
	// 100 items: 60 came in the first part, 5 of them unheard; 30 were there before.
	brought := []transfer.Brought{{Kind: kind, Added: 50, Merged: 10}}
	for side, known := range map[string][]transfer.Brought{"old": nil, "new": brought} {
		var s sum
		first := part(false, 60, receiptKind{Kind: kind, Items: 85, Added: 45, Merged: 10, Skipped: 30}, known, nil)
		s.add(first)
		second := part(false, 0, receiptKind{Kind: kind, Items: 10, Skipped: 10}, nil, nil)
		if s.add(second); !slices.Equal(second.Kinds, first.Kinds) {
			t.Errorf("%s: a part that broke off earlier leaves %+v", side, second.Kinds)
		}
		last := part(true, 10, receiptKind{Kind: kind, Items: 100, Added: 9, Skipped: 90, Failed: 1}, nil, brought)
		s.add(last)
		if want := (receiptKind{Kind: kind, Items: 100, Added: 59, Merged: 10, Skipped: 30, Failed: 1}); last.Kinds[0] != want {
			t.Errorf("%s: %+v; want %+v", side, last.Kinds[0], want)
		}
		if last.SentItems != 70 || last.SentBytes != 700 {
			t.Errorf("%s: %d items, %d bytes", side, last.SentItems, last.SentBytes)
		}
	}
	// The new phone cannot say that more was brought than was sent.
	var s sum
	s.add(part(false, 1, receiptKind{Kind: kind}, nil, nil))
	lie := part(true, 0, receiptKind{Kind: kind, Items: 100, Skipped: 100}, nil, []transfer.Brought{{Kind: kind, Added: 100}})
	if s.add(lie); lie.Kinds[0].Added > 1+transfer.MaxLanes || lie.Kinds[0].Added+lie.Kinds[0].Skipped != 100 {
		t.Errorf("%+v", lie.Kinds[0])
	}
}

type receiptKind = receipt.Kind
