package window

import (
	"testing"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
)

func locked(wrong int) flow.Snapshot {
	return flow.Snapshot{Screen: flow.Unlock, Role: flow.OldPhone, Place: "/home/ana/backup of my phone.ab", WrongPasswords: wrong}
}

func TestUnlock(t *testing.T) {
	golden(t, "unlock", locked(0), func(f *face) { f.write("sesame") })
	golden(t, "unlock-wrong", locked(1), nil)
}

func TestUnlockAsks(t *testing.T) {
	f := newFace(t, locked(0))
	f.key(fyne.KeyReturn) // nothing yet
	f.tap("Unlock")
	f.wanted()
	f.write(" Sesame")
	if f.says("Sesame") {
		t.Error("the password is shown")
	}
	f.tap("Show the password")
	if !f.says("Sesame") {
		t.Errorf("the password is not shown:\n%s", f.text())
	}
	f.tap("Show the password")
	if f.says("Sesame") {
		t.Error("the password is still shown")
	}
	f.write("x")
	f.key(fyne.KeyBackspace, fyne.KeyReturn)
	f.wanted("password  Sesame")
	f.see(locked(1))
	if !f.says("That is not the password") {
		t.Errorf("does not say that it was wrong:\n%s", f.text())
	}
	f.write("open")
	if f.says("That is not the password") {
		t.Errorf("stays while another one is typed:\n%s", f.text())
	}
	f.see(locked(1)) // nothing new
	f.tap("Unlock")
	f.wanted("password open")
	f.win.Canvas().Unfocus()
	f.see(locked(2))
	if !f.says("That is not the password") {
		t.Errorf("does not say that it was wrong again:\n%s", f.text())
	}
	f.write("o")
	f.key(fyne.KeyBackspace)
	f.tap("Unlock") // nothing again
	f.wanted()
	f.key(fyne.KeyEscape)
	f.wanted("back")
}
