package transfer

import (
	"context"
	"sync"
	"time"
)

// queue hands things from goroutine to goroutine, many at a time: putting one in
// costs a lock, not a switch. It is as long as what is under way, which the
// session's window bounds, so putting never waits.
type queue[T any] struct {
	wake chan struct{} // there is something, or it is closed

	mu     sync.Mutex
	items  []T  // guarded by mu
	head   int  // of items, the first that nobody took; guarded by mu
	closed bool // guarded by mu
}

func newQueue[T any]() *queue[T] { return &queue[T]{wake: make(chan struct{}, 1)} }

func (q *queue[T]) put(vs ...T) {
	q.mu.Lock()
	q.items = append(q.items, vs...)
	q.mu.Unlock()
	q.signal()
}

func (q *queue[T]) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// close says that nothing more comes.
func (q *queue[T]) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.signal()
}

func (q *queue[T]) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items) - q.head
}

// grab takes what is there, as far as buf has room, and puts it behind buf. over
// tells that nothing is left and nothing more comes.
func (q *queue[T]) grab(buf []T) (_ []T, over bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(cap(buf)-len(buf), len(q.items)-q.head)
	taken := q.items[q.head : q.head+n]
	buf = append(buf, taken...)
	clear(taken)
	q.head += n
	switch left := len(q.items) - q.head; {
	case left == 0:
		q.items, q.head = q.items[:0], 0
	case q.head > left: // the room in front comes to use again
		copy(q.items, q.items[q.head:])
		clear(q.items[left:])
		q.items, q.head = q.items[:left], 0
		fallthrough
	default:
		q.signal() // for whoever else waits
	}
	over = q.closed && len(q.items) == 0
	if over {
		q.signal()
	}
	return buf, over && n == 0
}

// take waits until something is there and takes as much of it as buf has room
// for. It returns nothing when the queue is over, or done is closed and nothing
// is there.
func (q *queue[T]) take(ctx context.Context, done <-chan struct{}, buf []T) ([]T, error) {
	for {
		got, over := q.grab(buf[:0])
		if over || len(got) > 0 {
			return got, nil
		}
		select {
		case <-q.wake:
		case <-done:
			got, _ := q.grab(buf[:0])
			return got, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// batches hands what comes in to send, in order: as soon as max are there, or
// after linger. It returns nil when the queue is over, or done is closed and
// nothing waits.
func (q *queue[T]) batches(ctx context.Context, done <-chan struct{}, max int, linger time.Duration, send func([]T) error) error {
	buf := make([]T, 0, max)
	timer := time.NewTimer(linger)
	defer timer.Stop()
	for {
		got, err := q.take(ctx, done, buf)
		if err != nil || len(got) == 0 {
			return err
		}
		timer.Reset(linger)
		for late := false; len(got) < max && !late; {
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-timer.C:
				late = true
			case <-q.wake:
			}
			var over bool
			got, over = q.grab(got)
			late = late || over
		}
		if err := send(got); err != nil {
			return err
		}
		clear(got)
	}
}

// each hands what comes in to f, one after the other, until done is closed. It
// takes so many at a time, and leaves the others to whoever does the same.
func (q *queue[T]) each(ctx context.Context, done <-chan struct{}, atOnce int, f func(context.Context, T) error) error {
	buf := make([]T, 0, atOnce)
	for {
		got, err := q.take(ctx, done, buf)
		if err != nil || len(got) == 0 {
			return err
		}
		for _, v := range got {
			if err := f(ctx, v); err != nil {
				return err
			}
		}
		clear(got)
	}
}
