package backuptest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ferry-move/ferry/mobile/backup"
	"golang.org/x/sync/errgroup"
)

// copied runs one copy and checks its counts: added and merged items are new,
// directories may have come with what is in them.
func copied(ctx context.Context, dst, src backup.Agent, want held) error {
	t, err := backup.Copy(ctx, dst, src, d2d)
	if err != nil {
		return err
	}
	dirs := int64(len(want.items) - len(want.solid()))
	if t.Items() != int64(len(want.items)+want.failed) || t.Failed != int64(want.failed) || t.Skipped > dirs {
		return fmt.Errorf("the first run of %d items and %d that fail: %d added, %d merged, %d skipped, %d failed",
			len(want.items), want.failed, t.Added, t.Merged, t.Skipped, t.Failed)
	}
	return nil
}

// twice copies src to dst two times and compares after each.
func twice(ctx context.Context, e Env, dst backup.Agent) error {
	want, err := readable(ctx, e)
	if err != nil {
		return err
	}
	if err := copied(ctx, dst, e.Source, want); err != nil {
		return err
	}
	first, err := load(ctx, dst)
	if err != nil {
		return err
	}
	if err := same(e, want, first); err != nil {
		return fmt.Errorf("after the first run: %w", err)
	}
	t, err := backup.Copy(ctx, dst, e.Source, d2d)
	if err != nil {
		return fmt.Errorf("the second run: %w", err)
	}
	if t.Added+t.Merged > 0 || t.Skipped != int64(len(want.items)) || t.Failed != int64(want.failed) {
		return fmt.Errorf("the second run of %d items and %d that fail: %d added, %d merged, %d skipped, %d failed",
			len(want.items), want.failed, t.Added, t.Merged, t.Skipped, t.Failed)
	}
	second, err := load(ctx, dst)
	if err != nil {
		return err
	}
	if !slices.EqualFunc(first.items, second.items, func(a, b full) bool {
		return identical(a.Item, b.Item) && slices.Equal(a.content, b.content)
	}) {
		return errors.New("the second run changed something")
	}
	return nil
}

func checkTwice(ctx context.Context, e Env) error { return twice(ctx, e, e.NewTarget()) }

// checkUnchecked wants the same of a target that is never asked beforehand.
func checkUnchecked(ctx context.Context, e Env) error {
	return twice(ctx, e, unchecked{e.NewTarget()})
}

func checkBatches(ctx context.Context, e Env) error {
	for _, n := range []int{1, 2, 7} {
		if err := twice(ctx, e, rebatched{e.NewTarget(), n}); err != nil {
			return fmt.Errorf("in batches of %d: %w", n, err)
		}
	}
	dst := e.NewTarget()
	return restoring(ctx, dst, func(r backup.Restore) error {
		_, err := commit(ctx, r, nil)
		return err
	})
}

