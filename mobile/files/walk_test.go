package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
)

func TestKinds(t *testing.T) {
	dir := t.TempDir()
	for _, key := range []string{
		"note.txt", "DCIM/Camera/a.jpg", "DCIM/Camera/b.MP4", "DCIM/empty/", "Pictures/c.mov", "Pictures/d",
		"Movies/e.mp4", "Movies/e.srt", "Movies/sub/", "Music/f.mp3", "Documents/g.pdf", "Download/h.mp4",
		"Recordings/i.m4a", "dcim/j.jpg", "Alarms/k.ogg", "Contacts/l.vcf", ".hidden/m",
		"Music/.ferry-0123456789abcdef.part", "Music/.ferry-0123456789abcdef.part2",
	} {
		write(t, dir, key, key)
	}
	vcf := func(name string) bool { return strings.HasSuffix(name, ".vcf") }
	write(t, dir, "Contacts/me.jpg", "not a card")
	write(t, dir, "Contacts/sub/n.vcf", "a card")
	s := newStorage(t, dir, Options{Claimed: []string{"Locked"}, Shared: []Share{{"Contacts", vcf}}})
	write(t, dir, "Locked/x", "x")
	want := map[backup.Kind][]string{
		Photos:     {"DCIM", "DCIM/Camera", "DCIM/Camera/a.jpg", "DCIM/empty", "Pictures", "Pictures/d"},
		Videos:     {"DCIM/Camera/b.MP4", "Movies", "Movies/e.mp4", "Movies/e.srt", "Movies/sub", "Pictures/c.mov"},
		Music:      {"Music", "Music/.ferry-0123456789abcdef.part2", "Music/f.mp3"},
		Documents:  {"Documents", "Documents/g.pdf"},
		Downloads:  {"Download", "Download/h.mp4"},
		Recordings: {"Recordings", "Recordings/i.m4a"},
		Files:      {".hidden", ".hidden/m", "Alarms", "Alarms/k.ogg", "Contacts", "Contacts/me.jpg", "Contacts/sub", "dcim", "dcim/j.jpg", "note.txt"},
	}
	for k, list := range want {
		good, bad := items(t, s.reader(t, k))
		if got := keys(good); !slices.Equal(got, list) || len(bad) > 0 {
			t.Errorf("%s: %q and %v; want %q", k, got, bad, list)
		}
		for key, it := range good {
			info, err := os.Lstat(filepath.Join(dir, string(key)))
			if err != nil {
				t.Fatal(err)
			}
			if it.Kind != k || it.Mode != info.Mode().Perm() || !it.ModTime.Equal(info.ModTime()) ||
				info.IsDir() != (it.Type == backup.TypeDirectory) || !info.IsDir() && it.Size != info.Size() {
				t.Errorf("%q is %+v", key, it)
			}
		}
	}
}

// Agents of no claimed folder but with a phone's order: nothing is in two kinds.
func TestInfo(t *testing.T) {
	s := newStorage(t, t.TempDir(), Options{})
	want := map[backup.Kind]int{Photos: 50, Videos: 60, Music: 70, Documents: 40, Downloads: 75, Recordings: 72, Files: 90}
	for _, a := range s.agents {
		in := a.Info()
		if in.Order != want[in.Kind] || in.Entities || !in.Kind.Valid() || in.Title == "" || in.One == "" || in.Many == "" {
			t.Errorf("%+v", in)
		}
		delete(want, in.Kind)
	}
	if len(want) > 0 {
		t.Errorf("no agents of %v", want)
	}
}

func TestItemsAreInOrder(t *testing.T) {
	dir := t.TempDir()
	for _, key := range []string{"Music/b/1", "Music/b/0/x", "Music/b-1", "Music/a/2", "Music/z"} {
		write(t, dir, key, "")
	}
	want := []string{
		"Music", "Music/b-1", "Music/z", "Music/a", "Music/a/2", "Music/b", "Music/b/1", "Music/b/0", "Music/b/0/x",
	}
	r := newStorage(t, dir, Options{}).reader(t, Music)
	for range 2 {
		var got []string
		for it, err := range r.Items(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(it.Key))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q; want %q", got, want)
		}
	}
	for range r.Items(t.Context()) { // a consumer may stop anywhere
		break
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	for range r.Items(ctx) {
		n++
		cancel()
	}
	if n != 1 {
		t.Errorf("%d items after the end of ctx", n)
	}
}

