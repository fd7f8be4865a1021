package preview

import (
	"context"
	"errors"
	"io"
	"math"
	"slices"
	"sync"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/journal"
	"github.com/ferry-move/ferry/transfer/tree"
	"github.com/ferry-move/ferry/transfer/wire"
)

// Config is what answering needs.
type Config struct {
	// Agents are the kinds that this phone takes.
	Agents []backup.Agent
	// Free returns the free space in bytes. nil = not known.
	Free func() (int64, error)
	// Journal is of what came from that device. nil = nothing is known.
	Journal *journal.Journal
	// Name and Version are told to the old phone.
	Name, Version string
}

// Serve answers a question of the old phone's, over s, which it closes.
func Serve(ctx context.Context, s transfer.Control, cfg Config) (err error) {
	t, over := begin(ctx, s)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer over()
	v := &server{talk: t, cfg: cfg}
	defer func() { err = errors.Join(err, v.close()) }()
	m, err := t.read()
	if err != nil {
		return err
	}
	offer, ok := m.(*wire.Offer)
	if !ok {
		return protocolError("frame type %d begins a preview", m.Type())
	}
	wg.Go(t.ping)
	if err := v.open(offer); err != nil {
		return err
	}
	if err := v.items(); err != nil {
		return err
	}
	if err := v.foresee(); err != nil {
		return err
	}
	if err := t.write(v.outlook()); err != nil {
		return err
	}
	// The old phone closes the stream once it has the answer.
	if m, err = t.read(); err == nil {
		return protocolError("frame type %d after the end of a preview", m.Type())
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// server is a new phone's side.
type server struct {
	*talk
	cfg   Config
	names []backup.Kind
	kinds []looking
	next  uint64

	records int       // that were listed
	waiting []waiting // records whose values decide
	kept    int       // what their keys take
	wants   int64     // the size of their values
	part    []byte    // what came of the first one's value
	batch   []seen    // of one kind
	held    int64     // the size of its values
}

// looking is one kind of the offer.
type looking struct {
	Kind
	supported bool
	info      backup.Info
	restore   backup.Restore  // nil = it cannot be opened, for err
	foreseer  backup.Foreseer // nil = values would tell nothing
	err       error
}

// open opens the agents of an offer.
func (v *server) open(o *wire.Offer) error {
	tr := backup.Transport{Flags: backup.Flags(o.Flags), Look: true}
	for _, k := range o.Kinds {
		l := looking{Kind: Kind{Kind: backup.Kind(k.Kind)}}
		at := slices.IndexFunc(v.cfg.Agents, func(a backup.Agent) bool { return a.Info().Kind == l.Kind.Kind })
		if at >= 0 {
			l.supported, l.info = true, v.cfg.Agents[at].Info()
			l.restore, l.err = v.cfg.Agents[at].Restore(v.ctx, tr)
			if f, ok := l.restore.(backup.Foreseer); ok && f.Foresees() {
				l.foreseer = f
			}
		}
		v.names = append(v.names, l.Kind.Kind)
		v.kinds = append(v.kinds, l)
		if v.ctx.Err() != nil {
			return v.why(nil)
		}
	}
	return nil
}

func (v *server) close() (err error) {
	for _, k := range v.kinds {
		if k.restore != nil {
			err = errors.Join(err, k.restore.Close())
		}
	}
	return err
}

// items takes the list in, to its end.
func (v *server) items() error {
	v.next = 1
	for {
		m, err := v.read()
		if err != nil {
			return err
		}
		switch m := m.(type) {
		case *wire.List:
			if err := v.list(m); err != nil {
				return err
			}
		case *wire.End:
			if m.Items != v.next-1 {
				return protocolError("the list's end does not fit")
			}
			return nil
		default:
			return protocolError("frame type %d in a preview", m.Type())
		}
	}
}

func (v *server) list(m *wire.List) error {
	if m.First != v.next || v.next+uint64(len(m.Entries))-1 > MaxItems {
		return protocolError("items out of order, or too many")
	}
	id, group := v.next, ""
	v.next += uint64(len(m.Entries))
	for i := range m.Entries {
		e := &m.Entries[i]
		if int(e.Kind) >= len(v.kinds) || e.Fail != 0 || backup.Type(e.Type) == backup.TypeDirectory ||
			(backup.Type(e.Type) == backup.TypeEntity) != (len(e.Digest) > 0) {
			return protocolError("an item that no preview asks about")
		}
		k := &v.kinds[e.Kind]
		if backup.Type(e.Type) == backup.TypeEntity {
			v.records++
		}
		if !k.supported {
			continue
		}
		if group != string(e.Group) { // most items of a frame share one
			group = string(e.Group)
		}
		it := e.Item(v.names, group)
		if len(e.Digest) > 0 {
			it.Digest = backup.Digest(e.Digest)
		}
		if !k.info.Mixed && k.info.Entities != (it.Type == backup.TypeEntity) {
			return protocolError("an item of a type that its kind does not have")
		}
		v.look(k, id+uint64(i), it)
		if v.ctx.Err() != nil {
			return v.why(nil)
		}
	}
	return nil
}

// look asks the agent about an item, and counts it, unless its value decides.
func (v *server) look(k *looking, id uint64, it backup.Item) {
	a := backup.Answer{Verdict: backup.Need}
	var prior backup.Prior
	var have int64
	if v.cfg.Journal != nil && it.Type == backup.TypeFile {
		prior, _ = v.cfg.Journal.Lookup(journal.Of(it))
		prior.Left, have = v.left(it)
	}
	if c, ok := k.restore.(backup.Checker); ok {
		a = c.Check(v.ctx, it, prior)
	}
	switch {
	case k.err != nil:
		k.cannot(reason(k.err), 1)
	case a.Verdict == backup.Have:
		k.Skip++
	case a.Verdict == backup.Refuse:
		k.cannot(reason(a.Err), 1)
	case it.Type == backup.TypeEntity && v.wait(k, id, it):
	default:
		k.Add++
		if a.Verdict == backup.Compare {
			have = 0 // it comes whole, or not at all
		}
		k.comes(it.Size - have)
		if len(a.Names) > 0 && a.Names[0] != "" && a.Names[0] != it.Key {
			k.Rename++
		}
	}
}

// comes counts bytes that would come.
func (k *looking) comes(n int64) { k.Bytes += min(n, math.MaxInt64-k.Bytes) }

func reason(err error) backup.Reason {
	if r := backup.ReasonOf(err); r != 0 {
		return r
	}
	return backup.Unknown
}

// left returns what a run that broke left of a file, and how many of its bytes
// need not come.
func (v *server) left(it backup.Item) (l backup.Leftover, have int64) {
	k, ok := v.cfg.Journal.Left(journal.Of(it))
	if !ok || it.ModTime.IsZero() {
		return l, 0
	}
	nodes, err := tree.ParseNodes(k.Tree, it.Size)
	if err != nil || len(nodes) == 0 || k.Left.Length != nodes[len(nodes)-1].End()*wire.BlockSize {
		return l, 0
	}
	return k.Left, min(it.Size, tree.Covered(nodes)*wire.BlockSize)
}

func (v *server) outlook() *wire.Outlook {
	o := &wire.Outlook{Name: v.cfg.Name, Version: v.cfg.Version}
	if v.cfg.Free != nil {
		if n, err := v.cfg.Free(); err == nil && n >= 0 {
			o.Free = uint64(min(n, math.MaxInt64-1)) + 1
		}
	}
	for i := range v.kinds {
		k := &v.kinds[i]
		if !k.supported {
			continue
		}
		w := wire.OutlookKind{Kind: uint32(i), Add: k.Add, Merge: k.Merge, Skip: k.Skip, Rename: k.Rename, Bytes: uint64(k.Bytes)}
		for r, n := range k.Why {
			w.Cannot = append(w.Cannot, wire.OutlookReason{Reason: uint16(r), Items: n})
		}
		slices.SortFunc(w.Cannot, func(a, b wire.OutlookReason) int { return int(a.Reason) - int(b.Reason) })
		o.Kinds = append(o.Kinds, w)
	}
	return o
}

// Refuse tells the old phone that it is not answered. It closes s.
func Refuse(ctx context.Context, s transfer.Control, why wire.StopKind) {
	t, over := begin(ctx, s)
	defer over()
	if t.write(&wire.Stop{Kind: why}) == nil {
		s.CloseWrite()
		io.Copy(io.Discard, io.LimitReader(s, wire.MaxFrame))
	}
}
