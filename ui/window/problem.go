package window

import (
	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/ui/say"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// problem says why it broke off, what stays, and what can be done.
type problem struct {
	sheet
	first fyne.Focusable // what is best done; nil = nothing is drawn
	drawn trouble
}

// trouble is what the page says: while it is the same, the page stays.
type trouble struct {
	say.Problem
	result *flow.Result
	try    flow.Try
}

func newProblem(w *Window) screen { return &problem{sheet: w.sheet()} }

// focus implements focuser.
func (x *problem) focus() fyne.Focusable { return x.first }

// show implements screen.
func (x *problem) show(s flow.Snapshot) {
	p := x.words.Error(s.Err)
	now := trouble{p, s.Result, s.Try}
	if x.first != nil && now == x.drawn {
		return
	}
	x.drawn = now
	end := say.EndingOf(s.Err)
	x.fill(s, p, end)
	had := x.first
	x.buttons(s.Try, end)
	if had != nil { // the button that had the focus is gone
		x.win.Canvas().Focus(x.first)
	}
}

// fill says it.
func (x *problem) fill(s flow.Snapshot, p say.Problem, end say.Ending) {
	tone, title := x.heading(s, end)
	switch end {
	case say.Cancelled, say.CancelledThere: // the heading says the rest
		p = say.Problem{What: p.Next}
	case say.Refused:
		p = say.Problem{What: x.words.Say("Nothing was moved, and both phones are as they were."), Next: x.words.Say("If that was a mistake, ask again and tap Accept there.")}
	case say.Expired:
		p = say.Problem{What: x.words.Say("Too much time has passed, or Ferry was started again there. What has arrived is safe."), Next: x.words.Say("Try again, with the code that it shows now.")}
	}
	head := []fyne.CanvasObject{kit.Verdict(tone, title), kit.Sentence(p.What)}
	if p.Next != "" {
		head = append(head, kit.Sentence(p.Next, kit.Bold))
	}
	w := x.words
	body := []fyne.CanvasObject{kit.Column(8, head...)}
	var links []fyne.CanvasObject
	if r := s.Result; r != nil {
		_, answer := x.erase(s, r)
		body = append(body, kit.Notice(kit.Careful, w.Say("Is it safe to erase the old phone?"), answer))
		if line := x.way(r); line != "" {
			body = append(body, kit.Caption(line))
		}
		if n := count(r.NotMoved...); n > 0 {
			links = append(links, x.notMoved(s, n))
		}
	}
	if s.Try&flow.TryFind != 0 {
		links = append(links, kit.Link(kit.Phone, w.Say("Choose another new phone"), x.on(func() { x.flow.Back() })))
	}
	if len(links) > 0 {
		body = append(body, kit.Group(links...))
	}
	x.page.Show(body...)
}

// heading is what the person reads first. What somebody wished is nothing that went
// wrong.
func (x *problem) heading(s flow.Snapshot, end say.Ending) (kit.Tone, string) {
	w := x.words
	switch name := nameOf(s.Peer); {
	case end == say.Cancelled:
		return kit.Plainly, w.Say("The move was stopped")
	case end == say.CancelledThere:
		return kit.Plainly, w.Say("The move was stopped on the other phone")
	case end == say.Refused && name != "":
		return kit.Plainly, w.Say("{{.Name}} said no", say.Fields{"Name": name})
	case end == say.Refused:
		return kit.Plainly, w.Say("The new phone said no")
	case end == say.Expired:
		return kit.Careful, w.Say("The new phone has stopped waiting")
	case s.Result != nil:
		return kit.Careful, w.Say("The move has stopped")
	}
	return kit.Wrong, w.Say("That did not work")
}

// buttons are what can be done, the best of it last: who stopped the move is done
// with it, and everybody else goes on.
func (x *problem) buttons(try flow.Try, end say.Ending) {
	w := x.words
	start, again := w.Say("Go to the start"), w.Say("Try again")
	switch end {
	case say.Cancelled, say.CancelledThere:
		again = w.Say("Start again")
	case say.Refused:
		again = w.Say("Ask again")
	}
	leave, more := x.on(func() { x.flow.Leave() }), x.on(func() { x.flow.Again() })
	switch {
	case try&flow.TryAgain == 0:
		x.best(start, leave)
	case end == say.Cancelled:
		x.best(start, leave, kit.NewButton(again, kit.Secondary, more))
	default:
		x.best(again, more, kit.NewButton(start, kit.Secondary, leave))
	}
}

// best puts a button where the person taps first, and others beside it.
func (x *problem) best(words string, tapped func(), others ...fyne.CanvasObject) {
	b := kit.NewButton(words, kit.Primary, tapped)
	x.first = b
	x.page.Buttons(append(others, b)...)
}
