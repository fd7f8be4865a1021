package archive

import (
	"errors"
	"fmt"

	"github.com/ferry-move/ferry/mobile/android/ab"
	"github.com/ferry-move/ferry/mobile/android/fullbackup"
)

// Severity says how bad a [Finding] is.
type Severity uint8

const (
	// Note: worth knowing; nothing is lost.
	Note Severity = 1
	// Refused: Android, or this package, does not take it.
	Refused Severity = 2
	// Damage: the bytes are not what they were.
	Damage Severity = 3
)

// String returns "note", "refused" or "damage".
func (s Severity) String() string {
	switch s {
	case Note:
		return "note"
	case Refused:
		return "refused"
	case Damage:
		return "damage"
	}
	return fmt.Sprintf("severity %d", uint8(s))
}

// Kind says what a [Finding] is about. The texts are stable.
type Kind string

const (
	KindEntry      Kind = "entry"       // an entry that is not given out; Err is a fullbackup.Reason
	KindDamage     Kind = "damage"      // reading ended here; Err is a *DamageError
	KindEnd        Kind = "end"         // how the file ends
	KindManifest   Kind = "manifest"    // a manifest that cannot be read, or that Android does not take
	KindNoManifest Kind = "no-manifest" // an app's files without, or before, its manifest
	KindDuplicate  Kind = "duplicate"   // an app, a manifest or a file that comes again
	KindWidgets    Kind = "widgets"     // a _meta that cannot be read
	KindKeyValue   Kind = "key-value"   // key/value data that cannot be read
	KindDropped    Kind = "dropped"     // what Android leaves out when it restores
	KindRepacked   Kind = "repacked"    // made by another tar
	KindHeader     Kind = "header"      // a header that Android would have written differently
	KindExists     Kind = "exists"      // something else is there already
	KindHost       Kind = "host"        // a name or a file that this computer does not take
	KindIndex      Kind = "index"       // an index that cannot be used, or was not written
	KindChanged    Kind = "changed"     // a file that changed while it was read
	KindLeftOut    Kind = "left-out"    // something in a folder that no archive holds
)

// Finding is one thing that was noticed. Findings end nothing.
type Finding struct {
	Kind     Kind
	Severity Severity
	// Offset is where in the tar it was found, in bytes; -1 = not in a tar.
	Offset int64
	// File is the same place in the file. Of a deflated archive it is as far as
	// the file had been read; -1 = not in a file.
	File int64
	// Package is the app; "" = shared storage, or none.
	Package string
	// Name is the entry's or file's name, "" where there is none. It may hold
	// any byte, and What does not repeat it: logs hold no names.
	Name string
	// What is a plain phrase.
	What string
	// Err is the cause, or nil.
	Err error
}

// DamageError says where reading had to stop.
type DamageError struct {
	// File counts bytes of the file. Of a deflated archive it is as far as the
	// file had been read, which may be 64 KiB of tar too far.
	File int64
	// Offset counts bytes of the tar; -1 = before it began.
	Offset int64
	// Err is the damage as the format below found it. errors.Is knows it as
	// io.ErrUnexpectedEOF where the archive's own tar is cut.
	Err error
}

// Error implements error.
func (e *DamageError) Error() string {
	if e.Offset < 0 {
		return fmt.Sprintf("archive damaged at byte %d: %s", e.File, e.What())
	}
	return fmt.Sprintf("archive damaged at byte %d (byte %d unpacked): %s", e.File, e.Offset, e.What())
}

// What says in a short phrase what is wrong, without the place.
func (e *DamageError) What() string {
	if d, ok := errors.AsType[*ab.DamageError](e.Err); ok {
		return d.What
	}
	if d, ok := errors.AsType[*fullbackup.DamageError](e.Err); ok {
		return d.What
	}
	return "it makes no sense"
}

// Unwrap returns the damage as it was found.
func (e *DamageError) Unwrap() error { return e.Err }

// severityOf grades what the tar reader refuses.
func severityOf(r fullbackup.Reason) Severity {
	switch r {
	case fullbackup.Checksum, fullbackup.BadNumber, fullbackup.DirtyPad, fullbackup.ShortEnd,
		fullbackup.BehindEnd, fullbackup.EndlessZero, fullbackup.BadExtended:
		return Damage
	}
	return Refused
}
