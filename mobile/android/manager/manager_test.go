package manager

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/mutf8"
	"github.com/ferry-move/ferry/mobile/android/pm"
)

func TestPendingSetSurvives(t *testing.T) {
	p := newPhone(t, newLink())
	p.book("com.a", "k", "v")
	p.book("com.B", "k", "v")
	p.shelf("com.f")
	p.changed("com.B", "com.a", "com.f", "com.B")
	if err := p.m.DataChanged("com.none"); !errors.Is(err, NotFound) {
		t.Error(err)
	}
	p.start(nil) // as after kill -9: nothing was closed
	if got := p.m.Pending(); !slices.Equal(got, []string{"com.B", "com.a"}) {
		t.Errorf("pending %q", got)
	}
	// Java's writeUTF, one name after the other.
	b, err := os.ReadFile(filepath.Join(p.dir, "pending", "1"))
	if want := "\x00\x05com.B\x00\x05com.a"; err != nil || string(b) != want {
		t.Errorf("journal %q, %v", b, err)
	}
	// A name that was not written to its end is left out.
	if err := os.WriteFile(filepath.Join(p.dir, "pending", "2"), []byte("\x00\x05com.c\x00\x05co"), 0o600); err != nil {
		t.Fatal(err)
	}
	p.start(nil)
	p.book("com.d", "k", "v")
	p.changed("com.d")
	p.start(nil)
	if got := p.m.Pending(); !slices.Equal(got, []string{"com.B", "com.a", "com.c", "com.d"}) {
		t.Errorf("pending %q", got)
	}
	p.pass()
	p.start(nil)
	if got := p.m.Pending(); len(got) != 0 {
		t.Errorf("pending %q after a good pass", got)
	}
	if p.link.kv["com.B"]["k"] != "v" || p.state("com.B") == "" || strings.Contains(p.m.state("com.B"), "B") {
		t.Errorf("state file %s", filepath.Base(p.m.state("com.B")))
	}
}

func TestChangeDuringAPassIsForTheNext(t *testing.T) {
	p := newPhone(t, newLink())
	a := p.book("com.a", "k", "v")
	a.fail = func(call string) error {
		if call == "Backup" {
			return p.m.DataChanged("com.a")
		}
		return nil
	}
	p.changed("com.a")
	p.pass()
	if got := p.m.Pending(); !slices.Equal(got, []string{"com.a"}) {
		t.Errorf("pending %q", got)
	}
	p.start(nil)
	if got := p.m.Pending(); !slices.Equal(got, []string{"com.a"}) {
		t.Errorf("pending %q after a restart", got)
	}
}

