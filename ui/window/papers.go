package window

import (
	"net/url"
	"path/filepath"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/ui/say"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// papers is the part of a page about what a move leaves behind: its receipt, and the
// folder with what arrived.
type papers struct {
	*Window
	page *kit.Page
	news *widget.Label // what became of what was tapped
}

func newPapers(s sheet) papers {
	p := papers{s.Window, s.page, kit.Sentence("", kit.Bold)}
	p.news.Hide()
	return p
}

// parts are what is shown of it.
func (p papers) parts(s flow.Snapshot, r *flow.Result) []fyne.CanvasObject {
	w := p.words
	var out, links []fyne.CanvasObject
	if r.Receipt != "" {
		out = append(out, kit.Card(8, kit.Sentence(w.Say("The receipt"), kit.Bold),
			kit.Sentence(w.Say("Both phones signed what moved and what did not. Ferry keeps it here, and you can save a copy elsewhere.")),
			kit.Caption(say.Path(r.Receipt))))
	}
	if !fyne.CurrentDevice().IsMobile() { // there, files have no paths that a person could use
		if r.Receipt != "" {
			links = append(links, kit.Link(kit.Receipt, w.Say("Copy the path of the receipt"), p.on(func() { p.copy(r.Receipt) })))
		}
		if s.Role == flow.NewPhone && s.Place != "" {
			links = append(links, kit.Link(kit.Folder, w.Say("Open the folder with what arrived"), p.on(func() { p.open(s.Place) })))
		}
	}
	links = append(links, kit.Link(kit.Boat, w.Say("Run again: only what is new is sent"), p.on(func() { p.flow.Again() })))
	return append(out, kit.Column(8, p.news, kit.Group(links...)))
}

// tell says what became of something.
func (p papers) tell(text string) {
	p.news.SetText(text)
	p.news.Show()
	p.page.Root.Refresh()
}

func (p papers) copy(path string) {
	p.app.Clipboard().SetContent(path)
	p.tell(p.words.Say("The path is copied."))
}

func (p papers) open(folder string) {
	if err := p.app.OpenURL(fileURL(folder)); err != nil {
		p.tell(p.words.Say("The folder could not be opened. It is {{.Folder}}.", say.Fields{"Folder": say.Path(folder)}))
	}
}

// fileURL is a path as the system opens it.
func fileURL(path string) *url.URL {
	path = filepath.ToSlash(path)
	if filepath.VolumeName(path) != "" { // C:/Users
		path = "/" + path
	}
	return &url.URL{Scheme: "file", Path: path}
}
