package rules

import (
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
)

func TestDestination(t *testing.T) {
	for f, want := range map[backup.Flags]Destination{0: Cloud, 1: Cloud, 2: DeviceTransfer, 3: DeviceTransfer, 4: Cloud, 10: DeviceTransfer} {
		if got := DestinationOf(f); got != want {
			t.Errorf("flags %d: %d", f, got)
		}
	}
	for dev, want := range map[string]Destination{"D2D": DeviceTransfer, "d2d": Cloud, "": Cloud, "Pixel 9": Cloud, "D2D ": Cloud} {
		if got := DestinationOfSet(dev); got != want {
			t.Errorf("device %q: %d", dev, got)
		}
	}
	if Cloud != 0 || DeviceTransfer != 1 || ADB != 2 {
		t.Error("a destination has another number")
	}
}

// TestMethod has every cell of who decides between key/value and full.
func TestMethod(t *testing.T) {
	for _, c := range []struct {
		agent, fullOnly, deny bool
		want                  Method
	}{
		{false, false, false, FullDefault}, {false, true, false, FullDefault},
		{true, false, false, KeyValue}, {true, true, false, FullAgent},
		// allowBackup="false" makes the parser forget the agent.
		{false, false, true, FullDefault}, {false, true, true, FullDefault},
		{true, false, true, FullDefault}, {true, true, true, FullDefault},
	} {
		if got := MethodOf(App{Agent: c.agent, FullBackupOnly: c.fullOnly, NoBackup: c.deny}); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

// TestAllowBackup has every cell of allowBackup, destination, target and
// system.
func TestAllowBackup(t *testing.T) {
	for _, c := range []struct {
		d       Destination
		target  int
		system  bool
		deny    bool
		want    Reason
		because string
	}{
		{Cloud, 30, false, false, OK, ""}, {Cloud, 30, true, false, OK, ""}, {Cloud, 31, false, false, OK, ""}, {Cloud, 31, true, false, OK, ""},
		{Cloud, 30, false, true, DeniesBackup, ""}, {Cloud, 30, true, true, DeniesBackup, ""}, {Cloud, 31, false, true, DeniesBackup, ""}, {Cloud, 31, true, true, DeniesBackup, ""},
		{DeviceTransfer, 30, false, false, OK, ""}, {DeviceTransfer, 30, true, false, OK, ""}, {DeviceTransfer, 31, false, false, OK, ""}, {DeviceTransfer, 31, true, false, OK, ""},
		{DeviceTransfer, 30, false, true, DeniesBackup, "an old app is still heard"},
		{DeviceTransfer, 30, true, true, DeniesBackup, ""},
		{DeviceTransfer, 31, false, true, OK, "a new app moves nevertheless"},
		{DeviceTransfer, 36, false, true, OK, ""},
		{DeviceTransfer, 31, true, true, DeniesBackup, "the system's own apps are still heard"},
		{DeviceTransfer, 0, false, true, DeniesBackup, "unknown is old"},
		{ADB, 30, false, false, OK, ""}, {ADB, 30, false, true, DeniesBackup, ""}, {ADB, 31, false, false, NotDebuggable, ""}, {ADB, 31, false, true, NotDebuggable, ""},
		{Destination(3), 31, false, false, UnknownDestination, ""}, {Destination(-1), 31, false, false, UnknownDestination, ""},
	} {
		app := App{Package: "com.example", TargetSDK: c.target, System: c.system, NoBackup: c.deny}
		if ok, got := Eligible(app, c.d); got != c.want || ok != (c.want == OK) {
			t.Errorf("%+v: %v %v", c, ok, got)
		}
	}
}

func TestADB(t *testing.T) {
	for _, c := range []struct {
		app  App
		want Reason
	}{
		{App{Debuggable: true}, OK}, {App{Debuggable: true, NoBackup: true}, OK}, {App{}, NotDebuggable},
		{App{Package: "android", Core: true, Agent: true}, OK},
		{App{Privileged: true}, OK}, {App{Privileged: true, NoBackup: true}, DeniesBackup},
		{App{Privileged: true, NoBackup: true, ADBProperty: Yes}, OK}, {App{Privileged: true, ADBProperty: No, Debuggable: true}, DeniesADB},
		{App{Core: true, Agent: true, ADBProperty: Yes}, OK}, {App{Core: true, Agent: true, ADBProperty: No}, DeniesADB},
		{App{ADBProperty: Yes}, NotDebuggable},
	} {
		c.app.TargetSDK = 31
		if _, got := Eligible(c.app, ADB); got != c.want {
			t.Errorf("%+v: %v, want %v", c.app, got, c.want)
		}
	}
}

// TestEligible has the conditions that hold for every destination, for a backup
// and for a restore.
func TestEligible(t *testing.T) {
	for _, c := range []struct {
		app             App
		backup, restore Reason
	}{
		{App{}, OK, OK},
		{App{Stopped: true}, StoppedApp, OK},
		{App{Disabled: true}, DisabledApp, DisabledApp},
		{App{Instant: true}, InstantApp, InstantApp},
		{App{Core: true}, CoreWithoutAgent, CoreWithoutAgent},
		{App{Core: true, Agent: true}, OK, OK},
		{App{Core: true, Agent: true, Stopped: true}, StoppedApp, OK},
		{App{Package: "com.android.sharedstoragebackup", Agent: true}, SharedStorage, SharedStorage},
		{App{Stopped: true, Disabled: true}, DisabledApp, DisabledApp},
		// Its agent is forgotten with allowBackup="false", and without one it has
		// nothing to move with.
		{App{Core: true, Agent: true, NoBackup: true}, CoreWithoutAgent, CoreWithoutAgent},
	} {
		c.app.TargetSDK = 34
		for _, d := range []Destination{Cloud, DeviceTransfer} {
			if d == Cloud && c.app.NoBackup {
				continue
			}
			if ok, got := Eligible(c.app, d); got != c.backup || ok != (got == OK) {
				t.Errorf("%+v to %d: %v, want %v", c.app, d, got, c.backup)
			}
			if ok, got := EligibleRestore(c.app, d); got != c.restore || ok != (got == OK) {
				t.Errorf("%+v from %d: %v, want %v", c.app, d, got, c.restore)
			}
		}
	}
}

func TestReasonText(t *testing.T) {
	seen := map[string]bool{}
	for r := OK; r <= UnknownDestination+1; r++ {
		if s := r.String(); s == "" || seen[s] {
			t.Errorf("reason %d: %q", r, s)
		} else {
			seen[s] = true
		}
	}
}
