package window

import (
	"context"
	"errors"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// problem says why it broke off, what stays, and what can be done.
type problem struct {
	sheet
	first fyne.Focusable // what is best done
	drawn error
}

func newProblem(w *Window) screen { return &problem{sheet: w.sheet()} }

// focus implements focuser.
func (x *problem) focus() fyne.Focusable { return x.first }

// show implements screen.
func (x *problem) show(s flow.Snapshot) {
	if s.Err == nil || s.Err == x.drawn {
		return
	}
	defer func(before error) {
		if before != nil { // what had the focus is gone
			x.win.Canvas().Focus(x.first)
		}
	}(x.drawn)
	x.drawn = s.Err
	w := x.words
	p := w.Error(s.Err)
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
	again := kit.NewButton(w.Say("Try again"), kit.Primary, x.on(func() { x.flow.Again() }))
	if s.Try&flow.TryAgain == 0 {
		start := kit.NewButton(w.Say("Go to the start"), kit.Primary, x.on(func() { x.flow.Leave() }))
		x.first = start
		x.page.Buttons(start)
		return
	}
	x.first = again
	x.page.Buttons(kit.NewButton(w.Say("Go to the start"), kit.Secondary, x.on(func() { x.flow.Leave() })), again)
}
