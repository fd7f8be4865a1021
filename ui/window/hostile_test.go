package window

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/app/settings"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/receipt"
	"github.com/ferry-move/ferry/ui/say"
	"github.com/ferry-move/ferry/ui/window/kit"
	"github.com/ferry-move/ferry/ui/window/kit/kittest"
)

// hostile are texts that another device may send.
var hostile = map[string]string{
	"long": strings.Repeat("W", 10_000),
	"mixed": strings.Repeat("\u202eevil\u2066\x1b[31m\r\n\u2029\xff\xfe Z\u0351\u0352\u0353\u0354\u0355\u0356\u0357\u0358\u0359\u035a電話 "+
		"\u0627\u0644\u0647\u0627\u062a\u0641 \x00 फ़ोन ", 150),
}

// spoiled is a snapshot in which the other device says bad wherever it can, longer than
// the flow lets through, in as many kinds and devices as it keeps. What the scenes look for stays as it is.
func spoiled(s flow.Snapshot, bad string) flow.Snapshot {
	if s.Screen != flow.Start {
		s.Peer.Name = bad
	}
	if s.Screen == flow.Find {
		s.Devices = nil
		for i := range 64 { // as many as the flow keeps
			d := device(i, bad, "[fe80::1234:5678:9abc:def0%"+strings.Repeat("z", 200)+"]:65535", time.Hour)
			d.Addrs = append(d.Addrs, netip.AddrPort{})
			s.Devices = append(s.Devices, d)
		}
		s.MoreDevices = 1 << 40
	}
	name := func(n int) backup.Kind { return backup.Kind(fmt.Sprint(n, bad)) }
	named := []flow.Named{{Kind: name(0), Key: backup.Key(bad), Name: backup.Key(bad)}, {Kind: "photos", Key: backup.Key(bad), Name: backup.Key(bad)}}
	group := func(g flow.Group) flow.Group { g.Names = named; return g }
	if s.Kinds != nil {
		s.Kinds = append([]flow.KindChoice(nil), s.Kinds...)
		for i := range 60 {
			k := flow.KindChoice{Info: say.InfoOf(name(i)), Items: 1 << 63, Bytes: 1 << 63, Taken: 1 << 63, TakenBytes: 1 << 63, On: true}
			switch i % 3 {
			case 0:
				k.Err = errors.New(bad)
			case 1:
				k.Cannot = []flow.Group{group(flow.Group{Reason: backup.Reason(250), Count: 1 << 62})}
			}
			s.Kinds = append(s.Kinds, k)
		}
	}
	if s.Preview != nil {
		p := *s.Preview
		for i := range 60 {
			p.Kinds = append(p.Kinds, session.PreviewKind{Kind: name(i), Add: 1 << 63, Cannot: 3, Bytes: 1 << 62, Why: map[backup.Reason]uint64{backup.Reason(250): 1 << 63}})
		}
		s.Preview = &p
	}
	if s.Offer != nil {
		o := *s.Offer
		for i := range 60 {
			o.Kinds = append(o.Kinds, transfer.OfferedKind{Kind: name(i), Items: 1 << 63, Bytes: 1 << 63, Folders: 1 << 63, Cannot: 1 << 63, Supported: i%2 == 0})
		}
		o.MoreKinds = 1 << 40
		s.Offer = &o
	}
	if s.Progress.Kinds != nil {
		s.Progress.Kinds = append([]transfer.KindProgress(nil), s.Progress.Kinds...)
		for i := range 60 {
			s.Progress.Kinds = append(s.Progress.Kinds, transfer.KindProgress{Kind: name(i), Items: 1 << 63, DoneItems: 1 << 62, Failed: 1 << 63})
		}
	}
	if s.Result != nil {
		r := *s.Result
		r.Kinds = append([]flow.KindResult(nil), r.Kinds...)
		for i := range 60 {
			r.Kinds = append(r.Kinds, flow.KindResult{Kind: name(i), Items: 1 << 63, Added: 1 << 62, Failed: 1 << 62, Folders: 1 << 63, Bytes: 1 << 63})
			r.Declined = append(r.Declined, receipt.Declined{Kind: name(i), Items: 1 << 63})
		}
		r.NotMoved = append([]flow.Group(nil), r.NotMoved...)
		for i := range r.NotMoved {
			r.NotMoved[i] = group(r.NotMoved[i])
		}
		r.Renamed, r.Differed = group(r.Renamed), group(r.Differed)
		s.Result = &r
	}
	return s
}

