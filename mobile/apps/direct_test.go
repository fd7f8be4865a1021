package apps

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/android/entity"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer/transfertest"
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

// Records that a killed run had moved to the app that it was restoring do not
// come again.
func TestRecordsOfAKilledRestore(t *testing.T) {
	from, to := newFolder(t), newFolder(t)
	all := records(t, pairs(100)...)
	from.write(kvApp(t, all))
	to.write(map[string]string{
		restoringDir + "/org.kv/k/org.kv.data": all,
		arrivingDir + "/org.kv/k/_manifest":    manifestOf("org.kv", 1, "cert"),
	})
	e := over(t, from, to, func(e transfertest.Ends) transfertest.Ends { return e }).Run(t.Context())
	if e.SendErr != nil || e.TakeErr != nil || !e.Sent.Complete() || e.Sent.SentItems > 3 {
		t.Fatalf("%v, %v, %+v", e.SendErr, e.TakeErr, e.Sent)
	}
	mustEqual(t, to, from)
}

// Records of an app that cannot take its place stay for the next run.
func TestRecordsOfAFailedRestore(t *testing.T) {
	from, to := newFolder(t), newFolder(t)
	from.write(kvApp(t, records(t, pairs(100)...)))
	to.write(map[string]string{
		"org.kv/_manifest": manifestOf("org.kv", 1, "cert"), "org.kv/k/org.kv.data": records(t, "a", "mine"),
		beforeDir: "a file where apps are to be kept",
	})
	if tally := move(t, from, to); tally.Failed != 1 {
		t.Fatalf("%+v", tally)
	}
	to.remove(beforeDir)
	e := over(t, from, to, func(e transfertest.Ends) transfertest.Ends { return e }).Run(t.Context())
	if e.SendErr != nil || e.TakeErr != nil || !e.Sent.Complete() || e.Sent.SentItems > 3 {
		t.Fatalf("%v, %v, %+v", e.SendErr, e.TakeErr, e.Sent)
	}
}

// Of an app that is not the system's, the system's records do not reach it.
func TestSystemsRecords(t *testing.T) {
	to := newFolder(t)
	value := func(key, v string) backup.Item {
		return backup.Item{Type: backup.TypeEntity, Key: backup.Key(key), Value: []byte(v), Size: int64(len(v))}
	}
	items := []backup.Item{value("org.kv:a", "one"), value("org.kv:\uff00x", "x"), value("org.kv", "1 2\n")}
	to.write(map[string]string{arrivingDir + "/org.kv/k/_manifest": manifestOf("org.kv", 1, "cert")})
	if _, err := backup.Copy(t.Context(), to.agent(), &madeUp{Agent: to.agent(), items: items}, backup.Transport{Flags: backup.FlagDeviceToDeviceTransfer}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(to.dir, Folder, recordsPath("org.kv")))
	if err != nil || string(b) != records(t, "a", "one") {
		t.Fatalf("%q, %v", b, err)
	}
}
