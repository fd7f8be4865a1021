package kit

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/test"

	"github.com/ferry-move/ferry/ui/window/kit/kittest"
)

// small360 is the smallest phone that everything must fit.
var small360 = fyne.NewSize(360, 640)

// looks are those that every part is shown in.
var looks = map[string]Look{
	"light": {Scheme: Light}, "dark": {Scheme: Dark},
	"light-high": {Scheme: Light, HighContrast: true}, "dark-high": {Scheme: Dark, HighContrast: true},
}

// screen is a window in a look, with a page in it.
func screen(t testing.TB, l Look) (fyne.Window, *Page) {
	t.Helper()
	app := test.NewTempApp(t)
	app.Settings().SetTheme(l.Theme())
	w := test.NewTempWindow(t, nil)
	p := NewPage()
	w.SetPadded(false)
	w.SetContent(p.Root)
	w.Canvas().SetOnTypedKey(p.TypedKey)
	w.Resize(small360)
	return w, p
}

func nothing() {}

// parts are all parts in their states; the order is the gallery's.
func parts() []struct {
	name string
	o    fyne.CanvasObject
} {
	type part = struct {
		name string
		o    fyne.CanvasObject
	}
	kind := func(g Glyph, title, count, detail string, on bool) fyne.CanvasObject {
		return NewKindRow(Kind{Icon: g, Title: title, Count: count, Detail: detail, On: on, OpenLabel: "Choose " + title}, func(bool) {}, nothing)
	}
	partly := NewKindRow(Kind{Icon: Videos, Title: "Videos", Count: "12 of 80", On: true, Some: true, OpenLabel: "Choose videos"}, func(bool) {}, nothing)
	progress := func(g Glyph, title string, part float32, count string, done bool) fyne.CanvasObject {
		p := NewKindProgress(g, title)
		p.Set(part, count, done)
		return p
	}
	off := NewButton("Move", Primary, nothing)
	off.Disable()
	typed, bad := NewCodeField("Code"), NewCodeField("Code")
	typed.Paste("742 9")
	bad.Paste("742 916 1")
	bad.SetProblem("That is not the code on the new phone. 2 tries left.")
	dark := NewPick("Dark", "", nothing)
	dark.SetOn(true)
	told := NewField("Address", "192.168.1.24:41234")
	told.SetText("pixel")
	told.SetProblem("That is not an address.")
	secret, tick := NewSecret("Password"), NewTick("Show the password", func(bool) {})
	secret.SetText("correct horse")
	tick.Tapped(nil)
	return []part{
		{"texts", Column(8, Title("What to move to Pixel 9"), Sentence("Nothing that is here is overwritten or deleted."), Caption("Good until 14:32, then a new one comes."), Big("62 %"))},
		{"choices", Column(Gap, NewChoice(Send, "My old phone", "Send from here", nothing), NewChoice(Receive, "My new phone", "Receive here", nothing))},
		{"kinds", Group(kind(Contacts, "Contacts", "412", "1.2 MB", true), kind(Photos, "Photos", "3,412", "14.1 GB", true), partly, kind(Messages, "Messages", "9,310", "", false))},
		{"devices", Group(NewDeviceRow(Device{Name: "Pixel 9", Kind: "Phone", Seen: "just now"}, nothing), NewDeviceRow(Device{Name: "Desk\u202e\n computer", Kind: "Computer", Seen: "1 min ago", Computer: true}, nothing))},
		{"crossings", Card(16, NewCrossing(0.3, Underway), NewCrossing(0.3, Resting), NewCrossing(0.6, Adrift), NewCrossing(1, Landed))},
		{"progress", Card(16, progress(Photos, "Photos", 0.62, "2,120 of 3,412", false), progress(Videos, "Videos", 0, "waiting", false), progress(Contacts, "Contacts", 1, "412", true))},
		{"room", Card(16, NewCapacity("Room there", Room{Used: 60, Move: 18, Total: 100, Words: "18 of 40 GB"}),
			NewCapacity("Room there", Room{Used: 90, Move: 13, Total: 100, Words: "13.2 of 10 GB", Lack: "The new phone lacks 3.2 GB. Choose less, or free some room there."}))},
		{"code", Card(16, NewCode("742 9161"))},
		{"fields", Column(Gap, typed, bad)},
		{"lines", Column(Gap, NewField("Address", "192.168.1.24:41234"), told, secret, tick)},
		{"picks", Group(dark, NewPick("Light", "", nothing), NewCheck("Check everything", "It takes longer.", true, func(bool) {}))},
		{"values", Group(NewValue("Language", "English", nothing), NewValue("Appearance", "As the system, which is dark in the evening", nothing))},
		{"notices", Column(8, Notice(Plainly, "On home-wifi", "Both phones are on one network."), Notice(Fine, "Connected", ""),
			Notice(Careful, "2 apps cannot move", "They do not let themselves be copied."), Notice(Wrong, "No network", "Turn Wi-Fi on.", NewButton("Look again", Secondary, nothing)))},
		{"verdict", Verdict(Fine, "Everything is on Pixel 9")},
		{"rows", Ruled(Pair(Sentence("Photos", Bold), Sentence("3,412")), Pair(Sentence("Contacts", Bold), Sentence("412")))},
		{"links", Group(Link(History, "History", nothing), Link(Settings, "Settings", nothing), Link(Help, "Help", nothing))},
		{"buttons", Column(8, Bar(NewButton("Preview", Secondary, nothing), NewButton("Move", Primary, nothing)), Bar(NewButton("Not listed?", Plain, nothing), off))},
		{"icons", iconWall()},
	}
}

