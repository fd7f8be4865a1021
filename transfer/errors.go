package transfer

import (
	"context"
	"errors"
	"fmt"

	"github.com/ferry-move/ferry/transfer/wire"
)

// ErrLinkLost means that nothing came from the other device for DeadAfter, or
// that the connection broke. What arrived is safe; a new run goes on from it.
var ErrLinkLost = errors.New("the link to the other device is lost")

// ErrProtocol means that the other device did something that the protocol does
// not allow.
var ErrProtocol = errors.New("the other device broke the protocol")

// StopError means that a session ended early and why.
type StopError struct {
	Kind wire.StopKind
	// Remote tells that the other side ended it.
	Remote bool
	// Missing is how many bytes of space the new phone lacks, at least, where that
	// is why and it has said so.
	Missing int64
}

var stopText = map[wire.StopKind]string{
	wire.StopCancelled: "cancelled", wire.StopRefused: "refused", wire.StopBusy: "busy with another session",
	wire.StopVersion: "no common protocol version", wire.StopFlags: "the offer is not device to device",
	wire.StopProtocol: "protocol error", wire.StopNoSpace: "not enough space", wire.StopDisagree: "the two accounts differ",
	wire.StopInternal: "internal error", wire.StopTimeout: "nobody answered in time",
	wire.StopUnpaired: "the code is to be proved again",
}

// Error implements error.
func (e *StopError) Error() string {
	side := "this device"
	if e.Remote {
		side = "the other device"
	}
	text, ok := stopText[e.Kind]
	if !ok {
		text = fmt.Sprintf("reason %d", e.Kind)
	}
	return "stopped by " + side + ": " + text
}

func stop(kind wire.StopKind) error { return &StopError{Kind: kind} }

func protocolError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrProtocol, fmt.Sprintf(format, args...))
}

// stopKind says what to tell the other side about err. StopNone = nothing.
func stopKind(err error) wire.StopKind {
	var se *StopError
	switch {
	case err == nil, errors.As(err, &se) && se.Remote, errors.Is(err, ErrLinkLost):
		return wire.StopNone
	case errors.As(err, &se):
		return se.Kind
	case errors.Is(err, context.Canceled):
		return wire.StopCancelled
	case errors.Is(err, context.DeadlineExceeded):
		return wire.StopTimeout
	case errors.Is(err, ErrProtocol), errors.Is(err, wire.ErrFrame), errors.Is(err, wire.ErrLane):
		return wire.StopProtocol
	}
	return wire.StopInternal
}
