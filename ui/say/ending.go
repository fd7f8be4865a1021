package say

import (
	"context"
	"errors"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/journal"
	"github.com/ferry-move/ferry/transfer/wire"
)

// Ending is how a move ended that did not come to its end: by somebody's wish, or
// not.
type Ending uint8

const (
	// Failed is every ending that nobody wished.
	Failed Ending = iota
	// Cancelled is by the person here.
	Cancelled
	// CancelledThere is by the person at the other device.
	CancelledThere
	// Refused is by the person at the new phone, as the old one is told.
	Refused
	// Expired means that the new phone has stopped waiting for this one.
	Expired
)

// EndingOf sorts the error of a whole run.
func EndingOf(err error) Ending {
	var stop *transfer.StopError
	switch {
	case errors.Is(err, journal.ErrBusy):
		return Failed
	case errors.As(err, &stop):
		switch {
		case stop.Kind == wire.StopCancelled && stop.Remote:
			return CancelledThere
		case stop.Kind == wire.StopCancelled:
			return Cancelled
		case stop.Kind == wire.StopRefused && stop.Remote:
			return Refused
		case stop.Kind == wire.StopUnpaired && stop.Remote:
			return Expired
		}
	case errors.Is(err, context.Canceled):
		return Cancelled
	case errors.Is(err, session.ErrGone):
		return Expired
	}
	return Failed
}
