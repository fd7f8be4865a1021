package fullagent_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/fullagent"
	"github.com/ferry-move/ferry/mobile/backup"
)

// given notes what an agent gives out.
type given []string

func (g *given) File(_ context.Context, f android.SourceFile) error {
	*g = append(*g, f.Domain+"/"+f.Path)
	return nil
}
func (*given) TransportFlags() backup.Flags { return backup.FlagDeviceToDeviceTransfer }
func (*given) Quota() int64                 { return android.NoQuota }

// What is never backed up stays behind also where a file has the folder's name.
func TestNeverAsAFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "r"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"r/cache", "r/no_backup", "r/code_cache", "r/kept"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	left := 0
	a := fullagent.New(root, fullagent.Options{LeftOut: func(l fullagent.LeftOut) {
		if errors.Is(l.Err, fullagent.ErrNever) {
			left++
		}
	}})
	var g given
	if err := a.FullBackup(t.Context(), &g); err != nil || !slices.Equal(g, given{"r/kept"}) || left != 3 {
		t.Errorf("%q, %v; %d are told of as left out", g, err, left)
	}
}
