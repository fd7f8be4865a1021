package window

import (
	"context"
	"errors"
	"path/filepath"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/history"
	"github.com/ferry-move/ferry/ui/say"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// copies saves a copy of a receipt in a folder that the person chooses, for the page
// that shows the receipt.
type copies struct {
	*Window
	receipt string
	ctx     context.Context         // ends with the page
	tell    func(fyne.CanvasObject) // shows on it what became of the copy
	retract func()                  // takes a question away; nil = none was asked
}

// choose opens the page where the folder is chosen.
func (c *copies) choose() {
	c.push(func() screen {
		b := newBrowse(c.Window, "", false, func(dir string) { c.save(dir, false) })
		b.about = c.words.Say("The copy names files, and holds nothing that is in them.")
		b.choose.SetText(c.words.Say("Save it in this folder"))
		return b
	})
}

// save saves it in a folder; replace tells that it may take the place of a file.
func (c *copies) save(dir string, replace bool) {
	c.beside(c.ctx, func(context.Context) func() {
		to, err := history.Export(c.receipt, dir, replace)
		return func() {
			switch {
			case errors.Is(err, history.ErrExists):
				c.ask(dir)
			case err != nil:
				p := c.words.Error(err)
				c.tell(kit.Notice(kit.Careful, p.What, p.Next))
			default:
				c.tell(kit.Notice(kit.Fine, c.words.Say("A copy is saved"),
					c.words.Say("It is in {{.Folder}}, as {{.File}}.", say.Fields{"Folder": say.Path(dir), "File": say.Path(filepath.Base(to))})))
			}
		}
	})
}

// ask asks before a file is replaced.
func (c *copies) ask(dir string) {
	w := c.words
	c.leave()
	c.retract = kit.Ask(c.win.Canvas(), kit.Question{
		Title: w.Say("Replace the file?"), Sentence: w.Say("There is a file of that name already."),
		Yes: w.Say("Replace"), No: w.Say("Keep it"),
		Answer: func(yes bool) {
			if yes {
				c.on(func() { c.save(dir, true) })()
			}
		},
	})
}

// leave takes the question away.
func (c *copies) leave() {
	if c.retract != nil {
		c.retract()
		c.retract = nil
	}
}
