package preview

import (
	"context"
	"errors"
	"io"
	"math"
	"sync"
	"sync/atomic"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/wire"
	"lukechampine.com/blake3"
)

// Ask asks the new phone, over s, what would happen to what agents have. Without
// agents it only says who it is, and how much space it has. Ask closes s.
func Ask(ctx context.Context, s transfer.Control, agents []backup.Agent, tr backup.Transport) (*Outlook, error) {
	t, over := begin(ctx, s)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer over()
	a := &asker{talk: t, tr: tr, agents: agents, kinds: make([]listed, len(agents)), told: make(chan error, 1)}
	if len(agents) > wire.MaxKinds {
		return nil, protocolError("%d kinds", len(agents))
	}
	wg.Go(t.ping)
	say := func(what func() error) {
		wg.Go(func() {
			err := what()
			if err != nil {
				t.end(err)
			}
			a.told <- err
		})
	}
	say(a.tell)
	for {
		m, err := t.read()
		if err != nil {
			return nil, err
		}
		if !a.ending.Load() {
			return nil, protocolError("frame type %d before the end of what it is about", m.Type())
		}
		switch m := m.(type) {
		case *wire.Need:
			if err := a.asks(m); err != nil {
				return nil, err
			}
		case *wire.End:
			if err := a.question(m); err != nil {
				return nil, err
			}
			say(a.contents)
		case *wire.Outlook:
			if a.asked.count > 0 && !a.asked.over {
				return nil, protocolError("an outlook within a question")
			}
			if err := a.over(); err != nil {
				return nil, err
			}
			return a.outlook(m)
		default:
			return nil, protocolError("frame type %d in a preview", m.Type())
		}
	}
}

// asker is an old phone's side. Who says something owns what is below ending until
// that is set, and from then on Ask does, which alone clears it again.
type asker struct {
	*talk
	tr     backup.Transport
	agents []backup.Agent
	told   chan error // how saying something ended

	ending  atomic.Bool // everything that was asked for is said
	kinds   []listed
	next    uint64
	entries []wire.Entry
	keys    int

	records []record // the first MaxRecords
	asked   asked
	pieces  []wire.Piece // not yet sent
	held    int          // their bytes
}

// listed is what was said of a kind.
type listed struct {
	Kind         // those that the old phone knows it cannot move
	first        uint64
	items, bytes uint64
}

// over waits until what was said last is on its way.
func (a *asker) over() error {
	a.silent.Reset(Silent)
	return <-a.told
}

// tell says what there is.
func (a *asker) tell() error {
	offer := &wire.Offer{Flags: uint32(a.tr.Flags)}
	for i, g := range a.agents {
		a.kinds[i].Kind.Kind = g.Info().Kind
		offer.Kinds = append(offer.Kinds, wire.OfferedKind{Kind: string(g.Info().Kind)})
	}
	if err := a.write(offer); err != nil {
		return err
	}
	a.next = 1
	for i, g := range a.agents {
		a.kinds[i].first = a.next
		if err := a.list(uint32(i), g); err != nil {
			return err
		}
	}
	if err := a.flush(); err != nil {
		return err
	}
	a.ending.Store(true)
	return a.write(&wire.End{Items: a.next - 1})
}

// list says what a kind has. One that cannot be read has nothing.
func (a *asker) list(i uint32, g backup.Agent) (err error) {
	b, err := g.Backup(a.ctx, a.tr)
	if err != nil {
		return a.why(nil)
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	release := func(backup.Item) {}
	if r, ok := b.(backup.Releaser); ok {
		release = r.Release
	}
	for it, err := range b.Items(a.ctx) {
		if a.ctx.Err() != nil {
			break
		}
		if err == nil {
			err = a.item(i, it)
			release(it)
		} else {
			a.kinds[i].cannot(backup.ReasonOf(err), 1)
			err = nil
		}
		if err != nil {
			return err
		}
	}
	return a.why(nil)
}

// item lists an item.
func (a *asker) item(i uint32, it backup.Item) error {
	k := &a.kinds[i]
	if why, ok := takes(it); !ok {
		k.cannot(why, 1)
		return nil
	}
	if it.Type == backup.TypeDirectory {
		return nil
	}
	if a.next > MaxItems {
		return protocolError("more than %d items", MaxItems)
	}
	e := wire.EntryOf(i, it)
	if it.Type == backup.TypeEntity {
		d := blake3.Sum256(it.Value)
		e.Digest, e.Size = d[:], uint64(len(it.Value))
		if len(a.records) < MaxRecords {
			a.records = append(a.records, record{id: a.next, size: int64(len(it.Value)), digest: d})
		}
	}
	k.items, k.bytes = k.items+1, k.bytes+e.Size
	a.next++
	a.entries, a.keys = append(a.entries, e), a.keys+len(e.Key)+len(e.Group)
	if len(a.entries) == perFrame || a.keys >= frameKeys {
		return a.flush()
	}
	return nil
}

// takes reports whether an item, or a folder, can be listed, and why not.
func takes(it backup.Item) (why backup.Reason, ok bool) {
	switch {
	case it.Type == backup.TypeDirectory:
		return 0, true
	case len(it.Key) == 0 || len(it.Key) > backup.MaxKey || len(it.Group) > backup.MaxKey:
		return backup.BadName, false
	case len(it.Value) > backup.MaxValue, it.Size < 0 || it.Size > wire.MaxSize:
		return backup.TooLarge, false
	}
	return 0, true
}

// flush says what has been listed.
func (a *asker) flush() error {
	if len(a.entries) == 0 {
		return nil
	}
	err := a.write(&wire.List{First: a.next - uint64(len(a.entries)), Entries: a.entries})
	a.entries, a.keys = a.entries[:0], 0
	return err
}

// outlook holds an answer against what was listed.
func (a *asker) outlook(m *wire.Outlook) (*Outlook, error) {
	o := &Outlook{Free: int64(m.Free) - 1, Name: m.Name, Version: m.Version}
	at := 0
	for i := range a.kinds {
		k := a.kinds[i].Kind
		if at == len(m.Kinds) || m.Kinds[at].Kind != uint32(i) {
			k.cannot(backup.Unsupported, a.kinds[i].items)
			o.Kinds = append(o.Kinds, k)
			continue
		}
		w := &m.Kinds[at]
		at++
		all := w.Add + w.Merge + w.Skip
		for why, n := range w.Failed() {
			all += n
			k.cannot(why, n)
		}
		if all != a.kinds[i].items || w.Bytes > a.kinds[i].bytes || w.Bytes > math.MaxInt64 {
			return nil, protocolError("an outlook on other items")
		}
		k.Add, k.Merge, k.Skip, k.Rename, k.Bytes = w.Add, w.Merge, w.Skip, w.Rename, int64(w.Bytes)
		o.Kinds = append(o.Kinds, k)
	}
	if at != len(m.Kinds) {
		return nil, protocolError("an outlook on kinds that were not offered")
	}
	return o, nil
}

// isFrame reports whether an error is of what a frame says, and not of the stream.
func isFrame(err error) bool {
	return errors.Is(err, wire.ErrFrame) && !errors.Is(err, io.ErrUnexpectedEOF)
}
