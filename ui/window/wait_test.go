package window

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/app/settings"
	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/p2p/pairing"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/wire"
	"github.com/ferry-move/ferry/ui/window/kit/kittest"
)

// aLink is a QR code's text, of a device that there is not.
const aLink = "FERRY:AAAYCOLXB2UH2F27K2RVIZWDJR7MZS4NRKI3J3RXUJO7MD23R7E3HFBQGEZDGNBVGY3TQOLBMJRWIZLGAICMBKABA4IJEBX6QAAAAAAAAAAAAAAAAAAAAAAHCCJA"

// awaiting is a new phone that waits, and shows a code.
func awaiting(t testing.TB) flow.Snapshot {
	t.Helper()
	code, err := pairing.ParseCode("7429161")
	if err != nil {
		t.Fatal(err)
	}
	link, err := pairing.ParseLink(aLink)
	if err != nil {
		t.Fatal(err)
	}
	return flow.Snapshot{
		Screen: flow.Wait, Role: flow.NewPhone, Name: "Pixel 9", Place: "/home/ada/Ferry", Free: -1,
		Addrs: []netip.AddrPort{netip.MustParseAddrPort("192.168.1.23:41234")}, Code: code, Link: link, Expires: today.Add(5 * time.Minute),
	}
}

// opening is a new phone before it waits: what time a screen begins at is the test's.
var opening = flow.Snapshot{Screen: flow.Opening, Role: flow.NewPhone}

// waits opens a window that waits.
func waits(t testing.TB, set ...func(*settings.Settings)) *face {
	f := newFace(t, opening, set...)
	f.see(awaiting(t))
	return f
}

// behindVPN is what is found where a VPN is up.
var behindVPN = &discovery.Diagnosis{Findings: []discovery.Finding{{Cause: discovery.TunnelBeside, Interfaces: []string{"tun0"}}}}

func TestWait(t *testing.T) {
	golden(t, "wait", opening, func(f *face) { f.see(awaiting(t)) })
}

func TestWaitForLong(t *testing.T) {
	s := awaiting(t)
	s.Diagnosis = behindVPN
	golden(t, "wait-long", opening, func(f *face) { f.see(s) })
}

func TestWaitAfterTheCode(t *testing.T) {
	s := awaiting(t)
	s.Code, s.Link, s.Notice.Kind = pairing.Code{}, pairing.Link{}, flow.CodeRight
	golden(t, "wait-right", opening, func(f *face) { f.see(s) })
}

func TestNobody(t *testing.T) {
	s := awaiting(t)
	s.Diagnosis = behindVPN
	golden(t, "nobody", opening, func(f *face) { f.see(s); f.tap("What to check") })
}

// After ten seconds without anybody it is said what to check, and not before; but
// at once when there is a reason.
func TestWaitSaysWhatToCheck(t *testing.T) {
	const yet = "Nobody has come yet"
	f := waits(t)
	if !f.each.Load() {
		t.Error("nothing draws the page as time goes")
	}
	f.now = func() time.Time { return today.Add(patienceEnds - time.Second) }
	if f.draw(); strings.Contains(f.text(), yet) {
		t.Error("it is said too early")
	}
	f.win.Canvas().Focus(f.base.screen.(*wait).ask)
	f.now = func() time.Time { return today.Add(patienceEnds) }
	if f.draw(); !strings.Contains(f.text(), yet) || !strings.Contains(f.text(), "same Wi-Fi") {
		t.Errorf("not said:\n%s", f.text())
	}
	if f.key(fyne.KeyReturn); !strings.Contains(f.text(), "The same Wi-Fi") { // the focus went along
		t.Errorf("the help did not open:\n%s", f.text())
	}
	f.key(fyne.KeyEscape)

	s := awaiting(t)
	s.Notice, s.Diagnosis = flow.Notice{Kind: flow.CodeWrong, TriesLeft: 2}, behindVPN
	if f.see(s); strings.Contains(f.text(), yet) {
		t.Error("somebody came")
	}
	s = awaiting(t)
	if f.see(s); strings.Contains(f.text(), yet) {
		t.Error("somebody came just now")
	}
	s.Diagnosis = behindVPN
	if f.see(s); !strings.Contains(f.text(), "tun0") {
		t.Errorf("the reason is not said:\n%s", f.text())
	}
	s.Diagnosis, s.Addrs = nil, nil
	if f.see(s); !strings.Contains(f.text(), "on no network") || strings.Contains(f.text(), "Not listed there?") {
		t.Errorf("that there is no network is not said:\n%s", f.text())
	}
}

