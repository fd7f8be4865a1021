package kit

import (
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/ferry-move/ferry/ui/window/kit/kittest"
)

func TestField(t *testing.T) {
	w, p := screen(t, Look{})
	backs := 0
	p.Back("Back", func() { backs++ })
	f := NewField("Address", "like this")
	var changed, done []string
	f.Changed = func(s string) { changed = append(changed, s) }
	f.Done = func(s string) { done = append(done, s) }
	p.Show(f)
	w.Canvas().Focus(f.Input())
	if !strings.Contains(kittest.Texts(p.Root), "like this") {
		t.Error("the hint is not shown")
	}
	test.Type(f.Input(), "ab")
	f.Input().TypedKey(key(fyne.KeyReturn))
	if f.Text() != "ab" || strings.Join(changed, " ") != "a ab" || strings.Join(done, " ") != "ab" {
		t.Errorf("typed %q, changed %q, done %q", f.Text(), changed, done)
	}
	low := f.MinSize().Height
	f.SetProblem("That is none.")
	if !strings.Contains(kittest.Texts(p.Root), "That is none.") || f.MinSize().Height <= low {
		t.Error("the problem is not shown, or has no room")
	}
	test.Type(f.Input(), "c")
	if strings.Contains(kittest.Texts(p.Root), "That is none.") || f.MinSize().Height != low {
		t.Error("the problem stays after a change")
	}
	f.Input().TypedKey(key(fyne.KeyEscape))
	if backs != 1 || f.Text() != "abc" {
		t.Errorf("Esc leads back %d times, and leaves %q", backs, f.Text())
	}
	label := f.Input().(fyne.Accessible).AccessibilityLabel
	if got := label(); got != "Address abc" {
		t.Errorf("is called %q", got)
	}
	clip := fyne.CurrentApp().Clipboard()
	clip.SetContent(strings.Repeat("ä", 1_000_000))
	f.Input().(fyne.Shortcutable).TypedShortcut(&fyne.ShortcutPaste{Clipboard: clip})
	if n := len(f.Text()); n == 0 || n > fieldMost {
		t.Errorf("%d bytes were pasted", n)
	}
}

// What is secret is neither shown nor read aloud before it is revealed.
func TestSecret(t *testing.T) {
	w, p := screen(t, Look{})
	f := NewSecret("Password")
	tick := NewTick("Show it", f.Reveal)
	p.Show(f, tick)
	w.Canvas().Focus(f.Input())
	test.Type(f.Input(), "sesame")
	told := func() bool {
		return strings.Contains(kittest.Texts(p.Root)+f.Input().(fyne.Accessible).AccessibilityLabel(), "sesame")
	}
	if told() {
		t.Error("it is told from the start")
	}
	tick.TypedKey(key(fyne.KeySpace))
	if !told() || f.Text() != "sesame" {
		t.Errorf("a tick does not show %q", f.Text())
	}
	test.Tap(tick)
	if told() {
		t.Error("it is told after the tick went")
	}
}
