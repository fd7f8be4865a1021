package transporttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"

	"github.com/ferry-move/ferry/mobile/android"
)

const app, other = "com.example.notes", "com.example.other"

// complete: one pass, in no order, with keys that come twice.
func complete(ctx context.Context, e *env) error {
	records := []record{
		put("b", "1"), put("a", ""), put("c", "x"), del("c"), del("never"),
		put("b", "22"), put("d", "1"), del("d"), put("d", "333"),
		put("notes:\xEF\xBF\xBD", "above every surrogate"),
		put("notes:\xED\xA0\x80\xED\xB0\x80", "U+10000 in Java's six bytes"),
		put("notes:\xF0\x9F\x98\x80", "U+1F600 in the four bytes of Android's native code"),
		put("\xEF\xBF\xAD\xEF\xBF\xADwidget", "a key of the framework"),
		put("Upper", "before lower"),
	}
	if e.PassThrough { // has nothing that a deletion could apply to
		records = append([]record{put("a", ""), put("b", "1"), put("d", "333")}, records[9:]...)
	}
	return all(
		func() error { return e.put(ctx, app, records...) },
		func() error { return e.same(ctx) },
	)
}

func delta(ctx context.Context, e *env) error {
	return all(
		func() error { return e.put(ctx, app, put("a", "1"), put("b", "2"), put("c", "3")) },
		func() error { return e.put(ctx, other, put("a", "mine")) },
		func() error { return e.keyValue(ctx, app, changes, put("b", "two"), del("a"), put("0", "new")) },
		func() error { return e.same(ctx) },
		func() error {
			return e.keyValue(ctx, app, changes, put("b", "x"), del("b"), put("a", "again"), del("zz"))
		},
		func() error { return e.same(ctx) },
		// A caller from before Android 9 says neither of both.
		func() error { return e.keyValue(ctx, app, android.FlagUserInitiated, put("b", "back")) },
		func() error { return e.same(ctx) },
	)
}

// randomDeltas holds the transport to a model, over many passes.
func randomDeltas(ctx context.Context, e *env) error {
	rnd := rand.New(rand.NewPCG(3, 14))
	if err := e.put(ctx, app, put("k0", "0")); err != nil {
		return err
	}
	for pass := range 40 {
		var records []record
		for range rnd.IntN(30) + 1 {
			key := fmt.Sprintf("k%d", rnd.IntN(60))
			if rnd.IntN(3) == 0 {
				records = append(records, del(key))
			} else {
				records = append(records, put(key, strings.Repeat(key, rnd.IntN(40))))
			}
		}
		flags := changes
		if rnd.IntN(10) == 0 {
			flags = whole
		}
		if err := e.keyValue(ctx, app, flags, records...); err != nil {
			return fmt.Errorf("pass %d: %w", pass, err)
		}
		if err := e.same(ctx); err != nil {
			return fmt.Errorf("after pass %d: %w", pass, err)
		}
	}
	return nil
}

func replace(ctx context.Context, e *env) error {
	return all(
		func() error { return e.put(ctx, app, put("a", "1"), put("b", "2")) },
		func() error { return e.put(ctx, app, put("b", "only")) },
		func() error { return e.same(ctx) },
	)
}

// lastDeleted: a set may become empty, and grow again.
func lastDeleted(ctx context.Context, e *env) error {
	return all(
		func() error { return e.put(ctx, app, put("a", "1")) },
		func() error { return e.keyValue(ctx, app, changes, del("a")) },
		func() error { return e.same(ctx) },
		func() error { return e.keyValue(ctx, app, changes, put("b", "2")) },
		func() error { return e.same(ctx) },
	)
}

// nonIncremental: changes of nothing are refused, whatever other apps have.
func nonIncremental(ctx context.Context, e *env) error {
	ask := func(what, pkg string) error {
		err := e.perform(ctx, pkg, bytesOf(stream(put("a", "1"))), changes)
		return refused("changes for an app "+what, err, android.TransportNonIncrementalBackupRequired)
	}
	return all(
		func() error { return ask("that has nothing", app) },
		func() error { return e.full(ctx, other, document("a", "text")) },
		func() error { return ask("that has files", other) },
		func() error { return e.same(ctx) },
		func() error { return e.put(ctx, app, put("b", "2")) }, // the answer to it
		func() error {
			if !e.PassThrough {
				return nil
			}
			return ask("whose data is gone already", app)
		},
		func() error { return e.same(ctx) },
	)
}

