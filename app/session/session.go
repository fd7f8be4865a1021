// Package session is where everything meets: it makes a device whole, out of
// its key, its place on the network and its phone, and runs moves from end to
// end for any face.
//
// [Receive] is the new phone: it announces itself, shows a code, and takes moves
// in until it is told to stop. [Send] is the old phone: it finds the new one,
// proves the code, and moves. Both tell a face what happens by [Event]s and ask
// it by the functions in their options; a face holds no truth of its own.
//
// The worst moment is a stranger who knocks while a move is under way: it is
// told that the device is busy, and nothing of the move is touched.
package session

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/p2p"
	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/p2p/pairing"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/journal"
	"github.com/ferry-move/ferry/transfer/receipt"
)

// Version is the program's version.
const Version = "0.1.0"

// Home returns the folder where a device keeps its key, its journals and its
// receipts: $FERRY_HOME, or "ferry" in the user's configuration folder.
func Home() (string, error) {
	if h := os.Getenv("FERRY_HOME"); h != "" {
		return filepath.Abs(h)
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("no place for ferry's own files (set FERRY_HOME to a folder): %w", err)
	}
	return filepath.Join(dir, "ferry"), nil
}

// HomeError means that ferry cannot keep its own files where Home says.
type HomeError struct{ Err error }

// Error implements error.
func (e *HomeError) Error() string { return "ferry's own folder: " + e.Err.Error() }

// Unwrap gives the cause to errors.Is and errors.As.
func (e *HomeError) Unwrap() error { return e.Err }

// loadKey reads this device's key, or makes it.
func loadKey(home string) (*identity.Key, error) {
	k, err := identity.Load(home)
	if err == nil || errors.Is(err, identity.ErrExposed) || errors.Is(err, identity.ErrDamaged) {
		return k, err
	}
	return nil, &HomeError{err}
}

// sockets opens a device's UDP sockets.
type sockets = func(network string, laddr *net.UDPAddr) (net.PacketConn, error)

// Event is something that happened. It is one of the types below.
type Event interface{ event() }

// Ready says that the new phone waits and can be reached.
type Ready struct {
	Name   string
	Device identity.DeviceID
	Addrs  []netip.AddrPort
}

// Code is a new pairing code. The one before it is void.
type Code struct {
	// Code and Link are secrets: for the person's eyes only.
	Code    pairing.Code
	Link    pairing.Link
	Expires time.Time
	Why     pairing.Cause
}

// Found says that the new phone to send to is chosen.
type Found struct{ Candidate discovery.Candidate }

// NobodyYet says that nobody was found for a while, and why that may be; on the new
// phone, that nobody came. It is told again when what it says has changed.
type NobodyYet struct{ Diagnosis discovery.Diagnosis }

// WrongCode says that a code was tried and was wrong.
type WrongCode struct{ TriesLeft int }

// Paired says that both devices proved the code.
type Paired struct{ Device identity.DeviceID }

// Planned says what the old phone has.
type Planned struct{ Plans []transfer.KindPlan }

// Offered says what the old phone would send.
type Offered struct{ Offer transfer.Offer }

// Accepted says that the new phone agreed, and items begin to move.
type Accepted struct {
	Peer  receipt.Side
	Meter *transfer.Meter
}

// Notes says that what this device noted of earlier moves is not sound. What it
// lacks is found by content.
type Notes struct{ State journal.State }

// Verifying says that everything was moved, and is read again on both devices.
type Verifying struct{ Meter *transfer.Meter }

// Differed is a file that was not the same on both devices, or was missing on
// the new one. It was sent again and is kept under Name; empty = its own.
type Differed struct {
	Kind      backup.Kind
	Key, Name backup.Key
}

// Item is an item that failed, or is kept under another name (Reason 0).
type Item struct {
	Kind      backup.Kind
	Key, Name backup.Key
	Reason    backup.Reason
}

// WaitingForSpace says that a move waits until there is space on the new phone;
// with Missing 0 it goes on.
type WaitingForSpace struct {
	// Missing is how many bytes must be freed, as far as that is known.
	Missing int64
	// Of says what is short there.
	Of transfer.Shortage
	// Own tells that it is the disk with ferry's own folder on this device, and not
	// the new phone's.
	Own bool
}

// Done is the end of a move, good or bad.
type Done struct {
	Report *transfer.Report
	// ReceiptPath is where the receipt was saved, empty if there is none.
	ReceiptPath string
	// Verified is what a verification after the move did; nil = there was none.
	Verified *transfer.Report
	// Err is why it broke off, or nil.
	Err error
}

