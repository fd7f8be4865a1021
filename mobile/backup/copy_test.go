package backup_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"lukechampine.com/blake3"
)

// script is an agent whose every step the test decides. As a source it yields
// pairs; as a target it notes what was done.
type script struct {
	kind    backup.Kind
	pairs   []pair
	open    func(it backup.Item) (io.ReadCloser, error)
	stage   func(it backup.Item) error
	commit  func(items []backup.Item) []backup.Result // nil = all added
	check   func(it backup.Item) backup.Answer        // nil = Need
	finish  error
	close   error
	opening error

	log     []string
	batches [][]backup.Item
	got     map[backup.Key][]byte // contents of what was committed
	dropped []backup.Key
}

type pair struct {
	it  backup.Item
	err error
}

func (s *script) Info() backup.Info { return backup.Info{Kind: s.kind} }

func (s *script) Backup(context.Context, backup.Transport) (backup.Backup, error) {
	return (*scriptSource)(s), s.opening
}

func (s *script) Restore(context.Context, backup.Transport) (backup.Restore, error) {
	return (*scriptTarget)(s), s.opening
}

type scriptSource script

func (s *scriptSource) Items(context.Context) iter.Seq2[backup.Item, error] {
	return func(yield func(backup.Item, error) bool) {
		for _, p := range s.pairs {
			if !yield(p.it, p.err) {
				return
			}
		}
	}
}

func (s *scriptSource) Open(_ context.Context, it backup.Item, off int64) (io.ReadCloser, error) {
	s.log = append(s.log, "open")
	if s.open != nil {
		return s.open(it)
	}
	return io.NopCloser(bytes.NewReader(body(it)[off:])), nil
}

func (s *scriptSource) Close() error {
	s.log = append(s.log, "close")
	return s.close
}

// body is the content of a scripted file.
func body(it backup.Item) []byte { return bytes.Repeat([]byte(it.Key[:1]), int(it.Size)) }

type scriptTarget script

type scripted struct {
	to   *scriptTarget
	it   backup.Item
	body []byte
}

type scriptedFile struct{ *scripted }

func (s *scripted) Discard() error {
	s.to.dropped = append(s.to.dropped, s.it.Key)
	return nil
}

func (s scriptedFile) WriteAt(b []byte, off int64) (int, error) {
	if int(off) != len(s.body) {
		return 0, errors.New("a gap")
	}
	s.body = append(s.body, b...)
	s.scripted.body = s.body
	return len(b), nil
}

func (s *scriptTarget) Stage(_ context.Context, it backup.Item) (backup.Staged, error) {
	if s.stage != nil {
		if err := s.stage(it); err != nil {
			return nil, err
		}
	}
	if it.Type == backup.TypeFile && it.Group != "blind" {
		return scriptedFile{&scripted{to: s, it: it}}, nil
	}
	return &scripted{to: s, it: it, body: it.Value}, nil
}

func (s *scriptTarget) Commit(_ context.Context, batch []backup.Staged) []backup.Result {
	s.log = append(s.log, "commit")
	items := make([]backup.Item, len(batch))
	for i, one := range batch {
		var o *scripted
		switch v := one.(type) {
		case *scripted:
			o = v
		case scriptedFile:
			o = v.scripted
		}
		items[i] = o.it
		if s.got == nil {
			s.got = map[backup.Key][]byte{}
		}
		s.got[o.it.Key] = o.body
	}
	s.batches = append(s.batches, items)
	if s.commit != nil {
		return s.commit(items)
	}
	return slices.Repeat([]backup.Result{{Outcome: backup.Added}}, len(batch))
}

func (s *scriptTarget) Check(_ context.Context, it backup.Item, _ backup.Prior) backup.Answer {
	if s.check != nil {
		return s.check(it)
	}
	return backup.Answer{Verdict: backup.Need}
}

func (s *scriptTarget) Finish(context.Context) error {
	s.log = append(s.log, "finish")
	return s.finish
}

