package window

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/app/settings"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// source is where a person says where the old phone's data is: where it is not
// the phone itself.
type source struct {
	sheet
	path *kit.Field
	look fyne.CanvasObject
	next *kit.Button
	ctx  context.Context // ends when the screen does
	end  context.CancelFunc
	busy bool // the disk is asked about the path
}

func newSource(w *Window, path string) screen {
	x := &source{sheet: w.sheet()}
	x.ctx, x.end = context.WithCancel(w.ctx)
	x.path = kit.NewField(w.words.Say("The folder or archive"), "")
	x.path.SetText(path)
	x.path.Changed = func(string) { x.able() }
	x.path.Done = func(string) { w.on(x.take)() }
	x.look = kit.Link(kit.Folder, w.words.Say("Look for it"), w.on(func() {
		w.push(func() screen { return newBrowse(w, x.path.Text(), true, x.chosen) })
	}))
	x.next = kit.NewButton(w.words.Say("Next"), kit.Primary, w.on(x.take))
	x.page.Back(w.words.Say("Back"), w.back)
	x.page.Show(
		kit.Title(w.words.Say("Where is your old phone?")),
		kit.Sentence(w.words.Say("Choose the folder that holds what is on it: DCIM, Documents, Contacts and so on. An Android backup archive will do too.")),
		kit.Group(x.look),
		x.path,
		kit.Caption(w.words.Say("You can also drop a folder or an archive on this window.")),
	)
	x.page.Buttons(x.next)
	x.able()
	return x
}

func (*source) show(flow.Snapshot) {}

func (x *source) leave() { x.end() }

// focus is on what is left to do.
func (x *source) focus() fyne.Focusable {
	if x.path.Text() != "" {
		return x.next
	}
	f, _ := x.look.(fyne.Focusable)
	return f
}

func (x *source) problem(s string) {
	x.path.SetProblem(s)
	x.page.Fit()
	x.win.Canvas().Focus(x.path.Input())
}

func (x *source) able() {
	if x.busy || strings.TrimSpace(x.path.Text()) == "" {
		x.next.Disable()
	} else {
		x.next.Enable()
	}
}

// chosen takes a path that was not typed.
func (x *source) chosen(path string) {
	x.path.SetText(path)
	x.able()
	x.win.Canvas().Focus(x.next)
}

func (x *source) drop(path string) {
	if path == "" {
		x.problem(x.words.Say("That is not one folder or one archive. Drop one."))
		return
	}
	x.chosen(path)
}

// take goes on with the path, if there is something.
func (x *source) take() {
	text := strings.TrimSpace(x.path.Text())
	if text == "" || x.busy {
		return
	}
	x.busy = true
	x.able()
	x.beside(x.ctx, func(context.Context) func() {
		path, err := lookUp(text)
		return func() {
			x.busy = false
			x.able()
			if err != nil {
				x.problem(x.words.Error(err).String())
				return
			}
			x.beOldFrom(path, func(s *settings.Settings) {
				s.LastRole = settings.OldPhone
				if settings.CheckFolder(settings.SendFolder, path) == nil { // a path that is no text is not remembered
					s.SendFolder = path
				}
			})
		}
	})
}

// lookUp finds what a person means by a path, and whether it can be opened.
func lookUp(text string) (string, error) {
	path, err := whole(text)
	if err != nil {
		return "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	return path, f.Close()
}

// whole makes a path as it is typed or pasted one that begins at the root.
func whole(text string) (string, error) {
	text = strings.TrimSpace(text)
	if u, err := url.Parse(text); err == nil && u.Scheme == "file" {
		text = filepath.FromSlash(u.Path)
	}
	if rest, ok := strings.CutPrefix(text, "~"); ok && (rest == "" || os.IsPathSeparator(rest[0])) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", err
		}
		text = home + rest
	}
	return filepath.Abs(text)
}
