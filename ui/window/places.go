package window

import (
	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/ui/say"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// places says where things are on this device.
type places struct {
	sheet
	cards   []fyne.CanvasObject
	problem string
}

func newPlaces(w *Window) screen {
	x := &places{sheet: w.sheet()}
	if into, err := w.into(); err == nil {
		x.cards = append(x.cards, x.place(w.words.Say("What arrives"), into, w.words.Say("What came from other phones. Ferry never deletes any of it."),
			w.words.Say("Open what arrived")))
	}
	x.cards = append(x.cards, x.place(w.words.Say("Ferry's own files"), w.opt.Home, w.words.Say("The settings, this device's key, the receipts of your moves, and notes by which a move goes on."),
		w.words.Say("Open Ferry's own files")),
		kit.Caption(w.words.Say("All of it is on this device, and nowhere else.")))
	x.page.Back(w.words.Say("Back"), w.back)
	x.fill()
	return x
}

func (*places) show(flow.Snapshot) {}

func (x *places) fill() {
	body := []fyne.CanvasObject{kit.Title(x.words.Say("Where Ferry keeps things"))}
	if x.problem != "" {
		body = append(body, kit.Notice(kit.Careful, x.problem, ""))
	}
	x.page.Show(append(body, x.cards...)...)
}

// place is a folder, what is in it, and what opens it.
func (x *places) place(title, path, what, opens string) fyne.CanvasObject {
	open := kit.NewButton(opens, kit.Secondary, x.on(func() { x.openFolder(path) }))
	return kit.Card(8, kit.Sentence(title, kit.Bold), kit.Sentence(what), kit.Caption(say.Path(path)), open)
}

// openFolder shows a folder in the system's own program for that.
func (x *places) openFolder(path string) {
	x.problem = ""
	if err := x.app.OpenURL(fileURL(path)); err != nil {
		x.problem = x.words.Say("This system could not open the folder. Open it yourself.")
	}
	x.fill()
}
