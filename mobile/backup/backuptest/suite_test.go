package backuptest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"sync"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
)

// hooks are the ways in which an agent can be broken. nil = as it should be.
type hooks struct {
	info    func(backup.Info) backup.Info
	items   func(ctx context.Context, all iter.Seq2[backup.Item, error]) iter.Seq2[backup.Item, error]
	open    func(b backup.Backup, ctx context.Context, it backup.Item, off int64) (io.ReadCloser, error)
	stage   func(r backup.Restore, ctx context.Context, it backup.Item) (backup.Staged, error)
	commit  func(r backup.Restore, ctx context.Context, batch []backup.Staged) []backup.Result
	resume  func(backup.Resumer, context.Context, backup.Item, backup.Leftover) (backup.ResumedFile, bool, error)
	check   func(c backup.Checker, it backup.Item, p backup.Prior) backup.Answer
	close   func(r backup.Restore) error
	deafens bool // the transport is not passed on
}

type broken struct {
	backup.Agent
	h hooks
}

func (a *broken) Info() backup.Info {
	if a.h.info != nil {
		return a.h.info(a.Agent.Info())
	}
	return a.Agent.Info()
}

func (a *broken) Backup(ctx context.Context, t backup.Transport) (backup.Backup, error) {
	if a.h.deafens {
		t = backup.Transport{}
	}
	b, err := a.Agent.Backup(ctx, t)
	return &brokenBackup{b, a.h}, err
}

func (a *broken) Restore(ctx context.Context, t backup.Transport) (backup.Restore, error) {
	if a.h.deafens {
		t = backup.Transport{}
	}
	r, err := a.Agent.Restore(ctx, t)
	return &brokenRestore{r, a.h}, err
}

type brokenBackup struct {
	backup.Backup
	h hooks
}

func (b *brokenBackup) Items(ctx context.Context) iter.Seq2[backup.Item, error] {
	if b.h.items != nil {
		return b.h.items(ctx, b.Backup.Items(context.WithoutCancel(ctx)))
	}
	return b.Backup.Items(ctx)
}

func (b *brokenBackup) Open(ctx context.Context, it backup.Item, off int64) (io.ReadCloser, error) {
	if b.h.open != nil {
		return b.h.open(b.Backup, ctx, it, off)
	}
	return b.Backup.Open(ctx, it, off)
}

type brokenRestore struct {
	backup.Restore
	h hooks
}

func (r *brokenRestore) Stage(ctx context.Context, it backup.Item) (backup.Staged, error) {
	if r.h.stage != nil {
		return r.h.stage(r.Restore, ctx, it)
	}
	return r.Restore.Stage(ctx, it)
}

func (r *brokenRestore) Commit(ctx context.Context, batch []backup.Staged) []backup.Result {
	if r.h.commit != nil {
		return r.h.commit(r.Restore, ctx, batch)
	}
	return r.Restore.Commit(ctx, batch)
}

func (r *brokenRestore) Check(ctx context.Context, it backup.Item, p backup.Prior) backup.Answer {
	if r.h.check != nil {
		return r.h.check(r.Restore.(backup.Checker), it, p)
	}
	return r.Restore.(backup.Checker).Check(ctx, it, p)
}

func (r *brokenRestore) Resume(ctx context.Context, it backup.Item, l backup.Leftover) (backup.ResumedFile, bool, error) {
	if r.h.resume != nil {
		return r.h.resume(r.Restore.(backup.Resumer), ctx, it, l)
	}
	return r.Restore.(backup.Resumer).Resume(ctx, it, l)
}

func (r *brokenRestore) RemoveTemp(ctx context.Context, name string) error {
	return r.Restore.(backup.TempRemover).RemoveTemp(ctx, name)
}

func (r *brokenRestore) Close() error {
	if r.h.close != nil {
		return r.h.close(r.Restore)
	}
	return r.Restore.Close()
}

// breakage is an agent that does one thing wrong and the checks that must see
// it; others may, too.
type breakage struct {
	name string
	sees []string
	make func() hooks // new for each agent
	kind backup.Kind  // empty = photos
}

func pure(h hooks) func() hooks { return func() hooks { return h } }

