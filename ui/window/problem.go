package window

import (
	"context"
	"errors"

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
	x.fill(s, p)
	had := x.first
	x.buttons(s.Try)
	if had != nil { // the button that had the focus is gone
		x.win.Canvas().Focus(x.first)
	}
}

// fill says it.
func (x *problem) fill(s flow.Snapshot, p say.Problem) {
	w := x.words
	tone, title, text := kit.Wrong, w.Say("That did not work"), p.What
	switch {
	case errors.Is(s.Err, context.Canceled):
		tone, title, text = kit.Plainly, w.Say("The move was stopped"), p.Next
		p.Next = ""
	case s.Result != nil:
		tone, title = kit.Careful, w.Say("The move has stopped")
	}
	head := []fyne.CanvasObject{kit.Verdict(tone, title), kit.Sentence(text)}
	if p.Next != "" {
		head = append(head, kit.Sentence(p.Next, kit.Bold))
	}
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

// buttons are what can be done, the best of it last.
func (x *problem) buttons(try flow.Try) {
	rank := kit.Secondary
	if try&flow.TryAgain == 0 {
		rank = kit.Primary
	}
	start := kit.NewButton(x.words.Say("Go to the start"), rank, x.on(func() { x.flow.Leave() }))
	if rank == kit.Primary {
		x.first = start
		x.page.Buttons(start)
		return
	}
	again := kit.NewButton(x.words.Say("Try again"), kit.Primary, x.on(func() { x.flow.Again() }))
	x.first = again
	x.page.Buttons(start, again)
}
