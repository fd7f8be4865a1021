package window

import (
	"errors"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/ferry-move/ferry/app/flow"
)

// write types where the focus is.
func (f *face) write(text string) {
	f.t.Helper()
	o := f.win.Canvas().Focused()
	if o == nil {
		f.t.Fatal("nothing has the focus")
	}
	test.Type(o, text)
}

// says reports whether a text is in the window, however it wraps.
func (f *face) says(text string) bool {
	return strings.Contains(strings.Join(strings.Fields(f.text()), " "), text)
}

func TestAddress(t *testing.T) {
	golden(t, "address", finding(), func(f *face) { f.tap("Not listed?") })
	golden(t, "address-wrong", finding(), func(f *face) {
		f.tap("Not listed?")
		f.write("192.168.1.24")
		f.key(fyne.KeyReturn)
		s := finding()
		s.AddressErr = flow.ErrAddress
		f.see(s)
	})
}

func TestAddressIsTyped(t *testing.T) {
	f := newFace(t, finding())
	f.tap("Not listed?")
	f.key(fyne.KeyReturn) // nothing yet
	f.tap("Next")
	f.wanted()
	f.write(" pixel.local:41234 ")
	f.key(fyne.KeyReturn)
	f.wanted("go to pixel.local:41234")

	s := finding()
	s.Resolving = true
	f.see(s)
	if !f.says("Looking for it…") {
		t.Errorf("does not say that it looks:\n%s", f.text())
	}
	f.tap("Next")
	f.wanted()

	s.Resolving, s.AddressErr = false, errors.Join(flow.ErrUnknownHost, errors.New("no such host"))
	f.see(s)
	if !f.says("No device of that name is known here.") {
		t.Errorf("does not say what is wrong:\n%s", f.text())
	}
	f.write("5")
	if f.says("No device of that name") {
		t.Errorf("what was wrong stays after a change:\n%s", f.text())
	}
	f.see(s) // the same as before
	if f.says("No device of that name") {
		t.Errorf("what was wrong comes again:\n%s", f.text())
	}
	f.tap("Next")
	f.wanted("go to pixel.local:41234 5")
	s.AddressErr = flow.ErrAddress
	f.see(s)
	if !f.says("That is not an address.") {
		t.Errorf("does not say what is wrong:\n%s", f.text())
	}
	f.key(fyne.KeyEscape)
	if !f.says("Choose your new phone") {
		t.Errorf("Esc does not lead back:\n%s", f.text())
	}
	f.tap("Not listed?")
	if f.says("That is not an address.") {
		t.Errorf("an old answer is shown:\n%s", f.text())
	}
	f.write("192.0.2.7:1")
	f.key(fyne.KeyReturn)
	f.wanted("go to 192.0.2.7:1")
	f.see(flow.Snapshot{Screen: flow.Code, Role: flow.OldPhone, Peer: flow.Peer{Addrs: pixel.Addrs}})
	if !f.says("The new phone at 192.168.1.24:41234 shows seven digits.") {
		t.Errorf("does not go on:\n%s", f.text())
	}
}

func TestAddressIsPasted(t *testing.T) {
	f := newFace(t, finding())
	f.tap("Not listed?")
	f.tap("Paste")
	if !f.says("There is nothing to paste") {
		t.Errorf("says nothing of it:\n%s", f.text())
	}
	f.app.Clipboard().SetContent(" 192.0.2.7:4242\n")
	f.tap("Paste")
	f.key(fyne.KeyReturn)
	f.wanted("go to 192.0.2.7:4242")
	f.app.Clipboard().SetContent(strings.Repeat("long ", 1_000_000))
	f.tap("Paste")
	f.tap("Next")
	if len(f.wants) != 1 || len(f.wants[0]) > 3000 {
		t.Errorf("%d bytes were taken", len(f.wants[0]))
	}
}
