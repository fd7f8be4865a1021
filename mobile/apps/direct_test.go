package apps

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/android/entity"
	"github.com/ferry-move/ferry/mobile/backup"
)

// Records that change without a trace after they were planned do not move under
// the digest of what they were, and move the next time.
func TestRecordsChangeUnseen(t *testing.T) {
	from, to := newFolder(t), newFolder(t)
	from.write(kvApp(t, records(t, "a", "one", "b", "two")))
	src := from.agent()
	plan := func() {
		for _, err := range src.Plans(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	plan()
	name := filepath.Join(from.dir, Folder, recordsPath("org.kv"))
	fi, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(records(t, "a", "ONE", "b", "TWO")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(name, fi.ModTime(), fi.ModTime()); err != nil {
		t.Fatal(err)
	}
	tally, err := backup.Copy(t.Context(), to.agent(), src, backup.Transport{Flags: backup.FlagDeviceToDeviceTransfer})
	if err != nil || tally.Failed != 1 || tally.Failures[0].Reason != backup.Changed {
		t.Fatalf("%+v, %v", tally, err)
	}
	if tally, err = backup.Copy(t.Context(), to.agent(), src, backup.Transport{Flags: backup.FlagDeviceToDeviceTransfer}); err != nil || tally.Failed > 0 {
		t.Fatalf("%+v, %v", tally, err)
	}
	mustEqual(t, to, from)
}

// An app that has a record of the system's does not move.
func TestReservedKeys(t *testing.T) {
	from, to := newFolder(t), newFolder(t)
	var b strings.Builder
	w := entity.NewWriter(&b, entity.Options{System: true})
	if err := w.WriteHeader("\uffed\uffedwidget", 0); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	from.write(kvApp(t, b.String()))
	tally, err := backup.Copy(t.Context(), to.agent(), from.agent(), backup.Transport{Flags: backup.FlagDeviceToDeviceTransfer})
	if err != nil || tally.Failed != 1 || tally.Failures[0].Reason != backup.AppFailed {
		t.Fatalf("%+v, %v", tally, err)
	}
}
