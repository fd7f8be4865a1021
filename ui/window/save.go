package window

import (
	"errors"
	"os"
	"path/filepath"
	"sync"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/app/history"
	"github.com/ferry-move/ferry/ui/say"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// save asks where to save a copy of a receipt.
type save struct {
	sheet
	receipt string
	field   *kit.Field
	button  *kit.Button
	retract func() // takes a question away; nil = none was asked
	busy    bool
	gone    bool
	jobs    sync.WaitGroup
}

func newSave(w *Window, receipt string) screen {
	x := &save{sheet: w.sheet(), receipt: receipt, field: kit.NewField(w.words.Say("Folder"), "")}
	x.field.SetText(shelf())
	x.field.Done = func(string) { w.on(func() { x.write(false) })() }
	x.button = kit.NewButton(w.words.Say("Save"), kit.Primary, w.on(func() { x.write(false) }))
	x.page.Back(w.words.Say("Back"), w.on(w.back))
	x.ask()
	return x
}

// shelf is where a person looks for a file that was saved.
func shelf() string {
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return home
}

func (x *save) ask() {
	x.page.Show(
		kit.Column(8, kit.Title(x.words.Say("Save the receipt")),
			kit.Sentence(x.words.Say("A copy of what both phones signed, to keep where you like. It names files, and nothing that is in them."))),
		x.field,
		kit.Caption(x.words.Say("It is called {{.File}} there.", say.Fields{"File": say.Path(filepath.Base(x.receipt))})),
	)
	x.page.Buttons(x.button)
}

// focus implements focuser.
func (x *save) focus() fyne.Focusable { return x.field.Input() }

// show implements screen.
func (*save) show(flow.Snapshot) {}

// leave implements screen. A receipt is small: it is soon written.
func (x *save) leave() {
	x.gone = true
	if x.retract != nil {
		x.retract()
	}
	x.jobs.Wait()
}

// write writes the copy, beside the goroutine that draws.
func (x *save) write(replace bool) {
	to := x.field.Text()
	switch {
	case x.busy:
		return
	case to == "":
		x.field.SetProblem(x.words.Say("Type the folder to save it in."))
		return
	case !filepath.IsAbs(to):
		x.field.SetProblem(x.words.Say("Type the whole path, from its first folder on."))
		return
	}
	x.busy = true
	x.button.Disable()
	x.jobs.Go(func() {
		path, err := history.Export(x.receipt, to, replace)
		x.do(func() {
			if !x.gone {
				x.guard(func() { x.written(path, err) })
			}
		})
	})
}

// written says what became of it.
func (x *save) written(path string, err error) {
	w := x.words
	x.busy = false
	x.button.Enable()
	switch {
	case errors.Is(err, history.ErrExists):
		x.retract = kit.Ask(x.win.Canvas(), kit.Question{
			Title: w.Say("Replace the file?"), Sentence: w.Say("There is a file of that name already."),
			Yes: w.Say("Replace"), No: w.Say("Keep it"),
			Answer: func(yes bool) {
				if yes {
					x.on(func() { x.write(true) })()
				}
			},
		})
	case err != nil:
		x.field.SetProblem(w.Error(err).String())
	default:
		x.page.Show(kit.Column(8, kit.Verdict(kit.Fine, w.Say("A copy is saved")), kit.Sentence(say.Path(path))))
		finish := kit.NewButton(w.Say("Back"), kit.Primary, x.on(x.back))
		x.page.Buttons(finish)
		x.win.Canvas().Focus(finish)
	}
	x.page.Root.Refresh()
}
