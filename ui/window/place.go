package window

import (
	"os"
	"path/filepath"

	"fyne.io/fyne/v2"
)

// dropper is a screen that has a use for what is dropped on the window: a path, or
// nothing if it was not one.
type dropper interface{ drop(path string) }

// dropped gives what was dropped to the screen that is seen.
func (w *Window) dropped(what []fyne.URI) {
	d, ok := w.top().(dropper)
	if !ok {
		return
	}
	path := ""
	if len(what) == 1 && what[0].Scheme() == "file" {
		path = filepath.FromSlash(what[0].Path())
	}
	d.drop(path)
}

// into is the folder that is the new phone.
func (w *Window) into() (string, error) {
	if w.opt.Into != "" {
		return w.opt.Into, nil
	}
	if dir := w.store.Get().NewFolder; dir != "" {
		return dir, nil
	}
	return newPhone()
}

// newPhone is the folder that is the new phone unless another one is set.
func newPhone() (string, error) {
	if dir := shared(); dir != "" {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(home, "Ferry"), nil
}
