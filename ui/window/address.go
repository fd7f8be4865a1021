package window

import (
	"errors"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// typed is where a new phone is named that was not found: by its address, or by the
// text of its QR code.
type typed struct {
	sheet
	field *kit.Field
	next  *kit.Button
	busy  *widget.Label
	asked bool // what the flow says is about what is in the field
}

func newAddress(w *Window) screen {
	words := w.words
	x := &typed{sheet: w.sheet(), busy: kit.Sentence(words.Say("Looking for it…"), kit.Quiet)}
	x.field = kit.NewField(words.Say("Address, or text of the QR code"), "192.168.1.24:41234")
	x.next = kit.NewButton(words.Say("Next"), kit.Primary, w.on(x.ask))
	x.field.Changed = func(string) {
		x.asked = false
		x.show(w.state)
	}
	x.field.Done = func(string) { x.next.Tapped(nil) }
	x.page.Back(words.Say("Back to the list"), w.back)
	x.page.Show(kit.Column(kit.Gap,
		kit.Title(words.Say("Type its address")),
		kit.Sentence(words.Say("The new phone shows it below its code. Type all of it, with the colon.")),
		x.field, x.busy,
		kit.Caption(words.Say("The phones must be on one network: the same Wi-Fi, or the hotspot of one of them.")),
	))
	x.page.Buttons(kit.NewButton(words.Say("Paste"), kit.Secondary, w.on(x.paste)), x.next)
	return x
}

// focus implements focuser.
func (x *typed) focus() fyne.Focusable { return x.field.Input() }

func (x *typed) text() string { return strings.TrimSpace(x.field.Text()) }

func (x *typed) ask() {
	x.asked = true
	x.flow.GoTo(x.text())
}

// paste takes what was copied elsewhere.
func (x *typed) paste() {
	if text := strings.TrimSpace(x.app.Clipboard().Content()); text != "" {
		x.field.SetText(text)
	} else {
		x.field.SetProblem(x.words.Say("There is nothing to paste: copy the address first."))
	}
	x.win.Canvas().Focus(x.field.Input())
}

func (x *typed) show(s flow.Snapshot) {
	looking := x.asked && s.Resolving
	x.busy.Hidden = !looking
	able(x.next, x.text() != "" && !looking)
	if x.asked && s.AddressErr != nil {
		x.field.SetProblem(x.problem(s.AddressErr))
	}
	x.page.Root.Refresh()
}

// problem says what is wrong with an address.
func (x *typed) problem(err error) string {
	switch {
	case errors.Is(err, flow.ErrAddress):
		return x.words.Say("That is not an address. It looks like 192.168.1.24:41234, as the new phone shows it.")
	case errors.Is(err, flow.ErrUnknownHost):
		return x.words.Say("No device of that name is known here. Check how it is written, or type the numbers that the new phone shows.")
	}
	return x.words.Error(err).String()
}
