package backuptest

import (
	"context"
	"slices"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
)

// Env is what the suite works on. Each check gets a new one.
type Env struct {
	// Source has data: some items, a few dozen megabytes at most, of which
	// nothing changes unless Vanish is called. Items that fail are welcome.
	Source backup.Agent
	// NewTarget makes an agent of the same kind with no data. What it takes in
	// can be read back with its Backup.
	NewTarget func() backup.Agent

	// Vanish removes an item from behind Source. nil = the suite only tries
	// items that never were.
	Vanish func(it backup.Item) error
	// Transport returns what an agent was last opened with, for reading and
	// for taking in. nil = not checked.
	Transport func(a backup.Agent) (read, taken backup.Transport)
	// Normal brings an item of the source or of the target into the form in
	// which the two are compared, where a kind of data does not come back as
	// it went: say, times in whole seconds or a key of the target's own.
	// nil = key, type, size, content and a file's time must be the same.
	Normal func(it backup.Item) backup.Item
	// Together says why single items do not appear: they count only with an
	// item that closes what they belong to. The checks that look for single
	// items are then skipped for that reason, and the agent has tests of its
	// own for what they look at. Empty = each item appears by itself.
	Together string
}

// single are the checks that look for single items in the target.
var single = []string{
	"restore/twice", "restore/unchecked", "restore/batches", "restore/duplicate", "restore/beside", "restore/discard", "restore/garbage", "restore/concurrent",
	"restore/kept", "restore/kept/refused", "restore/cancel",
}

// check is one thing that an agent must do.
type check struct {
	name string
	run  func(context.Context, Env) error
}

var checks = []check{
	{"info", checkInfo},
	{"items/shape", checkShape},
	{"items/unique", checkUnique},
	{"items/repeatable", checkRepeatable},
	{"items/stop", checkStop},
	{"items/cancel", checkCancel},
	{"content/size", checkSize},
	{"content/offset", checkOffset},
	{"content/vanished", checkVanished},
	{"content/changed", checkChanged},
	{"content/concurrent", checkReaders},
	{"restore/twice", checkTwice},
	{"restore/unchecked", checkUnchecked},
	{"restore/batches", checkBatches},
	{"restore/duplicate", checkDuplicate},
	{"restore/beside", checkBeside},
	{"restore/answers", checkAnswers},
	{"restore/discard", checkDiscard},
	{"restore/uncommitted", checkUncommitted},
	{"restore/kept", checkKept},
	{"restore/kept/refused", checkKeptRefused},
	{"restore/garbage", checkGarbage},
	{"restore/cancel", checkCancelled},
	{"restore/concurrent", checkWriters},
	{"flags", checkFlags},
}

// Run runs the suite. newEnv is called once for each check; what it makes may
// live until tb's cleanup.
func Run(t *testing.T, newEnv func(tb testing.TB) Env) {
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			e := newEnv(t)
			if e.Together != "" && slices.Contains(single, c.name) {
				t.Skip(e.Together)
			}
			if err := c.run(t.Context(), e); err != nil {
				t.Error(err)
			}
		})
	}
}
