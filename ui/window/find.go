package window

import (
	"net/netip"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/ui/say"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// find is where new phones appear. A tap on one goes on: the code that is asked for
// next is what makes it the right one, and the way back is one tap too. The way to
// type an address is a button, which no list of phones can push away.
type find struct {
	sheet
	how, looking, still fyne.CanvasObject
	more, twins         *widget.Label

	rows  map[discovery.InstanceID]*kit.DeviceRow
	shown []discovery.InstanceID // the rows on the page, in their order
	state findState
	why   *discovery.Diagnosis // the one on the page
}

// findState is which parts are on the page.
type findState uint8

const (
	findNothing findState = iota
	findLooking           // nobody yet
	findWhy               // nobody for a while, and what to check
	findPhones
)

func newFind(w *Window) screen {
	x := &find{sheet: w.sheet(), rows: map[discovery.InstanceID]*kit.DeviceRow{}}
	words := w.words
	x.how = kit.Column(kit.Gap, kit.Title(words.Say("Choose your new phone")),
		kit.Sentence(words.Say("On the new phone, open Ferry and choose \"My new phone\". It appears here by itself.")))
	x.looking = kit.Card(0, kit.Line(kit.NewIcon(kit.WiFi, theme.ColorNamePrimary, 24), kit.Sentence(words.Say("Looking for it…"))))
	x.still = kit.Caption(words.Say("Looking for more…"))
	x.more, x.twins = kit.Caption(""), kit.Caption(words.Say("Some have the same name. Yours shows its address below its code."))
	x.page.Back(words.Say("Back"), w.on(w.flow.Back))
	x.page.Buttons(kit.NewButton(words.Say("Not listed?"), kit.Secondary, func() { w.push(func() screen { return newAddress(w) }) }))
	return x
}

// ticking implements ticking: each row says since when it is there.
func (x *find) ticking() bool { return x.state == findPhones }

func (x *find) show(s flow.Snapshot) {
	ids := make([]discovery.InstanceID, len(s.Devices))
	twins := twins(s.Devices)
	changed := false
	for i, d := range s.Devices {
		ids[i] = d.ID
		changed = x.row(d, twins[i]) || changed
	}
	state := findPhones
	switch {
	case len(ids) > 0:
	case s.Diagnosis != nil:
		state = findWhy
	default:
		state = findLooking
	}
	more := ""
	if s.MoreDevices > 0 {
		more = x.words.Number("And {{.Count}} more. If yours is not listed, type its address.",
			"And {{.Count}} more. If yours is not listed, type its address.", uint64(s.MoreDevices))
	}
	setText(x.more, more)
	x.more.Hidden, x.twins.Hidden = more == "", !slices.Contains(twins, true)
	if state != x.state || s.Diagnosis != x.why || !slices.Equal(ids, x.shown) {
		x.state, x.why, x.shown = state, s.Diagnosis, ids
		x.lay()
	} else if changed {
		x.page.Root.Refresh()
	}
}

// row makes the row of a device, or shows what is known of it by now.
func (x *find) row(d flow.Device, twin bool) (changed bool) {
	k := kit.Device{Name: d.Name, Seen: x.words.Say("Found {{.When}}", say.Fields{"When": x.words.Ago(x.now().Sub(d.FirstSeen))})}
	switch d.Form {
	case discovery.Handset:
		k.Kind = x.words.Say("Phone")
	case discovery.Computer:
		k.Kind, k.Computer = x.words.Say("Computer"), true
	}
	if say.Foreign(d.Name) == "" {
		k.Name, twin = x.words.Say("A phone without a name"), true
		if k.Computer {
			k.Name = x.words.Say("A computer without a name")
		}
	}
	if twin {
		k.Address = address(d.Addrs)
	}
	if r := x.rows[d.ID]; r != nil {
		return r.Set(k)
	}
	id := d.ID
	x.rows[id] = kit.NewDeviceRow(k, x.on(func() { x.flow.Choose(id) }))
	return true
}

// lay puts the parts of the state on the page.
func (x *find) lay() {
	parts := []fyne.CanvasObject{x.how}
	var phones []fyne.CanvasObject
	for _, id := range x.shown {
		phones = append(phones, x.rows[id])
	}
	for id, r := range x.rows {
		if !slices.Contains(x.shown, id) {
			if x.win.Canvas().Focused() == fyne.Focusable(r) {
				x.win.Canvas().Unfocus()
			}
			delete(x.rows, id)
		}
	}
	switch x.state {
	case findPhones:
		parts = append(parts, kit.Group(phones...), kit.Column(8, x.twins, x.more, x.still))
	case findWhy:
		parts = append(parts, x.looking)
		parts = append(parts, x.checks(*x.why)...)
	default:
		parts = append(parts, x.looking)
	}
	x.page.Show(parts...)
}

// checks are what may keep the phones from finding each other, the likeliest
// first, and at the end what always works.
func (x *find) checks(d discovery.Diagnosis) []fyne.CanvasObject {
	out := []fyne.CanvasObject{kit.Big(x.words.Say("Nobody yet? What to check"))}
	all := x.words.Diagnosis(d)
	for i, p := range all {
		switch i {
		case 0:
			out = append(out, kit.Notice(kit.Careful, p.What, p.Next))
		case len(all) - 1:
			out = append(out, kit.Sentence(p.String(), kit.Quiet))
		default:
			out = append(out, kit.Notice(kit.Plainly, p.What, p.Next))
		}
	}
	return out
}

// address is the shortest of several.
func address(all []netip.AddrPort) string {
	for _, a := range all {
		if a.Addr().Unmap().Is4() {
			return a.String()
		}
	}
	if len(all) > 0 {
		return all[0].String()
	}
	return ""
}

// twins reports of each device whether another one's name reads the same.
func twins(all []flow.Device) []bool {
	read := func(d flow.Device) string {
		return strings.ToLower(strings.Join(strings.Fields(say.Foreign(d.Name)), " "))
	}
	times := map[string]int{}
	for _, d := range all {
		times[read(d)]++
	}
	out := make([]bool, len(all))
	for i, d := range all {
		out[i] = times[read(d)] > 1
	}
	return out
}
