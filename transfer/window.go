package transfer

import (
	"context"
	"sync"
)

// ring holds what is in the session's window by its ID: the IDs of a window lie
// within its length of each other. The zero value holds nothing; grow makes room.
type ring[T any] struct {
	slots []slot[T]
	n     int
}

type slot[T any] struct {
	id uint64 // 0 = empty
	v  *T
}

// grow makes room for a window of so many IDs. The ring must be empty.
func (r *ring[T]) grow(window int) { r.slots = make([]slot[T], window) }

func (r *ring[T]) at(id uint64) *slot[T] { return &r.slots[id%uint64(len(r.slots))] }

// get returns what has that ID, or nil.
func (r *ring[T]) get(id uint64) *T {
	if len(r.slots) == 0 || id == 0 {
		return nil
	}
	if s := r.at(id); s.id == id {
		return s.v
	}
	return nil
}

func (r *ring[T]) set(id uint64, v *T) {
	*r.at(id) = slot[T]{id, v}
	r.n++
}

func (r *ring[T]) del(id uint64) {
	*r.at(id) = slot[T]{}
	r.n--
}

// len is how many there are.
func (r *ring[T]) len() int { return r.n }

// all yields everything that is held.
func (r *ring[T]) all(yield func(*T) bool) {
	for _, s := range r.slots {
		if s.id != 0 && !yield(s.v) {
			return
		}
	}
}

// cost is what an item takes of the window.
type cost struct{ items, keys, values int64 }

func (c cost) add(d cost) cost {
	return cost{c.items + d.items, c.keys + d.keys, c.values + d.values}
}

// credit is how much of the window is left. One goroutine takes, others give
// back.
type credit struct {
	more chan struct{} // something was given back

	mu   sync.Mutex
	left cost // guarded by mu
}

func newCredit(all cost) *credit { return &credit{more: make(chan struct{}, 1), left: all} }

func (c *credit) give(n cost) {
	c.mu.Lock()
	c.left = c.left.add(n)
	c.mu.Unlock()
	select {
	case c.more <- struct{}{}:
	default:
	}
}

// take waits until n is there.
func (c *credit) take(ctx context.Context, n cost) error {
	for {
		c.mu.Lock()
		left := c.left.add(cost{-n.items, -n.keys, -n.values})
		ok := left.items >= 0 && left.keys >= 0 && left.values >= 0
		if ok {
			c.left = left
		}
		c.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-c.more:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
