package window

import (
	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/ui/say"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// told is a page over Done or Problem about items that need telling. A result holds
// the first few of each group, and counts the others.
type told struct{ sheet }

func (*told) show(flow.Snapshot) {}

func newTold(w *Window, title, sentence string, parts ...fyne.CanvasObject) screen {
	x := &told{w.sheet()}
	x.page.Back(w.words.Say("Back"), w.on(w.back))
	x.page.Show(append([]fyne.CanvasObject{kit.Column(8, kit.Title(title), kit.Sentence(sentence))}, parts...)...)
	return x
}

// newNotMoved says why items were not moved, and what to do.
func newNotMoved(w *Window, s flow.Snapshot) screen {
	sentence := w.words.Say("These are not on the new phone.")
	if s.Role == flow.NewPhone {
		sentence = w.words.Say("These are not here. They are still on the old phone.")
	}
	var cards []fyne.CanvasObject
	for _, g := range s.Result.NotMoved {
		p := w.words.Reason(g.Reason)
		cards = append(cards, kit.Card(12, kit.Column(4, kit.Big(w.words.Items(g.Count)), kit.Sentence(p.What), kit.Sentence(p.Next, kit.Bold)), w.names(g)))
	}
	x := newTold(w, w.words.Say("Not moved"), sentence, cards...)
	x.paper().Buttons(kit.NewButton(w.words.Say("Run again"), kit.Secondary, w.on(func() { w.flow.Again() })))
	return x
}

// newRenamed says which items have another name on the new phone.
func newRenamed(w *Window, g flow.Group) screen {
	return newTold(w, w.words.Say("Other names"), w.words.Say("Something else had their name on the new phone, or it cannot hold that name. Nothing was overwritten."),
		kit.Card(12, w.names(g)))
}

// newDiffered says which items were not the same when they were read again.
func newDiffered(w *Window, g flow.Group) screen {
	return newTold(w, w.words.Say("Sent again"), w.words.Say("When everything was read again, these were missing or not the same on both phones, so they were sent once more."),
		kit.Card(12, w.names(g)))
}

// names are the items of a group, as far as they were kept.
func (w *Window) names(g flow.Group) fyne.CanvasObject {
	var out []fyne.CanvasObject
	for _, n := range g.Names {
		name := w.words.Item(say.InfoOf(n.Kind), n.Key)
		if n.Name != "" {
			name = w.words.Say("{{.Item}} is now {{.Name}}", say.Fields{"Item": name, "Name": say.Path(string(n.Name))})
		}
		out = append(out, kit.Caption(name))
	}
	if n := uint64(len(g.Names)); g.Count > n {
		out = append(out, kit.Caption(w.words.Say("and {{.Number}} more; the receipt names them", number(w.words, g.Count-n))))
	}
	return kit.Column(8, out...)
}
