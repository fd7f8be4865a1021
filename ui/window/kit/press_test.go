package kit

import (
	"image"
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/mobile"
	"fyne.io/fyne/v2/test"

	"github.com/ferry-move/ferry/ui/window/kit/kittest"
)

func key(n fyne.KeyName) *fyne.KeyEvent { return &fyne.KeyEvent{Name: n} }

// TestEverythingObeysTapAndKeys: a tap, Enter and Space do the same; other keys
// reach the page.
func TestEverythingObeysTapAndKeys(t *testing.T) {
	n := 0
	count := func() { n++ }
	for name, make := range map[string]func() fyne.CanvasObject{
		"button": func() fyne.CanvasObject { return NewButton("Move", Primary, count) },
		"plain":  func() fyne.CanvasObject { return NewButton("Not listed?", Plain, count) },
		"choice": func() fyne.CanvasObject { return NewChoice(Send, "My old phone", "Send from here", count) },
		"device": func() fyne.CanvasObject { return NewDeviceRow(Device{Name: "Pixel 9"}, count) },
		"link":   func() fyne.CanvasObject { return Link(Help, "Help", count) },
		"kind": func() fyne.CanvasObject {
			return NewKindRow(Kind{Icon: Photos, Title: "Photos"}, func(bool) { n++ }, nil)
		},
	} {
		w, p := screen(t, Look{})
		backs := 0
		p.Back("Back", func() { backs++ })
		o := make()
		p.Show(o)
		n = 0
		f := o.(fyne.Focusable)
		test.Tap(o.(fyne.Tappable))
		w.Canvas().Focus(f)
		for _, k := range []fyne.KeyName{fyne.KeyReturn, fyne.KeyEnter, fyne.KeySpace, fyne.KeyA} {
			f.TypedKey(key(k))
		}
		if n != 4 {
			t.Errorf("%s: a tap, two Enters and a Space acted %d times", name, n)
		}
		f.TypedKey(key(fyne.KeyEscape))
		f.TypedKey(key(mobile.KeyBack))
		if backs != 2 {
			t.Errorf("%s: Esc and the back button led back %d times", name, backs)
		}
		if d, ok := o.(fyne.Disableable); ok {
			d.Disable()
			test.Tap(o.(fyne.Tappable))
			d.Enable()
			if n != 4 {
				t.Errorf("%s: acts while it is disabled", name)
			}
		}
	}
}

// TestFocusIsSeen: what gets the focus by Tab looks different, and as before
// when it has lost it.
func TestFocusIsSeen(t *testing.T) {
	for name, l := range looks {
		w, p := screen(t, l)
		p.Show(NewChoice(Send, "My old phone", "Send from here", nothing), NewButton("Go", Primary, nothing),
			NewDeviceRow(Device{Name: "Pixel 9"}, nothing), NewCodeField("Code"))
		before := w.Canvas().Capture()
		for range 4 {
			w.Canvas().FocusNext()
			if differing(before, w.Canvas().Capture()) < 200 {
				t.Errorf("%s: the focus on %T is not seen", name, w.Canvas().Focused())
			}
		}
		w.Canvas().Unfocus()
		if n := differing(before, w.Canvas().Capture()); n != 0 {
			t.Errorf("%s: %d bytes differ after the focus is gone", name, n)
		}
	}
}

// differing counts the bytes that two pictures do not share.
func differing(a, b image.Image) (n int) {
	other := b.(*image.NRGBA).Pix
	for i, v := range a.(*image.NRGBA).Pix {
		if v != other[i] {
			n++
		}
	}
	return n
}

