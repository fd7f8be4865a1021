package preview_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/preview"
	"github.com/ferry-move/ferry/transfer/transfertest"
	"github.com/ferry-move/ferry/transfer/wire"
	"lukechampine.com/blake3"
)

// stub is an agent whose items and opinions a test gives. What is nil is not asked.
type stub struct {
	backup.Agent
	info backup.Info

	// A phone that has something: what it lists the first time, the second, ...
	items [][]backup.Item
	reads int

	// A phone that takes something.
	foresees bool
	result   func(backup.Item) backup.Result
	seen     []backup.Item
	most     int   // in one batch
	bytes    int64 // in one batch, but for its last
}

func (s *stub) Info() backup.Info { return s.info }

func (s *stub) Backup(context.Context, backup.Transport) (backup.Backup, error) {
	s.reads++
	if s.reads > len(s.items) {
		return nil, errors.New("read once more")
	}
	return lists(s.items[s.reads-1]), nil
}

type lists []backup.Item

func (l lists) Items(context.Context) iter.Seq2[backup.Item, error] {
	return func(yield func(backup.Item, error) bool) {
		for _, it := range l {
			if !yield(it, nil) {
				return
			}
		}
	}
}

func (lists) Open(context.Context, backup.Item, int64) (io.ReadCloser, error) {
	return nil, backup.Unreadable
}
func (lists) Close() error { return nil }

func (s *stub) Restore(_ context.Context, t backup.Transport) (backup.Restore, error) {
	if !t.Look {
		return nil, errors.New("not to look")
	}
	return looks{s}, nil
}

type looks struct{ *stub }

type staged struct{ it backup.Item }

func (staged) Discard() error { return nil }

func (l looks) Stage(_ context.Context, it backup.Item) (backup.Staged, error) {
	if bytes.HasPrefix(it.Value, []byte("broken")) {
		return nil, backup.Malformed
	}
	return staged{it}, nil
}
func (looks) Commit(context.Context, []backup.Staged) []backup.Result { panic("commit") }
func (looks) Close() error                                            { return nil }
func (l looks) Foresees() bool                                        { return l.foresees }

func (l looks) Foresee(_ context.Context, batch []backup.Staged) (res []backup.Result) {
	var sum int64
	for _, s := range batch {
		it := s.(staged).it
		l.seen = append(l.seen, it)
		res = append(res, l.result(it))
		sum += it.Size
	}
	sum -= batch[len(batch)-1].(staged).it.Size
	l.most, l.bytes = max(l.most, len(batch)), max(l.bytes, sum)
	return res
}

func (l looks) Check(_ context.Context, it backup.Item, _ backup.Prior) backup.Answer {
	if it.Value != nil {
		panic("a value")
	}
	if bytes.HasPrefix([]byte(it.Key), []byte("have")) {
		return backup.Answer{Verdict: backup.Have, Digest: it.Digest}
	}
	return backup.Answer{Verdict: backup.Need}
}

const notes backup.Kind = "notes"

func source(items ...[]backup.Item) *stub {
	return &stub{info: backup.Info{Kind: notes, Entities: true}, items: items}
}

func target() *stub {
	s := source()
	s.foresees = true
	s.result = func(it backup.Item) backup.Result {
		o := backup.Outcome(len(it.Key)%3 + 1)
		return backup.Result{Outcome: o}
	}
	return s
}

func note(key, value string) backup.Item {
	return backup.Item{Kind: notes, Type: backup.TypeEntity, Key: backup.Key(key), Group: "all", Value: []byte(value), Size: int64(len(value))}
}

