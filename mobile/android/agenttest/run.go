package agenttest

import (
	"context"
	"errors"
	"testing"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/backup"
)

// Env is what the suite works on. Each check gets a new one.
type Env struct {
	// Source has data, a few megabytes at most, of which nothing changes
	// unless Change is called.
	Source android.Agent
	// NewTarget makes an agent of the same kind with no data.
	NewTarget func() android.Agent
	// Full tells that the agents take part in full backup; they implement
	// FullBackuper and FileRestorer then. Otherwise they have key/value data.
	Full bool
	// Read returns an agent's data: a name for each piece, and in its value
	// whatever of it has to come back. With Full a folder's value begins with
	// "dir", and no other does.
	Read func(a android.Agent) (map[string]string, error)
	// Change changes what Source has, so that something is new, something
	// differs, and something is gone. Called again it changes something again.
	// nil = it cannot be changed.
	Change func() error
	// Names are names that Source has to have used, each within a name of Read.
	// See [Names].
	Names []string
	// Root returns the folder that an agent may write into. Everything else
	// in the folder around it has to stay as it is, and nobody else writes
	// there. nil = the agent writes no files.
	Root func(a android.Agent) string
	// Seen returns the transport's flags and quota as Source last saw them.
	// nil = not checked.
	Seen func() (backup.Flags, int64)
}

// check is one thing that an agent must do.
type check struct {
	name string
	run  func(context.Context, Env) error
}

var keyValueChecks = []check{
	{"data", checkData},
	{"backup/repeatable", checkSame},
	{"backup/nothing", checkNothing},
	{"backup/unchanged", checkUnchanged},
	{"backup/delta", checkDelta},
	{"backup/state", checkState},
	{"backup/errors", checkBackupErrors},
	{"backup/cancel", checkBackupCancel},
	{"backup/flags", checkFlags},
	{"restore/equal", checkEqual},
	{"restore/over", checkOver},
	{"restore/errors", checkRestoreErrors},
	{"restore/cancel", checkRestoreCancel},
	{"restore/cut", checkCut},
	{"restore/hostile", checkHostile},
	{"restore/links", checkLinks},
	{"clear", checkClear},
}

var fullChecks = []check{
	{"data", checkData},
	{"keyvalue", checkNoEntities},
	{"backup/shape", checkShape},
	{"backup/measure", checkMeasure},
	{"backup/content", checkContent},
	{"backup/changed", checkChanged},
	{"backup/errors", checkFullErrors},
	{"backup/cancel", checkFullCancel},
	{"backup/flags", checkFlags},
	{"restore/equal", checkFullEqual},
	{"restore/over", checkFullOver},
	{"restore/take", checkTake},
	{"restore/errors", checkFileErrors},
	{"restore/cancel", checkFileCancel},
	{"restore/hostile", checkHostileFiles},
	{"restore/links", checkFileLinks},
	{"clear", checkFullClear},
}

// Run runs the suite. newEnv is called once for each check; what it makes may
// live until tb's cleanup.
func Run(t *testing.T, newEnv func(tb testing.TB) Env) {
	checks := keyValueChecks
	if newEnv(t).Full {
		checks = fullChecks
	}
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			err := c.run(t.Context(), newEnv(t))
			if errors.Is(err, errNotChecked) {
				t.Skip(err)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// errNotChecked says that an Env does not offer what a check needs.
var errNotChecked = errors.New("the environment has nothing for this check")
