package manager

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/domain"
	"github.com/ferry-move/ferry/mobile/android/fullbackup"
	"github.com/ferry-move/ferry/mobile/android/pm"
	"github.com/ferry-move/ferry/mobile/backup"
)

// full restores an app's files (AOSP FullRestoreEngine.java). fatal tells that
// the transport cannot go on.
func (r *restore) full(app *App, p *RestoredPackage) (fatal bool) {
	m := r.m
	construct := app.agent(Full)
	if construct == nil {
		construct = app.agent(KeyValue)
	}
	if construct == nil {
		p.Err = NoAgent
		return false
	}
	a := &arrival{restore: r, app: app, p: p, construct: construct, from: newStream(r.ctx, m, app.Name)}
	defer a.close()
	err := a.take()
	p.Bytes = a.from.bytes()
	if err == nil && a.s != nil {
		err = r.finish(a.s)
	}
	if err == nil {
		return false
	}
	if p.Err = err; errors.Is(err, ErrTimeout) {
		m.event(FullTimeout, app.Name, err)
	}
	if refused := a.from.refused; refused != nil {
		fatal = code(refused) != android.TransportPackageRejected
	}
	if !a.from.ended {
		if err := m.transport.AbortFullRestore(context.WithoutCancel(r.ctx)); err != nil {
			p.Err, fatal = errors.Join(p.Err, err), true
		}
	}
	if a.s != nil {
		r.undo(a.s, p)
	}
	return fatal || r.ctx.Err() != nil
}

// An arrival is one app's archive on its way in.
type arrival struct {
	*restore
	app       *App
	p         *RestoredPackage
	construct func() android.Agent
	from      *stream

	described bool     // the manifest was there, and suits
	s         *session // from the first file on
}

func (a *arrival) close() {
	if a.s != nil {
		a.s.close()
	}
}

// take takes entries to the end of the stream.
func (a *arrival) take() error {
	for {
		if err := context.Cause(a.ctx); err != nil {
			return err
		}
		pkg, f, err := a.from.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if e, ok := errors.AsType[*fullbackup.EntryError](err); ok {
			if e.Reason != fullbackup.Parent && e.Reason != fullbackup.Global {
				a.p.Notes.add("", e.Name, reasonOf(e.Reason))
			}
			continue
		}
		if err != nil {
			return fmt.Errorf("read an app's files: %w", err)
		}
		if pkg != a.app.Name {
			return OtherPackage
		}
		if err := a.entry(f); err != nil {
			return err
		}
		a.m.progress(a.app.Name, 0, a.from.bytes())
	}
	if !a.described {
		return fmt.Errorf("no description: %w", CorruptManifest)
	}
	return nil
}

func reasonOf(r fullbackup.Reason) backup.Reason {
	switch r {
	case fullbackup.Link, fullbackup.Device, fullbackup.Sparse, fullbackup.UnknownType:
		return backup.NotRegular
	case fullbackup.BadName, fullbackup.LongName, fullbackup.Outside, fullbackup.NoDomain, fullbackup.BadPackage:
		return backup.BadName
	case fullbackup.TooLarge:
		return backup.TooLarge
	default:
		return backup.Malformed
	}
}

func (a *arrival) entry(f android.RestoredFile) error {
	if f.Domain == "" {
		b, err := io.ReadAll(io.LimitReader(f.Data, fullbackup.MaxMetadata+1))
		if err != nil {
			return fmt.Errorf("read an app's files: %w", err)
		}
		switch {
		case f.Path == fullbackup.ManifestName && !a.described:
			a.described = true
			return a.describe(b)
		case f.Path == fullbackup.MetaName:
			meta, err := fullbackup.ParseMeta(b)
			if err != nil || meta.Package != a.app.Name {
				a.p.Notes.add("", f.Path, backup.Malformed)
				return nil
			}
			a.p.Widgets = meta.Widgets()
		default:
			a.p.Notes.add("", f.Path, backup.Malformed)
		}
		return nil
	}
	if !a.described {
		return fmt.Errorf("files before the description: %w", CorruptManifest)
	}
	if !a.wanted(f.FileInfo) {
		return nil
	}
	if err := a.begin(); err != nil {
		return err
	}
	return a.file(f)
}

