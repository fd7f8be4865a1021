package manager

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ferry-move/ferry/mobile/android"
)

// BackupFlags are given to [Manager.Backup].
type BackupFlags uint32

// FlagNonIncrementalBackup stores everything anew
// (BackupManager.FLAG_NON_INCREMENTAL_BACKUP).
const FlagNonIncrementalBackup BackupFlags = 1

// RunKeyValue runs a pass over the apps that have something new; they have to
// be registered by now. If none has, it does nothing. The error is not nil if the pass did not get to its end; the
// report tells what was done in any case.
func (m *Manager) RunKeyValue(ctx context.Context) (Report, error) {
	return m.run(ctx, func(p *pass) {
		p.keyValue, p.upTo = m.take()
		p.pings = len(p.keyValue) > 0
	})
}

// RunFull runs a pass over apps that move by full backup; without names, over
// all of them. The list of apps goes first, because nothing is restored of an
// app that is not in it. The error is that of [Manager.RunKeyValue].
func (m *Manager) RunFull(ctx context.Context, pkgs ...string) (Report, error) {
	return m.run(ctx, func(p *pass) {
		if len(pkgs) == 0 {
			for _, a := range m.registered() {
				if method, err := m.decide(a); err == nil && method == Full {
					p.full = append(p.full, a.Name)
				}
			}
			return
		}
		for _, pkg := range pkgs {
			p.sort(pkg, Full)
		}
	})
}

// Backup backs up the given apps now, each in its way
// (BackupManager.requestBackup). The error is that of [Manager.RunKeyValue].
func (m *Manager) Backup(ctx context.Context, pkgs []string, flags BackupFlags) (Report, error) {
	return m.run(ctx, func(p *pass) {
		p.flags = android.FlagUserInitiated
		p.complete = flags&FlagNonIncrementalBackup != 0
		for _, pkg := range pkgs {
			p.sort(pkg, NoMethod)
		}
		p.pings = len(p.keyValue) > 0
		if !p.pings {
			return
		}
		// What is backed up now needs no pass of its own later.
		pending, upTo := m.take()
		p.upTo = upTo
		for _, pkg := range pending {
			if !slices.Contains(p.keyValue, pkg) {
				p.again = append(p.again, pkg)
			}
		}
	})
}

// A pass is one run over some apps. It belongs to the goroutine that runs it.
type pass struct {
	m      *Manager
	ctx    context.Context
	report Report

	keyValue []string // the queue
	full     []string
	flags    android.PassFlags
	complete bool // all data, not only what changed
	pings    bool
	upTo     int // journals that the pass took

	again []string // for the next pass
	reset bool     // the transport has to be initialised
	cause error    // why the pass was aborted
}

// run is what all passes have in common.
func (m *Manager) run(ctx context.Context, plan func(*pass)) (Report, error) {
	if err := m.begin(ctx); err != nil {
		return Report{}, fmt.Errorf("back up: %w", err)
	}
	defer m.end()
	if !m.Enabled() {
		m.event(BackupDisabled, "", nil)
		return Report{Result: BackupNotAllowed}, fmt.Errorf("back up: %w", ErrDisabled)
	}
	p := &pass{m: m, ctx: ctx}
	m.clearCut(ctx)
	plan(p)
	if len(p.keyValue)+len(p.full) > 0 {
		if p.runKeyValue() {
			p.runFull()
		}
	}
	err := p.settle()
	return p.report, err
}

// take empties the pending set for a pass.
func (m *Manager) take() ([]string, int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.journal.take()
}

// sort puts an app into the queue where it belongs. only = the sole method that
// is wanted, or NoMethod.
func (p *pass) sort(pkg string, only Method) {
	if slices.Contains(p.keyValue, pkg) || slices.Contains(p.full, pkg) || p.has(pkg) {
		return
	}
	method, err := p.m.methodOf(pkg)
	switch {
	case err != nil:
		p.refuse(pkg, err)
	case only != NoMethod && only != method:
		p.refuse(pkg, KeyValueParticipant)
	case method == KeyValue:
		p.keyValue = append(p.keyValue, pkg)
	default:
		p.full = append(p.full, pkg)
	}
}

func (m *Manager) methodOf(pkg string) (Method, error) {
	if pkg == android.MetadataPackage {
		return KeyValue, nil
	}
	app := m.app(pkg)
	if app == nil {
		return NoMethod, NotFound
	}
	return m.decide(app)
}

func (p *pass) has(pkg string) bool {
	_, ok := p.report.Package(pkg)
	return ok
}

// refuse reports an app that is not backed up.
func (p *pass) refuse(pkg string, why error) {
	result := BackupNotAllowed
	if errors.Is(why, NotFound) {
		result = PackageNotFound
	}
	p.add(PackageReport{Package: pkg, Result: result, Err: why})
}

// add reports an app, and tells the monitor.
func (p *pass) add(r PackageReport) {
	if id, ok := errors.AsType[EventID](r.Err); ok {
		p.m.event(id, r.Package, r.Err)
	}
	p.report.Packages = append(p.report.Packages, r)
}

// abort ends the pass for the apps that are left.
func (p *pass) abort(cause error) bool {
	p.cause = cause
	if code(cause) == android.TransportNotInitialized {
		p.reset = true
	} else if p.ctx.Err() == nil {
		p.m.event(LostTransport, "", cause)
	}
	return false
}

// settle brings the pass to its end: what is to be done again is noted before
// the old notes are deleted.
func (p *pass) settle() error {
	m := p.m
	var errs []error
	if p.cause != nil {
		p.report.Result = TransportAborted
		if p.ctx.Err() != nil {
			p.report.Result = BackupCancelled
		}
		errs = append(errs, p.cause)
		for _, pkg := range slices.Concat(p.keyValue, p.full) {
			if !p.has(pkg) {
				p.add(PackageReport{Package: pkg, Result: p.report.Result, Err: ErrAborted})
			}
		}
		// Android takes the whole queue again when a transport fails. One that
		// was not initialised has lost what it took before that, too.
		for i, r := range p.report.Packages {
			if p.reset && r.Result == Success {
				p.report.Packages[i].Result, p.report.Packages[i].Err = TransportAborted, android.TransportNotInitialized
			}
			switch {
			case !slices.Contains(p.keyValue, r.Package), r.Result == BackupNotAllowed, r.Result == PackageNotFound:
			case p.ctx.Err() == nil || r.Result == BackupCancelled:
				p.report.Packages[i].Requeued = true
			}
		}
	}
	for _, r := range p.report.Packages {
		if r.Requeued {
			p.again = append(p.again, r.Package)
		}
	}
	if p.reset {
		errs = append(errs, m.dropState(android.MetadataPackage))
		if p.ctx.Err() == nil {
			errs = append(errs, m.initialize(p.ctx))
		}
		p.again = append(p.again, m.participants()...)
	}
	err := m.requeue(p.again...)
	if err == nil && p.upTo > 0 {
		m.mu.Lock()
		err = m.journal.settle(p.upTo)
		m.mu.Unlock()
	}
	if err = errors.Join(append(errs, err)...); err != nil {
		if p.report.Result == Success {
			p.report.Result = TransportAborted
		}
		return fmt.Errorf("back up: %w", err)
	}
	return nil
}