// each changes every item, and keeps the context.
func each(f func(n int, it *backup.Item, err *error) (drop bool)) func(context.Context, iter.Seq2[backup.Item, error]) iter.Seq2[backup.Item, error] {
	return func(ctx context.Context, all iter.Seq2[backup.Item, error]) iter.Seq2[backup.Item, error] {
		return func(yield func(backup.Item, error) bool) {
			n := 0
			for it, err := range all {
				if ctx.Err() != nil {
					return
				}
				if f(n, &it, &err) {
					continue
				}
				if n++; !yield(it, err) {
					return
				}
			}
		}
	}
}

// opened changes what Open returns.
func opened(f func(b []byte, off int64) []byte) func(backup.Backup, context.Context, backup.Item, int64) (io.ReadCloser, error) {
	return func(b backup.Backup, ctx context.Context, it backup.Item, off int64) (io.ReadCloser, error) {
		r, err := b.Open(ctx, it, off)
		if err != nil {
			return nil, err
		}
		all, err := io.ReadAll(r)
		return io.NopCloser(bytes.NewReader(f(all, off))), err
	}
}

var breakages = []breakage{
	{name: "info without words", sees: []string{"info"}, make: pure(hooks{info: func(i backup.Info) backup.Info { i.Many = ""; return i }})},
	{name: "info with a bad kind", sees: []string{"info"}, make: pure(hooks{info: func(i backup.Info) backup.Info { i.Kind = "Photos"; return i }})},
	{name: "entities that are files", sees: []string{"items/shape"}, make: pure(hooks{info: func(i backup.Info) backup.Info { i.Entities = true; return i }})},
	{name: "absolute keys", sees: []string{"items/shape"}, make: pure(hooks{items: each(func(_ int, it *backup.Item, _ *error) bool { it.Key = "/" + it.Key; return false })})},
	{name: "a mode with more", sees: []string{"items/shape"}, make: pure(hooks{items: each(func(_ int, it *backup.Item, _ *error) bool { it.Mode |= 1 << 31; return false })})},
	{name: "values and sizes apart", sees: []string{"items/shape", "content/size"}, kind: fakephone.Contacts, make: pure(hooks{items: each(func(_ int, it *backup.Item, _ *error) bool { it.Size++; return false })})},
	{name: "failures without a reason", sees: []string{"items/shape"}, make: pure(hooks{items: each(func(n int, _ *backup.Item, err *error) bool {
		if n == 2 {
			*err = errors.New("no")
		}
		return false
	})})},
	{name: "one key for all", sees: []string{"items/unique"}, make: pure(hooks{items: each(func(n int, it *backup.Item, _ *error) bool {
		if it.Type == backup.TypeFile && n%2 == 0 {
			it.Key = "DCIM/same"
		}
		return false
	})})},
	{name: "an item less each time", sees: []string{"items/repeatable", "items/stop"}, make: func() hooks {
		var mu sync.Mutex
		runs := 0
		return hooks{items: func(ctx context.Context, all iter.Seq2[backup.Item, error]) iter.Seq2[backup.Item, error] {
			mu.Lock()
			defer mu.Unlock()
			runs++
			less, at := runs, 0
			return each(func(int, *backup.Item, *error) bool { at++; return at > 2 && at <= 2+less })(ctx, all)
		}}
	}},
	{name: "a deaf sequence", sees: []string{"items/cancel"}, make: pure(hooks{items: func(_ context.Context, all iter.Seq2[backup.Item, error]) iter.Seq2[backup.Item, error] {
		return all
	}})},
	{name: "short content", sees: []string{"content/size"}, make: pure(hooks{open: opened(func(b []byte, _ int64) []byte { return b[:max(0, len(b)-1)] })})},
	{name: "an offset that is ignored", sees: []string{"content/offset", "content/concurrent"}, make: pure(hooks{open: func(b backup.Backup, ctx context.Context, it backup.Item, _ int64) (io.ReadCloser, error) {
		return b.Open(ctx, it, 0)
	}})},
	{name: "content beyond the end", sees: []string{"content/offset"}, make: pure(hooks{open: func(b backup.Backup, ctx context.Context, it backup.Item, off int64) (io.ReadCloser, error) {
		if off > it.Size {
			return io.NopCloser(bytes.NewReader([]byte{0})), nil
		}
		return b.Open(ctx, it, off)
	}})},
	{name: "vanished and empty", sees: []string{"content/vanished"}, make: pure(hooks{open: func(b backup.Backup, ctx context.Context, it backup.Item, off int64) (io.ReadCloser, error) {
		r, err := b.Open(ctx, it, off)
		if backup.ReasonOf(err) == backup.Vanished {
			return io.NopCloser(bytes.NewReader(nil)), nil
		}
		return r, err
	}})},
	{name: "vanished for no reason", sees: []string{"content/vanished"}, make: pure(hooks{open: func(b backup.Backup, ctx context.Context, it backup.Item, off int64) (io.ReadCloser, error) {
		r, err := b.Open(ctx, it, off)
		if err != nil {
			return nil, errors.New("open failed")
		}
		return r, nil
	}})},
	{name: "changes that are not seen", sees: []string{"content/changed"}, make: pure(hooks{open: func(b backup.Backup, ctx context.Context, it backup.Item, off int64) (io.ReadCloser, error) {
		for real := range b.Items(ctx) {
			if real.Key == it.Key {
				it = real
			}
		}
		return b.Open(ctx, it, off)
	}})},
	{name: "an item lost in the commit", sees: []string{"restore/twice", "restore/unchecked", "restore/concurrent", "restore/discard"}, make: pure(hooks{commit: func(r backup.Restore, ctx context.Context, batch []backup.Staged) []backup.Result {
		if len(batch) == 0 {
			return nil
		}
		last := len(batch) - 1
		res := r.Commit(ctx, batch[:last])
		batch[last].Discard()
		return append(res, backup.Result{Outcome: backup.Added})
	}})},
	{name: "large batches that are cut", sees: []string{"restore/batches"}, make: pure(hooks{commit: func(r backup.Restore, ctx context.Context, batch []backup.Staged) []backup.Result {
		return r.Commit(ctx, batch[:min(len(batch), 6)])
	}})},
	{name: "a result for nothing", sees: []string{"restore/batches"}, make: pure(hooks{commit: func(r backup.Restore, ctx context.Context, batch []backup.Staged) []backup.Result {
		if len(batch) == 0 {
			return []backup.Result{{Outcome: backup.Skipped}}
		}
		return r.Commit(ctx, batch)
	}})},
	{name: "failures without an error", sees: []string{"restore/garbage", "restore/cancel"}, make: pure(hooks{
		stage: func(r backup.Restore, ctx context.Context, it backup.Item) (backup.Staged, error) {
			s, err := r.Stage(ctx, it)
			if err != nil && it.Type == backup.TypeFile {
				return sink{}, nil
			}
			return s, err
		},
		commit: func(r backup.Restore, ctx context.Context, batch []backup.Staged) []backup.Result {
			res := r.Commit(ctx, batch)
			for i := range res {
				res[i].Err = nil
			}
			return res
		}})},
	{name: "everything is added, always", sees: []string{"restore/twice", "restore/unchecked", "restore/duplicate"}, make: pure(hooks{commit: func(r backup.Restore, ctx context.Context, batch []backup.Staged) []backup.Result {
		res := r.Commit(ctx, batch)
		for i := range res {
			if res[i].Outcome == backup.Skipped {
				res[i].Outcome = backup.Added
			}
		}
		return res
	}, check: func(backup.Checker, backup.Item, backup.Prior) backup.Answer {
		return backup.Answer{Verdict: backup.Need}
	}})},
	{name: "other content is taken for the same", sees: []string{"restore/beside"}, make: pure(hooks{commit: func(r backup.Restore, ctx context.Context, batch []backup.Staged) []backup.Result {
		res := r.Commit(ctx, batch)
		for i := range res {
			if res[i].Name != "" {
				res[i] = backup.Result{Outcome: backup.Skipped}
			}
		}
		return res
	}})},
	{name: "have, without looking", sees: []string{"restore/answers", "restore/twice"}, make: pure(hooks{check: func(backup.Checker, backup.Item, backup.Prior) backup.Answer {
		return backup.Answer{Verdict: backup.Have}
	}})},
	{name: "priors are believed", sees: []string{"restore/answers"}, make: pure(hooks{check: func(c backup.Checker, it backup.Item, p backup.Prior) backup.Answer {
		if !p.Digest.IsZero() {
			return backup.Answer{Verdict: backup.Have, Digest: p.Digest}
		}
		return c.Check(context.Background(), it, p)
	}})},
	{name: "discarded and kept", sees: []string{"restore/discard"}, make: pure(hooks{stage: func(r backup.Restore, ctx context.Context, it backup.Item) (backup.Staged, error) {
		s, err := r.Stage(ctx, it)
		if f, ok := s.(backup.StagedFile); ok {
			return sticky{f, r}, err
		}
		return s, err
	}, commit: func(r backup.Restore, ctx context.Context, batch []backup.Staged) []backup.Result {
		plain := make([]backup.Staged, len(batch))
		for i, s := range batch {
			plain[i] = s
			if k, ok := s.(sticky); ok {
				plain[i] = k.StagedFile
			}
		}
		return r.Commit(ctx, plain)
	}})},
	{name: "visible before the commit", sees: []string{"restore/uncommitted"}, make: pure(hooks{stage: func(r backup.Restore, ctx context.Context, it backup.Item) (backup.Staged, error) {
		if it.Type != backup.TypeDirectory {
			return r.Stage(ctx, it)
		}
		s, err := r.Stage(ctx, it)
		if err == nil {
			r.Commit(ctx, []backup.Staged{s})
			return r.Stage(ctx, it)
		}
		return s, err
	}})},
	{name: "committed when it is closed", sees: []string{"restore/uncommitted"}, make: func() hooks {
		var mu sync.Mutex
		var open []backup.Staged
		return hooks{stage: func(r backup.Restore, ctx context.Context, it backup.Item) (backup.Staged, error) {
			mu.Lock()
			defer mu.Unlock()
			s, err := r.Stage(ctx, it)
			if err == nil {
				open = append(open, s)
			}
			return s, err
		}, close: func(r backup.Restore) error {
			r.Commit(context.Background(), open)
			return r.Close()
		}}
	}},
	{name: "paths are cleaned and taken", sees: []string{"restore/garbage"}, make: pure(hooks{stage: func(r backup.Restore, ctx context.Context, it backup.Item) (backup.Staged, error) {
		if it.Key == "a//b" {
			it.Key = "a/b"
		}
		return r.Stage(ctx, it)
	}})},
	{name: "neighbours of garbage fail", sees: []string{"restore/garbage"}, make: func() hooks {
		spoilt := false
		return hooks{stage: func(r backup.Restore, ctx context.Context, it backup.Item) (backup.Staged, error) {
			s, err := r.Stage(ctx, it)
			if err != nil {
				spoilt = true
			}
			return s, err
		}, commit: func(r backup.Restore, ctx context.Context, batch []backup.Staged) []backup.Result {
			res := r.Commit(ctx, batch)
			if spoilt {
				res[0] = backup.Result{Outcome: backup.Failed, Err: backup.Malformed}
			}
			return res
		}}
	}},
	{name: "committed, said to be cut", sees: []string{"restore/cancel"}, make: pure(hooks{commit: func(r backup.Restore, ctx context.Context, batch []backup.Staged) []backup.Result {
		res := r.Commit(context.WithoutCancel(ctx), batch)
		if err := ctx.Err(); err != nil {
			for i := range res {
				res[i] = backup.Result{Outcome: backup.Failed, Err: err}
			}
		}
		return res
	}})},
	{name: "blocks are only appended", sees: []string{"restore/concurrent"}, make: pure(hooks{stage: func(r backup.Restore, ctx context.Context, it backup.Item) (backup.Staged, error) {
		s, err := r.Stage(ctx, it)
		if f, ok := s.(backup.StagedFile); ok {
			return &appender{StagedFile: f}, err
		}
		return s, err
	}, commit: func(r backup.Restore, ctx context.Context, batch []backup.Staged) []backup.Result {
		plain := make([]backup.Staged, len(batch))
		for i, s := range batch {
			plain[i] = s
			if a, ok := s.(*appender); ok {
				plain[i] = a.StagedFile
			}
		}
		return r.Commit(ctx, plain)
	}})},
	{name: "a beginning that is gone", sees: []string{"restore/kept"}, make: pure(hooks{resume: func(r backup.Resumer, ctx context.Context, it backup.Item, l backup.Leftover) (backup.ResumedFile, bool, error) {
		f, touched, err := r.Resume(ctx, it, l)
		if err == nil {
			_, err = f.WriteAt(make([]byte, l.Length), 0)
		}
		return f, touched, err
	}})},
	{name: "committed when it is kept", sees: []string{"restore/kept"}, make: pure(hooks{close: func(r backup.Restore) error {
		s, err := r.Stage(context.Background(), backup.Item{Kind: fakephone.Photos, Type: backup.TypeFile, Key: "DCIM/kept.jpg"})
		if err == nil {
			r.Commit(context.Background(), []backup.Staged{s})
		}
		return r.Close()
	}})},
	{name: "touched and not seen", sees: []string{"restore/kept/refused"}, make: pure(hooks{resume: func(r backup.Resumer, ctx context.Context, it backup.Item, l backup.Leftover) (backup.ResumedFile, bool, error) {
		f, _, err := r.Resume(ctx, it, l)
		return f, false, err
	}})},
	{name: "more is left than there is", sees: []string{"restore/kept/refused"}, make: pure(hooks{resume: func(r backup.Resumer, ctx context.Context, it backup.Item, l backup.Leftover) (backup.ResumedFile, bool, error) {
		l.Length = min(l.Length, it.Size/2)
		return r.Resume(ctx, it, l)
	}})},
	{name: "deaf to flags", sees: []string{"flags"}, make: pure(hooks{deafens: true})},
}

