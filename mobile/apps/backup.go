package apps

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/d2d"
	"github.com/ferry-move/ferry/mobile/android/domain"
	"github.com/ferry-move/ferry/mobile/android/entity"
	"github.com/ferry-move/ferry/mobile/android/manager"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/files"
)

// source implements [backup.Backup].
type source struct {
	agent *Agent
	quota int64
	apps  *os.Root // nil: there are none
	inner backup.Backup
}

func (a *Agent) openSource(ctx context.Context, t backup.Transport) (*source, error) {
	s := &source{agent: a, quota: cmp.Or(a.opts.Quota, d2d.DefaultQuota)}
	if t.Quota > 0 {
		s.quota = min(s.quota, t.Quota)
	}
	root, err := a.root.OpenRoot(Folder)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, backup.Fail("open", Kind, backup.ReasonOf(err), err)
	}
	if s.inner, err = filesBelow(root, nil).Backup(ctx, t); err != nil {
		root.Close()
		return nil, err
	}
	s.apps = root
	sweepStates()
	return s, nil
}

// Open implements [backup.Backup].
func (s *source) Open(ctx context.Context, it backup.Item, offset int64) (io.ReadCloser, error) {
	if _, _, p, ok := splitKey(it.Key); !ok || p != file || s.apps == nil {
		return nil, backup.Fail("open", Kind, backup.Malformed, nil)
	}
	it.Kind = files.Files
	return s.inner.Open(ctx, it, offset)
}

// Close implements [backup.Backup].
func (s *source) Close() error {
	if s.apps == nil {
		return nil
	}
	return errors.Join(s.inner.Close(), s.apps.Close())
}

// Items implements [backup.Backup].
func (s *source) Items(ctx context.Context) iter.Seq2[backup.Item, error] {
	return func(yield func(backup.Item, error) bool) {
		if s.apps == nil {
			return
		}
		names, err := s.names()
		if err != nil {
			yield(backup.Item{Kind: Kind, Key: Folder}, backup.Fail("walk", Kind, backup.ReasonOf(err), err))
			return
		}
		// The manager calls agents on goroutines of their own; items leave by
		// this one.
		ctx, cancel := context.WithCancel(ctx)
		p := &pass{source: s, ctx: ctx, items: make(chan []listed)}
		var wg sync.WaitGroup
		defer wg.Wait()
		defer cancel()
		wg.Go(func() {
			defer close(p.items)
			for _, name := range names {
				if ctx.Err() != nil {
					return
				}
				p.app(name)
			}
			p.flush()
		})
		for all := range p.items {
			for _, l := range all {
				if ctx.Err() != nil || !yield(l.item, l.err) {
					return
				}
			}
		}
	}
}

// names lists what lies in apps, in the order of a restore: the system first,
// its settings last.
func (s *source) names() ([]string, error) {
	d, err := s.apps.Open(".")
	if err != nil {
		return nil, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(n string) bool { return strings.HasPrefix(n, ".") })
	rank := func(n string) int {
		switch n {
		case "android":
			return 0
		case "com.android.providers.settings":
			return 2
		}
		return 1
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a, b))
	})
	return names, nil
}

type listed struct {
	item backup.Item
	err  error
}

// What is handed over at once, at most: so many items, and so many bytes of
// values before the last.
const (
	handItems = 128
	handBytes = 64 << 10
)

// pass lists apps one after the other.
type pass struct {
	*source
	ctx   context.Context
	items chan []listed
	// batch is what is to be handed over, with so many bytes of values. Both
	// belong to whoever calls send, one after the other.
	batch []listed
	bytes int
}

func (p *pass) send(it backup.Item, err error) error {
	it.Kind = Kind
	if p.batch == nil {
		p.batch = make([]listed, 0, handItems)
	}
	p.batch = append(p.batch, listed{it, err})
	p.bytes += len(it.Value)
	if len(p.batch) < handItems && p.bytes < handBytes {
		return nil
	}
	return p.flush()
}

// flush hands over what was gathered.
func (p *pass) flush() error {
	if len(p.batch) == 0 {
		return nil
	}
	all := p.batch
	p.batch, p.bytes = nil, 0
	select {
	case p.items <- all:
		return nil
	case <-p.ctx.Done():
		return context.Cause(p.ctx)
	}
}

// fail lists an app that does not move.
func (p *pass) fail(name string, err error) {
	if backup.ReasonOf(err) == backup.Unknown {
		err = backup.Fail("back up", Kind, backup.AppFailed, err)
	}
	p.send(backup.Item{Type: backup.TypeEntity, Key: backup.Key(name)}, err)
}