// describe holds the app's description against the installed app (AOSP
// TarBackupReader.chooseRestorePolicy).
func (a *arrival) describe(b []byte) error {
	manifest, err := fullbackup.ParseManifest(b)
	if err != nil {
		return fmt.Errorf("%w: %w", CorruptManifest, err)
	}
	switch {
	case manifest.Package != a.app.Name:
		return OtherPackage
	case len(manifest.Certificates) == 0:
		return MissingSignature
	case !pm.SignaturesMatch(signers(manifest.Certificates), installed(a.app.Package)):
		return FullSignature
	case manifest.VersionCode > a.app.Version && !a.app.RestoreAnyVersion:
		return NewerDataNoAPK
	}
	return nil
}

// signers hashes certificates, unless they are hashes already: all of them, as
// in the list of apps.
func signers(certificates [][]byte) []pm.Hash {
	hashed := true
	for _, c := range certificates {
		hashed = hashed && len(c) == len(pm.Hash{})
	}
	s := make([]pm.Hash, len(certificates))
	for i, c := range certificates {
		if hashed {
			s[i] = pm.Hash(c)
		} else {
			s[i] = pm.HashOf(c)
		}
	}
	return s
}

// wanted reports whether a file is for the agent.
func (a *arrival) wanted(f android.FileInfo) bool {
	t := domain.Token(f.Domain)
	switch err := domain.CheckRestore(t, f.Path); {
	case errors.Is(err, domain.ErrNotRestored):
		a.p.Dropped++
		return false
	case errors.Is(err, domain.ErrUnknown):
		a.p.Notes.add(f.Domain, f.Path, backup.Unsupported)
		return false
	case err != nil && !errors.Is(err, domain.ErrDots), f.Path == "":
		a.p.Notes.add(f.Domain, f.Path, backup.BadName)
		return false
	}
	if _, shared := t.Volume(); shared || t == domain.KeyValue {
		a.p.Notes.add(f.Domain, f.Path, backup.Unsupported)
		return false
	}
	// The app itself is installed already.
	if t == domain.APK || a.m.cfg.Accept != nil && !a.m.cfg.Accept(a.set, a.app.Name, f) {
		a.p.Dropped++
		return false
	}
	return true
}

// begin makes the agent when the first file is there. An app without an agent
// of its own is cleared first; one with an agent sees to that itself.
func (a *arrival) begin() error {
	if a.s != nil {
		return nil
	}
	s, err := a.m.open(a.ctx, a.app, a.construct)
	if err != nil {
		return fmt.Errorf("begin with an agent: %w", err)
	}
	a.s = s
	if _, ok := s.agent.(android.FileRestorer); !ok {
		return NoAgent
	}
	if err := a.touch(a.app, a.p); err != nil {
		return err
	}
	c, ok := s.agent.(android.Cleaner)
	if !ok || a.app.agent(KeyValue) != nil {
		return nil
	}
	if err := s.call(a.ctx, a.m.times.restore(a.app.Package), func(ctx context.Context, _ *call) error { return c.Clear(ctx) }); err != nil {
		return fmt.Errorf("clear an app: %w", err)
	}
	return nil
}

// file gives one file to the agent.
func (a *arrival) file(f android.RestoredFile) error {
	agent := a.s.agent.(android.FileRestorer) // begin saw to it
	err := a.s.call(a.ctx, a.m.times.restore(a.app.Package), func(ctx context.Context, c *call) error {
		f := f
		f.Data = &remote{call: c, r: f.Data}
		if take := f.Take; take != nil {
			f.Take = func(path string) (err error) {
				if over := c.do(func() { err = take(path) }); over != nil {
					return over
				}
				return err
			}
		}
		return agent.RestoreFile(ctx, f)
	})
	// An agent may not have passed on what the stream said.
	if broken := a.from.broken; broken != nil {
		return fmt.Errorf("read an app's files: %w", broken)
	}
	if err != nil {
		return fmt.Errorf("restore a file: %w", err)
	}
	a.p.Files++
	return nil
}

// remote reads in the manager's goroutine, because what is read may come from
// the transport.
type remote struct {
	call *call
	r    io.Reader
}

func (r *remote) Read(b []byte) (n int, err error) {
	if over := r.call.do(func() { n, err = r.r.Read(b) }); over != nil {
		return 0, over
	}
	return n, err
}
