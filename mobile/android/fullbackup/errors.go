package fullbackup

import (
	"errors"
	"fmt"
)

var (
	// ErrTooLong says that more was written than the header promised. What the
	// header promised has been written.
	ErrTooLong = errors.New("more content than its header says")
	// ErrTooShort says that an entry was left before its content was whole.
	ErrTooShort = errors.New("less content than its header says")
	// ErrEntries says that an archive has more entries than [Limits] allow.
	ErrEntries = errors.New("too many entries")
	// ErrEnded says that something was written after [Writer.End] or
	// [ChunkWriter.Close].
	ErrEnded = errors.New("written after the end")
	// ErrInvalid says that a value cannot be written, because it would not be
	// read back as the same value.
	ErrInvalid = errors.New("cannot be written in this format")
)

// Part names what a [DamageError] was found in.
type Part string

const (
	PartArchive  Part = "archive"
	PartManifest Part = "manifest"
	PartMeta     Part = "widget data"
	PartChunks   Part = "agent stream"
)

// DamageError says where the bytes stop making sense. It is final: what it was
// found in cannot be read any further.
type DamageError struct {
	Part Part
	// Offset counts bytes from the beginning of the part.
	Offset int64
	// Entry is the number of the entry it happened in, from 1; 0 = in none.
	// Only archives have entries.
	Entry int64
	// What is a short phrase. It holds nothing of the input.
	What string
	// Err is the cause, or nil. It is io.ErrUnexpectedEOF where bytes are
	// missing at the end.
	Err error
}

// Error implements error.
func (e *DamageError) Error() string {
	if e.Entry > 0 {
		return fmt.Sprintf("%s damaged at offset %d, entry %d: %s", e.Part, e.Offset, e.Entry, e.What)
	}
	return fmt.Sprintf("%s damaged at offset %d: %s", e.Part, e.Offset, e.What)
}

// Unwrap returns the cause.
func (e *DamageError) Unwrap() error { return e.Err }

// EntryError says why one entry was not given out, or what was found between
// two entries. [Reader.Next] can be called again and goes on behind it.
type EntryError struct {
	// Offset is where the entry, or what was found, begins in the archive.
	Offset int64
	// Entry is the entry's number, from 1; the last one where something was
	// found between two entries or behind them.
	Entry  int64
	Reason Reason
	// Name is the full name as far as it was read. It may hold any byte, and
	// [EntryError.Error] does not print it: logs hold no names of files.
	Name string
}

// Error implements error.
func (e *EntryError) Error() string {
	return fmt.Sprintf("archive offset %d, entry %d: %s", e.Offset, e.Entry, e.Reason.Error())
}

// Unwrap gives the reason to errors.Is.
func (e *EntryError) Unwrap() error { return e.Reason }

// Reason says why an entry is not given out. It is an error, so that
// errors.Is(err, fullbackup.Link) works.
type Reason uint8

const (
	Parent      Reason = 1  // a directory above the files of a domain: nothing is lost
	Link        Reason = 2  // a symbolic or hard link
	Device      Reason = 3  // a device or a pipe
	Sparse      Reason = 4  // a sparse file of some other tar
	UnknownType Reason = 5  // a type Android never writes
	Global      Reason = 6  // a global extended header: nothing is lost
	BadName     Reason = 7  // "..", "//", an absolute name, a NUL
	LongName    Reason = 8  // longer than MaxPath
	Outside     Reason = 9  // neither below apps/ nor below shared/
	NoDomain    Reason = 10 // no domain, and neither _manifest nor _meta
	BadPackage  Reason = 11 // what stands in the package's place is not one
	TooLarge    Reason = 12 // a _manifest or _meta over MaxMetadata
	BadExtended Reason = 13 // its extended header is malformed
	BinarySize  Reason = 14 // its size is written in binary, which Android refuses

	Checksum    Reason = 32 // Strict only: the header's checksum is wrong
	BadNumber   Reason = 33 // Strict only: mode or time is no octal number
	DirtyPad    Reason = 34 // Strict only: what fills the last block is not zeros
	ShortEnd    Reason = 35 // Strict and End only: one zero block instead of two
	BehindEnd   Reason = 36 // something other than zeros follows the end
	EndlessZero Reason = 37 // more zeros follow the end than any tar writes
)

var reasonText = map[Reason]string{
	Parent: "a parent directory, which Android does not store", Link: "a link", Device: "a device or a pipe",
	Sparse: "a sparse file of another tar", UnknownType: "of a type Android never writes",
	Global: "a header for the whole archive", BadName: "its name is not allowed", LongName: "its name is too long",
	Outside: "neither an app's nor shared storage", NoDomain: "its name has no domain", BadPackage: "its package name is not allowed",
	TooLarge: "too large for what describes an app", BadExtended: "its extended header is malformed",
	BinarySize: "its size is written in binary", Checksum: "its header's checksum is wrong",
	BadNumber: "its mode or time is not a number", DirtyPad: "the fill after its content is not zeros",
	ShortEnd: "the end mark is cut short", BehindEnd: "data follows the end", EndlessZero: "too many zeros follow the end",
}

// Error returns a short phrase.
func (r Reason) Error() string {
	if s, ok := reasonText[r]; ok {
		return s
	}
	return fmt.Sprintf("reason %d", uint8(r))
}
