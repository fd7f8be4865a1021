package flow

import (
	"maps"
	"slices"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer"
)

// pick is what of one kind is to move: all but some, or with off none but some.
// The zero value is all.
type pick struct {
	off    bool
	except map[backup.Key]weight
	weight // sum of those
}

// weight is how much an entry is.
type weight struct {
	items uint64
	bytes int64
}

// picks are what is to move; a kind that is not in it moves whole. A secret one is
// always in it: see withhold.
type picks map[backup.Kind]*pick

func (p picks) of(k backup.Kind) *pick {
	if p[k] == nil {
		p[k] = new(pick)
	}
	return p[k]
}

// kind turns a whole kind on or off, and forgets what was said of its items.
func (p picks) kind(k backup.Kind, on bool) { p[k] = &pick{off: !on} }

// withhold leaves out the secret kinds of which nobody has said anything.
func (p picks) withhold(plans []transfer.KindPlan) {
	for _, plan := range plans {
		if k := plan.Info.Kind; plan.Info.Secret && p[k] == nil {
			p.kind(k, false)
		}
	}
}

// item turns an item on or off.
func (p picks) item(e Entry, on bool) {
	k := p.of(e.Kind)
	_, was := k.except[e.Key]
	is := on == k.off
	switch {
	case is && !was:
		if k.except == nil {
			k.except = map[backup.Key]weight{}
		}
		w := weight{max(1, e.Parts), e.Size}
		k.except[e.Key] = w
		k.items, k.bytes = k.items+w.items, k.bytes+w.bytes
	case !is && was:
		w := k.except[e.Key]
		k.items, k.bytes = k.items-w.items, k.bytes-w.bytes
		delete(k.except, e.Key)
	}
}

// takes reports whether an item moves.
func (p picks) takes(kind backup.Kind, key backup.Key) bool {
	k := p[kind]
	if k == nil {
		return true
	}
	_, except := k.except[key]
	return except == k.off
}

// choices are the kinds that there are, with what of them is to move.
func (p picks) choices(plans []transfer.KindPlan) []KindChoice {
	plans, _ = atMost(plans, maxKinds)
	out := make([]KindChoice, 0, len(plans))
	for _, plan := range plans {
		c := KindChoice{Info: plan.Info, Items: plan.Items, Folders: plan.Folders, Bytes: plan.Bytes, Err: plan.Err, On: true}
		c.Cannot = cannot(plan)
		movable := plan.Items - min(plan.Items, plan.CannotTotal())
		c.Taken, c.TakenBytes = movable, plan.Bytes
		if k := p[plan.Info.Kind]; k != nil {
			c.On, c.Exceptions = !k.off, len(k.except)
			n, bytes := k.items, uint64(max(0, k.bytes))
			if k.off {
				c.Taken, c.TakenBytes = n, bytes
			} else {
				c.Taken, c.TakenBytes = movable-min(movable, n), plan.Bytes-min(plan.Bytes, bytes)
			}
		}
		out = append(out, c)
	}
	return out
}

// cannot groups what a plan knows not to move.
func cannot(p transfer.KindPlan) []Group {
	var out []Group
	for _, r := range slices.Sorted(maps.Keys(p.Cannot)) {
		out = append(out, Group{Reason: r, Count: p.Cannot[r]})
	}
	out, _ = atMost(out, maxReasons)
	for _, e := range p.Examples {
		at := slices.IndexFunc(out, func(g Group) bool { return g.Reason == e.Reason })
		if at >= 0 && len(out[at].Names) < maxNames {
			out[at].add(Named{Kind: e.Kind, Key: e.Key})
			out[at].Count--
		}
	}
	return out
}

// leftOut counts the items that stay by choice.
func leftOut(kinds []KindChoice, plans []transfer.KindPlan) (n uint64) {
	for i, c := range kinds {
		movable := c.Items - min(c.Items, plans[i].CannotTotal())
		n += movable - min(movable, c.Taken)
	}
	return n
}

// selection is what p comes to, for the engine.
func (p picks) selection(plans []transfer.KindPlan) session.Selection {
	frozen, whole := picks{}, true
	var kinds []backup.Kind
	var some bool
	for _, plan := range plans {
		kind := plan.Info.Kind
		k := p[kind]
		if k != nil && k.off && len(k.except) == 0 {
			whole = false
			continue
		}
		kinds = append(kinds, kind)
		if k != nil && len(k.except) > 0 {
			frozen[kind], some = &pick{off: k.off, except: maps.Clone(k.except)}, true
		}
	}
	var s session.Selection
	if !whole {
		s.Kinds = kinds
	}
	if some {
		s.Leave = func(kind backup.Kind, key backup.Key) bool { return !frozen.takes(kind, key) }
	}
	return s
}
