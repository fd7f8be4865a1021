package window

import (
	"errors"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/p2p/pairing"
	"github.com/ferry-move/ferry/ui/say"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// code asks for the code on the new phone.
type code struct {
	sheet
	title, whose *widget.Label
	field        *kit.CodeField
	status       *widget.Label // below the field
	next, paste  *kit.Button

	wrong   int  // how many wrong codes were told of
	asked   bool // what the flow says of a code is news
	scanned bool // no code is asked for: the text of the QR code stands for it
}

func newCode(w *Window) screen {
	words := w.words
	x := &code{sheet: w.sheet(), field: kit.NewCodeField(words.Say("Code"))}
	x.title, x.whose, x.status = kit.Title(""), kit.Sentence(x.shows(w.state)), kit.Sentence("", kit.Quiet)
	x.next = kit.NewButton(words.Say("Next"), kit.Primary, func() { x.give(x.field.Digits()) })
	x.paste = kit.NewButton(words.Say("Paste"), kit.Secondary, func() { x.field.Paste(w.app.Clipboard().Content()) })
	x.field.Done = x.give
	x.field.Changed = func(string) { x.show(w.state) }
	x.field.Other = func(text string) bool {
		text = strings.TrimSpace(text)
		link := strings.Contains(text, ":")
		if link {
			x.field.Clear()
			x.give(text)
		}
		return link
	}
	x.field.Useless = func() {
		x.field.SetProblem(words.Say("There is no code to paste: copy it first, or type the seven digits."))
		w.win.Canvas().Focus(x.field)
	}
	x.page.Back(words.Say("Back to the list"), w.on(w.flow.Back))
	x.lay()
	return x
}

// lay puts the parts on the page.
func (x *code) lay() {
	if x.scanned {
		x.page.Show(x.title, x.status)
		x.page.Buttons()
		return
	}
	x.page.Show(x.title, x.whose, x.field, x.status)
	x.page.Buttons(x.paste, x.next)
}

// focus implements focuser.
func (x *code) focus() fyne.Focusable { return x.field }

// give gives a code, or the text of a QR code.
func (x *code) give(text string) {
	x.on(func() {
		x.asked = true
		x.flow.TypeCode(text)
	})()
}

// shows says which phone shows the code.
func (x *code) shows(s flow.Snapshot) string {
	if name := say.Foreign(s.Peer.Name); name != "" {
		return x.words.Say("{{.Name}} shows seven digits.", say.Fields{"Name": name})
	}
	if len(s.Peer.Addrs) > 0 {
		return x.words.Say("The new phone at {{.Address}} shows seven digits.", say.Fields{"Address": address(s.Peer.Addrs)})
	}
	return x.words.Say("The new phone shows seven digits.")
}

func (x *code) show(s flow.Snapshot) {
	title, status := x.words.Say("Type the code"), x.words.Say("You can paste it too: the digits, or the text of the QR code.")
	if s.Checking {
		status = x.words.Say("Checking it with the new phone…")
	}
	scanned := s.Checking && x.field.Digits() == ""
	if scanned {
		title = x.words.Say("One moment")
		status = x.words.Say("Checking the QR code with the new phone…")
	}
	setText(x.title, title)
	setText(x.status, status)
	if scanned != x.scanned {
		x.scanned = scanned
		x.lay()
	}
	switch {
	case s.Wrong > x.wrong:
		x.wrong = s.Wrong
		x.refuse(x.wrongCode(s))
	case x.asked && s.CodeErr != nil:
		x.refuse(x.words.Error(s.CodeErr).String())
	}
	able(x.next, x.field.Complete() && !s.Checking)
	able(x.paste, !s.Checking)
	x.page.Root.Refresh()
}

// refuse empties the field and says why.
func (x *code) refuse(why string) {
	x.asked = false
	x.field.Clear()
	x.field.SetProblem(why)
	x.win.Canvas().Focus(x.field)
}

// wrongCode says why a code was not taken.
func (x *code) wrongCode(s flow.Snapshot) string {
	switch {
	case errors.Is(s.CodeErr, pairing.ErrCodeChanged):
		return x.words.Say("The code on the new phone has changed. Type the one that it shows now.")
	case s.TriesLeft == 0:
		return x.words.Say("That is not the code on the new phone, which shows a new one now. Type that one.")
	}
	return x.words.Error(&pairing.WrongCodeError{TriesLeft: s.TriesLeft}).String()
}