// TestContents: the new phone sees the value of each record that decides, whatever
// its length, and of no other.
func TestContents(t *testing.T) {
	var items []backup.Item
	r := rand.New(rand.NewPCG(1, 2))
	want := preview.Kind{Kind: notes, Why: map[backup.Reason]uint64{backup.Malformed: 2, backup.Unwritable: 1}}
	var asked []backup.Item
	for i, n := range []int{3, 0, 1, wire.BlockSize - 1, wire.BlockSize, wire.BlockSize + 1, 3<<20 + 5, 700 << 10, 9 << 20} {
		b := make([]byte, n)
		for j := range b {
			b[j] = byte(r.Uint32())
		}
		items = append(items, note(fmt.Sprintf("long %d", i), string(b)))
	}
	for i := range 9000 {
		items = append(items, note(fmt.Sprintf("%d", i), fmt.Sprintf("value %d", i*i)))
	}
	items = slices.Insert(items, 5, note("broken", "broken"), note("have it", "the same"), note("", "no name"))
	items = append(items, note("have this too", ""), note("x no room", "broken not"), note("a", ""))
	items[len(items)-1].Value = []byte{}
	items = append(items, note("failing", "nowhere to go"))
	dst := target()
	outcome := dst.result
	dst.result = func(it backup.Item) backup.Result {
		if it.Key == "failing" {
			return backup.Result{Outcome: backup.Failed, Err: backup.Unwritable}
		}
		return outcome(it)
	}
	want.Why[backup.BadName] = 1
	for _, it := range items {
		switch {
		case it.Key == "":
		case bytes.HasPrefix([]byte(it.Key), []byte("have")):
			want.Skip++
		case bytes.HasPrefix(it.Value, []byte("broken")):
		default:
			asked = append(asked, it)
			switch dst.result(it).Outcome {
			case backup.Added:
				want.Add, want.Bytes = want.Add+1, want.Bytes+it.Size
			case backup.Merged:
				want.Merge, want.Bytes = want.Merge+1, want.Bytes+it.Size
			case backup.Skipped:
				want.Skip++
			}
		}
	}
	want.Cannot = 4
	src := source(items, items)
	o := ask(t, []backup.Agent{src}, preview.Config{Agents: []backup.Agent{dst}})
	if got := o.Kinds[0]; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	if !slices.EqualFunc(dst.seen, asked, func(a, b backup.Item) bool {
		return a.Key == b.Key && a.Group == b.Group && a.Size == b.Size && bytes.Equal(a.Value, b.Value)
	}) {
		t.Errorf("it saw %d records, not %d, or others", len(dst.seen), len(asked))
	}
	if dst.most > 4096 || dst.bytes >= 8<<20 {
		t.Errorf("%d records of %d bytes at once", dst.most, dst.bytes)
	}
}

// TestContentsOfKinds: each kind's agent sees its own.
func TestContentsOfKinds(t *testing.T) {
	one, two := source(), source()
	two.info.Kind = "others"
	there, here := target(), target()
	here.info.Kind = "others"
	for i := range 10 {
		it := note(fmt.Sprint(i), "x")
		one.items = append(one.items, nil)
		it.Kind = one.info.Kind
		one.items[0] = append(one.items[0], it)
		it.Kind = two.info.Kind
		two.items = append(two.items, nil)
		two.items[0] = append(two.items[0], it)
	}
	one.items[1], two.items[1] = one.items[0], two.items[0]
	o := ask(t, []backup.Agent{one, two}, preview.Config{Agents: []backup.Agent{here, there}})
	for i, s := range []*stub{there, here} {
		k := o.Kinds[i]
		if len(s.seen) != 10 || k.Kind != s.info.Kind || k.Merge != 10 {
			t.Errorf("%s: %+v; %d seen", s.info.Kind, k, len(s.seen))
		}
		for _, it := range s.seen {
			if it.Kind != s.info.Kind {
				t.Errorf("%s saw %s", s.info.Kind, it.Kind)
			}
		}
	}
}

// tapped counts the frames that the old phone writes.
type tapped struct {
	transfer.Control
	mu   sync.Mutex
	said map[wire.Type]int // guarded by mu
	all  bytes.Buffer      // guarded by mu
}

func (c *tapped) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.said == nil {
		c.said = map[wire.Type]int{}
	}
	c.said[wire.Type(p[4])]++ // a frame is one call
	c.all.Write(p)
	return c.Control.Write(p)
}

