package apps

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/transfertest"
	"github.com/ferry-move/ferry/transfer/wire"
)

// relisting is an agent whose listing is another one.
type relisting struct {
	*Agent
	list func([]listed) []listed
}

func (r *relisting) Backup(ctx context.Context, t backup.Transport) (backup.Backup, error) {
	b, err := r.Agent.Backup(ctx, t)
	return &relisted{b, r.list}, err
}

type relisted struct {
	backup.Backup
	list func([]listed) []listed
}

func (r *relisted) Items(ctx context.Context) iter.Seq2[backup.Item, error] {
	return func(yield func(backup.Item, error) bool) {
		var all []listed
		for it, err := range r.Backup.Items(ctx) {
			all = append(all, listed{it, err})
		}
		for _, l := range r.list(all) {
			if !yield(l.item, l.err) {
				return
			}
		}
	}
}

func isEnd(l listed) bool { return l.item.Key == Whole(l.item.Key) }

// An app that its sender began and does not end is in no receipt: its parts have
// arrived, and the app is not there. One that ends, well or not, is.
func TestEnds(t *testing.T) {
	const ended = -1
	last := func(all []listed) int { return len(all) - 1 }
	without := func(all []listed, i int) []listed { return slices.Delete(all, i, i+1) }
	for name, c := range map[string]struct {
		list func([]listed) []listed // org.example has 11 parts, org.kv 3; both have their end behind them
		// failed is how many items do not move; ended tells that the session ends
		// without a receipt.
		failed int
	}{
		"none": {func(all []listed) []listed { return without(all, last(all)) }, ended},
		"only that of the second": {func(all []listed) []listed {
			return without(all, slices.IndexFunc(all, isEnd))
		}, ended},
		"before its parts": {func(all []listed) []listed {
			i := slices.IndexFunc(all, isEnd)
			return append([]listed{all[i]}, without(all, i)...)
		}, ended},
		"a part behind it": {func(all []listed) []listed {
			return append(all[1:], all[0])
		}, ended},
		"a file of its name": {func(all []listed) []listed {
			l := &all[last(all)]
			l.item = backup.Item{Kind: Kind, Type: backup.TypeFile, Key: l.item.Key}
			return all
		}, ended},
		"the end failed": {func(all []listed) []listed {
			all[last(all)].err = backup.Changed
			return all
		}, 1},
		"a part failed": {func(all []listed) []listed {
			all[0].err = backup.Unreadable
			return all
		}, 2},
		"apps in turn": {func(all []listed) []listed {
			i := slices.IndexFunc(all, isEnd) // org.example's goes behind all that is org.kv's
			return append(without(slices.Clone(all), i), all[i])
		}, 0},
		"an app of which nothing moves": {func(all []listed) []listed {
			item := func(key string) listed {
				return listed{backup.Item{Kind: Kind, Type: backup.TypeFile, Key: backup.Key(key)}, backup.NotRegular}
			}
			return append(all, item("org.none/f/pipe"), item("no:app"))
		}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			from, to := newFolder(t), newFolder(t)
			from.write(example(map[string]string{"org.kv/k/_manifest": manifestOf("org.kv", 1, "cert"), "org.kv/k/org.kv.data": records(t, "a", "1")}))
			r := over(t, from, to, func(e transfertest.Ends) transfertest.Ends { return e })
			honest := r.TuneSend
			r.TuneSend = func(s *transfer.SendConfig) {
				honest(s)
				s.Agents = []backup.Agent{&relisting{from.agent(), c.list}}
			}
			e := r.Run(t.Context())
			var stop *transfer.StopError
			switch {
			case c.failed != ended:
				if e.SendErr != nil || e.TakeErr != nil || e.Taken.Receipt == nil || e.Taken.Kinds[0].Failed != uint64(c.failed) {
					t.Errorf("%v, %v, %+v", e.SendErr, e.TakeErr, e.Taken.Kinds)
				}
			case e.Sent.Receipt != nil || e.Taken.Receipt != nil:
				t.Errorf("there is a receipt: %+v", e.Taken.Kinds)
			case !errors.Is(e.TakeErr, transfer.ErrProtocol), !errors.As(e.SendErr, &stop) || stop.Kind != wire.StopProtocol || !stop.Remote:
				t.Errorf("%v, %v", e.SendErr, e.TakeErr)
			}
			// Whatever is left of that, an honest run has everything come right.
			r.TuneSend = honest
			if e = r.Run(t.Context()); e.SendErr != nil || e.TakeErr != nil || !e.Sent.Complete() {
				t.Fatalf("%v, %v, %+v", e.SendErr, e.TakeErr, e.Sent.Kinds)
			}
			to.remove(beforeDir)
			mustEqual(t, to, from)
			if _, err := os.Lstat(filepath.Join(to.dir, Folder, arrivingDir)); !os.IsNotExist(err) {
				t.Errorf("something is left: %v", err)
			}
		})
	}
}

// A sender cannot have the new phone remember apps without end; of those that
// ended it remembers nothing.
func TestManyApps(t *testing.T) {
	for ends, most := range map[bool]int{false: 120_000, true: 60_000} {
		from := newFolder(t)
		from.write(example(nil))
		r := over(t, from, newFolder(t), func(e transfertest.Ends) transfertest.Ends { return e })
		many := func([]listed) (all []listed) {
			for n := range most {
				pkg := fmt.Sprintf("org.app%06d", n)
				all = append(all, listed{backup.Item{Kind: Kind, Type: backup.TypeDirectory, Key: backup.Key(pkg + "/f")}, nil})
				if ends {
					all = append(all, listed{backup.Item{Kind: Kind, Type: backup.TypeEntity, Key: backup.Key(pkg)}, backup.Vanished})
				}
			}
			return all
		}
		r.TuneSend = func(s *transfer.SendConfig) {
			s.Plans = []transfer.KindPlan{{Info: from.agent().Info()}}
			s.Agents = []backup.Agent{&relisting{from.agent(), many}}
		}
		r.TuneTake = func(c *transfer.ReceiveConfig) { c.Agents = []backup.Agent{refusing{from.agent()}} }
		e := r.Run(t.Context())
		switch {
		case ends && (e.TakeErr != nil || e.Taken.Receipt == nil):
			t.Errorf("all of them end: %v", e.TakeErr)
		case !ends && (!errors.Is(e.TakeErr, transfer.ErrProtocol) || e.Taken.Kinds[0].Items > 58_000):
			t.Errorf("none of them ends: %v after %d", e.TakeErr, e.Taken.Kinds[0].Items)
		}
	}
}

// refusing is an agent that takes nothing in.
type refusing struct{ *Agent }

func (r refusing) Restore(context.Context, backup.Transport) (backup.Restore, error) {
	return &refused{}, nil
}

type refused struct{ looker }

func (*refused) Check(context.Context, backup.Item, backup.Prior) backup.Answer {
	return backup.Answer{Verdict: backup.Refuse, Err: backup.Unsupported}
}
