package window

import (
	"context"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/app/history"
	"github.com/ferry-move/ferry/ui/say"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// past lists the devices of earlier moves.
type past struct {
	sheet
	list   *history.List // nil = it is being read
	err    error
	rows   *kit.List
	ctx    context.Context // ends when the screen does
	end    context.CancelFunc
	cancel func() // takes the question away
}

func newHistory(w *Window) screen {
	x := &past{sheet: w.sheet(), cancel: func() {}}
	x.ctx, x.end = context.WithCancel(w.ctx)
	x.rows = kit.NewList(kit.ListOptions{
		Len: x.len, Item: x.item, Toggle: func(i int) { w.on(func() { x.tapped(i) })() }, Opens: true, Label: w.words.Say("Devices"),
	})
	x.page.Back(w.words.Say("Back"), w.back)
	x.fill()
	x.read()
	return x
}

func (*past) show(flow.Snapshot) {}

func (x *past) focus() fyne.Focusable {
	if x.len() == 0 || x.err != nil {
		return nil
	}
	return x.rows
}

func (x *past) leave() { x.cancel(); x.end() }

// read reads what is kept.
func (x *past) read() {
	x.beside(x.ctx, func(ctx context.Context) func() {
		l, err := history.Open(ctx, x.opt.Home)
		return func() {
			x.list, x.err = l, err
			x.fill()
			if part := x.focus(); part != nil && x.top() == screen(x) {
				x.win.Canvas().Focus(part)
			}
		}
	})
}

func (x *past) fill() {
	title := kit.Title(x.words.Say("History"))
	switch {
	case x.err != nil:
		p := x.words.Error(x.err)
		x.page.Show(title, kit.Notice(kit.Wrong, p.What, p.Next))
	case x.list == nil:
		x.page.Show(title, kit.Sentence(x.words.Say("Reading…"), kit.Quiet))
	case x.len() == 0:
		x.page.Buttons()
		x.page.Show(title, kit.Sentence(x.words.Say("There is nothing yet. When a move ends, both phones sign a receipt of what was moved and what was not, and it is here.")))
	default:
		above := []fyne.CanvasObject{title}
		if n := x.list.More; n > 0 {
			above = append(above, kit.Caption(x.words.Number("{{.Count}} older receipt is not listed.", "{{.Count}} older receipts are not listed.", uint64(n))))
		}
		x.page.Buttons(kit.NewButton(x.words.Say("Delete everything kept"), kit.Secondary, x.on(x.askAll)))
		x.page.Fill(x.rows, above...)
		x.rows.Refresh()
	}
}

// len counts the rows: the devices, and one for receipts that are damaged.
func (x *past) len() int {
	if x.list == nil {
		return 0
	}
	n := len(x.list.Devices)
	if len(x.list.Damaged) > 0 {
		n++
	}
	return n
}

func (x *past) item(i int) kit.Item {
	if i == len(x.list.Devices) {
		return kit.Item{
			Title:  x.words.Say("Damaged"),
			Detail: x.words.Number("{{.Count}} receipt", "{{.Count}} receipts", uint64(len(x.list.Damaged))),
		}
	}
	d := x.list.Devices[i]
	last := say.Fields{"Date": x.words.Date(d.Last, x.now())}
	it := kit.Item{Title: x.nameOf(d), Detail: x.words.Number("{{.Count}} move, {{.Date}}", "{{.Count}} moves, {{.Date}}", uint64(len(d.Runs)), last)}
	if len(d.Runs) == 0 {
		it.Detail = x.words.Say("Not finished, {{.Date}}", last)
	}
	return it
}

// nameOf is what a device is called; where another one is called the same, with
// the end of its ID.
func (x *past) nameOf(d history.Device) string {
	name := say.Foreign(d.Name)
	if d.Name == "" {
		name = x.words.Say("Without a name")
	}
	for _, o := range x.list.Devices {
		if o.ID != d.ID && o.Name == d.Name {
			return x.words.Say("{{.Name}} ({{.ID}})", say.Fields{"Name": name, "ID": string(d.ID[max(0, len(d.ID)-6):])})
		}
	}
	return name
}

func (w *Window) deviceName(d history.Device) string {
	if d.Name == "" {
		return w.words.Say("A device without a name")
	}
	return say.Foreign(d.Name)
}

func (x *past) tapped(i int) {
	if i == len(x.list.Devices) {
		entries := x.list.Damaged
		x.push(func() screen { return newMoves(x, nil, x.words.Say("Damaged"), entries) })
		return
	}
	d := x.list.Devices[i]
	x.push(func() screen { return newMoves(x, &d, x.nameOf(d), d.Runs) })
}

// askAll asks before everything that is kept is deleted.
func (x *past) askAll() {
	k := x.list.Kept("")
	x.cancel = kit.Ask(x.win.Canvas(), kit.Question{
		Title:    x.words.Say("Delete everything kept?"),
		Sentence: x.goes(k.Receipts+k.Damaged, "") + " " + x.words.Say("What was moved stays where it is."),
		Yes:      x.words.Say("Delete"), No: x.words.Say("Keep"),
		Answer: func(yes bool) {
			if yes {
				x.on(func() { x.forget(history.Device{}, func() {}) })()
			}
		},
	})
}

// goes says what goes with receipts, and with what is noted of moves.
func (w *Window) goes(receipts int, name string) string {
	what := w.words.Number("{{.Count}} receipt goes, and what this device noted of earlier moves.", "{{.Count}} receipts go, and what this device noted of earlier moves.", uint64(receipts))
	if name != "" {
		what = w.words.Number("{{.Count}} receipt of moves with {{.Name}} goes, and what this device noted of them.", "{{.Count}} receipts of moves with {{.Name}} go, and what this device noted of them.", uint64(receipts), say.Fields{"Name": name})
	}
	return what + " " + w.words.Say("A receipt may be the only proof that an old phone can be erased. Nothing brings it back.")
}
