package contacts

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"github.com/ferry-move/ferry/mobile/backup"
)

// outcomes checks items one after the other, hands those that are needed to settle
// in batches of n, and returns how each would end.
func outcomes(t tb, r backup.Restore, items []backup.Item, n int, settle func(context.Context, []backup.Staged) []backup.Result) []backup.Outcome {
	t.Helper()
	ctx := context.Background()
	out := make([]backup.Outcome, len(items))
	var need []int
	for i, it := range items {
		out[i] = backup.Skipped
		listed := it
		listed.Value, listed.Digest = nil, digestOf(it.Value)
		if r.(backup.Checker).Check(ctx, listed, backup.Prior{}).Verdict == backup.Need {
			need = append(need, i)
		}
	}
	for len(need) > 0 {
		k := min(n, len(need))
		var batch []backup.Staged
		for _, i := range need[:k] {
			s, err := r.Stage(ctx, items[i])
			if err != nil {
				t.Fatalf("stage: %v", err)
			}
			batch = append(batch, s)
		}
		for j, res := range settle(ctx, batch) {
			out[need[j]] = res.Outcome
		}
		need = need[k:]
	}
	return out
}

func (p *phone) look(t tb) backup.Restore {
	t.Helper()
	r, err := p.agent.Restore(context.Background(), backup.Transport{Look: true})
	if err != nil {
		t.Fatalf("look: %v", err)
	}
	return r
}

// TestForesee: what is foreseen is what then happens, card by card, and looking
// changes nothing.
func TestForesee(t *testing.T) {
	seen := map[backup.Outcome]int{}
	rapid.Check(t, func(t *rapid.T) {
		src, dst, done := rapidPhones(t)
		defer done()
		genPhone(t, src)
		genPhone(t, dst)
		if rapid.Bool().Draw(t, "an earlier run") {
			move(t, src, dst, 3)
			genPhone(t, src)
		}
		items, _ := src.items(t)
		n := rapid.IntRange(1, 8).Draw(t, "batch")
		before := dst.tree(t)
		l := dst.look(t)
		foreseen := outcomes(t, l, items, n, l.(backup.Foreseer).Foresee)
		if err := l.Close(); err != nil {
			t.Fatalf("close: %v", err)
		}
		sameTree(t, dst.tree(t), before)
		r := dst.restore(t)
		defer r.Close()
		for i, o := range outcomes(t, r, items, n, r.Commit) {
			seen[o]++
			if foreseen[i] != o {
				t.Fatalf("%q\nis %v foreseen, and then %v", items[i].Value, foreseen[i], o)
			}
		}
	})
	if seen[backup.Added] == 0 || seen[backup.Merged] == 0 || seen[backup.Skipped] == 0 {
		t.Errorf("%v", seen)
	}
}

// TestForeseeChanges has a card appear while the restore looks.
func TestForeseeChanges(t *testing.T) {
	src, dst := tempPhone(t), tempPhone(t)
	dst.put(t, "a.vcf", vcf("VERSION:3.0", "FN:Ada", "TEL:110"))
	src.put(t, "a.vcf", vcf("VERSION:3.0", "FN:Ada", "TEL:110", "TEL:112")+vcf("VERSION:3.0", "FN:Zoe", "TEL:113", "NOTE:x"))
	items, _ := src.items(t)
	l := dst.look(t)
	defer l.Close()
	if !l.(backup.Foreseer).Foresees() {
		t.Error("it foresees nothing")
	}
	got := outcomes(t, l, items, 2, func(ctx context.Context, batch []backup.Staged) []backup.Result {
		dst.put(t, "a.vcf", vcf("VERSION:3.0", "FN:Zoe", "TEL:113")+vcf("VERSION:3.0", "FN:Ada", "TEL:110"))
		return l.(backup.Foreseer).Foresee(ctx, batch)
	})
	if got[0] != backup.Merged || got[1] != backup.Merged {
		t.Errorf("%v", got)
	}
}

// TestForeseeGone has the card go that an incoming one was found by, unread.
func TestForeseeGone(t *testing.T) {
	src, dst := tempPhone(t), tempPhone(t)
	dst.put(t, "a.vcf", vcf("VERSION:3.0", "FN:Ada", "TEL:110"))
	src.put(t, "a.vcf", vcf("VERSION:3.0", "TEL:110", "FN:Ada"))
	items, _ := src.items(t)
	l := dst.look(t)
	defer l.Close()
	got := outcomes(t, l, items, 1, func(ctx context.Context, batch []backup.Staged) []backup.Result {
		dst.put(t, "a.vcf", vcf("VERSION:3.0", "FN:Zoe", "TEL:1134"))
		return l.(backup.Foreseer).Foresee(ctx, batch)
	})
	if got[0] != backup.Added {
		t.Errorf("%v", got)
	}
}

// ends is a context that ends when it was looked at some times.
type ends struct {
	context.Context
	left int
}

func (e *ends) Err() error {
	if e.left--; e.left < 0 {
		return context.Canceled
	}
	return nil
}

// TestForeseeEnds has the context end within a plan: what was not planned to its end
// is not told as if it were.
func TestForeseeEnds(t *testing.T) {
	src, dst := tempPhone(t), tempPhone(t)
	dst.put(t, "a.vcf", vcf("VERSION:3.0", "FN:Ada", "TEL:110"))
	src.put(t, "a.vcf", vcf("VERSION:3.0", "TEL:110", "FN:Ada"))
	items, _ := src.items(t)
	l := dst.look(t)
	defer l.Close()
	got := outcomes(t, l, items, 1, func(ctx context.Context, batch []backup.Staged) []backup.Result {
		return l.(backup.Foreseer).Foresee(&ends{ctx, 2}, batch)
	})
	if got[0] != backup.Failed {
		t.Errorf("%v", got)
	}
}

// TestLookOnly: a restore that looks takes nothing in, and one of a phone without
// cards has nothing to foresee.
func TestLookOnly(t *testing.T) {
	dst := tempPhone(t)
	l := dst.look(t)
	if l.(backup.Foreseer).Foresees() {
		t.Error("it foresees something on an empty phone")
	}
	s, err := l.Stage(t.Context(), backup.Item{Kind: Kind, Type: backup.TypeEntity, Value: []byte(vcf("FN:A")), Size: int64(len(vcf("FN:A")))})
	if err != nil {
		t.Fatal(err)
	}
	if res := l.Commit(t.Context(), []backup.Staged{s}); res[0].Outcome != backup.Failed {
		t.Errorf("%+v", res)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if res := l.(backup.Foreseer).Foresee(gone, []backup.Staged{s}); res[0].Outcome != backup.Failed || !errors.Is(res[0].Err, context.Canceled) {
		t.Errorf("%+v", res)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if res := l.(backup.Foreseer).Foresee(t.Context(), []backup.Staged{s}); res[0].Outcome != backup.Failed {
		t.Errorf("after its end: %+v", res)
	}
	if _, err := os.Stat(filepath.Join(dst.dir, Folder)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder: %v", err)
	}
}