// longest reports how many characters of bad texts come in a row: names are cut.
func longest(text string) int {
	most, n := 0, 0
	for _, r := range text {
		switch {
		case r == 'W' || r == 'Z':
			n++
		case !unicode.IsSpace(r) && !unicode.Is(unicode.Mn, r):
			n = 0
		}
		most = max(most, n)
	}
	return most
}

// TestHostileTexts: whatever the other device calls itself, its kinds and its items,
// every screen keeps its buttons, in every size, and names are cut and escaped.
func TestHostileTexts(t *testing.T) {
	for name, bad := range hostile {
		for _, c := range scenes(t) {
			if c.s.Screen == flow.Start {
				continue // nothing there is of another device; receipts are signed by both
			}
			c.s = spoiled(c.s, bad)
			f := newStage(t, c)
			f.player.items = badItems(bad)
			f.enter(c)
			for _, size := range []fyne.Size{phone, fyne.NewSize(1000, 700)} {
				f.win.Resize(size)
				f.harmless(name+", "+c.name, size)
			}
			if testing.Short() {
				continue
			}
			f = newStage(t, c, func(s *settings.Settings) { s.TextScale = int(100 * kit.Most) })
			f.player.items = badItems(bad)
			f.enter(c)
			f.harmless(name+" in large text, "+c.name, phone)
		}
	}
}

// badItems lists a thousand items with such names.
func badItems(bad string) func(backup.Kind, int, int) flow.Page {
	return func(k backup.Kind, from, n int) flow.Page {
		p := flow.Page{Kind: k, From: from, Listed: 1000, Complete: true}
		for i := from; i < min(p.Listed, from+n); i++ {
			e := flow.Entry{Kind: k, Key: backup.Key(fmt.Sprint(i, bad)), Size: 1 << 62}
			if i%2 == 0 {
				e.Name = bad
			}
			p.Items = append(p.Items, e)
		}
		return p
	}
}

// harmless checks what is seen of hostile texts.
func (f *stage) harmless(name string, size fyne.Size) {
	f.t.Helper()
	kittest.Places(f.t, name, f.win.Content(), size.Width)
	text := f.text()
	if n := longest(text); n > 260 {
		f.t.Errorf("%s: %d letters of one name are shown", name, n)
	}
	if len(text) > 60_000 {
		f.t.Errorf("%s: %d bytes are shown", name, len(text))
	}
	for _, r := range text {
		if r != '\n' && (unicode.IsControl(r) || strings.ContainsRune("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2028\u2029\u200e\u200f\ufffd", r)) {
			f.t.Errorf("%s: %U is shown", name, r)
			break
		}
	}
	page := f.page().Root
	if got := page.Size(); got.Width > size.Width || got.Height > size.Height {
		f.t.Errorf("%s: the page is %v", name, got)
	}
	for _, at := range kittest.Everything(page.Objects[3]) {
		if _, ok := at.O.(*kit.Button); !ok {
			continue
		}
		pos := at.Pos
		if s := at.O.Size(); pos.X < 0 || pos.Y < 0 || pos.X+s.Width > size.Width || pos.Y+s.Height > size.Height {
			f.t.Errorf("%s: the button %q is at %v, %v", name, at.O.(*kit.Button).Text(), pos, s)
		}
	}
	if bar := page.Objects[3]; bar.Visible() && bar.Size().Height > size.Height*2/3 {
		f.t.Errorf("%s: the buttons take %v of %v", name, bar.Size().Height, size.Height)
	}
}
