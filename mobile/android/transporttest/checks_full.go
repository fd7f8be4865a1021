package transporttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/ferry-move/ferry/mobile/android"
)

// tree is an app's files; seed changes their content.
func tree(seed string) []file {
	return []file{
		folder("notes"),
		document("notes/empty", ""),
		document("notes/one", seed),
		document("notes/"+strings.Repeat("a long name ", 12), strings.Repeat(seed, 700)),
		document("ünïcode", strings.Repeat(seed, 20_000)),
	}
}

func full(ctx context.Context, e *env) error {
	return all(
		func() error { return e.full(ctx, app, tree("a")...) },
		func() error { return e.full(ctx, other, document("x", strings.Repeat("12345", 700_000))) },
		func() error { return e.same(ctx) },
	)
}

func fullAgain(ctx context.Context, e *env) error {
	return all(
		func() error { return e.full(ctx, app, tree("a")...) },
		func() error { return e.full(ctx, app, document("less", "b")) },
		func() error { return e.same(ctx) },
	)
}

// changeOfForm: what an app had in the other form goes when the new is there.
func changeOfForm(ctx context.Context, e *env) error {
	return all(
		func() error { return e.put(ctx, app, put("a", "1")) },
		func() error { return e.full(ctx, app, tree("a")...) },
		func() error { return e.same(ctx) },
		func() error { return e.put(ctx, app, put("b", "2")) },
		func() error { return e.same(ctx) },
		func() error { return e.full(ctx, app, tree("b")...) },
		func() error { return e.same(ctx) },
	)
}

// counter counts what was read.
type counter struct {
	r io.Reader
	n int
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += n
	return n, err
}

// readsExactly: a stream is read when and as far as the transport is told.
func readsExactly(ctx context.Context, e *env) error {
	if _, ok := e.tr.(android.EntryBackuper); ok {
		return nil
	}
	files := tree("a")
	tar, err := tarOf(app, files)
	if err != nil {
		return err
	}
	c := &counter{r: bytesOf(append(bytes.Clone(tar), "not of this app"...))}
	s, err := e.begin(ctx, app, c, files...)
	if err != nil {
		return err
	}
	sent := 0
	for _, n := range []int{1, 511, 0, 512, 3, 9_000} {
		if c.n != sent {
			return fmt.Errorf("%d bytes were read of the %d that were announced", c.n, sent)
		}
		if err := e.tr.SendBackupData(ctx, n); err != nil {
			return fmt.Errorf("SendBackupData: %w", err)
		}
		sent += n
		s.left -= n
	}
	if err := s.rest(ctx); err != nil {
		return err
	}
	if c.n != len(tar) {
		return fmt.Errorf("%d bytes were read of the %d that were announced", c.n, len(tar))
	}
	if err := e.tr.FinishBackup(ctx); err != nil {
		return fmt.Errorf("FinishBackup: %w", err)
	}
	e.want[app] = content{form: android.RestoreFull, tar: tar}
	return e.same(ctx)
}

