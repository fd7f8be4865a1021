// Package preview lets an old phone ask the new one what would happen if it sent
// what it has: how many items would be added, merged, skipped, renamed, and which
// cannot come. It is asked on a stream of its own, before anything is offered.
//
//	old ──> Offer    the kinds; their numbers are 0
//	    ──> List     every item that could move, without folders and content; any number
//	    ──> End
//	    <── Need     the records whose values decide; any number, often none
//	    <── End      how many those are, if there are any
//	    ──> Content  their values, in the same order; any number
//	    <── Outlook  then the old phone closes the stream
//	    <── Stop     instead, at any time
//
// Frames are those of package wire. Each side says Ping every second, from the
// Offer on.
//
// The new phone opens its agents only to look (see [backup.Transport]) and asks
// them about each item, with what its journal knows. It writes nothing and asks
// nobody. It reads no content of files: what is there with the same name and size,
// and is not noted, would have to be compared, and counts as to come.
//
// Records, such as contacts, are known by their digests. Which of the others would
// be merged, or are there in other words, only their values tell. So once all are
// listed, and each that is there as it is has been found, as in a move, the values of
// the others cross, of those kinds of which something is there
// ([backup.Foreseer]). The old phone keeps none of them: it reads those kinds a
// second time. A record that is no longer what was listed, and whatever is beyond
// [MaxRecords] or [MaxContents], counts as added.
//
// The worst moment is a peer that never ends: whatever it does, a preview is over
// after [Most], after [Silent] without a frame, and after [MaxItems]. It holds one
// frame at a time, a digest of each of [MaxRecords] records on the old phone, and on
// the new one their keys, 32 MiB at most, and the values of one batch.
package preview

import (
	"context"
	"fmt"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/wire"
)

const (
	// Most is how long a preview takes at most.
	Most = 10 * time.Minute
	// Silent is how long the other side may be silent.
	Silent = 15 * time.Second
	// MaxItems is the most items that one preview asks about.
	MaxItems = 1 << 23
	// MaxRecords is how many records, of those listed first, may be asked for.
	MaxRecords = 1 << 17
	// MaxContents is the most bytes of their values that cross.
	MaxContents = 64 << 20
	// pingEvery is how often a side says that it lives.
	pingEvery = time.Second
	// perFrame is how many items share a frame.
	perFrame = 1024
	// frameKeys is the most bytes of keys and groups in one, but for its last item.
	frameKeys = 256 << 10
	// contentBytes is the most bytes of values in a frame.
	contentBytes = 512 << 10
	// maxKept is the most bytes that the new phone keeps of records whose values
	// it is going to ask for, at keptCost each beside their keys and groups.
	maxKept  = 32 << 20
	keptCost = 256
	// batchItems and batchBytes bound the records that an agent is shown at once,
	// which it holds against each other too. A move commits what is ready.
	batchItems = 4096
	batchBytes = 8 << 20
)

// Outlook is what would happen.
type Outlook struct {
	Kinds []Kind
	// Free is the space on the new phone in bytes, -1 = not known.
	Free int64
	// Name and Version are the new phone's; shown to a person, and trusted for nothing.
	Name, Version string
}

// Kind is what would happen to the items of a kind. Each is counted once in Add,
// Merge, Skip or Cannot; those in Rename are in Add too.
type Kind struct {
	Kind                             backup.Kind
	Add, Merge, Skip, Rename, Cannot uint64
	// Bytes would come over the link, but for records among Skip that only their
	// values showed to be there.
	Bytes int64
	// Why counts Cannot by reason. nil = none.
	Why map[backup.Reason]uint64
}

func (k *Kind) cannot(why backup.Reason, n uint64) {
	if n == 0 {
		return
	}
	if k.Why == nil {
		k.Why = map[backup.Reason]uint64{}
	}
	k.Why[why] += n
	k.Cannot += n
}

// talk is one side of a preview: a stream that closes when its context ends, or
// when the other side is silent.
type talk struct {
	s      transfer.Control
	ctx    context.Context
	end    context.CancelCauseFunc
	silent *time.Timer
	turn   chan struct{} // has room for one: one frame is written at a time
}

// begin begins a talk; its end is to be called, and the stream is closed by then.
func begin(ctx context.Context, s transfer.Control) (t *talk, over func()) {
	ctx, stop := context.WithTimeoutCause(ctx, Most, fmt.Errorf("%w: the preview took too long", transfer.ErrLinkLost))
	ctx, end := context.WithCancelCause(ctx)
	t = &talk{s: s, ctx: ctx, end: end, turn: make(chan struct{}, 1)}
	t.silent = time.AfterFunc(Silent, func() { end(fmt.Errorf("%w: silent for %v", transfer.ErrLinkLost, Silent)) })
	closed := make(chan struct{})
	context.AfterFunc(ctx, func() {
		defer close(closed)
		s.Close()
	})
	return t, func() {
		t.silent.Stop()
		end(nil)
		stop()
		<-closed
	}
}

// read reads the next frame that is no Ping.
func (t *talk) read() (wire.Message, error) {
	for {
		t.silent.Reset(Silent)
		m, err := wire.Read(t.s)
		t.silent.Stop() // what is done with it may take longer
		if err != nil {
			return nil, t.why(err)
		}
		switch m := m.(type) {
		case *wire.Ping:
		case *wire.Stop:
			return nil, &transfer.StopError{Kind: m.Kind, Remote: true}
		default:
			return m, nil
		}
	}
}

// write writes a frame.
func (t *talk) write(m wire.Message) error {
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-t.ctx.Done():
		return t.why(nil)
	}
	return t.why(wire.Write(t.s, m))
}

// ping says every second that this side lives, until the talk ends.
func (t *talk) ping() {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-t.ctx.Done():
			return
		case <-tick.C:
			if t.write(&wire.Ping{}) != nil {
				return
			}
		}
	}
}

// why returns what an error of the stream comes from.
func (t *talk) why(err error) error {
	switch {
	case t.ctx.Err() != nil:
		return context.Cause(t.ctx)
	case err == nil:
		return nil
	case isFrame(err):
		return fmt.Errorf("%w: %w", transfer.ErrProtocol, err)
	}
	return fmt.Errorf("%w: %w", transfer.ErrLinkLost, err)
}

func protocolError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", transfer.ErrProtocol, fmt.Sprintf(format, args...))
}