// TestNothingCrosses: no value leaves the old phone that does not decide, and
// nothing at all of what was not chosen.
func TestNothingCrosses(t *testing.T) {
	items := []backup.Item{note("chosen", "value chosen"), note("left", "value left"), note("have", "value there")}
	for name, c := range map[string]struct {
		dst   func(*stub)
		reads int
	}{
		"a phone without any":     {func(s *stub) { s.foresees = false }, 1},
		"another kind":            {func(s *stub) { s.info.Kind = "others" }, 1},
		"a phone that looks into": {func(*stub) {}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			src, dst, ends := source(items, items), target(), transfertest.Pipe()
			c.dst(dst)
			served := make(chan error, 1)
			go func() {
				served <- preview.Serve(t.Context(), ends.ReceiveControl, preview.Config{Agents: []backup.Agent{dst}})
			}()
			tap := &tapped{Control: ends.SendControl}
			chosen := backup.Without(src, func(k backup.Key) bool { return k == "left" })
			_, err := preview.Ask(t.Context(), tap, []backup.Agent{chosen}, d2d)
			if serr := <-served; err != nil || serr != nil {
				t.Fatal(err, serr)
			}
			if src.reads != c.reads || tap.said[wire.TypeContent] != c.reads-1 || len(dst.seen) != c.reads-1 {
				t.Errorf("read %d times, %v, %d seen", src.reads, tap.said, len(dst.seen))
			}
			if b := tap.all.Bytes(); bytes.Contains(b, []byte("left")) || bytes.Contains(b, []byte("value there")) ||
				bytes.Contains(b, []byte("value chosen")) != (c.reads == 2) {
				t.Errorf("%q", b)
			}
		})
	}
}

// TestContentsChange has a phone change between listing and reading again. What is
// not as it was listed counts as added, and nothing fails.
func TestContentsChange(t *testing.T) {
	items := []backup.Item{note("bb", "one"), note("b", "two"), note("bb3", "three"), note("b", "four")}
	changed := note("bb3", "THREE")
	file := items[1]
	file.Type = backup.TypeFile
	for name, c := range map[string]struct {
		again []backup.Item
		seen  int
	}{
		"a value":       {[]backup.Item{items[0], items[1], changed, items[3]}, 3},
		"a longer one":  {[]backup.Item{items[0], items[1], note("bb3", "three and more"), items[3]}, 3},
		"one gone":      {[]backup.Item{items[0], items[2], items[3]}, 1},
		"one more":      {append([]backup.Item{changed}, items...), 0},
		"all gone":      {nil, 0},
		"a file now":    {[]backup.Item{items[0], file, items[2], items[3]}, 3},
		"nothing of it": {items, 4},
	} {
		t.Run(name, func(t *testing.T) {
			src, dst := source(items, c.again), target()
			dst.result = func(backup.Item) backup.Result { return backup.Result{Outcome: backup.Merged} }
			k := ask(t, []backup.Agent{src}, preview.Config{Agents: []backup.Agent{dst}}).Kinds[0]
			if len(dst.seen) != c.seen || k.Merge != uint64(c.seen) || k.Add != uint64(4-c.seen) || k.Bytes != 15 {
				t.Errorf("%d seen: %+v", len(dst.seen), k)
			}
		})
	}
	src := source(items) // it cannot be read again at all
	if k := ask(t, []backup.Agent{src}, preview.Config{Agents: []backup.Agent{target()}}).Kinds[0]; k.Add != 4 || src.reads != 2 {
		t.Errorf("%+v after %d", k, src.reads)
	}
}

