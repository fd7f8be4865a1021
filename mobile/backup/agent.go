package backup

import (
	"context"
	"io"
	"iter"
)

// Flags are the transport's flags, as Android's agents see them in
// getTransportFlags().
type Flags uint32

const (
	// FlagClientSideEncryptionEnabled is Android's
	// FLAG_CLIENT_SIDE_ENCRYPTION_ENABLED.
	FlagClientSideEncryptionEnabled Flags = 1
	// FlagDeviceToDeviceTransfer is Android's FLAG_DEVICE_TO_DEVICE_TRANSFER:
	// the data goes straight to the user's other device.
	FlagDeviceToDeviceTransfer Flags = 2
)

// Has reports whether all of want is set.
func (f Flags) Has(want Flags) bool { return f&want == want }

// Transport tells an agent what carries its data.
type Transport struct {
	Flags Flags
	// Quota is the most bytes that one agent may move. 0 = no limit.
	Quota int64
	// Notes outlive a killed run. nil = nothing does.
	Notes Notes
	// Look opens a [Restore] that is only asked what it would do, by
	// [Checker.Check] of each item once, in the order of [Backup.Items], and after
	// that by [Foreseer.Foresee]. It writes nothing, reads no content of files, and
	// takes nothing in.
	Look bool
}

// Notes are what a [Restore] says before it makes something that a later run has
// to tidy up or finish, should this one be killed: a note that is made afterwards
// comes too late for a kill between the two.
type Notes interface {
	// Making notes the path below the phone's storage of a temporary file, as
	// [TempNamer] has it, or of a folder, with a slash at its end.
	Making(path string)
	// Made reports whether that was noted, and not taken back: of a folder, by an
	// earlier run that did not get to its end.
	Made(path string) bool
}

// Info describes an agent.
type Info struct {
	Kind Kind
	// Title heads the kind in a list: "Contacts".
	Title string
	// One and Many name its items in a sentence: "contact", "contacts".
	One, Many string
	// Entities tells that items are key/value records. They travel in order.
	Entities bool
	// Mixed tells that items are entities and files, and Entities does not
	// hold. An entity is committed after everything that was listed before it.
	Mixed bool
	// Order sorts kinds; lower goes first. The small things that make a phone
	// usable (contacts, messages) come before photos and video.
	Order int
	// Secret tells that items give access to something by themselves: passwords of
	// Wi-Fi, accounts, keys. Where a person chooses what moves, such a kind moves
	// only if it was turned on.
	Secret bool
}

// Agent stands for one kind of data on one phone. It is safe for use by
// several goroutines.
type Agent interface {
	Info() Info
	// Backup opens the data for reading. The caller closes it.
	Backup(ctx context.Context, t Transport) (Backup, error)
	// Restore opens the data for taking items in. The caller closes it.
	Restore(ctx context.Context, t Transport) (Restore, error)
}

// Backup reads one kind of data. Its methods are safe for use by several
// goroutines; the sequence that Items returns belongs to one.
type Backup interface {
	// Items yields every item once, in the same order each time that nothing
	// changed, and holds only a few of them in memory. A pair whose error is
	// not nil is an item that cannot be moved: its Kind, Type and Key are set
	// as far as they are known, and the sequence goes on.
	Items(ctx context.Context) iter.Seq2[Item, error]
	// Open opens a file's content at offset bytes from its start. It fails
	// with Changed when the file is no longer the one that Items described.
	Open(ctx context.Context, it Item, offset int64) (io.ReadCloser, error)
	// Close ends the backup.
	Close() error
}

// Releaser is the optional interface of a [Backup] that keeps something for an
// item it has listed, such as the content of a stream that passes once. Release
// is called once for each item that was listed without an error, when nothing
// more of it is wanted; a run that is cut may leave it out.
type Releaser interface {
	Release(it Item)
}

