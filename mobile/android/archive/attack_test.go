package archive_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/android/archive"
)

// A folder's header that is not repeated in the index does not end the run,
// whatever is wrong with it.
func TestFoldersWithOddHeaders(t *testing.T) {
	for name, it := range map[string]item{
		"gnu":      {gnu: true},
		"linkname": {link: "elsewhere"},
		"pax":      {pax: true, link: "elsewhere"},
		"checksum": {sum: 3},
		"size":     {size: 5, noBody: true},
	} {
		var tb tarball
		tb.app("com.a")
		it.name, it.typ = "apps/com.a/f/d", '5'
		tb.add(it)
		tb.add(item{name: "apps/com.a/f/d/x", body: "content"})
		dir := t.TempDir()
		rep, f, err := tryExtract(plain(t, tb.end()), dir)
		if err != nil || rep.Apps != 1 {
			t.Errorf("%s: %d apps, %v\n%v", name, rep.Apps, err, f)
		}
	}
}

// Something that is no folder lies where the apps belong.
func TestAppsIsAFile(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "apps", "mine")
	if _, _, err := tryExtract(plain(t, android()), dir); !errors.Is(err, archive.ErrInTheWay) {
		t.Error(err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "apps")); err != nil || string(b) != "mine" {
		t.Errorf("%q, %v", b, err)
	}
}

// What lies where the index of shared storage belongs costs the index only.
func TestSharedIndexHasNoPlace(t *testing.T) {
	outside := t.TempDir()
	for name, plant := range map[string]func(string) error{
		"file": func(p string) error { return os.WriteFile(p, []byte("mine"), 0o600) },
		"link": func(p string) error { return os.Symlink(outside, p) },
	} {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "apps"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := plant(filepath.Join(dir, "apps/shared")); err != nil {
			t.Skip("no links here:", err)
		}
		_, f := extract(t, plain(t, android()), dir)
		if len(f.of(archive.KindIndex)) != 1 {
			t.Errorf("%s: %v", name, f)
		}
		for _, want := range []string{"DCIM/img.jpg", "apps/com.android.wallpaper/k/com.android.wallpaper.data"} {
			if _, err := os.Lstat(filepath.Join(dir, want)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "apps", ".*")); len(left) > 0 {
			t.Errorf("%s: %q is left", name, left)
		}
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
		t.Errorf("outside: %v, %v", left, err)
	}
}

// More entries than are allowed are no damage, but have a place.
func TestTooManyEntriesIsALimit(t *testing.T) {
	_, err := archive.Walk(context.Background(), bytes.NewReader(plain(t, android())), archive.Options{Limits: archive.Limits{Entries: 3}},
		func(*archive.Entry) error { return nil })
	var d *archive.DamageError
	if !errors.Is(err, archive.ErrLimit) || !errors.As(err, &d) || d.Offset <= 0 || d.What() != "too many entries" {
		t.Errorf("%v", err)
	}
}

// Check says what ended it.
func TestCheckSaysWhatEndedIt(t *testing.T) {
	file := plain(t, android())
	rep, err := archive.Check(context.Background(), bytes.NewReader(file[:len(file)/2]), archive.CheckOptions{})
	if err != nil || rep.Complete || rep.Damage == nil || rep.Damage.File > int64(len(file)/2) {
		t.Fatalf("%+v, %v", rep, err)
	}
	if rep, err = archive.Check(context.Background(), bytes.NewReader(file), archive.CheckOptions{}); err != nil || rep.Damage != nil {
		t.Errorf("whole: %+v, %v", rep.Damage, err)
	}
}

// The description that ferry reads beside an app's data is no data; any other
// file there is left out aloud.
func TestFilesBesideTheDomains(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "apps/com.a/_manifest", manifest("com.a", 1))
	write(t, dir, "apps/com.a/f/x", "data")
	write(t, dir, "apps/com.a/AndroidManifest.xml", "<manifest/>")
	write(t, dir, "apps/com.a/res/xml/rules.xml", "<data-extraction-rules/>")
	write(t, dir, "apps/com.a/notes.txt", "mine")
	tar, _, f := create(t, dir)
	if got := names(t, tar); slices.ContainsFunc(got, func(n string) bool { return strings.Contains(n, "xml") || strings.Contains(n, "notes") }) {
		t.Errorf("%q", got)
	}
	got := map[string]archive.Severity{}
	for _, g := range f.of(archive.KindLeftOut) {
		got[g.Name] = g.Severity
	}
	if len(got) != 3 || got["AndroidManifest.xml"] != archive.Note || got["res"] != archive.Note || got["notes.txt"] != archive.Refused {
		t.Errorf("%v", f)
	}
}

// An app whose folder cannot be read does not keep the others out.
func TestUnreadableAppIsLeftOut(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root reads everything")
	}
	dir := t.TempDir()
	for _, p := range []string{"com.a", "com.b", "com.c"} {
		write(t, dir, "apps/"+p+"/_manifest", manifest(p, 1))
	}
	closed := filepath.Join(dir, "apps/com.b")
	if err := os.Chmod(closed, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(closed, 0o700) })
	_, rep, f := create(t, dir)
	if rep.Packages != 2 || rep.Refused != 1 || len(f) != 1 || f[0].Package != "com.b" {
		t.Errorf("%+v\n%v", rep, f)
	}
}

// The archive that is being written is no part of itself.
func TestNotItself(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "Documents/a.txt", "mine")
	write(t, dir, "Documents/new.ab", "half")
	self, err := os.Stat(filepath.Join(dir, "Documents/new.ab"))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := archive.Create(context.Background(), &b, dir, archive.CreateOptions{Self: self}); err != nil {
		t.Fatal(err)
	}
	got := names(t, inflated(t, b.Bytes(), ""))
	if !slices.Equal(got, []string{"shared/0/Documents", "shared/0/Documents/a.txt"}) {
		t.Errorf("%q", got)
	}
}