func TestKindRow(t *testing.T) {
	_, p := screen(t, Look{})
	var said []bool
	opened := 0
	r := NewKindRow(Kind{Icon: Photos, Title: "Photos", Count: "3", On: true, OpenLabel: "Choose photos"}, func(on bool) { said = append(said, on) }, func() { opened++ })
	p.Show(Group(r))
	test.Tap(r)
	r.TypedKey(key(fyne.KeySpace))
	if len(said) != 2 || said[0] || !said[1] || !r.On() {
		t.Errorf("tapped twice, the row said %v", said)
	}
	r.SetOn(false)
	if len(said) != 2 || r.On() {
		t.Error("SetOn called back, or did not set")
	}
	r.TypedKey(key(fyne.KeyRight))
	for _, more := range kittest.Find[*press](p.Root) {
		test.Tap(more)
	}
	if opened != 2 {
		t.Errorf("the right arrow and the chevron opened it %d times", opened)
	}
	r.Set(Kind{Title: "Photos", Count: "4", Detail: "1 GB"})
	if text := kittest.Texts(p.Root); !strings.Contains(text, "4 · 1 GB") {
		t.Errorf("the new count is not on:\n%s", text)
	}
}

func TestNamesOfDevicesAreMadeHarmless(t *testing.T) {
	_, p := screen(t, Look{})
	p.Show(NewDeviceRow(Device{Name: "\x1b[2J\u202e\x00" + strings.Repeat("W", 10<<10)}, nothing))
	if text := kittest.Texts(p.Root); strings.ContainsAny(text, "\x1b\u202e\x00") || len(text) > 300 {
		t.Errorf("%d characters: %.200q", len(text), text)
	}
}

func TestPageKeys(t *testing.T) {
	w, p := screen(t, Look{})
	for range 30 {
		p.body.Add(Sentence("A line"))
	}
	p.Root.Refresh()
	type step struct {
		key  fyne.KeyName
		want func(before, now float32) bool
	}
	more := func(b, n float32) bool { return n > b }
	less := func(b, n float32) bool { return n < b }
	for _, s := range []step{
		{fyne.KeyDown, more}, {fyne.KeyPageDown, more}, {fyne.KeyUp, less}, {fyne.KeyPageUp, less}, {fyne.KeyEnd, more},
		{fyne.KeyPageDown, func(b, n float32) bool { return n == b }}, {fyne.KeyHome, func(_, n float32) bool { return n == 0 }},
	} {
		before := p.Offset().Y
		w.Canvas().OnTypedKey()(key(s.key))
		if now := p.Offset().Y; !s.want(before, now) {
			t.Errorf("%s scrolls from %v to %v", s.key, before, now)
		}
	}
}

// TestBarStaysOnThePage: no body pushes the buttons away, and buttons whose words
// do not fit stand below each other.
func TestBarStaysOnThePage(t *testing.T) {
	for _, scale := range []float32{1, 2} {
		w, p := screen(t, Look{Scale: scale})
		p.Show(Sentence(strings.Repeat("A long text. ", 100)))
		a, b := NewButton("Save receipt", Secondary, nothing), NewButton("Finish", Primary, nothing)
		p.Buttons(a, b)
		for _, found := range kittest.Everything(w.Content()) {
			if x, ok := found.O.(*Button); ok && found.Pos.Y+x.Size().Height > 640 {
				t.Errorf("scale %v: the button %q ends at %v", scale, x.Text(), found.Pos.Y+x.Size().Height)
			}
		}
		if below := b.Position().Y > a.Position().Y; below != (scale == 2) {
			t.Errorf("scale %v: below each other: %v", scale, below)
		}
	}
}

func TestSplit(t *testing.T) {
	w, p := screen(t, Look{})
	l := new(Split)
	list, details := Sentence("list"), Sentence("details")
	both := container.New(l, list, details)
	p.Fill(both, Title("Photos"))
	check := func(width float32, detailed, seeList, seeDetails bool) {
		t.Helper()
		l.Details = detailed
		w.Resize(fyne.NewSize(width, 700))
		both.Refresh()
		if list.Visible() != seeList || details.Visible() != seeDetails {
			t.Errorf("%v wide, details %v: the list is seen: %v, the details: %v", width, detailed, list.Visible(), details.Visible())
		}
		if seeList && seeDetails && list.Position().X+list.Size().Width > details.Position().X {
			t.Error("the list covers the details")
		}
	}
	check(360, false, true, false)
	check(360, true, false, true)
	check(1000, false, true, true)
	check(899, false, true, false)
}

