package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"lukechampine.com/blake3"
)

// MaxFailures is how many failures a [Tally] lists; it counts all of them.
const MaxFailures = 1000

const (
	batchItems = 256      // items that are committed together
	batchBytes = 16 << 20 // or as many bytes of content
	blockSize  = 256 << 10
)

// Tally is what became of the items of one run. Each is counted once.
type Tally struct {
	Added, Merged, Skipped, Failed int64
	// Bytes is the content of the items that were added or merged.
	Bytes int64
	// Failures lists the first [MaxFailures] items that failed.
	Failures []Failure
}

// Failure names an item that was not moved, for the report to its owner.
type Failure struct {
	Kind   Kind
	Key    Key
	Reason Reason
}

// Items returns how many items were counted.
func (t *Tally) Items() int64 { return t.Added + t.Merged + t.Skipped + t.Failed }

func (t *Tally) count(it Item, r Result) {
	switch r.Outcome {
	case Added:
		t.Added++
		t.Bytes += it.Size
	case Merged:
		t.Merged++
		t.Bytes += it.Size
	case Skipped:
		t.Skipped++
	default: // Failed, and what is no outcome at all
		t.Failed++
		if len(t.Failures) == MaxFailures {
			return
		}
		reason := ReasonOf(r.Err)
		if reason == 0 {
			reason = Unknown
		}
		t.Failures = append(t.Failures, Failure{it.Kind, it.Key, reason})
	}
}

// Copy moves everything that src yields into dst, in one goroutine and with no
// network between them. It is the reference for the engine that has one: from
// the same agents both must end with the same data and the same counts.
//
// An item that fails is counted and the next one goes on. The error is not nil
// when the agents are of different kinds, when one of them cannot be opened,
// finished or closed, and when ctx ended; the tally then holds what had been
// decided by that time, and what was staged and not committed is gone.
func Copy(ctx context.Context, dst, src Agent, t Transport) (_ Tally, err error) {
	kind := src.Info().Kind
	if k := dst.Info().Kind; k != kind {
		return Tally{}, fmt.Errorf("copy %s: the target takes %s: %w", kind, k, Unsupported)
	}
	from, err := src.Backup(ctx, t)
	if err != nil {
		return Tally{}, fmt.Errorf("copy %s: open the source: %w", kind, err)
	}
	defer func() { err = closed(err, kind, "source", from) }()
	to, err := dst.Restore(ctx, t)
	if err != nil {
		return Tally{}, fmt.Errorf("copy %s: open the target: %w", kind, err)
	}
	defer func() { err = closed(err, kind, "target", to) }()

	r := run{from: from, to: to}
	release := func(Item) {}
	if r, ok := from.(Releaser); ok {
		release = r.Release
	}
	for it, err := range from.Items(ctx) {
		if ctx.Err() != nil {
			break
		}
		if err == nil {
			err = r.move(ctx, it)
			release(it)
		}
		if err != nil && ctx.Err() == nil {
			r.tally.count(it, Result{Outcome: Failed, Err: err})
		}
	}
	r.commit(ctx)
	if err := ctx.Err(); err != nil {
		return r.tally, fmt.Errorf("copy %s: %w", kind, err)
	}
	if f, ok := to.(Finisher); ok {
		if err := f.Finish(ctx); err != nil {
			return r.tally, fmt.Errorf("copy %s: finish: %w", kind, err)
		}
	}
	return r.tally, nil
}

// closed closes c and keeps the error that came first in front.
func closed(err error, kind Kind, side string, c io.Closer) error {
	if cerr := c.Close(); cerr != nil {
		return errors.Join(err, fmt.Errorf("copy %s: close the %s: %w", kind, side, cerr))
	}
	return err
}

// run is one Copy. It is owned by the goroutine that called it.
type run struct {
	from  Backup
	to    Restore
	tally Tally

	staged []Staged // the open batch
	items  []Item   // what staged was made from
	bytes  int64    // their content
	block  []byte   // made with the first file
}

// move brings one item into the batch, or counts it as skipped. An item whose
// error it returns is neither.
func (r *run) move(ctx context.Context, it Item) error {
	if c, ok := r.to.(Checker); ok {
		here, err := r.check(ctx, c, it)
		if err != nil {
			return err
		}
		if here {
			r.tally.count(it, Result{Outcome: Skipped})
			return nil
		}
	}
	s, err := r.to.Stage(ctx, it)
	if err != nil {
		return err
	}
	if it.Type == TypeFile {
		f, ok := s.(StagedFile)
		if !ok {
			err = Fail("stage", it.Kind, Unknown, errors.New("the target takes no content"))
		} else {
			err = r.read(ctx, it, f.WriteAt)
		}
	}
	if err != nil {
		if derr := s.Discard(); derr != nil {
			err = errors.Join(err, derr)
		}
		return err
	}
	r.staged, r.items, r.bytes = append(r.staged, s), append(r.items, it), r.bytes+it.Size
	if len(r.staged) >= batchItems || r.bytes >= batchBytes {
		r.commit(ctx)
	}
	return nil
}

// check reports whether the target has this very item.
func (r *run) check(ctx context.Context, c Checker, it Item) (bool, error) {
	a := c.Check(ctx, it, Prior{})
	switch a.Verdict {
	case Have:
		return true, nil
	case Refuse:
		if a.Err == nil {
			return false, Fail("check", it.Kind, Unknown, nil)
		}
		return false, a.Err
	case Compare:
		d, err := r.digest(ctx, it)
		return slices.Contains(a.Digests, d), err
	}
	return false, nil
}

func (r *run) digest(ctx context.Context, it Item) (d Digest, err error) {
	if it.Type != TypeFile {
		return blake3.Sum256(it.Value), nil
	}
	h := blake3.New(len(d), nil)
	err = r.read(ctx, it, func(p []byte, _ int64) (int, error) { return h.Write(p) })
	h.Sum(d[:0])
	return d, err
}

// read gives a file's content to write, block by block. Content that is not
// as long as the item says has changed.
func (r *run) read(ctx context.Context, it Item, write func(p []byte, off int64) (int, error)) (err error) {
	f, err := r.from.Open(ctx, it, 0)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := f.Close(); err == nil && cerr != nil {
			err = Fail("close", it.Kind, ReasonOf(cerr), cerr)
		}
	}()
	if r.block == nil {
		r.block = make([]byte, blockSize)
	}
	for off := int64(0); ; {
		n, rerr := io.ReadFull(f, r.block)
		if err := ctx.Err(); err != nil {
			return err
		}
		if off+int64(n) > it.Size {
			return Fail("read", it.Kind, Changed, nil)
		}
		if n > 0 {
			if _, err := write(r.block[:n], off); err != nil {
				return err
			}
			off += int64(n)
		}
		switch {
		case rerr == nil:
		case rerr != io.EOF && rerr != io.ErrUnexpectedEOF:
			return rerr
		case off != it.Size:
			return Fail("read", it.Kind, Changed, nil)
		default:
			return nil
		}
	}
}

// commit ends the open batch. What did not end because ctx did is not counted.
func (r *run) commit(ctx context.Context) {
	if len(r.staged) == 0 || ctx.Err() != nil {
		return
	}
	res := r.to.Commit(ctx, r.staged)
	for i, it := range r.items {
		var one Result
		if i < len(res) {
			one = res[i]
		}
		cut := ctx.Err()
		if cut != nil && (!one.Outcome.Valid() || one.Outcome == Failed && errors.Is(one.Err, cut)) {
			continue
		}
		r.tally.count(it, one)
	}
	r.staged, r.items, r.bytes = r.staged[:0], r.items[:0], 0
}