// Namer is the optional interface of a [Backup] whose items' keys do not say what a
// person calls them. Name is asked about an item as Items yielded it; empty = it has
// no name.
type Namer interface {
	Name(it Item) string
}

// Counter is the optional interface of a [Backup] that knows what Items would
// yield without yielding it.
type Counter interface {
	Count(ctx context.Context) (Count, error)
}

// Count is what Items yields.
type Count struct {
	// Items counts files and entities, those with an error included.
	Items uint64
	// Folders counts those without an error.
	Folders uint64
	// Bytes is the size of the items without an error.
	Bytes uint64
	// Cannot counts the items with an error, by reason. nil = none.
	Cannot map[Reason]uint64
	// Examples are some of those, 100 at most.
	Examples []Failure
}

// Restore takes items of one kind in. Its methods are safe for use by several
// goroutines.
//
// An item passes through [Checker.Check] (if there is one), Stage, for a file
// [StagedFile.WriteAt], and Commit. Nothing is visible on the phone before
// Commit, and nothing that was there before is deleted or overwritten.
type Restore interface {
	// Stage prepares to take an item in. An entity comes with its Value; of a
	// file the result is a [StagedFile], filled before Commit.
	Stage(ctx context.Context, it Item) (Staged, error)
	// Commit applies staged items durably and returns one result for each, in
	// the same order. It owns them from then on, whatever the result, but for
	// what a [Recommitter] says.
	Commit(ctx context.Context, batch []Staged) []Result
	// Close ends the restore; what was staged and neither committed nor kept by
	// a [Keeper] is gone.
	Close() error
}

// Staged is an item on its way in.
type Staged interface {
	// Discard drops what was staged.
	Discard() error
}

// StagedFile takes a file's content, blocks in any order and from several
// goroutines at once.
type StagedFile interface {
	Staged
	io.WriterAt
}

// Result is what became of one item.
type Result struct {
	Outcome Outcome
	// Name is the key under which the target keeps the item when that differs
	// from the item's own; empty otherwise.
	Name Key
	// Stamp is the time that the target gives the file, in nanoseconds since
	// 1970, when it is not the item's: file systems cut times, or do not take
	// them. 0 = the item's own, or not known.
	Stamp int64
	// Err says why an item failed; nil otherwise.
	Err error
}

// Finisher is a Restore that has work to do once every item is in, as
// Android's onRestoreFinished. It is called once, before Close, only after a
// run that was not cut.
type Finisher interface {
	Finish(ctx context.Context) error
}

// Verdict is what a target thinks of an item before its content moves.
type Verdict uint8

const (
	// Need means: send it.
	Need Verdict = 1
	// Have means: this very item is here; do not send it.
	Have Verdict = 2
	// Compare means: something of this size is here; send the content only if
	// its digest is none of Answer.Digests.
	Compare Verdict = 3
	// Refuse means: this item cannot be taken; Answer.Err says why.
	Refuse Verdict = 4
)

// Answer is a verdict with what belongs to it.
type Answer struct {
	Verdict Verdict
	// Digest is the content's, with Have.
	Digest Digest
	// Digests are those of the contents that are here already, with Compare.
	Digests []Digest
	// Names are the keys of what is here, one for each of Digests with
	// Compare, at most one with Have. Empty = the item's own key. Of a Restore that
	// only looks, there are no Digests, and with Need and Compare this is the name
	// that the item would get, as far as that is known, if it is not its own.
	Names []Key
	// Stamps are, with Compare, the files' times as [Result] has them, one for
	// each of Digests. nil = not known.
	Stamps []int64
	// Err is why, with Refuse.
	Err error
}

// Prior is what an earlier run noted of an item with the same kind, key, size
// and modification time. The zero value = nothing is known.
type Prior struct {
	// Digest is the content's as it was received.
	Digest Digest
	// Name is the key under which it was kept; empty = its own.
	Name Key
	// Stamp is the time that the file had here, as [Result] has it.
	Stamp int64
	// Left is what a run that broke left of it.
	Left Leftover
	// Verify tells that what is here is to be read, whatever is noted of it.
	Verify bool
}