// checkDuplicate gives a target the same item twice in one batch.
func checkDuplicate(ctx context.Context, e Env) error {
	want, err := readable(ctx, e)
	if err != nil {
		return err
	}
	dst := e.NewTarget()
	one := want.solid()[0]
	err = restoring(ctx, dst, func(r backup.Restore) error {
		res, err := put(ctx, r, one, one)
		if err != nil {
			return err
		}
		if res[0].Outcome != backup.Added || res[1].Outcome != backup.Skipped && res[1].Outcome != backup.Merged {
			return fmt.Errorf("the same item twice is %s and %s", res[0].Outcome, res[1].Outcome)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return holds(ctx, e, held{items: []full{one}}, dst)
}

// checkBeside gives a target a file whose name another content has.
func checkBeside(ctx context.Context, e Env) error {
	want, err := readable(ctx, e)
	if err != nil {
		return err
	}
	files := want.files(1)
	if len(files) == 0 || files[0].Size == 0 {
		return nil
	}
	dst := e.NewTarget()
	other := files[0]
	other.content = slices.Clone(other.content)
	other.content[0] ^= 0xff
	var name backup.Key
	for range 2 { // the second time it is there
		err := restoring(ctx, dst, func(r backup.Restore) error {
			res, err := put(ctx, r, files[0], other)
			if err != nil {
				return err
			}
			if res[0].Outcome == backup.Failed || res[1].Outcome == backup.Failed {
				return errors.Join(res[0].Err, res[1].Err)
			}
			if name = res[1].Name; name == "" || name == other.Key {
				return errors.New("other content of the same name got no name of its own")
			}
			return nil
		})
		if err != nil {
			return err
		}
		moved := other
		moved.Key = name
		if err := holds(ctx, e, held{items: []full{files[0], moved}}, dst); err != nil {
			return fmt.Errorf("other content of the same name: %w", err)
		}
	}
	return nil
}

// checkAnswers asks an empty target and a full one.
func checkAnswers(ctx context.Context, e Env) error {
	want, err := readable(ctx, e)
	if err != nil {
		return err
	}
	dst := e.NewTarget()
	ask := func(priors func(full) []backup.Prior, f func(i int, it full, a backup.Answer) error) error {
		return restoring(ctx, dst, func(r backup.Restore) error {
			c, ok := r.(backup.Checker)
			if !ok {
				return nil
			}
			for i, it := range want.solid() {
				early := it.Item // as an engine asks: before there is content
				if early.Type == backup.TypeEntity {
					early.Value, early.Digest = nil, it.digest()
				}
				for _, prior := range priors(it) {
					if err := f(i, it, c.Check(ctx, early, prior)); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	// A prior is a note of the program's own and is believed, but only of what
	// is there.
	noted := func(it full) []backup.Prior { return []backup.Prior{{}, {Digest: it.digest()}} }
	wrong := func(full) []backup.Prior { return []backup.Prior{{}, {Digest: backup.Digest{1}}} }
	err = ask(wrong, func(i int, it full, a backup.Answer) error {
		if a.Verdict != backup.Need {
			return fmt.Errorf("an empty target answers %d about item %d", a.Verdict, i)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := copied(ctx, dst, e.Source, want); err != nil {
		return err
	}
	return ask(noted, func(i int, it full, a backup.Answer) error {
		switch a.Verdict {
		case backup.Have:
			if a.Digest != it.digest() || len(a.Names) > 1 {
				return fmt.Errorf("the target has item %d and gives another digest", i)
			}
		case backup.Compare:
			if !slices.Contains(a.Digests, it.digest()) || len(a.Names) != 0 && len(a.Names) != len(a.Digests) {
				return fmt.Errorf("the target has item %d and would compare it with others", i)
			}
		case backup.Need: // Commit will tell
		default:
			return fmt.Errorf("a full target answers %d about item %d", a.Verdict, i)
		}
		return nil
	})
}

// checkDiscard discards every second item; the others arrive.
func checkDiscard(ctx context.Context, e Env) error {
	all, err := readable(ctx, e)
	if err != nil {
		return err
	}
	dst := e.NewTarget()
	var want held
	err = restoring(ctx, dst, func(r backup.Restore) error {
		var batch, dropped []backup.Staged
		for i, f := range all.solid() {
			s, err := stage(ctx, r, f)
			if err != nil {
				return fmt.Errorf("stage item %d: %w", i, err)
			}
			if i%2 == 0 {
				dropped = append(dropped, s)
				continue
			}
			batch, want.items = append(batch, s), append(want.items, f)
		}
		for _, s := range dropped {
			if err := s.Discard(); err != nil {
				return fmt.Errorf("discard: %w", err)
			}
		}
		_, err := commit(ctx, r, batch)
		return err
	})
	if err != nil {
		return err
	}
	if err := holds(ctx, e, want, dst); err != nil {
		return fmt.Errorf("after every second item was discarded: %w", err)
	}
	return nil
}

// checkUncommitted stages everything and commits nothing.
func checkUncommitted(ctx context.Context, e Env) error {
	all, err := readable(ctx, e)
	if err != nil {
		return err
	}
	dst := e.NewTarget()
	err = restoring(ctx, dst, func(r backup.Restore) error {
		for i, f := range all.items {
			if _, err := stage(ctx, r, f); err != nil {
				return fmt.Errorf("stage item %d: %w", i, err)
			}
		}
		if err := holds(ctx, e, held{}, dst); err != nil {
			return fmt.Errorf("before anything was committed: %w", err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := holds(ctx, e, held{}, dst); err != nil {
		return fmt.Errorf("closed without a commit: %w", err)
	}
	return nil
}

// checkGarbage puts what nobody should accept between good items.
func checkGarbage(ctx context.Context, e Env) error {
	all, err := readable(ctx, e)
	if err != nil {
		return err
	}
	good := all.solid()
	good = good[:min(3, len(good))]
	dst := e.NewTarget()
	accepted := 0
	err = restoring(ctx, dst, func(r backup.Restore) error {
		var batch []backup.Staged
		var bad []int // places of garbage in batch
		for i, f := range good {
			for _, g := range garbage(f) {
				if s, err := stage(ctx, r, g); err == nil {
					bad, batch = append(bad, len(batch)), append(batch, s)
				} else if backup.ReasonOf(err) == 0 {
					return errors.New("garbage is refused without a reason")
				}
			}
			s, err := stage(ctx, r, f)
			if err != nil {
				return fmt.Errorf("stage good item %d: %w", i, err)
			}
			batch = append(batch, s)
		}
		res, err := commit(ctx, r, batch)
		if err != nil {
			return err
		}
		for i, one := range res {
			switch garbage := slices.Contains(bad, i); {
			case garbage && one.Outcome != backup.Failed:
				accepted++
			case !garbage && one.Outcome == backup.Failed:
				return fmt.Errorf("a good item among garbage failed: %w", one.Err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if accepted > 0 {
		return fmt.Errorf("%d items of garbage were accepted", accepted)
	}
	if err := holds(ctx, e, held{items: good}, dst); err != nil {
		return fmt.Errorf("good items among garbage: %w", err)
	}
	return nil
}

// garbage makes items like f that no target may accept.
func garbage(f full) []full {
	keys := []backup.Key{"", backup.Key(strings.Repeat("k", backup.MaxKey+1))}
	if f.Type == backup.TypeFile {
		keys = append(keys, "..", "../"+f.Key, "/"+f.Key, "a/../../"+f.Key, f.Key+"/..", "./"+f.Key, "a//b", "a\x00b", "a/")
	}
	var all []full
	for _, k := range keys {
		g := f
		g.Key = k
		all = append(all, g)
	}
	kind, typ := f, f
	kind.Kind = "no-such-kind"
	typ.Type = 200
	return append(all, kind, typ)
}

// checkCancelled ends the context before a commit: each item gets a result and
// what failed is not there.
func checkCancelled(ctx context.Context, e Env) error {
	all, err := readable(ctx, e)
	if err != nil {
		return err
	}
	cut, cancel := context.WithCancel(ctx)
	cancel()
	dst := e.NewTarget()
	if _, err := backup.Copy(cut, dst, e.Source, d2d); !errors.Is(err, context.Canceled) {
		return fmt.Errorf("a copy whose context ended returns %v", err)
	}
	if err := holds(ctx, e, held{}, dst); err != nil {
		return fmt.Errorf("after a copy whose context ended: %w", err)
	}
	var want held
	err = restoring(ctx, dst, func(r backup.Restore) error {
		items := all.solid()
		items = items[:min(3, len(items))]
		var batch []backup.Staged
		for i, f := range items {
			s, err := stage(ctx, r, f)
			if err != nil {
				return fmt.Errorf("stage item %d: %w", i, err)
			}
			batch = append(batch, s)
		}
		res, err := commit(cut, r, batch)
		if err != nil {
			return err
		}
		for i, one := range res {
			if one.Outcome != backup.Failed {
				want.items = append(want.items, items[i])
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := holds(ctx, e, want, dst); err != nil {
		return fmt.Errorf("after a commit whose context ended: %w", err)
	}
	return nil
}

// checkWriters brings everything in from several goroutines, each file's
// blocks out of order and from two at once.
func checkWriters(ctx context.Context, e Env) error {
	want, err := readable(ctx, e)
	if err != nil {
		return err
	}
	dst := e.NewTarget()
	err = restoring(ctx, dst, func(r backup.Restore) error {
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(8)
		for i, f := range want.items {
			g.Go(func() error {
				if c, ok := r.(backup.Checker); ok {
					if a := c.Check(ctx, f.Item, backup.Prior{}); a.Verdict == backup.Refuse {
						return fmt.Errorf("item %d is refused: %w", i, a.Err)
					}
				}
				s, err := r.Stage(ctx, f.Item)
				if err != nil {
					return fmt.Errorf("stage item %d: %w", i, err)
				}
				if f.Type == backup.TypeFile {
					if err := scatter(s.(backup.StagedFile), f.content); err != nil {
						return fmt.Errorf("write item %d: %w", i, err)
					}
				}
				res, err := commit(ctx, r, []backup.Staged{s})
				if err == nil && res[0].Err != nil {
					err = fmt.Errorf("commit item %d: %w", i, res[0].Err)
				}
				return err
			})
		}
		return g.Wait()
	})
	if err != nil {
		return err
	}
	return holds(ctx, e, want, dst)
}

// scatter writes b backwards in odd blocks, every second one elsewhere.
func scatter(w backup.StagedFile, b []byte) error {
	const block = 100_003
	var g errgroup.Group
	for part := range 2 {
		g.Go(func() error {
			for n := (len(b) - 1) / block; n >= 0; n-- {
				if n%2 != part || len(b) == 0 {
					continue
				}
				off := n * block
				if _, err := w.WriteAt(b[off:min(off+block, len(b))], int64(off)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

func checkFlags(ctx context.Context, e Env) error {
	if e.Transport == nil {
		return nil
	}
	t := backup.Transport{Flags: backup.FlagDeviceToDeviceTransfer, Quota: 1 << 40}
	dst := e.NewTarget()
	if _, err := backup.Copy(ctx, dst, e.Source, t); err != nil {
		return err
	}
	if read, _ := e.Transport(e.Source); read != t {
		return errors.New("the source did not see its transport")
	}
	if _, taken := e.Transport(dst); taken != t {
		return errors.New("the target did not see its transport")
	}
	return nil
}
