package backup_test

import (
	"context"
	"io"
	"iter"
	"maps"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/transfer"
)

// parted is an agent of things with parts, which knows what it has and holds what
// it listed.
type parted struct {
	backup.Agent
	held map[backup.Key]bool
}

func (p *parted) Info() backup.Info { return backup.Info{Kind: "things", Mixed: true} }
func (p *parted) Close() error      { return nil }
func (p *parted) Whole(k backup.Key) backup.Key {
	whole, _, _ := strings.Cut(string(k), "/")
	return backup.Key(whole)
}
func (p *parted) Backup(context.Context, backup.Transport) (backup.Backup, error) {
	return listing{p}, nil
}

type listing struct{ p *parted }

func (l listing) Close() error           { return nil }
func (l listing) Release(it backup.Item) { delete(l.p.held, it.Key) }
func (l listing) Open(context.Context, backup.Item, int64) (io.ReadCloser, error) {
	return nil, backup.Unreadable
}
func (l listing) Count(context.Context) (backup.Count, error) {
	return backup.Count{Items: 99, Bytes: 99}, nil
}
func (l listing) Items(context.Context) iter.Seq2[backup.Item, error] {
	return func(yield func(backup.Item, error) bool) {
		for _, p := range []pair{
			{it: backup.Item{Type: backup.TypeFile, Key: "a/1", Size: 3}},
			{it: backup.Item{Type: backup.TypeDirectory, Key: "a/d"}},
			{it: backup.Item{Type: backup.TypeEntity, Key: "a", Size: 1}},
			{it: backup.Item{Type: backup.TypeFile, Key: "b/1", Size: 40}},
			{it: backup.Item{Type: backup.TypeDirectory, Key: "b/d"}},
			{it: backup.Item{Type: backup.TypeEntity, Key: "b", Size: 2}},
			{it: backup.Item{Key: "b"}, err: backup.TooLarge},
			{it: backup.Item{Key: "a"}, err: backup.NotAllowed},
			{err: backup.Unreadable},
		} {
			if p.err == nil {
				l.p.held[p.it.Key] = true
			}
			if !yield(p.it, p.err) {
				return
			}
		}
	}
}

func TestWithoutLeavesWholeThings(t *testing.T) {
	p := &parted{held: map[backup.Key]bool{}}
	asked := map[backup.Key]bool{}
	a := backup.Without(p, func(k backup.Key) bool { asked[k] = true; return k == "b" })
	plans, err := transfer.MakePlan(t.Context(), []backup.Agent{a}, backup.Transport{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	k := plans[0]
	if k.Items != 4 || k.Folders != 1 || k.Bytes != 4 {
		t.Errorf("%d items, %d folders, %d bytes are left; want 4, 1, 4", k.Items, k.Folders, k.Bytes)
	}
	if want := map[backup.Reason]uint64{backup.NotAllowed: 1, backup.Unreadable: 1}; !maps.Equal(k.Cannot, want) {
		t.Errorf("cannot move: %v; want %v", k.Cannot, want)
	}
	if len(p.held) > 0 {
		t.Errorf("still held: %v", p.held)
	}
	if len(asked) != 2 || !asked["a"] || !asked["b"] {
		t.Errorf("asked about %v; want the things and none of their parts", asked)
	}
}

// TestWithoutMovesTheRest leaves every second item out of each kind of a phone.
func TestWithoutMovesTheRest(t *testing.T) {
	src, dst := fakephone.New(fakephone.Config{Seed: 3}), fakephone.New(fakephone.Config{Seed: 3, Empty: true})
	leave := func(k backup.Key) bool { return len(k)%2 == 0 }
	for i, a := range src.Agents() {
		want := int64(0)
		b, err := a.Backup(t.Context(), backup.Transport{})
		if err != nil {
			t.Fatal(err)
		}
		for it, err := range b.Items(t.Context()) {
			if err != nil || !leave(it.Key) {
				want++
			}
		}
		b.Close()
		w := backup.Without(a, leave)
		tally, err := backup.Copy(t.Context(), dst.Agents()[i], w, backup.Transport{})
		if err != nil || tally.Items() != want {
			t.Errorf("%s: %d items, %v; want %d", a.Info().Kind, tally.Items(), err, want)
		}
		again, err := backup.Copy(t.Context(), backup.Without(dst.Agents()[i], leave), w, backup.Transport{})
		if err != nil || again.Added > 0 {
			t.Errorf("%s: its target does not see what is there: %d added, %v", a.Info().Kind, again.Added, err)
		}
	}
}