// sink takes anything and is nothing.
type sink struct{}

func (sink) Discard() error                         { return nil }
func (sink) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }

// sticky commits what is discarded.
type sticky struct {
	backup.StagedFile
	to backup.Restore
}

func (s sticky) Discard() error {
	return s.to.Commit(context.Background(), []backup.Staged{s.StagedFile})[0].Err
}

// appender puts blocks where the last one ended.
type appender struct {
	backup.StagedFile
	mu  sync.Mutex
	off int64
}

func (a *appender) WriteAt(p []byte, _ int64) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	n, err := a.StagedFile.WriteAt(p, a.off)
	a.off += int64(n)
	return n, err
}

func newEnv(kind backup.Kind, make func() hooks) Env {
	if kind == "" {
		kind = fakephone.Photos
	}
	c := fakephone.Config{Seed: 4, Photos: 10, Contacts: 10, Sizes: map[backup.Kind]fakephone.Range{
		fakephone.Photos: {Min: 100_000, Max: 400_000},
	}}
	src := fakephone.New(c)
	devices := map[backup.Agent]*fakephone.Device{}
	wrap := func(d *fakephone.Device) backup.Agent {
		a := &broken{Agent: d.Agent(kind), h: make()}
		devices[a] = d
		return a
	}
	return Env{
		Source:    wrap(src),
		NewTarget: func() backup.Agent { return wrap(fakephone.New(fakephone.Config{Empty: true, Keep: 1 << 30})) },
		Vanish: func(it backup.Item) error {
			if !src.Remove(kind, it.Key) {
				return errors.New("it was not there")
			}
			return nil
		},
		Transport: func(a backup.Agent) (read, taken backup.Transport) { return devices[a].Transport(kind) },
	}
}

