package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/transfer/receipt"
	"github.com/ferry-move/ferry/transfer/wire"
	"golang.org/x/sync/errgroup"
)

const (
	// Window is how far the manifest may be ahead of the account, in items:
	// from the first that has no result yet to the last that is listed. It
	// bounds what either side remembers. It is narrowWindow before protocol 3.
	//
	// Records of 200 bytes fill 400 Mbit/s with 200,000 a second; so many come
	// while a batch of them is forced to the disk, results go back and the next
	// are listed, as long as all that takes 160 ms.
	Window       = 32768
	narrowWindow = 8192
	// windowBytes is the most bytes of entity values that the sender has under
	// way; the receiver allows twice that.
	windowBytes = 32 << 20
	// windowKeys is the most bytes of keys and groups in the window; the
	// receiver allows twice that.
	windowKeys = 16 << 20
	// maxNodes is the most hashes of blocks whose neighbours are missing that
	// the receiver keeps, of all items. A sender that keeps the order of each
	// file, whatever its lanes do to it, needs some hundreds.
	maxNodes = 1 << 16
	// DefaultLanes is the most lanes that a session uses, unless told otherwise.
	DefaultLanes = 12
	// MaxLanes is the most lanes that a receiver serves.
	MaxLanes = 16
	// entriesPerFrame is how many entries, verdicts and results share a frame.
	entriesPerFrame = 256
	// compactPerFrame is the same from protocol 3 on.
	compactPerFrame = 1024
	linger          = 2 * time.Millisecond
)

// WindowOf returns the window of a protocol, in items.
func WindowOf(protocol uint32) int {
	if protocol < wire.CompactSince {
		return narrowWindow
	}
	return Window
}

// Self is how this device presents itself.
type Self struct {
	Key *identity.Key
	// Name is shown at the other device: a model name, not a person's.
	Name    string
	Version string
}

// Observer hears what a session does. Calls come from one goroutine at a time
// and must return soon.
type Observer interface {
	// ItemEnded is called for each item that failed, or is kept under another
	// name (reason 0).
	ItemEnded(kind backup.Kind, key, name backup.Key, reason backup.Reason)
}

// SpaceObserver is the optional interface of an [Observer] that hears when the
// new phone's disk is full.
type SpaceObserver interface {
	// Waiting is called when a session waits for missing bytes of space on the
	// new phone, when that changes, and with 0 when it goes on: at most ten times a
	// second, and the last that is so always.
	Waiting(missing int64, of Shortage)
}

// Shortage says what a full disk on the new phone lacks.
type Shortage uint8

const (
	ShortSpace Shortage = iota // space for what is moved
	ShortOwn                   // space in ferry's own folder
	ShortFiles                 // places for files: it has space, and takes no more of them
)

// String returns the word that JSON uses.
func (s Shortage) String() string {
	switch s {
	case ShortOwn:
		return "own"
	case ShortFiles:
		return "files"
	}
	return "space"
}

// Report is how a session went. Of a session that broke off it holds what is
// known.
type Report struct {
	Peer     receipt.Side
	Kinds    []receipt.Kind
	Declined []receipt.Declined
	// SentItems counts what went over the link to its end, SentBytes everything.
	SentItems, SentBytes uint64
	Elapsed              time.Duration
	// Receipt is the receipt file, nil of a session that did not get that far.
	Receipt []byte
	// Brought is what this part of the session brought, that of which nobody was
	// told included; only the receiver knows. Before is what the receiver says
	// that earlier parts brought of what Kinds has as skipped.
	Brought, Before []Brought
	// Parted tells that both sides said goodbye, so that either knows that the
	// other has the receipt too.
	Parted bool
}

// Complete reports whether both sides agreed and everything moved.
func (r *Report) Complete() bool {
	for _, k := range r.Kinds {
		if k.Failed > 0 {
			return false
		}
	}
	return r.Receipt != nil && len(r.Declined) == 0
}

func (r *Report) setKinds(l *ledger) {
	if l != nil {
		r.Kinds = append([]receipt.Kind(nil), l.kinds...)
	}
}

// runSession runs work beside the heartbeat. When anything fails, the other
// side is told why and everything is woken; runSession returns the first error
// once every goroutine ended. read is the loop that owns the control stream's
// reads. Where the stream takes no more, because nobody reads it at the other
// end, the other side learns from its end breaking, lingerFor later.
func runSession(ctx context.Context, c *control, read, work func(context.Context) error) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	stopped := make(chan struct{})
	release := context.AfterFunc(ctx, func() {
		defer close(stopped)
		c.shutdown(context.Cause(ctx))
	})
	var g errgroup.Group
	run := func(f func(context.Context) error, ended chan<- struct{}) {
		g.Go(func() error {
			defer close(ended)
			err := f(ctx)
			if err != nil {
				fail(err)
			}
			return err
		})
	}
	done := make(chan struct{})
	run(read, c.readDone)
	run(work, done)
	run(func(ctx context.Context) error { return c.heartbeat(ctx, done) }, make(chan struct{}))
	err := g.Wait()
	if err != nil {
		err = context.Cause(ctx) // the first
	}
	if release() {
		c.shutdown(nil)
	} else {
		<-stopped
	}
	return err
}

// afterReceipt forgives a link that is lost when there is nothing left to say but
// goodbye: both accounts were equal, and this side holds the receipt that both
// signed. It is called when no goroutine of the session is left.
func afterReceipt(err error, r *Report) error {
	if errors.Is(err, ErrLinkLost) && r.Receipt != nil {
		return nil
	}
	return err
}

// checkHello holds the other side's hello against what the link proved.
func checkHello(h *wire.Hello, peer identity.DeviceID) error {
	if identity.DeviceID(h.Device) != peer {
		return protocolError("the device ID in its hello is not the one of the link")
	}
	return nil
}

func sameTotals(a, b *wire.Totals) bool {
	if string(a.Root) != string(b.Root) || len(a.Kinds) != len(b.Kinds) {
		return false
	}
	for i := range a.Kinds {
		k, l := a.Kinds[i], b.Kinds[i]
		k.AddedBefore, k.MergedBefore, l.AddedBefore, l.MergedBefore = 0, 0, 0, 0
		if k != l {
			return false
		}
	}
	return true
}

// millis is a time as messages have it, or the nearest that a receipt can hold:
// a clock that is years off ends no session.
func millis(t time.Time) int64 { return max(wire.FirstMilli, min(t.UnixMilli(), wire.LastMilli)) }

func fromMillis(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// wrapLane marks errors of a lane's I/O as a lost link, unless ctx ended first
// or the lane's bytes were wrong. The other side's lanes break when it ends the
// session, perhaps before its Stop is here: that is waited for. After over, when
// everything is through, they may break as they like; nil = they never may.
func wrapLane(ctx context.Context, err error, over <-chan struct{}) error {
	switch {
	case err == nil, closed(over):
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = io.ErrUnexpectedEOF
	case errors.Is(err, wire.ErrLane), errors.Is(err, ErrProtocol):
		return err
	}
	grace := time.NewTimer(lingerFor)
	defer grace.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-over:
		return nil
	case <-grace.C:
		return fmt.Errorf("%w: lane: %w", ErrLinkLost, err)
	}
}
