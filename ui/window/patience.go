package window

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/ui/say"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// patience says what is awaited: the phone here being opened or counted, or the
// person at the other one.
type patience struct{ sheet }

func newPatience(w *Window) screen {
	x := &patience{w.sheet()}
	back := w.words.Say("Back to the list")
	switch w.state.Screen {
	case flow.Counting:
		x.page.Show(x.counting()...)
	case flow.AskedThere:
		x.page.Show(x.asked(w.state)...)
	default:
		back = w.words.Say("Back")
		x.page.Show(x.opening(w.state)...)
	}
	x.page.Back(back, w.on(w.flow.Back))
	return x
}

func (x *patience) opening(s flow.Snapshot) []fyne.CanvasObject {
	title := kit.Title(x.words.Say("One moment"))
	if s.Role == flow.NewPhone {
		return []fyne.CanvasObject{title, kit.Sentence(x.words.Say("This phone is getting ready to receive."))}
	}
	return []fyne.CanvasObject{
		title, kit.Sentence(x.words.Say("Ferry is looking at what there is to move. Nothing of it is changed.")),
		kit.Card(0, kit.Line(kit.NewIcon(kit.Folder, theme.ColorNamePrimary, 24), kit.Sentence(say.Path(s.Place)))),
		kit.Caption(x.words.Say("A large archive takes a few minutes.")),
	}
}

func (x *patience) counting() []fyne.CanvasObject {
	return []fyne.CanvasObject{
		kit.Verdict(kit.Fine, x.words.Say("The code is right")),
		kit.NewCrossing(0, kit.Underway),
		kit.Sentence(x.words.Say("The two phones trust each other now. Ferry is counting what is on this one: with many photos, that takes a minute.")),
	}
}

func (x *patience) asked(s flow.Snapshot) []fyne.CanvasObject {
	title := x.words.Say("On the new phone, tap Accept")
	if name := say.Foreign(s.Peer.Name); name != "" {
		title = x.words.Say("On {{.Name}}, tap Accept", say.Fields{"Name": name})
	}
	return []fyne.CanvasObject{
		kit.Title(title), kit.NewCrossing(0, kit.Underway),
		kit.Sentence(x.words.Say("It shows what is to come, and asks whether it may. Nothing moves before that.")),
	}
}

func (*patience) show(flow.Snapshot) {}