// app lists one app: what its agent hands over, what the framework keeps of it,
// and that it is whole.
func (p *pass) app(name string) {
	fi, err := p.apps.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return
	case err != nil:
		p.fail(name, backup.Fail("walk", Kind, backup.ReasonOf(err), err))
		return
	case !fi.IsDir() || !validName(name):
		p.fail(name, backup.Fail("walk", Kind, backup.Malformed, errors.New("it is no app's folder")))
		return
	}
	a, err := load(p.apps, name)
	if err != nil {
		p.fail(name, err)
		return
	}
	e := &emitter{pass: p, app: a}
	if a.form != android.RestoreNone {
		err = a.eligible()
	}
	switch {
	case err != nil:
	case a.form == android.RestoreKeyValue:
		err = p.records(a, e)
	case a.form == android.RestoreFull:
		err = p.run(a, e)
	}
	if err == nil {
		err = e.rest()
	}
	if err == nil && e.failed > 0 {
		err = backup.Fail("back up", Kind, e.why, nil)
	}
	if p.ctx.Err() != nil {
		return
	}
	if err != nil {
		p.fail(name, err)
		return
	}
	value := wholeValue{form: a.form, items: e.items}.encode()
	p.send(backup.Item{Type: backup.TypeEntity, Key: backup.Key(name), Value: value, Size: int64(len(value))}, nil)
}

// statePrefix begins the names of the folders in which the manager keeps what
// is on its way.
const statePrefix = "ferry-apps-"

// sweepStates removes what killed runs left of those, a day later: until then
// it may be somebody's who is at work. One that is more than a day ahead was left
// before the clock was set back. If the clock is set by days while somebody is at
// work, an app fails there and comes with the next run.
func sweepStates() {
	left, err := filepath.Glob(filepath.Join(os.TempDir(), statePrefix+"*"))
	if err != nil {
		return
	}
	for _, name := range left {
		if fi, err := os.Lstat(name); err == nil && fi.IsDir() && time.Since(fi.ModTime()).Abs() > 24*time.Hour {
			os.RemoveAll(name) // another user's stays
		}
	}
}

// run has the manager back an app's files up.
func (p *pass) run(a *app, e *emitter) error {
	dir, err := os.MkdirTemp("", statePrefix)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	m, err := manager.New(manager.Config{
		Dir:       dir,
		Transport: d2d.New(d2d.Options{Sink: e, Quota: p.quota}),
		Decide:    func(android.Package) (manager.Method, error) { return manager.Full, nil },
	})
	if err != nil {
		return err
	}
	defer m.Close(context.WithoutCancel(p.ctx))
	root, err := p.apps.OpenRoot(a.Name)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := m.Register(a.backedUp(root, e)); err != nil {
		return err
	}
	rep, err := m.Backup(p.ctx, []string{a.Name}, 0)
	if err != nil {
		return err
	}
	pr, ok := rep.Package(a.Name)
	if !ok {
		return fmt.Errorf("the manager left it out: %s", rep.Result)
	}
	return reasonOf(pr)
}

// reasonOf makes an item's failure of what the manager reports.
func reasonOf(pr manager.PackageReport) error {
	switch pr.Result {
	case manager.Success, manager.PackageRejected: // that is an app without files
		return nil
	case manager.QuotaExceeded:
		return backup.Fail("back up", Kind, backup.OverQuota, pr.Err)
	case manager.BackupNotAllowed:
		return backup.Fail("back up", Kind, backup.NotAllowed, pr.Err)
	}
	if r := backup.ReasonOf(pr.Err); r != backup.Unknown && r != 0 {
		return backup.Fail("back up", Kind, r, pr.Err)
	}
	return backup.Fail("back up", Kind, backup.AppFailed, pr.Err)
}

// emitter is the sink that makes items of what an app's agent hands over.
type emitter struct {
	*pass
	app    *app
	set    string        // what the app's records are called
	when   time.Time     // when they were written
	items  int64         // listed
	failed int64         // listed as not to be moved
	why    backup.Reason // of the first of those
}

var _ d2d.Sink = (*emitter)(nil)

// Begin implements [d2d.Sink].
func (*emitter) Begin(context.Context, android.Package, android.RestoreType) error { return nil }

// Entity implements [d2d.Sink].
func (e *emitter) Entity(_ context.Context, key entity.Key, value []byte) error {
	if key.Reserved() && !e.app.System {
		return errReserved
	}
	e.items++
	return e.send(backup.Item{
		Type: backup.TypeEntity, Key: backup.Key(e.app.Name + ":" + string(key)), Group: e.set, Value: value, Size: int64(len(value)),
		ModTime: e.when,
	}, nil)
}

