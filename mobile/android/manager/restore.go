package manager

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/entity"
	"github.com/ferry-move/ferry/mobile/android/pm"
)

// Apps with a place of their own in a restore.
const (
	platform = "android"
	settings = "com.android.providers.settings"
)

// maxOffers is how many packages a transport may offer in one restore.
const maxOffers = 4 * pm.MaxApps

// A restore is one run over a set. It belongs to the goroutine that runs it.
type restore struct {
	m      *Manager
	ctx    context.Context
	set    android.RestoreSet
	list   *pm.Set
	wanted []string
	report RestoreReport
}

// Restore brings apps back from a set; nil = all that are registered. An app
// that fails is cleared, unless it wants to keep what it has, and the next one
// goes on. The error is not nil if the restore did not get to its end; the
// report tells what was done in any case (AOSP PerformUnifiedRestoreTask.java).
//
// A restore works with backup turned off, too: a new phone is filled before its
// owner has decided about that.
func (m *Manager) Restore(ctx context.Context, token int64, pkgs []string) (RestoreReport, error) {
	if err := m.begin(ctx); err != nil {
		return RestoreReport{}, fmt.Errorf("restore: %w", err)
	}
	defer m.end()
	m.clearCut(ctx)
	r := &restore{m: m, ctx: ctx}
	sets, err := m.transport.RestoreSets(ctx)
	if err != nil {
		return r.report, fmt.Errorf("restore: list the sets: %w", err)
	}
	i := slices.IndexFunc(sets, func(s android.RestoreSet) bool { return s.Token == token })
	if i < 0 {
		return r.report, fmt.Errorf("restore: %w", ErrNoSet)
	}
	r.set = sets[i]
	r.plan(pkgs)

	err = m.transport.StartRestore(ctx, token, slices.Concat([]string{android.MetadataPackage}, r.wanted))
	if err == nil {
		err = r.run()
	} else {
		m.event(LostTransport, "", err)
	}
	if ferr := m.transport.FinishRestore(context.WithoutCancel(ctx)); err == nil {
		err = ferr
	}
	left := ErrNoData
	if err != nil {
		left = ErrAborted
	}
	for _, pkg := range r.wanted {
		if !r.has(pkg) {
			r.add(RestoredPackage{Package: pkg, Err: left})
		}
	}
	if err == nil && pkgs == nil {
		m.tokens.Ancestral, m.tokens.Packages = pm.Token(token), []string{}
		for name := range r.list.Apps {
			m.tokens.Packages = append(m.tokens.Packages, name)
		}
		slices.Sort(m.tokens.Packages)
		err = m.writeTokens()
	}
	if err != nil {
		return r.report, fmt.Errorf("restore: %w", err)
	}
	return r.report, nil
}

// plan decides which apps are wanted: the system first, its settings last.
func (r *restore) plan(pkgs []string) {
	all := pkgs == nil
	if all {
		for _, a := range r.m.registered() {
			pkgs = append(pkgs, a.Name)
		}
	}
	for _, pkg := range pkgs {
		if pkg == android.MetadataPackage || slices.Contains(r.wanted, pkg) || r.has(pkg) {
			continue
		}
		err := error(NotInstalled)
		if app := r.m.app(pkg); app != nil {
			err = restorable(app.Package, r.set)
		}
		if err != nil {
			r.add(RestoredPackage{Package: pkg, Err: err})
			continue
		}
		r.wanted = append(r.wanted, pkg)
	}
	place := func(pkg string) int {
		switch pkg {
		case platform:
			return -1
		case settings:
			return 1
		}
		return 0
	}
	slices.SortStableFunc(r.wanted, func(a, b string) int { return place(a) - place(b) })
}

func (r *restore) has(pkg string) bool {
	_, ok := r.report.Package(pkg)
	return ok
}

func (r *restore) add(p RestoredPackage) {
	if id, ok := errors.AsType[EventID](p.Err); ok {
		r.m.event(id, p.Package, p.Err)
	}
	r.report.Packages = append(r.report.Packages, p)
}

// run takes what the transport offers. Its error ends the restore.
func (r *restore) run() error {
	if err := r.readList(); err != nil {
		return err
	}
	for range maxOffers {
		if err := context.Cause(r.ctx); err != nil {
			return err
		}
		d, err := r.m.transport.NextPackage(r.ctx)
		if err != nil {
			r.m.event(LostTransport, "", err)
			return fmt.Errorf("go to the next app: %w", err)
		}
		if d.Type == android.RestoreNone {
			return nil
		}
		if r.has(d.Package) || d.Package == android.MetadataPackage {
			continue // a second time; what it brings is not looked at
		}
		p, fatal := r.one(d)
		r.add(p)
		if fatal {
			return p.Err
		}
	}
	return fmt.Errorf("more than %d packages: %w", maxOffers, ErrMisled)
}

