package settings

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const childHome = "FERRY_TEST_SETTINGS_HOME"

// TestMain is also the other process in TestProcesses: it changes one field many
// times.
func TestMain(m *testing.M) {
	home := os.Getenv(childHome)
	if home == "" {
		os.Exit(m.Run())
	}
	s, err := Open(home)
	for i := 0; err == nil && i < rounds; i++ {
		err = s.Update(func(s *Settings) { s.TextScale = MinTextScale + i })
	}
	if err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
}

const rounds = 50

var all = Settings{
	Name: "Pixel <9> & 旧い", NewFolder: abs("new"), SendFolder: abs("old"), Appearance: HighContrast, TextScale: 150,
	Language: "pt-BR", Limit: 20_000_000, Verify: true, LastRole: NewPhone,
}

func abs(name string) string {
	p, err := filepath.Abs(name)
	if err != nil {
		panic(err)
	}
	return p
}

func open(t *testing.T, home string) *Store {
	t.Helper()
	s, err := Open(home)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func update(t *testing.T, s *Store, change func(*Settings)) {
	t.Helper()
	if err := s.Update(change); err != nil {
		t.Fatal(err)
	}
}

func content(t *testing.T, home string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(home, fileName))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func write(t *testing.T, home, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(home, fileName), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// fails wants an *Error of a reason.
func fails(t *testing.T, err error, want Reason) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Reason != want {
		t.Fatalf("%v; want %v", err, want)
	}
	return e
}

func TestRoundTrip(t *testing.T) {
	home := filepath.Join(t.TempDir(), "made", "anew")
	s := open(t, home)
	if s.Get() != (Settings{}) || s.Get().Scale() != 1 {
		t.Errorf("%+v", s.Get())
	}
	if _, err := os.Stat(home); err == nil {
		t.Error("reading made a folder")
	}
	update(t, s, func(s *Settings) { *s = all })
	if got := open(t, home).Get(); got != all || s.Get() != all || got.Scale() != 1.5 {
		t.Errorf("%+v", got)
	}
	if n := reflect.TypeFor[Settings]().NumField(); n != len(fields) {
		t.Errorf("%d settings and %d fields of the file", n, len(fields))
	}
	before := content(t, home)
	update(t, s, func(*Settings) {})
	if content(t, home) != before {
		t.Error("no change changed the file")
	}
	update(t, s, func(s *Settings) { *s = Settings{} })
	if got := open(t, home).Get(); got != (Settings{}) {
		t.Errorf("back to the defaults: %+v", got)
	}
	names, err := os.ReadDir(home)
	if err != nil || len(names) != 2 {
		t.Errorf("%v, %v: want the settings and their lock", names, err)
	}
}

// What a release wrote, every later one reads.
func TestGolden(t *testing.T) {
	const golden = `{
 "version": 1,
 "appearance": "high-contrast",
 "language": "pt-BR",
 "last_role": "new",
 "limit": 20000000,
 "name": "Pixel <9> & 旧い",
 "new_folder": "/new",
 "send_folder": "/old",
 "text_scale": 150,
 "verify": true
}
`
	want := all
	want.NewFolder, want.SendFolder = "/new", "/old"
	o, err := parse([]byte(golden))
	if err != nil {
		t.Fatal(err)
	}
	if filepath.IsAbs("/new") { // not on Windows
		if s, bad := o.settings(); s != want || bad != nil {
			t.Errorf("%+v, %v", s, bad)
		}
	}
	if again, err := o.encode(); err != nil || string(again) != golden {
		t.Errorf("%s, %v", again, err)
	}
}

func TestInvalidChangesNothing(t *testing.T) {
	home := t.TempDir()
	s := open(t, home)
	update(t, s, func(s *Settings) { s.Name = "a" })
	before := content(t, home)
	for name, change := range map[string]func(*Settings){
		"name": func(s *Settings) { s.Name = " a" }, "folder": func(s *Settings) { s.NewFolder = "x" }, "sent": func(s *Settings) { s.SendFolder = "x" },
		"appearance": func(s *Settings) { s.Appearance = "pink" }, "scale": func(s *Settings) { s.TextScale = 1 }, "language": func(s *Settings) { s.Language = "xx" },
		"limit": func(s *Settings) { s.Limit = 1 }, "role": func(s *Settings) { s.LastRole = "x" },
	} {
		err := s.Update(func(s *Settings) { s.Verify = true; change(s) })
		if !errors.As(err, new(*InvalidError)) || content(t, home) != before || s.Get() != (Settings{Name: "a"}) {
			t.Errorf("%s: %v, %+v", name, err, s.Get())
		}
	}
}

// Fields that are not known, and values that cannot be used, stay.
func TestUnknownIsKept(t *testing.T) {
	home := t.TempDir()
	write(t, home, `{"version":1,"later":{"a":[1,2.50]},"language":"tlh","text_scale":"big","limit":1e99,"verify":true,"name":"a\u202eb"}`)
	s, err := Open(home)
	e := fails(t, err, Unusable)
	if want := []Field{Name, TextScale, Language, Limit}; !slices.Equal(e.Fields, want) || s.Get() != (Settings{Verify: true}) {
		t.Errorf("%v, %+v", e.Fields, s.Get())
	}
	update(t, s, func(s *Settings) { s.Appearance = Dark; s.TextScale = 120 })
	text := content(t, home)
	for _, want := range []string{`"later": {"a":[1,2.50]}`, `"language": "tlh"`, `"text_scale": 120`, `"limit": 1e99`, `"appearance": "dark"`, `"verify": true`} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in %s", want, text)
		}
	}
}

