// Package contacts moves the contacts of a phone that keeps them as vCard
// files: every *.vcf below its folder Contacts, in vCard 2.1, 3.0 or 4.0.
//
// # What moves
//
// One card is one item, and its value is the card's own bytes. Blank bytes
// between two cards belong to the first of them, blank bytes before the first
// card to the first, so that the values of a file, put together, are the file.
// The bytes are the truth: understanding a card (folding, quoted-printable,
// charsets, the bare parameters of 2.1) serves to compare and to merge, and
// never replaces what was read.
//
// # What is the same contact
//
// Each card that the target had when the restore was opened answers for at
// most one incoming card. A card that this restore added answers for none, so
// a phone's own duplicates arrive as they were. In this order:
//
//  1. The same bytes, or the same set of normalised properties: skipped.
//  2. A card found by rule 3 or 4 that holds everything of the incoming one
//     already, such as one that an earlier run merged it into: skipped.
//  3. The same UID: merged. A UID shorter than six bytes says little, so the
//     names have to be equal as well.
//  4. The same person: merged. That is an equal name (FN, or else N; Unicode
//     NFC, without regard to case and spacing) and at least one phone number
//     or e-mail address in common. If neither card has a name: equal and not
//     empty sets of numbers and addresses, and equal ORG and NICKNAME. Cards
//     with a different KIND, or with birthdays that contradict each other, are
//     different people; so are cards that share only a name. Numbers are
//     compared without punctuation and with 00 read as +. A number with and
//     one without its country code differ: two cards are the smaller harm.
//
// A whole batch passes each rule before the next rule is tried. A restore that only
// looks goes through the same rules and writes nothing.
//
// # How two cards become one
//
// The card that is there keeps every line, byte for byte. Properties of the
// incoming card that it lacks are written before its END: as they are where
// both cards have the same syntax, else converted (UTF-8, TYPE= parameters).
// Properties that share a group, such as item1.EMAIL and item1.X-ABLabel, stay
// together under a group name that is free there.
//
// Where a card can have only one of a property (N, FN, UID, BDAY, ANNIVERSARY,
// GENDER, KIND, PHOTO, LOGO, REV, PRODID, SORT-STRING, MAILER, CLASS, NAME, the
// phonetic names, X-ABShowAs), the one that is there stays and the other is
// kept beside it as
//
//	X-FERRY-OTHER;PROPERTY=BDAY:1980-01-01
//
// with all its parameters. PHOTO is in this list because phones show one
// picture, and it must not depend on the order of lines which. A line that is
// no property at all is kept with PROPERTY=-. VERSION is how a card is
// written and no reason to merge, but a merge notes it in the same way. For
// comparing, an X-FERRY-OTHER counts as the property that it stands for, so a
// second run finds nothing new.
//
// # Its worst moment
//
// The worst moment is a file that changes, or a disk that fills, while cards
// are being written into it. A file is written anew beside the old one and
// takes its place only if the old one is still what was read; otherwise it is
// read again and the matching redone. Whatever fails, the old file stays whole
// and each card of the batch is reported.
package contacts

import (
	"context"
	"os"

	"github.com/ferry-move/ferry/mobile/backup"
)

// Kind is the kind of data that this package moves.
const Kind backup.Kind = "contacts"

// Folder is the folder below the phone's root that holds the vCard files.
const Folder = "Contacts"

// Takes reports whether a file of that name in [Folder], or in a folder below
// it, holds contacts. Every other file there is somebody else's to move.
func Takes(name string) bool { return isVCF(name) }

// Dir says where a phone's data is.
type Dir struct {
	// Root is the phone's folder. It is never left, not even through links.
	// Whoever opened it closes it, after the last backup and restore.
	Root *os.Root
}

// Agent moves contacts. It is immutable and safe for use by several
// goroutines.
type Agent struct{ root *os.Root }

var _ backup.Agent = (*Agent)(nil)

// New returns the agent for the phone in dir. The folder Contacts need not
// exist.
func New(dir Dir) *Agent { return &Agent{root: dir.Root} }

// Info implements [backup.Agent].
func (a *Agent) Info() backup.Info {
	return backup.Info{
		Kind: Kind, Title: "Contacts", One: "contact", Many: "contacts",
		Entities: true, Order: 10,
	}
}

// Backup implements [backup.Agent]. It fails only when ctx has ended: a file
// that cannot be read is an item's error.
func (a *Agent) Backup(ctx context.Context, _ backup.Transport) (backup.Backup, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return &reader{root: a.root}, nil
}

// Restore implements [backup.Agent]. It reads every card that is there once,
// to know what it need not take in; of each it keeps hashes and a position.
func (a *Agent) Restore(ctx context.Context, t backup.Transport) (backup.Restore, error) {
	r, err := openRestore(ctx, a.root, t.Notes)
	switch {
	case err != nil:
		return nil, err
	case t.Look:
		return looker{r}, nil
	}
	return r, nil
}
