package window

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/app/settings"
	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/p2p/pairing"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/ui/say"
	"github.com/ferry-move/ferry/ui/window/kit/kittest"
)

// scene is a screen in one of its states.
type scene struct {
	name string
	s    flow.Snapshot
	home func(*kept)  // fills the device's own folder
	open func(*stage) // what the person opened over the flow's screen
}

// scenes are all screens. Nothing that a test does to one of them is seen by another
// test.
func scenes(t *testing.T) []scene {
	t.Setenv("HOME", "/home/ana")
	tap := func(label string) func(*stage) { return func(f *stage) { f.tap(label) } }
	push := func(makes ...func(*Window) screen) func(*stage) {
		return func(f *stage) {
			for _, m := range makes {
				f.push(func() screen { return m(f.Window) })
			}
		}
	}
	rows := func(of ...int) func(*stage) { // of one list after the other
		return func(f *stage) {
			f.tap("History")
			f.settle()
			for _, i := range of {
				row(i)(f.face)
				f.settle()
			}
		}
	}
	nowhere := filepath.Join(t.TempDir(), "none")
	browsing := func(w *Window) screen { return newBrowse(w, nowhere, true, func(string) {}) }
	why := finding()
	why.Diagnosis = &discovery.Diagnosis{Findings: []discovery.Finding{{Cause: discovery.TunnelBeside, Interfaces: []string{"tun0"}}, {Cause: discovery.NobodyHeard}}}
	wrong := coding("Pixel 9")
	wrong.Wrong, wrong.TriesLeft = 1, 2
	lacks := choosing()
	lacks.Free, lacks.PreviewErr, lacks.Kinds[3].Err = 9_000_000_000, session.ErrNoPreview, errors.New("broken")
	asking := choosing()
	asking.Screen = flow.Previewing
	told := choosing()
	told.Preview = foreseen()
	long, right := awaiting(t), awaiting(t)
	long.Diagnosis = behindVPN
	right.Code, right.Link, right.Notice.Kind = pairing.Code{}, pairing.Link{}, flow.CodeRight
	full := onTheWay(flow.NewPhone)
	full.Space = session.WaitingForSpace{Missing: 3_200_000_000}
	stopping := onTheWay(flow.OldPhone)
	stopping.Stopping = true
	left := func() flow.Snapshot {
		s := partly(flow.OldPhone)
		s.Result.Differed = s.Result.NotMoved[1]
		return s
	}
	at := func(screen flow.Screen) flow.Snapshot {
		return flow.Snapshot{Screen: screen, Role: flow.OldPhone, Place: "/home/ana/phone.ab", Peer: flow.Peer{Name: "Pixel 9"}}
	}
	return []scene{
		{name: "start", s: atStart},
		{name: "start with trouble", s: atStart, open: func(f *stage) {
			f.opt.Trouble = &settings.Error{Reason: settings.Newer, Path: "/home/a/settings.json"}
			f.draw()
		}},
		{name: "source", s: atStart, open: push(func(w *Window) screen { return newSource(w, nowhere) })},
		{name: "browse", s: atStart, open: push(browsing)},
		{name: "settings", s: atStart, open: push(newSettings)},
		{name: "name", s: atStart, open: push(newSettings, newNaming)},
		{name: "language", s: atStart, open: push(newSettings, newTongues)},
		{name: "appearance", s: atStart, open: push(newSettings, newLooks)},
		{name: "text size", s: atStart, open: push(newSettings, newSizes)},
		{name: "folder", s: atStart, open: push(newSettings, newFolder)},
		{name: "limit", s: atStart, open: push(newSettings, newLimit)},
		{name: "places", s: atStart, open: push(newSettings, newPlaces)},
		{name: "help", s: atStart, open: push(newHelp)},
		{name: "history", s: atStart, home: (*kept).some, open: rows()},
		{name: "empty history", s: atStart, open: rows()},
		{name: "moves", s: atStart, home: (*kept).some, open: rows(0)},
		{name: "run", s: atStart, home: (*kept).some, open: rows(0, 0)},
		{name: "run that lacks something", s: atStart, home: (*kept).some, open: rows(0, 1)},
		{name: "damaged receipt", s: atStart, home: (*kept).some, open: rows(2, 0)},
		{name: "forgetting", s: atStart, home: (*kept).some, open: func(f *stage) {
			rows(0)(f)
			f.tap("Forget this device")
		}},
		{name: "opening", s: at(flow.Opening)},
		{name: "unlock", s: locked(1)},
		{name: "find", s: finding(pixel, galaxy, other)},
		{name: "find nobody", s: why},
		{name: "address", s: finding(), open: tap("Not listed?")},
		{name: "code", s: coding("Pixel 9")},
		{name: "wrong code", s: wrong},
		{name: "counting", s: at(flow.Counting)},
		{name: "what", s: choosing()},
		{name: "too much", s: lacks},
		{name: "previewing", s: asking},
		{name: "items", s: choosing(), open: func(f *stage) { f.top().(*what).openKind("photos") }},
		{name: "cannot", s: choosing(), open: push(newCannot)},
		{name: "preview", s: told, open: push(newPreview)},
		{name: "asked there", s: at(flow.AskedThere)},
		{name: "wait", s: awaiting(t)},
		{name: "wait long", s: long},
		{name: "wait after the code", s: right},
		{name: "nobody", s: long, open: tap("What to check")},
		{name: "asking", s: offered()},
		{name: "moving", s: onTheWay(flow.OldPhone)},
		{name: "lost", s: lostLink()},
		{name: "paused", s: paused()},
		{name: "full", s: full},
		{name: "stopping", s: stopping},
		{name: "verifying", s: verifying()},
		{name: "cancelling", s: onTheWay(flow.OldPhone), open: tap("Cancel")},
		{name: "done", s: landed(flow.OldPhone)},
		{name: "done on the new phone", s: landed(flow.NewPhone)},
		{name: "done partly", s: left()},
		{name: "not moved", s: left(), open: tap("3 items were not moved: why, and what to do")},
		{name: "renamed", s: left(), open: tap("7 items have other names there")},
		{name: "save", s: left(), open: tap("Save receipt")},
		{name: "problem", s: wreck(flow.OldPhone, transfer.ErrLinkLost)},
		{name: "refused", s: ended(flow.OldPhone, refused)},
		{name: "broken", s: onTheWay(flow.OldPhone), open: func(f *stage) { f.guard(func() { panic("no") }) }},
	}
}

