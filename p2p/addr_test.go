package p2p_test

import (
	"github.com/ferry-move/ferry/p2p/identity"
	"net"
	"net/netip"
	"testing"

	"github.com/ferry-move/ferry/p2p"
)

func TestParseAddr(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1:4242":                           "192.0.2.1:4242",
		"[2001:db8::1]:1":                          "[2001:db8::1]:1",
		"[fe80::1%wlan0]:65535":                    "[fe80::1%wlan0]:65535",
		"/ip4/192.0.2.1/udp/4242/quic-v1":          "192.0.2.1:4242",
		"/ip4/192.0.2.1/udp/4242":                  "192.0.2.1:4242",
		"/ip6/2001:db8::1/udp/4242/quic-v1":        "[2001:db8::1]:4242",
		"/ip6zone/wlan0/ip6/fe80::1/udp/7/quic-v1": "[fe80::1%wlan0]:7",
		"":                                   "",
		"/":                                  "",
		"//":                                 "",
		"192.0.2.1":                          "",
		"192.0.2.1:0":                        "",
		"192.0.2.1:65536":                    "",
		"192.0.2.1:x":                        "",
		"192.0.2.256:1":                      "",
		":4242":                              "",
		"localhost:4242":                     "",
		"phone.local:4242":                   "",
		"2001:db8::1:4242":                   "",
		" 192.0.2.1:4242":                    "",
		"https://192.0.2.1:4242":             "",
		"/ip4/192.0.2.1":                     "",
		"/ip4/192.0.2.1/tcp/4242":            "",
		"/ip4/192.0.2.1/udp/0/quic-v1":       "",
		"/udp/4242":                          "",
		"/dns4/phone.local/udp/4242/quic-v1": "",
		"/ip6zone/wlan0":                     "",
		"/ip6zone/wlan0/udp/4242":            "",
		"/p2p/12D3KooWJWoaqZhDaoEFshF7Rh1bpY9ohihFh": "",
	} {
		got, err := p2p.ParseAddr(text)
		if want == "" {
			if err == nil || got.IsValid() {
				t.Errorf("%q is %v, %v", text, got, err)
			}
		} else if err != nil || got.String() != want {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
}

// FuzzParseAddr: what is taken for an address is one, and prints as text that
// is taken again.
func FuzzParseAddr(f *testing.F) {
	for _, s := range []string{"192.0.2.1:1", "[fe80::1%a]:1", "/ip4/1.2.3.4/udp/1/quic-v1", "/ip6zone/a/ip6/fe80::1/udp/1", "/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := p2p.ParseAddr(s)
		if err != nil {
			if a != (netip.AddrPort{}) {
				t.Fatalf("%q: an error with an address", s)
			}
			return
		}
		if again, err := p2p.ParseAddr(a.String()); err != nil || again != a || a.Port() == 0 || !a.Addr().IsValid() {
			t.Fatalf("%q is %v, then %v, %v", s, a, again, err)
		}
	})
}

// An address with a zone answers, and libp2p does not link to it: another one of
// the same device is taken.
func TestDialPastAnAddressWithAZone(t *testing.T) {
	k, err := identity.New()
	if err != nil {
		t.Fatal(err)
	}
	there, err := p2p.New(p2p.Config{Key: k, Listen: true, Loopback: true})
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	lo, err := net.InterfaceByIndex(1)
	if err != nil || lo.Flags&net.FlagLoopback == 0 {
		t.Skip("skipped: interface 1 is not the loopback")
	}
	other, err := identity.New()
	if err != nil {
		t.Fatal(err)
	}
	here, err := p2p.New(p2p.Config{Key: other})
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	port := uint16(there.Port())
	zoned := netip.AddrPortFrom(netip.MustParseAddr("::1%"+lo.Name), port)
	plain := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port)
	link, err := here.Dial(t.Context(), []netip.AddrPort{zoned, plain}, there.ID())
	if err != nil || link.Addr() != plain {
		t.Fatalf("%v", err)
	}
}
