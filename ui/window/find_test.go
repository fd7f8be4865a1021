package window

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/ui/window/kit"
	"github.com/ferry-move/ferry/ui/window/kit/kittest"
)

// device is a new phone that was found some time ago.
func device(n int, name, addr string, ago time.Duration) flow.Device {
	return flow.Device{
		ID: discovery.InstanceID{byte(n >> 8), byte(n)}, Name: name, Addrs: []netip.AddrPort{netip.MustParseAddrPort(addr)},
		FirstSeen: today.Add(-ago), LastSeen: today,
	}
}

func finding(devices ...flow.Device) flow.Snapshot {
	return flow.Snapshot{Screen: flow.Find, Role: flow.OldPhone, Devices: devices}
}

var (
	pixel  = device(1, "Pixel 9", "192.168.1.24:41234", 5*time.Second)
	galaxy = device(2, "Galaxy A55", "192.168.1.31:50123", 61*time.Second)
	other  = device(3, "pixel  9", "192.168.1.77:40001", 3*time.Minute)
)

func TestFind(t *testing.T) {
	golden(t, "find-looking", finding(), nil)
	phone, desk := pixel, device(5, "", "192.168.1.5:40001", time.Minute)
	phone.Form, desk.Form = discovery.Handset, discovery.Computer
	golden(t, "find-phones", finding(phone, galaxy, desk), nil)
	twins := finding(pixel, galaxy, other, device(4, "", "[fe80::1]:4000", time.Hour))
	twins.MoreDevices = 436
	golden(t, "find-twins", twins, nil)
	why := finding()
	why.Diagnosis = &discovery.Diagnosis{Findings: []discovery.Finding{
		{Cause: discovery.TunnelBeside, Interfaces: []string{"tun0"}}, {Cause: discovery.NobodyHeard},
	}}
	golden(t, "find-why", why, nil)
}

// A tap on a phone goes to it; the keyboard does the same.
func TestFindChooses(t *testing.T) {
	f := newFace(t, finding(pixel, galaxy))
	f.tap("Galaxy A55, Found 1 minute ago")
	f.wanted("choose 0002")
	f.win.Canvas().FocusNext() // what leads back
	f.win.Canvas().FocusNext()
	f.key(fyne.KeyReturn)
	f.wanted("choose 0001")
	f.key(fyne.KeyEscape)
	f.wanted("back")
}

// While phones come and go, the one that has the focus keeps it, and what is shown
// is what there is.
func TestFindFollows(t *testing.T) {
	f := newFace(t, finding())
	if s := f.text(); !strings.Contains(s, "Looking for it…") || f.each.Load() {
		t.Fatalf("nobody yet, each second %v:\n%s", f.each.Load(), s)
	}
	f.see(finding(galaxy))
	f.win.Canvas().FocusNext()
	f.win.Canvas().FocusNext()
	row := f.win.Canvas().Focused()
	f.see(finding(pixel, galaxy))
	if f.win.Canvas().Focused() != row || row.(fyne.Accessible).AccessibilityLabel() != "Galaxy A55, Found 1 minute ago" {
		t.Errorf("the focus is at %v", f.win.Canvas().Focused())
	}
	f.now = func() time.Time { return today.Add(time.Hour) }
	f.draw()
	f.tap("Galaxy A55, Found 1 hour ago")
	f.wanted("choose 0002")
	if !f.each.Load() {
		t.Error("the times are not shown anew each second")
	}
	f.see(finding(pixel))
	if f.win.Canvas().Focused() != nil {
		t.Errorf("what is gone has the focus")
	}
	if s := f.text(); strings.Contains(s, "Galaxy") || !strings.Contains(s, "Pixel 9") {
		t.Errorf("Galaxy went, and Pixel stayed:\n%s", s)
	}
	f.see(finding())
	if s := f.text(); strings.Contains(s, "Pixel") || !strings.Contains(s, "Looking for it…") {
		t.Errorf("all went:\n%s", s)
	}
	if n := len(f.base.screen.(*find).rows); n != 0 {
		t.Errorf("%d rows are kept", n)
	}
}

