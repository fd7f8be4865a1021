package window

import (
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/ui/say"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// what is where a person chooses what to move.
type what struct {
	sheet
	sum     *widget.Label
	room    *kit.Capacity
	rows    map[backup.Kind]*kit.KindRow
	made    made
	preview *kit.Button // takes it back too, while it is asked for
	move    *kit.Button
	asked   bool   // the preview is shown when it comes
	open    *items // of the kind that is open, nil = none is
}

// made tells which parts the page is made of.
type made struct {
	kinds, others string
	trouble       string // why there is no preview
	foreseen      bool   // there is one
}

func newWhat(w *Window) screen {
	x := &what{sheet: w.sheet(), rows: map[backup.Kind]*kit.KindRow{}}
	x.sum = kit.Sentence("", kit.Quiet)
	x.room = kit.NewCapacity(w.words.Say("Room there"), kit.Room{})
	x.preview = kit.NewButton("", kit.Secondary, w.on(x.ask))
	x.move = kit.NewButton(w.words.Say("Move"), kit.Primary, w.on(w.flow.Move))
	x.page.Back(w.words.Say("Choose another phone"), w.on(w.flow.Back))
	x.page.Buttons(x.preview, x.move)
	return x
}

func (x *what) show(s flow.Snapshot) {
	c := chosenOf(s)
	setText(x.sum, x.summary(s, c))
	x.room.Set(x.roomThere(s, c))
	for _, k := range s.Kinds {
		x.row(k)
	}
	able(x.preview, c.any)
	able(x.move, c.any && c.fits(s) && s.Screen == flow.What)
	ask := x.words.Say("Preview")
	if s.Screen == flow.Previewing {
		ask = x.words.Say("Stop asking")
	}
	if x.preview.Text() != ask {
		x.preview.SetText(ask)
	}
	if now := x.partsOf(s); now != x.made {
		troubled := x.made.trouble
		x.made = now
		x.lay(s)
		if now.trouble != "" && now.trouble != troubled {
			x.page.Top()
		}
	}
	if x.open != nil {
		x.open.show(s)
	}
	if x.asked && s.Screen == flow.What {
		if x.asked = false; s.Preview != nil {
			x.push(x.foresee)
		}
	}
}

// ask asks for a preview, or takes that back.
func (x *what) ask() {
	if x.state.Screen == flow.Previewing {
		x.flow.Back()
		return
	}
	x.asked = true
	x.flow.Preview()
}

func (x *what) leave() { x.shut() }

func (x *what) foresee() screen { return newPreview(x.Window) }

func (x *what) cannot() screen { return newCannot(x.Window) }

// summary says what is chosen, and what is being done about it.
func (x *what) summary(s flow.Snapshot, c chosen) string {
	switch {
	case s.Screen == flow.Previewing:
		return x.words.Say("Asking the new phone what it has already. Nothing moves yet.")
	case !c.any:
		return x.words.Say("Nothing is chosen. Turn on at least one kind.")
	}
	f := say.Fields{"Phone": say.Foreign(s.Peer.Name), "Items": x.words.Items(c.items), "Size": x.words.Bytes(c.bytes)}
	text := x.words.Say("To {{.Phone}}: {{.Items}}, {{.Size}}", f)
	if s.Peer.Name == "" {
		text = x.words.Say("{{.Items}}, {{.Size}}", f)
	}
	if t := x.words.Range(s.Estimate.Least, s.Estimate.Most); t != "" {
		text += "\n" + t
	}
	return text
}

// roomThere says what is free on the new phone, and what of it this takes.
func (w *Window) roomThere(s flow.Snapshot, c chosen) kit.Room {
	if s.Free < 0 {
		return kit.Room{Words: w.words.Say("not known")}
	}
	r := kit.Room{Move: c.needs, Total: max(1, s.Free)}
	f := say.Fields{"Size": w.words.Bytes(c.needs), "Free": w.words.Bytes(s.Free), "Missing": w.words.Bytes(c.lacks)}
	r.Words = w.words.Say("{{.Size}} of {{.Free}}", f)
	switch {
	case c.lacks == 0:
	case s.Preview == nil && s.PreviewErr == nil:
		r.Lack = w.words.Say("The new phone lacks {{.Missing}} for all of this. Choose less, or look at the preview: what it has already takes no room.", f)
	default:
		r.Lack = w.words.Say("The new phone lacks {{.Missing}}. Choose less, or free some room there.", f)
	}
	return r
}

// row makes or changes the row of a kind.
func (x *what) row(k flow.KindChoice) {
	kind := k.Info.Kind
	r := x.rows[kind]
	if r != nil {
		r.Set(x.kindRow(k))
		return
	}
	var open func()
	if k.Items > 0 {
		open = func() { x.guard(func() { x.openKind(kind) }) }
	}
	x.rows[kind] = kit.NewKindRow(x.kindRow(k), func(on bool) { x.on(func() { x.flow.TakeKind(kind, on) })() }, open)
}

// kindRow is what a kind's row says.
func (w *Window) kindRow(k flow.KindChoice) kit.Kind {
	title := w.words.Title(k.Info)
	all := movable(k)
	out := kit.Kind{
		Icon: iconOf(k.Info.Kind), Title: title, On: k.On, Count: w.words.Count(all),
		OpenLabel: w.words.Say("Choose single items: {{.Kind}}", say.Fields{"Kind": title}),
	}
	bytes := k.Bytes
	switch {
	case k.Items == 0:
		out.Count = w.words.Folders(k.Folders)
	case k.Exceptions > 0:
		out.On, out.Some = k.Taken >= all, k.Taken > 0 && k.Taken < all
		if out.Some {
			out.Count, bytes = w.partOf(k.Taken, all), k.TakenBytes
		}
	}
	if bytes > 0 {
		out.Detail = w.words.Bytes(int64(bytes))
	}
	if k.Info.Secret {
		out.Detail = strings.TrimPrefix(out.Detail+" · "+w.words.Say("secret, off until you turn it on"), " · ")
	}
	return out
}

func (w *Window) partOf(n, all uint64) string {
	return w.words.Say("{{.Done}} of {{.All}}", say.Fields{"Done": w.words.Count(n), "All": w.words.Count(all)})
}

// partsOf tells which parts the page is to have.
func (x *what) partsOf(s flow.Snapshot) made {
	var kinds, others strings.Builder
	for _, k := range s.Kinds {
		if here(k) {
			kinds.WriteString(string(k.Info.Kind) + "\n")
		} else {
			others.WriteString(string(k.Info.Kind) + "\n")
		}
	}
	return made{kinds.String(), others.String(), x.words.Error(s.PreviewErr).String(), s.Preview != nil}
}

// here reports whether there is something of a kind to choose.
func here(k flow.KindChoice) bool { return k.Err == nil && k.Items+k.Folders > 0 }

// lay puts the page together.
func (x *what) lay(s flow.Snapshot) {
	body := []fyne.CanvasObject{kit.Title(x.words.Say("What to move")), x.sum, x.room}
	var kinds, links []fyne.CanvasObject
	var none []string
	var cannot uint64
	for _, k := range s.Kinds {
		switch title := x.words.Title(k.Info); {
		case here(k):
			kinds = append(kinds, x.rows[k.Info.Kind])
			cannot += cannotMove(k)
		case k.Err != nil:
			links = append(links, kit.Link(kit.Warning, x.words.Say("{{.Kind}} could not be read: why, and what to do", say.Fields{"Kind": title}), x.over(x.cannot)))
		default:
			none = append(none, title)
		}
	}
	if s.PreviewErr != nil {
		body = append(body, kit.Notice(kit.Careful, x.words.Say("There is no preview"), x.made.trouble))
	}
	if cannot > 0 {
		links = append(links, kit.Link(kit.Warning, x.words.Number("{{.Count}} item cannot move: why, and what to do", "{{.Count}} items cannot move: why, and what to do", cannot), x.over(x.cannot)))
	}
	if s.Preview != nil {
		links = slices.Insert(links, 0, kit.Link(kit.Info, x.words.Say("What would happen"), x.over(x.foresee)))
	}
	if len(kinds) > 0 {
		body = append(body, kit.Group(kinds...))
	}
	if len(links) > 0 {
		body = append(body, kit.Group(links...))
	}
	if len(none) > 0 {
		body = append(body, kit.Caption(x.words.Say("Nothing to move here: {{.Kinds}}.", say.Fields{"Kinds": x.words.List(none)})))
	}
	x.page.Show(body...)
}

// over opens a screen over this one.
func (x *what) over(make func() screen) func() {
	return func() {
		x.asked = false // the person looks at something else
		x.guard(func() { x.push(make) })
	}
}

// openKind shows the items of a kind.
func (x *what) openKind(kind backup.Kind) {
	k, ok := kindOf(x.state, kind)
	if !ok || x.open != nil && x.open.info.Kind == kind {
		return
	}
	x.asked = false
	x.shut()
	focused := x.win.Canvas().Focused() != nil
	x.open = newItems(x.sheet, k)
	x.page.Beside(x.words.Say("All kinds"), func() { x.guard(x.closeKind) }, x.open.list, x.open.above...)
	x.open.show(x.state)
	if focused { // not where fingers tap
		x.win.Canvas().Focus(x.open.all)
	}
}

// closeKind goes back to the kinds.
func (x *what) closeKind() {
	kind := x.open.info.Kind
	focused := x.win.Canvas().Focused() != nil
	x.shut()
	if focused {
		x.win.Canvas().Focus(x.rows[kind])
	}
}

// shut takes the items away.
func (x *what) shut() {
	if x.open != nil {
		x.open.close()
		x.open = nil
		x.page.Alone()
	}
}
