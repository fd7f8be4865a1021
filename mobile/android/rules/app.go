package rules

import "github.com/ferry-move/ferry/mobile/backup"

// Destination is where a backup goes. The numbers are Android's.
type Destination int

const (
	Cloud          Destination = 0
	DeviceTransfer Destination = 1
	ADB            Destination = 2 // a local backup by cable
)

// DestinationOf tells the destination from a transport's flags.
func DestinationOf(f backup.Flags) Destination {
	if f.Has(backup.FlagDeviceToDeviceTransfer) {
		return DeviceTransfer
	}
	return Cloud
}

// TransferDevice is what a restore set calls its device if it came over a
// device-to-device transfer.
const TransferDevice = "D2D"

// DestinationOfSet tells the destination that a restore set was made for from
// the device it names.
func DestinationOfSet(device string) Destination {
	if device == TransferDevice {
		return DeviceTransfer
	}
	return Cloud
}

// sdk31 is Android 12, from which on an app that is built for it cannot opt out
// of device transfers as a whole.
const sdk31 = 31

// Packages that have rules of their own.
const (
	platform     = "android"
	sharedAgents = "com.android.sharedstoragebackup"
)

// Setting is a property that an app may leave unset.
type Setting uint8

const (
	Unset Setting = iota
	Yes
	No
)

// App is what the decision needs of an app. The zero value is an ordinary app
// whose manifest says nothing about backups.
type App struct {
	Package string
	// TargetSDK is the API level that the app is built for. 0 = unknown, and
	// taken for an old one: its opt-outs count.
	TargetSDK int

	System     bool // on the system partition
	Privileged bool // and with privileged permissions
	Core       bool // runs under a user id below 10000
	SystemUID  bool // runs under the system's own user id, 1000

	Agent          bool // android:backupAgent names a class
	FullBackupOnly bool // android:fullBackupOnly="true"
	NoBackup       bool // android:allowBackup="false"
	NoFullBackup   bool // android:fullBackupContent="false"
	// Content is the document of android:fullBackupContent. Nil = none.
	Content *Content
	// Extraction is the document of android:dataExtractionRules. Nil = none.
	Extraction *Extraction

	Stopped    bool // not started since it was installed or force-stopped
	Disabled   bool
	Instant    bool // runs without being installed
	Debuggable bool
	// ADBProperty is the property android.backup.ALLOW_ADB_BACKUP. It matters
	// for core and privileged apps only.
	ADBProperty Setting
}

// recorded returns the app as Android's parser sees it: after
// allowBackup="false" it does not look at the other old attributes, so that an
// app which moves nevertheless does so through the default agent.
func (a App) recorded() App {
	if a.NoBackup {
		a.Agent, a.FullBackupOnly, a.NoFullBackup, a.Content = false, false, false, nil
	}
	return a
}

// Method is how an app is backed up.
type Method uint8

const (
	// FullDefault: its files, through the framework's own agent.
	FullDefault Method = iota + 1
	// FullAgent: its files, through the agent it declares.
	FullAgent
	// KeyValue: records, through the agent it declares, and no files.
	KeyValue
)

// MethodOf says how an app that is eligible is backed up.
func MethodOf(a App) Method {
	switch a = a.recorded(); {
	case !a.Agent:
		return FullDefault
	case a.FullBackupOnly:
		return FullAgent
	}
	return KeyValue
}

// Reason says why an app or its files do not move. 0 = they do.
type Reason uint8

const (
	OK                 Reason = iota
	DeniesBackup              // allowBackup="false"
	NotDebuggable             // a local backup takes only apps under development
	DeniesADB                 // the property forbids a local backup
	CoreWithoutAgent          // part of the system, and without an agent
	SharedStorage             // the agent of shared storage is not an app to back up
	InstantApp                // runs without being installed
	DisabledApp               // switched off
	StoppedApp                // not started since installed or force-stopped
	DeniesFull                // fullBackupContent="false"
	NeedsEncryption           // the rules ask for an encrypted destination
	UnusableRules             // the rules cannot be read
	UnknownDestination        // neither cloud nor transfer nor cable
)

var reasonText = [...]string{
	OK: "moves", DeniesBackup: "the app does not allow backups", NotDebuggable: "a local backup takes only apps under development",
	DeniesADB: "the app does not allow local backups", CoreWithoutAgent: "the app is part of the system and has nothing to back up with",
	SharedStorage: "shared storage moves by itself", InstantApp: "the app is not installed", DisabledApp: "the app is switched off",
	StoppedApp: "the app has not been started", DeniesFull: "the app does not allow backups of its files",
	NeedsEncryption: "the app asks for an encrypted destination", UnusableRules: "the app's backup rules cannot be read",
	UnknownDestination: "the destination is unknown",
}

// String returns a short phrase.
func (r Reason) String() string {
	if int(r) < len(reasonText) {
		return reasonText[r]
	}
	return "it does not move"
}

// Eligible decides whether an app is backed up.
func Eligible(a App, d Destination) (bool, Reason) {
	if a.Stopped {
		if ok, r := EligibleRestore(a, d); !ok {
			return false, r
		}
		return false, StoppedApp
	}
	return EligibleRestore(a, d)
}

// EligibleRestore decides whether data is restored to an app. That it has not
// been started yet is no obstacle: it may just have been installed.
func EligibleRestore(a App, d Destination) (bool, Reason) {
	if r := allowed(a, d); r != OK {
		return false, r
	}
	switch a = a.recorded(); {
	case a.Core && !a.Agent:
		return false, CoreWithoutAgent
	case a.Package == sharedAgents:
		return false, SharedStorage
	case a.Instant:
		return false, InstantApp
	case a.Disabled:
		return false, DisabledApp
	}
	return true, OK
}

// allowed decides by the app's own word.
func allowed(a App, d Destination) Reason {
	switch d {
	case Cloud:
	case DeviceTransfer:
		if a.TargetSDK >= sdk31 && !a.System {
			return OK
		}
	case ADB:
		if a.TargetSDK >= sdk31 {
			return allowedADB(a)
		}
	default:
		return UnknownDestination
	}
	if a.NoBackup {
		return DeniesBackup
	}
	return OK
}

func allowedADB(a App) Reason {
	switch {
	case a.Package == platform:
		return OK
	case a.Core || a.Privileged:
		switch {
		case a.ADBProperty == No:
			return DeniesADB
		case a.ADBProperty == Unset && a.NoBackup:
			return DeniesBackup
		}
		return OK
	case !a.Debuggable:
		return NotDebuggable
	}
	return OK
}
