package transfer

import (
	"context"
	"time"
)

// batches reads in and hands what came in to send, in order: as soon as max are
// there, or after linger. It returns nil when in is closed and everything was
// handed over, or when done is closed and nothing waits.
func batches[T any](ctx context.Context, in <-chan T, done <-chan struct{}, max int, linger time.Duration, send func([]T) error) error {
	buf := make([]T, 0, max)
	timer := time.NewTimer(linger)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case v, ok := <-in:
			if !ok {
				return nil
			}
			buf = append(buf[:0], v)
		case <-done:
			if len(in) == 0 {
				return nil
			}
			continue
		}
		timer.Reset(linger)
	fill:
		for len(buf) < max {
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case v, ok := <-in:
				if !ok {
					break fill
				}
				buf = append(buf, v)
			case <-timer.C:
				break fill
			}
		}
		if err := send(buf); err != nil {
			return err
		}
	}
}

// put sends v to ch or gives up with ctx.
func put[T any](ctx context.Context, ch chan<- T, v T) error {
	select {
	case ch <- v:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
