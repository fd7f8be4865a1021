package backup

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
)

// Reason says why an item was not moved. The numbers travel on the wire and
// are kept in receipts: they are only ever added to. A Reason is an error, so
// errors.Is(err, backup.NoSpace) works through any wrapping.
type Reason uint16

const (
	Unknown     Reason = 1  // none of the others
	Unreadable  Reason = 2  // the old phone does not let us read it
	Vanished    Reason = 3  // it was gone when its turn came
	Changed     Reason = 4  // it changed while it was being read
	NotRegular  Reason = 5  // a link, a pipe, a socket or a device
	BadName     Reason = 6  // a name that no phone may be asked to write
	NoSpace     Reason = 7  // the new phone is full
	TooLarge    Reason = 8  // larger than the target or the format can hold
	Damaged     Reason = 9  // what arrived is not what was read
	Malformed   Reason = 10 // it does not parse as what it claims to be
	Unsupported Reason = 11 // the new phone does not know this kind
	Declined    Reason = 12 // the person at the new phone left it out
	Unwritable  Reason = 13 // the new phone does not let us write it
	OverQuota   Reason = 14 // an app with more data than one app may move
	NotAllowed  Reason = 15 // the app does not let its data be moved
	OtherApp    Reason = 16 // the new phone has an app of that name by somebody else
	OlderApp    Reason = 17 // the app on the new phone is older than the data
	Incomplete  Reason = 18 // a part of an app's data did not arrive, so none of it was restored
	AppFailed   Reason = 19 // the app's own agent failed
	TooDeep     Reason = 20 // in more folders than a key can say, with all that is in it
)

var reasonText = map[Reason]string{
	Unknown: "it failed", Unreadable: "it cannot be read", Vanished: "it is no longer there",
	Changed: "it changed while it was being read", NotRegular: "it is not a regular file",
	BadName: "its name is not allowed", NoSpace: "there is no space left", TooLarge: "it is too large",
	Damaged: "what arrived differs from what was read", Malformed: "it is malformed",
	Unsupported: "this kind is not supported there", Declined: "it was declined", Unwritable: "it cannot be written",
	OverQuota: "it has more data than one app may move", NotAllowed: "its app does not let it be moved",
	OtherApp: "another app of that name is there", OlderApp: "the app there is older",
	Incomplete: "a part of it did not arrive", AppFailed: "its app failed",
	TooDeep: "it is in too many folders",
}

// Error returns a short English phrase; package ui/say has the sentences for
// people.
func (r Reason) Error() string {
	if s, ok := reasonText[r]; ok {
		return s
	}
	return fmt.Sprintf("reason %d", uint16(r))
}

// Error is an item's failure. It does not print the key: logs hold no names of
// people's things.
type Error struct {
	// Op is what was tried: "open", "stage", "rename".
	Op     string
	Kind   Kind
	Reason Reason
	// Err is the cause, or nil.
	Err error
}

// Error implements error.
func (e *Error) Error() string {
	s := e.Op + " " + string(e.Kind) + ": " + e.Reason.Error()
	var pe *fs.PathError
	var no syscall.Errno
	switch {
	case errors.As(e.Err, &no):
		s += ": " + no.Error()
	case errors.As(e.Err, &pe): // the path stays out
		s += ": " + pe.Err.Error()
	case e.Err != nil:
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives both the reason and the cause to errors.Is.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Reason}
	}
	return []error{e.Reason, e.Err}
}

// Fail makes an item's error.
func Fail(op string, kind Kind, reason Reason, cause error) error {
	return &Error{Op: op, Kind: kind, Reason: reason, Err: cause}
}

// ReasonOf finds the reason in err: one that was set, or the one that fits an
// operating system's error.
func ReasonOf(err error) Reason {
	var r Reason
	switch {
	case err == nil:
		return 0
	case errors.As(err, &r):
		return r
	case errors.Is(err, fs.ErrNotExist):
		return Vanished
	case errors.Is(err, fs.ErrPermission):
		return Unreadable
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return NoSpace
	case errors.Is(err, syscall.EFBIG):
		return TooLarge
	}
	return Unknown
}

var reasonNames = map[Reason]string{
	Unknown: "unknown", Unreadable: "unreadable", Vanished: "vanished", Changed: "changed", NotRegular: "not_regular",
	BadName: "bad_name", NoSpace: "no_space", TooLarge: "too_large", Damaged: "damaged", Malformed: "malformed",
	Unsupported: "unsupported", Declined: "declined", Unwritable: "unwritable",
	OverQuota: "over_quota", NotAllowed: "not_allowed", OtherApp: "other_app", OlderApp: "older_app", Incomplete: "incomplete", AppFailed: "app_failed",
	TooDeep: "too_deep",
}

// Name returns the word that JSON uses. It never changes.
func (r Reason) Name() string {
	if s, ok := reasonNames[r]; ok {
		return s
	}
	return fmt.Sprintf("reason_%d", uint16(r))
}
