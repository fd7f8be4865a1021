package window

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/p2p/pairing"
	"github.com/ferry-move/ferry/ui/window/kit"
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

var _ = strings.ToUpper
var _ = fyne.Size{}
var _ = discovery.NoAnswer
var _ = kit.Gap
var _ = kittest.Texts

func TestWait(t *testing.T) {
	golden(t, "wait", awaiting(t), nil)
}