// notChanged: the pings of a pass in which nothing changed.
func notChanged(ctx context.Context, e *env) error {
	if err := e.put(ctx, app, put("a", "1")); err != nil {
		return err
	}
	for _, pkg := range []string{app, other, android.EndPackage} {
		for _, flags := range []android.PassFlags{android.FlagDataNotChanged, android.FlagDataNotChanged | android.FlagUserInitiated} {
			if err := e.perform(ctx, pkg, bytesOf(nil), flags); err != nil {
				return fmt.Errorf("PerformBackup with flags %d: %w", flags, err)
			}
			if err := e.tr.FinishBackup(ctx); err != nil {
				return fmt.Errorf("FinishBackup after a pass without changes: %w", err)
			}
		}
	}
	return e.same(ctx)
}

var errReader = errors.New("the agent's pipe broke")

// failAfter gives n bytes of b and then fails, with hook called before.
func failAfter(b []byte, n int, err error, hook func()) io.Reader {
	return io.MultiReader(bytesOf(b[:n]), failing{err, hook})
}

type failing struct {
	err  error
	hook func()
}

func (f failing) Read([]byte) (int, error) {
	if f.hook != nil {
		f.hook()
	}
	return 0, f.err
}

// keyValueFailures: whatever is wrong with a stream, the app has what it had.
func keyValueFailures(ctx context.Context, e *env) error {
	pkgs := []string{other} // has nothing
	flags := []android.PassFlags{whole}
	if !e.PassThrough {
		pkgs, flags = append(pkgs, app), append(flags, changes)
	}
	if err := e.put(ctx, app, put("a", "1"), put("b", strings.Repeat("2", 1000))); err != nil {
		return err
	}
	good := stream(put("a", "changed"), put("c", strings.Repeat("3", 100_000)), del("b"))
	fill := bytes.Repeat([]byte{0xA5}, 64)
	for _, pkg := range pkgs {
		for _, flag := range flags {
			if pkg == other && flag == changes {
				continue // refused for another reason
			}
			try := func(what string, ctx context.Context, r io.Reader) error {
				if e.perform(ctx, pkg, r, flag) == nil {
					return fmt.Errorf("PerformBackup takes %s", what)
				}
				if err := e.same(context.WithoutCancel(ctx)); err != nil {
					return fmt.Errorf("after %s: %w", what, err)
				}
				return nil
			}
			ended, cancel := context.WithCancel(ctx)
			cancel()
			err := all(
				func() error { return try("a broken pipe", ctx, failAfter(good, 0, errReader, nil)) },
				func() error { return try("a pipe that broke", ctx, failAfter(good, len(good), errReader, nil)) },
				func() error { return try("a broken value", ctx, failAfter(good, 50_000, errReader, nil)) },
				func() error { return try("half a header", ctx, bytesOf(good[:7])) },
				func() error { return try("half a key", ctx, bytesOf(good[:13])) },
				func() error { return try("half a value", ctx, bytesOf(good[:60_000])) },
				func() error { return try("garbage", ctx, bytesOf(fill)) },
				func() error {
					return try("garbage behind records", ctx, bytesOf(append(good[:len(good):len(good)], fill...)))
				},
				func() error { return try("a context that ended", ended, bytesOf(good)) },
				func() error {
					ctx, cancel := context.WithCancel(ctx)
					return try("a context that ends", ctx, failAfter(good, 50_000, context.Canceled, cancel))
				},
			)
			if err != nil {
				return err
			}
		}
	}
	// And the next pass is as good as any.
	return all(
		func() error { return e.put(ctx, other, put("n", "1")) },
		func() error { return e.same(ctx) },
	)
}

// keyValueUnconfirmed: only FinishBackup stores.
func keyValueUnconfirmed(ctx context.Context, e *env) error {
	if e.PassThrough && e.Volatile {
		return nil // there is no other way to end a pass
	}
	steps := []func() error{
		func() error { return e.perform(ctx, other, bytesOf(stream(put("a", "1"))), whole) },
		func() error { return e.same(ctx) },
		e.reopen,
		func() error { return e.same(ctx) },
	}
	if e.PassThrough {
		return all(steps...)
	}
	return all(append([]func() error{
		func() error { return e.put(ctx, app, put("a", "1")) },
		func() error { return e.perform(ctx, app, bytesOf(stream(put("a", "2"))), changes) },
		func() error { return e.same(ctx) },
		e.reopen,
		func() error { return e.perform(ctx, app, bytesOf(stream(put("b", "2"))), whole) },
		e.reopen,
		func() error { return e.same(ctx) },
		func() error { // a confirmation that came too late
			ended, cancel := context.WithCancel(ctx)
			cancel()
			if err := e.perform(ctx, app, bytesOf(stream(put("b", "2"))), changes); err != nil {
				return fmt.Errorf("PerformBackup: %w", err)
			}
			if e.tr.FinishBackup(ended) == nil {
				return errors.New("FinishBackup with a context that ended is confirmed")
			}
			return e.same(ctx)
		},
	}, steps...)...)
}