// glyphs are all icons that a screen may use.
var glyphs = []Glyph{
	Contacts, Messages, Calls, Calendar, Photos, Videos, Music, Documents, Apps, Settings, Phone, Computer, Boat, Send, Receive, WiFi, History,
	Help, Info, Folder, Receipt, Warning, Cross, Check, Eraser, LostLink, Pause, Back, Chevron, boxOn, boxOff, boxSome, radioOn, radioOff,
}

func iconWall() fyne.CanvasObject {
	var all []fyne.CanvasObject
	for _, g := range glyphs {
		all = append(all, NewIcon(g, "foreground", 32))
	}
	return container.NewGridWithColumns(6, all...)
}

// TestPartsMarkup shows each part in each look.
func TestPartsMarkup(t *testing.T) {
	for look, l := range looks {
		for i := range parts() {
			w, p := screen(t, l)
			part := parts()[i] // made in this look's application
			p.Show(part.o)
			test.AssertRendersToMarkup(t, part.name+"-"+look+".xml", w.Canvas())
		}
		w, p := screen(t, l)
		p.Back("Back", nothing)
		p.Buttons(NewButton("Next", Primary, nothing))
		p.Fill(NewList(ListOptions{
			Len: func() int { return 3 }, Icon: Photos, Toggle: func(int) {},
			Item: func(i int) Item {
				return Item{Title: "IMG_" + strings.Repeat("0", 20*i) + ".jpg", Detail: "4.2 MB", On: i == 1, Cannot: i == 2}
			},
		}), Title("Photos"))
		test.AssertRendersToMarkup(t, "list-"+look+".xml", w.Canvas())
		Ask(w.Canvas(), Question{Title: "Stop the move?", Sentence: "What has arrived stays on the new phone.", Yes: "Stop", No: "Go on", Answer: func(bool) {}})
		test.AssertRendersToMarkup(t, "question-"+look+".xml", w.Canvas())
	}
}

// TestGallery paints all parts; with -artifacts the pictures can be looked at.
func TestGallery(t *testing.T) {
	sizes := map[string]Look{"large": {Scheme: Light, Scale: Most}, "small": {Scheme: Light, Scale: Least}}
	for name, l := range looks {
		sizes[name] = l
	}
	for name, l := range sizes {
		w, p := screen(t, l)
		var all []fyne.CanvasObject
		for _, part := range parts() {
			all = append(all, part.o)
		}
		p.Back("Back", nothing)
		p.Buttons(NewButton("Preview", Secondary, nothing), NewButton("Move", Primary, nothing))
		p.Show(all...)
		high := p.BodyHeight()
		w.Resize(fyne.NewSize(360, high+160))
		pic := w.Canvas().Capture()
		colors := make(map[any]bool)
		for y := range pic.Bounds().Dy() {
			colors[pic.At(180, y)] = true
		}
		if len(colors) < 10 {
			t.Errorf("%s: the picture has %d colours in its middle", name, len(colors))
		}
		var b bytes.Buffer
		if err := png.Encode(&b, pic); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(t.ArtifactDir(), name+".png"), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNothingIsClipped: in no look and at no text size is a text wider than the
// phone, or what is tapped less than a finger.
func TestNothingIsClipped(t *testing.T) {
	for _, scale := range []float32{Least, 1, Most} {
		w, p := screen(t, Look{Scale: scale})
		for _, part := range parts() {
			p.Show(part.o)
			kittest.Places(t, part.name, w.Content(), small360.Width)
			if wide := p.scroll.Content.MinSize().Width; wide > small360.Width {
				t.Errorf("%s, scale %v: wants to be %v wide", part.name, scale, wide)
			}
		}
	}
}
