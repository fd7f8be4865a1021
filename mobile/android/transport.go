package android

import (
	"context"
	"io"
	"math"

	"github.com/ferry-move/ferry/mobile/backup"
)

// Code is a transport's answer. It is an error, so errors.Is finds it through
// any wrapping; success is a nil error. The values are BackupTransport's.
type Code int32

// The transport's result codes.
const (
	TransportOK                           Code = 0
	NoMoreData                            Code = -1
	TransportError                        Code = -1000
	TransportNotInitialized               Code = -1001
	TransportPackageRejected              Code = -1002
	AgentError                            Code = -1003
	AgentUnknown                          Code = -1004
	TransportQuotaExceeded                Code = -1005
	TransportNonIncrementalBackupRequired Code = -1006
)

var codeText = map[Code]string{
	TransportOK:                           "the transport has it",
	NoMoreData:                            "no more data",
	TransportError:                        "the transport failed",
	TransportNotInitialized:               "the transport was not initialised",
	TransportPackageRejected:              "the transport does not take this app",
	AgentError:                            "the app's agent failed",
	AgentUnknown:                          "the app's agent is not known",
	TransportQuotaExceeded:                "more data than the transport takes of one app",
	TransportNonIncrementalBackupRequired: "the transport needs the complete data",
}

// Error implements error.
func (c Code) Error() string {
	if t, ok := codeText[c]; ok {
		return t
	}
	return "the transport gave an unknown answer"
}

// PassFlags are given to a transport with a backup.
type PassFlags uint32

// The flags of performBackup and performFullBackup.
const (
	FlagUserInitiated  PassFlags = 1
	FlagIncremental    PassFlags = 2
	FlagNonIncremental PassFlags = 4
	FlagDataNotChanged PassFlags = 8
)

// NoQuota is the quota of a transport that has none: Android's Long.MAX_VALUE.
const NoQuota int64 = math.MaxInt64

// EndPackage is the name under which a transport is told that the pings of a
// pass with nothing changed are over.
const EndPackage = "@end@"

// MetadataPackage holds the versions and signatures of all the others.
const MetadataPackage = "@pm@"

// Package is an app as the framework knows it.
type Package struct {
	Name string
	// Version is the long version code.
	Version int64
	// Signatures are the SHA-256 of the certificates that sign it now; Past
	// those that signed it before.
	Signatures, Past [][32]byte
	System           bool // of the system's image
	CoreUID          bool // its uid is below 10000
	Stopped          bool
	Disabled         bool
	Instant          bool
	TargetSDK        int
	// NoBackup is allowBackup="false".
	NoBackup bool
	// HasAgent tells that the app names an agent of its own; FullOnly is its
	// fullBackupOnly.
	HasAgent, FullOnly bool
	// RestoreAnyVersion takes data of a newer version in.
	RestoreAnyVersion bool
	// KeepOnFailedRestore is allowClearUserDataOnFailedRestore="false".
	KeepOnFailedRestore bool
}

// RestoreType says how a package's data comes back.
type RestoreType int

// The types of RestoreDescription.
const (
	RestoreNone     RestoreType = 0 // no more packages
	RestoreKeyValue RestoreType = 1
	RestoreFull     RestoreType = 2
)

// RestoreDescription names the next package of a restore and the form of its
// data. The zero value = no more packages.
type RestoreDescription struct {
	Package string
	Type    RestoreType
}

// DeviceD2D is the RestoreSet.Device of data that comes from another device of
// the same owner. Android decides by it which rules apply.
const DeviceD2D = "D2D"

// RestoreSet is one device's data at a transport.
type RestoreSet struct {
	Name   string
	Device string
	Token  int64
	Flags  backup.Flags
}

