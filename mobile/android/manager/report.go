package manager

import (
	"context"
	"errors"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/backup"
)

// Result is what a backup came to. The values are BackupManager's.
type Result int32

// The results of a backup (AOSP BackupManager.java).
const (
	Success              Result = 0
	TransportUnavailable Result = -1
	TransportInvalid     Result = -2
	TransportAborted     Result = -1000
	PackageRejected      Result = -1002
	AgentFailure         Result = -1003
	QuotaExceeded        Result = -1005
	BackupNotAllowed     Result = -2001
	PackageNotFound      Result = -2002
	BackupCancelled      Result = -2003
)

var resultText = map[Result]string{
	Success:              "done",
	TransportUnavailable: "no transport",
	TransportInvalid:     "not a transport",
	TransportAborted:     "the transport gave up",
	PackageRejected:      "the transport does not take this app",
	AgentFailure:         "the app's agent failed",
	QuotaExceeded:        "more data than the transport takes of one app",
	BackupNotAllowed:     "this app is not backed up",
	PackageNotFound:      "no such app",
	BackupCancelled:      "cancelled",
}

// String returns a short phrase.
func (r Result) String() string {
	if t, ok := resultText[r]; ok {
		return t
	}
	return "an unknown result"
}

// Method is how an app's data moves.
type Method uint8

// The methods.
const (
	// NoMethod: not at all.
	NoMethod Method = 0
	// KeyValue: entities, through the app's agent.
	KeyValue Method = 1
	// Full: files, through the app's agent or the default one.
	Full Method = 2
)

// Report tells what a backup did.
type Report struct {
	// Result is what BackupObserver.backupFinished is told: Success also where
	// single apps failed.
	Result Result
	// Packages has each app once, in the order in which it was done.
	// [android.MetadataPackage] is among them.
	Packages []PackageReport
	// Pinged are the apps of which the transport was told that nothing changed.
	Pinged []string
}

// Package returns the report on one app.
func (r *Report) Package(name string) (PackageReport, bool) {
	for _, p := range r.Packages {
		if p.Package == name {
			return p, true
		}
	}
	return PackageReport{}, false
}

// PackageReport tells what became of one app.
type PackageReport struct {
	Package string
	Method  Method
	Result  Result
	// Err says why not, and holds an [EventID] where Android reports an event.
	// With Success it is nil, or tells that RestoreToken will not know the app.
	Err error
	// Bytes were given to the transport.
	Bytes int64
	// Quota is in bytes; 0 if the transport was not asked.
	Quota int64
	// Requeued tells that the next pass takes the app again by itself.
	Requeued bool
	// Files counts files and folders in a full backup.
	Files int64
	Notes Notes
}

// Notes are about single files. They do not change an app's result.
type Notes struct {
	// List has the first [backup.MaxFailures] of them, Count counts all.
	List  []Note
	Count int64
}

// Note is about one file.
type Note struct {
	// Domain and Path name it as [android.FileInfo] does.
	Domain, Path string
	// Reason is backup.Changed for a file that shrank or grew while it was
	// read: it has the promised size, filled with zeros or cut.
	Reason backup.Reason
}

func (n *Notes) add(domain, path string, why backup.Reason) {
	n.Count++
	if len(n.List) < backup.MaxFailures {
		n.List = append(n.List, Note{domain, path, why})
	}
}

// RestoreReport tells what a restore did.
type RestoreReport struct {
	// Packages has each app that was asked for, and each that the transport
	// offered, once.
	Packages []RestoredPackage
}

// Package returns the report on one app.
func (r *RestoreReport) Package(name string) (RestoredPackage, bool) {
	for _, p := range r.Packages {
		if p.Package == name {
			return p, true
		}
	}
	return RestoredPackage{}, false
}

// RestoredPackage tells what became of one app in a restore.
type RestoredPackage struct {
	Package string
	Type    android.RestoreType
	// Restored tells that the app has all its data.
	Restored bool
	// Err says why not. It holds an [EventID] where Android reports an event.
	Err error
	// Touched tells that the app's own data was changed before it failed.
	Touched bool
	// Cleared tells that it was removed then.
	Cleared bool
	// Files counts files and folders that the agent took.
	Files int64
	// Bytes came from the transport.
	Bytes int64
	// Dropped counts files that are never restored, such as caches, and those
	// that the app's rules leave out.
	Dropped int64
	// Widgets is the state of the app's widgets, or empty.
	Widgets []byte
	Notes   Notes
}

var (
	// ErrDisabled says that backup is turned off.
	ErrDisabled = errors.New("backup is turned off")
	// ErrClosed says that the manager was closed.
	ErrClosed = errors.New("the backup manager is closed")
	// ErrTimeout says that an agent took longer than Android allows.
	ErrTimeout = errors.New("the app's agent took too long")
	// ErrStuck says that an agent has not returned from an earlier call.
	ErrStuck = errors.New("the app's agent is still busy with an earlier call")
	// ErrAborted says that the pass ended before this app's turn.
	ErrAborted = errors.New("the pass ended before this app's turn")
	// ErrNoSet says that the transport has no set with this token.
	ErrNoSet = errors.New("the transport has no such set")
	// ErrUnlisted says that the set's list of apps does not have an app.
	ErrUnlisted = errors.New("the set's list of apps does not have this one")
	// ErrCut says that an earlier restore of an app was cut, and the app could
	// not be cleared yet.
	ErrCut = errors.New("the app is half restored and could not be cleared yet")
	// ErrNoData says that the set has nothing of an app.
	ErrNoData = errors.New("the set has nothing of this app")
	// ErrMisled says that a transport does not keep to its contract.
	ErrMisled = errors.New("the transport does not keep to its contract")
	// ErrName says that something is no package name.
	ErrName = errors.New("not a package name")
)

// PanicError is an agent's panic.
type PanicError struct {
	// Value is what it panicked with. Error does not print it.
	Value any
}

// Error implements error.
func (*PanicError) Error() string { return "the app's agent broke down" }

// code finds a transport's answer in err: the Code if there is one.
func code(err error) android.Code {
	if err == nil {
		return android.TransportOK
	}
	if c, ok := errors.AsType[android.Code](err); ok && c != android.TransportOK {
		return c
	}
	return android.TransportError
}

// resultOf translates a transport's error as BackupObserver is told it. fatal
// tells that the pass cannot go on with other apps.
func resultOf(ctx context.Context, err error) (r Result, fatal bool) {
	if err == nil {
		return Success, false
	}
	if ctx.Err() != nil {
		return BackupCancelled, true
	}
	switch code(err) {
	case android.TransportPackageRejected:
		return PackageRejected, false
	case android.TransportQuotaExceeded:
		return QuotaExceeded, false
	case android.AgentError, android.AgentUnknown:
		return AgentFailure, false
	default:
		return TransportAborted, true
	}
}