// stage is a window that shows scenes. What is done beside drawing is waited for.
type stage struct {
	*face
	queued *queued
}

func newStage(t testing.TB, c scene, set ...func(*settings.Settings)) *stage {
	t.Helper()
	f := newFace(t, atStart, set...)
	if c.home != nil {
		c.home(keep(t, f.opt.Home))
	}
	f.app, f.items = &opener{App: f.app}, first(40, true)
	return &stage{f, f.queue()}
}

func (f *stage) settle() { f.t.Helper(); f.face.settle(f.queued) }

// enter shows the scene.
func (f *stage) enter(c scene) {
	f.t.Helper()
	f.see(c.s)
	if c.open != nil {
		c.open(f)
	}
	f.settle()
	f.app.Clipboard().SetContent("742 9161")
	f.wants = nil
}

// exit goes back to the first screen.
func (f *stage) exit() {
	f.t.Helper()
	f.back()
	f.see(flow.Snapshot{Screen: flow.Find, Version: 1}) // the scene may be at the start
	f.see(atStart)
	f.settle()
}

// root is what has the keys: the question that is asked, or the page.
func (f *stage) root() fyne.CanvasObject {
	if o := f.win.Canvas().Overlays().Top(); o != nil {
		return o
	}
	return f.win.Content()
}

// TestScenesAreAll: no screen is missing there.
func TestScenesAreAll(t *testing.T) {
	want := map[string]bool{}
	for _, f := range parsed(t) {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Name.Name != "show" || fn.Recv == nil {
				continue
			}
			ast.Inspect(fn.Recv.List[0].Type, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok && len(id.Name) > 1 {
					want[id.Name] = true
				}
				return true
			})
		}
	}
	delete(want, "items") // a part of what
	if len(want) < 20 {
		t.Fatalf("only %v show something", want)
	}
	screens := map[flow.Screen]bool{}
	for _, c := range scenes(t) {
		f := newStage(t, c)
		f.enter(c)
		name, _, _ := strings.Cut(strings.TrimPrefix(fmt.Sprintf("%T", f.top()), "*window."), "[")
		delete(want, name)
		screens[c.s.Screen] = true
	}
	if len(want) > 0 {
		t.Errorf("no scene shows %v", slices.Sorted(maps.Keys(want)))
	}
	for s := range flow.Problem + 1 {
		if !screens[s] {
			t.Errorf("no scene is at %v", s)
		}
	}
}

// TestLabelsDiffer: no two things to tap are called the same on one page.
func TestLabelsDiffer(t *testing.T) {
	for _, c := range scenes(t) {
		f := newStage(t, c)
		f.enter(c)
		seen := map[string]bool{}
		for _, o := range kittest.Everything(f.root()) {
			a, ok := o.O.(fyne.Accessible)
			if _, taps := o.O.(fyne.Tappable); !ok || !taps || a.AccessibilityLabel() == "" {
				continue
			}
			if l := a.AccessibilityLabel(); seen[l] {
				t.Errorf("%s: two are called %q", c.name, l)
			} else {
				seen[l] = true
			}
		}
	}
}

// TestListsInChinese: nothing is joined by a comma that is not the language's.
func TestListsInChinese(t *testing.T) {
	all := scenes(t)
	s := choosing()
	for _, k := range []string{"Downloads", "Recordings"} {
		s.Kinds = append(s.Kinds, flow.KindChoice{Info: say.InfoOf(backup.Kind(strings.ToLower(k)))})
	}
	several := offered()
	o := *several.Offer
	o.Kinds = append(slices.Clone(o.Kinds), transfer.OfferedKind{Kind: "music", Items: 1}, transfer.OfferedKind{Kind: "files", Items: 1})
	several.Offer = &o
	all = append(all, scene{name: "nothing of several kinds", s: s}, scene{name: "several strange kinds", s: several})
	joined := 0
	for _, c := range all {
		f := newStage(t, c, func(s *settings.Settings) { s.Language = "zh-Hans" })
		f.see(c.s)
		text := unwrapped(f.text())
		if strings.Contains(text, ", ") {
			t.Errorf("%s: %s", c.name, text)
		}
		if strings.Contains(text, "、") {
			joined++
		}
	}
	if joined < 5 {
		t.Errorf("only %d of them list something", joined)
	}
}

// parsed are the files of this package, without tests.
func parsed(t *testing.T) (out []*ast.File) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}
	return out
}
