package window

import (
	"testing"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/p2p/pairing"
)

// coding asks for the code of a phone.
func coding(name string) flow.Snapshot {
	return flow.Snapshot{Screen: flow.Code, Role: flow.OldPhone, Peer: flow.Peer{Name: name, Addrs: pixel.Addrs}}
}

func TestCode(t *testing.T) {
	golden(t, "code", coding("Pixel 9"), func(f *face) { f.write("7429") })
	golden(t, "code-wrong", coding("Pixel 9"), func(f *face) {
		s := coding("Pixel 9")
		s.Wrong, s.TriesLeft = 1, 2
		f.see(s)
	})
	scanned := coding("")
	scanned.Checking = true
	golden(t, "code-scanned", scanned, nil)
}

func TestCodeIsTyped(t *testing.T) {
	f := newFace(t, coding("Pixel 9"))
	f.write("742 916")
	f.tap("Next")
	f.wanted()
	f.write("3")
	f.wanted("code 7429163")

	s := coding("Pixel 9")
	s.Checking = true
	f.see(s)
	if !f.says("Checking it with the new phone…") || !f.says("Type the code") {
		t.Errorf("does not say that it checks:\n%s", f.text())
	}
	f.app.Clipboard().SetContent("7654321")
	f.tap("Next")
	f.tap("Paste")
	f.wanted()
	if got := f.base.screen.(*code).field.Digits(); got != "7429163" {
		t.Errorf("while it is checked it becomes %q", got)
	}

	s.Checking, s.Wrong, s.TriesLeft = false, 1, 2
	f.see(s)
	if !f.says("That is not the code on the new phone. 2 tries left.") || f.says("7 4 2") {
		t.Errorf("does not say that it was wrong:\n%s", f.text())
	}
	if !f.button("Next").Disabled() {
		t.Error("Next can be tapped after a wrong code, with nothing typed")
	}
	f.see(s)
	f.write("1")
	if f.says("2 tries left") {
		t.Errorf("stays while another one is typed:\n%s", f.text())
	}
	f.write("234567")
	f.wanted("code 1234567")
	s.Wrong, s.TriesLeft = 2, 1
	f.see(s)
	if !f.says("1 try left.") {
		t.Errorf("does not say that it was wrong again:\n%s", f.text())
	}
	s.Wrong, s.TriesLeft = 3, 0
	f.see(s)
	if !f.says("which shows a new one now. Type that one.") {
		t.Errorf("does not say that there is another one:\n%s", f.text())
	}
	f.key(fyne.KeyEscape)
	f.wanted("back")
}

func TestCodeIsPasted(t *testing.T) {
	f := newFace(t, coding(""))
	if !f.says("The new phone at 192.168.1.24:41234 shows seven digits.") {
		t.Errorf("does not say whose code:\n%s", f.text())
	}
	f.app.Clipboard().SetContent("742-9163")
	f.tap("Paste")
	f.wanted("code 7429163")
	f.see(coding("")) // asked again
	f.app.Clipboard().SetContent(" ferry:AB12/34567890 ")
	f.win.Canvas().Focused().(fyne.Shortcutable).TypedShortcut(&fyne.ShortcutPaste{Clipboard: f.app.Clipboard()})
	f.wanted("code ferry:AB12/34567890")
	s := coding("")
	s.CodeErr = pairing.ErrBadLink
	f.see(s)
	if !f.says("That is not the text of a QR code") {
		t.Errorf("does not say what is wrong:\n%s", f.text())
	}
	f.write("1")
	f.see(s)
	if f.says("QR code of") {
		t.Errorf("stays while a code is typed:\n%s", f.text())
	}
}

// What cannot be pasted is told of, and leaves what was typed.
func TestCodeUselessPaste(t *testing.T) {
	f := newFace(t, coding("Pixel 9"))
	const told = "There is no code to paste: copy it first, or type the seven digits."
	for _, text := range []string{"", "  \n", "see you tomorrow"} {
		f.app.Clipboard().SetContent(text)
		f.write("742")
		if f.says(told) {
			t.Errorf("stays while a code is typed:\n%s", f.text())
		}
		f.tap("Paste")
		if !f.says(told) {
			t.Errorf("%q: says nothing:\n%s", text, f.text())
		}
		if field := f.base.screen.(*code).field; field.Digits() != "742" || f.win.Canvas().Focused() != fyne.Focusable(field) {
			t.Errorf("%q: %q, and %v has the focus", text, field.Digits(), f.win.Canvas().Focused())
		}
		f.key(fyne.KeyBackspace, fyne.KeyBackspace, fyne.KeyBackspace)
	}
	f.wanted()
}

// Another code on the new phone is asked for on the same page.
func TestCodeChanges(t *testing.T) {
	f := newFace(t, coding("Pixel 9"))
	f.write("7429163")
	s := coding("Pixel 9")
	s.Wrong, s.CodeErr = 1, pairing.ErrCodeChanged
	f.see(s)
	if !f.says("The code on the new phone has changed. Type the one that it shows now.") || f.says("7 4 2") {
		t.Errorf("does not say that it changed:\n%s", f.text())
	}
	f.wanted("code 7429163")
	f.write("1234567")
	f.wanted("code 1234567")
	s.Wrong, s.CodeErr, s.TriesLeft = 2, nil, 2
	f.see(s)
	if !f.says("2 tries left.") || f.says("has changed") {
		t.Errorf("does not say that it was wrong:\n%s", f.text())
	}
	scanned := coding("Pixel 9")
	scanned.Checking = true
	f = newFace(t, scanned)
	s.Wrong, s.CodeErr = 1, pairing.ErrCodeChanged
	f.see(s)
	if !f.says("has changed.") || !f.says("Pixel 9 shows seven digits.") {
		t.Errorf("asks for no code:\n%s", f.text())
	}
}

// The text of a QR code proves itself: no code is asked for, unless it is wrong.
func TestCodeIsScanned(t *testing.T) {
	s := coding("Pixel 9")
	s.Checking = true
	f := newFace(t, s)
	if f.says("seven digits") || !f.says("Checking the QR code with the new phone…") {
		t.Errorf("asks for a code:\n%s", f.text())
	}
	s.Checking, s.Wrong = false, 1
	f.see(s)
	if !f.says("Pixel 9 shows seven digits.") || !f.says("which shows a new one now.") {
		t.Errorf("asks for no code:\n%s", f.text())
	}
	f.write("7429163")
	f.wanted("code 7429163")
}

// A name cannot push the field off the screen, nor turn the text around.
func TestCodeNameIsForeign(t *testing.T) {
	s := coding("\u202eevil\n\n\n\n" + string(make([]byte, 10_000)))
	golden(t, "code-foreign", s, nil)
}
