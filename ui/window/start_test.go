package window

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/storage"

	"github.com/ferry-move/ferry/app/flow"
	"github.com/ferry-move/ferry/app/settings"
	"github.com/ferry-move/ferry/ui/window/kit"
)

// atStart is the first screen of a phone called Pixel 9.
var atStart = flow.Snapshot{Name: "Pixel 9", Free: -1}

// queued makes what goroutines want drawn wait for the test's own.
type queued struct {
	mu   sync.Mutex
	todo []func() // guarded by mu
}

// queue takes the place of fyne.Do.
func (f *face) queue() *queued {
	q := &queued{}
	f.do = func(do func()) {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.todo = append(q.todo, do)
	}
	return q
}

// settle waits for what is under way beside drawing, and draws what comes of it.
func (f *face) settle(q *queued) {
	f.t.Helper()
	for {
		if f.jobs.Wait(); q.draw() == 0 {
			return
		}
	}
}

// draw draws what waits, and returns how much that was.
func (q *queued) draw() int {
	q.mu.Lock()
	todo := q.todo
	q.todo = nil
	q.mu.Unlock()
	for _, do := range todo {
		do()
	}
	return len(todo)
}

// tells checks that a text is in the window, however it wraps.
func (f *face) tells(want string) {
	f.t.Helper()
	if !strings.Contains(unwrapped(f.text()), want) {
		f.t.Errorf("no %q in:\n%s", want, f.text())
	}
}

// silent checks that a text is not there.
func (f *face) silent(no string) {
	f.t.Helper()
	if strings.Contains(unwrapped(f.text()), no) {
		f.t.Errorf("%q in:\n%s", no, f.text())
	}
}

func unwrapped(s string) string { return strings.Join(strings.Fields(s), " ") }

func TestStart(t *testing.T) {
	golden(t, "start", atStart, nil)
	golden(t, "start-trouble", atStart, func(f *face) {
		f.opt.Trouble = &settings.Error{Reason: settings.Newer, Path: "/home/a/settings.json"}
		f.draw()
	})
}

func TestStartAsNewPhone(t *testing.T) {
	f := newFace(t, atStart)
	f.opt.Into = "/new"
	f.opt.Trouble = &settings.Error{Reason: settings.Newer}
	q := f.queue()
	f.draw()
	f.tells("A newer version of Ferry wrote the settings")
	f.tap("My new phone. Receive here.")
	f.settle(q)
	f.wanted("new /new")
	f.silent("A newer version") // it is said once
	if got := f.store.Get().LastRole; got != settings.NewPhone {
		t.Errorf("the last role is %q", got)
	}
}

