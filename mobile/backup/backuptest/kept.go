package backuptest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ferry-move/ferry/mobile/backup"
)

// keep stages the beginning of a file, and some bytes further on, and keeps n
// bytes of it. ok is false where the target keeps nothing.
func keep(ctx context.Context, dst backup.Agent, f full, n int64) (l backup.Leftover, ok bool, err error) {
	err = restoring(ctx, dst, func(r backup.Restore) error {
		s, err := r.Stage(ctx, f.Item)
		if err != nil {
			return fmt.Errorf("stage: %w", err)
		}
		k, can := s.(backup.Keeper)
		if _, also := r.(backup.Resumer); !can || !also {
			if can != also {
				return errors.New("it keeps what it cannot resume, or the other way round")
			}
			return s.Discard()
		}
		w := s.(backup.StagedFile)
		for _, at := range [][2]int64{{0, n}, {n + (f.Size-n)/2, f.Size}} {
			if _, err := w.WriteAt(f.content[at[0]:at[1]], at[0]); err != nil {
				return fmt.Errorf("write: %w", err)
			}
		}
		synced, err := k.Sync(n)
		if err != nil {
			return fmt.Errorf("sync: %w", err)
		}
		if l, err = k.Keep(n); err != nil {
			return fmt.Errorf("keep: %w", err)
		}
		ok = true
		named, isNamed := s.(backup.TempNamer)
		switch {
		case !isNamed || l.Name == "" || l.Name != synced.Name:
			return errors.New("what is kept has no name, or another one")
		case l.Length != n || synced.Length != n || l.Held < 0 || l.Stamp == 0 || synced.Stamp != 0:
			return errors.New("what is kept is described wrong")
		case named.TempName() != l.Name:
			return errors.New("it has another temporary name")
		}
		if _, err := k.Keep(n); err == nil {
			return errors.New("it is kept twice")
		}
		if res := r.Commit(ctx, []backup.Staged{s}); len(res) != 1 || res[0].Outcome != backup.Failed {
			return errors.New("what is kept is committed")
		}
		return s.Discard() // must leave it alone
	})
	return l, ok, err
}

// checkKept keeps the beginning of a file, goes on from there in a later run,
// twice, and looks at what arrives.
func checkKept(ctx context.Context, e Env) error {
	all, err := readable(ctx, e)
	if err != nil {
		return err
	}
	dst := e.NewTarget()
	for _, f := range all.files(1) {
		if f.Size < 4 {
			return nil
		}
		n := f.Size / 2
		l, ok, err := keep(ctx, dst, f, n)
		if !ok || err != nil {
			return err
		}
		if err := holds(ctx, e, held{}, dst); err != nil {
			return fmt.Errorf("with a beginning kept: %w", err)
		}
		for _, upTo := range []int64{n + (f.Size-n)/2, f.Size} {
			if l, err = resumeFrom(ctx, dst, f, l, upTo); err != nil {
				return fmt.Errorf("resume up to %d of %d bytes: %w", upTo, f.Size, err)
			}
		}
		if err := holds(ctx, e, held{items: []full{f}}, dst); err != nil {
			return fmt.Errorf("resumed: %w", err)
		}
	}
	return nil
}

// resumeFrom goes on with what was left. A file that is not full by then is kept
// again, any other committed.
func resumeFrom(ctx context.Context, dst backup.Agent, f full, l backup.Leftover, upTo int64) (again backup.Leftover, err error) {
	err = restoring(ctx, dst, func(r backup.Restore) error {
		if c, ok := r.(backup.Checker); ok {
			if a := c.Check(ctx, f.Item, backup.Prior{Left: l}); a.Verdict != backup.Need {
				return fmt.Errorf("the verdict is %d, %w", a.Verdict, a.Err)
			}
		}
		w, touched, err := r.(backup.Resumer).Resume(ctx, f.Item, l)
		if err != nil {
			return err
		}
		if touched {
			return errors.New("it says that somebody has written to it")
		}
		got := make([]byte, l.Length)
		if _, err := w.ReadAt(got, 0); err != nil || !slices.Equal(got, f.content[:l.Length]) {
			return fmt.Errorf("its beginning is something else: %w", err)
		}
		if _, err := w.WriteAt(f.content[l.Length:upTo], l.Length); err != nil {
			return fmt.Errorf("write: %w", err)
		}
		if upTo < f.Size {
			again, err = w.(backup.Keeper).Keep(upTo)
			return err
		}
		res, err := commit(ctx, r, []backup.Staged{w})
		if err == nil && res[0].Outcome != backup.Added {
			err = fmt.Errorf("it is %s: %w", res[0].Outcome, res[0].Err)
		}
		return err
	})
	return again, err
}

// checkKeptRefused asks for leftovers that there are not, and for one that was
// removed. The one that is there stays until then.
func checkKeptRefused(ctx context.Context, e Env) error {
	all, err := readable(ctx, e)
	if err != nil {
		return err
	}
	dst := e.NewTarget()
	for _, f := range all.files(1) {
		if f.Size < 4 {
			return nil
		}
		l, ok, err := keep(ctx, dst, f, f.Size/2)
		if !ok || err != nil {
			return err
		}
		err = restoring(ctx, dst, func(r backup.Restore) error {
			var bad []backup.Leftover
			for _, name := range []string{"", "no-such-file", string(f.Key), "../" + l.Name, "/" + l.Name, l.Name + "x", "a/" + l.Name} {
				other := l
				other.Name = name
				bad = append(bad, other)
			}
			for _, n := range []int64{-1, 0, l.Length + 1, f.Size, f.Size + 1, 1 << 62} {
				other := l
				other.Length = n
				bad = append(bad, other)
			}
			for i, b := range bad {
				if _, _, err := r.(backup.Resumer).Resume(ctx, f.Item, b); err == nil {
					return fmt.Errorf("leftover %d is resumed", i)
				}
			}
			stamped := l
			stamped.Stamp++
			w, touched, err := r.(backup.Resumer).Resume(ctx, f.Item, stamped)
			if err != nil || !touched {
				return fmt.Errorf("one that somebody wrote to is taken as it is: %w", err)
			}
			if l, err = w.(backup.Keeper).Keep(l.Length - 1); err != nil {
				return fmt.Errorf("kept again: %w", err)
			}
			t, ok := r.(backup.TempRemover)
			if !ok {
				return errors.New("what is kept cannot be removed")
			}
			for range 2 {
				if err := t.RemoveTemp(ctx, l.Name); err != nil {
					return fmt.Errorf("remove what is kept: %w", err)
				}
			}
			if _, _, err := r.(backup.Resumer).Resume(ctx, f.Item, l); err == nil {
				return errors.New("what was removed is resumed")
			}
			return nil
		})
		if err != nil {
			return err
		}
		if err := holds(ctx, e, held{}, dst); err != nil {
			return fmt.Errorf("after what was kept is removed: %w", err)
		}
	}
	return nil
}
