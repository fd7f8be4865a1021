package backuptest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"golang.org/x/sync/errgroup"
)

func checkInfo(_ context.Context, e Env) error {
	in := e.Source.Info()
	switch {
	case !in.Kind.Valid():
		return errors.New("the kind is not valid")
	case in.Title == "" || in.One == "" || in.Many == "":
		return errors.New("a title or a word for the items is missing")
	case in != e.Source.Info():
		return errors.New("the info changes from call to call")
	case in != e.NewTarget().Info():
		return errors.New("source and target describe themselves differently")
	}
	return nil
}

func checkShape(ctx context.Context, e Env) error {
	in := e.Source.Info()
	return reading(ctx, e.Source, func(b backup.Backup) error {
		n := 0
		for it, err := range b.Items(ctx) {
			if err != nil {
				if r := backup.ReasonOf(err); r == 0 || r == backup.Unknown {
					return fmt.Errorf("item %d fails without a reason", n)
				}
			} else if what := misshapen(in, it); what != "" {
				return fmt.Errorf("item %d: %s", n, what)
			}
			n++
		}
		if n == 0 {
			return errors.New("the source has no items")
		}
		return nil
	})
}

func misshapen(in backup.Info, it backup.Item) string {
	switch {
	case it.Kind != in.Kind:
		return "it is of another kind than its agent"
	case it.Key == "" || len(it.Key) > backup.MaxKey:
		return "its key is empty or too long"
	case it.Mode&^fs.ModePerm != 0:
		return "its mode has more than permission bits"
	case !in.Mixed && in.Entities != (it.Type == backup.TypeEntity):
		return "its type does not fit what Info says of entities"
	case it.Type == backup.TypeEntity:
		if it.Size != int64(len(it.Value)) || it.Size > backup.MaxValue {
			return "its size is not that of its value, or too large"
		}
		return ""
	case it.Type != backup.TypeFile && it.Type != backup.TypeDirectory:
		return "its type is unknown"
	case it.Value != nil || it.Group != "":
		return "it is no entity and has a value or a group"
	case it.Size < 0 || it.Type == backup.TypeDirectory && it.Size != 0:
		return "its size is impossible"
	}
	for name := range strings.SplitSeq(string(it.Key), "/") {
		if name == "" || name == "." || name == ".." || strings.ContainsRune(name, 0) {
			return "its key is no plain path"
		}
	}
	return ""
}

func checkUnique(ctx context.Context, e Env) error {
	return reading(ctx, e.Source, func(b backup.Backup) error {
		seen := map[backup.Key]bool{}
		for it, err := range b.Items(ctx) {
			if err == nil && seen[it.Key] {
				return fmt.Errorf("item %d has a key that was there before", len(seen))
			}
			seen[it.Key] = true
		}
		return nil
	})
}

// list returns all that Items yields.
func list(ctx context.Context, b backup.Backup) (all []backup.Item, reasons []backup.Reason) {
	for it, err := range b.Items(ctx) {
		all, reasons = append(all, it), append(reasons, backup.ReasonOf(err))
	}
	return all, reasons
}

