package archived

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"

	"github.com/ferry-move/ferry/mobile"
	"github.com/ferry-move/ferry/mobile/android/ab"
	"github.com/ferry-move/ferry/mobile/android/archive"
	"github.com/ferry-move/ferry/mobile/android/d2d"
	"github.com/ferry-move/ferry/mobile/apps"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/files"
)

// ErrNotFile means that what should be an archive is no regular file: it has to
// be read more than once.
var ErrNotFile = errors.New("not a file")

// Options say how to open an archive. The zero value opens one without a
// password.
type Options struct {
	// Password is asked once, and only if the archive is encrypted. It is kept
	// for later passes, until Close. nil = there is nobody to ask.
	Password func() ([]byte, error)
	// Limits are what the archive may demand.
	Limits archive.Limits
	// Quota is how many bytes one app may move. 0 = d2d.DefaultQuota.
	Quota int64
}

// Device is a phone that is an archive. Nothing can be written to it.
type Device struct {
	f      *os.File
	info   fs.FileInfo // as it was when it was opened
	opts   Options
	seed   maphash.Seed
	agents []backup.Agent

	mu       sync.Mutex
	password []byte // nil = not asked; guarded by mu
}

var _ mobile.Device = (*Device)(nil)

// WrongPassword reports whether an archive was not opened because of its
// password.
func WrongPassword(err error) bool { return errors.Is(err, ab.ErrPassword) }

// Open opens an archive and reads all of it once. It fails with the errors of
// package archive: a wrong password, a file of another kind, damage.
func Open(ctx context.Context, path string, o Options) (*Device, error) {
	d, err := open(ctx, path, o)
	if err != nil {
		return nil, fmt.Errorf("open archive: %w", bare(err))
	}
	return d, nil
}

func open(ctx context.Context, path string, o Options) (*Device, error) {
	o.Quota = cmp.Or(o.Quota, d2d.DefaultQuota)
	if o.Limits.Packages <= 0 {
		o.Limits.Packages = maxApps
	}
	info, err := os.Stat(path) // a pipe is not even opened: that would wait for a writer
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, ErrNotFile
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	d := &Device{f: f, opts: o, seed: maphash.MakeSeed()}
	if d.info, err = f.Stat(); err == nil {
		err = d.count(ctx)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return d, nil
}

// count makes the agents of what occurs.
func (d *Device) count(ctx context.Context) error {
	c := newCensus(d.opts.Limits.Packages)
	if err := d.scan(ctx, &lister{find: c.find, out: c.take}); err != nil {
		return err
	}
	if err := d.unchanged(); err != nil {
		return err
	}
	if len(c.order) > 0 || c.loose != nil {
		d.agents = append(d.agents, &agent{dev: d, info: apps.New(nil, apps.Options{}).Info(), census: c})
	}
	for _, t := range c.kinds {
		d.agents = append(d.agents, &agent{dev: d, info: t.info, census: c})
	}
	slices.SortStableFunc(d.agents, func(a, b backup.Agent) int { return cmp.Compare(a.Info().Order, b.Info().Order) })
	return nil
}

// scan gives everything in the archive to a lister.
func (d *Device) scan(ctx context.Context, l *lister) error {
	if err := d.unchanged(); err != nil {
		return err
	}
	l.seed = d.seed
	o := archive.Options{Limits: d.opts.Limits, Problem: l.finding}
	if d.opts.Password != nil {
		o.Password = d.ask
	}
	_, err := archive.Walk(ctx, io.NewSectionReader(d.f, 0, d.info.Size()), o, l.entry)
	return cmp.Or(err, l.err)
}

// ask returns a copy of the password.
func (d *Device) ask() ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.password == nil {
		p, err := d.opts.Password()
		if err != nil {
			return nil, err
		}
		d.password = append([]byte{}, p...)
	}
	return append([]byte{}, d.password...), nil
}

// unchanged fails with Changed unless the file is the one that was counted.
func (d *Device) unchanged() error {
	now, err := d.f.Stat()
	if err != nil {
		return bare(err)
	}
	if now.Size() != d.info.Size() || !now.ModTime().Equal(d.info.ModTime()) {
		return backup.Changed
	}
	return nil
}

// Agents implements [mobile.Device]: those of the kinds that occur.
func (d *Device) Agents() []backup.Agent { return slices.Clone(d.agents) }

// Free implements [mobile.Device]. It fails: nothing can be written.
func (*Device) Free() (int64, error) {
	return 0, fmt.Errorf("free space of an archive: %w", errors.ErrUnsupported)
}

// Close implements [mobile.Device]. What the agents opened is closed before.
func (d *Device) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.password)
	d.password = nil
	return bare(d.f.Close())
}

// bare keeps what went wrong and drops where.
func bare(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}

// agent is one kind of an archive. It is immutable.
type agent struct {
	dev    *Device
	info   backup.Info
	census *census
}

// Info implements [backup.Agent].
func (a *agent) Info() backup.Info { return a.info }

// Whole implements [backup.Wholer].
func (a *agent) Whole(k backup.Key) backup.Key {
	if a.info.Kind == apps.Kind {
		return apps.Whole(k)
	}
	return k
}

// Backup implements [backup.Agent].
func (a *agent) Backup(ctx context.Context, t backup.Transport) (backup.Backup, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s := &source{
		agent: a, quota: a.dev.opts.Quota,
		held: map[backup.Key]*held{}, cancels: map[*context.CancelCauseFunc]bool{}, freed: make(chan struct{}, 1),
	}
	if t.Quota > 0 {
		s.quota = min(s.quota, t.Quota)
	}
	s.count = a.census.count(a.info.Kind, s.quota)
	return s, nil
}

// Restore implements [backup.Agent]. It fails.
func (a *agent) Restore(context.Context, backup.Transport) (backup.Restore, error) {
	return nil, backup.Fail("open", a.info.Kind, backup.Unwritable, errors.ErrUnsupported)
}

// infoOf describes the kind of an item of shared storage.
func infoOf(key backup.Key, folder bool) backup.Info { return files.InfoOf(key, folder) }