// Phones of one name are told from each other by their addresses, and only those
// have one.
func TestFindTwins(t *testing.T) {
	long := strings.Repeat("a", 100)
	f := newFace(t, finding(pixel, galaxy, other, device(4, "", "192.168.1.9:1", 0),
		device(5, long+"b", "192.168.1.10:1", 0), device(6, long+"c", "192.168.1.11:1", 0)))
	f.tap("Pixel 9, 192.168.1.24:41234, Found just now")
	f.tap("pixel  9, 192.168.1.77:40001, Found 3 minutes ago")
	f.tap("Galaxy A55, Found 1 minute ago")
	f.tap("A phone without a name, 192.168.1.9:1, Found just now")
	f.tap(long[:60] + "…, 192.168.1.10:1, Found just now")
	f.tap(long[:60] + "…, 192.168.1.11:1, Found just now")
	f.wanted("choose 0001", "choose 0003", "choose 0002", "choose 0004", "choose 0005", "choose 0006")
	if s := f.text(); !strings.Contains(s, "the same name") {
		t.Errorf("does not say what the addresses are for:\n%s", s)
	}
	f.see(finding(pixel, galaxy))
	f.tap("Pixel 9, Found just now")
	if s := f.text(); strings.Contains(s, "the same name") || strings.Contains(s, "192.168") {
		t.Errorf("one went, and the address stays:\n%s", s)
	}
}

// SEC-11: five hundred devices with hostile names of ten kilobytes push nothing
// away, and are listed within the window.
func TestFindFlood(t *testing.T) {
	s := finding()
	for i := range 500 {
		name := strings.Repeat(fmt.Sprintf("\u202e\x1b[2J\n%d\u0301\u0301\u0301\u0301\u0301\u0301 ", i), 500)
		if i%3 == 0 {
			name = strings.Repeat("W", 10_000)
		}
		s.Devices = append(s.Devices, device(i, name, "192.168.1.24:41234", 0))
	}
	s.MoreDevices = 1 << 40
	f := newFace(t, s)
	kittest.Places(t, "500 devices", f.win.Content(), phone.Width)
	for _, at := range kittest.Everything(f.win.Content()) {
		b, ok := at.O.(*kit.Button)
		if !ok {
			continue
		}
		if y := at.Pos.Y + b.Size().Height; y > phone.Height || at.Pos.Y < phone.Height/2 {
			t.Errorf("%q is at %v, to %v", b.Text(), at.Pos, y)
		}
	}
	if size := f.win.Canvas().Size(); size != phone {
		t.Errorf("the window has become %v", size)
	}
	for _, line := range strings.Split(f.text(), "\n") {
		if strings.ContainsAny(line, "\u202e\x1b") || strings.Contains(line, strings.Repeat("\u0301", 5)) || len(line) > 200 {
			t.Errorf("shown as it came: %q", line)
		}
	}
	f.tap("Not listed?")
	if s := f.text(); !strings.Contains(s, "Type its address") {
		t.Errorf("the button leads to\n%s", s)
	}
}

// What to check is said when it is known, while the search goes on.
func TestFindWhy(t *testing.T) {
	s := finding()
	s.Diagnosis = &discovery.Diagnosis{Findings: []discovery.Finding{{Cause: discovery.OnlyTunnel, Interfaces: []string{"tun0"}}}}
	f := newFace(t, finding())
	f.see(s)
	got := strings.Join(strings.Fields(f.text()), " ")
	for _, want := range []string{"Looking for it…", "Only a VPN is up (tun0)", "turn the VPN off", "type the address that the new phone shows"} {
		if !strings.Contains(got, want) {
			t.Errorf("does not say %q:\n%s", want, got)
		}
	}
	s.Diagnosis = &discovery.Diagnosis{Findings: []discovery.Finding{{Cause: discovery.OnlyMobile}}}
	f.see(s)
	if got := f.text(); strings.Contains(got, "VPN") || !strings.Contains(got, "mobile data") {
		t.Errorf("still the reason before:\n%s", got)
	}
	s.Devices = []flow.Device{pixel}
	f.see(s)
	if got := f.text(); strings.Contains(got, "mobile data") || !strings.Contains(got, "Pixel 9") {
		t.Errorf("somebody came:\n%s", got)
	}
}
