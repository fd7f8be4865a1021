package window

import (
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/ui/say"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// ticket is the code that a person carries to the old phone: what to do with it,
// and how long it is good.
type ticket struct {
	object fyne.CanvasObject
	words  say.Words
	until  *widget.Label
}

// newTicket makes the ticket of the code that there is.
func (w *Window) newTicket(s flow.Snapshot) *ticket {
	t := &ticket{words: w.words, until: kit.Caption("", kit.Middle)}
	t.age(s.Expires.Sub(w.now()))
	digits := s.Code.Digits()
	var copied *kit.Button
	copied = kit.NewButton(w.words.Say("Copy the code"), kit.Plain, func() {
		w.app.Clipboard().SetContent(digits)
		copied.SetText(w.words.Say("Copied"))
	})
	t.object = kit.Column(kit.Gap,
		kit.Sentence(w.words.Say("On your old phone, open Ferry, choose \"My old phone\", then \"{{.Name}}\", and type this code:", say.Fields{"Name": say.Foreign(s.Name)})),
		kit.Card(4, kit.NewCode(s.Code.Reveal()), t.until, copied))
	return t
}

// age says how long the code is still good, and reports whether that is news.
func (t *ticket) age(left time.Duration) bool {
	minutes := uint64(max(1, (left+time.Minute-1)/time.Minute))
	text := t.words.Number("Good for {{.Count}} more minute", "Good for {{.Count}} more minutes", minutes)
	if text == t.until.Text {
		return false
	}
	t.until.SetText(text)
	return true
}
