package manager

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/entity"
	"github.com/ferry-move/ferry/mobile/backup"
)

// runKeyValue backs up the list of apps and then the queue (AOSP
// KeyValueBackupTask.java). It reports false if the pass was aborted.
func (p *pass) runKeyValue() bool {
	m := p.m
	list, queued := !p.complete, false
	if i := slices.Index(p.keyValue, android.MetadataPackage); i >= 0 {
		p.keyValue = slices.Delete(p.keyValue, i, i+1)
		list, queued = true, true
	}
	if !m.hasState(android.MetadataPackage) {
		// No set, or one that nothing is known of. The list goes along even if
		// it was not asked for: without it, what follows cannot be restored.
		list = true
		if err := m.initialize(p.ctx); err != nil {
			p.abort(fmt.Errorf("initialise the transport: %w", err))
			p.reset = false // the next pass does it anyway
			return false
		}
		for _, pkg := range m.participants() {
			if !slices.Contains(p.keyValue, pkg) {
				p.again = append(p.again, pkg)
			}
		}
	}
	if list {
		r, _ := p.one(m.metadata())
		r.Requeued = queued && r.Result != Success // otherwise it goes along anyway
		p.add(r)
		if r.Result != Success {
			return p.abort(fmt.Errorf("back up the list of apps: %w", r.Err))
		}
	}
	for _, pkg := range p.keyValue {
		if p.ctx.Err() != nil {
			return p.abort(context.Cause(p.ctx))
		}
		// The app may have changed since the queue was made.
		method, err := m.methodOf(pkg)
		if err == nil && method != KeyValue {
			err = Ineligible
		}
		app := m.app(pkg)
		if err == nil && app == nil {
			err = NotFound
		}
		if err != nil {
			p.refuse(pkg, err)
			continue
		}
		r, fatal := p.one(app)
		p.add(r)
		if fatal || r.Result == BackupCancelled {
			return p.abort(r.Err)
		}
	}
	if p.pings {
		p.ping()
	}
	return p.cause == nil
}

// one backs up one app, twice if the transport has lost its data. fatal tells
// that the transport cannot go on.
//
//	outcome                       old state   new state   again
//	stored, or nothing to store   replaced    kept        no
//	non-incremental required      deleted     dropped     now; then fatal
//	rejected                      kept        dropped     no
//	over quota                    kept        dropped     no; the agent is told
//	agent failed                  kept        dropped     next pass
//	agent used a reserved key     kept        dropped     no
//	any other answer              kept        dropped     whole queue; fatal
func (p *pass) one(app *App) (PackageReport, bool) {
	m := p.m
	complete := p.complete || !m.hasState(app.Name)
	r, err := p.try(app, complete)
	if code(err) == android.TransportNonIncrementalBackupRequired && p.ctx.Err() == nil {
		m.event(NonIncremental, app.Name, err)
		if !complete {
			if derr := m.dropState(app.Name); derr != nil {
				r.Result, r.Err, r.Requeued = AgentFailure, derr, true
				return r, false
			}
			r, err = p.try(app, true)
		}
	}
	if err == nil {
		return r, false
	}
	var fatal bool
	r.Result, fatal = resultOf(p.ctx, err)
	r.Err = err
	if r.Result == QuotaExceeded {
		m.event(QuotaHit, app.Name, err)
	}
	return r, fatal
}

// try has the agent write what changed, or everything, gives that to the
// transport and keeps the new state. What the transport answered comes back as
// an error; every other failure is in the report.
func (p *pass) try(app *App, complete bool) (r PackageReport, err error) {
	m, pkg := p.m, app.Name
	r = PackageReport{Package: pkg, Method: KeyValue}
	failed := func(err error) (PackageReport, error) {
		r.Result, r.Err, r.Requeued = AgentFailure, err, true
		if p.ctx.Err() != nil || errors.Is(err, ErrTimeout) {
			m.event(KeyValueCancel, pkg, err)
		}
		if p.ctx.Err() != nil {
			r.Result = BackupCancelled
		} else if merr := m.disk.remove(m.marker(pkg)); merr != nil {
			r.Err = errors.Join(err, merr)
		}
		return r, nil
	}

	construct := app.agent(KeyValue)
	if construct == nil {
		return failed(NoAgent)
	}
	if m.cut(pkg) {
		return failed(ErrCut)
	}
	s, err := m.open(p.ctx, app, construct)
	if err != nil {
		return failed(fmt.Errorf("begin with an agent: %w", err))
	}
	defer s.close()
	f, err := p.files(pkg, complete)
	if err != nil {
		return failed(fmt.Errorf("keep a state: %w", err))
	}
	defer f.close()

	r.Quota = m.transport.Quota(pkg, false)
	out := &entityOutput{
		w:     entity.NewWriter(f.data, entity.Options{System: app.System}),
		flags: m.transport.Flags(), quota: r.Quota,
	}
	fresh := bufio.NewWriter(f.fresh)
	err = s.call(p.ctx, m.times.KeyValue, func(ctx context.Context, _ *call) error {
		err := s.agent.Backup(ctx, android.BackupRequest{Old: f.reader(), Data: out, New: struct{ io.Writer }{fresh}})
		// The writer knows of a failure that the agent may have passed over.
		werr := out.w.Close()
		if errors.Is(werr, entity.ErrReserved) {
			return fmt.Errorf("%w: %w", IllegalKey, werr)
		}
		return errors.Join(err, werr, fresh.Flush())
	})
	if err != nil {
		r, _ = failed(err)
		if errors.Is(err, IllegalKey) {
			r.Requeued = false
		}
		return r, nil
	}

	if r.Bytes = out.w.Offset(); r.Bytes == 0 {
		m.event(NoDataToSend, pkg, nil)
	} else if err := p.send(app.Package, f.data, r.Bytes, complete); err != nil {
		if code(err) == android.TransportQuotaExceeded && p.ctx.Err() == nil {
			s.quotaExceeded(p.ctx, r.Bytes, r.Quota)
		}
		return r, err
	}
	// From here on the transport has the data: whatever fails now leaves the
	// old state, and the same changes are sent once more.
	if err = m.disk.commit(f.fresh, m.state(pkg)); err == nil && pkg != android.MetadataPackage {
		err = m.mark(pkg)
	}
	if err == nil && pkg != android.MetadataPackage && r.Bytes > 0 {
		err = m.stored(p.ctx, pkg)
	}
	if err != nil {
		r.Result, r.Err, r.Requeued = AgentFailure, fmt.Errorf("keep a state: %w", err), true
	}
	return r, nil
}