// What is damaged is set aside and never overwritten.
func TestDamaged(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "zeros": strings.Repeat("\x00", 100), "cut": `{"version":1,"name":"a`, "an array": "[]", "null": "null", "no version": `{"name":"a"}`,
		"version 0": `{"version":0}`, "half a version": `{"version":1.5}`, "a word": `{"version":"1"}`, "two": `{"version":1}{"version":1}`,
		"deep": `{"version":1,"x":` + strings.Repeat("[", 100_000), "huge": `{"version":1}` + strings.Repeat(" ", maxFile),
	} {
		home := t.TempDir()
		write(t, home, text)
		s, err := Open(home)
		e := fails(t, err, Damaged)
		if b, err := os.ReadFile(e.Aside); err != nil || string(b) != text || s.Get() != (Settings{}) {
			t.Errorf("%s: %v, %+v", name, err, s.Get())
		}
		update(t, s, func(s *Settings) { s.Verify = true })
		write(t, home, text) // and once more, while it runs
		again := fails(t, s.Update(func(s *Settings) { s.Name = "b" }), Damaged)
		if b, err := os.ReadFile(again.Aside); err != nil || string(b) != text || again.Aside == e.Aside {
			t.Errorf("%s: the second is not set aside: %v", name, err)
		}
		if got := open(t, home).Get().Name; got != "b" {
			t.Errorf("%s: the change was not saved: %q", name, got)
		}
	}
}

