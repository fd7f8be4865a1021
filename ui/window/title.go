package window

import "strings"

// entitle calls the window what its page is about: it is read in a list of
// windows, and aloud.
func (w *Window) entitle() {
	title := "Ferry"
	if h := w.top().paper().Heading(); h != "" {
		title = strings.Join([]string{h, title}, " – ")
	}
	if title != w.win.Title() {
		w.win.SetTitle(title)
	}
}
