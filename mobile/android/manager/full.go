package manager

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/fullbackup"
)

// runFull backs up the queue of full backups (AOSP
// PerformFullTransportBackupTask.java). It reports false if the pass was
// aborted.
func (p *pass) runFull() bool {
	for _, pkg := range p.full {
		if p.ctx.Err() != nil {
			return p.abort(context.Cause(p.ctx))
		}
		method, err := p.m.methodOf(pkg)
		if err == nil && method != Full {
			err = KeyValueParticipant
		}
		app := p.m.app(pkg)
		if err == nil && app == nil {
			err = NotFound
		}
		if err != nil {
			p.refuse(pkg, err)
			continue
		}
		r, fatal := p.oneFull(app)
		p.add(r)
		if fatal || r.Result == BackupCancelled {
			return p.abort(r.Err)
		}
	}
	return true
}

// oneFull backs up the files of one app. fatal tells that the transport cannot
// go on.
func (p *pass) oneFull(app *App) (r PackageReport, fatal bool) {
	m := p.m
	r = PackageReport{Package: app.Name, Method: Full}
	construct := app.agent(Full)
	if construct == nil {
		r.Result, r.Err = AgentFailure, NoAgent
		return r, false
	}
	if m.cut(app.Name) {
		r.Result, r.Err = AgentFailure, ErrCut
		return r, false
	}
	to := &sender{ctx: p.ctx, m: m, pkg: app.Name}
	to.entries, _ = m.transport.(android.EntryBackuper)
	var data io.Reader
	if to.entries == nil {
		data = &to.feed
	}
	if err := m.transport.PerformFullBackup(p.ctx, app.Package, data, p.flags); err != nil {
		r.Result, fatal = resultOf(p.ctx, err)
		r.Err = fmt.Errorf("begin a full backup: %w", err)
		return r, fatal
	}

	r.Quota = m.transport.Quota(app.Name, true)
	relay := newRelay(to, offered{m.transport.Flags(), r.Quota})
	s, err := m.open(p.ctx, app, construct)
	if err != nil {
		err = fmt.Errorf("begin with an agent: %w", err)
	} else {
		// The transport may open files until it has finished.
		defer s.close()
		if err = p.write(s, relay); !s.lost {
			r.Files, r.Notes = relay.files, relay.notes
		}
	}
	r.Bytes = to.sent
	if err == nil {
		if err = m.transport.FinishBackup(p.ctx); err == nil {
			if err = m.stored(p.ctx, app.Name); err != nil {
				r.Err = fmt.Errorf("remember the set: %w", err)
			}
			return r, false
		}
		to.refused = err
		err = fmt.Errorf("finish a full backup: %w", err)
	} else if cerr := m.transport.CancelFullBackup(context.WithoutCancel(p.ctx)); cerr != nil && to.refused == nil {
		to.refused = cerr
		err = errors.Join(err, cerr)
	}
	if p.ctx.Err() == nil {
		m.event(FullCancel, app.Name, err)
	}
	r.Result, r.Err = AgentFailure, err
	switch {
	case p.ctx.Err() != nil:
		r.Result = BackupCancelled
	case to.refused != nil:
		r.Result, fatal = resultOf(p.ctx, to.refused)
	}
	return r, fatal
}

// write measures an app's files, asks whether the transport takes so much, and
// sends them. What the transport answered is kept by the sender, too.
func (p *pass) write(s *session, relay *relay) error {
	m, to := p.m, relay.to
	agent, ok := s.agent.(android.FullBackuper)
	if !ok {
		return NoAgent
	}
	size := &measure{offered: relay.offered, pkg: to.pkg}
	err := s.call(p.ctx, m.times.Full, func(ctx context.Context, _ *call) error { return agent.FullBackup(ctx, size) })
	if err != nil {
		m.event(PreflightError, to.pkg, err)
		return fmt.Errorf("measure an app: %w", err)
	}
	to.expected = size.total
	if err := to.step(func() error { return m.transport.CheckFullBackupSize(p.ctx, size.total) }); err != nil {
		if code(err) == android.TransportQuotaExceeded {
			m.event(QuotaHit, to.pkg, err)
			s.quotaExceeded(p.ctx, size.total, relay.quota)
		}
		return fmt.Errorf("measure an app: %w", err)
	}

	err = p.describe(s.app, relay)
	if err == nil {
		err = s.call(p.ctx, m.times.Full, func(ctx context.Context, c *call) error {
			relay.call = c
			defer func() { relay.call = nil }()
			return agent.FullBackup(ctx, relay)
		})
	}
	if err == nil && to.refused == nil {
		if err = relay.tar.Close(); err == nil {
			err = relay.flush()
		}
	}
	// An agent may not have passed on what the transport said.
	if to.refused != nil {
		err = to.refused
		if code(err) == android.TransportQuotaExceeded {
			m.event(QuotaHit, to.pkg, err)
			s.quotaExceeded(p.ctx, to.sent, relay.quota)
		}
	}
	if err != nil {
		return fmt.Errorf("write an app's files: %w", err)
	}
	return nil
}

// describe writes the entries that the framework puts before an app's own.
func (p *pass) describe(app *App, relay *relay) error {
	certificates := app.Certificates
	if len(certificates) == 0 {
		for _, s := range app.Signatures {
			certificates = append(certificates, s[:])
		}
	}
	manifest := fullbackup.Manifest{
		Package: app.Name, VersionCode: app.Version, SDK: int64(p.m.cfg.Device.SDK),
		Installer: app.Installer, Certificates: certificates,
	}
	b, err := manifest.Append(nil)
	if err == nil {
		err = relay.metadata(fullbackup.ManifestName, b)
	}
	if err != nil || len(app.Widgets) == 0 {
		return err
	}
	meta := fullbackup.Meta{Package: app.Name, Records: []fullbackup.Record{{Token: fullbackup.TokenWidgets, Data: app.Widgets}}}
	if b, err = meta.Append(nil); err == nil {
		err = relay.metadata(fullbackup.MetaName, b)
	}
	return err
}
