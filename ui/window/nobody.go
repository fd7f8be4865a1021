package window

import (
	"slices"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// maxFindings is how many findings of a diagnosis are shown.
const maxFindings = 4

// nobody is what to do when nobody comes: what was found here, what to check, and
// other ways.
type nobody struct {
	sheet
	ticket    *ticket
	shown     bool
	code      string
	addr      string
	diagnosis *discovery.Diagnosis
}

func newNobody(w *Window) screen {
	x := &nobody{sheet: w.sheet()}
	x.page.Back(w.words.Say("Back to the code"), w.back)
	return x
}

// ticking implements [ticking]: the code beside it grows old.
func (x *nobody) ticking() bool { return true }

// show implements [screen]. When somebody comes, it is over.
func (x *nobody) show(s flow.Snapshot) {
	if x.shown && !alone(s) {
		x.back()
		return
	}
	if code, addr := s.Code.Digits(), ownAddress(s); !x.shown || code != x.code || addr != x.addr || s.Diagnosis != x.diagnosis {
		x.shown, x.code, x.addr, x.diagnosis = true, code, addr, s.Diagnosis
		x.ticket = x.newTicket(s)
		x.page.Show(kit.Title(x.words.Say("Waiting for your old phone")), x.ticket.object)
		x.page.Aside(true, x.help(s)...)
	}
	if x.ticket.age(s.Expires.Sub(x.now())) {
		x.page.Root.Refresh() // it may need another line
	}
}

func (x *nobody) help(s flow.Snapshot) []fyne.CanvasObject {
	w := x.words
	out := []fyne.CanvasObject{
		kit.Title(w.Say("Nobody comes?")),
		kit.Sentence(w.Say("This phone goes on waiting while you look. The most frequent reasons come first.")),
	}
	out = append(out, x.found(s.Diagnosis)...)
	out = append(out, kit.Ruled(x.checks(s.Diagnosis)...), kit.Card(12, kit.Point(kit.Receive, w.Say("Another way: a hotspot"),
		w.Say("No Wi-Fi is needed, and no internet. Ferry uses none of your mobile data."), kit.Column(4,
			kit.Sentence(w.Say("1. On one of the phones, turn its hotspot on, in the system's settings.")),
			kit.Sentence(w.Say("2. On the other one, join it as you join a Wi-Fi.")),
			kit.Sentence(w.Say("3. Come back here, and look for this phone on the old one again."))))))
	if x.addr != "" {
		out = append(out, kit.Card(12, kit.Point(kit.Send, w.Say("Another way: the address"),
			w.Say("It works where phones cannot find each other by themselves. On the old phone, choose \"Not listed?\" and type:"), kit.Big(x.addr))))
	}
	return out
}

// found is what was found wrong on this phone.
func (x *nobody) found(d *discovery.Diagnosis) (out []fyne.CanvasObject) {
	if d == nil {
		return nil
	}
	ps := x.words.NobodyComes(*d)
	ps = ps[:len(ps)-1] // the address has a place of its own
	for _, p := range ps[:min(len(ps), maxFindings)] {
		tone := kit.Careful
		if len(d.Findings) == 0 {
			tone = kit.Fine
		}
		out = append(out, kit.Notice(tone, p.What, p.Next))
	}
	return out
}

// checks are what to look at on both phones, the most likely first, without what
// was found already.
func (x *nobody) checks(d *discovery.Diagnosis) (out []fyne.CanvasObject) {
	w := x.words
	for _, c := range []struct {
		glyph          kit.Glyph
		word, sentence string
		found          []discovery.Cause // the findings that say the same
	}{
		{kit.WiFi, w.Say("The same Wi-Fi"), w.Say("Look in the Wi-Fi settings of both phones: the name must be the same. Mobile data is not enough."),
			[]discovery.Cause{discovery.NoInterface, discovery.OnlyMobile, discovery.SeveralNetworks}},
		{kit.Phone, w.Say("Ferry on the old phone"), w.Say("It must be open at \"My old phone\", with the screen on."), nil},
		{kit.LostLink, w.Say("No guest Wi-Fi"), w.Say("The Wi-Fi of hotels, schools and guests often keeps phones apart. Take another one, or a hotspot."),
			[]discovery.Cause{discovery.NoMulticast, discovery.NobodyHeard}},
		{kit.Boat, w.Say("No VPN"), w.Say("Turn it off on both phones until the move is done. Some apps that block advertisements are one too."),
			[]discovery.Cause{discovery.OnlyTunnel, discovery.TunnelBeside}},
		{kit.Settings, w.Say("Permission"), w.Say("If a phone asks whether Ferry may find devices nearby, allow it. If it has asked before, look in its settings. On a computer, allow Ferry in the firewall."),
			[]discovery.Cause{discovery.CannotJoin, discovery.CannotSend}},
	} {
		if d != nil && slices.ContainsFunc(c.found, d.Has) {
			continue
		}
		out = append(out, kit.Point(c.glyph, c.word, c.sentence))
	}
	return out
}