// TestContentsBounded: what is beyond the bounds counts as added.
func TestContentsBounded(t *testing.T) {
	large := make([]byte, 15<<20)
	key := func(i int) string { return fmt.Sprintf("%04090d", i) }
	for name, c := range map[string]struct {
		items func(yield func(backup.Item) bool)
		seen  int
	}{
		"values": {func(yield func(backup.Item) bool) {
			for i := range 6 {
				it := note(fmt.Sprint(i), "")
				it.Value, it.Size = large, int64(len(large))
				yield(it)
			}
			yield(note("small", "and still there is room"))
		}, preview.MaxContents/len(large) + 1},
		"records": {func(yield func(backup.Item) bool) {
			for i := range preview.MaxRecords + 100 {
				it := note(fmt.Sprint("have", i), "x")
				if i >= preview.MaxRecords-100 {
					it = note(fmt.Sprint(i), "x")
				}
				yield(it)
			}
		}, 100},
		"keys": {func(yield func(backup.Item) bool) {
			for i := range 9000 {
				yield(note(key(i), "x"))
			}
		}, 32 << 20 / (256 + 4090 + 3)},
		"none, in a long run": {func(yield func(backup.Item) bool) {
			for i := range wire.MaxRun + 100 {
				yield(note(fmt.Sprint(i), "x"))
			}
		}, wire.MaxRun + 100},
		"none, in many runs": {func(yield func(backup.Item) bool) {
			for i := range wire.MaxBatch + 100 {
				yield(note(fmt.Sprint(i), "x"))
				yield(note(fmt.Sprint("have", i), "x"))
			}
		}, wire.MaxBatch + 100},
	} {
		t.Run(name, func(t *testing.T) {
			var items []backup.Item
			for it := range c.items {
				items = append(items, it)
			}
			src, dst := source(items, items), target()
			seen := 0
			dst.result = func(backup.Item) backup.Result { seen++; return backup.Result{Outcome: backup.Merged} }
			k := ask(t, []backup.Agent{src}, preview.Config{Agents: []backup.Agent{dst}}).Kinds[0]
			if seen != c.seen || k.Merge != uint64(seen) || k.Add+k.Merge+k.Skip != uint64(len(items)) ||
				(k.Add == 0) != strings.HasPrefix(name, "none") {
				t.Errorf("%d seen, not %d: %+v", seen, c.seen, k)
			}
		})
	}
}

func need(runs ...wire.Run) *wire.Need { return &wire.Need{Runs: runs} }