// readList fetches the list of apps, which has to come first.
func (r *restore) readList() error {
	failed := func(id EventID, err error) error {
		r.m.event(id, android.MetadataPackage, err)
		return fmt.Errorf("%w: %w", id, err)
	}
	d, err := r.m.transport.NextPackage(r.ctx)
	if err != nil {
		return failed(NoRestoreMetadata, err)
	}
	if d.Type == android.RestoreNone {
		return failed(NoRestoreMetadata, ErrNoData)
	}
	if d.Package != android.MetadataPackage || d.Type != android.RestoreKeyValue {
		return failed(NoMetadataReceived, ErrMisled)
	}
	f, err := r.m.staged(android.MetadataPackage)
	if err != nil {
		return err
	}
	defer r.m.unstage(f)
	if err := r.m.transport.RestoreData(r.ctx, struct{ io.Writer }{f}); err != nil {
		return failed(NoMetadataReceived, err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read the list of apps: %w", cause(err))
	}
	if r.list, err = pm.Read(entity.NewReader(f, entity.Limits{})); err != nil {
		return failed(MetadataUnusable, err)
	}
	if r.list.Global == nil {
		return failed(MetadataUnusable, pm.ErrNoGlobal)
	}
	return nil
}

// one restores one app, if it may be. fatal tells that the transport cannot go
// on.
func (r *restore) one(d android.RestoreDescription) (p RestoredPackage, fatal bool) {
	p = RestoredPackage{Package: d.Package, Type: d.Type}
	app := r.m.app(d.Package)
	if app == nil || !slices.Contains(r.wanted, d.Package) {
		p.Err = NotInstalled
		return p, false
	}
	stored, ok := r.list.Apps[d.Package]
	if !ok {
		p.Err = ErrUnlisted
		return p, false
	}
	if p.Err = r.suits(app, stored); p.Err != nil {
		return p, false
	}
	switch d.Type {
	case android.RestoreKeyValue:
		fatal = r.keyValue(app, stored.Version, &p)
	case android.RestoreFull:
		fatal = r.full(app, &p)
	default:
		p.Err = fmt.Errorf("data of an unknown kind: %w", ErrMisled)
	}
	p.Restored = p.Err == nil
	return p, fatal
}

// suits tells why data of an app as it was may not be given to the app as it
// is.
func (r *restore) suits(app *App, stored pm.App) error {
	switch {
	case !pm.SignaturesMatch(stored.Signers, installed(app.Package)):
		return SignatureMismatch
	case stored.Version <= app.Version:
		r.m.event(SameVersion, app.Name, nil)
	case app.RestoreAnyVersion:
		r.m.event(AnyVersion, app.Name, nil)
	default:
		return NewerData
	}
	return nil
}

// touch marks an app before its data changes, and makes its next backup a
// complete one: the old state describes what the app had.
func (r *restore) touch(app *App, p *RestoredPackage) error {
	if p.Touched {
		return nil
	}
	m := r.m
	err := m.disk.mkdir(m.disk.path("restoring"))
	if err == nil {
		err = m.disk.touch(m.restoring(app.Name))
	}
	if err == nil {
		err = m.dropState(app.Name)
	}
	if err != nil {
		return fmt.Errorf("note that a restore begins: %w", err)
	}
	p.Touched = true
	return nil
}

// finish tells the agent that all is there. The mark goes after that.
func (r *restore) finish(s *session) error {
	if f, ok := s.agent.(android.RestoreFinisher); ok {
		err := s.call(r.ctx, r.m.times.RestoreFinished, func(ctx context.Context, _ *call) error { return f.RestoreFinished(ctx) })
		if err != nil {
			return fmt.Errorf("finish an app's restore: %w", err)
		}
	}
	return r.m.unmark(s.app.Name)
}

// undo clears an app whose restore failed after it had been touched.
func (r *restore) undo(s *session, p *RestoredPackage) {
	if !p.Touched {
		return
	}
	var err error
	if p.Cleared, err = r.m.clear(r.ctx, s); err != nil {
		p.Err = errors.Join(p.Err, err)
	}
}

func (m *Manager) unmark(pkg string) error {
	if err := m.disk.remove(m.restoring(pkg)); err != nil {
		return err
	}
	return m.disk.syncDir(m.disk.path("restoring"))
}

// clear removes an app's data through its agent and then the mark, and reports
// whether the data is gone. An app that wants to keep it, or whose agent cannot
// clear, keeps it. The mark stays if it is to be tried again.
func (m *Manager) clear(ctx context.Context, s *session) (bool, error) {
	c, ok := s.agent.(android.Cleaner)
	if s.app.KeepOnFailedRestore || (!ok && !s.lost) {
		return false, m.unmark(s.app.Name)
	}
	// Also if the restore was cancelled: then most of all.
	err := s.call(context.WithoutCancel(ctx), m.times.restore(s.app.Package), func(ctx context.Context, _ *call) error { return c.Clear(ctx) })
	if err != nil {
		return false, fmt.Errorf("clear an app: %w", err)
	}
	return true, m.unmark(s.app.Name)
}

// clearCut clears apps whose restore was cut by the end of the program, or
// which could not be cleared when it failed.
func (m *Manager) clearCut(ctx context.Context) {
	pkgs, err := m.listed(m.disk.path("restoring"))
	if err != nil {
		return // the marks are looked at again before each app
	}
	for _, pkg := range pkgs {
		app := m.app(pkg)
		if app == nil || ctx.Err() != nil {
			continue
		}
		for _, construct := range []func() android.Agent{app.agent(Full), app.Agent} {
			if construct == nil {
				continue
			}
			s, err := m.open(ctx, app, construct)
			if err != nil {
				break
			}
			_, _ = m.clear(ctx, s)
			s.close()
			break
		}
	}
}

// cut reports whether an app is half restored.
func (m *Manager) cut(pkg string) bool { return exists(m.restoring(pkg)) }
