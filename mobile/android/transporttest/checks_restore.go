package transporttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ferry-move/ferry/mobile/android"
)

const third = "com.example.third"

// three stores one app of each form, and one that is never asked for.
func (e *env) three(ctx context.Context) error {
	return all(
		func() error { return e.put(ctx, third, put("a", "1")) },
		func() error { return e.full(ctx, other, tree("a")...) },
		func() error { return e.put(ctx, app, put("b", strings.Repeat("2", 200_000))) },
		func() error { return e.full(ctx, "com.example.fourth", document("x", "y")) },
	)
}

// names makes a restore without fetching anything.
func (e *env) names(ctx context.Context, pkgs ...string) ([]string, error) {
	if ok, err := e.start(ctx, pkgs...); err != nil || !ok {
		return nil, err
	}
	var got []string
	for range len(pkgs) + 2 {
		d, err := e.tr.NextPackage(ctx)
		if err != nil {
			return got, fmt.Errorf("NextPackage: %w", err)
		}
		if d.Type == android.RestoreNone {
			break
		}
		got = append(got, d.Package)
	}
	d, err := e.tr.NextPackage(ctx)
	if err != nil || d != (android.RestoreDescription{}) {
		return got, fmt.Errorf("NextPackage after the last: %q and %w", d.Package, err)
	}
	return got, e.tr.FinishRestore(ctx)
}

// order: the metadata first, then what was asked for and is there, as it was
// asked for.
func order(ctx context.Context, e *env) error {
	if err := e.three(ctx); err != nil {
		return err
	}
	const meta = android.MetadataPackage
	for _, c := range []struct{ ask, want []string }{
		{[]string{meta, third, other, app}, []string{meta, third, other, app}},
		{[]string{app, other, meta, third}, []string{meta, app, other, third}},
		{[]string{other, "com.example.none", app}, []string{meta, other, app}},
		{[]string{meta, "com.example.none"}, []string{meta}},
		{nil, []string{meta}},
	} {
		got, err := e.names(ctx, c.ask...)
		if err != nil {
			return err
		}
		if !slices.Equal(got, c.want) {
			return fmt.Errorf("asked for %q and got %q, want %q", c.ask, got, c.want)
		}
	}
	return e.same(ctx)
}

// next goes to the next package, which has to be the one that is named.
func (e *env) next(ctx context.Context, want string) (android.RestoreDescription, error) {
	d, err := e.tr.NextPackage(ctx)
	if err != nil {
		return d, fmt.Errorf("NextPackage: %w", err)
	}
	if d.Package != want {
		return d, fmt.Errorf("NextPackage: %q instead of %q", d.Package, want)
	}
	return d, nil
}

// take goes to the next package and takes its data.
func (e *env) take(ctx context.Context, pkg string) error {
	d, err := e.next(ctx, pkg)
	if err != nil {
		return err
	}
	c, err := e.fetch(ctx, d)
	if err == nil && (pkg != android.MetadataPackage || !e.OwnMetadata) {
		err = e.want[pkg].equal(c)
	}
	if err != nil {
		return fmt.Errorf("package %q: %w", pkg, err)
	}
	return nil
}

// begun stores three apps and begins a restore of all.
func (e *env) begun(ctx context.Context) error {
	if err := e.three(ctx); err != nil {
		return err
	}
	ok, err := e.start(ctx, android.MetadataPackage, third, other, app, "com.example.fourth")
	if err == nil && !ok {
		err = errors.New("there is no set to restore")
	}
	return err
}

// skipping: what is not fetched, or not to its end, does not disturb the rest.
func skipping(ctx context.Context, e *env) error {
	return all(
		func() error { return e.begun(ctx) },
		func() error { return e.take(ctx, android.MetadataPackage) },
		func() error { _, err := e.next(ctx, third); return err },
		func() error { _, err := e.next(ctx, other); return err },
		func() error { return e.part(ctx) },
		func() error { return e.take(ctx, app) },
		func() error { _, err := e.next(ctx, "com.example.fourth"); return err },
		func() error { return e.tr.FinishRestore(ctx) },
		func() error { return e.same(ctx) }, // a second restore
	)
}

// part takes the beginning of a full backup.
func (e *env) part(ctx context.Context) error {
	if r, ok := e.tr.(android.EntryRestorer); ok {
		_, err := r.NextEntry(ctx)
		return err
	}
	_, err := e.chunk(ctx, new(bytes.Buffer))
	return err
}

func abort(ctx context.Context, e *env) error {
	ended, cancel := context.WithCancel(ctx)
	cancel()
	return all(
		func() error { return e.begun(ctx) },
		func() error { return e.take(ctx, android.MetadataPackage) },
		func() error { return e.take(ctx, third) },
		func() error { _, err := e.next(ctx, other); return err },
		func() error { return e.part(ctx) },
		func() error { return e.tr.AbortFullRestore(ctx) },
		func() error { return e.take(ctx, app) },
		func() error { _, err := e.next(ctx, "com.example.fourth"); return err },
		func() error { return e.tr.AbortFullRestore(ended) }, // nothing was taken
		func() error { return e.tr.FinishRestore(ended) },
		func() error { return e.same(ctx) },
	)
}

var errWriter = errors.New("the agent went away")

// badWriter takes some bytes and fails.
type badWriter struct{ left int }

func (w *badWriter) Write(b []byte) (int, error) {
	n := min(len(b), w.left)
	if w.left -= n; n < len(b) {
		return n, errWriter
	}
	return n, nil
}

