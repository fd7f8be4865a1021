package window

import (
	"runtime/debug"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// screen is one page of the window.
type screen interface {
	// paper is its page, the same one each time.
	paper() *kit.Page
	// show draws a snapshot, each time that something changed. The first one comes
	// before the page is seen.
	show(s flow.Snapshot)
	// leave ends what runs beside the page, which is not seen again.
	leave()
}

// focuser is a screen in which something has the focus from the start.
type focuser interface{ focus() fyne.Focusable }

// ticking is a screen that says how long ago something was: it is shown anew each
// second.
type ticking interface{ ticking() bool }

// heir is a screen that takes over what was so before it was made anew.
type heir interface{ inherit(from screen) }

// sheet is what all screens have in common. Embedded, it makes a type a screen
// that needs only show.
type sheet struct {
	*Window
	page *kit.Page
}

func (w *Window) sheet() sheet { return sheet{w, kit.NewPage()} }

func (s sheet) paper() *kit.Page { return s.page }

func (s sheet) leave() {}

// open is a screen, and how to make it again in another language.
type open struct {
	make func() screen
	screen
}

// station is what belongs to one screen: while it is the same, the screen stays.
type station struct {
	screen flow.Screen
	role   flow.Role
	offer  *flow.Offer
}

func stationOf(s flow.Snapshot) station {
	at := station{s.Screen, s.Role, s.Offer}
	switch s.Screen {
	case flow.Previewing: // what was chosen stays on the screen
		at.screen = flow.What
	case flow.Verifying:
		at.screen = flow.Moving
	}
	return at
}

// screenAt makes the screen of a station.
func (w *Window) screenAt(at station) screen {
	switch at.screen {
	case flow.Start:
		return newStart(w)
	case flow.Unlock:
		return newUnlock(w)
	case flow.Find:
		return newFind(w)
	case flow.Code:
		return newCode(w)
	case flow.What:
		return newWhat(w)
	case flow.Wait:
		return newWait(w)
	case flow.Asking:
		return newAsking(w)
	case flow.Moving:
		return newMoving(w)
	case flow.Done:
		return newDone(w)
	case flow.Problem:
		return newProblem(w)
	default: // Opening, Counting, AskedThere
		return newPatience(w)
	}
}

// draw shows what is so now.
func (w *Window) draw() {
	w.state = w.flow.Snapshot()
	w.seen.Store(w.state.Version)
	w.guard(func() {
		if at := stationOf(w.state); w.base.screen == nil || at != w.at {
			w.clear()
			w.at = at
			w.base.make = func() screen { return w.screenAt(at) }
			w.base.screen = w.base.make()
			w.turn()
			return
		}
		w.top().show(w.state)
		w.entitle()
		w.hands()
	})
	w.attend()
}

// top is what is seen.
func (w *Window) top() screen {
	if n := len(w.over); n > 0 {
		return w.over[n-1].screen
	}
	return w.base.screen
}

// clear leaves all screens.
func (w *Window) clear() {
	for _, o := range w.over {
		o.leave()
	}
	w.over = nil
	if w.base.screen != nil {
		w.base.leave()
		w.base.screen = nil
	}
}

// push opens a screen over the one that is seen. It goes with back, or when the
// flow goes to another screen.
func (w *Window) push(make func() screen) {
	w.guard(func() {
		w.over = append(w.over, open{make, make()})
		w.turn()
	})
}

// back leaves the screen that was pushed last.
func (w *Window) back() {
	w.guard(func() {
		if n := len(w.over); n > 0 {
			w.over[n-1].leave()
			w.over = w.over[:n-1]
			w.turn()
		}
	})
}

// turn puts the top screen into the window.
func (w *Window) turn() {
	t := w.top()
	t.show(w.state)
	p := t.paper()
	w.win.SetContent(p.Root)
	w.win.Canvas().SetOnTypedKey(p.TypedKey)
	w.win.Canvas().Unfocus() // what had it is gone
	if f, ok := t.(focuser); ok {
		if part := f.focus(); part != nil {
			w.win.Canvas().Focus(part)
		}
	}
	w.entitle()
	w.hands()
}

func (w *Window) hands() {
	t, ok := w.top().(ticking)
	w.each.Store(ok && t.ticking())
}

// again makes every screen anew, in the words and the look of the settings. What is
// seen keeps its place.
func (w *Window) again() {
	w.prefer()
	place := w.top().paper().Offset()
	all := append([]open{w.base}, w.over...)
	w.clear()
	for i, o := range all {
		next := open{o.make, o.make()}
		if h, ok := next.screen.(heir); ok {
			h.inherit(o.screen)
		}
		if i == 0 {
			w.base = next
		} else {
			w.over = append(w.over, next)
		}
	}
	w.turn()
	w.top().paper().ScrollTo(place)
}

// guard does something, and shows a sentence instead if it panics. What moves
// goes on.
func (w *Window) guard(do func()) {
	defer func() {
		if r := recover(); r != nil {
			stack := debug.Stack()
			name := ""
			if w.opt.Report != nil {
				name, _ = w.opt.Report(stack) // the sentence is said in any case
			}
			w.broken(name)
		}
	}()
	do()
}