// send gives the transport an entity stream.
func (p *pass) send(pkg android.Package, data *os.File, size int64, complete bool) error {
	if err := context.Cause(p.ctx); err != nil {
		return err
	}
	flags := p.flags | android.FlagIncremental
	if complete {
		flags = p.flags | android.FlagNonIncremental
	}
	p.m.progress(pkg.Name, size, 0)
	if err := p.m.transport.PerformBackup(p.ctx, pkg, io.NewSectionReader(data, 0, size), flags); err != nil {
		return err
	}
	if err := p.m.transport.FinishBackup(p.ctx); err != nil {
		return err
	}
	p.m.progress(pkg.Name, size, size)
	return nil
}

// files are what one agent reads and writes.
type files struct {
	m     *Manager
	old   *os.File // nil if it starts afresh
	data  *os.File
	fresh *os.File
}

func (p *pass) files(pkg string, complete bool) (_ *files, err error) {
	f := &files{m: p.m}
	defer func() {
		if err != nil {
			f.close()
		}
	}()
	if err = p.m.disk.mkdir(p.m.states); err != nil {
		return nil, err
	}
	if !complete {
		if f.old, err = os.Open(p.m.state(pkg)); err != nil {
			return nil, fmt.Errorf("open a file: %w", cause(err))
		}
	}
	if f.data, err = p.m.staged(pkg); err != nil {
		return nil, err
	}
	f.fresh, err = p.m.disk.create(p.m.fresh(pkg))
	return f, err
}

// reader hides the file: an agent gets nothing but its bytes.
func (f *files) reader() io.Reader {
	if f.old == nil {
		return bytes.NewReader(nil)
	}
	return struct{ io.Reader }{f.old}
}

// close removes what is not wanted any more. An agent that was given up and
// still writes gets an error from the closed files.
func (f *files) close() {
	if f.old != nil {
		_ = f.old.Close()
	}
	if f.data != nil {
		f.m.unstage(f.data)
	}
	if f.fresh != nil {
		_ = f.fresh.Close()
		_ = f.m.disk.remove(f.fresh.Name()) // gone after a commit; else emptied by the next pass
	}
}

// entityOutput is what an agent writes entities to. It belongs to the agent's
// goroutine until the call is over.
type entityOutput struct {
	w     *entity.Writer
	flags backup.Flags
	quota int64
}

func (o *entityOutput) WriteHeader(key string, size int64) error {
	if size == -1 {
		return o.Delete(key)
	}
	return o.w.WriteHeader(entity.Key(key), size)
}

func (o *entityOutput) Delete(key string) error      { return o.w.Delete(entity.Key(key)) }
func (o *entityOutput) Write(b []byte) (int, error)  { return o.w.Write(b) }
func (o *entityOutput) TransportFlags() backup.Flags { return o.flags }
func (o *entityOutput) Quota() int64                 { return o.quota }

// ping tells the transport which apps were backed up before and have nothing
// new, so that it does not take them for gone.
func (p *pass) ping() {
	m := p.m
	marked, err := m.marked()
	if err != nil {
		return // nothing is lost: the next pass pings
	}
	pending := m.Pending()
	var pinged bool
	for _, pkg := range marked {
		app := m.app(pkg)
		if app == nil || p.has(pkg) || slices.Contains(pending, pkg) || slices.Contains(p.again, pkg) {
			continue
		}
		if method, err := m.decide(app); err != nil || method != KeyValue {
			continue
		}
		ok, more := p.pingOne(app.Package)
		if ok {
			p.report.Pinged = append(p.report.Pinged, pkg)
		}
		if !more {
			return
		}
		pinged = true
	}
	if pinged {
		p.pingOne(android.Package{Name: android.EndPackage})
	}
}

// pingOne reports whether the transport took it, and whether it can go on.
func (p *pass) pingOne(pkg android.Package) (ok, more bool) {
	if p.ctx.Err() != nil {
		return false, false
	}
	err := p.m.transport.PerformBackup(p.ctx, pkg, bytes.NewReader(nil), p.flags|android.FlagDataNotChanged)
	if err == nil {
		err = p.m.transport.FinishBackup(p.ctx)
	}
	switch code(err) {
	case android.TransportNotInitialized:
		p.abort(err)
		return false, false
	case android.TransportError:
		return false, false
	}
	return err == nil, true
}