func TestDeepFolders(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	// A thousand levels, longer than any path may be.
	at := root
	for range 1000 {
		if err := at.Mkdir("folder", 0o755); err != nil {
			t.Fatal(err)
		}
		next, err := at.OpenRoot("folder")
		if err != nil {
			t.Fatal(err)
		}
		if at != root {
			at.Close()
		}
		at = next
	}
	at.Close()
	good, bad := items(t, newStorage(t, dir, Options{}).reader(t, Files))
	if len(good) != MaxDepth || len(bad) != 1 {
		t.Fatalf("%d folders and %d errors; want %d and 1", len(good), len(bad), MaxDepth)
	}
	for _, reason := range bad {
		if reason != backup.TooDeep {
			t.Errorf("reason %v", reason)
		}
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "Music/a", "hello")
	write(t, dir, "Music/empty", "")
	r := newStorage(t, dir, Options{}).reader(t, Music)
	good, _ := items(t, r)
	it := good["Music/a"]
	for off := range int64(6) {
		if got, err := read(t, r, it, off); err != nil || got != "hello"[off:] {
			t.Errorf("from %d: %q, %v", off, got, err)
		}
	}
	if got, err := read(t, r, good["Music/empty"], 0); err != nil || got != "" {
		t.Errorf("empty: %q, %v", got, err)
	}
	for _, off := range []int64{-1, 6} {
		if _, err := r.Open(t.Context(), it, off); !errors.Is(err, backup.Malformed) {
			t.Errorf("from %d: %v", off, err)
		}
	}
	gone := it
	gone.Key = "Music/none"
	if _, err := r.Open(t.Context(), gone, 0); !errors.Is(err, backup.Vanished) {
		t.Errorf("missing: %v", err)
	}
	gone.Key = "Music/none/none"
	if _, err := r.Open(t.Context(), gone, 0); !errors.Is(err, backup.Vanished) {
		t.Errorf("missing folder: %v", err)
	}
	gone.Key = "Music/a/x"
	if _, err := r.Open(t.Context(), gone, 0); !errors.Is(err, backup.Changed) {
		t.Errorf("a file as a folder: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Open(ctx, it, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if err := errors.Join(r.Close(), r.Close()); err != nil {
		t.Error(err)
	}
}

// A folder that was read before may be another one by now.
func TestFolderReplaced(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "Music/a/old", "old")
	r := newStorage(t, dir, Options{}).reader(t, Music)
	if good, _ := items(t, r); len(good) != 3 {
		t.Fatalf("%q", keys(good))
	}
	if err := os.Rename(filepath.Join(dir, "Music/a"), filepath.Join(dir, "away")); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "Music/a/new", "new")
	info, err := os.Lstat(filepath.Join(dir, "Music/a/new"))
	if err != nil {
		t.Fatal(err)
	}
	it := fileItem("Music/a/new", "new")
	it.ModTime = info.ModTime()
	if got, err := read(t, r, it, 0); err != nil || got != "new" {
		t.Errorf("%q, %v", got, err)
	}
	if good, _ := items(t, r); fmt.Sprint(keys(good)) != "[Music Music/a Music/a/new]" {
		t.Errorf("%q", keys(good))
	}
}

func TestOpenAfterAChange(t *testing.T) {
	past := time.Unix(1_000_000_000, 0)
	changes := map[string]func(path string) error{
		"grown":   func(p string) error { return appendTo(p, "!") },
		"shrunk":  func(p string) error { return os.Truncate(p, 2) },
		"touched": func(p string) error { return os.Chtimes(p, past, past) },
		"a folder": func(p string) error {
			return errors.Join(os.Remove(p), os.Mkdir(p, 0o755))
		},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "Music/a", "hello")
			r := newStorage(t, dir, Options{}).reader(t, Music)
			good, _ := items(t, r)
			if err := change(filepath.Join(dir, "Music/a")); err != nil {
				t.Fatal(err)
			}
			if _, err := r.Open(t.Context(), good["Music/a"], 0); !errors.Is(err, backup.Changed) {
				t.Errorf("Open: %v; want Changed", err)
			}
		})
	}
}

