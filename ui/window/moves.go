package window

import (
	"context"
	"errors"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/app/history"
	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/ui/say"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// moves lists the moves with one device, or the receipts that are damaged.
type moves struct {
	sheet
	past    *past
	device  *history.Device // nil = the damaged ones
	name    string
	entries []history.Entry
	rows    *kit.List
	cancel  func() // takes the question away
}

func newMoves(p *past, d *history.Device, name string, entries []history.Entry) screen {
	w := p.Window
	x := &moves{sheet: w.sheet(), past: p, device: d, name: name, entries: entries, cancel: func() {}}
	x.rows = kit.NewList(kit.ListOptions{
		Len: func() int { return len(x.entries) }, Item: x.item, Opens: true, Label: w.words.Say("Moves"),
		Toggle: func(i int) {
			w.on(func() { w.push(func() screen { return newRun(w, x.entries[i]) }) })()
		},
	})
	x.page.Back(w.words.Say("History"), w.back)
	if d != nil {
		x.page.Buttons(kit.NewButton(w.words.Say("Forget this device"), kit.Secondary, w.on(x.ask)))
	}
	if len(entries) == 0 {
		x.page.Show(kit.Title(name), kit.Sentence(w.words.Say("No move with this device was finished, so there is no receipt.")))
	} else {
		x.page.Fill(x.rows, kit.Title(name))
	}
	return x
}

func (*moves) show(flow.Snapshot) {}

func (x *moves) leave() { x.cancel() }

func (x *moves) focus() fyne.Focusable {
	if len(x.entries) == 0 {
		return nil
	}
	return x.rows
}

func (x *moves) item(i int) kit.Item {
	e := x.entries[i]
	it := kit.Item{Title: upper(x.words.Date(e.When, x.now()))}
	at := say.Fields{"Time": say.Clock(e.When, x.now())}
	switch {
	case e.Err != nil:
		it.Detail = x.words.Say("{{.Time}}, damaged", at)
	case e.Direction == history.Sent:
		it.Detail = x.words.Say("{{.Time}}, sent from here", at)
	case e.Direction == history.Received:
		it.Detail = x.words.Say("{{.Time}}, received here", at)
	default:
		it.Detail = x.words.Say("{{.Time}}, between others", at)
	}
	return it
}

// ask asks before the device is forgotten.
func (x *moves) ask() {
	k := x.past.list.Kept(x.device.ID)
	x.cancel = kit.Ask(x.win.Canvas(), kit.Question{
		Title: x.words.Say("Forget this device?"), Sentence: x.goes(k.Receipts, x.deviceName(*x.device)),
		Yes: x.words.Say("Forget"), No: x.words.Say("Keep"),
		Answer: func(yes bool) {
			if yes {
				x.on(func() { x.past.forget(*x.device, x.back) })()
			}
		},
	})
}

// forget deletes what is kept about a device, or, if it is none, about all; then
// comes when it is done. The list is read anew.
func (x *past) forget(d history.Device, then func()) {
	x.beside(x.ctx, func(ctx context.Context) func() {
		_, err := history.Forget(ctx, x.opt.Home, d.ID, true)
		if errors.Is(err, session.ErrUnknownDevice) { // it is gone already
			err = nil
		}
		return func() {
			then()
			if err != nil {
				x.err = err
				x.fill()
				return
			}
			x.read()
		}
	})
}
