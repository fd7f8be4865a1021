package window

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/ui/say"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// asking asks whether what is offered may come. Nothing on it has the focus at
// first: a key that was meant for the page before accepts nothing.
type asking struct {
	sheet
	offer  *flow.Offer
	off    map[backup.Kind]bool // turned off by the person
	sum    *widget.Label
	more   *widget.Label // about the kinds that are not shown
	room   *kit.Capacity // nil = nothing is known of it
	accept *kit.Button
	cancel func() // takes the question away
}

func newAsking(w *Window) screen {
	return &asking{sheet: w.sheet(), off: map[backup.Kind]bool{}, cancel: func() {}}
}

// leave implements [screen].
func (x *asking) leave() { x.cancel() }

// show implements [screen]. An offer never changes: another one has another page.
func (x *asking) show(s flow.Snapshot) {
	if x.offer != nil || s.Offer == nil {
		return
	}
	x.offer = s.Offer
	refuse := x.on(func() { x.flow.Answer(false, nil) })
	x.accept = kit.NewButton(x.words.Say("Accept"), kit.Primary, x.on(func() { x.flow.Answer(true, x.kinds()) }))
	x.page.Escape(func() { x.doubt(refuse) })
	x.page.Buttons(kit.NewButton(x.words.Say("Refuse"), kit.Secondary, refuse), x.accept)
	x.page.Show(x.what(s)...)
	x.page.Aside(false, x.where(s))
	x.count()
}

// doubt asks before Esc refuses.
func (x *asking) doubt(refuse func()) {
	x.cancel()
	x.cancel = kit.Ask(x.win.Canvas(), kit.Question{
		Title: x.words.Say("Refuse the move?"), Sentence: x.words.Say("Nothing comes then. It can be started again on the old phone."),
		Yes: x.words.Say("Refuse"), No: x.words.Say("Go on choosing"),
		Answer: func(yes bool) {
			if yes {
				refuse()
			}
		},
	})
}

// what is who asks, and the kinds.
func (x *asking) what(s flow.Snapshot) []fyne.CanvasObject {
	title := x.words.Say("Your old phone wants to move here")
	if name := say.Foreign(s.Peer.Name); name != "" {
		title = x.words.Say("{{.Name}} wants to move here", say.Fields{"Name": name})
	}
	x.sum, x.more = kit.Big(""), kit.Sentence("", kit.Quiet)
	x.more.Hidden = x.offer.MoreKinds == 0
	var rows []fyne.CanvasObject
	var strange []string
	for _, k := range x.offer.Kinds {
		switch {
		case k.Items == 0 && k.Folders == 0:
		case k.Supported:
			rows = append(rows, x.row(k))
		default:
			strange = append(strange, x.words.Title(say.InfoOf(k.Kind)))
		}
	}
	out := []fyne.CanvasObject{kit.Title(title), kit.Sentence(x.words.Say("It has the code of this phone. Nothing comes before you accept."))}
	if len(rows) > 0 {
		out = append(out, kit.Group(rows...))
	}
	out = append(out, x.more, x.sum)
	if x.offer.Free >= 0 {
		x.room = kit.NewCapacity(x.words.Say("Room on this phone"), kit.Room{})
		out = append(out, kit.Card(12, x.room))
	}
	if len(strange) > 0 {
		out = append(out, kit.Notice(kit.Careful, x.words.Say("What cannot come"), x.words.Say("This version of Ferry does not know {{.Kinds}}. That stays on the old phone. Update Ferry here, and start the move again.",
			say.Fields{"Kinds": say.Path(x.words.List(strange))})))
	}
	return out
}

// row is a kind that may come.
func (x *asking) row(k transfer.OfferedKind) fyne.CanvasObject {
	info := say.InfoOf(k.Kind)
	var detail []string
	if k.Bytes > 0 {
		detail = append(detail, x.words.Bytes(int64(k.Bytes)))
	}
	if k.Cannot > 0 {
		detail = append(detail, x.words.Number("{{.Count}} item cannot move", "{{.Count}} items cannot move", k.Cannot))
	}
	return kit.NewKindRow(kit.Kind{
		Icon: iconOf(k.Kind), Title: x.words.Title(info), Count: x.content(info, k.Items, k.Folders), Detail: strings.Join(detail, " · "), On: true,
	}, func(on bool) { x.off[k.Kind] = !on; x.count() }, nil)
}