// left lists the files in the state folder.
func left(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			files = append(files, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestTurningBackupOff(t *testing.T) {
	ctx := context.Background()
	p := newPhone(t, newLink())
	p.book("com.a", "k", "v")
	p.book("com.b", "k", "v")
	p.shelf("com.f", "f/x", "y")
	if _, err := p.m.Backup(ctx, []string{"com.a", "com.f"}, 0); err != nil {
		t.Fatal(err)
	}
	p.changed("com.b")
	if want := []string{"ancestral", "memory/@pm@.state", "memory/backing-up/com.a", "memory/com.a.state", "pending/1", "processed"}; !slices.Equal(left(t, p.dir), want) {
		t.Errorf("kept %q", left(t, p.dir))
	}
	if err := p.m.SetEnabled(ctx, false); err != nil {
		t.Fatal(err)
	}
	off := func() {
		t.Helper()
		if got := left(t, p.dir); !slices.Equal(got, []string{"disabled"}) || p.m.Enabled() || len(p.m.Pending()) != 0 {
			t.Errorf("kept %q, pending %q", got, p.m.Pending())
		}
		if _, err := p.m.RunKeyValue(ctx); !errors.Is(err, ErrDisabled) {
			t.Error(err)
		}
		if err := p.m.DataChanged("com.a"); !errors.Is(err, ErrDisabled) {
			t.Error(err)
		}
		if token, err := p.m.RestoreToken(ctx, "com.a"); token != 0 || err != nil {
			t.Error(token, err)
		}
	}
	off()
	if err := p.m.SetEnabled(ctx, false); err != nil {
		t.Error(err)
	}
	p.start(nil)
	off()
	if p.link.kv["com.a"] == nil {
		t.Error("the set was erased without having been asked")
	}
	if err := p.m.Erase(ctx); err != nil || len(p.link.kv) != 0 || len(p.link.full) != 0 {
		t.Error("the set was not erased", err)
	}
	off()
	if err := p.m.SetEnabled(ctx, true); err != nil {
		t.Fatal(err)
	}
	if got := left(t, p.dir); len(got) != 0 || len(p.m.Pending()) != 0 {
		t.Errorf("brought back %q, pending %q", got, p.m.Pending())
	}
	p.link.calls = nil
	p.changed("com.a")
	p.pass()
	if p.link.calls[0] != "InitializeDevice" || p.books["com.a"].old[1] != "" {
		t.Errorf("not the first pass: %q", p.link.calls)
	}
}

func TestTurningOffIsFinishedAtTheNextStart(t *testing.T) {
	p := newPhone(t, newLink())
	p.book("com.a", "k", "v")
	p.changed("com.a")
	p.pass()
	for n := 0; ; n++ {
		if n > 100 {
			t.Fatal("no end of steps")
		}
		steps, armed := 0, false
		p.start(func(string) error {
			if !armed {
				return nil
			}
			if steps++; steps > n {
				return errBroken
			}
			return nil
		})
		armed = true
		err := p.m.SetEnabled(context.Background(), false)
		p.start(nil)
		if p.m.Enabled() {
			continue // cut before the first step
		}
		if got := left(t, p.dir); !slices.Equal(got, []string{"disabled"}) {
			t.Errorf("after %d steps: %q", n, got)
		}
		if err == nil {
			return
		}
		if err := p.m.SetEnabled(context.Background(), true); err != nil {
			t.Fatal(err)
		}
		p.changed("com.a")
		p.pass()
	}
}

func TestTokensAndErasing(t *testing.T) {
	ctx := context.Background()
	p := newPhone(t, newLink())
	p.book("com.a", "k", "v")
	token := func(pkg string, want int64) {
		t.Helper()
		if got, err := p.m.RestoreToken(ctx, pkg); got != want || err != nil {
			t.Errorf("%s: token %d, %v; want %d", pkg, got, err, want)
		}
	}
	token("com.a", 0)
	p.changed("com.a")
	p.pass()
	p.start(nil)
	token("com.a", 7)
	token("com.b", 0)
	if _, err := p.m.Restore(ctx, 7, nil); err != nil {
		t.Fatal(err)
	}
	p.start(nil)
	token("com.b", 7) // that of the restored set
	b, err := os.ReadFile(filepath.Join(p.dir, "ancestral"))
	if tokens, perr := pm.ParseTokens(b); err != nil || perr != nil || tokens.Ancestral != 7 || !slices.Equal(tokens.Packages, []string{"com.a"}) {
		t.Error(tokens, err, perr)
	}
	if err := p.m.ClearBackupData(ctx, "com.a"); err != nil || p.link.kv["com.a"] != nil || p.state("com.a") != "" {
		t.Error("not erased", err)
	}
	if err := p.m.ClearBackupData(ctx, "../x"); !errors.Is(err, ErrName) {
		t.Error(err)
	}
	if err := p.m.Unregister(ctx, "com.a"); err != nil {
		t.Error(err)
	}
	if err := p.m.DataChanged("com.a"); !errors.Is(err, NotFound) {
		t.Error(err)
	}
}

func TestNamesOfFiles(t *testing.T) {
	for _, name := range []string{"com.a", "com.A_b9", "X", "a-b", "com.a.new", "com.a.new.state"} {
		if !validPackage(name) {
			t.Errorf("%q is not valid", name)
		}
		if got, ok := packageOf(fileName(name)); !ok || got != name {
			t.Errorf("%q became %q", name, got)
		}
	}
	for _, name := range []string{"", ".", "..", ".a", "a/b", `a\b`, "a%41", "a\x00", "ä", "a b", "@pm@", strings.Repeat("a", 241), strings.Repeat("A", 81)} {
		if validPackage(name) {
			t.Errorf("%q is valid", name)
		}
		if err := (&Manager{}).Register(App{Package: android.Package{Name: name}}); !errors.Is(err, ErrName) {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, file := range []string{"A", "%4", "%zz", "%61", "a%", ".x"} {
		if got, ok := packageOf(file); ok {
			t.Errorf("%q is %q", file, got)
		}
	}
}

func FuzzNames(f *testing.F) {
	f.Add([]byte("\x00\x05com.a\x00\x04@pm@"))
	f.Add([]byte("\x00\x05com.a\x00\x05co"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var again []byte
		for _, name := range parseNames(b) {
			if !validPackage(name) && name != android.MetadataPackage {
				t.Fatalf("took %q", name)
			}
			again, _ = mutf8.AppendUTF(again, name)
		}
		if len(again) > len(b) {
			t.Fatal("more than there was")
		}
		if got, ok := packageOf(string(b)); ok && fileName(got) != string(b) {
			t.Fatalf("%q became %q", b, got)
		}
	})
}

func TestProgressIsThrottled(t *testing.T) {
	l := newLink()
	now := time.Unix(0, 0)
	var seen []Progress
	m, err := New(Config{Dir: t.TempDir(), Transport: l, Now: func() time.Time { return now }, Progress: func(p Progress) { seen = append(seen, p) }})
	if err != nil {
		t.Fatal(err)
	}
	app := shelfApp("com.f", &shelf{files: map[string]string{"f/a": strings.Repeat("x", 10<<20)}})
	if err := m.Register(app); err != nil {
		t.Fatal(err)
	}
	l.fail = func(string) error { now = now.Add(10 * time.Millisecond); return nil }
	if _, err := m.RunFull(context.Background()); err != nil {
		t.Fatal(err)
	}
	if pieces := l.called("SendBackupData"); len(seen) < pieces/20 || len(seen) > pieces/5 {
		t.Errorf("%d reports of %d pieces", len(seen), pieces)
	}
	if last := seen[len(seen)-1]; last.Package != "com.f" || last.Transferred != last.Expected || last.Transferred < 10<<20 {
		t.Errorf("the last was %+v", last)
	}
}

func TestOpenRefuses(t *testing.T) {
	if _, err := New(Config{Dir: t.TempDir()}); err == nil {
		t.Error("no transport")
	}
	if _, err := New(Config{Dir: t.TempDir(), Transport: named{newLink(), "pending"}}); !errors.Is(err, ErrName) {
		t.Error(err)
	}
	p := newPhone(t, newLink())
	if err := p.m.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := p.m.RunFull(context.Background()); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

type named struct {
	*link
	dir string
}

func (n named) DirName() string { return n.dir }
