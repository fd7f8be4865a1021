package agenttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/ferry-move/ferry/mobile/android"
)

// checkData: the environment is one that the other checks can show something
// with.
func checkData(_ context.Context, env Env) error {
	data, err := env.Read(env.Source)
	if err != nil {
		return err
	}
	if len(data) == 0 {
		return errors.New("the source has no data")
	}
	for _, name := range env.Names {
		found := false
		for k := range data {
			found = found || strings.Contains(k, name)
		}
		if !found {
			return fmt.Errorf("the source has nothing named %q", name)
		}
	}
	data, err = env.Read(env.NewTarget())
	if err == nil && len(data) > 0 {
		err = errors.New("the target has data")
	}
	return err
}

// checkSame: two complete passes are the same, byte for byte.
func checkSame(ctx context.Context, env Env) error {
	one, err := backUp(ctx, env.Source, nil)
	if err != nil {
		return err
	}
	two, err := backUp(ctx, env.Source, nil)
	if err != nil {
		return err
	}
	if !slices.Equal(one.list, two.list) {
		return errors.New("the second pass writes something else")
	}
	if !bytes.Equal(one.state, two.state) {
		return errors.New("the second pass leaves another state")
	}
	return nil
}

// checkNothing: no state and an empty one are the same, and give everything.
func checkNothing(ctx context.Context, env Env) error {
	none, err := backUp(ctx, env.Source, nil)
	if err != nil {
		return err
	}
	empty, err := backUp(ctx, env.Source, []byte{})
	if err != nil {
		return err
	}
	if len(setOf(none.list)) == 0 {
		return errors.New("nothing is written")
	}
	if !slices.Equal(none.list, empty.list) || !bytes.Equal(none.state, empty.state) {
		return errors.New("an empty state is not taken for none")
	}
	return nil
}

// checkUnchanged: what did not change is not written again, and the state that
// such a pass leaves is as good.
func checkUnchanged(ctx context.Context, env Env) error {
	p, err := backUp(ctx, env.Source, nil)
	if err != nil {
		return err
	}
	for range 2 {
		if p, err = backUp(ctx, env.Source, p.state); err != nil {
			return err
		}
		if len(p.list) > 0 {
			return fmt.Errorf("%d entities are written although nothing changed", len(p.list))
		}
	}
	return nil
}

// checkDelta: after a change exactly what changed is written.
func checkDelta(ctx context.Context, env Env) error {
	if env.Change == nil {
		return errNotChecked
	}
	before, err := backUp(ctx, env.Source, nil)
	if err != nil {
		return err
	}
	if err := env.Change(); err != nil {
		return err
	}
	after, err := backUp(ctx, env.Source, nil)
	if err != nil {
		return err
	}
	delta, err := backUp(ctx, env.Source, before.state)
	if err != nil {
		return err
	}
	was, is := setOf(before.list), setOf(after.list)
	want := map[string]string{}
	for k, v := range is {
		if old, ok := was[k]; !ok || old != v {
			want[k] = "written " + v
		}
	}
	gone := false
	for k := range was {
		if _, ok := is[k]; !ok {
			want[k], gone = "deleted", true
		}
	}
	if !gone {
		return errors.New("nothing is gone after Change")
	}
	got := map[string]string{}
	for _, r := range delta.list {
		if _, twice := got[r.key]; twice {
			return fmt.Errorf("%q is written twice", r.key)
		}
		got[r.key] = "written " + r.value
		if r.gone {
			got[r.key] = "deleted"
		}
	}
	if err := differ(want, got, false); err != nil {
		return fmt.Errorf("the delta: %w", err)
	}
	last, err := backUp(ctx, env.Source, delta.state)
	if err == nil && len(last.list) > 0 {
		err = errors.New("the state after a delta does not know everything")
	}
	return err
}

// checkState: whatever became of the state, afterwards everything is stored;
// and what is no state at all gives the complete set.
func checkState(ctx context.Context, env Env) error {
	p, err := backUp(ctx, env.Source, nil)
	if err != nil {
		return err
	}
	stored := setOf(p.list)
	try := func(what string, state []byte, complete bool) error {
		got, err := backUp(ctx, env.Source, state)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if err := differ(stored, stored.apply(got.list), false); err != nil {
			return fmt.Errorf("%s: what is stored afterwards: %w", what, err)
		}
		if complete {
			if err := differ(stored, setOf(got.list), false); err != nil {
				return fmt.Errorf("%s: the complete set: %w", what, err)
			}
		}
		return nil
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 2, 3, 4, 15, 16, 17, 40, 1000} {
		junk := make([]byte, n)
		for i := range junk {
			junk[i] = byte(rng.Uint32())
		}
		for what, state := range map[string][]byte{
			"random bytes": junk, "zeros": make([]byte, n), "ones": bytes.Repeat([]byte{0xFF}, n),
		} {
			if err := try(what, state, true); err != nil {
				return err
			}
		}
	}
	step := max(1, len(p.state)/100)
	for n := 0; n < len(p.state); n += step {
		if err := try(fmt.Sprintf("cut at %d of %d", n, len(p.state)), p.state[:n], n == 0); err != nil {
			return err
		}
		flipped := bytes.Clone(p.state)
		flipped[n] ^= 1 << rng.IntN(8)
		got, err := backUp(ctx, env.Source, flipped)
		if err != nil {
			return fmt.Errorf("flipped at %d: %w", n, err)
		}
		if err := differ(stored, stored.apply(got.list), true); err != nil {
			return fmt.Errorf("flipped at %d: what is stored afterwards: %w", n, err)
		}
	}
	return nil
}

