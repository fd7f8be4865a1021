package window

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"

	"github.com/ferry-move/ferry/app/settings"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// openSettings opens a page of the settings, or, with nil, all of them.
func openSettings(page func(*Window) screen) func(*face) {
	return func(f *face) {
		f.opt.Home, f.opt.Into = "/home/anna/.config/ferry", "/home/anna/Ferry"
		f.push(func() screen { return newSettings(f.Window) })
		if page != nil {
			f.push(func() screen { return page(f.Window) })
		}
	}
}

func TestSettings(t *testing.T) {
	golden(t, "settings", atStart, openSettings(nil))
	golden(t, "settings-language", atStart, openSettings(newTongues))
	golden(t, "settings-limit", atStart, openSettings(func(w *Window) screen {
		x := newLimit(w).(*entry)
		x.field.SetText("5")
		x.keep()
		return x
	}))
	golden(t, "settings-places", atStart, openSettings(newPlaces))
}

// What is picked holds at once, and the focus stays on it.
func TestPickLanguage(t *testing.T) {
	f := newFace(t, atStart, func(s *settings.Settings) { s.Language = "en" })
	q := f.queue()
	f.tap("Settings")
	f.tap("Language, English")
	f.tap("Deutsch")
	f.settle(q)
	if got := f.store.Get().Language; got != "de" {
		t.Fatalf("%q", got)
	}
	if f.words.Digits.Decimal != "," {
		t.Error("the words are not German")
	}
	if p, ok := f.win.Canvas().Focused().(*kit.Pick); !ok || p.AccessibilityLabel() != "Deutsch" || !p.On() {
		t.Errorf("the focus is on %T", f.win.Canvas().Focused())
	}
	f.key(fyne.KeyEscape)
	x, ok := f.top().(*prefs)
	if !ok || f.win.Canvas().Focused() != x.language || !strings.HasSuffix(x.language.AccessibilityLabel(), ", Deutsch") {
		t.Fatalf("back at %T, the focus is on %T", f.top(), f.win.Canvas().Focused())
	}
	f.key(fyne.KeyEscape)
	if _, ok := f.top().(*start); !ok {
		t.Fatalf("%T", f.top())
	}
}

func TestPickLook(t *testing.T) {
	f := newFace(t, atStart)
	q := f.queue()
	ground := func() any {
		return f.app.Settings().Theme().Color(theme.ColorNameBackground, theme.VariantLight)
	}
	before, size := ground(), f.app.Settings().Theme().Size(theme.SizeNameText)
	f.tap("Settings")
	f.tap("Appearance, As the system")
	f.tap("Dark")
	f.settle(q)
	if ground() == before {
		t.Error("it is as light as before")
	}
	f.key(fyne.KeyEscape)
	f.tap("Text size, Normal")
	f.tap("Largest")
	f.settle(q)
	if got := f.app.Settings().Theme().Size(theme.SizeNameText); got != 2*size {
		t.Errorf("texts are %v; want %v", got, 2*size)
	}
	if got := f.store.Get(); got.Appearance != settings.Dark || got.TextScale != 200 {
		t.Errorf("%+v", got)
	}
}

// Two that are picked one after the other are saved in that order, and the page
// that is scrolled stays where it is.
func TestPickInOrder(t *testing.T) {
	f := newFace(t, atStart, func(s *settings.Settings) { s.TextScale = 200 })
	q := f.queue()
	f.tap("Settings")
	f.push(func() screen { return newTongues(f.Window) })
	f.top().paper().ScrollTo(fyne.NewPos(0, 120))
	f.tap("Deutsch")
	f.tap("Français")
	f.settle(q)
	if got := f.store.Get().Language; got != "fr" {
		t.Errorf("%q", got)
	}
	if at := f.top().paper().Offset().Y; at != 120 {
		t.Errorf("scrolled to %v", at)
	}
}

