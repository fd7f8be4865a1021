package window

import (
	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/ui/say"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// unlock asks for the password of the archive that is the old phone.
type unlock struct {
	sheet
	field *kit.Field
	next  *kit.Button
	wrong int // how many wrong ones were told of
}

func newUnlock(w *Window) screen {
	words := w.words
	x := &unlock{sheet: w.sheet(), field: kit.NewSecret(words.Say("Password"))}
	x.next = kit.NewButton(words.Say("Unlock"), kit.Primary, w.on(func() { w.flow.Password(x.field.Text()) }))
	x.next.Disable()
	x.field.Done = func(string) { x.next.Tapped(nil) }
	x.field.Changed = func(text string) { able(x.next, text != "") }
	x.page.Back(words.Say("Back"), w.on(w.flow.Back))
	x.page.Show(
		kit.Title(words.Say("This archive is locked")),
		kit.Sentence(words.Say("Type the password that was chosen when it was made. It stays on this device.")),
		x.field,
		kit.NewTick(words.Say("Show the password"), x.field.Reveal),
		kit.Caption(say.Path(w.state.Place)),
	)
	x.page.Buttons(x.next)
	return x
}

// focus implements focuser.
func (x *unlock) focus() fyne.Focusable { return x.field.Input() }

func (x *unlock) show(s flow.Snapshot) {
	if s.WrongPasswords > x.wrong {
		x.wrong = s.WrongPasswords
		x.field.SetText("")
		x.field.SetProblem(x.words.Say("That is not the password, or the archive is damaged. Look at capital letters, and try again."))
		x.win.Canvas().Focus(x.field.Input())
	}
}
