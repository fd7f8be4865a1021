package window

import (
	"errors"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/app/settings"
	"github.com/ferry-move/ferry/ui/say"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// entry is a page on which one setting is typed.
type entry struct {
	sheet
	field *kit.Field
	// parse makes the text a change of the settings.
	parse func(text string) (func(*settings.Settings), error)
}

// entered is a field: what it is, what is in it, and what is shown while it is
// empty.
type entered struct{ label, text, hint string }

func (w *Window) entry(title, sentence string, f entered, parse func(string) (func(*settings.Settings), error), also ...fyne.CanvasObject) *entry {
	x := &entry{sheet: w.sheet(), parse: parse, field: kit.NewField(f.label, f.hint)}
	x.field.SetText(f.text)
	x.field.Done = func(string) { w.on(x.keep)() }
	x.page.Back(w.words.Say("Back"), w.back)
	x.page.Show(append([]fyne.CanvasObject{kit.Title(title), kit.Sentence(sentence), x.field}, also...)...)
	x.page.Buttons(kit.NewButton(w.words.Say("Save"), kit.Primary, w.on(x.keep)))
	return x
}

func (*entry) show(flow.Snapshot) {}

func (x *entry) focus() fyne.Focusable { return x.field.Input() }

// keep saves what was typed, and goes back.
func (x *entry) keep() {
	change, err := x.parse(x.field.Text())
	if err != nil {
		x.problem(err)
		return
	}
	x.save(change, func(err error) {
		if errors.As(err, new(*settings.InvalidError)) {
			x.problem(err)
			return
		}
		x.prefer()
		if x.top() != screen(x) { // the person went on meanwhile
			return
		}
		x.back()
		if p, ok := x.top().(*prefs); ok && err != p.err {
			p.err = err
			p.fill()
		}
	})
}

func (x *entry) problem(err error) {
	x.field.SetProblem(x.words.Error(err).String())
	x.page.Fit()
	x.win.Canvas().Focus(x.field.Input())
}

func newNaming(w *Window) screen {
	return w.entry(w.words.Say("This device's name"),
		w.words.Say("The other phone shows it, and everyone on the same Wi-Fi can see it."),
		entered{w.words.Say("Name"), w.store.Get().Name, say.Foreign(session.DeviceName())},
		func(text string) (func(*settings.Settings), error) {
			name, err := settings.CleanName(text)
			return func(s *settings.Settings) { s.Name = name }, err
		})
}

func newLimit(w *Window) screen {
	return w.entry(w.words.Say("Speed limit"),
		w.words.Say("A limit leaves some of your Wi-Fi to others. Write a number of bytes, such as 500K, 20M or 1G; empty is no limit."),
		entered{w.words.Say("Most in a second"), settings.FormatLimit(w.store.Get().Limit), w.words.Say("None")},
		func(text string) (func(*settings.Settings), error) {
			n, err := settings.ParseLimit(text)
			return func(s *settings.Settings) { s.Limit = n }, err
		})
}

func newFolder(w *Window) screen {
	var x *entry
	hint := ""
	if dir, err := newPhone(); err == nil {
		hint = say.Path(dir)
	}
	look := kit.Link(kit.Folder, w.words.Say("Look for it"), w.on(func() {
		w.push(func() screen { return newBrowse(w, x.field.Text(), false, x.field.SetText) })
	}))
	x = w.entry(w.words.Say("Where things go"),
		w.words.Say("This folder is the new phone, when this device is it. Nothing in it is overwritten or deleted."),
		entered{w.words.Say("Folder"), w.store.Get().NewFolder, hint},
		func(text string) (func(*settings.Settings), error) {
			path := ""
			if text != "" {
				var err error
				if path, err = whole(text); err != nil {
					return nil, err
				}
			}
			return func(s *settings.Settings) { s.NewFolder = path }, settings.CheckFolder(settings.NewFolder, path)
		}, kit.Group(look))
	return x
}