// Complete reports whether everything is on the new phone, by the last account that
// both signed: what a verification healed is there. One that was not finished takes
// nothing away unless it found something.
func (d Done) Complete() bool {
	v := d.Verified
	switch {
	case v != nil && v.Receipt != nil:
		return v.Complete()
	case d.Report == nil || v != nil && (v.SentItems > 0 || failed(v.Kinds)):
		return false
	}
	return d.Report.Complete()
}

// Of returns what has become of the items of a kind that failed in the move, and
// of those that did not: failed are not on the new phone, healed came with the
// verification, and unsure are there and could not be verified.
func (d Done) Of(k receipt.Kind) (failed, healed, unsure uint64) {
	if d.Verified != nil && d.Verified.Receipt != nil {
		for _, v := range d.Verified.Kinds {
			if v.Kind == k.Kind {
				failed = min(k.Failed, v.Failed)
				return failed, k.Failed - failed, v.Failed - failed
			}
		}
	}
	return k.Failed, 0, 0
}

func failed(kinds []receipt.Kind) bool {
	return slices.ContainsFunc(kinds, func(k receipt.Kind) bool { return k.Failed > 0 })
}

func (Ready) event()           {}
func (Code) event()            {}
func (Found) event()           {}
func (NobodyYet) event()       {}
func (WrongCode) event()       {}
func (Paired) event()          {}
func (Planned) event()         {}
func (Offered) event()         {}
func (Accepted) event()        {}
func (Item) event()            {}
func (Notes) event()           {}
func (Verifying) event()       {}
func (Differed) event()        {}
func (WaitingForSpace) event() {}
func (Done) event()            {}

// Events takes events, one at a time, and returns soon. nil = nobody listens.
type Events func(Event)

func (e Events) tell(ev Event) {
	if e != nil {
		e(ev)
	}
}

// observer passes items that need telling to the face.
type observer struct{ events Events }

// ItemEnded implements transfer.Observer.
func (o observer) ItemEnded(kind backup.Kind, key, name backup.Key, reason backup.Reason) {
	o.events.tell(Item{Kind: kind, Key: key, Name: name, Reason: reason})
}

// Differed implements transfer.DifferObserver.
func (o observer) Differed(kind backup.Kind, key, name backup.Key) {
	o.events.tell(Differed{kind, key, name})
}

// Waiting implements transfer.SpaceObserver.
func (o observer) Waiting(missing int64, of transfer.Shortage) {
	o.events.tell(WaitingForSpace{Missing: missing, Of: of})
}

// receiptSpace is what is asked for where a receipt has no room, in bytes.
const receiptSpace = 1 << 20

// keepReceipt saves a receipt; while the disk is full it waits, until ctx ends.
func keepReceipt(ctx context.Context, events Events, home string, file []byte) (path string, err error) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	told := false
	for {
		path, err = saveReceipt(home, file)
		if backup.ReasonOf(err) != backup.NoSpace || ctx.Err() != nil {
			break
		}
		if !told {
			told = true
			events.tell(WaitingForSpace{Missing: max(int64(len(file)), receiptSpace), Own: true})
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	if told {
		events.tell(WaitingForSpace{Own: true})
	}
	return path, err
}

// saveReceipt writes a receipt where it stays, whole or not at all.
func saveReceipt(home string, file []byte) (string, error) {
	p, err := receipt.Verify(file)
	if err != nil {
		return "", err
	}
	dir := filepath.Join(home, "receipts")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	name := p.Finished.Format("20060102-150405") + "-" + p.Session[:min(8, len(p.Session))] + ".receipt"
	f, err := os.CreateTemp(dir, ".receipt-*.tmp")
	if err != nil {
		return "", err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(file)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, name)
	return path, os.Rename(f.Name(), path)
}

// journalPath is the journal of what came from a device into a place.
func journalPath(home, place string, from identity.DeviceID) string {
	sum := sha256.Sum256([]byte(place))
	return filepath.Join(home, "journal", string(from), hex.EncodeToString(sum[:8])+".journal")
}

// PlaceOf names a folder for journals: the same however it is reached.
func PlaceOf(dir string) string {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return dir
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		return real
	}
	return abs
}

// opener and acceptor are a link's lanes in the engine's terms.
type opener struct{ link *p2p.Link }

func (o opener) OpenLane(ctx context.Context) (transfer.LaneWriter, error) {
	l, err := o.link.OpenLane(ctx)
	if err != nil {
		return nil, err
	}
	return l, nil
}

type acceptor struct{ lanes *p2p.Lanes }

func (a acceptor) AcceptLane(ctx context.Context) (io.ReadCloser, error) {
	l, err := a.lanes.Accept(ctx)
	if err != nil {
		return nil, err
	}
	return l, nil
}
