package phone

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile"
	"github.com/ferry-move/ferry/mobile/apps"
	"github.com/ferry-move/ferry/mobile/backup"
)

func open(t *testing.T, dir string, opts FolderOptions) mobile.Device {
	t.Helper()
	d, err := OpenFolder(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestAgentsAreInOrder(t *testing.T) {
	d := open(t, t.TempDir(), FolderOptions{})
	var got []backup.Kind
	last := -1
	for _, a := range d.Agents() {
		in := a.Info()
		if in.Order < last {
			t.Errorf("%s comes too late", in.Kind)
		}
		last = in.Order
		got = append(got, in.Kind)
	}
	want := []backup.Kind{"contacts", "documents", "photos", "videos", "music", "recordings", "downloads", "apps", "files"}
	if !slices.Equal(got, want) {
		t.Errorf("%q; want %q", got, want)
	}
}

func TestFree(t *testing.T) {
	d := open(t, t.TempDir(), FolderOptions{})
	n, err := d.Free()
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil || n <= 0 {
		t.Errorf("%d bytes, %v", n, err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Free(); err == nil {
		t.Error("a closed phone has free space")
	}
}

func TestOpenFolderFails(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "secret file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(dir, "secret folder", "phone")
	tests := []struct {
		name string
		dir  string
		opts FolderOptions
		want error
	}{
		{"missing", missing, FolderOptions{}, fs.ErrNotExist},
		{"empty", "", FolderOptions{}, fs.ErrNotExist},
		{"a file", file, FolderOptions{}, ErrNotFolder},
		{"a file to make", file, FolderOptions{Create: true}, ErrNotFolder},
	}
	for _, tt := range tests {
		d, err := OpenFolder(tt.dir, tt.opts)
		if !errors.Is(err, tt.want) || d != nil {
			t.Errorf("%s: %v, %v", tt.name, d, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the path is in %q", tt.name, err)
		}
	}
	if _, err := os.Lstat(filepath.Dir(missing)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder was made: %v", err)
	}
}

func TestCreate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "phone")
	open(t, dir, FolderOptions{Create: true})
	info, err := os.Stat(dir)
	if err != nil || !info.IsDir() {
		t.Fatal(err)
	}
	open(t, dir, FolderOptions{Create: true}) // once more
}

const card = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ada Lovelace\r\nN:Lovelace;Ada;;;\r\nTEL:+44 20 7946 0000\r\nEND:VCARD\r\n"

// A whole phone moves into an empty one, and a second time changes nothing.
func TestMove(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	content := map[string]string{
		"Contacts/all.vcf": card, "DCIM/Camera/a.jpg": "a photo", "DCIM/Camera/b.mp4": "a video", "Pictures/c.png": "c",
		"Movies/d.mkv": "d", "Music/e.mp3": "e", "Documents/f.pdf": "f", "Download/g": "g", "Recordings/h.m4a": "h",
		"note.txt": "top", "Other/x/y": "y", "apps/org.example/_manifest": "1\norg.example\n1\n34\n\n0\n1\nab\n", "apps/org.example/f/a": "a",
	}
	for key, s := range content {
		path := filepath.Join(from, key)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(s), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	src, dst := open(t, from, FolderOptions{}), open(t, to, FolderOptions{})
	for run := range 2 {
		var added, failed int64
		for i, a := range src.Agents() {
			tally, err := backup.Copy(t.Context(), dst.Agents()[i], a, backup.Transport{Flags: backup.FlagDeviceToDeviceTransfer})
			if err != nil {
				t.Fatalf("%s: %v", a.Info().Kind, err)
			}
			failed += tally.Failed
			if a.Info().Kind == apps.Kind && run == 1 { // without a journal, an app's parts come again
				if tally.Skipped != 1 {
					t.Errorf("the app that is here: %+v", tally)
				}
				continue
			}
			added += tally.Added
			if want := a.Info().Kind; run == 0 && tally.Added == 0 {
				t.Errorf("nothing of %s arrived", want)
			}
		}
		if failed > 0 || run == 1 && added > 0 {
			t.Errorf("run %d: %d added, %d failed", run, added, failed)
		}
	}
	for key, want := range content {
		if strings.HasPrefix(key, "Contacts/") {
			continue // cards are merged, not copied as files
		}
		if got, err := os.ReadFile(filepath.Join(to, key)); err != nil || string(got) != want {
			t.Errorf("%q: %q, %v", key, got, err)
		}
	}
}
