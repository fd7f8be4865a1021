package wire

import (
	"fmt"
	"io/fs"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
)

// Caps of ours on what a peer may send. A frame beyond one is malformed.
const (
	// MaxBatch is the most entries in one frame.
	MaxBatch = 4096
	// MaxKinds is the most kinds in an offer.
	MaxKinds = 64
	// MaxName is the longest shown name in bytes.
	MaxName = 256
	// MaxDigests is the most digests in one verdict.
	MaxDigests = 16
	// MaxSize is the largest content of one item in bytes.
	MaxSize = 1 << 50
	// NodeSize is the length of a node in bytes, and MaxNodes the most in one
	// verdict.
	NodeSize = 1 + 8 + 32
	MaxNodes = 64
	// TokenSize is the length of the secret that binds lanes to a session.
	TokenSize = 32
	// SignatureSize is the length of an Ed25519 signature.
	SignatureSize = 64
	// MaxReceipt is the longest receipt payload in bytes.
	MaxReceipt = 900 << 10
	// maxSec is how far from 1970 a modification time is, in seconds. What is
	// farther is noise, and travels as unknown.
	maxSec = 1 << 50
)

func bad(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrFrame, fmt.Sprintf(format, args...))
}

// Hello opens the session, once in each direction. The sender says hello
// first.
type Hello struct {
	// Protocol is the highest protocol number that the device speaks; the
	// session uses the lower of the two.
	Protocol uint32 `cbor:"1,keyasint"`
	// Device is the sender's own ID. It must be the one that the link proved.
	Device string `cbor:"2,keyasint"`
	// Name is shown to a person and trusted for nothing.
	Name string `cbor:"3,keyasint"`
	// Version is the program's, for reports.
	Version string `cbor:"4,keyasint"`
	// Session is the session's random ID; the receiver repeats the sender's.
	Session []byte `cbor:"5,keyasint"`
}

// SessionSize is the length of a session ID in bytes.
const SessionSize = 16

// OfferedKind is one kind in an offer.
type OfferedKind struct {
	Kind  string `cbor:"1,keyasint"`
	Items uint64 `cbor:"2,keyasint"`
	Bytes uint64 `cbor:"3,keyasint"`
	// Cannot counts the items that the old phone already knows it cannot move.
	Cannot uint64 `cbor:"4,keyasint"`
	// Folders come besides; they are not among Items.
	Folders uint64 `cbor:"5,keyasint,omitempty"`
}

// Offer is what the old phone would move.
type Offer struct {
	// Flags are Android's transport flags. FLAG_DEVICE_TO_DEVICE_TRANSFER
	// must be among them.
	Flags uint32        `cbor:"1,keyasint"`
	Kinds []OfferedKind `cbor:"2,keyasint"`
	// Started is when the run began, on the sender's clock, Unix milliseconds.
	Started int64 `cbor:"3,keyasint"`
	// Verify asks the receiver to read what it has of these items, and to believe
	// no note of an earlier session.
	Verify bool `cbor:"4,keyasint,omitempty"`
	// Again announces that another session follows this one, if it ends well.
	Again bool `cbor:"5,keyasint,omitempty"`
}

// Answer is what the person at the new phone said to the offer.
type Answer struct {
	Accept bool `cbor:"1,keyasint"`
	// Why is the reason for a refusal.
	Why StopKind `cbor:"2,keyasint"`
	// Kinds are the offered kinds that may come, by their index in the offer,
	// ascending.
	Kinds []uint32 `cbor:"3,keyasint"`
	// Token is the secret that each lane begins with.
	Token []byte `cbor:"4,keyasint"`
	// Lanes is the most lanes that the receiver serves.
	Lanes uint32 `cbor:"5,keyasint"`
	// Free is the free space there in bytes.
	Free uint64 `cbor:"6,keyasint"`
	// Unasked are those of Kinds of which the receiver has nothing, ascending: what
	// is below PushBelow bytes of their entities comes without being asked for.
	Unasked []uint32 `cbor:"7,keyasint,omitempty"`
}

// PushBelow is the size in bytes below which an entity can come unasked.
const PushBelow = 16 << 10

// Entry is one item of the manifest.
type Entry struct {
	// Kind is an index into the offer's kinds.
	Kind uint32 `cbor:"1,keyasint"`
	Type uint8  `cbor:"2,keyasint"`
	Key  []byte `cbor:"3,keyasint"`
	Size uint64 `cbor:"4,keyasint,omitempty"`
	Mode uint32 `cbor:"5,keyasint,omitempty"`
	// Sec and Nsec are the modification time, Unix. Both 0 = unknown, unless
	// Epoch says that it is that very moment.
	Sec   int64  `cbor:"6,keyasint,omitempty"`
	Nsec  uint32 `cbor:"7,keyasint,omitempty"`
	Group []byte `cbor:"8,keyasint,omitempty"`
	// Digest is the content's, where it is known before it is sent: entities.
	Digest []byte `cbor:"9,keyasint,omitempty"`
	// Fail is a backup.Reason: the item is listed and cannot be moved.
	Fail  uint16 `cbor:"10,keyasint,omitempty"`
	Epoch bool   `cbor:"11,keyasint,omitempty"`
}

