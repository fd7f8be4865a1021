package pairing

import (
	"errors"
	"fmt"
)

// The kinds of failure. Test for them with errors.Is; [*WrongCodeError] and
// [*VersionError] are found with errors.As. None holds any part of a secret.
var (
	// ErrBadCode means that a text is no code at all. No try was made.
	ErrBadCode = errors.New("a pairing code has 7 digits")
	// ErrBadLink means that a text is no link at all, or that a link cannot be
	// written. No try was made.
	ErrBadLink = errors.New("not a valid pairing link")
	// ErrCodeChanged means that the code or the QR code is no longer the one
	// on the new phone's screen. No try was counted.
	ErrCodeChanged = errors.New("the new phone shows another code by now")
	// ErrTooManyTries means that the desk has stopped after MaxWrongTries
	// wrong tries. A person must start pairing again on the new phone.
	ErrTooManyTries = errors.New("pairing has stopped after too many wrong codes")
	// ErrWrongDevice means that the link is to another device than the one
	// meant. Nothing was sent.
	ErrWrongDevice = errors.New("this is not the device that was meant")
	// ErrUnproven means that the device that should show the code does not
	// know it. It is not the new phone.
	ErrUnproven = errors.New("the other device did not prove that it knows the code")
	// ErrProtocol means that a message was malformed, too long or out of turn.
	ErrProtocol = errors.New("a message broke the pairing protocol")
	// ErrRefused means that the other device does not pair at present.
	ErrRefused = errors.New("the other device refused to pair")
	// ErrClosed means that the desk was closed.
	ErrClosed = errors.New("pairing is closed")
)

// WrongCodeError means that the code or the link's secret was wrong and that
// the try was counted.
type WrongCodeError struct {
	// TriesLeft is how many more tries the same code has. 0 = the new phone
	// shows a new code.
	TriesLeft int
}

// Error implements error.
func (e *WrongCodeError) Error() string {
	if e.TriesLeft == 0 {
		return "wrong pairing code, the new phone shows a new one"
	}
	return fmt.Sprintf("wrong pairing code, tries left: %d", e.TriesLeft)
}

// VersionError means that the devices do not speak the same pairing protocol.
type VersionError struct {
	// Theirs is the other device's protocol number; ours is [Protocol].
	Theirs Version
}

// Error implements error.
func (e *VersionError) Error() string {
	return fmt.Sprintf("pairing protocol %d there, %d here", e.Theirs, Protocol)
}

// Error is how a pairing ended without success.
type Error struct {
	// Op is "initiate" or "respond".
	Op string
	// Remote tells that the other device ended the pairing and said so.
	Remote bool
	// Err is the kind and the cause.
	Err error
}

// Error implements error.
func (e *Error) Error() string {
	if e.Remote {
		return "pairing: " + e.Op + ": the other device ended it: " + e.Err.Error()
	}
	return "pairing: " + e.Op + ": " + e.Err.Error()
}

// Unwrap gives the cause to errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Err }
