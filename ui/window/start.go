package window

import (
	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/app/settings"
	"github.com/ferry-move/ferry/ui/say"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// start is where a person says which phone this is.
type start struct {
	sheet
	old, new *kit.Choice
	sides    fyne.CanvasObject
	name     string // this device's, as it is shown
	trouble  error
}

func newStart(w *Window) screen {
	x := &start{sheet: w.sheet()}
	x.old = kit.NewChoice(kit.Send, w.words.Say("My old phone"), w.words.Say("Send from here."), w.on(x.beOld))
	x.new = kit.NewChoice(kit.Receive, w.words.Say("My new phone"), w.words.Say("Receive here."), w.on(x.beNew))
	quiet := func(title string, open func(*Window) screen) fyne.CanvasObject {
		return kit.NewButton(title, kit.Plain, w.on(func() { w.push(func() screen { return open(w) }) }))
	}
	x.sides = kit.Bar(
		quiet(w.words.Say("History"), newHistory),
		quiet(w.words.Say("Settings"), newSettings),
		quiet(w.words.Say("Help"), newHelp),
	)
	x.fill()
	return x
}

func (x *start) show(s flow.Snapshot) {
	if s.Name != x.name || x.trouble != x.opt.Trouble {
		x.fill()
	}
}

func (x *start) fill() {
	x.name, x.trouble = x.state.Name, x.opt.Trouble
	body := []fyne.CanvasObject{
		kit.Title(x.words.Say("Move to a new phone")),
		kit.NewCrossing(0.5, kit.Underway),
		kit.Sentence(x.words.Say("Straight over your Wi-Fi. Nothing is kept in between, and no internet is needed.")),
	}
	if x.trouble != nil {
		p := x.words.Error(x.trouble)
		body = append(body, kit.Notice(kit.Careful, p.What, p.Next))
	}
	body = append(body, x.old, x.new)
	if x.name != "" {
		body = append(body, kit.Caption(x.words.Say("The other phone sees this one as {{.Name}}.", say.Fields{"Name": say.Foreign(x.name)})))
	}
	x.page.Show(append(body, x.sides)...)
}

// focus is on what was chosen the last time.
func (x *start) focus() fyne.Focusable {
	switch x.store.Get().LastRole {
	case settings.OldPhone:
		return x.old
	case settings.NewPhone:
		return x.new
	}
	return nil
}

// drop takes what was dropped on the window for the old phone.
func (x *start) drop(path string) {
	x.push(func() screen { return newSource(x.Window, path) })
	if s, ok := x.top().(*source); ok && path == "" {
		s.drop(path)
	}
}

func (x *start) beOld() {
	from := x.opt.From
	if from == "" {
		from = shared()
	}
	if from == "" {
		x.push(func() screen { return newSource(x.Window, x.store.Get().SendFolder) })
		return
	}
	x.beOldFrom(from, func(s *settings.Settings) { s.LastRole = settings.OldPhone })
}

func (x *start) beNew() {
	x.opt.Trouble = nil
	into, err := x.into()
	if err != nil {
		x.opt.Trouble = err
		return
	}
	x.keep(func(s *settings.Settings) { s.LastRole = settings.NewPhone })
	x.flow.BeNew(into)
}

// beOldFrom makes this device the old phone; keep is what the settings remember
// of it. What was said once is not said again.
func (w *Window) beOldFrom(from string, keep func(*settings.Settings)) {
	w.opt.Trouble = nil
	w.keep(keep)
	w.flow.BeOld(from)
}

// keep saves what need not be said now if it fails: it is said at the start.
func (w *Window) keep(change func(*settings.Settings)) {
	w.save(change, func(err error) {
		if err != nil {
			w.opt.Trouble = err
		}
	})
}