// A folder in the file's place is set aside too.
func TestFolderInItsPlace(t *testing.T) {
	home := t.TempDir()
	if err := os.MkdirAll(filepath.Join(home, fileName, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := Open(home)
	if e := fails(t, err, Damaged); e.Aside == "" {
		t.Error(e)
	}
	open(t, home)
}

// What a newer version wrote stays; changes hold for the run, and are saved when
// they can be.
func TestNewer(t *testing.T) {
	home := t.TempDir()
	const text = `{"version":2,"name":{"first":"a"}}`
	write(t, home, text)
	s, err := Open(home)
	fails(t, err, Newer)
	fails(t, s.Update(func(s *Settings) { s.Verify = true }), Newer)
	if content(t, home) != text || !s.Get().Verify {
		t.Errorf("%s, %+v", content(t, home), s.Get())
	}
	write(t, home, `{"version":1,"language":"de"}`)
	update(t, s, func(s *Settings) { s.Name = "a" })
	if got := open(t, home).Get(); got != (Settings{Name: "a", Language: "de", Verify: true}) || got != s.Get() {
		t.Errorf("%+v", got)
	}
}

// A home that is a file can be neither read nor written.
func TestHomeIsAFile(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	if err := os.WriteFile(home, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(home)
	if e := fails(t, err, Unreadable); strings.Contains(e.Error(), home) {
		t.Errorf("it tells the path: %v", e)
	}
	fails(t, s.Update(func(s *Settings) { s.Verify = true }), Unwritable)
	if !s.Get().Verify {
		t.Error("the change does not hold")
	}
}

func TestFullFile(t *testing.T) {
	home := t.TempDir()
	text := `{"version":1,"later":"` + strings.Repeat("x", maxFile-100) + `"}`
	write(t, home, text)
	s := open(t, home)
	fails(t, s.Update(func(s *Settings) { s.NewFolder = abs(strings.Repeat("f", 200)) }), Unwritable)
	if content(t, home) != text || s.Get().NewFolder == "" {
		t.Error("it changed, or the change does not hold")
	}
}

// Two stores, many goroutines and another process write at once, each a field of
// its own, and none is lost.
func TestProcesses(t *testing.T) {
	home := t.TempDir()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(exe)
	child.Env = append(os.Environ(), childHome+"="+home)
	var said bytes.Buffer
	child.Stderr = &said
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	a, b := open(t, home), open(t, home)
	var wg sync.WaitGroup
	for _, f := range []func(i int) error{
		func(i int) error { return a.Update(func(s *Settings) { s.Limit = int64(10_000 + i) }) },
		func(i int) error { return a.Update(func(s *Settings) { s.Verify = i%2 == 1 }) },
		func(i int) error { return b.Update(func(s *Settings) { s.Name = "n" + strconv.Itoa(i) }) },
	} {
		wg.Go(func() {
			for i := range rounds {
				if err := f(i); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if err := child.Wait(); err != nil {
		t.Fatalf("%v: %s", err, &said)
	}
	want := Settings{Limit: 10_000 + rounds - 1, Verify: true, Name: "n" + strconv.Itoa(rounds-1), TextScale: MinTextScale + rounds - 1}
	if got := open(t, home).Get(); got != want {
		t.Errorf("%+v; want %+v", got, want)
	}
}

// FuzzParse: what parses has the same settings when it is written and read again,
// and loses no field.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"version":1,"name":"a","later":[1]}`))
	f.Add([]byte(`{"version":1,"name":null,"verify":1,"version":1}`))
	f.Add([]byte("{\"version\":1e0,\"\xff\":\"\\ud800\",\"limit\":20000000}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := parse(b)
		if err != nil {
			if o != nil {
				t.Fatal("an error with settings")
			}
			return
		}
		s, bad := o.settings()
		if err := s.Check(); err != nil {
			t.Fatal(err)
		}
		text, err := o.encode()
		if err != nil {
			if len(b) < maxFile/8 {
				t.Fatal(err)
			}
			return
		}
		again, err := parse(text)
		if err != nil {
			t.Fatalf("%s became %s: %v", b, text, err)
		}
		s2, bad2 := again.settings()
		if s2 != s || !slices.Equal(bad, bad2) || len(again) != len(o) {
			t.Fatalf("%s became %s", b, text)
		}
	})
}

// What was saved once is not saved again over what another program set later.
func TestLaterWins(t *testing.T) {
	home := t.TempDir()
	a, b := open(t, home), open(t, home)
	update(t, a, func(s *Settings) { s.Name = "a" })
	update(t, b, func(s *Settings) { s.Name = "b" })
	update(t, a, func(s *Settings) { s.Verify = true })
	if want := (Settings{Name: "b", Verify: true}); a.Get() != want || open(t, home).Get() != want {
		t.Errorf("%+v, %+v; want %+v", a.Get(), open(t, home).Get(), want)
	}
}