// failingWriter: an agent that takes nothing costs its own data only.
func failingWriter(ctx context.Context, e *env) error {
	return all(
		func() error { return e.begun(ctx) },
		func() error { return e.take(ctx, android.MetadataPackage) },
		func() error { return e.take(ctx, third) },
		func() error { _, err := e.next(ctx, other); return err },
		func() error {
			if _, ok := e.tr.(android.EntryRestorer); ok {
				return nil
			}
			if _, err := e.tr.NextFullChunk(ctx, &badWriter{}); err == nil || errors.Is(err, android.NoMoreData) {
				return fmt.Errorf("NextFullChunk to a writer that fails: %v", err)
			}
			return e.tr.AbortFullRestore(ctx)
		},
		func() error { _, err := e.next(ctx, app); return err },
		func() error {
			if e.tr.RestoreData(ctx, &badWriter{left: 1000}) == nil {
				return errors.New("RestoreData to a writer that fails succeeds")
			}
			return nil
		},
		func() error { return e.take(ctx, "com.example.fourth") },
		func() error { return e.tr.FinishRestore(ctx) },
		func() error { return e.same(ctx) },
	)
}

// chunkCodes: the end stays the end, and each form has its own call.
func chunkCodes(ctx context.Context, e *env) error {
	return all(
		func() error { return e.begun(ctx) },
		func() error { return e.take(ctx, android.MetadataPackage) },
		func() error { _, err := e.next(ctx, third); return err },
		func() error {
			if n, err := e.tr.NextFullChunk(ctx, io.Discard); err == nil || n != 0 {
				return errors.New("NextFullChunk gives files of an app that has entities")
			}
			return nil
		},
		func() error { return e.take(ctx, other) },
		func() error {
			if r, ok := e.tr.(android.EntryRestorer); ok {
				_, err := r.NextEntry(ctx)
				return refused("NextEntry behind the end", err, android.NoMoreData)
			}
			n, err := e.tr.NextFullChunk(ctx, io.Discard)
			if n != 0 {
				return fmt.Errorf("NextFullChunk gives %d bytes behind the end", n)
			}
			return refused("NextFullChunk behind the end", err, android.NoMoreData)
		},
		func() error {
			if e.tr.RestoreData(ctx, io.Discard) == nil {
				return errors.New("RestoreData gives entities of an app that has files")
			}
			return nil
		},
		func() error { return e.take(ctx, app) },
		func() error { return e.tr.FinishRestore(ctx) },
	)
}

// endedContext: nothing is given out any more, and the end can be told.
func endedContext(ctx context.Context, e *env) error {
	ended, cancel := context.WithCancel(ctx)
	cancel()
	return all(
		func() error { return e.begun(ctx) },
		func() error { return e.take(ctx, android.MetadataPackage) },
		func() error { _, err := e.next(ctx, third); return err },
		func() error {
			var b bytes.Buffer
			if e.tr.RestoreData(ended, &b) == nil {
				return errors.New("RestoreData goes on with a context that ended")
			}
			return nil
		},
		func() error { _, err := e.next(ctx, other); return err },
		func() error {
			var err error
			if r, ok := e.tr.(android.EntryRestorer); ok {
				_, err = r.NextEntry(ended)
			} else {
				_, err = e.tr.NextFullChunk(ended, io.Discard)
			}
			if err == nil || errors.Is(err, android.NoMoreData) {
				return errors.New("files are given out with a context that ended")
			}
			return nil
		},
		func() error { return e.tr.FinishRestore(ended) },
		func() error { return e.same(ctx) },
	)
}

// outOfOrder: calls that nothing began are refused, ends are always taken.
func outOfOrder(ctx context.Context, e *env) error {
	named := func(when string) error {
		if d, err := e.tr.NextPackage(ctx); err == nil && d != (android.RestoreDescription{}) {
			return fmt.Errorf("NextPackage %s names %q", when, d.Package)
		}
		if e.tr.RestoreData(ctx, io.Discard) == nil {
			return fmt.Errorf("RestoreData %s succeeds", when)
		}
		if n, err := e.tr.NextFullChunk(ctx, io.Discard); n != 0 || err == nil {
			return fmt.Errorf("NextFullChunk %s succeeds", when)
		}
		return nil
	}
	return all(
		func() error { return named("without StartRestore") },
		func() error { return e.tr.FinishBackup(ctx) },
		func() error { return e.tr.CancelFullBackup(ctx) },
		func() error { return e.tr.AbortFullRestore(ctx) },
		func() error { return e.tr.FinishRestore(ctx) },
		func() error {
			if e.tr.SendBackupData(ctx, 1) == nil {
				return errors.New("SendBackupData without PerformFullBackup succeeds")
			}
			return nil
		},
		func() error { return e.put(ctx, app, put("a", "1")) },
		func() error {
			token, err := e.token(ctx)
			if err != nil {
				return err
			}
			if e.tr.StartRestore(ctx, token^0x5A5A5A5A, []string{app}) == nil {
				return errors.New("StartRestore takes a token that is nobody's")
			}
			return named("after a StartRestore that failed")
		},
		func() error { _, err := e.start(ctx, app); return err },
		func() error { return e.tr.FinishRestore(ctx) },
		func() error { return e.tr.FinishRestore(ctx) },
		func() error { return named("after FinishRestore") },
		func() error { return e.same(ctx) },
	)
}
