package files

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
)

// TestFullCommit commits into a disk that has no room for a folder: what was
// staged is given back, and can be committed again, or discarded.
func TestFullCommit(t *testing.T) {
	for _, discard := range []bool{false, true} {
		dir := t.TempDir()
		mount(t, "none", dir, "tmpfs", "size=4m,nr_inodes=8")
		w := newStorage(t, dir, Options{}).writer(t, Files)
		defer w.Close() // before the mount goes
		s := stage(t, w, fileItem("a/b/c/file", "content"), "content")
		var fill []string
		for i := 0; ; i++ {
			p := filepath.Join(dir, "fill"+string(rune('a'+i)))
			if err := os.WriteFile(p, nil, 0o600); err != nil {
				break
			}
			fill = append(fill, p)
		}
		for range 3 {
			res := w.Commit(t.Context(), []backup.Staged{s})
			if len(res) != 1 || res[0].Outcome != backup.Failed || !errors.Is(res[0].Err, backup.NoSpace) {
				t.Fatalf("a full disk: %+v", res)
			}
			if still, doubtful := s.Uncommitted(); !still || doubtful {
				t.Fatalf("given back %v, doubtful %v", still, doubtful)
			}
		}
		for _, p := range fill {
			if err := os.Remove(p); err != nil {
				t.Fatal(err)
			}
		}
		want := 1
		if discard {
			want = 0
			if err := s.Discard(); err != nil {
				t.Fatal(err)
			}
		}
		res := w.Commit(t.Context(), []backup.Staged{s})
		if (res[0].Outcome == backup.Added) == discard {
			t.Errorf("again: %+v", res)
		}
		if still, _ := s.Uncommitted(); still {
			t.Error("given back without need")
		}
		if b, err := os.ReadFile(filepath.Join(dir, "a/b/c/file")); !discard && (err != nil || string(b) != "content") {
			t.Errorf("%q, %v", b, err)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != want {
			t.Errorf("left: %q", left)
		}
	}
}
