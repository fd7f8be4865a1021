package window

import (
	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/ui/say"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// broken stands for a screen that panicked.
type broken struct {
	sheet
	again *kit.Button
}

// broken shows a sentence instead of the screen that is seen. report is the name
// of the file about it; empty = there is none.
func (w *Window) broken(report string) {
	x := &broken{sheet: w.sheet()}
	body := []fyne.CanvasObject{
		kit.Verdict(kit.Wrong, w.words.Say("Ferry made a mistake")),
		kit.Sentence(w.words.Say("This page could not be shown. What is under way goes on, and what has arrived is safe.")),
	}
	if report != "" {
		body = append(body, kit.Caption(w.words.Say("A report without anything personal was saved as {{.File}}, in the folder reports of Ferry's own files. Please send it to us.", say.Fields{"File": report})))
	}
	x.page.Show(body...)
	x.again = kit.NewButton(w.words.Say("Show it again"), kit.Primary, func() { w.base.screen = nil; w.draw() })
	x.page.Buttons(x.again)
	if w.base.screen != nil {
		w.over = append([]open{w.base}, w.over...)
	}
	for _, o := range w.over { // one of them may be what panicked
		w.quietly(o.leave)
	}
	w.over = nil
	w.base = open{func() screen { return w.screenAt(w.at) }, x}
	w.turn()
}

// quietly does what may panic once more.
func (*Window) quietly(do func()) {
	defer func() { _ = recover() }()
	do()
}

func (*broken) show(flow.Snapshot) {}

func (x *broken) focus() fyne.Focusable { return x.again }