// Items is a part of the manifest. IDs are consecutive, from 1 in a session.
type Items struct {
	First   uint64  `cbor:"1,keyasint"`
	Entries []Entry `cbor:"2,keyasint"`
}

// Wanted is the receiver's verdict on an item whose content it may need:
// backup.Need or backup.Compare.
type Wanted struct {
	ID      uint64 `cbor:"1,keyasint"`
	Verdict uint8  `cbor:"2,keyasint"`
	// Digests go with backup.Compare.
	Digests [][]byte `cbor:"4,keyasint,omitempty"`
	// Nodes stand for what is there of a file already, with backup.Need: nodes of
	// its BLAKE3 tree, as package tree draws them. The rest is to be sent.
	Nodes []byte `cbor:"5,keyasint,omitempty"`
}

// Want is a batch of verdicts. An item that needs no content (it is there, it
// is refused, it is a directory) gets its Result without one.
type Want struct {
	Wanted []Wanted `cbor:"1,keyasint"`
}

// Settled is what the sender says of an item that it will not send, or not to
// the end.
type Settled struct {
	ID uint64 `cbor:"1,keyasint"`
	// Same is 1 + the index of the digest that the content has, after Compare.
	Same uint32 `cbor:"2,keyasint,omitempty"`
	// Fail is a backup.Reason. Exactly one of Same and Fail is set.
	Fail uint16 `cbor:"3,keyasint,omitempty"`
}

// Settle is a batch of items that end without their content.
type Settle struct {
	Settled []Settled `cbor:"1,keyasint"`
}

// Result is how an item ended on the receiver.
type Result struct {
	ID      uint64 `cbor:"1,keyasint"`
	Outcome uint8  `cbor:"2,keyasint"`
	// Reason is a backup.Reason when Outcome is backup.Failed.
	Reason uint16 `cbor:"3,keyasint,omitempty"`
	// Digest is the content's, of files and entities that did not fail.
	Digest []byte `cbor:"4,keyasint,omitempty"`
	// Name is the key under which it is kept, where that differs.
	Name []byte `cbor:"5,keyasint,omitempty"`
}

// Results is a batch of results. Each item has exactly one in a session.
type Results struct {
	Results []Result `cbor:"1,keyasint"`
}

// End ends the manifest.
type End struct {
	Items uint64 `cbor:"1,keyasint"`
}

// KindTotals is how the items of one kind ended. A folder that failed counts
// among Items, any other one among Folders.
type KindTotals struct {
	Kind    string `cbor:"1,keyasint"`
	Items   uint64 `cbor:"2,keyasint"`
	Added   uint64 `cbor:"3,keyasint"`
	Merged  uint64 `cbor:"4,keyasint"`
	Skipped uint64 `cbor:"5,keyasint"`
	Failed  uint64 `cbor:"6,keyasint"`
	// Bytes counts the content of the items that did not fail.
	Bytes uint64 `cbor:"7,keyasint"`
	// Folders are those that are there now; they are not among Items.
	Folders uint64 `cbor:"8,keyasint,omitempty"`
	// AddedBefore and MergedBefore are how many of Skipped earlier parts of the
	// same session brought. Only the receiver knows; they are no part of what
	// must be equal.
	AddedBefore  uint64 `cbor:"9,keyasint,omitempty"`
	MergedBefore uint64 `cbor:"10,keyasint,omitempty"`
}

// Totals is one side's account. The two must be equal.
type Totals struct {
	Kinds []KindTotals `cbor:"1,keyasint"`
	Root  []byte       `cbor:"2,keyasint"`
	// Finished is when the last item was safe, on this side's clock, Unix
	// milliseconds.
	Finished int64 `cbor:"3,keyasint"`
}

// Receipt is the receipt's payload with the signature of the side that sends
// the frame. The sender composes it; the receiver repeats the payload.
type Receipt struct {
	Payload   []byte `cbor:"1,keyasint"`
	Signature []byte `cbor:"2,keyasint"`
}

// Bye ends a session in which everything was said.
type Bye struct{}

// Ping says that this side lives. It is sent when nothing else was for a
// second.
type Ping struct{}

// StopKind says why a side ends a session early. Append only.
type StopKind uint16

