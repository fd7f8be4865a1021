package window

import (
	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/ui/say"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// broken stands for a screen that panicked.
type broken struct{ sheet }

// broken shows a sentence instead of the screen that is seen. report is the name
// of the file about it; empty = there is none.
func (w *Window) broken(report string) {
	x := &broken{w.sheet()}
	x.page.Show(
		kit.Verdict(kit.Wrong, w.words.Say("Ferry made a mistake")),
		kit.Sentence(w.words.Say("This page could not be shown. What is under way goes on, and what has arrived is safe.")),
	)
	if report != "" {
		x.page.Show(
			kit.Verdict(kit.Wrong, w.words.Say("Ferry made a mistake")),
			kit.Sentence(w.words.Say("This page could not be shown. What is under way goes on, and what has arrived is safe.")),
			kit.Caption(w.words.Say("A report without anything personal was saved as {{.File}}, in the folder reports of Ferry's own files. Please send it to us.", say.Fields{"File": report})),
		)
	}
	x.page.Buttons(kit.NewButton(w.words.Say("Show it again"), kit.Primary, func() { w.base.screen = nil; w.draw() }))
	w.over = nil
	w.base = open{func() screen { return w.screenAt(w.at) }, x}
	w.turn()
}

func (*broken) show(flow.Snapshot) {}