func TestTyped(t *testing.T) {
	f := newFace(t, atStart)
	q := f.queue()
	dir := t.TempDir()
	f.opt.Into = ""
	f.tap("Settings")
	typing := func(line, text string) {
		t.Helper()
		f.tap(line)
		x, ok := f.top().(*entry)
		if !ok {
			t.Fatalf("%s opens %T", line, f.top())
		}
		if f.win.Canvas().Focused() != x.field.Input() {
			t.Errorf("%s: the focus is on %T", line, f.win.Canvas().Focused())
		}
		x.field.SetText(text)
		f.key(fyne.KeyReturn)
		f.settle(q)
	}
	typing("Speed limit, None", "fast")
	f.tells("That is not a speed limit. Write a number of bytes a second")
	f.top().(*entry).field.SetText("20M")
	f.silent("That is not a speed limit.")
	f.tap("Save")
	f.settle(q)
	f.tells("20 MB/s")
	typing("This device's name, Pixel 9", "  Anna's\tphone ")
	f.wanted(`prefer "" false`, `prefer "Anna's phone" false`) // once for each that is saved
	typing("Where things go, "+lastOf(t, f), dir)
	if got := f.store.Get(); got.Limit != 20e6 || got.Name != "Anna's phone" || got.NewFolder != dir {
		t.Errorf("%+v", got)
	}
	f.tap("Speed limit, 20 MB/s")
	f.top().(*entry).field.SetText("1G")
	f.key(fyne.KeyEscape) // leaves it as it was
	f.settle(q)
	if got := f.store.Get().Limit; got != 20e6 {
		t.Errorf("%d", got)
	}
}

func lastOf(t *testing.T, f *face) string {
	t.Helper()
	into, err := f.into()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Base(into)
}

func TestVerify(t *testing.T) {
	f := newFace(t, atStart)
	q := f.queue()
	f.tap("Settings")
	f.tap("Check everything after a move. Both phones read all of it once more. It takes longer.")
	f.settle(q)
	f.wanted(`prefer "" true`)
	if !f.store.Get().Verify {
		t.Error("it is not saved")
	}
}

// What cannot be saved holds for this run, and is said.
func TestNotSaved(t *testing.T) {
	f := newFace(t, atStart)
	q := f.queue()
	if err := os.WriteFile(filepath.Join(f.opt.Home, "settings.json"), []byte(`{"version":99}`), 0o600); err != nil {
		t.Fatal(err)
	}
	f.tap("Settings")
	f.tap("Language, As the system")
	f.tap("Español")
	f.settle(q)
	if _, ok := f.top().(*one[string]); !ok || f.store.Get().Language != "es" || !strings.Contains(f.text(), "⚠") && f.top().(*one[string]).err == nil {
		t.Errorf("%T, %+v", f.top(), f.store.Get())
	}
	f.key(fyne.KeyEscape)
	f.tap(f.top().(*prefs).limit.AccessibilityLabel())
	f.top().(*entry).field.SetText("20M")
	f.key(fyne.KeyReturn)
	f.settle(q)
	if x, ok := f.top().(*prefs); !ok || x.err == nil {
		t.Errorf("%T says nothing", f.top())
	}
}

// The theme is set when the look changes, and not with every setting: each time the
// toolkit reads its fonts anew, and keeps the old ones.
func TestThemeIsKept(t *testing.T) {
	f := newFace(t, atStart)
	set := 0
	f.app.Settings().AddListener(func(fyne.Settings) { set++ })
	f.prefer()
	if set != 0 {
		t.Errorf("the theme is set %d times, and is the same", set)
	}
	if err := f.store.Update(func(s *settings.Settings) { s.TextScale = 150 }); err != nil {
		t.Fatal(err)
	}
	if f.prefer(); set == 0 {
		t.Error("another size of text sets no theme")
	}
}

func TestPlacesOpen(t *testing.T) {
	f := newFace(t, atStart)
	f.opt.Into = "/new"
	f.push(func() screen { return newPlaces(f.Window) })
	f.tells("/new")
	f.tells(f.opt.Home[:20])
	o := &opener{App: f.app}
	f.app = o
	f.tap("Open what arrived")
	f.silent("could not open")
	o.err = errors.New("no program")
	b := f.button("Open what arrived")
	f.win.Canvas().Focus(b)
	f.key(fyne.KeyReturn)
	f.tells("This system could not open the folder.")
	o.err = nil
	f.key(fyne.KeyReturn) // it has the focus still
	f.silent("could not open")
	f.tap("Open Ferry's own files")
	if want := []string{"file:///new", "file:///new", "file:///new", fileURL(f.opt.Home).String()}; !slices.Equal(o.opened, want) {
		t.Errorf("opened %q", o.opened)
	}
}
