package discovery

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grandcat/zeroconf"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/ferry-move/ferry/discovery/netif"
)

func TestBrowse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newFakeNet(wlan())
		mine, other := id(1), id(2)
		net.on = []*zeroconf.ServiceEntry{
			entry(mine, "me", 1, "192.168.7.20"),
			entry(other, "Pixel 9", 4242, "fe80::30", "192.168.7.30"),
			entry(id(3), "lying", 0, "192.168.7.31"),
		}
		b := browse(t.Context(), Options{Exclude: mine}, net)
		defer b.Close()
		<-b.Changes()
		got := b.Candidates()
		if len(got) != 1 || got[0].Instance != other || got[0].Name != "Pixel 9" ||
			!slices.Equal(got[0].Addrs, addrPorts(t, "192.168.7.30:4242", "[fe80::30%3]:4242")) {
			t.Fatalf("%+v", got)
		}

		// It stays as long as it answers, and goes when it no longer does.
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := b.Candidates(); len(got) != 1 || time.Since(got[0].LastSeen) > roundLength {
			t.Fatalf("after a minute: %+v", got)
		}
		net.set(func() { net.on = nil })
		silent := time.Now()
		<-b.Changes()
		if len(b.Candidates()) != 0 || time.Since(silent) > lifetime+sweepEvery {
			t.Errorf("%v after %v", b.Candidates(), time.Since(silent))
		}

		// It is back, and says goodbye.
		net.extra <- entry(other, "Pixel 9", 4242, "192.168.7.30")
		<-b.Changes()
		net.hear("192.168.7.30", goodbye(t, other))
		said := time.Now()
		<-b.Changes()
		if len(b.Candidates()) != 0 || time.Since(said) > parting+sweepEvery {
			t.Errorf("%v after %v", b.Candidates(), time.Since(said))
		}

		b.Close()
		if _, more := <-b.Changes(); more || net.open != 0 {
			t.Errorf("after Close: changes %v, %d ears open", more, net.open)
		}
	})
}

func TestBrowseFollowsInterfaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newFakeNet()
		ctx, cancel := context.WithCancel(t.Context())
		b := browse(ctx, Options{}, net)
		defer b.Close()
		synctest.Wait()
		if d := b.Diagnose(); !d.Has(NoInterface) || net.open != 0 {
			t.Fatalf("%v", d)
		}
		net.set(func() {
			net.ifs = []netif.Interface{wlan()}
			net.on = []*zeroconf.ServiceEntry{entry(id(2), "", 1, "192.168.7.30")}
		})
		<-b.Changes()
		if d := b.Diagnose(); len(d.Findings) != 0 || !slices.Equal(d.Interfaces, []string{"wlan0"}) {
			t.Errorf("%v", d)
		}
		// While they cannot be listed it goes on with those it knew.
		net.set(func() { net.listErr = errFake })
		time.Sleep(lifetime * 2)
		if len(b.Candidates()) != 1 || !b.Diagnose().Has(Unlisted) {
			t.Errorf("%v %v", b.Candidates(), b.Diagnose())
		}
		net.set(func() { net.listErr, net.ifs = nil, nil })
		time.Sleep(roundLength)
		synctest.Wait()
		if net.open != 0 {
			t.Error("still listening on an interface that is gone")
		}
		cancel()
		if _, more := <-b.Changes(); more {
			<-b.Changes() // the interface went, and with it the candidate
		}
	})
}

func TestBrowseDiagnoses(t *testing.T) {
	for _, c := range []struct {
		name  string
		setUp func(*fakeNet, func(from string))
		want  []Cause
	}{
		{"silence", func(*fakeNet, func(string)) {}, []Cause{NobodyHeard}},
		{"only ourselves", func(_ *fakeNet, hear func(string)) { hear("192.168.7.20") }, []Cause{NobodyHeard}},
		{"a printer", func(_ *fakeNet, hear func(string)) { hear("192.168.7.9") }, []Cause{NoAnswer}},
		{"joining refused", func(n *fakeNet, _ func(string)) { n.set(func() { n.join = []trouble{{"wlan0", errFake}} }) }, []Cause{CannotJoin}},
		{"sending refused", func(n *fakeNet, _ func(string)) { n.set(func() { n.send = []trouble{{"wlan0", errFake}} }) },
			[]Cause{CannotSend, NobodyHeard}},
		{"seeking fails", func(n *fakeNet, _ func(string)) { n.set(func() { n.seekErr = errFake }) }, []Cause{CannotJoin, NobodyHeard}},
		{"a flood", func(n *fakeNet, _ func(string)) { n.set(func() { n.seekErr = errFlood }) }, []Cause{Crowded, NobodyHeard}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := newFakeNet(wlan())
				early := false
				c.setUp(net, func(string) { early = true })
				b := browse(t.Context(), Options{}, net)
				defer b.Close()
				synctest.Wait()
				if early {
					c.setUp(net, func(from string) { net.hear(from, []byte("nonsense")) })
				}
				if d := b.Diagnose(); d.Has(NobodyHeard) || d.Has(NoAnswer) {
					t.Errorf("judged at once: %v", d)
				}
				time.Sleep(10 * time.Second)
				d := b.Diagnose()
				var got []Cause
				for _, f := range d.Findings {
					got = append(got, f.Cause)
				}
				if !slices.Equal(got, c.want) {
					t.Errorf("%v", d)
				}
				if len(net.asked) < 3 || slices.Contains(net.asked, false) {
					t.Errorf("asked %v", net.asked)
				}
			})
		})
	}
}

// goodbye is what an instance sends when it leaves.
func goodbye(t testing.TB, id InstanceID) []byte {
	t.Helper()
	name := dnsmessage.MustNewName(serviceName)
	m := dnsmessage.Message{
		Header: dnsmessage.Header{Response: true},
		Answers: []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET, TTL: 0},
			Body:   &dnsmessage.PTRResource{PTR: dnsmessage.MustNewName(id.String() + "." + serviceName)},
		}},
	}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestGoodbyes(t *testing.T) {
	whole := goodbye(t, id(2))
	if got := goodbyes(whole); !slices.Equal(got, []InstanceID{id(2)}) {
		t.Fatalf("%v", got)
	}
	for n := range len(whole) {
		if got := goodbyes(whole[:n]); got != nil {
			t.Errorf("cut at %d: %v", n, got)
		}
	}
	if got := goodbyes(query(true)); got != nil {
		t.Errorf("a query says goodbye: %v", got)
	}
}

func FuzzGoodbyes(f *testing.F) {
	f.Add(goodbye(f, id(2)))
	f.Add(query(true))
	f.Fuzz(func(t *testing.T, b []byte) {
		got := goodbyes(b)
		if len(got) > MaxCandidates || slices.Contains(got, InstanceID{}) {
			t.Fatalf("%v", got)
		}
	})
}
