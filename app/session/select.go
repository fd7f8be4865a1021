package session

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/p2p"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/preview"
	"github.com/ferry-move/ferry/transfer/receipt"
)

// ErrNoPreview means that the new phone cannot say what would happen: its version
// of the program is older.
var ErrNoPreview = errors.New("the new phone cannot say beforehand what would happen")

// ErrChosen means that a preview is asked for after the choice was made.
var ErrChosen = errors.New("what is to move has been chosen")

// Choice is what the old phone's person chooses from.
type Choice struct {
	// Peer is the new phone. Its name is empty where it has not said it.
	Peer  receipt.Side
	Plans []transfer.KindPlan
	// Free is the space on the new phone in bytes, -1 = not known.
	Free int64
	// Preview asks the new phone what would happen, as often as it is called, one
	// call after the other, until Select returns. Nothing is written there and nobody
	// is asked. ErrNoPreview means that it cannot tell.
	Preview func(ctx context.Context, s Selection) (Preview, error)
}

// Selection is what is to move.
type Selection struct {
	Kinds []backup.Kind // nil = all
	// Leave returns true for an item that stays. It returns the same each time, and
	// several goroutines may call it. Of an app it is asked about the package's name
	// alone, which stands for all of its parts. nil = none stays.
	Leave func(backup.Kind, backup.Key) bool
}

// Preview is what would happen if a selection was moved now.
type Preview struct {
	Kinds []PreviewKind
	// Free is the space on the new phone in bytes, -1 = not known.
	Free int64
}

// PreviewKind is what would happen to the items of a kind. Each is counted once in
// Add, Merge, Skip or Cannot; folders are not.
type PreviewKind struct {
	Kind backup.Kind
	// Add would come. Files that may turn out to be there already once contents are
	// compared are among them, and records beyond what a preview compares
	// ([preview.MaxContents], [preview.MaxRecords]).
	Add uint64
	// Merge would become part of something that is there.
	Merge uint64
	// Skip are there already.
	Skip uint64
	// Rename are those of Add that get another name.
	Rename uint64
	// Cannot stay on the old phone, for Why.
	Cannot uint64
	// Bytes are those of what would come, but for what is among Skip.
	Bytes int64
	// Why counts Cannot by reason. nil = none.
	Why map[backup.Reason]uint64
}

// renewEvery is how often the new phone is told that the person here still chooses:
// it waits for Life after it heard of that last.
const renewEvery = Life / 3

// choose asks the person what is to move.
func (s *sending) choose(ctx context.Context, link *p2p.Link) error {
	if s.opt.Select == nil {
		return nil
	}
	asking, end := context.WithCancelCause(ctx)
	defer end(ErrChosen)
	c := Choice{Peer: receipt.Side{Device: link.Remote()}, Plans: s.plans, Free: -1}
	o, err := s.foresee(asking, link, nil)
	switch {
	case err == nil:
		c.Peer, c.Free = receipt.Side{Device: link.Remote(), Name: o.Name, Version: o.Version}, o.Free
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	turn := make(chan struct{}, 1) // a new preview would end the one before
	stays := make(chan struct{})
	go func() {
		defer close(stays)
		s.stay(asking, link, turn)
	}()
	defer func() { end(ErrChosen); <-stays }()
	c.Preview = func(ctx context.Context, sel Selection) (Preview, error) {
		if asking.Err() != nil {
			return Preview{}, context.Cause(asking)
		}
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		defer context.AfterFunc(asking, func() { cancel(context.Cause(asking)) })()
		select {
		case turn <- struct{}{}:
			defer func() { <-turn }()
		case <-ctx.Done():
			return Preview{}, context.Cause(ctx)
		}
		if ctx.Err() != nil {
			return Preview{}, context.Cause(ctx)
		}
		o, err := s.foresee(ctx, link, sel.of(s.agents))
		if err != nil {
			return Preview{}, err
		}
		p := Preview{Free: o.Free}
		for _, k := range o.Kinds {
			p.Kinds = append(p.Kinds, PreviewKind(k))
		}
		return p, nil
	}
	sel, err := s.opt.Select(ctx, c)
	if err != nil {
		return err
	}
	end(ErrChosen)
	agents := sel.of(s.agents)
	plans, err := transfer.MakePlan(ctx, agents, transport, nil)
	if err != nil {
		return err
	}
	s.agents, s.plans = agents, plans
	return nil
}

// stay keeps the new phone waiting until ctx ends, however long the person takes: it
// asks what would happen to nothing. What comes of that the move itself will tell.
func (s *sending) stay(ctx context.Context, link *p2p.Link, turn chan struct{}) {
	tick := time.NewTicker(cmp.Or(s.opt.renew, renewEvery))
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		select {
		case turn <- struct{}{}:
			s.foresee(ctx, link, nil)
			<-turn
		default: // a preview does the same
		}
	}
}

// foresee asks the new phone what would happen to what agents have.
func (s *sending) foresee(ctx context.Context, link *p2p.Link, agents []backup.Agent) (*preview.Outlook, error) {
	stream, err := link.Open(ctx, p2p.PreviewProtocol)
	if errors.Is(err, p2p.ErrNoProtocol) {
		return nil, ErrNoPreview
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	} else if err != nil {
		err = errors.Join(transfer.ErrLinkLost, err)
	}
	if err != nil {
		if stream != nil {
			stream.Reset()
		}
		return nil, err
	}
	return preview.Ask(ctx, stream.Control(), agents, transport)
}

// of returns the agents of what is selected.
func (s Selection) of(all []backup.Agent) []backup.Agent {
	var out []backup.Agent
	for _, a := range all {
		kind := a.Info().Kind
		if s.Kinds != nil && !slices.Contains(s.Kinds, kind) {
			continue
		}
		if s.Leave != nil {
			a = backup.Without(a, func(k backup.Key) bool { return s.Leave(kind, k) })
		}
		out = append(out, a)
	}
	return out
}