// TestBroken breaks an agent in every way and wants the suite to see it.
func TestBroken(t *testing.T) {
	seen := map[string]bool{}
	byName := map[string]check{}
	for _, c := range checks {
		byName[c.name] = c
	}
	for _, b := range breakages {
		t.Run(b.name, func(t *testing.T) {
			for _, name := range b.sees {
				if byName[name].run(t.Context(), newEnv(b.kind, b.make)) == nil {
					t.Errorf("%s does not see it", name)
				}
				seen[name] = true
			}
		})
	}
	for _, c := range checks {
		if !seen[c.name] {
			t.Errorf("nothing shows that %s can fail", c.name)
		}
	}
}

// TestSound holds the suite to letting a sound agent pass.
func TestSound(t *testing.T) {
	for _, kind := range []backup.Kind{fakephone.Photos, fakephone.Contacts} {
		t.Run(string(kind), func(t *testing.T) {
			Run(t, func(testing.TB) Env { return newEnv(kind, pure(hooks{})) })
		})
	}
}

// TestNormal compares data that comes back in another form.
func TestNormal(t *testing.T) {
	e := newEnv("", pure(hooks{}))
	blunt := e.NewTarget
	e.NewTarget = func() backup.Agent {
		a := blunt().(*broken)
		a.h.stage = func(r backup.Restore, ctx context.Context, it backup.Item) (backup.Staged, error) {
			it.ModTime = it.ModTime.Truncate(1e9)
			return r.Stage(ctx, it)
		}
		return a
	}
	if checkTwice(t.Context(), e) == nil {
		t.Error("times in whole seconds are taken for the same")
	}
	e.Normal = func(it backup.Item) backup.Item {
		it.ModTime = it.ModTime.Truncate(1e9)
		return it
	}
	if err := checkTwice(t.Context(), e); err != nil {
		t.Error(err)
	}
}
