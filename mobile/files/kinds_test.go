package files_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/files"
)

// InfoOf names the agent that lists an item, and no other agent does.
func TestInfoOf(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"DCIM", "Pictures", "Movies", "Music", "Documents", "Download", "Recordings", "Other", "dcim", ".hidden"} {
		for _, f := range []string{"a.jpg", "b.MP4", "c", "sub/d.mkv", "sub/e.txt", "sub/Movies/f.ts"} {
			name := filepath.Join(dir, d, filepath.FromSlash(f))
			if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, f := range []string{"top.txt", "top.mp4", "Music.mp3"} {
		if err := os.WriteFile(filepath.Join(dir, f), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	seen := map[backup.Key]bool{}
	for _, a := range files.New(root, files.Options{}) {
		b, err := a.Backup(t.Context(), backup.Transport{})
		if err != nil {
			t.Fatal(err)
		}
		for it, err := range b.Items(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if seen[it.Key] {
				t.Errorf("%s is listed twice", it.Key)
			}
			seen[it.Key] = true
			if got := files.InfoOf(it.Key, it.Type == backup.TypeDirectory); got != a.Info() {
				t.Errorf("%s is of %s; want %s", it.Key, got.Kind, a.Info().Kind)
			}
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if want := 10*(6+3) + 3; len(seen) != want {
		t.Errorf("%d items; want %d", len(seen), want)
	}
}