func TestChangeWhileRead(t *testing.T) {
	past := time.Unix(1_000_000_000, 0)
	changes := map[string]func(path string) error{
		"grown":   func(p string) error { return appendTo(p, "more") },
		"shrunk":  func(p string) error { return os.Truncate(p, 4) },
		"touched": func(p string) error { return os.Chtimes(p, past, past) },
		"written": func(p string) error {
			return errors.Join(os.WriteFile(p, []byte("other 10 b"), 0o644), os.Chtimes(p, past, past))
		},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "Music/a", "0123456789")
			r := newStorage(t, dir, Options{}).reader(t, Music)
			good, _ := items(t, r)
			rc, err := r.Open(t.Context(), good["Music/a"], 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.CopyN(io.Discard, rc, 4); err != nil {
				t.Fatal(err)
			}
			if err := change(filepath.Join(dir, "Music/a")); err != nil {
				t.Fatal(err)
			}
			rest, err := io.ReadAll(rc)
			if !errors.Is(err, backup.Changed) || len(rest) > 6 {
				t.Errorf("%q, %v; want Changed", rest, err)
			}
			if err := rc.Close(); !errors.Is(err, backup.Changed) {
				t.Errorf("Close: %v; want Changed", err)
			}
		})
	}
}

// A caller that stops at the size learns of the change too.
func TestChangeIsToldByClose(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "Music/a", "0123456789")
	r := newStorage(t, dir, Options{}).reader(t, Music)
	good, _ := items(t, r)
	rc, err := r.Open(t.Context(), good["Music/a"], 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := appendTo(filepath.Join(dir, "Music/a"), "more"); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 10)
	if _, err := io.ReadFull(rc, buf); err != nil { // it drops the error of a full read
		t.Fatal(err)
	}
	if err := rc.Close(); !errors.Is(err, backup.Changed) {
		t.Errorf("Close: %v; want Changed", err)
	}
}

func appendTo(path, s string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(s)
	return errors.Join(err, f.Close())
}

func TestManyFilesInOneFolder(t *testing.T) {
	dir := t.TempDir()
	const n = 3*readDirChunk + 7
	for i := range n {
		write(t, dir, fmt.Sprintf("Music/%05d", i), "")
	}
	good, bad := items(t, newStorage(t, dir, Options{}).reader(t, Music))
	if len(good) != n+1 || len(bad) != 0 {
		t.Errorf("%d items, %d errors", len(good), len(bad))
	}
}

func TestErrorsHoldNoPaths(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "Music/secret/a", "hello")
	s := newStorage(t, dir, Options{})
	r := s.reader(t, Music)
	it := fileItem("Music/secret/gone", "")
	_, err := r.Open(t.Context(), it, 0)
	_, err2 := r.Open(t.Context(), fileItem("Music/secret/a/x", ""), 0)
	_, err3 := s.writer(t, Music).Stage(t.Context(), fileItem("Music/secret/\x00", ""))
	for _, err := range []error{err, err2, err3} {
		if err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), dir) {
			t.Errorf("%v", err)
		}
	}
}

func BenchmarkItems(b *testing.B) {
	dir := b.TempDir()
	const folders, each = 100, 1000
	for i := range folders {
		sub := filepath.Join(dir, "DCIM", fmt.Sprintf("%03d", i))
		if err := os.MkdirAll(sub, 0o755); err != nil {
			b.Fatal(err)
		}
		for j := range each {
			if err := os.WriteFile(filepath.Join(sub, fmt.Sprintf("IMG_%04d.jpg", j)), nil, 0o644); err != nil {
				b.Fatal(err)
			}
		}
	}
	r := newStorage(b, dir, Options{}).reader(b, Photos)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		for range r.Items(b.Context()) {
			n++
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "items/s")
}