func TestIntoWhich(t *testing.T) {
	f := newFace(t, atStart)
	t.Setenv("HOME", "/home/anna")
	t.Setenv("USERPROFILE", "/home/anna")
	check := func(want string) {
		t.Helper()
		if got, err := f.into(); got != filepath.FromSlash(want) || err != nil {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
	check("/home/anna/Ferry")
	dir := t.TempDir()
	if err := f.store.Update(func(s *settings.Settings) { s.NewFolder = dir }); err != nil {
		t.Fatal(err)
	}
	check(filepath.ToSlash(dir))
	f.opt.Into = "/given"
	if got, _ := f.into(); got != "/given" {
		t.Errorf("%q", got)
	}
}

func TestStartFrom(t *testing.T) {
	f := newFace(t, atStart)
	f.opt.From = "/old"
	q := f.queue()
	f.tap("My old phone. Send from here.")
	f.settle(q)
	f.wanted("old /old")
	if got := f.store.Get(); got.LastRole != settings.OldPhone || got.SendFolder != "" {
		t.Errorf("%+v", got)
	}
}

// What was chosen the last time has the focus: one key goes on.
func TestStartFocus(t *testing.T) {
	for role, want := range map[settings.Role]string{settings.OldPhone: "My old phone", settings.NewPhone: "My new phone", settings.NoRole: ""} {
		f := newFace(t, atStart, func(s *settings.Settings) { s.LastRole = role })
		label := ""
		if c, ok := f.win.Canvas().Focused().(*kit.Choice); ok {
			label = c.AccessibilityLabel()
		}
		if !strings.HasPrefix(label, want) || want == "" && label != "" {
			t.Errorf("%q: the focus is on %q", role, label)
		}
	}
}

// A role that cannot be saved is told at the next start, and holds no move up.
func TestStartUnsaved(t *testing.T) {
	f := newFace(t, atStart)
	f.opt.Into = "/new"
	q := f.queue()
	if err := os.WriteFile(filepath.Join(f.opt.Home, "settings.json"), []byte(`{"version":99}`), 0o600); err != nil {
		t.Fatal(err)
	}
	f.tap("My new phone. Receive here.")
	f.settle(q)
	f.wanted("new /new")
	f.tells("A newer version of Ferry wrote the settings")
}

func TestSource(t *testing.T) {
	golden(t, "source", atStart, func(f *face) {
		f.push(func() screen { return newSource(f.Window, "/media/anna/phone") })
	})
	golden(t, "source-wrong", atStart, func(f *face) {
		q := f.queue()
		f.push(func() screen { return newSource(f.Window, "/no/such/place") })
		f.key(fyne.KeyReturn)
		f.settle(q)
	})
}

func TestSourceTakesWhatThereIs(t *testing.T) {
	f := newFace(t, atStart)
	q := f.queue()
	dir := t.TempDir()
	f.tap("My old phone. Send from here.")
	x := f.top().(*source)
	if !x.next.Disabled() {
		t.Error("nothing is chosen, and Next can be tapped")
	}
	f.key(fyne.KeyEscape)
	if _, ok := f.top().(*start); !ok {
		t.Fatalf("Esc leads to %T", f.top())
	}
	f.tap("My old phone. Send from here.")
	x = f.top().(*source)
	x.path.SetText(filepath.Join(dir, "none"))
	f.tap("Next")
	f.settle(q)
	f.tells("There is nothing of that name. Check how it is written.")
	f.wanted()
	x.path.SetText(" file://" + filepath.ToSlash(dir) + " ")
	f.silent("There is nothing of that name")
	f.tap("Next")
	f.settle(q)
	f.wanted("old " + dir)
	if got := f.store.Get(); got.LastRole != settings.OldPhone || got.SendFolder != dir {
		t.Errorf("%+v", got)
	}
	f.key(fyne.KeyEscape)
	f.tap("My old phone. Send from here.")
	f.tells(dir) // remembered
	f.key(fyne.KeyReturn)
	f.settle(q)
	f.wanted("old " + dir)
}

// Enter twice asks the disk once.
func TestSourceOnce(t *testing.T) {
	f := newFace(t, atStart)
	q := f.queue()
	dir := t.TempDir()
	f.push(func() screen { return newSource(f.Window, dir) })
	x := f.top().(*source)
	x.take()
	x.take()
	f.settle(q)
	f.wanted("old " + dir)
}

func TestWhole(t *testing.T) {
	t.Setenv("HOME", "/home/anna")
	t.Setenv("USERPROFILE", "/home/anna")
	wd, _ := os.Getwd()
	for in, want := range map[string]string{
		"~": "/home/anna", "~/phone": "/home/anna/phone", "/a/../b": "/b", "file:///a%20b": "/a b",
		"x": filepath.ToSlash(filepath.Join(wd, "x")), "~x": filepath.ToSlash(filepath.Join(wd, "~x")),
	} {
		if got, err := whole(in); filepath.ToSlash(got) != want || err != nil {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
		}
	}
}

func TestDrop(t *testing.T) {
	f := newFace(t, atStart)
	q := f.queue()
	dir := t.TempDir()
	uri := storage.NewFileURI(dir)
	f.dropped([]fyne.URI{uri, uri})
	f.tells("That is not one folder or one archive. Drop one.")
	f.dropped([]fyne.URI{uri})
	f.silent("That is not one folder")
	f.key(fyne.KeyReturn) // Next has the focus
	f.settle(q)
	f.wanted("old " + dir)
	f.back()
	f.dropped([]fyne.URI{uri})
	if x, ok := f.top().(*source); !ok || x.path.Text() != dir {
		t.Errorf("dropped at the start: %T", f.top())
	}
	f.see(flow.Snapshot{Screen: flow.Moving, Version: 2})
	f.dropped([]fyne.URI{uri})
	f.wanted()
}

func TestBrowse(t *testing.T) {
	f := newFace(t, atStart)
	q := f.queue()
	dir := t.TempDir()
	for _, d := range []string{"b/DCIM", "a", ".hidden"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "phone.ab"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f.push(func() screen { return newSource(f.Window, filepath.Join(dir, "not", "there")) })
	f.tap("Look for it")
	f.tells("Reading…")
	f.settle(q)
	f.tells("The folder above")
	f.tells("phone.ab")
	f.silent("hidden")
	if got := f.top().(*browse).rows; len(got) != 4 || got[1].name != "a" || got[2].name != "b" || got[3].name != "phone.ab" {
		t.Errorf("%v", got)
	}
	f.key(fyne.KeyDown, fyne.KeyDown, fyne.KeyReturn) // into b
	f.settle(q)
	f.tells("DCIM")
	f.silent("phone.ab")
	f.key(fyne.KeyReturn) // up again
	f.settle(q)
	f.tells("phone.ab")
	f.key(fyne.KeyDown, fyne.KeyDown, fyne.KeyDown, fyne.KeyReturn)
	f.settle(q)
	x, ok := f.top().(*source)
	if !ok || x.path.Text() != filepath.Join(dir, "phone.ab") {
		t.Fatalf("%T", f.top())
	}
	f.tap("Look for it")
	f.settle(q)
	f.tap("Choose this folder")
	if x.path.Text() != dir {
		t.Errorf("%q", x.path.Text())
	}
	f.key(fyne.KeyReturn) // Next has the focus
	f.settle(q)
	f.wanted("old " + dir)
}

// A folder that cannot be read leaves the one that is shown.
func TestBrowseUnreadable(t *testing.T) {
	f := newFace(t, atStart)
	q := f.queue()
	dir := t.TempDir()
	gone := filepath.Join(dir, "gone")
	if err := os.Mkdir(gone, 0o700); err != nil {
		t.Fatal(err)
	}
	f.push(func() screen { return newBrowse(f.Window, dir, false, func(string) { t.Error("chosen") }) })
	f.settle(q)
	if err := os.Remove(gone); err != nil {
		t.Fatal(err)
	}
	f.key(fyne.KeyDown, fyne.KeyReturn)
	f.settle(q)
	f.tells("There is nothing of that name.")
	if x := f.top().(*browse); x.at != dir || x.choose.Disabled() {
		t.Errorf("%q", x.at)
	}
}

func TestStartNoHome(t *testing.T) {
	f := newFace(t, atStart)
	t.Setenv("HOME", "")
	t.Setenv("USERPROFILE", "")
	f.tap("My new phone. Receive here.")
	f.wanted()
	if f.opt.Trouble == nil || errors.Is(f.opt.Trouble, os.ErrNotExist) {
		t.Errorf("%v", f.opt.Trouble)
	}
	f.tells("It failed")
}
