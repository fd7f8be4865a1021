package window

// entitle calls the window what its page is about: it is read in a list of
// windows, and aloud.
func (w *Window) entitle() {
	title := w.top().paper().Heading()
	if title == "" {
		title = "Ferry"
	} else {
		title += " – Ferry"
	}
	if title != w.win.Title() {
		w.win.SetTitle(title)
	}
}
