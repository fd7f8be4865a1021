package apps

import (
	"os"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/backup/backuptest"
)

// What every agent owes, but for single items.
func TestSuite(t *testing.T) {
	backuptest.Run(t, func(tb testing.TB) backuptest.Env {
		from := newFolder(tb)
		from.write(example(map[string]string{"org.kv/k/_manifest": manifestOf("org.kv", 1, "cert"), "org.kv/k/org.kv.data": records(tb, "a", "1", "b", "2")}))
		return backuptest.Env{
			Source:    from.agent(),
			NewTarget: func() backup.Agent { return newFolder(tb).agent() },
			// TestHostile, TestWholeOrNot, TestResume, TestResumeInside and TestFull have these.
			Together: "an app's parts count only when all of them are there",
			Vanish: func(it backup.Item) error {
				return os.Remove(from.dir + "/" + Folder + "/" + string(it.Key))
			},
		}
	})
}