func (s *scriptTarget) Close() error {
	s.log = append(s.log, "close")
	return s.close
}

func file(key backup.Key, size int64) pair {
	return pair{it: backup.Item{Kind: "k", Type: backup.TypeFile, Key: key, Size: size, ModTime: time.Unix(1, 2)}}
}

func entity(key backup.Key, value string) pair {
	return pair{it: backup.Item{Kind: "k", Type: backup.TypeEntity, Key: key, Size: int64(len(value)), Value: []byte(value)}}
}

// counts is a Tally in short.
func counts(t backup.Tally) string {
	return fmt.Sprintf("%d added %d merged %d skipped %d failed %d bytes", t.Added, t.Merged, t.Skipped, t.Failed, t.Bytes)
}

// TestCopyItems takes one item of each fate through.
func TestCopyItems(t *testing.T) {
	odd := errors.New("odd")
	src := &script{kind: "k", pairs: []pair{
		file("new", 600_000), file("empty", 0), entity("entity", "value"),
		{it: backup.Item{Kind: "k", Type: backup.TypeDirectory, Key: "directory"}},
		{it: backup.Item{Kind: "k", Key: "unlisted"}, err: backup.Unreadable},
		file("gone", 1), file("refused", 1), file("refused without a word", 1), file("have", 1),
		file("same", 9), file("differs", 9), entity("same entity", "x"), file("compared and gone", 1),
		file("unstaged", 1), file("blind", 1), file("merged", 7), file("skipped", 1), file("late", 1), file("odd", 1), file("missing result", 1),
		file("short", 9), file("long", 9), file("broken", 9),
	}}
	for i := range src.pairs {
		if src.pairs[i].it.Key == "blind" {
			src.pairs[i].it.Group = "blind"
		}
	}
	src.open = func(it backup.Item) (io.ReadCloser, error) {
		switch it.Key {
		case "gone", "compared and gone":
			return nil, backup.Fail("open", "k", backup.Vanished, nil)
		case "short":
			return io.NopCloser(bytes.NewReader(make([]byte, 8))), nil
		case "long":
			return io.NopCloser(bytes.NewReader(make([]byte, 10))), nil
		case "broken":
			return io.NopCloser(io.MultiReader(bytes.NewReader(make([]byte, 5)), failing{backup.Unreadable})), nil
		}
		return io.NopCloser(bytes.NewReader(body(it))), nil
	}
	dst := &script{kind: "k"}
	dst.check = func(it backup.Item) backup.Answer {
		compare := backup.Answer{Verdict: backup.Compare, Digests: []backup.Digest{{1}, blake3.Sum256(bytes.Repeat([]byte("s"), 9)), blake3.Sum256([]byte("x"))}}
		switch it.Key {
		case "refused":
			return backup.Answer{Verdict: backup.Refuse, Err: backup.Declined}
		case "refused without a word":
			return backup.Answer{Verdict: backup.Refuse}
		case "have":
			return backup.Answer{Verdict: backup.Have}
		case "same", "differs", "same entity", "compared and gone":
			return compare
		}
		return backup.Answer{Verdict: backup.Need}
	}
	dst.stage = func(it backup.Item) error {
		if it.Key == "unstaged" {
			return backup.Fail("stage", "k", backup.NoSpace, nil)
		}
		return nil
	}
	dst.commit = func(items []backup.Item) (res []backup.Result) {
		for _, it := range items {
			switch it.Key {
			case "merged":
				res = append(res, backup.Result{Outcome: backup.Merged})
			case "skipped":
				res = append(res, backup.Result{Outcome: backup.Skipped})
			case "late":
				res = append(res, backup.Result{Outcome: backup.Failed, Err: backup.Damaged})
			case "odd":
				res = append(res, backup.Result{Outcome: 77, Err: odd})
			case "missing result":
			default:
				res = append(res, backup.Result{Outcome: backup.Added})
			}
		}
		return res
	}
	tally, err := backup.Copy(t.Context(), dst, src, backup.Transport{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := counts(tally), "5 added 1 merged 4 skipped 13 failed 600021 bytes"; got != want {
		t.Errorf("%s, not %s", got, want)
	}
	if tally.Items() != int64(len(src.pairs)) {
		t.Errorf("%d items counted of %d", tally.Items(), len(src.pairs))
	}
	var failed []string
	for _, f := range tally.Failures {
		failed = append(failed, fmt.Sprintf("%s %s %d", f.Kind, f.Key, f.Reason))
	}
	slices.Sort(failed)
	want := []string{
		"k blind 1", "k broken 2", "k compared and gone 3", "k gone 3", "k late 9", "k long 4", "k missing result 1", "k odd 1",
		"k refused 12", "k refused without a word 1", "k short 4", "k unlisted 2", "k unstaged 7",
	}
	if !slices.Equal(failed, want) {
		t.Errorf("failures:\n%q, not\n%q", failed, want)
	}
	slices.Sort(dst.dropped)
	if want := []backup.Key{"blind", "broken", "gone", "long", "short"}; !slices.Equal(dst.dropped, want) {
		t.Errorf("discarded: %q", dst.dropped)
	}
	for _, p := range src.pairs[:2] {
		if !bytes.Equal(dst.got[p.it.Key], body(p.it)) {
			t.Errorf("%s arrived with other content", p.it.Key)
		}
	}
	if string(dst.got["entity"]) != "value" {
		t.Error("the entity arrived with another value")
	}
	if !slices.Equal(dst.log, []string{"commit", "finish", "close"}) || src.log[len(src.log)-1] != "close" {
		t.Errorf("the target saw %q, the source %q", dst.log, src.log)
	}
}

// failing is a reader that fails.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// TestCopyBatches checks how much is committed at once, and in which order.
func TestCopyBatches(t *testing.T) {
	for _, tt := range []struct {
		name  string
		n     int
		size  int64
		sizes []int
	}{
		{"none", 0, 0, nil},
		{"many small ones", 600, 1, []int{256, 256, 88}},
		{"as many as fit", 256, 1, []int{256}},
		{"large ones", 5, 6 << 20, []int{3, 2}},
		{"huge ones", 2, 17 << 20, []int{1, 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			src, dst := &script{kind: "k"}, &script{kind: "k"}
			for i := range tt.n {
				src.pairs = append(src.pairs, file(backup.Key(fmt.Sprintf("%04d", i)), tt.size))
			}
			tally, err := backup.Copy(t.Context(), dst, src, backup.Transport{})
			if err != nil || tally.Added != int64(tt.n) || tally.Bytes != int64(tt.n)*tt.size {
				t.Errorf("%s, %v", counts(tally), err)
			}
			var sizes []int
			var keys []backup.Key
			for _, b := range dst.batches {
				sizes = append(sizes, len(b))
				for _, it := range b {
					keys = append(keys, it.Key)
				}
			}
			if !slices.Equal(sizes, tt.sizes) || !slices.IsSorted(keys) {
				t.Errorf("batches of %v", sizes)
			}
		})
	}
}

func TestCopyFailuresAreBounded(t *testing.T) {
	src := &script{kind: "k"}
	for range backup.MaxFailures + 5 {
		src.pairs = append(src.pairs, pair{err: backup.Unreadable})
	}
	tally, err := backup.Copy(t.Context(), &script{kind: "k"}, src, backup.Transport{})
	if err != nil || tally.Failed != backup.MaxFailures+5 || len(tally.Failures) != backup.MaxFailures {
		t.Errorf("%s, %d listed, %v", counts(tally), len(tally.Failures), err)
	}
}

// TestCopyErrors ends runs for reasons that are nobody's item.
func TestCopyErrors(t *testing.T) {
	bad := errors.New("bad")
	for _, tt := range []struct {
		name     string
		src, dst script
		want     error
		added    int64
	}{
		{"another kind", script{kind: "k"}, script{kind: "j"}, backup.Unsupported, 0},
		{"a source that does not open", script{kind: "k", opening: bad}, script{kind: "k"}, bad, 0},
		{"a target that does not open", script{kind: "k"}, script{kind: "k", opening: bad}, bad, 0},
		{"a target that does not finish", script{kind: "k", pairs: []pair{file("a", 1)}}, script{kind: "k", finish: bad}, bad, 1},
		{"a source that does not close", script{kind: "k", pairs: []pair{file("a", 1)}, close: bad}, script{kind: "k"}, bad, 1},
		{"a target that does not close", script{kind: "k", pairs: []pair{file("a", 1)}}, script{kind: "k", close: bad}, bad, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tally, err := backup.Copy(t.Context(), &tt.dst, &tt.src, backup.Transport{})
			if !errors.Is(err, tt.want) || tally.Added != tt.added {
				t.Errorf("%s, %v", counts(tally), err)
			}
			if tt.dst.opening != nil && !slices.Equal(tt.src.log, []string{"close"}) {
				t.Errorf("the source is left open: %q", tt.src.log)
			}
		})
	}
}

// TestCopyCancelled ends the context at each kind of step: what was committed
// before is counted, nothing else is, and nothing is finished.
func TestCopyCancelled(t *testing.T) {
	for _, step := range []string{"check", "stage", "open", "commit"} {
		t.Run(step, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			src, dst := &script{kind: "k"}, &script{kind: "k"}
			for i := range 600 {
				src.pairs = append(src.pairs, file(backup.Key(fmt.Sprintf("%04d", i)), 1))
			}
			at := func(name string, it backup.Item) error {
				if name == step && it.Key == "0300" {
					cancel()
				}
				return ctx.Err()
			}
			dst.check = func(it backup.Item) backup.Answer {
				if err := at("check", it); err != nil {
					return backup.Answer{Verdict: backup.Refuse, Err: err}
				}
				return backup.Answer{Verdict: backup.Need}
			}
			dst.stage = func(it backup.Item) error { return at("stage", it) }
			src.open = func(it backup.Item) (io.ReadCloser, error) {
				at("open", it)
				return io.NopCloser(bytes.NewReader(body(it))), nil
			}
			want := int64(256)
			dst.commit = func(items []backup.Item) (res []backup.Result) {
				for _, it := range items {
					if err := at("commit", it); err != nil {
						res = append(res, backup.Result{Outcome: backup.Failed, Err: err})
						continue
					}
					res = append(res, backup.Result{Outcome: backup.Added})
				}
				return res
			}
			if step == "commit" {
				want = 300
			}
			tally, err := backup.Copy(ctx, dst, src, backup.Transport{})
			if !errors.Is(err, context.Canceled) || tally.Added != want || tally.Items() != want {
				t.Errorf("%s, %v", counts(tally), err)
			}
			if slices.Contains(dst.log, "finish") || dst.log[len(dst.log)-1] != "close" {
				t.Errorf("the target saw %q", dst.log)
			}
		})
	}
}

// TestCopyPhone moves a whole phone twice.
func TestCopyPhone(t *testing.T) {
	src := fakephone.New(fakephone.Config{Seed: 8, Unreadable: 0.1, ChangeWhileReading: 0.1})
	dst := fakephone.New(fakephone.Config{Empty: true})
	for run := range 2 {
		for _, a := range src.Agents() {
			kind := a.Info().Kind
			tally, err := backup.Copy(t.Context(), dst.Agent(kind), a, backup.Transport{})
			if err != nil || tally.Items() != int64(src.Len(kind)) || tally.Merged != 0 {
				t.Fatalf("%s: %s, %v", kind, counts(tally), err)
			}
			if again := run == 1; again == (tally.Added > 0) || again != (tally.Skipped > 0) {
				t.Errorf("%s, run %d: %s", kind, run, counts(tally))
			}
		}
		if err := fakephone.Equal(t.Context(), dst, src); err != nil {
			t.Errorf("run %d: %v", run, err)
		}
	}
}