// TestAskHostileQuestions asks for what no new phone may.
func TestAskHostileQuestions(t *testing.T) {
	var items []backup.Item
	for i := range 10 {
		items = append(items, note(fmt.Sprint(i), "value"))
	}
	items[4].Type, items[4].Value = backup.TypeFile, nil
	huge := note("huge", "")
	huge.Value = make([]byte, backup.MaxValue)
	huge.Size = int64(len(huge.Value))
	items = append(items, huge, huge, huge, huge, huge)
	for i := range items {
		items[i].Key = backup.Key(fmt.Sprint("k", i))
	}
	end := &wire.End{Items: 1}
	for name, c := range map[string]struct {
		early bool
		say   []wire.Message
		want  error
	}{
		"before the list's end":    {true, []wire.Message{need(wire.Run{First: 1, Count: 1})}, transfer.ErrProtocol},
		"a file":                   {false, []wire.Message{need(wire.Run{First: 4, Count: 2})}, transfer.ErrProtocol},
		"what was not listed":      {false, []wire.Message{need(wire.Run{First: 15, Count: 2})}, transfer.ErrProtocol},
		"twice":                    {false, []wire.Message{need(wire.Run{First: 1, Count: 1}), need(wire.Run{First: 1, Count: 1})}, transfer.ErrProtocol},
		"out of order":             {false, []wire.Message{need(wire.Run{First: 3, Count: 1}, wire.Run{First: 1, Count: 1})}, transfer.ErrProtocol},
		"too much":                 {false, []wire.Message{need(wire.Run{First: 11, Count: 5})}, transfer.ErrProtocol},
		"another number":           {false, []wire.Message{need(wire.Run{First: 1, Count: 2}), end}, transfer.ErrProtocol},
		"nothing":                  {false, []wire.Message{&wire.End{}}, transfer.ErrProtocol},
		"again":                    {false, []wire.Message{need(wire.Run{First: 1, Count: 1}), end, nil, need(wire.Run{First: 2, Count: 1})}, transfer.ErrProtocol},
		"two ends":                 {false, []wire.Message{need(wire.Run{First: 1, Count: 1}), end, nil, end}, transfer.ErrProtocol},
		"an outlook too early":     {false, []wire.Message{need(wire.Run{First: 1, Count: 1}), &wire.Outlook{}}, transfer.ErrProtocol},
		"an outlook among values":  {false, []wire.Message{need(wire.Run{First: 11, Count: 1}), end, &wire.Outlook{}}, transfer.ErrProtocol},
		"no end":                   {false, []wire.Message{need(wire.Run{First: 1, Count: 1})}, transfer.ErrLinkLost},
		"no outlook":               {false, []wire.Message{need(wire.Run{First: 1, Count: 1}), end, nil}, transfer.ErrLinkLost},
		"and takes none":           {false, []wire.Message{need(wire.Run{First: 11, Count: 1}), end}, transfer.ErrLinkLost},
		"values":                   {false, []wire.Message{&wire.Content{Pieces: []wire.Piece{{Item: 1}}}}, transfer.ErrProtocol},
		"an outlook on other ones": {false, []wire.Message{need(wire.Run{First: 1, Count: 1}), end, nil, &wire.Outlook{Kinds: []wire.OutlookKind{{Merge: 99}}}}, transfer.ErrProtocol},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ends, began, over := transfertest.Pipe(), time.Now(), make(chan struct{})
				src := source(items, items)
				src.info.Entities, src.info.Mixed = false, true
				var wg sync.WaitGroup
				wg.Go(func() {
					defer func() { <-over }()
					if !c.early {
						drain(ends.ReceiveControl)
					}
					for _, m := range c.say {
						if m != nil {
							wire.Write(ends.ReceiveControl, m)
							continue
						}
						for { // one value, with what else is said
							if got, err := wire.Read(ends.ReceiveControl); err != nil || got.Type() == wire.TypeContent {
								break
							}
						}
					}
				})
				o, err := preview.Ask(t.Context(), ends.SendControl, []backup.Agent{src}, d2d)
				took := time.Since(began)
				close(over)
				wg.Wait()
				if o != nil || !errors.Is(err, c.want) || took > preview.Silent+time.Second {
					t.Errorf("%v after %v; want %v", err, took, c.want)
				}
				if src.reads > 2 {
					t.Errorf("read %d times", src.reads)
				}
			})
		})
	}
}

// TestAskBeyondRecords asks for a record beyond those that the old phone knows again.
func TestAskBeyondRecords(t *testing.T) {
	var items []backup.Item
	for i := range preview.MaxRecords + 1 {
		items = append(items, note(fmt.Sprint(i), "x"))
	}
	ends, src := transfertest.Pipe(), source(items, items)
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		drain(ends.ReceiveControl)
		wire.Write(ends.ReceiveControl, need(wire.Run{First: preview.MaxRecords, Count: 2}))
		for {
			if _, err := wire.Read(ends.ReceiveControl); err != nil {
				return
			}
		}
	})
	if _, err := preview.Ask(t.Context(), ends.SendControl, []backup.Agent{src}, d2d); !errors.Is(err, transfer.ErrProtocol) {
		t.Error(err)
	}
}

