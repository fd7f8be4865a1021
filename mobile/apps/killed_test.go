package apps

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
)

// A run that was killed leaves temporary files among what had arrived.
func TestTemporaryFilesOfAKilledRun(t *testing.T) {
	to := newFolder(t)
	const temp = "org.example/f/sub/.ferry-0123456789abcdef.part"
	to.write(map[string]string{arrivingDir + "/" + temp: "half", arrivingDir + "/org.example/f/a": "whole"})
	r, err := to.agent().Restore(t.Context(), backup.Transport{Flags: backup.FlagDeviceToDeviceTransfer})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.(backup.TempRemover).RemoveTemp(t.Context(), tempPrefix+temp); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(filepath.Join(to.dir, Folder, arrivingDir, temp)); !os.IsNotExist(err) {
		t.Errorf("after removing it: %v", err)
	}
}

// The journal may not name all of them, and an app that is restored has none.
func TestTemporaryFilesAreNoPartOfAnApp(t *testing.T) {
	from, to := newFolder(t), newFolder(t)
	from.write(example(nil))
	to.write(map[string]string{
		arrivingDir + "/org.example/f/.ferry-0123456789abcdef.part":     "half",
		arrivingDir + "/org.example/f/sub/.ferry-fedcba9876543210.part": "half",
		arrivingDir + "/org.example/.ferry-0123456789abcdef.part":       "half",
	})
	if tally := move(t, from, to); tally.Failed > 0 {
		t.Fatalf("%+v", tally)
	}
	if got, want := to.tree(), from.tree(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// An app may have key/value data without a single record.
func TestNoRecordsAtAll(t *testing.T) {
	from, to := newFolder(t), newFolder(t)
	from.write(map[string]string{
		"org.none/_manifest":       manifestOf("org.none", 7, "cert"),
		"org.none/k/_manifest":     manifestOf("org.none", 7, "cert"),
		"org.none/k/org.none.data": "",
	})
	if tally := move(t, from, to); tally.Failed > 0 {
		t.Fatalf("%+v", tally)
	}
	if fi, err := os.Lstat(filepath.Join(to.dir, Folder, "org.none/k/org.none.data")); err != nil || fi.Size() != 0 {
		t.Fatalf("%v, %v", fi, err)
	}
	if tally := move(t, from, to); tally.Failed > 0 || tally.Skipped == 0 {
		t.Errorf("again: %+v", tally)
	}
	if _, err := os.Lstat(filepath.Join(to.dir, Folder, beforeDir)); !os.IsNotExist(err) {
		t.Error("what was the same was restored again:", err)
	}
}

// A link in the place of a domain's folder is left out; the app moves.
func TestLinkInPlaceOfADomain(t *testing.T) {
	from, to := newFolder(t), newFolder(t)
	from.write(map[string]string{"org.example/_manifest": manifestOf("org.example", 7, "cert"), "org.example/f/a": "a", "org.other/f/secret": "another app's"})
	for _, name := range []string{"db", "anything"} {
		if err := os.Symlink("../org.other/f", filepath.Join(from.dir, Folder, "org.example", name)); err != nil {
			t.Skip("no links here:", err)
		}
	}
	move(t, from, to)
	if _, err := os.Lstat(filepath.Join(to.dir, Folder, "org.example/f/a")); err != nil {
		t.Error("the app did not move:", err)
	}
	for _, name := range []string{"db", "anything"} {
		if _, err := os.Lstat(filepath.Join(to.dir, Folder, "org.example", name)); !os.IsNotExist(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What killed runs left in the folder for temporary files goes a day later, also
// when the clock was set back by years since; what is younger may be in use.
func TestStatesAreSwept(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	t.Setenv("TMP", os.Getenv("TMPDIR"))
	const day = 24 * time.Hour
	for age, stays := range map[time.Duration]bool{
		0: true, day - time.Hour: true, time.Hour - day: true, day + time.Hour: false, -day - time.Hour: false, 50 * 365 * day: false, -50 * 365 * day: false,
	} {
		dir, err := os.MkdirTemp("", statePrefix)
		if err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(-age)
		if err := os.Chtimes(dir, at, at); err != nil {
			t.Fatal(err)
		}
		sweepStates()
		if _, err := os.Stat(dir); (err == nil) != stays {
			t.Errorf("%v old: %v", age, err)
		}
	}
}