// Transport carries apps' data: BackupTransport. Its methods are called by one
// goroutine, in the order that Android keeps:
//
//	InitializeDevice → FinishBackup
//	Quota → Flags → PerformBackup → FinishBackup, the last only after success
//	PerformFullBackup → Quota → Flags → CheckFullBackupSize →
//	  SendBackupData… → FinishBackup or CancelFullBackup
//	ClearBackupData → FinishBackup
//	RestoreSets, StartRestore → NextPackage → RestoreData or
//	  NextFullChunk… (→ AbortFullRestore) → … → FinishRestore
//
// The methods that end something (FinishRestore, CancelFullBackup,
// AbortFullRestore) work with a context that has ended, too. Erasing may act at
// once.
//
// What a pass stored counts only once FinishBackup returned nil; until then, and
// whenever anything fails, what an earlier pass stored is as it was.
type Transport interface {
	// Name names the transport; DirName is its folder among the manager's
	// states, a plain file name.
	Name() string
	DirName() string
	// Flags are what agents see in getTransportFlags.
	Flags() backup.Flags
	// Quota is how many bytes one app may store. [NoQuota] = no limit.
	Quota(pkg string, full bool) int64

	// InitializeDevice erases everything kept for this device.
	InitializeDevice(ctx context.Context) error
	// ClearBackupData erases what is kept of one app.
	ClearBackupData(ctx context.Context, pkg string) error
	// PerformBackup takes an entity stream. The new data replaces keys of the
	// old, or all of it with FlagNonIncremental.
	PerformBackup(ctx context.Context, pkg Package, data io.Reader, flags PassFlags) error
	// PerformFullBackup begins a full backup whose tar stream is data. It reads
	// nothing of it yet.
	PerformFullBackup(ctx context.Context, pkg Package, data io.Reader, flags PassFlags) error
	// CheckFullBackupSize tells whether so many bytes would be taken.
	CheckFullBackupSize(ctx context.Context, size int64) error
	// SendBackupData reads exactly n more bytes of the stream.
	SendBackupData(ctx context.Context, n int) error
	// CancelFullBackup drops the full backup under way. FinishBackup does not
	// follow.
	CancelFullBackup(ctx context.Context) error
	// FinishBackup makes durable what was sent. After a SendBackupData that
	// failed it drops it and returns that failure.
	FinishBackup(ctx context.Context) error

	// RestoreSets lists what can be restored; CurrentSet is the token of this
	// device's own, 0 if there is none.
	RestoreSets(ctx context.Context) ([]RestoreSet, error)
	CurrentSet(ctx context.Context) (int64, error)
	// StartRestore begins the restore of packages, of those that the set has.
	// [MetadataPackage] comes whether it is named or not.
	StartRestore(ctx context.Context, token int64, pkgs []string) error
	// NextPackage goes to the next one; the first is [MetadataPackage].
	NextPackage(ctx context.Context) (RestoreDescription, error)
	// RestoreData writes the package's complete entity stream without delete
	// markers. Transports that store entities give them sorted by key as Java
	// sorts strings; one that passes them on may keep the agent's order.
	RestoreData(ctx context.Context, w io.Writer) error
	// NextFullChunk writes the next piece of the package's tar stream and
	// returns its length; [NoMoreData] at the end. [TransportPackageRejected]
	// drops this package only.
	NextFullChunk(ctx context.Context, w io.Writer) (int, error)
	// AbortFullRestore drops the rest of the package's stream.
	AbortFullRestore(ctx context.Context) error
	// FinishRestore ends the restore, however it went.
	FinishRestore(ctx context.Context) error
}

// EntryBackuper is the optional interface of a [Transport] that takes a full
// backup file by file instead of as a tar stream, so that it need not read
// what it does not send. BackupEntry takes the place of SendBackupData; the
// calls around it are the same, and PerformFullBackup is given no stream. The
// manager's description of the app comes first, as a file "_manifest" in no
// domain.
type EntryBackuper interface {
	BackupEntry(ctx context.Context, f SourceFile) error
}

// EntryRestorer is the optional interface of a [Transport] that gives a full
// restore file by file. NextEntry takes the place of NextFullChunk and ends
// with [NoMoreData]. The first file is the description, "_manifest" in no
// domain.
type EntryRestorer interface {
	NextEntry(ctx context.Context) (RestoredFile, error)
}
