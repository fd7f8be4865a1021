package window

import (
	"path/filepath"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/app/settings"
	"github.com/ferry-move/ferry/ui/say"
	"github.com/ferry-move/ferry/ui/window/kit"
	"github.com/ferry-move/ferry/ui/window/words"
)

// prefs are the settings. Each is changed on a page of its own, and saved at
// once.
type prefs struct {
	sheet
	name, folder, look, size, language, limit *kit.Value
	verify                                    *kit.Pick
	group, moving                             fyne.CanvasObject
	where                                     fyne.CanvasObject
	err                                       error // why the last change was not saved
	lines                                     []*kit.Value
	opened                                    int // which line, and 1; 0 = none
}

func newSettings(w *Window) screen {
	x := &prefs{sheet: w.sheet()}
	line := func(title string, page func() screen) *kit.Value {
		n := len(x.lines) + 1
		l := kit.NewValue(title, "", w.on(func() { x.opened = n; w.push(page) }))
		x.lines = append(x.lines, l)
		return l
	}
	x.name = line(w.words.Say("This device's name"), func() screen { return newNaming(w) })
	x.look = line(w.words.Say("Appearance"), func() screen { return newLooks(w) })
	x.size = line(w.words.Say("Text size"), func() screen { return newSizes(w) })
	x.language = line(w.words.Say("Language"), func() screen { return newTongues(w) })
	x.limit = line(w.words.Say("Speed limit"), func() screen { return newLimit(w) })
	parts := []fyne.CanvasObject{x.limit}
	if shared() == "" {
		x.folder = line(w.words.Say("Where things go"), func() screen { return newFolder(w) })
		parts = []fyne.CanvasObject{x.folder, x.limit}
	}
	x.verify = kit.NewCheck(w.words.Say("Check everything after a move"), w.words.Say("Both phones read all of it once more. It takes longer."), false, func(on bool) {
		w.on(func() { x.set(func(s *settings.Settings) { s.Verify = on }) })()
	})
	x.group = kit.Group(x.name, x.language, x.look, x.size)
	x.moving = kit.Group(append(parts, x.verify)...)
	x.where = kit.Group(kit.Link(kit.Folder, w.words.Say("Where Ferry keeps things"), w.on(func() { w.push(func() screen { return newPlaces(w) }) })))
	x.page.Back(w.words.Say("Back"), w.back)
	x.fill()
	return x
}

func (x *prefs) fill() {
	body := []fyne.CanvasObject{kit.Title(x.words.Say("Settings"))}
	if x.err != nil {
		p := x.words.Error(x.err)
		body = append(body, kit.Notice(kit.Careful, p.What, p.Next))
	}
	x.page.Show(append(body, x.group, x.moving, x.where, kit.Caption(x.words.Say("Ferry {{.Version}}", say.Fields{"Version": session.Version})))...)
}

func (x *prefs) show(flow.Snapshot) {
	s := x.store.Get()
	x.name.Set(say.Foreign(x.state.Name))
	x.look.Set(x.lookName(s.Appearance))
	x.size.Set(x.sizeName(percent(s)))
	x.language.Set(x.tongueName(s.Language))
	if x.folder != nil {
		into, _ := x.into() // what is wrong with it is said where it is changed
		x.folder.Set(say.Foreign(filepath.Base(into)))
	}
	x.limit.Set(x.limitName(s.Limit))
	x.verify.SetOn(s.Verify)
}

// focus is on the line that was opened.
func (x *prefs) focus() fyne.Focusable {
	if x.opened == 0 {
		return nil
	}
	return x.lines[x.opened-1]
}

func (x *prefs) inherit(from screen) { x.opened = from.(*prefs).opened }

// set changes the settings, here.
func (x *prefs) set(change func(*settings.Settings)) {
	x.save(change, func(err error) {
		if x.prefer(); err != x.err {
			x.err = err
			x.fill()
		}
	})
}

func (w *Window) limitName(n int64) string {
	if n == 0 {
		return w.words.Say("None")
	}
	return w.words.Say("{{.Size}}/s", say.Fields{"Size": w.words.Bytes(n)})
}

func (w *Window) lookName(a settings.Appearance) string {
	switch a {
	case settings.Light:
		return w.words.Say("Light")
	case settings.Dark:
		return w.words.Say("Dark")
	case settings.HighContrast:
		return w.words.Say("High contrast")
	}
	return w.words.Say("As the system")
}

// percent is the size of texts.
func percent(s settings.Settings) int {
	if s.TextScale == 0 {
		return 100
	}
	return s.TextScale
}

func (w *Window) sizeName(percent int) string {
	switch percent {
	case 80:
		return w.words.Say("Small")
	case 100:
		return w.words.Say("Normal")
	case 125:
		return w.words.Say("Large")
	case 150:
		return w.words.Say("Larger")
	case 200:
		return w.words.Say("Largest")
	}
	return w.words.Say("{{.Number}} %", say.Fields{"Number": w.words.Count(uint64(percent))})
}

func (w *Window) tongueName(tag string) string {
	for _, l := range words.Languages() {
		if l.Tag == tag {
			return l.Name
		}
	}
	return w.words.Say("As the system")
}
