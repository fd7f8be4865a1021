package window

import (
	"fmt"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"github.com/ferry-move/ferry/ui/say"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// intents are what a person can want.
type intents struct {
	answer func(yes bool)
	pause  func() // or go on
	next   func() // after a result
	again  func() // after Stopped
}

// view draws states into a window. All of it is owned by the goroutine that
// draws.
type view struct {
	win  fyne.Window
	want intents

	page *kit.Page

	shown  content
	drawn  bool    // something is shown
	moving *moving // while that screen is shown
}

// content tells one page from the next: while it is the same, the page stays
// as it is, with its focus and its place.
type content struct {
	screen Screen
	offer  *Offer
	result *Result
}

// moving is what changes while items move.
type moving struct {
	crossing      *kit.Crossing
	percent, line *widget.Label
	pause         *kit.Button
}

func newView(win fyne.Window, want intents) *view {
	v := &view{win: win, want: want, page: kit.NewPage()}
	win.SetPadded(false)
	win.SetContent(v.page.Root)
	win.Canvas().SetOnTypedKey(v.page.TypedKey)
	return v
}

// show draws a state.
func (v *view) show(s State) {
	now := content{s.Screen, s.Offer, s.Result}
	same := v.drawn && now == v.shown
	v.shown, v.drawn = now, true
	if same {
		switch s.Screen {
		case Moving:
			v.moving.update(s)
			v.page.Root.Refresh()
			return
		case Asking, Ended, Stopped:
			return
		}
	}
	v.moving = nil
	v.page.Buttons()
	var body []fyne.CanvasObject
	switch s.Screen {
	case Starting:
		body = []fyne.CanvasObject{kit.Title("One moment"), kit.Sentence("Ferry is getting ready.", kit.Quiet)}
	case Waiting:
		body = v.waiting(s)
	case Asking:
		body = v.asking(s)
	case Moving:
		v.moving = &moving{
			kit.NewCrossing(0, kit.Underway), kit.Big("", kit.Middle), kit.Sentence("", kit.Middle), kit.NewButton("Pause", kit.Secondary, v.want.pause),
		}
		v.page.Buttons(v.moving.pause)
		v.moving.update(s)
		body = []fyne.CanvasObject{
			kit.Title("Moving to this device"),
			kit.Card(12, v.moving.crossing, v.moving.percent, v.moving.line),
			kit.Sentence("Keep both phones near each other and this window open. If they lose each other, what has arrived is safe.", kit.Quiet),
		}
	case Ended:
		body = v.ended(s)
	case Stopped:
		body = []fyne.CanvasObject{kit.Title("Ferry cannot wait for a phone"), kit.Sentence(s.Problem.What), kit.Sentence(s.Problem.Next, kit.Bold)}
		v.page.Buttons(kit.NewButton("Try again", kit.Primary, v.want.again))
	}
	v.page.Show(body...)
	if !same {
		v.win.Canvas().Unfocus() // what had it is gone
		v.page.Top()
	}
}

func (v *view) waiting(s State) []fyne.CanvasObject {
	out := []fyne.CanvasObject{
		kit.Title("Waiting for your old phone"),
		kit.Sentence("On your old phone, choose this name and type the code, or scan the picture."),
	}
	name := kit.Big(s.Name, kit.Middle)
	if s.Code.IsZero() {
		out = append(out, kit.Card(8, name, kit.Caption("A new code comes in a moment.", kit.Middle)))
	} else {
		until := s.Expires.Format("15:04")
		out = append(out, kit.Card(8, name, kit.NewCode(s.Code.Reveal()), kit.Caption("Good until "+until+", then a new one comes.", kit.Middle)))
	}
	if s.Notice != "" {
		out = append(out, kit.Sentence(s.Notice, kit.Middle))
	}
	if link, err := s.Link.Reveal(); err == nil {
		if pic := kit.QR(link); pic != nil {
			out = append(out, container.NewCenter(pic))
		}
	}
	where := "This device is on no network. Turn Wi-Fi on."
	if s.Addr != "" {
		where = "Not listed there? This device's address is " + s.Addr + "."
	}
	return append(out, kit.Caption(where, kit.Middle), kit.Caption("What arrives goes into "+s.Folder+".", kit.Middle))
}

func (v *view) asking(s State) []fyne.CanvasObject {
	v.page.Buttons(
		kit.NewButton("Refuse", kit.Secondary, func() { v.want.answer(false) }),
		kit.NewButton("Accept", kit.Primary, func() { v.want.answer(true) }),
	)
	out := []fyne.CanvasObject{
		kit.Title("Move this here?"),
		kit.NewCrossing(0, kit.Underway),
		kit.Big(s.Offer.From),
		kit.Sentence("It knew the code, and offers " + s.Offer.Sum + ". Nothing that is here is overwritten or deleted."),
	}
	if len(s.Offer.Rows) > 0 {
		out = append(out, rows(s.Offer.Rows))
	}
	return out
}

func (v *view) ended(s State) []fyne.CanvasObject {
	v.page.Buttons(kit.NewButton("Done", kit.Primary, v.want.next))
	r := s.Result
	var out []fyne.CanvasObject
	if !r.Broken {
		out = append(out, kit.NewCrossing(1, kit.Landed))
	}
	tone := kit.Careful
	if r.Complete {
		tone = kit.Fine
	}
	out = append(out, kit.Verdict(tone, r.Title))
	out = append(out, kit.Sentence(r.Sentence))
	for _, g := range r.Left {
		out = append(out, group(say.Count(g.Count)+" not moved", say.Reason(g.Reason).String(), g))
	}
	if len(r.Rows) > 0 {
		out = append(out, rows(r.Rows))
	}
	if r.Kept.Count > 0 {
		out = append(out, group(say.Count(r.Kept.Count)+" kept under another name", "Another one of that name was here, or this device cannot hold the name.", r.Kept))
	}
	if r.Receipt != "" {
		out = append(out, kit.Caption("The receipt that both phones signed: "+r.Receipt))
	}
	return out
}

// rows is a list with a line between the rows.
func rows(list []Row) fyne.CanvasObject {
	var out []fyne.CanvasObject
	for _, r := range list {
		out = append(out, kit.Pair(kit.Sentence(r.Title, kit.Bold), kit.Sentence(r.Detail)))
	}
	return kit.Ruled(out...)
}

// group is a card about items that share a reason.
func group(head, why string, g Group) fyne.CanvasObject {
	out := []fyne.CanvasObject{kit.Sentence(head, kit.Bold), kit.Sentence(why)}
	for _, n := range g.Names {
		out = append(out, kit.Caption(n))
	}
	if more := g.Count - uint64(len(g.Names)); more > 0 {
		out = append(out, kit.Caption(fmt.Sprintf("and %s more", say.Count(more))))
	}
	return kit.Card(8, out...)
}

func (m *moving) update(s State) {
	how := kit.Underway
	if s.Paused {
		how = kit.Resting
	}
	m.pause.SetText(map[bool]string{true: "Go on", false: "Pause"}[s.Paused])
	m.crossing.Set(float32(s.Progress.Part), how)
	m.percent.SetText(fmt.Sprintf("%d %%", int(100*s.Progress.Part))) // 100 is for the end alone
	m.line.SetText(progressLine(s.Progress))
}
