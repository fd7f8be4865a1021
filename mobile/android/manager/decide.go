package manager

import (
	"fmt"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/rules"
	"github.com/ferry-move/ferry/mobile/backup"
)

// ruled is an app as package rules knows it.
func ruled(p android.Package) rules.App {
	return rules.App{
		Package: p.Name, TargetSDK: p.TargetSDK, System: p.System, Core: p.CoreUID,
		Agent: p.HasAgent, FullBackupOnly: p.FullOnly, NoBackup: p.NoBackup,
		Stopped: p.Stopped, Disabled: p.Disabled, Instant: p.Instant,
	}
}

// Decide says how an app is backed up to a transport with these flags, or why
// not: the error holds an [EventID].
func Decide(p android.Package, flags backup.Flags) (Method, error) {
	a := ruled(p)
	if ok, why := rules.Eligible(a, rules.DestinationOf(flags)); !ok {
		return NoMethod, ineligible(why)
	}
	if rules.MethodOf(a) == rules.KeyValue {
		return KeyValue, nil
	}
	return Full, nil
}

func ineligible(why rules.Reason) error {
	id := Ineligible
	switch why {
	case rules.StoppedApp:
		id = AppStopped
	case rules.CoreWithoutAgent:
		id = SystemAppNoAgent
	case rules.DeniesBackup, rules.DeniesADB, rules.DeniesFull:
		id = BackupNotAllowedHere
	}
	return fmt.Errorf("%w: %s", id, why)
}

// decide is the configured Decide, or the package's.
func (m *Manager) decide(a *App) (Method, error) {
	if m.cfg.Decide != nil {
		return m.cfg.Decide(a.Package)
	}
	return Decide(a.Package, m.transport.Flags())
}

// mayChange reports whether a change of an app's data is worth a note. The pass
// looks closer; the transport is not asked, because it belongs to that.
func (m *Manager) mayChange(a *App) bool {
	if m.cfg.Decide != nil {
		method, err := m.cfg.Decide(a.Package)
		return err == nil && method == KeyValue
	}
	return rules.MethodOf(ruled(a.Package)) == rules.KeyValue
}

// restorable tells why nothing of a set may be restored to an app.
func restorable(p android.Package, set android.RestoreSet) error {
	if ok, why := rules.EligibleRestore(ruled(p), rules.DestinationOfSet(set.Device)); !ok {
		return ineligible(why)
	}
	return nil
}