// points are the calls at which something happens: the first ones, the last, and
// some in between if there are many.
func points(calls int) []int {
	var at []int
	for i := 1; i < calls; i++ {
		if i <= 10 || i%(1+calls/25) == 0 {
			at = append(at, i)
		}
	}
	return append(at, calls)
}

// each runs f once for each of the points of a run without faults.
func each(f func(*faults) error, try func(at int) error) error {
	var count faults
	if err := f(&count); err != nil {
		return err
	}
	if count.calls == 0 {
		return errors.New("the agent makes no calls")
	}
	for _, at := range points(count.calls) {
		if err := try(at); err != nil {
			return fmt.Errorf("call %d of %d: %w", at, count.calls, err)
		}
	}
	return nil
}

// failing wants every failure back.
func failing(f func(*faults) error) error {
	return each(f, func(at int) error {
		if err := f(&faults{at: at}); !errors.Is(err, errInjected) {
			return fmt.Errorf("it failed, and the agent returns: %v", err)
		}
		return nil
	})
}

// cancelling ends the context at every call. The agent has to say so, unless
// that was the last thing it had to do.
func cancelling(ctx context.Context, f func(context.Context, *faults) error) error {
	ended, end := context.WithCancel(ctx)
	end()
	if err := f(ended, new(faults)); !errors.Is(err, context.Canceled) {
		return fmt.Errorf("with a context that has ended the agent returns: %v", err)
	}
	const slack = 3 // what was under way may end
	var whole faults
	if err := f(ctx, &whole); err != nil {
		return err
	}
	return each(func(c *faults) error { return f(ctx, c) }, func(at int) error {
		ctx, end := context.WithCancel(ctx)
		defer end()
		c := &faults{at: at, do: func() error { end(); return nil }}
		err := f(ctx, c)
		switch {
		case err == nil && c.calls < whole.calls:
			return errors.New("the context ended, and the agent stops without an error")
		case err != nil && !errors.Is(err, context.Canceled):
			return fmt.Errorf("the context ended, and the agent returns: %w", err)
		case err == nil && at+slack < whole.calls:
			return errors.New("the context ended, and the agent goes on")
		}
		return nil
	})
}

func checkBackupErrors(ctx context.Context, env Env) error {
	p, err := backUp(ctx, env.Source, nil)
	if err != nil {
		return err
	}
	err = failing(func(f *faults) error { _, err := back(ctx, env.Source, nil, f); return err })
	if err != nil {
		return fmt.Errorf("a complete pass: %w", err)
	}
	if env.Change != nil {
		if err := env.Change(); err != nil {
			return err
		}
	}
	err = failing(func(f *faults) error { _, err := back(ctx, env.Source, p.state, f); return err })
	if err != nil {
		return fmt.Errorf("a delta: %w", err)
	}
	return nil
}

func checkBackupCancel(ctx context.Context, env Env) error {
	return cancelling(ctx, func(ctx context.Context, f *faults) error {
		_, err := back(ctx, env.Source, nil, f)
		return err
	})
}

// checkFlags: the agent sees what the transport says.
func checkFlags(ctx context.Context, env Env) error {
	if env.Seen == nil {
		return errNotChecked
	}
	var err error
	if env.Full {
		_, err = list(ctx, env.Source)
	} else {
		_, err = backUp(ctx, env.Source, nil)
	}
	if err != nil {
		return err
	}
	if f, q := env.Seen(); f != flags || q != quota {
		return fmt.Errorf("the agent saw flags %d and quota %d instead of %d and %d", f, q, flags, int64(quota))
	}
	return nil
}