// What was found is said first, and not twice.
func TestNobodySaysWhatWasFound(t *testing.T) {
	f := waits(t)
	f.win.Resize(fyne.NewSize(1000, 700))
	f.tap("Nobody comes?")
	for _, want := range []string{"No VPN", "742", "192.168.1.23:41234", "hotspot"} { // the code stands beside it
		if !strings.Contains(f.digits()+f.text(), want) {
			t.Errorf("%q is not said:\n%s", want, f.text())
		}
	}
	s := awaiting(t)
	s.Diagnosis = behindVPN
	f.see(s)
	text := f.text()
	if strings.Contains(text, "No VPN") || !strings.Contains(text, "A VPN is up (tun0)") {
		t.Errorf("a VPN is said twice, or not at all:\n%s", text)
	}
	if strings.Index(text, "A VPN is up") > strings.Index(text, "The same Wi-Fi") {
		t.Error("what was found does not come first")
	}
	many := *behindVPN
	for range 30 {
		many.Findings = append(many.Findings, many.Findings[0])
	}
	s.Diagnosis = &many
	if f.see(s); strings.Count(f.text(), "A VPN is up") != maxFindings {
		t.Errorf("%d findings are shown", strings.Count(f.text(), "A VPN is up"))
	}
	s.Diagnosis = &discovery.Diagnosis{}
	if f.see(s); !strings.Contains(f.text(), "network looks fine") {
		t.Errorf("nothing was found, which is not said:\n%s", f.text())
	}
	f.win.Resize(phone)
	if strings.Contains(f.digits(), "7429161") {
		t.Error("the code is beside the help on a phone")
	}
	f.key(fyne.KeyEscape)
	if !strings.Contains(f.digits(), "7429161") {
		t.Errorf("Esc did not go back to the code:\n%s", f.text())
	}
	f.wanted()

	f.tap("What to check")
	s.Notice.Kind, s.Diagnosis = flow.CodeWrong, nil
	if f.see(s); len(f.over) != 0 || !strings.Contains(f.text(), "wrong code") {
		t.Errorf("somebody came, and the help stays:\n%s", f.text())
	}
}

// digits are all that is written, without what is between.
func (f *face) digits() string { return strings.Join(strings.Fields(f.text()), "") }

func TestWaitNotices(t *testing.T) {
	f := waits(t)
	for want, n := range map[string]flow.Notice{
		"has expired":          {Kind: flow.CodeExpired},
		"typed too often":      {Kind: flow.CodeUsedUp},
		"2 tries left":         {Kind: flow.CodeWrong, TriesLeft: 2},
		"The code was right":   {Kind: flow.CodeRight},
		"You refused the move": {Kind: flow.Refused},
		"not enough free":      {Kind: flow.Withdrawn, Err: &transfer.StopError{Kind: wire.StopNoSpace}},
	} {
		s := awaiting(t)
		s.Notice = n
		if f.see(s); !strings.Contains(strings.ReplaceAll(f.text(), "\n", " "), want) {
			t.Errorf("%q is not said:\n%s", want, f.text())
		}
	}
	s := awaiting(t)
	s.Lost = &flow.Lost{}
	if f.see(s); !strings.Contains(f.text(), "lost each other") {
		t.Errorf("the lost link is not said:\n%s", f.text())
	}
}

func TestWaitStops(t *testing.T) {
	f := waits(t)
	f.tap("Stop waiting")
	f.wanted("leave")
	f.key(fyne.KeyEscape)
	f.wanted("leave")
}

// The code can be copied, and what was copied is not said of the next one.
func TestWaitCopiesTheCode(t *testing.T) {
	f := waits(t)
	f.tap("Copy the code")
	if got := f.app.Clipboard().Content(); got != "7429161" {
		t.Errorf("%q was copied", got)
	}
	if !strings.Contains(f.text(), "Copied") {
		t.Errorf("not said:\n%s", f.text())
	}
	s := awaiting(t)
	s.Code, _ = pairing.ParseCode("1234567")
	if f.see(s); strings.Contains(f.text(), "Copied") || !strings.Contains(f.digits(), "1234567") {
		t.Errorf("the next code:\n%s", f.text())
	}
}

// The page stays while only time goes by; the code's age has room to grow.
func TestWaitStays(t *testing.T) {
	f := waits(t, func(s *settings.Settings) { s.TextScale = 150 })
	before := f.base.paper().BodyHeight()
	f.tap("Copy the code") // a page that is made anew forgets it
	s := awaiting(t)
	s.Expires = today.Add(200 * 365 * 24 * time.Hour) // a line more
	f.see(s)
	if !strings.Contains(f.digits(), "Goodfor105,120,000more") || f.base.paper().BodyHeight() <= before {
		t.Errorf("the page did not grow with the age of its code: %v, now %v\n%s", before, f.base.paper().BodyHeight(), f.text())
	}
	kittest.Places(t, "later", f.win.Content(), phone.Width)
	f.now = func() time.Time { return s.Expires.Add(-time.Second) }
	s.Notice.Kind = flow.CodeRight // nobody is missed
	f.see(s)
	f.tap("Copy the code")
	if f.draw(); !strings.Contains(f.digits(), "Goodfor1more") || !strings.Contains(f.text(), "Copied") {
		t.Errorf("the page was made anew:\n%s", f.text())
	}
}
