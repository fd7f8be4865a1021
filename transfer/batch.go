package transfer

import (
	"context"

	"github.com/ferry-move/ferry/transfer/wire"
)

// frames hands b to send in pieces that fit a frame whatever the length of
// their keys; size is what one takes there.
func frames[T any](b []T, size func(*T) int, send func([]T) error) error {
	for len(b) > 0 {
		n := 0
		for sum := 0; n < len(b) && sum < wire.MaxFrame/2; n++ {
			sum += size(&b[n])
		}
		if err := send(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// each hands what comes in to f, one after the other, until done is closed.
func each[T any](ctx context.Context, in <-chan T, done <-chan struct{}, f func(context.Context, T) error) error {
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-done:
			return nil
		case v := <-in:
			if err := f(ctx, v); err != nil {
				return err
			}
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