// File implements [d2d.Sink]. What describes the app is moved as it lies in its
// folder, not as the manager would write it.
func (e *emitter) File(_ context.Context, f android.SourceFile) error {
	if f.Domain == "" {
		return nil
	}
	e.items++
	return e.send(backup.Item{
		Type: f.Type, Key: backup.Key(path.Join(e.app.Name, f.Domain, f.Path)), Size: f.Size, Mode: fs.FileMode(f.Mode) & fs.ModePerm, ModTime: f.ModTime,
	}, nil)
}

// leftOut lists what an app's folder has and its agent cannot move, such as a
// link. Without a folder that could not be read the app is not whole.
func (e *emitter) leftOut(name string, err error) {
	if !errors.Is(err, backup.NotRegular) {
		e.miss(err)
	}
	e.send(backup.Item{Type: backup.TypeFile, Key: backup.Key(path.Join(e.app.Name, name))}, err)
}

// miss notes that a part of the app is not listed.
func (e *emitter) miss(err error) {
	if e.failed++; e.failed == 1 {
		e.why = backup.ReasonOf(err)
	}
}

// End implements [d2d.Sink].
func (*emitter) End(context.Context) error { return nil }

// Drop implements [d2d.Sink].
func (*emitter) Drop(context.Context) {}

// rest lists what lies in the app's folder and is not its agent's: the
// framework's own files, and places that no agent knows.
func (e *emitter) rest() error {
	top, err := fs.ReadDir(e.apps.FS(), e.app.Name)
	if err != nil {
		return backup.Fail("walk", Kind, backup.ReasonOf(err), err)
	}
	for _, d := range top {
		t, link := domain.Token(d.Name()), d.Type()&fs.ModeSymlink != 0
		if d.IsDir() && (e.agents(t) || never(t)) || link && e.agents(t) { // a link was listed as left out
			continue
		}
		if link { // a walk would follow it
			it := backup.Item{Type: backup.TypeFile, Key: backup.Key(path.Join(e.app.Name, d.Name()))}
			if err := e.send(it, backup.Fail("walk", Kind, backup.NotRegular, nil)); err != nil {
				return err
			}
			continue
		}
		if err := e.tree(path.Join(e.app.Name, d.Name())); err != nil {
			return err
		}
	}
	return nil
}

// agents reports whether a place is the app's own agent's to back up.
func (e *emitter) agents(t domain.Token) bool {
	return e.app.form != android.RestoreNone && (t == domain.OBB || slices.Contains(domain.Order(), t))
}

// never reports whether a place is never moved.
func never(t domain.Token) bool {
	switch t {
	case domain.Cache, domain.DeviceCache, domain.NoBackup, domain.DeviceNoBackup:
		return true
	}
	return false
}

// tree lists a file, or a folder and all below it.
func (e *emitter) tree(name string) error {
	return fs.WalkDir(e.apps.FS(), name, func(name string, d fs.DirEntry, err error) error {
		it := backup.Item{Type: backup.TypeFile, Key: backup.Key(name)}
		if err != nil {
			e.miss(err)
			return cmp.Or(e.send(it, backup.Fail("walk", Kind, backup.ReasonOf(err), err)), skip(d))
		}
		if e.app.form == android.RestoreKeyValue && name == recordsPath(e.app.Name) {
			return nil // its records were listed
		}
		fi, err := d.Info()
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			e.miss(err)
			return e.send(it, backup.Fail("walk", Kind, backup.ReasonOf(err), err))
		case fi.IsDir():
			it.Type = backup.TypeDirectory
		case !fi.Mode().IsRegular():
			return e.send(it, backup.Fail("walk", Kind, backup.NotRegular, nil))
		default:
			it.Size = fi.Size()
		}
		it.Mode, it.ModTime = fi.Mode().Perm(), fi.ModTime()
		e.items++
		return e.send(it, nil)
	})
}

func skip(d fs.DirEntry) error {
	if d != nil && d.IsDir() {
		return fs.SkipDir
	}
	return nil
}

// wholeValue is what the item that closes an app says.
type wholeValue struct {
	form  android.RestoreType
	items int64
}

func (w wholeValue) encode() []byte {
	return fmt.Appendf(nil, "%d %d\n", w.form, w.items)
}

func parseWhole(b []byte) (w wholeValue, ok bool) {
	form, items, found := strings.Cut(strings.TrimSuffix(string(b), "\n"), " ")
	f, err := strconv.ParseUint(form, 10, 8)
	n, err2 := strconv.ParseInt(items, 10, 64)
	w = wholeValue{android.RestoreType(f), n}
	return w, found && err == nil && err2 == nil && n >= 0 && w.form <= android.RestoreFull && string(w.encode()) == string(b)
}