func TestAsk(t *testing.T) {
	for name, c := range map[string]struct {
		act  func(fyne.Window)
		want []bool
	}{
		"Esc":     {func(w fyne.Window) { w.Canvas().Focused().TypedKey(key(fyne.KeyEscape)) }, []bool{false}},
		"no home": {func(w fyne.Window) { w.Canvas().Unfocus(); w.Canvas().OnTypedKey()(key(mobile.KeyBack)) }, []bool{false}},
		"Enter":   {func(w fyne.Window) { w.Canvas().Focused().TypedKey(key(fyne.KeyEnter)) }, []bool{false}},
		"yes, twice": {func(w fyne.Window) {
			yes := kittest.Find[*Button](w.Canvas().Overlays().Top())[1]
			test.Tap(yes)
			yes.Tapped(nil) // it was under way
		}, []bool{true}},
		"scrim": {func(w fyne.Window) { test.TapCanvas(w.Canvas(), fyne.NewPos(2, 2)) }, nil},
	} {
		w, p := screen(t, Look{Scale: 2})
		backs := 0
		p.Back("Back", func() { backs++ })
		field := NewCodeField("Code")
		p.Show(field)
		w.Canvas().Focus(field)
		var said []bool
		cancel := Ask(w.Canvas(), Question{
			Title: "Stop the move?", Sentence: strings.Repeat("What has arrived stays on the new phone. ", 9),
			Yes: "Stop", No: "Go on", Answer: func(yes bool) { said = append(said, yes) },
		})
		kittest.Places(t, "question", kittest.Find[*question](w.Canvas().Overlays().Top())[0].bar, small360.Width)
		c.act(w)
		if len(said) != len(c.want) || len(said) > 0 && said[0] != c.want[0] || backs != 0 {
			t.Errorf("%s: said %v, %d times back", name, said, backs)
		}
		if cancel(); w.Canvas().Overlays().Top() != nil || w.Canvas().Focused() != field {
			t.Errorf("%s: the question is still there, or has kept the focus", name)
		}
		if w.Canvas().OnTypedKey()(key(fyne.KeyEscape)); backs != 1 {
			t.Errorf("%s: the page has not got its keys back", name)
		}
	}
}

// A row that is picked says so by its sign, and calls back; SetOn does not.
func TestPick(t *testing.T) {
	w, p := screen(t, Look{})
	picked, changed := 0, []bool(nil)
	one, other := NewPick("Dark", "", func() { picked++ }), NewPick("Light", "By day", nothing)
	check := NewCheck("Check everything", "", true, func(on bool) { changed = append(changed, on) })
	p.Show(Group(one, other, check))
	one.SetOn(true)
	if picked != 0 || !one.On() || one.sign.glyph != radioOn || other.sign.glyph != radioOff || check.sign.glyph != boxOn || len(changed) > 0 {
		t.Errorf("picked %d times, signs %s, %s, %s", picked, one.sign.glyph, other.sign.glyph, check.sign.glyph)
	}
	w.Canvas().Focus(one)
	one.TypedKey(key(fyne.KeySpace))
	check.TypedKey(key(fyne.KeyReturn))
	check.TypedKey(key(fyne.KeyReturn))
	if picked != 1 || !slices.Equal(changed, []bool{false, true}) || !check.On() {
		t.Errorf("picked %d times, the box was %v", picked, changed)
	}
	if got := other.AccessibilityLabel(); got != "Light. By day" {
		t.Errorf("it is called %q", got)
	}
}

// A setting's line says what it is set to.
func TestValue(t *testing.T) {
	w, p := screen(t, Look{})
	opened := 0
	v := NewValue("Language", "English", func() { opened++ })
	p.Show(Group(v))
	v.Set("Deutsch")
	v.TypedKey(key(fyne.KeyReturn))
	if text := kittest.Texts(w.Content()); opened != 1 || !strings.Contains(text, "Deutsch") || v.AccessibilityLabel() != "Language, Deutsch" {
		t.Errorf("opened %d times, called %q:\n%s", opened, v.AccessibilityLabel(), text)
	}
}