// checkEqual: what comes back is what was backed up, also the second time, and
// a state that a restore left hides nothing from the next pass.
func checkEqual(ctx context.Context, env Env) error {
	p, err := backUp(ctx, env.Source, nil)
	if err != nil {
		return err
	}
	want, err := env.Read(env.Source)
	if err != nil {
		return err
	}
	target := env.NewTarget()
	for range 2 {
		state, err := restore(ctx, target, setOf(p.list).records(), new(faults))
		if err != nil {
			return err
		}
		got, err := env.Read(target)
		if err != nil {
			return err
		}
		if err := differ(want, got, false); err != nil {
			return err
		}
		next, err := backUp(ctx, target, state)
		if err != nil {
			return err
		}
		all, err := backUp(ctx, target, nil)
		if err != nil {
			return err
		}
		stored := setOf(p.list)
		if err := differ(keys(setOf(all.list)), keys(stored.apply(next.list)), false); err != nil {
			return fmt.Errorf("the pass after a restore: %w", err)
		}
	}
	return nil
}

func keys(s set) map[string]string {
	m := map[string]string{}
	for k := range s {
		m[k] = ""
	}
	return m
}

// checkOver: what comes back replaces what was there.
func checkOver(ctx context.Context, env Env) error {
	if env.Change == nil {
		return errNotChecked
	}
	target := env.NewTarget()
	for range 2 {
		p, err := backUp(ctx, env.Source, nil)
		if err != nil {
			return err
		}
		if _, err := restore(ctx, target, setOf(p.list).records(), new(faults)); err != nil {
			return err
		}
		want, err := env.Read(env.Source)
		if err != nil {
			return err
		}
		got, err := env.Read(target)
		if err != nil {
			return err
		}
		if err := differ(want, got, true); err != nil {
			return err
		}
		if err := env.Change(); err != nil {
			return err
		}
	}
	return nil
}

func checkRestoreErrors(ctx context.Context, env Env) error {
	p, err := backUp(ctx, env.Source, nil)
	if err != nil {
		return err
	}
	target := env.NewTarget()
	list := setOf(p.list).records()
	return failing(func(f *faults) error { _, err := restore(ctx, target, list, f); return err })
}

func checkRestoreCancel(ctx context.Context, env Env) error {
	p, err := backUp(ctx, env.Source, nil)
	if err != nil {
		return err
	}
	target := env.NewTarget()
	list := setOf(p.list).records()
	return cancelling(ctx, func(ctx context.Context, f *faults) error {
		_, err := restore(ctx, target, list, f)
		return err
	})
}

// checkCut: of a restore that fails, each piece is whole or not there.
func checkCut(ctx context.Context, env Env) error {
	p, err := backUp(ctx, env.Source, nil)
	if err != nil {
		return err
	}
	want, err := env.Read(env.Source)
	if err != nil {
		return err
	}
	all := setOf(p.list).records()
	run := func(f *faults) error {
		target := env.NewTarget()
		if _, err := restore(ctx, target, all, f); err != nil && !errors.Is(err, errInjected) {
			return err
		}
		got, err := env.Read(target)
		if err != nil {
			return err
		}
		return differ(got, want, true)
	}
	var count faults
	if err := run(&count); err != nil {
		return err
	}
	for _, at := range points(count.calls) {
		if err := run(&faults{at: at}); err != nil {
			return fmt.Errorf("cut at call %d of %d: %w", at, count.calls, err)
		}
	}
	return nil
}

// checkClear: a target that was cleared has nothing, and can be filled again.
func checkClear(ctx context.Context, env Env) error {
	target := env.NewTarget()
	c, ok := target.(android.Cleaner)
	if !ok {
		return errNotChecked
	}
	p, err := backUp(ctx, env.Source, nil)
	if err != nil {
		return err
	}
	return cleared(ctx, env, target, c, func() error {
		_, err := restore(ctx, target, setOf(p.list).records(), new(faults))
		return err
	})
}

// cleared fills a target twice and clears it in between.
func cleared(ctx context.Context, env Env, target android.Agent, c android.Cleaner, fill func() error) error {
	want, err := env.Read(env.Source)
	if err != nil {
		return err
	}
	for range 2 {
		if err := c.Clear(ctx); err != nil {
			return fmt.Errorf("clear: %w", err)
		}
		got, err := env.Read(target)
		if err == nil {
			err = differ(nil, got, false)
		}
		if err != nil {
			return fmt.Errorf("after Clear: %w", err)
		}
		if err := fill(); err != nil {
			return err
		}
		if got, err = env.Read(target); err == nil {
			err = differ(want, got, false)
		}
		if err != nil {
			return fmt.Errorf("filled after Clear: %w", err)
		}
	}
	ended, end := context.WithCancel(ctx)
	end()
	if err := c.Clear(ended); !errors.Is(err, context.Canceled) {
		return fmt.Errorf("with a context that has ended Clear returns: %v", err)
	}
	return nil
}
