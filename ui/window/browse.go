package window

import (
	"cmp"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/ui/say"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// maxNames is how many names of a folder are shown.
const maxNames = 10_000

// browse is where a person looks for a folder, or for a file.
type browse struct {
	sheet
	files  bool
	about  string // what it is chosen for, in a sentence; empty = that is plain
	chosen func(path string)

	at     string // the folder that is shown; empty = none yet
	rows   []named
	more   int // names that did not fit
	list   *kit.List
	choose *kit.Button
	ctx    context.Context // ends when the screen does
	end    context.CancelFunc
}

// named is something in a folder.
type named struct {
	name   string
	folder bool
}

// above is the row that leads to the folder above.
const above = ".."

// newBrowse begins near a path. files tells that a file can be chosen too.
func newBrowse(w *Window, near string, files bool, chosen func(path string)) *browse {
	x := &browse{sheet: w.sheet(), files: files, chosen: chosen}
	x.ctx, x.end = context.WithCancel(w.ctx)
	x.choose = kit.NewButton(w.words.Say("Choose this folder"), kit.Primary, w.on(func() { x.take(x.at) }))
	x.choose.Disable()
	x.page.Back(w.words.Say("Back"), w.back)
	x.page.Buttons(x.choose)
	x.page.Show(kit.Sentence(w.words.Say("Reading…"), kit.Quiet))
	x.open(near, true)
	return x
}

func (*browse) show(flow.Snapshot) {}

func (x *browse) leave() { x.end() }

func (x *browse) focus() fyne.Focusable {
	if x.list == nil {
		return nil
	}
	return x.list
}

// open shows a folder. near tells that the next one above will do.
func (x *browse) open(path string, near bool) {
	x.beside(x.ctx, func(context.Context) func() {
		at, entries, err := readNear(path, near)
		return func() { x.opened(at, entries, err) }
	})
}

func (x *browse) opened(at string, entries []fs.DirEntry, err error) {
	if err != nil {
		p := x.words.Error(err)
		x.fill(kit.Notice(kit.Careful, p.What, p.Next))
		return
	}
	x.at, x.rows, x.more = at, nil, 0
	if filepath.Dir(at) != at {
		x.rows = append(x.rows, named{above, true})
	}
	for _, e := range entries {
		n := named{e.Name(), e.IsDir()}
		if e.Type()&fs.ModeSymlink != 0 { // what it stands for is found when it is tapped
			n.folder = !strings.Contains(n.name, ".")
		}
		switch {
		case strings.HasPrefix(n.name, "."), !n.folder && !x.files:
		case len(x.rows) == maxNames:
			x.more++
		default:
			x.rows = append(x.rows, n)
		}
	}
	slices.SortStableFunc(x.rows, func(a, b named) int {
		switch {
		case a.name == above || b.name != above && a.folder && !b.folder:
			return -1
		case b.name == above || b.folder && !a.folder:
			return 1
		}
		return cmp.Compare(strings.ToLower(a.name), strings.ToLower(b.name))
	})
	x.choose.Enable()
	x.list = kit.NewList(kit.ListOptions{ // begins at its first row
		Len: func() int { return len(x.rows) }, Item: x.item, Toggle: func(i int) { x.on(func() { x.tapped(i) })() },
		Opens: true, Label: x.words.Say("What is in this folder"),
	})
	x.fill()
	x.win.Canvas().Focus(x.list)
}

// fill shows the folder, and what else there is to say.
func (x *browse) fill(also ...fyne.CanvasObject) {
	head := kit.Title(x.words.Say("Choose a folder"))
	if x.files {
		head = kit.Title(x.words.Say("Choose a folder or an archive"))
	}
	body := []fyne.CanvasObject{head}
	if x.about != "" {
		body = append(body, kit.Sentence(x.about))
	}
	if x.at != "" {
		body = append(body, kit.Caption(say.Path(x.at)))
	}
	body = append(body, also...)
	if x.more > 0 {
		body = append(body, kit.Caption(x.words.Number("{{.Count}} more is not shown.", "{{.Count}} more are not shown.", uint64(x.more))))
	}
	if x.list == nil {
		x.page.Show(body...)
		return
	}
	x.page.Fill(x.list, body...)
}

func (x *browse) item(i int) kit.Item {
	r := x.rows[i]
	switch {
	case r.name == above:
		return kit.Item{Title: x.words.Say("The folder above"), Detail: say.Foreign(filepath.Base(filepath.Dir(x.at)))}
	case r.folder:
		return kit.Item{Title: r.name, Detail: x.words.Say("Folder")}
	}
	return kit.Item{Title: r.name, Detail: x.words.Say("File")}
}

func (x *browse) tapped(i int) {
	r := x.rows[i]
	path := filepath.Join(x.at, r.name)
	x.beside(x.ctx, func(context.Context) func() {
		fi, err := os.Stat(path)
		if err == nil && !fi.IsDir() {
			return func() {
				if x.files {
					x.take(path)
				}
			}
		}
		return func() { x.open(path, false) }
	})
}

func (x *browse) take(path string) {
	x.back()
	x.chosen(path)
}

// readNear reads a folder; with near, the first one that can be read on the way
// up from a path, or the home.
func readNear(path string, near bool) (at string, entries []fs.DirEntry, err error) {
	if near && strings.TrimSpace(path) == "" {
		path = "~"
	}
	if at, err = whole(path); err != nil {
		return "", nil, err
	}
	for {
		entries, err = os.ReadDir(at)
		up := filepath.Dir(at)
		if err == nil || !near || up == at {
			return at, entries, err
		}
		at = up
	}
}
