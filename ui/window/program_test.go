package window

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/ferry-move/ferry/app/settings"
	"github.com/ferry-move/ferry/ui/window/kit"
	"github.com/ferry-move/ferry/ui/window/kit/kittest"
)

// awaited is how long something may take that is waited for.
const awaited = 2 * time.Minute

// program is one program with several windows, each of which runs. All that is drawn
// is drawn by the test's own goroutine, while it waits for something.
type program struct {
	t    testing.TB
	app  fyne.App
	acts []*actor
	more chan struct{} // holds one token while something is to be drawn

	drawn, waited int // how much was drawn, and how much of it waited at most

	mu   sync.Mutex
	todo []func() // guarded by mu
}

// actor is a window with a flow and an engine of its own, and who taps in it.
type actor struct {
	*face
	name    string
	program *program
}

func newProgram(t testing.TB) *program {
	return &program{t: t, app: test.NewTempApp(t), more: make(chan struct{}, 1)}
}

// enter opens a window and runs it until the test ends. Its own files are kept in a
// folder of its own, and opt says the rest.
func (s *program) enter(opt Options) *actor {
	s.t.Helper()
	opt.Home = s.t.TempDir()
	store, err := settings.Open(opt.Home)
	if err != nil {
		s.t.Fatal(err)
	}
	opt.Settings = store
	win := test.NewTempWindow(s.t, nil)
	win.Resize(phone)
	a := &actor{&face{Window: New(s.app, win, opt), t: s.t}, opt.Name, s}
	a.do = func(do func()) { s.add(func() { a.front(); do() }) }
	s.acts = append(s.acts, a)
	ctx, stop := context.WithCancel(context.Background())
	var runs sync.WaitGroup
	runs.Go(func() { a.Run(ctx) })
	s.t.Cleanup(func() {
		stop()
		runs.Wait()
		a.Close()
	})
	return a
}

func (s *program) add(do func()) {
	s.mu.Lock()
	s.todo = append(s.todo, do)
	s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
}

// until draws what is to be drawn, until something is so.
func (s *program) until(what string, is func() bool) {
	s.t.Helper()
	late := time.After(awaited)
	for !is() {
		select {
		case <-s.more:
			s.mu.Lock()
			todo := s.todo
			s.todo = nil
			s.mu.Unlock()
			s.drawn, s.waited = s.drawn+len(todo), max(s.waited, len(todo))
			for _, do := range todo {
				do()
			}
		case <-late:
			s.t.Fatalf("%s, for %v:%s", what, awaited, s)
		}
	}
}

// String is all that is written in the windows.
func (s *program) String() string {
	out := ""
	for _, a := range s.acts {
		out += fmt.Sprintf("\n--- %s\n%s", a.name, a.text())
	}
	return out
}

// paint paints the windows at a step, with -artifacts.
func (s *program) paint(t *testing.T, step string) {
	for _, a := range s.acts {
		paint(t, step+"-"+a.name, a.win.Canvas())
	}
}

// front makes the window the one that the test driver takes for everybody's: it
// knows no other than its last one.
func (a *actor) front() {
	all := a.app.Driver().AllWindows()
	for i, w := range all {
		if last := len(all) - 1; w == a.win {
			all[i], all[last] = all[last], all[i]
			return
		}
	}
}

// says tells whether texts are in the window, however they wrap.
func (a *actor) says(texts ...string) bool {
	all := unwrapped(a.text())
	for _, s := range texts {
		if !strings.Contains(all, s) {
			return false
		}
	}
	return true
}

// reads waits until texts are in the window.
func (a *actor) reads(texts ...string) {
	a.t.Helper()
	a.program.until(fmt.Sprintf("%s does not say %q", a.name, texts), func() bool { return a.says(texts...) })
}

// taps taps what has these labels, or begins with them, one after the other.
func (a *actor) taps(labels ...string) {
	a.t.Helper()
	a.front()
	for _, l := range labels {
		a.tap(a.label(l))
	}
}

// label is what a control is called of which the beginning is known.
func (a *actor) label(begin string) string {
	a.t.Helper()
	found := map[string]bool{}
	for _, root := range append(a.win.Canvas().Overlays().List(), a.win.Content()) {
		for _, o := range kittest.Everything(root) {
			l, ok := o.O.(fyne.Accessible)
			if _, can := o.O.(fyne.Tappable); can && ok && strings.HasPrefix(l.AccessibilityLabel(), begin) {
				found[l.AccessibilityLabel()] = true
			}
		}
	}
	if found[begin] {
		return begin
	}
	if len(found) != 1 {
		a.t.Fatalf("%d things are called %q in the window of %s:%s", len(found), begin, a.name, a.program)
	}
	return slices.Collect(maps.Keys(found))[0]
}

// keys presses keys where the focus is.
func (a *actor) keys(names ...fyne.KeyName) {
	a.front()
	a.key(names...)
}

// types types a text where the focus is.
func (a *actor) types(text string) {
	a.t.Helper()
	a.front()
	for _, r := range text {
		f := a.win.Canvas().Focused()
		if f == nil {
			a.t.Fatalf("%s has nothing to type in:%s", a.name, a.program)
		}
		f.TypedRune(r)
	}
}

// digits are those of the code in the window.
func (a *actor) digits() string {
	for _, c := range kittest.Find[*kit.Code](a.win.Content()) {
		return strings.Join(strings.Fields(kittest.Texts(c)), "")
	}
	return ""
}

// tree is what is in a folder: of files the content and the time too.
func tree(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if out[name] = d.Type().String(); d.IsDir() {
			return nil
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		b, err := os.ReadFile(path)
		out[name] += fi.ModTime().UTC().String() + string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
