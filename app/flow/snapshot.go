package flow

import (
	"net/netip"
	"time"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/p2p/pairing"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/journal"
	"github.com/ferry-move/ferry/transfer/pace"
)

// Snapshot is all that a face shows, at one moment. Nothing that it refers to
// changes, and nobody may change it. Texts of the other device are as they came,
// but cut.
type Snapshot struct {
	// Version grows with each change.
	Version uint64
	Screen  Screen
	Role    Role
	// Name is this device's. Place is the folder or the archive that it works on.
	Name, Place string
	// Stopping tells that the person ended what is under way, and it is ending.
	Stopping bool
	Notice   Notice

	// While Find; Diagnosis also while Wait, and while the link is lost: it says why
	// nobody is found, or comes, after some time. Those that were seen first come
	// first.
	Devices     []Device
	MoreDevices int
	Diagnosis   *discovery.Diagnosis // nil = none yet
	// Resolving tells that an address is looked up, AddressErr that it is none.
	Resolving  bool
	AddressErr error

	// WrongPasswords is, while Unlock, how many were wrong.
	WrongPasswords int

	// Peer is the other phone, as far as it is known.
	Peer Peer

	// While Code. Checking tells that the code is on its way; CodeErr that it is
	// none, or pairing.ErrCodeChanged. Wrong is how many were not taken. TriesLeft is
	// how many tries the code has after them; 0 = the new phone shows another one.
	Checking  bool
	CodeErr   error
	Wrong     int
	TriesLeft int

	// While What. Free is the space on the new phone in bytes, -1 = not known.
	// Preview is nil unless it is that of what is chosen now. Estimate is how long
	// that may take.
	Kinds      []KindChoice
	Free       int64
	Estimate   Estimate
	Preview    *session.Preview
	PreviewErr error

	// While Wait. Code and Link are the zero value where there is none.
	Addrs   []netip.AddrPort
	Code    pairing.Code
	Link    pairing.Link
	Expires time.Time

	Offer *Offer // while Asking

	// While Moving and Verifying.
	Progress pace.View
	Paused   bool  // by the person here; Progress.Paused says by whom
	Lost     *Lost // nil = the link is there
	Space    session.WaitingForSpace
	// Notes tells that what is noted here of earlier moves was not sound.
	Notes journal.State

	Result *Result // while Done, and while Problem if items had moved
	// Err is the Problem, and Try what can be done about it.
	Err error
	Try Try
}

// Device is a new phone that announces itself.
type Device struct {
	ID        discovery.InstanceID
	Name      string
	Form      discovery.Form
	Addrs     []netip.AddrPort
	FirstSeen time.Time
	LastSeen  time.Time
}

// Peer is the other phone.
type Peer struct {
	Name   string
	Device identity.DeviceID
	Addrs  []netip.AddrPort
}

// Notice is something to tell beside the screen's own matter.
type Notice struct {
	Kind      NoticeKind
	TriesLeft int   // with CodeWrong
	Err       error // with Refused and Withdrawn
}

// Lost is a link that is lost.
type Lost struct {
	Since, Until time.Time
	// Agreed tells that the move goes on without another question.
	Agreed bool
}

// KindChoice is one kind of what may move.
type KindChoice struct {
	Info  backup.Info
	Items uint64 // those that cannot move included
	// Folders are not among Items.
	Folders uint64
	Bytes   uint64
	Cannot  []Group // what is known not to move, by reason
	Err     error   // why the kind cannot be read, or nil
	// Taken and TakenBytes are what is to move.
	Taken, TakenBytes uint64
	// On tells that all is to move but for Exceptions items; off, that nothing is
	// but for those.
	On         bool
	Exceptions int
}

// moves reports whether something of the kind is to move.
func (k KindChoice) moves() bool { return k.Taken > 0 || k.On && k.Folders > 0 }

// Offer is what the person at the new phone is asked about.
type Offer struct {
	Kinds []transfer.OfferedKind
	// MoreKinds did not fit. They are in the sums.
	MoreKinds int
	Items     uint64
	Bytes     int64
	Free      int64 // here; -1 = not known
	Already   int64 // is here already
	// Verify tells that everything is read again after the move.
	Verify bool
}