const (
	StopNone      StopKind = 0  // not stopped
	StopCancelled StopKind = 1  // the person there cancelled
	StopRefused   StopKind = 2  // the person there said no
	StopBusy      StopKind = 3  // another session is under way
	StopVersion   StopKind = 4  // no common protocol
	StopFlags     StopKind = 5  // the offer is not device to device
	StopProtocol  StopKind = 6  // the other side broke the protocol
	StopNoSpace   StopKind = 7  // what was offered does not fit
	StopDisagree  StopKind = 8  // the two accounts differ
	StopInternal  StopKind = 9  // an error of its own
	StopTimeout   StopKind = 10 // nobody answered in time
	StopUnpaired  StopKind = 11 // the other side has not proved the code, or too long ago
)

// Full says that the receiver waits for space on its disk. It is optional: who
// does not know it waits without knowing why.
type Full struct {
	// Missing is how many bytes must be freed, as far as that is known, 1 at the
	// least. 0 = it goes on.
	Missing uint64 `cbor:"1,keyasint"`
	// Of says what is short: 0 = space for what is moved, 1 = space in ferry's own
	// folder there, 2 = places for files. Who does not know a number takes it for 0.
	Of uint8 `cbor:"2,keyasint,omitempty"`
}

// Limit says how much a side lets lanes carry, whenever that changes. Before the
// first it has no limit. The sender keeps to the lower of the two. It is optional:
// a sender that does not know it feels the receiver reading slowly.
type Limit struct {
	// Rate is bytes a second, all lanes together. 0 = no limit.
	Rate uint64 `cbor:"1,keyasint"`
}

// Stop ends a session early. Nothing follows it.
type Stop struct {
	Kind StopKind `cbor:"1,keyasint"`
}

// WaitFlags say what a side waits for. A reader leaves out those that it does
// not know; append only.
type WaitFlags uint32

const (
	WaitPause WaitFlags = 1 << 0 // the person there has paused
	WaitDisk  WaitFlags = 1 << 1 // its storage, and nothing goes on meanwhile
)

// Waits says all that a side waits for, whenever that changes. Before the first,
// it waits for nothing. While either side pauses, the sender gives nothing more to
// its lanes; Pings go on.
type Waits struct {
	For WaitFlags `cbor:"1,keyasint"`
}

func (*Hello) Type() Type   { return TypeHello }
func (*Offer) Type() Type   { return TypeOffer }
func (*Answer) Type() Type  { return TypeAnswer }
func (*Items) Type() Type   { return TypeItems }
func (*Want) Type() Type    { return TypeWant }
func (*Settle) Type() Type  { return TypeSettle }
func (*Results) Type() Type { return TypeResults }
func (*End) Type() Type     { return TypeEnd }
func (*Totals) Type() Type  { return TypeTotals }
func (*Receipt) Type() Type { return TypeReceipt }
func (*Bye) Type() Type     { return TypeBye }
func (*Ping) Type() Type    { return TypePing }
func (*Stop) Type() Type    { return TypeStop }
func (*Waits) Type() Type   { return TypeWaits }
func (*Full) Type() Type    { return TypeFull }
func (*Limit) Type() Type   { return TypeLimit }

// Item returns what e describes; kinds are the offer's, and group is its Group.
func (e *Entry) Item(kinds []backup.Kind, group string) backup.Item {
	it := backup.Item{
		Kind: kinds[e.Kind], Type: backup.Type(e.Type), Key: backup.Key(e.Key), Size: int64(e.Size),
		Mode: fs.FileMode(e.Mode) & fs.ModePerm, Group: group,
	}
	if e.Sec != 0 || e.Nsec != 0 || e.Epoch {
		it.ModTime = time.Unix(e.Sec, int64(e.Nsec))
	}
	return it
}

// EntryOf describes an item; kind is its index in the offer.
func EntryOf(kind uint32, it backup.Item) Entry {
	e := Entry{
		Kind: kind, Type: uint8(it.Type), Key: []byte(it.Key), Size: uint64(it.Size),
		Mode: uint32(it.Mode & fs.ModePerm), Group: []byte(it.Group),
	}
	var known bool
	e.Sec, e.Nsec, known = Time(it)
	e.Epoch = known && e.Sec == 0 && e.Nsec == 0
	return e
}

// Time is an item's modification time as an entry has it. A time that is
// unknown, or too far from today to be told, is 0 and not known.
func Time(it backup.Item) (sec int64, nsec uint32, known bool) {
	sec = it.ModTime.Unix()
	if it.ModTime.IsZero() || sec > maxSec || sec < -maxSec {
		return 0, 0, false
	}
	return sec, uint32(it.ModTime.Nanosecond()), true
}
