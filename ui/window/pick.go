package window

import (
	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/app/settings"
	"github.com/ferry-move/ferry/ui/window/kit"
	"github.com/ferry-move/ferry/ui/window/words"
)

// one is a page on which one of few is picked. What is picked holds at once.
type one[T comparable] struct {
	sheet
	title string
	all   []T
	rows  []*kit.Pick
	get   func(settings.Settings) T
	err   error // why it was not saved
}

// pickOne makes the page. set gets what is picked into the settings.
func pickOne[T comparable](w *Window, title string, all []T, name func(T) string, get func(settings.Settings) T, set func(*settings.Settings, T)) screen {
	x := &one[T]{sheet: w.sheet(), title: title, all: all, get: get}
	for _, v := range all {
		x.rows = append(x.rows, kit.NewPick(name(v), "", w.on(func() {
			w.save(func(s *settings.Settings) { set(s, v) }, func(err error) {
				w.again() // this page too, in other words
				if x, ok := w.top().(*one[T]); ok && err != nil {
					x.err = err
					x.fill()
				}
			})
		})))
	}
	x.page.Back(w.words.Say("Back"), w.back)
	x.fill()
	return x
}

func (x *one[T]) fill() {
	body := []fyne.CanvasObject{kit.Title(x.title)}
	if x.err != nil {
		p := x.words.Error(x.err)
		body = append(body, kit.Notice(kit.Careful, p.What, p.Next))
	}
	var rows []fyne.CanvasObject
	for _, r := range x.rows {
		rows = append(rows, r)
	}
	x.page.Show(append(body, kit.Group(rows...))...)
}

func (x *one[T]) show(flow.Snapshot) {
	now := x.get(x.store.Get())
	for i, v := range x.all {
		x.rows[i].SetOn(v == now)
	}
}

// focus is on what is picked, where it was also before the page was made anew.
func (x *one[T]) focus() fyne.Focusable {
	for _, r := range x.rows {
		if r.On() {
			return r
		}
	}
	return nil
}

func newLooks(w *Window) screen {
	return pickOne(w, w.words.Say("Appearance"), []settings.Appearance{settings.SystemColours, settings.Light, settings.Dark, settings.HighContrast},
		w.lookName, func(s settings.Settings) settings.Appearance { return s.Appearance }, func(s *settings.Settings, a settings.Appearance) { s.Appearance = a })
}

func newSizes(w *Window) screen {
	return pickOne(w, w.words.Say("Text size"), []int{80, 100, 125, 150, 200}, w.sizeName, percent, func(s *settings.Settings, n int) { s.TextScale = n })
}

func newTongues(w *Window) screen {
	tags := []string{""}
	for _, l := range words.Languages() {
		tags = append(tags, l.Tag)
	}
	return pickOne(w, w.words.Say("Language"), tags, w.tongueName, func(s settings.Settings) string { return s.Language }, func(s *settings.Settings, t string) { s.Language = t })
}