// cancelled makes a full backup that is cancelled after so many pieces.
func (e *env) cancelled(ctx context.Context, pkg string, pieces int) error {
	s, err := e.begin(ctx, pkg, nil, tree("new")...)
	if err != nil {
		return err
	}
	for range pieces {
		if err := s.next(ctx); err == io.EOF {
			break
		} else if err != nil {
			return fmt.Errorf("send: %w", err)
		}
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if err := e.tr.CancelFullBackup(ended); err != nil {
		return fmt.Errorf("CancelFullBackup with a context that ended: %w", err)
	}
	return e.same(ctx)
}

// broken makes a full backup of which a piece fails, and confirms it all the
// same, as Android does.
func (e *env) broken(ctx context.Context, pkg string, from int, cause error) error {
	if _, ok := e.tr.(android.EntryBackuper); ok {
		return nil // the transport has no stream
	}
	files := tree("new")
	tar, err := tarOf(pkg, files)
	if err != nil {
		return err
	}
	var in io.Reader = bytesOf(tar[:from])
	if cause != nil {
		in = failAfter(tar, from, cause, nil)
	}
	s, err := e.begin(ctx, pkg, in, files...)
	if err != nil {
		return err
	}
	err = s.rest(ctx)
	switch {
	case err == nil:
		return errors.New("SendBackupData succeeds without the data")
	case cause != nil && !errors.Is(err, cause):
		return fmt.Errorf("SendBackupData: %w, which does not wrap the stream's error", err)
	}
	if e.tr.SendBackupData(ctx, 1) == nil {
		return errors.New("SendBackupData succeeds after a failure")
	}
	if e.tr.FinishBackup(ctx) == nil {
		return errors.New("FinishBackup forgets that SendBackupData failed")
	}
	return e.same(ctx)
}

// fullFailures: whatever happens to a stream, the app has what it had.
func fullFailures(ctx context.Context, e *env) error {
	if err := e.full(ctx, app, tree("a")...); err != nil {
		return err
	}
	pkgs := []string{other}
	if !e.PassThrough {
		if err := e.put(ctx, "com.example.third", put("a", "1")); err != nil {
			return err
		}
		pkgs = append(pkgs, app, "com.example.third")
	}
	for _, pkg := range pkgs {
		for _, pieces := range []int{0, 1, 3, 1000} {
			if err := e.cancelled(ctx, pkg, pieces); err != nil {
				return fmt.Errorf("cancelled after %d pieces: %w", pieces, err)
			}
		}
		for _, from := range []int{0, 1, 9000, 60_000} {
			for _, cause := range []error{nil, errReader} {
				if err := e.broken(ctx, pkg, from, cause); err != nil {
					return fmt.Errorf("broken after %d bytes: %w", from, err)
				}
			}
		}
		s, err := e.begin(ctx, pkg, nil, tree("new")...)
		if err != nil {
			return err
		}
		ended, cancel := context.WithCancel(ctx)
		cancel()
		if s.next(ended) == nil && e.tr.FinishBackup(ended) == nil {
			return errors.New("a context that ended stops neither the data nor FinishBackup")
		}
		if err := e.tr.CancelFullBackup(ctx); err != nil {
			return fmt.Errorf("CancelFullBackup: %w", err)
		}
		if err := e.same(ctx); err != nil {
			return fmt.Errorf("after a context that ended: %w", err)
		}
	}
	// And the next pass is as good as any.
	return all(
		func() error { return e.full(ctx, other, tree("b")...) },
		func() error { return e.same(ctx) },
	)
}

// fullUnconfirmed: only FinishBackup stores.
func fullUnconfirmed(ctx context.Context, e *env) error {
	pkgs := []string{other}
	if !e.PassThrough {
		if err := e.full(ctx, app, tree("a")...); err != nil {
			return err
		}
		pkgs = append(pkgs, app)
	}
	for _, pkg := range pkgs {
		s, err := e.begin(ctx, pkg, nil, tree("new")...)
		if err != nil {
			return err
		}
		err = all(
			func() error { return s.rest(ctx) },
			func() error { return e.same(ctx) }, // ends with a new process
		)
		if e.Volatile {
			err = errors.Join(err, e.tr.CancelFullBackup(ctx))
		}
		if err != nil {
			return err
		}
	}
	return e.same(ctx)
}

// fullOfNothing: an app with nothing to store is no app with an empty backup.
func fullOfNothing(ctx context.Context, e *env) error {
	if err := e.full(ctx, app, tree("a")...); err != nil {
		return err
	}
	for _, size := range []int64{0, -1, math.MinInt64} {
		if _, err := e.begin(ctx, other, nil, tree("new")...); err != nil {
			return err
		}
		err := e.tr.CheckFullBackupSize(ctx, size)
		if err := refused(fmt.Sprintf("CheckFullBackupSize(%d)", size), err, android.TransportPackageRejected); err != nil {
			return err
		}
		if err := e.tr.CancelFullBackup(ctx); err != nil {
			return fmt.Errorf("CancelFullBackup: %w", err)
		}
	}
	return e.same(ctx)
}