func checkRepeatable(ctx context.Context, e Env) error {
	var all []backup.Item
	var why []backup.Reason
	for range 2 { // opened again
		err := reading(ctx, e.Source, func(b backup.Backup) error {
			for range 2 { // and iterated again
				items, reasons := list(ctx, b)
				if all == nil {
					all, why = items, reasons
				}
				if !slices.EqualFunc(all, items, identical) || !slices.Equal(why, reasons) {
					return errors.New("listing a second time yields something else")
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func identical(a, b backup.Item) bool {
	return a.Kind == b.Kind && a.Type == b.Type && a.Key == b.Key && a.Size == b.Size && a.Mode == b.Mode &&
		a.ModTime.Equal(b.ModTime) && a.Group == b.Group && slices.Equal(a.Value, b.Value)
}

func checkStop(ctx context.Context, e Env) error {
	return reading(ctx, e.Source, func(b backup.Backup) error {
		all, _ := list(ctx, b)
		for range b.Items(ctx) {
			break
		}
		again, _ := list(ctx, b)
		if !slices.EqualFunc(all, again, identical) {
			return errors.New("listing yields something else after it was stopped")
		}
		return nil
	})
}

func checkCancel(ctx context.Context, e Env) error {
	return reading(ctx, e.Source, func(b backup.Backup) error {
		for _, after := range []int{0, 1} {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			if after == 0 {
				cancel()
			}
			n := 0
			for range b.Items(ctx) {
				if n++; n == after {
					cancel()
				}
			}
			if n > after+1 {
				return fmt.Errorf("listing yields %d more after its context ended", n-after)
			}
		}
		return nil
	})
}

func checkSize(ctx context.Context, e Env) error {
	h, err := readable(ctx, e)
	for i, f := range h.items {
		if f.Size != int64(len(f.content)) {
			return fmt.Errorf("item %d says %d bytes and has %d", i, f.Size, len(f.content))
		}
	}
	return err
}

func checkOffset(ctx context.Context, e Env) error {
	h, err := readable(ctx, e)
	if err != nil {
		return err
	}
	return reading(ctx, e.Source, func(b backup.Backup) error {
		for _, f := range append(h.files(8), tail(h.files(len(h.items)), 8)...) {
			for _, off := range []int64{0, 1, f.Size / 3, f.Size / 2, 64<<10 - 1, 64 << 10, 1<<20 + 1, f.Size - 1, f.Size} {
				if off < 0 || off > f.Size {
					continue
				}
				got, err := content(ctx, b, f.Item, off)
				if err != nil {
					return fmt.Errorf("open %d bytes at %d: %w", f.Size, off, err)
				}
				if !slices.Equal(got, f.content[off:]) {
					return fmt.Errorf("a file of %d bytes opened at %d gives other content", f.Size, off)
				}
			}
			if got, err := content(ctx, b, f.Item, f.Size+1); err == nil && len(got) > 0 {
				return errors.New("a file has content beyond its end")
			}
		}
		return nil
	})
}

func tail(fs []full, n int) []full { return fs[max(0, len(fs)-n):] }

func checkVanished(ctx context.Context, e Env) error {
	h, err := readable(ctx, e)
	if err != nil {
		return err
	}
	return reading(ctx, e.Source, func(b backup.Backup) error {
		for _, f := range h.files(1) {
			it := f.Item
			it.Key += ".never-was"
			if err := mustFail(ctx, b, it, backup.Vanished); err != nil {
				return fmt.Errorf("open what never was: %w", err)
			}
			if e.Vanish == nil {
				continue
			}
			if err := e.Vanish(f.Item); err != nil {
				return fmt.Errorf("vanish: %w", err)
			}
			if err := mustFail(ctx, b, f.Item, backup.Vanished); err != nil {
				return fmt.Errorf("open what vanished: %w", err)
			}
			if all, _ := list(ctx, b); slices.ContainsFunc(all, func(o backup.Item) bool { return o.Key == f.Key }) {
				return errors.New("what vanished is still listed")
			}
		}
		return nil
	})
}

func checkChanged(ctx context.Context, e Env) error {
	h, err := readable(ctx, e)
	if err != nil {
		return err
	}
	return reading(ctx, e.Source, func(b backup.Backup) error {
		for _, f := range h.files(1) {
			grown, touched := f.Item, f.Item
			grown.Size++
			touched.ModTime = f.ModTime.Add(-time.Hour)
			for _, it := range []backup.Item{grown, touched} {
				if err := mustFail(ctx, b, it, backup.Changed); err != nil {
					return fmt.Errorf("open what is not as listed: %w", err)
				}
			}
		}
		return nil
	})
}

// mustFail opens it and wants a failure with this reason.
func mustFail(ctx context.Context, b backup.Backup, it backup.Item, want backup.Reason) error {
	r, err := b.Open(ctx, it, 0)
	if err == nil {
		return errors.Join(errors.New("it succeeds"), r.Close())
	}
	if got := backup.ReasonOf(err); got != want {
		return fmt.Errorf("the reason is %q, not %q: %w", got, want, err)
	}
	return nil
}

// checkReaders reads everything from several goroutines at once.
func checkReaders(ctx context.Context, e Env) error {
	h, err := readable(ctx, e)
	if err != nil {
		return err
	}
	return reading(ctx, e.Source, func(b backup.Backup) error {
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(8)
		for range 2 {
			g.Go(func() error {
				for range b.Items(ctx) {
				}
				return nil
			})
		}
		for i, f := range h.files(len(h.items)) {
			g.Go(func() error {
				off := int64(i) * f.Size / int64(len(h.items))
				r, err := b.Open(ctx, f.Item, off)
				if err != nil {
					return fmt.Errorf("open among others: %w", err)
				}
				defer r.Close()
				got, err := io.ReadAll(r)
				if err != nil {
					return fmt.Errorf("read among others: %w", err)
				}
				if !slices.Equal(got, f.content[off:]) {
					return errors.New("several readers at once get other content")
				}
				return nil
			})
		}
		return g.Wait()
	})
}