// TestServeHostileValues answers a question with what was not asked for.
func TestServeHostileValues(t *testing.T) {
	value := []byte("a value")
	entry := func(key string) wire.Entry {
		d := blake3.Sum256(value)
		return wire.Entry{Type: uint8(backup.TypeEntity), Key: []byte(key), Size: uint64(len(value)), Digest: d[:]}
	}
	says := func(ps ...wire.Piece) []wire.Message { return []wire.Message{&wire.Content{Pieces: ps}} }
	for name, c := range map[string]struct {
		say  []wire.Message
		want error
	}{
		"another item":        {says(wire.Piece{Item: 2, Data: value}), transfer.ErrProtocol},
		"one that is there":   {says(wire.Piece{Item: 1, Data: value}, wire.Piece{Item: 2, Data: value}), transfer.ErrProtocol},
		"out of order":        {says(wire.Piece{Item: 3, Data: value}), transfer.ErrProtocol},
		"another value":       {says(wire.Piece{Item: 1, Data: []byte("A value")}), transfer.ErrProtocol},
		"a longer one":        {says(wire.Piece{Item: 1, Data: []byte("a value!")}), transfer.ErrProtocol},
		"a longer one, later": {says(wire.Piece{Item: 1, Data: []byte("a ")}, wire.Piece{Item: 1, Data: []byte("value!")}), transfer.ErrProtocol},
		"another amid one":    {says(wire.Piece{Item: 1, Data: []byte("a ")}, wire.Piece{Item: 3, Data: value}), transfer.ErrProtocol},
		"one more":            {says(wire.Piece{Item: 1, Data: value}, wire.Piece{Item: 3, Data: value}, wire.Piece{Item: 3, Data: value}), transfer.ErrProtocol},
		"one more, later":     {append(says(wire.Piece{Item: 1, Data: value}, wire.Piece{Item: 3, Data: value}), says(wire.Piece{Item: 3})...), transfer.ErrProtocol},
		"a list":              {[]wire.Message{&wire.List{First: 4, Entries: []wire.Entry{entry("more")}}}, transfer.ErrProtocol},
		"its end":             {[]wire.Message{&wire.End{Items: 3}}, transfer.ErrProtocol},
		"a half":              {says(wire.Piece{Item: 1, Data: []byte("a ")}), transfer.ErrLinkLost},
		"silence":             {nil, transfer.ErrLinkLost},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ends, began, dst := transfertest.Pipe(), time.Now(), target()
				for _, m := range append([]wire.Message{
					&wire.Offer{Kinds: []wire.OfferedKind{{Kind: string(notes)}}},
					&wire.List{First: 1, Entries: []wire.Entry{entry("one"), entry("have"), entry("two")}}, &wire.End{Items: 3},
				}, c.say...) {
					if err := wire.Write(ends.SendControl, m); err != nil {
						t.Fatal(err)
					}
				}
				err := preview.Serve(t.Context(), ends.ReceiveControl, preview.Config{Agents: []backup.Agent{dst}})
				if took := time.Since(began); !errors.Is(err, c.want) || took > preview.Silent+time.Second {
					t.Errorf("%v after %v; want %v", err, took, c.want)
				}
			})
		})
	}
}

// TestServeTrickle lists more than may cross, is asked for no more than that, and
// gives it byte by byte, for ever.
func TestServeTrickle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ends, began, dst := transfertest.Pipe(), time.Now(), target()
		served := make(chan error, 1)
		go func() {
			served <- preview.Serve(t.Context(), ends.ReceiveControl, preview.Config{Agents: []backup.Agent{dst}})
		}()
		say := func(m wire.Message) {
			t.Helper()
			if err := wire.Write(ends.SendControl, m); err != nil {
				t.Fatal(err)
			}
		}
		say(&wire.Offer{Kinds: []wire.OfferedKind{{Kind: string(notes)}}})
		n := uint64(1)
		for n < 1<<14 {
			l := &wire.List{First: n}
			for range 1024 {
				l.Entries = append(l.Entries, wire.Entry{
					Type: uint8(backup.TypeEntity), Key: fmt.Append(nil, n), Size: backup.MaxValue, Digest: make([]byte, 32),
				})
				n++
			}
			say(l)
		}
		say(&wire.End{Items: n - 1})
		var asked uint64
		for {
			m, err := wire.Read(ends.SendControl)
			if err != nil {
				t.Fatal(err)
			}
			if q, ok := m.(*wire.Need); ok {
				for _, r := range q.Runs {
					asked += r.Count
				}
			}
			if m.Type() == wire.TypeEnd {
				break
			}
		}
		if asked != preview.MaxContents/backup.MaxValue {
			t.Errorf("asked for %d values", asked)
		}
		for wire.Write(ends.SendControl, &wire.Content{Pieces: []wire.Piece{{Item: 1, Data: []byte{1}}}}) == nil {
			time.Sleep(time.Second) // of virtual time
		}
		if err := <-served; !errors.Is(err, transfer.ErrLinkLost) || time.Since(began) > preview.Most+2*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}