// content says what there is; folders only where there is nothing else.
func (x *asking) content(info backup.Info, items, folders uint64) string {
	if items > 0 {
		folders = 0
	}
	return x.words.Content(info, items, folders)
}

// where is what becomes of it here.
func (x *asking) where(s flow.Snapshot) fyne.CanvasObject {
	points := []fyne.CanvasObject{
		kit.Point(kit.Folder, x.words.Say("Where things go"), say.Path(s.Place)),
		kit.Point(kit.Check, x.words.Say("What is here stays"), x.words.Say("Nothing here is deleted or overwritten. Of two different things with one name, both are kept.")),
	}
	if x.offer.Already > 0 {
		points = append(points, kit.Point(kit.Receive, x.words.Say("Some of it is here already"),
			x.words.Say("Up to {{.Size}} need not come again.", say.Fields{"Size": x.words.Bytes(min(x.offer.Already, x.offer.Bytes))})))
	}
	if x.offer.Verify {
		points = append(points, kit.Point(kit.Receipt, x.words.Say("Everything is checked again"), x.words.Say("After the move, both phones read everything once more and compare. That takes more time.")))
	}
	return kit.Ruled(points...)
}

// kinds are those to accept; nil = all that this phone knows, which are more than
// those that are shown.
func (x *asking) kinds() (on []backup.Kind) {
	all := true
	for _, k := range x.offer.Kinds {
		if k.Supported && !x.off[k.Kind] {
			on = append(on, k.Kind)
		}
		all = all && !(k.Supported && x.off[k.Kind])
	}
	if all {
		return nil
	}
	return on
}

// count says what comes of what is on, and whether it fits.
func (x *asking) count() {
	var items, folders uint64
	var bytes int64
	for _, k := range x.offer.Kinds {
		if k.Supported && !x.off[k.Kind] {
			items, folders, bytes = items+k.Items, folders+k.Folders, bytes+int64(k.Bytes)
		}
	}
	whole, hidden := x.kinds() == nil, x.offer.MoreKinds
	switch {
	case whole && hidden > 0:
		bytes = x.offer.Bytes // they are in its sum
		x.more.SetText(x.words.Number("{{.Count}} more kind is not shown. It comes too, if this phone knows it.", "{{.Count}} more kinds are not shown. They come too, if this phone knows them.", uint64(hidden)))
	case hidden > 0:
		x.more.SetText(x.words.Number("{{.Count}} more kind is not shown. It stays on the old phone unless everything is on.", "{{.Count}} more kinds are not shown. They stay on the old phone unless everything is on.", uint64(hidden)))
	}
	nothing := items == 0 && folders == 0 && !whole
	if nothing {
		x.sum.SetText(x.words.Say("Nothing comes: turn something on, or refuse."))
	} else {
		x.sum.SetText(x.words.Say("{{.Items}}, {{.Size}}", say.Fields{"Items": x.content(backup.Info{}, items, folders), "Size": x.words.Bytes(bytes)}))
	}
	if x.accept.Enable(); x.weigh(bytes) > 0 || nothing {
		x.accept.Disable()
	}
	x.page.Root.Refresh() // a text may need another line
}

// weigh shows the room that so many bytes take here, and returns how many there are
// too many.
func (x *asking) weigh(bytes int64) int64 {
	if x.room == nil {
		return 0
	}
	free := x.offer.Free
	comes := max(0, bytes-min(bytes, x.offer.Already))
	missing := max(0, comes-free)
	x.room.Set(kit.Room{
		Move: comes, Total: max(1, free),
		Words: x.words.Say("{{.Size}} of {{.Free}} free", say.Fields{"Size": x.words.Bytes(comes), "Free": x.words.Bytes(free)}),
		Lack:  x.words.Say("This phone lacks {{.Missing}}. Turn something off, or refuse, free some room here, and start again.", say.Fields{"Missing": x.words.Bytes(missing)}),
	})
	return missing
}
