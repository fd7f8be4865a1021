package window

import (
	"fmt"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"github.com/ferry-move/ferry/ui/say"
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

	root   *fyne.Container
	scroll *container.Scroll
	body   *fyne.Container
	bar    *fyne.Container

	shown  content
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
	crossing      *crossing
	percent, line *widget.Label
	pause         *button
}

func newView(win fyne.Window, want intents) *view {
	v := &view{win: win, want: want, body: container.New(column{gap: gap}), bar: container.New(centre{})}
	v.scroll = container.NewVScroll(container.New(centre{}, v.body))
	v.root = container.New(page{}, v.scroll, v.bar)
	win.SetPadded(false)
	win.SetContent(v.root)
	win.Canvas().SetOnTypedKey(v.key)
	return v
}

// show draws a state.
func (v *view) show(s State) {
	now := content{s.Screen, s.Offer, s.Result}
	same := now == v.shown && len(v.body.Objects) > 0
	v.shown = now
	if same {
		switch s.Screen {
		case Moving:
			v.moving.update(s)
			v.root.Refresh()
			return
		case Asking, Ended, Stopped:
			return
		}
	}
	v.moving, v.bar.Objects = nil, nil
	switch s.Screen {
	case Starting:
		v.body.Objects = []fyne.CanvasObject{title("One moment"), sentence("Ferry is getting ready.", dim)}
	case Waiting:
		v.body.Objects = v.waiting(s)
	case Asking:
		v.body.Objects = v.asking(s)
	case Moving:
		v.moving = &moving{
			newCrossing(0), prose("", theme.SizeNameSubHeadingText, bold, middle), sentence("", middle), v.button("Pause", widget.MediumImportance, v.want.pause),
		}
		v.buttons(v.moving.pause)
		v.moving.update(s)
		v.body.Objects = []fyne.CanvasObject{
			title("Moving to this device"),
			card(12, v.moving.crossing, v.moving.percent, v.moving.line),
			sentence("Keep both phones near each other and this window open. If they lose each other, what has arrived is safe.", dim),
		}
	case Ended:
		v.body.Objects = v.ended(s)
	case Stopped:
		v.body.Objects = []fyne.CanvasObject{title("Ferry cannot wait for a phone"), sentence(s.Problem.What), sentence(s.Problem.Next, bold)}
		v.buttons(v.button("Try again", widget.HighImportance, v.want.again))
	}
	v.bar.Hidden = len(v.bar.Objects) == 0
	if !same {
		v.win.Canvas().Unfocus() // what had it is gone
		v.scroll.ScrollToTop()
	}
	v.root.Refresh()
}

func (v *view) waiting(s State) []fyne.CanvasObject {
	out := []fyne.CanvasObject{
		title("Waiting for your old phone"),
		sentence("On your old phone, choose this name and type the code, or scan the picture."),
	}
	name := prose(s.Name, theme.SizeNameSubHeadingText, bold, middle)
	if s.Code.IsZero() {
		out = append(out, card(8, name, caption("A new code comes in a moment.", middle)))
	} else {
		until := s.Expires.Format("15:04")
		out = append(out, card(8, name, bigCode(s.Code.Reveal()), caption("Good until "+until+", then a new one comes.", middle)))
	}
	if s.Notice != "" {
		out = append(out, sentence(s.Notice, middle))
	}
	if link, err := s.Link.Reveal(); err == nil {
		if pic := qrImage(link); pic != nil {
			out = append(out, container.NewCenter(pic))
		}
	}
	where := "This device is on no network. Turn Wi-Fi on."
	if s.Addr != "" {
		where = "Not listed there? This device's address is " + s.Addr + "."
	}
	return append(out, caption(where, middle), caption("What arrives goes into "+s.Folder+".", middle))
}

func (v *view) asking(s State) []fyne.CanvasObject {
	v.buttons(
		v.button("Refuse", widget.MediumImportance, func() { v.want.answer(false) }),
		v.button("Accept", widget.HighImportance, func() { v.want.answer(true) }),
	)
	out := []fyne.CanvasObject{
		title("Move this here?"),
		newCrossing(0),
		prose(s.Offer.From, theme.SizeNameSubHeadingText, bold),
		sentence("It knew the code, and offers " + s.Offer.Sum + ". Nothing that is here is overwritten or deleted."),
	}
	if len(s.Offer.Rows) > 0 {
		out = append(out, rows(s.Offer.Rows))
	}
	return out
}

func (v *view) ended(s State) []fyne.CanvasObject {
	v.buttons(v.button("Done", widget.HighImportance, v.want.next))
	r := s.Result
	var out []fyne.CanvasObject
	if !r.Broken {
		out = append(out, newCrossing(1))
	}
	if r.Complete {
		out = append(out, verdict(theme.ConfirmIcon(), theme.ColorNameSuccess, title(r.Title, good)))
	} else {
		out = append(out, verdict(theme.WarningIcon(), theme.ColorNameWarning, title(r.Title, heed)))
	}
	out = append(out, sentence(r.Sentence))
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
		out = append(out, caption("The receipt that both phones signed: "+r.Receipt))
	}
	return out
}

// verdict is a title with a sign before it.
func verdict(sign fyne.Resource, c fyne.ThemeColorName, t *widget.Label) fyne.CanvasObject {
	return container.New(led{}, widget.NewIcon(theme.NewColoredResource(sign, c)), t)
}

// group is a card about items that share a reason.
func group(head, why string, g Group) fyne.CanvasObject {
	out := []fyne.CanvasObject{sentence(head, bold), sentence(why)}
	for _, n := range g.Names {
		out = append(out, caption(n))
	}
	if more := g.Count - uint64(len(g.Names)); more > 0 {
		out = append(out, caption(fmt.Sprintf("and %s more", say.Count(more))))
	}
	return card(8, out...)
}

func (m *moving) update(s State) {
	if text := map[bool]string{true: "Go on", false: "Pause"}[s.Paused]; m.pause.Text != text {
		m.pause.SetText(text)
	}
	m.crossing.part = float32(s.Progress.Part)
	m.percent.SetText(fmt.Sprintf("%d %%", int(100*s.Progress.Part))) // 100 is for the end alone
	m.line.SetText(progressLine(s.Progress))
}

func (v *view) button(text string, i widget.Importance, tapped func()) *button {
	return newButton(text, i, v.key, tapped)
}

// buttons sets the page's buttons, the primary one last.
func (v *view) buttons(b ...fyne.CanvasObject) {
	v.bar.Objects = []fyne.CanvasObject{container.NewGridWithColumns(len(b), b...)}
}

// key scrolls the page.
func (v *view) key(k *fyne.KeyEvent) {
	height := v.scroll.Size().Height
	step := map[fyne.KeyName]float32{
		fyne.KeyUp: -touch, fyne.KeyDown: touch, fyne.KeyPageUp: -height, fyne.KeyPageDown: height,
	}[k.Name]
	if step != 0 {
		far := max(0, v.scroll.Content.Size().Height-height)
		v.scroll.ScrollToOffset(fyne.NewPos(0, min(far, max(0, v.scroll.Offset.Y+step))))
	}
}