// Checker is a Restore that can tell before the content moves whether it is
// needed. Without it everything is. Of an entity it is given the Digest and, in
// general, no Value.
type Checker interface {
	Check(ctx context.Context, it Item, prior Prior) Answer
}

// Blank is the optional interface of a Restore that can tell, before the first
// item, that nothing of its kind is here, not even what a run that was cut left.
// Small entities then come without being asked for.
type Blank interface {
	Blank() bool
}

// Foreseer is the optional interface of a [Restore] that [Transport.Look] opened,
// and that merges or skips by content. Of entities that Check says it needs, it
// tells more once they are staged with their values. Staging keeps them in memory.
type Foreseer interface {
	// Foresees reports whether values may tell more than Check did: something of
	// the kind is here.
	Foresees() bool
	// Foresee returns what Commit would make of staged entities if it had been
	// given those of all earlier calls before, and writes nothing. It owns them
	// from then on. What writing them would meet, such as a full disk, it does not
	// know.
	Foresee(ctx context.Context, batch []Staged) []Result
}

// TempNamer is the optional interface of a [Staged] that lies in a temporary
// file until Commit. Whoever wants leftovers of a killed run removed notes the
// name and hands it to [TempRemover] in the next run.
type TempNamer interface {
	// TempName returns the temporary file's path below the phone's storage,
	// with slashes.
	TempName() string
}

// TempRemover is the optional interface of a [Restore] that removes temporary
// files of earlier runs.
type TempRemover interface {
	// RemoveTemp removes the file that a [TempNamer] named. It refuses every
	// name of another form with [BadName]. A file that is no longer there is
	// no error.
	RemoveTemp(ctx context.Context, name string) error
}

// Recommitter is the optional interface of a [Staged] that outlives a Commit
// which found the disk full. Without it an entity or a directory that failed with
// [NoSpace] may be staged and committed anew, and a file is lost.
type Recommitter interface {
	// Uncommitted reports whether the last Commit left it staged, to be
	// committed again, kept or discarded. doubtful tells that the disk may have
	// lost some of its content: that is to be read, held against its digest, and
	// written again.
	Uncommitted() (still, doubtful bool)
}

// Leftover is what a run which broke left of a file for a later one, in a
// temporary file.
type Leftover struct {
	// Name is the temporary file's, as [TempNamer] has it. Empty = there is none.
	Name string
	// Length is how many bytes from the start count; which of them were written
	// is for the caller to know. What follows is to be written again.
	Length int64
	// Held is how many bytes of the phone's space the temporary file takes.
	Held int64
	// Stamp is another one when somebody has written to the file since. 0 = not
	// known: the run was killed, and may have written itself.
	Stamp int64
}

// Keeper is the optional interface of a [StagedFile] that can outlive its
// [Restore], as a [Leftover] for a [Resumer]. The last of the n bytes that the
// caller names was written.
type Keeper interface {
	// Sync forces what was written so far to the disk, and the temporary file's
	// name, while the file goes on taking content. It returns what is left if
	// the program ends at this moment.
	Sync(n int64) (Leftover, error)
	// Keep ends the staging as Discard does, but the first n bytes stay, forced
	// to the disk. When it fails nothing stays.
	Keep(n int64) (Leftover, error)
}

// Resumer is the optional interface of a [Restore] that goes on with what a
// [Keeper] left. It stands for Stage.
type Resumer interface {
	// Resume opens a leftover of the same item: its kind, key, size and time are
	// what they were. touched tells that somebody has written to it since Keep,
	// so that its bytes are to be read before they are believed. When it fails
	// the leftover stays as it was.
	Resume(ctx context.Context, it Item, l Leftover) (f ResumedFile, touched bool, err error)
}

// ResumedFile is a StagedFile whose content can be read back.
type ResumedFile interface {
	StagedFile
	io.ReaderAt
}
