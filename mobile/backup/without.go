package backup

import (
	"context"
	"io"
	"iter"
)

// Wholer is the optional interface of an [Agent] whose items are parts of larger
// things, each of which moves whole or not at all. Its [Backup] lists the thing
// itself, behind all of its parts: as an entity, or with an error. Parts that have
// no such end are no account of the thing, and the new phone signs none.
type Wholer interface {
	// Whole returns the key of the thing that a key is a part of.
	Whole(Key) Key
}

// Without returns an agent like a that has no items for which leave returns true.
// They are not listed, and so in no plan and no count. Of a [Wholer] leave is asked
// about the wholes only, and all parts follow. It is not asked about an item
// without a key, which is listed with its error. It returns the same for the same
// key each time, and several goroutines may call it.
func Without(a Agent, leave func(Key) bool) Agent {
	w := &without{Agent: a, leave: leave}
	if p, ok := a.(Wholer); ok {
		w.leave = func(k Key) bool { return leave(p.Whole(k)) }
		return wholeWithout{w, p}
	}
	return w
}

// without is an agent of which some items are left out.
type without struct {
	Agent
	leave func(Key) bool
}

type wholeWithout struct {
	*without
	Wholer
}

// Backup implements [Agent]. What it returns is no [Counter], even where that of
// the agent itself is: that one counts everything.
func (w *without) Backup(ctx context.Context, t Transport) (Backup, error) {
	b, err := w.Agent.Backup(ctx, t)
	if err != nil {
		return nil, err
	}
	return &remaining{b: b, leave: w.leave}, nil
}

// remaining is a backup of which some items are left out.
type remaining struct {
	b     Backup
	leave func(Key) bool
}

// Items implements [Backup].
func (r *remaining) Items(ctx context.Context) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for it, err := range r.b.Items(ctx) {
			if it.Key != "" && r.leave(it.Key) {
				if err == nil {
					r.Release(it)
				}
				continue
			}
			if !yield(it, err) {
				return
			}
		}
	}
}

// Open implements [Backup].
func (r *remaining) Open(ctx context.Context, it Item, offset int64) (io.ReadCloser, error) {
	return r.b.Open(ctx, it, offset)
}

// Release implements [Releaser].
func (r *remaining) Release(it Item) {
	if rel, ok := r.b.(Releaser); ok {
		rel.Release(it)
	}
}

// Close implements [Backup].
func (r *remaining) Close() error { return r.b.Close() }
