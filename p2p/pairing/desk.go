package pairing

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"sync"
	"time"

	"github.com/ferry-move/ferry/p2p/identity"
)

// What a desk allows.
const (
	// CodeLife is how long a code is valid.
	CodeLife = 5 * time.Minute
	// TriesPerCode is how many wrong tries, of the code and the link counted
	// together and whoever makes them, use a code up.
	TriesPerCode = 3
	// MaxWrongTries is how many wrong tries in all, with no successful pairing
	// between them, stop the desk.
	MaxWrongTries = 30
	// TryCost is how long a wrong try takes to be answered. Checks do not
	// overlap, so it bounds everyone's guesses together.
	TryCost = time.Second
)

// Cause says why there is a new [Offer].
type Cause uint8

const (
	// First is the desk's first offer.
	First Cause = 1
	// Expired follows an offer that was valid for [CodeLife].
	Expired Cause = 2
	// UsedUp follows an offer that had [TriesPerCode] wrong tries.
	UsedUp Cause = 3
	// Paired follows an offer that a device paired with.
	Paired Cause = 4
)

// String returns a word for logs.
func (c Cause) String() string {
	switch c {
	case First:
		return "first"
	case Expired:
		return "expired"
	case UsedUp:
		return "used up"
	case Paired:
		return "paired"
	}
	return "unknown"
}

// Offer is what the new phone shows: one code, and one secret for the QR code.
// Either serves for one pairing. It is immutable.
type Offer struct {
	// Serial counts a desk's offers from 1.
	Serial uint64
	// Why is what ended the offer before this one.
	Why Cause
	// Device is the desk's own.
	Device identity.DeviceID
	Code   Code
	Secret Secret
	// Expires is the time of day when the offer ends if nothing else ends it.
	Expires time.Time
}

// Link returns what the QR code says of a device that listens on addrs.
func (o Offer) Link(addrs ...netip.AddrPort) Link {
	return Link{Protocol: Protocol, Device: o.Device, Addrs: addrs, Secret: o.Secret}
}

// Desk is the new phone's side of pairing. It always has exactly one [Offer]
// and replaces it when it expires, is used up or was paired with:
//
//	            expired, used up, paired
//	             ┌────────┐
//	             v        │
//	NewDesk ──> offer ────┘
//	             │
//	             ├── MaxWrongTries ──> stopped, ErrTooManyTries
//	             └── Close ──────────> stopped, ErrClosed
//
// A stopped desk refuses everyone and never starts again; make another one when
// a person asks for it. A Desk is safe for use by several goroutines.
type Desk struct {
	self   identity.DeviceID
	random io.Reader
	turn   chan struct{} // holds one token while a try is being made
	done   chan struct{} // closed when expire has returned

	mu      sync.Mutex
	offer   Offer         // guarded by mu
	end     time.Time     // guarded by mu; offer.Expires by the clock of timers
	changed chan struct{} // guarded by mu; closed when offer is replaced or the desk stops
	tries   int           // guarded by mu; wrong tries of offer
	wrong   int           // guarded by mu; wrong tries since the last pairing
	stopped error         // guarded by mu; nil while the desk works
}

// NewDesk opens a desk of the device self. The caller closes it.
func NewDesk(self identity.DeviceID) (*Desk, error) { return newDesk(self, rand.Reader) }

func newDesk(self identity.DeviceID, random io.Reader) (*Desk, error) {
	if _, err := self.Peer(); err != nil {
		return nil, fmt.Errorf("pairing: %w", err)
	}
	d := &Desk{
		self:    self,
		random:  random,
		turn:    make(chan struct{}, 1),
		done:    make(chan struct{}),
		changed: make(chan struct{}),
	}
	d.renew(First)
	if d.stopped != nil {
		return nil, d.stopped
	}
	go d.expire()
	return d, nil
}

// Offer returns what to show now, and a channel that is closed as soon as that
// is no longer true. To follow the desk, show the offer, wait for the channel
// and ask again.
//
// Once the desk has stopped, Offer fails with [ErrTooManyTries] or [ErrClosed].
func (d *Desk) Offer() (o Offer, changed <-chan struct{}, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.freshen()
	return d.offer, d.changed, d.stopped
}

// Close stops the desk and waits for its goroutine. A [Desk.Respond] under way
// is refused at its next step. Close never fails and may be called again.
func (d *Desk) Close() error {
	d.mu.Lock()
	d.stop(ErrClosed)
	d.mu.Unlock()
	<-d.done
	return nil
}

// expire replaces each offer when its time is over, until the desk stops.
func (d *Desk) expire() {
	defer close(d.done)
	for {
		_, changed, err := d.Offer() // replaces it, if its time is over
		if err != nil {
			return
		}
		d.mu.Lock()
		t := time.NewTimer(time.Until(d.end))
		d.mu.Unlock()
		select {
		case <-t.C:
		case <-changed:
		}
		t.Stop()
	}
}

// freshen replaces an offer whose time is over. The caller holds mu.
//
// The clock that timers use stands still while a phone sleeps, so the time of
// day is asked as well.
func (d *Desk) freshen() {
	now := time.Now()
	if d.stopped == nil && (!now.Before(d.end) || !now.Before(d.offer.Expires)) {
		d.renew(Expired)
	}
}

// renew replaces the offer. The caller holds mu.
func (d *Desk) renew(why Cause) {
	code, err := newCode(d.random)
	if err != nil {
		d.stop(err)
		return
	}
	secret, err := randomHidden(d.random, SecretSize)
	if err != nil {
		d.stop(err)
		return
	}
	d.end = time.Now().Add(CodeLife)
	d.offer = Offer{
		Serial:  d.offer.Serial + 1,
		Why:     why,
		Device:  d.self,
		Code:    code,
		Secret:  Secret{secret},
		Expires: d.end.Round(0),
	}
	d.tries = 0
	close(d.changed)
	d.changed = make(chan struct{})
}

// stop ends the desk, the first time with the reason. The caller holds mu.
func (d *Desk) stop(reason error) {
	if d.stopped == nil {
		d.stopped, d.offer = reason, Offer{}
		close(d.changed)
	}
}

// try checks one proof that was made for o. It waits for its turn, and returns
// nil at once if the proof is right. A wrong one is counted, and answered after
// TryCost, in which nobody else has a turn. A proof for an offer that is gone
// is neither checked nor counted.
func (d *Desk) try(ctx context.Context, o Offer, changed <-chan struct{}, right func() bool) error {
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-changed:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	err := d.check(o, right)
	var wrong *WrongCodeError
	if errors.As(err, &wrong) { // counted already; the next try waits for this one
		t := time.NewTimer(TryCost)
		defer t.Stop()
		select {
		case <-t.C:
		case <-d.done:
		}
	}
	return err
}

// check decides a try and counts it if it is wrong.
func (d *Desk) check(o Offer, right func() bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.freshen()
	switch {
	case d.stopped != nil:
		return d.stopped
	case d.offer.Serial != o.Serial:
		return ErrCodeChanged
	case right():
		d.wrong = 0
		d.renew(Paired)
		return nil
	}
	d.wrong++
	d.tries++
	left := TriesPerCode - d.tries
	switch {
	case d.wrong >= MaxWrongTries:
		d.stop(ErrTooManyTries)
		return fmt.Errorf("%w: %w", ErrTooManyTries, &WrongCodeError{})
	case left == 0:
		d.renew(UsedUp)
	}
	return &WrongCodeError{TriesLeft: left}
}
