package window

import (
	"bytes"
	"flag"
	"fmt"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/app/settings"
	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/ui/window/kit"
	"github.com/ferry-move/ferry/ui/window/kit/kittest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// today is the time in all tests.
var today = time.Date(2026, 11, 22, 14, 20, 0, 0, time.UTC)

// player is a flow that shows what the test wants, and notes what is wanted of it.
type player struct {
	flow.Snapshot
	wants []string
	items func(kind backup.Kind, from, n int) flow.Page
	open  func(e flow.Entry) (io.ReadSeekCloser, int64, error)
}

func (p *player) note(format string, args ...any) {
	p.wants = append(p.wants, fmt.Sprintf(format, args...))
}

// played makes a player a model: its snapshot is a field there.
type played struct{ *player }

func (p played) Snapshot() flow.Snapshot                 { return p.player.Snapshot }
func (p played) Prefer(name string, verify bool)         { p.note("prefer %q %v", name, verify) }
func (p played) Close()                                  { p.note("close") }
func (p played) BeOld(source string)                     { p.note("old %s", source) }
func (p played) BeNew(into string)                       { p.note("new %s", into) }
func (p played) Leave()                                  { p.note("leave") }
func (p played) Back()                                   { p.note("back") }
func (p played) Choose(id discovery.InstanceID)          { p.note("choose %x", id[:2]) }
func (p played) GoTo(text string)                        { p.note("go to %s", text) }
func (p played) TypeCode(text string)                    { p.note("code %s", text) }
func (p played) Password(text string)                    { p.note("password %s", text) }
func (p played) TakeKind(k backup.Kind, on bool)         { p.note("kind %s %v", k, on) }
func (p played) Take(e flow.Entry, on bool)              { p.note("take %v %v", e, on) }
func (p played) Preview()                                { p.note("preview") }
func (p played) Move()                                   { p.note("move") }
func (p played) Answer(accept bool, kinds []backup.Kind) { p.note("answer %v %v", accept, kinds) }
func (p played) Pause()                                  { p.note("pause") }
func (p played) Resume()                                 { p.note("resume") }
func (p played) Cancel()                                 { p.note("cancel") }
func (p played) Again()                                  { p.note("again") }
func (p played) Finish()                                 { p.note("finish") }
func (p played) Items(k backup.Kind, from, n int) flow.Page {
	if p.items == nil {
		return flow.Page{Kind: k, From: from, Complete: true}
	}
	return p.items(k, from, n)
}

func (p played) Open(e flow.Entry) (io.ReadSeekCloser, int64, error) {
	if p.open == nil {
		return nil, 0, flow.ErrNoContent
	}
	return p.open(e)
}

// face is a window whose flow the test plays.
type face struct {
	*Window
	*player
	t testing.TB
}

// phone is the smallest screen that everything must fit.
var phone = fyne.NewSize(360, 640)

// newFace opens a window that shows s. Settings that are given are set.
func newFace(t testing.TB, s flow.Snapshot, set ...func(*settings.Settings)) *face {
	t.Helper()
	app := test.NewTempApp(t)
	win := test.NewTempWindow(t, nil)
	win.Resize(phone)
	home := t.TempDir()
	store, err := settings.Open(home)
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range set {
		if err := store.Update(set); err != nil {
			t.Fatal(err)
		}
	}
	p := &player{Snapshot: s}
	w := newWindow(app, win, Options{Home: home, Settings: store}, played{p})
	w.now = func() time.Time { return today }
	p.wants = nil
	f := &face{w, p, t}
	f.draw()
	return f
}

// see shows another snapshot.
func (f *face) see(s flow.Snapshot) {
	f.player.Snapshot = s
	f.draw()
}

// text is all that is written in the window, a line each.
func (f *face) text() string {
	out := kittest.Texts(f.win.Content())
	for _, o := range f.win.Canvas().Overlays().List() {
		out += kittest.Texts(o)
	}
	return out
}

// button finds a button by its words.
func (f *face) button(words string) *kit.Button {
	f.t.Helper()
	for _, b := range kittest.Find[*kit.Button](f.win.Content()) {
		if b.Text() == words {
			return b
		}
	}
	f.t.Fatalf("there is no button %q:\n%s", words, f.text())
	return nil
}

// tap taps what has that label, in English or in the window's language.
func (f *face) tap(label string) {
	f.t.Helper()
	roots := append(f.win.Canvas().Overlays().List(), f.win.Content())
	for _, root := range roots {
		for _, o := range kittest.Everything(root) {
			a, ok := o.O.(fyne.Accessible)
			if !ok || a.AccessibilityLabel() != label && a.AccessibilityLabel() != f.words.Say(label) {
				continue
			}
			if b, ok := o.O.(fyne.Tappable); ok {
				b.Tapped(&fyne.PointEvent{})
				return
			}
		}
	}
	f.t.Fatalf("nothing called %q is in the window:\n%s", label, f.text())
}

// key presses a key where the focus is.
func (f *face) key(names ...fyne.KeyName) {
	for _, n := range names {
		k := &fyne.KeyEvent{Name: n}
		if o := f.win.Canvas().Focused(); o != nil {
			o.TypedKey(k)
		} else {
			f.win.Canvas().OnTypedKey()(k)
		}
	}
}

// wanted checks what was wanted of the flow since the last time.
func (f *face) wanted(want ...string) {
	f.t.Helper()
	if !slices.Equal(f.wants, want) {
		f.t.Errorf("wanted of the flow: %q, not %q", f.wants, want)
	}
	f.wants = nil
}

// sizes are a small phone, a large one and a desktop.
var sizes = []fyne.Size{phone, fyne.NewSize(412, 915), fyne.NewSize(1000, 700)}

// golden shows a screen in both themes, three sizes and two languages, and compares
// the markup with testdata/NAME.golden; dark differs from light in its colours, which
// the markup only names. It checks that nothing is clipped or covered, in large text
// too, and paints the small ones: with -artifacts the pictures can be looked at.
// open opens what the person opened over the flow's screen; it may be nil.
func golden(t *testing.T, name string, s flow.Snapshot, open func(*face)) {
	t.Helper()
	var got txtar.Archive
	for _, tag := range []string{"en", "de"} {
		light := map[fyne.Size]string{}
		for _, scheme := range []settings.Appearance{settings.Light, settings.Dark} {
			f := newFace(t, s, func(s *settings.Settings) { s.Language, s.Appearance = tag, scheme })
			if open != nil {
				open(f)
			}
			for _, size := range sizes {
				f.win.Resize(size)
				title := fmt.Sprintf("%s %s %vx%v", tag, scheme, size.Width, size.Height)
				kittest.Places(t, name+" "+title, f.win.Content(), size.Width)
				m := anyFont(test.RenderToMarkup(f.win.Canvas()))
				if scheme == settings.Light {
					light[size] = m
				} else if m == light[size] {
					m = "as light\n"
				}
				got.Files = append(got.Files, txtar.File{Name: title, Data: []byte(m)})
				if size == phone || tag == "en" && size.Width > 900 {
					paint(t, name+"-"+strings.ReplaceAll(title, " ", "-"), f.win.Canvas())
				}
			}
		}
		f := newFace(t, s, func(s *settings.Settings) { s.Language, s.TextScale = tag, int(100*kit.Most) })
		if open != nil {
			open(f)
		}
		kittest.Places(t, name+" "+tag+" in large text", f.win.Content(), phone.Width)
		paint(t, name+"-"+tag+"-large", f.win.Canvas())
	}
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, txtar.Format(&got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(want.Files) != len(got.Files) {
		t.Fatalf("%s has %d parts, not %d", path, len(want.Files), len(got.Files))
	}
	for i, g := range got.Files {
		if w := want.Files[i]; w.Name != g.Name || !bytes.Equal(w.Data, g.Data) {
			t.Errorf("%s, %s: differs; after a look at it, go test ./ui/window -run '%s' -update\n%s", path, g.Name, t.Name(), differs(w.Data, g.Data))
		}
	}
}

var sizeOf = regexp.MustCompile(` size="[^"]*"`)

// anyFont leaves out how large texts are whose script has no font in the program:
// that depends on the fonts of the machine.
func anyFont(markup string) string {
	lines := strings.Split(markup, "\n")
	for i, l := range lines {
		if strings.ContainsFunc(l, func(r rune) bool {
			return !unicode.In(r, unicode.Latin, unicode.Cyrillic, unicode.Greek, unicode.Common, unicode.Inherited)
		}) {
			lines[i] = sizeOf.ReplaceAllString(l, "")
		}
	}
	return strings.Join(lines, "\n")
}

// differs returns the first line that differs.
func differs(want, got []byte) string {
	a, b := strings.Split(string(want), "\n"), strings.Split(string(got), "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return "- " + strings.TrimSpace(a[i]) + "\n+ " + strings.TrimSpace(b[i])
		}
	}
	return fmt.Sprintf("%d lines, now %d", len(a), len(b))
}

func paint(t *testing.T, name string, c fyne.Canvas) {
	t.Helper()
	if f := flag.Lookup("test.artifacts"); f.Value.String() != "true" {
		return // it takes most of the time
	}
	var b bytes.Buffer
	if err := png.Encode(&b, c.Capture()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(t.ArtifactDir(), name+".png"), b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestBroken(t *testing.T) {
	s := flow.Snapshot{Screen: flow.Start}
	golden(t, "broken", s, func(f *face) { f.guard(func() { panic("no") }) })
}
