package window

import (
	"context"
	"path/filepath"
	"strings"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/app/history"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer/receipt"
	"github.com/ferry-move/ferry/ui/say"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// maxNotes is how many items are named for each reason.
const maxNotes = 10

// run is one move, as its receipt proves it.
type run struct {
	sheet
	entry history.Entry
	of    *history.Run // nil = it is being read
	news  fyne.CanvasObject
	to    copies
	ctx   context.Context // ends when the screen does
	end   context.CancelFunc
}

func newRun(w *Window, e history.Entry) screen {
	x := &run{sheet: w.sheet(), entry: e}
	x.ctx, x.end = context.WithCancel(w.ctx)
	x.to = copies{Window: w, receipt: e.Path, ctx: x.ctx, tell: x.tell}
	x.page.Back(w.words.Say("Back"), w.back)
	x.fill()
	x.beside(x.ctx, func(context.Context) func() {
		r := history.Read(e)
		return func() { x.of = &r; x.fill() }
	})
	return x
}

func (*run) show(flow.Snapshot) {}

func (x *run) leave() {
	x.to.leave()
	x.end()
}

func (x *run) fill() {
	when := kit.Caption(upper(x.words.Moment(x.entry.When, x.now())))
	switch {
	case x.of == nil:
		x.page.Show(when, kit.Sentence(x.words.Say("Reading…"), kit.Quiet))
	case x.of.Receipt == nil:
		p := x.words.Error(x.of.Err)
		x.page.Show(kit.Column(8, when, kit.Verdict(kit.Wrong, x.words.Say("This receipt proves nothing"))),
			kit.Sentence(p.What), kit.Sentence(p.Next), kit.Caption(say.Path(filepath.Base(x.entry.Path))))
	default:
		x.signed(when)
	}
}

// signed shows a receipt that both phones signed.
func (x *run) signed(when fyne.CanvasObject) {
	p := x.of.Receipt
	items, bytes, missing := x.of.Total()
	all := say.Fields{"Items": x.words.Items(items), "Size": x.words.Bytes(int64(min(bytes, 1<<62)))}
	verdict := kit.Verdict(kit.Fine, x.words.Say("Everything arrived"))
	erase := kit.Notice(kit.Fine, x.words.Say("Is it safe to erase the old phone?"),
		x.words.Say("Yes, if nothing was left out on the old phone: everything that was offered is on the new one."))
	if x.of.Erase() != history.Yes {
		verdict = kit.Verdict(kit.Careful, x.words.Number("{{.Count}} item did not arrive", "{{.Count}} items did not arrive", missing))
		erase = kit.Notice(kit.Careful, x.words.Say("Is it safe to erase the old phone?"),
			x.words.Say("No: what did not arrive is only there. Move it once more, or copy it by hand."))
	}
	body := []fyne.CanvasObject{
		kit.Column(8, when, verdict, kit.Sentence(x.way(p)+" "+x.words.Say("{{.Items}}, {{.Size}}.", all)),
			kit.Caption(x.words.Say("Both phones signed this, and nobody has changed it since."))),
		erase,
	}
	if x.news != nil {
		body = append(body, x.news)
	}
	if kinds := x.kinds(p); len(kinds) > 0 {
		body = append(body, kit.Ruled(kinds...))
	}
	body = append(body, x.missing(p)...)
	if n := uint64(len(p.Renamed)) + p.RenamedMore; n > 0 {
		body = append(body, kit.Caption(x.words.Number("{{.Count}} item has another name on the new phone.", "{{.Count}} items have another name on the new phone.", n)))
	}
	x.page.Show(append(body, kit.Caption(say.Path(filepath.Base(x.entry.Path))))...)
	if x.news != nil {
		return // they are there, and one of them may have the focus
	}
	x.page.Buttons(
		kit.NewButton(x.words.Say("Copy receipt"), kit.Secondary, x.on(x.copy)),
		kit.NewButton(x.words.Say("Save receipt"), kit.Primary, x.on(x.to.choose)),
	)
}

// way says from where to where it went.
func (x *run) way(p *receipt.Payload) string {
	old, new := x.called(p.Sender), x.called(p.Receiver)
	switch x.entry.Direction {
	case history.Sent:
		return x.words.Say("Sent from here to {{.Name}}:", new)
	case history.Received:
		return x.words.Say("Received here from {{.Name}}:", old)
	}
	return x.words.Say("Sent from {{.Old}} to {{.New}}:", say.Fields{"Old": old["Name"], "New": new["Name"]})
}

func (x *run) called(s receipt.Side) say.Fields {
	return say.Fields{"Name": x.deviceName(history.Device{Name: s.Name})}
}

// kinds are the totals of each kind.
func (x *run) kinds(p *receipt.Payload) (rows []fyne.CanvasObject) {
	row := func(k backup.Kind, text string) {
		rows = append(rows, kit.Pair(kit.Sentence(x.words.Title(say.InfoOf(k)), kit.Bold), kit.Sentence(text, kit.Quiet)))
	}
	for _, k := range p.Kinds {
		if there := k.Items - k.Failed; there > 0 || k.Folders > 0 {
			row(k.Kind, x.words.Say("{{.Items}} · {{.Size}}", say.Fields{"Items": x.words.Content(say.InfoOf(k.Kind), there, k.Folders), "Size": x.words.Bytes(int64(min(k.Bytes, 1<<62)))}))
		}
	}
	for _, d := range p.Declined {
		row(d.Kind, x.words.Say("{{.Items}}, left out on the new phone", say.Fields{"Items": x.words.Items(d.Items)}))
	}
	return rows
}

// missing says what did not arrive, by reason, and what to do about it.
func (x *run) missing(p *receipt.Payload) (cards []fyne.CanvasObject) {
	of := map[backup.Reason][]receipt.Note{}
	var order []backup.Reason
	for _, n := range p.NotMoved {
		if of[n.Reason] == nil {
			order = append(order, n.Reason)
		}
		of[n.Reason] = append(of[n.Reason], n)
	}
	for _, reason := range order {
		notes, why := of[reason], x.words.Reason(reason)
		parts := []fyne.CanvasObject{kit.Sentence(x.words.Items(uint64(len(notes))), kit.Bold), kit.Sentence(why.What), kit.Sentence(why.Next)}
		for _, n := range notes[:min(len(notes), maxNotes)] {
			parts = append(parts, kit.Caption(x.words.Item(say.InfoOf(n.Kind), backup.Key(n.Key))))
		}
		if more := len(notes) - maxNotes; more > 0 {
			parts = append(parts, kit.Caption(x.words.Number("and {{.Count}} more", "and {{.Count}} more", uint64(more))))
		}
		cards = append(cards, kit.Card(8, parts...))
	}
	if p.NotMovedMore > 0 {
		cards = append(cards, kit.Caption(x.words.Number("{{.Count}} more item did not arrive; the receipt has no room for its name.", "{{.Count}} more items did not arrive; the receipt has no room for their names.", p.NotMovedMore)))
	}
	return cards
}

// copy puts the receipt's text where it can be pasted.
func (x *run) copy() {
	x.beside(x.ctx, func(context.Context) func() {
		var b strings.Builder
		err := history.Copy(&b, x.entry.Path)
		return func() {
			if err != nil {
				p := x.words.Error(err)
				x.tell(kit.Notice(kit.Careful, p.What, p.Next))
				return
			}
			x.app.Clipboard().SetContent(b.String())
			x.tell(kit.Notice(kit.Fine, x.words.Say("Copied"), x.words.Say("The receipt can be pasted, in a message for example.")))
		}
	})
}

// tell says what became of a copy, where it is seen.
func (x *run) tell(news fyne.CanvasObject) {
	x.news = news
	x.fill()
	x.page.Top()
}
