package transfer

import "github.com/ferry-move/ferry/mobile/backup"

// A verifying session follows a move, or stands for a second run:
//
//	new phone: reads and hashes what it has of an item, whatever its journal says
//	old phone: reads and hashes its own ── the same: Skipped
//	                                    └─ another: sent, kept beside, Differed
//
// Everything else is as in a move, so a verification that is cut goes on, and what
// it heals is in its account. Nothing that is there is overwritten: which of the
// two was damaged, only a person can tell.

// DifferObserver is the optional interface of an [Observer] that hears what a
// verifying session found.
type DifferObserver interface {
	// Differed is called for each file whose content was not the same on both
	// phones, or that was missing on the new one. It was sent again, and is kept
	// under name; empty = its own.
	Differed(kind backup.Kind, key, name backup.Key)
}

// tellItem tells an observer of an item that ended, if it is worth it.
func tellItem(o Observer, verify bool, e *ended) {
	if o == nil {
		return
	}
	if d, ok := o.(DifferObserver); ok && verify && e.out == backup.Added && e.it.Type == backup.TypeFile {
		d.Differed(e.it.Kind, e.it.Key, e.name)
		return
	}
	if verify && e.out == backup.Skipped {
		return // the move that it follows has told its name
	}
	if e.out == backup.Failed || e.name != "" {
		o.ItemEnded(e.it.Kind, e.it.Key, e.name, e.reason)
	}
}

// movePhase is what a session does while items move.
func movePhase(verify bool) Phase {
	if verify {
		return PhaseVerify
	}
	return PhaseMove
}
