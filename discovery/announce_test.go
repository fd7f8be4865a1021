package discovery

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-move/ferry/discovery/netif"
)

func TestAnnounceFollowsInterfaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newFakeNet()
		a, err := announce(t.Context(), Announcement{Name: "Pixel\x00 9", Port: 4242}, net)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		if !a.Diagnose().Has(NoInterface) || len(net.published) != 0 {
			t.Fatalf("%v", a.Diagnose())
		}
		check := func(what string, published, withdrawn int, on ...string) {
			t.Helper()
			time.Sleep(2 * pollEvery)
			synctest.Wait()
			if len(net.published) != published || net.withdrawn != withdrawn ||
				published > 0 && !slices.Equal(names(net.published[published-1]), on) {
				t.Fatalf("%s: %d published, %d withdrawn, %v", what, len(net.published), net.withdrawn, net.published)
			}
		}
		usb := iface(5, "usb0", lanFlags, "192.168.42.1/24")
		tun := iface(6, "tun0", lanFlags, "10.8.0.2/24")
		set := func(ifs ...netif.Interface) { net.set(func() { net.ifs = ifs }) }

		set(loopback(), wlan())
		check("Wi-Fi comes", 1, 0, "wlan0")
		set(loopback(), wlan(), tun)
		check("a VPN comes", 1, 0, "wlan0")
		set(loopback(), wlan(), usb, tun)
		check("a cable comes", 2, 1, "wlan0", "usb0")
		other := wlan()
		slices.Reverse(other.Prefixes)
		set(loopback(), other, usb, tun)
		check("addresses in another order", 2, 1, "wlan0", "usb0")
		net.set(func() { net.listErr = errFake })
		check("cannot be listed", 2, 1, "wlan0", "usb0")
		net.set(func() { net.listErr = nil })
		other = wlan()
		other.Prefixes = other.Prefixes[:1]
		set(other, usb)
		check("an address goes", 3, 2, "wlan0", "usb0")
		set()
		check("all are gone", 3, 3, "wlan0", "usb0")
		net.set(func() { net.ifs, net.publishErr = []netif.Interface{wlan()}, errFake })
		check("announcing fails", 3, 3, "wlan0", "usb0")
		if d := a.Diagnose(); !d.Has(CannotJoin) || !errors.Is(d.Findings[0].Err, errFake) {
			t.Errorf("%v", d)
		}
		net.set(func() { net.publishErr = nil })
		check("and works again", 4, 3, "wlan0")
		if d := a.Diagnose(); len(d.Findings) != 0 {
			t.Errorf("%v", d)
		}

		s := net.services[0]
		if s.id != a.Instance() || s.name != "Pixel 9" || s.port != 4242 || s != net.services[3] {
			t.Errorf("%+v", net.services)
		}
		a.Close()
		a.Close()
		if net.withdrawn != 4 {
			t.Error("Close did not withdraw")
		}
	})
}

func TestAnnounceRefusesPorts(t *testing.T) {
	for _, port := range []int{-1, 0, 65536} {
		if a, err := announce(t.Context(), Announcement{Port: port}, newFakeNet()); a != nil || !errors.Is(err, errPort) {
			t.Errorf("port %d: %v", port, err)
		}
	}
}

func TestAnnounced(t *testing.T) {
	many := iface(7, "br0", lanFlags)
	for range 3 {
		many.Prefixes = append(many.Prefixes, wlan().Prefixes...)
	}
	if got := announced([]netif.Interface{wlan(), many}); !slices.Equal(got, []string{"192.168.7.20", "2001:db8:7::20", "fe80::20"}) {
		t.Errorf("%v", got)
	}
	said := (service{id: id(1), form: Computer}).text()
	if d, ok := lookup(said, "d"); !ok || parseForm(d) != Computer || ownForm() != Computer {
		t.Errorf("a computer announces %q", said)
	}
	for _, s := range (service{id: id(1), name: strings.Repeat(`\`, MaxName)}).text() {
		if len(unescape(s)) > 255 {
			t.Errorf("%d bytes in one TXT string", len(unescape(s)))
		}
	}
}
