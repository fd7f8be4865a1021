package manager

import (
	"time"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/pm"
)

// Config says what a [Manager] works with. Dir and Transport are needed.
type Config struct {
	// Dir is the folder for states. It is made if it is missing, and belongs
	// to one manager at a time.
	Dir       string
	Transport android.Transport
	// Device describes the system for the list of apps.
	Device pm.Global
	// Home is the chosen home screen, nil if there is none.
	Home     *pm.Home
	Timeouts Timeouts
	// Decide says whether and how an app is backed up. It is safe for use by
	// several goroutines. nil = [Decide] with the transport's flags.
	Decide func(android.Package) (Method, error)
	// Accept filters restored files by the app's rules. nil = all are taken.
	Accept func(set android.RestoreSet, pkg string, f android.FileInfo) bool
	// Monitor hears every event, and Progress at most ten times a second how
	// far an app is. Both are called by the goroutine that runs the pass, and
	// may not start another one or wait for it; nil = nobody listens.
	Monitor  func(Event)
	Progress func(Progress)
	// Now is the clock for Progress. nil = time.Now.
	Now func() time.Time
}

// Timeouts are how long an agent may take. A field that is 0 has Android's
// value (AOSP BackupAgentTimeoutParameters.java).
//
// The time of a full backup and of a restored file is time without a sign of
// the agent: it begins anew with each piece that passes, and what the transport
// takes does not count. Android counts the whole, which a slow network would
// make the app's fault.
type Timeouts struct {
	// Bind is for making an agent, Create and Destroy. 10 s.
	Bind time.Duration
	// KeyValue is for Backup. 30 s.
	KeyValue time.Duration
	// Full is for FullBackup, measuring and writing each. 5 min.
	Full time.Duration
	// Restore is for Restore, for each RestoreFile, and for Clear. 60 s.
	Restore time.Duration
	// RestoreSystem is Restore for apps of the system. 3 min.
	RestoreSystem time.Duration
	// RestoreFinished is 30 s.
	RestoreFinished time.Duration
	// QuotaExceeded is 3 s.
	QuotaExceeded time.Duration
	// Grace is how long an agent may take to return once its context has ended.
	// 5 s; Android kills the process instead.
	Grace time.Duration
}

func (t Timeouts) whole() Timeouts {
	for _, d := range []struct {
		v     *time.Duration
		usual time.Duration
	}{
		{&t.Bind, 10 * time.Second},
		{&t.KeyValue, 30 * time.Second},
		{&t.Full, 5 * time.Minute},
		{&t.Restore, time.Minute},
		{&t.RestoreSystem, 3 * time.Minute},
		{&t.RestoreFinished, 30 * time.Second},
		{&t.QuotaExceeded, 3 * time.Second},
		{&t.Grace, 5 * time.Second},
	} {
		if *d.v <= 0 {
			*d.v = d.usual
		}
	}
	return t
}

func (t Timeouts) restore(p android.Package) time.Duration {
	if p.System {
		return t.RestoreSystem
	}
	return t.Restore
}

// App is an installed app with its agents. Immutable once registered.
type App struct {
	android.Package
	// Agent makes the app's own agent. It is called for each pass or restore,
	// as Android starts a process for each. nil if the app has none.
	Agent func() android.Agent
	// Default makes the system's agent that moves the app's files. nil if
	// there is none.
	Default func() android.Agent
	// Certificates are the signing certificates in DER, for the description in
	// a full backup. Empty = the description has Package.Signatures instead,
	// which this package reads and Android does not.
	Certificates [][]byte
	// Installer is the package that installed the app, or empty.
	Installer string
	// Widgets is the state of the app's widgets for a full backup, or empty.
	Widgets []byte
	// ExcludedKeys are not restored (BackupManager.excludeKeysFromRestore).
	ExcludedKeys []string
}

// agent returns what makes the agent for a method. An app that says
// allowBackup="false" has none of its own in Android's eyes.
func (a *App) agent(m Method) func() android.Agent {
	own := a.Agent != nil && a.HasAgent && !a.NoBackup
	switch {
	case own && (m == KeyValue || a.FullOnly):
		return a.Agent
	case m == Full:
		return a.Default
	default:
		return nil
	}
}
