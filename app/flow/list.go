package flow

import (
	"context"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
)

const (
	// maxListed is the most items of a kind that are listed. What is more moves as
	// its kind does.
	maxListed = 1 << 18
	// maxPage is the most items of a page.
	maxPage = 1000
	// listStep is how many items are listed before that counts as a change.
	listStep = 1024
)

// Entry is an item that may move, or several that move together: an app with all
// of its data. Its key is whole.
type Entry struct {
	Kind backup.Kind
	Key  backup.Key
	// Name is what a person calls it, where the key does not say that; cut.
	Name string
	// Parts is how many items it is.
	Parts   uint64
	Size    int64
	ModTime time.Time // of one item; zero = not known
	// Reason is why it cannot move; 0 = it can.
	Reason backup.Reason
	// On tells that it is to move.
	On bool
}

// Page is some of a kind's items, in the order in which they are listed.
type Page struct {
	Kind  backup.Kind
	From  int
	Items []Entry
	// Listed is how many are listed so far, and Complete that there are no more to
	// come. More are those that cannot be listed one by one.
	Listed   int
	More     uint64
	Complete bool
	Err      error
}

// list is the items of one kind, as far as they are listed. It is guarded by f.mu.
type list struct {
	kind  backup.Kind
	items []entry
	more  uint64
	done  bool
	err   error
	stop  context.CancelFunc
}

type entry struct {
	key    backup.Key
	name   string
	parts  uint64
	size   int64
	mod    time.Time
	reason backup.Reason
}

// Items returns at most n items of a kind, the from-th one first, while What. They are
// listed in the background: the Version grows when there are more.
func (f *Flow) Items(kind backup.Kind, from, n int) Page {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := Page{Kind: kind, From: max(0, from)}
	r := f.role
	if r == nil || r.choice == nil || r.closing || r.phone == nil {
		return p
	}
	if r.list == nil || r.list.kind != kind {
		r.startList(kind)
	}
	l := r.list
	p.Listed, p.More, p.Complete, p.Err = len(l.items), l.more, l.done, l.err
	for i := p.From; i < min(len(l.items), p.From+min(n, maxPage)); i++ {
		e := l.items[i]
		p.Items = append(p.Items, Entry{kind, e.key, e.name, e.parts, e.size, e.mod, e.reason, e.reason == 0 && r.picks.takes(kind, e.key)})
	}
	return p
}

// startList begins to list a kind, and ends another list. The caller holds f.mu.
func (r *role) startList(kind backup.Kind) {
	if r.list != nil {
		r.list.stop()
	}
	ctx, cancel := context.WithCancel(r.ctx)
	l := &list{kind: kind, stop: cancel}
	r.list = l
	for _, a := range r.phone.Agents() {
		if a.Info().Kind == kind {
			r.lists.Go(func() {
				defer cancel()
				r.listed(l, nil, 0, true, l.walk(ctx, a, r))
			})
			return
		}
	}
	l.done = true
	cancel()
}

// walk lists what an agent has.
func (l *list) walk(ctx context.Context, a backup.Agent, r *role) error {
	b, err := a.Backup(ctx, deviceToDevice)
	if err != nil {
		return err
	}
	defer b.Close()
	var some []entry
	var more uint64
	have := 0
	add := func(e entry) {
		if have++; have > maxListed {
			more++
			return
		}
		some = append(some, e)
	}
	whole, _ := a.(backup.Wholer)
	named, _ := b.(backup.Namer)
	released, _ := b.(backup.Releaser)
	var parts *entry // the one whose parts come
	for it, err := range b.Items(ctx) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if released != nil && err == nil {
			released.Release(it)
		}
		if it.Type == backup.TypeDirectory && err == nil {
			continue
		}
		e := entry{key: it.Key, parts: 1, size: it.Size, mod: it.ModTime, reason: backup.ReasonOf(err)}
		if named != nil && err == nil {
			e.name = cut(named.Name(it))
		}
		if whole == nil {
			add(e)
		} else if key := whole.Whole(it.Key); parts != nil && parts.key == key {
			parts.part(e)
		} else {
			if parts != nil {
				add(*parts)
			}
			parts = &entry{key: key, reason: e.reason}
			parts.part(e)
		}
		if len(some)+int(more) >= listStep {
			r.listed(l, some, more, false, nil)
			some, more = some[:0], 0
		}
	}
	if parts != nil {
		add(*parts)
	}
	r.listed(l, some, more, false, nil)
	return context.Cause(ctx)
}

// part adds one to what has several. It cannot move where none of them can, or
// where the last one cannot that stands for the whole.
func (e *entry) part(p entry) {
	if p.reason == 0 {
		e.parts++
		e.size += p.size
	}
	if p.reason == 0 || p.key == e.key {
		e.reason = p.reason
	}
}

// listed adds to a list.
func (r *role) listed(l *list, some []entry, more uint64, done bool, err error) {
	r.f.mu.Lock()
	defer r.f.mu.Unlock()
	l.items = append(l.items, some...)
	l.more += more
	l.done, l.err = done, err
	if r.f.role == r && r.list == l {
		r.f.version++
	}
}
