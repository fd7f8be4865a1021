// Package memory is a transport that keeps everything in memory. It is for
// tests: of the manager, and of the transports' own suite.
//
// A [Store] outlives the transports that are opened over it, as a disk outlives
// a process. Nothing is bounded except by the quotas.
//
// Its worst moment is a test that passes because of it. So it holds itself to
// the whole contract, and runs the suite of every other transport.
package memory

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/entity"
	"github.com/ferry-move/ferry/mobile/backup"
)

// Token is the token of a store's set.
const Token int64 = 1

var (
	errOrder = errors.New("called out of order")
	errEmpty = errors.New("no data was sent")
)

// Options are what a Transport is opened with.
type Options struct {
	Flags backup.Flags
	// Device is told with the restore set. "" = "memory".
	Device string
	// QuotaFull is how many bytes of tar one app may store, QuotaKV how many
	// bytes its values may have together. 0 = no limit.
	QuotaFull, QuotaKV int64
}

// data is what an app has: a set of entities, or a tar. It is immutable.
type data struct {
	form android.RestoreType
	set  []record // sorted by key
	tar  []byte
}

type record struct {
	key   entity.Key
	value []byte
}

// Store holds what transports keep. The zero value is empty. It is used by one
// goroutine.
type Store struct {
	apps map[string]data
}

// Open returns a transport over the store.
func (s *Store) Open(opt Options) *Transport {
	if opt.Device == "" {
		opt.Device = "memory"
	}
	return &Transport{opt: opt, store: s}
}

// Transport implements [android.Transport].
type Transport struct {
	opt   Options // immutable
	store *Store

	// Of the pass that is open.
	pkg    string // "" = there is none
	data   data
	stream io.Reader
	err    error // what FinishBackup has to answer

	// Of the restore under way.
	restoring bool
	queue     []string
	current   data
	at        int // of the tar
}

var _ android.Transport = (*Transport)(nil)

// Name implements [android.Transport].
func (*Transport) Name() string { return "ferry.memory" }

// DirName implements [android.Transport].
func (*Transport) DirName() string { return "ferry.memory" }

// Flags implements [android.Transport].
func (t *Transport) Flags() backup.Flags { return t.opt.Flags }

// Quota implements [android.Transport].
func (t *Transport) Quota(_ string, full bool) int64 {
	q := t.opt.QuotaKV
	if full {
		q = t.opt.QuotaFull
	}
	if q <= 0 {
		return android.NoQuota
	}
	return q
}

func fail(code android.Code, err error) error { return fmt.Errorf("memory: %w: %w", code, err) }

func ready(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fail(android.TransportError, err)
	}
	return nil
}

func (t *Transport) drop() { t.pkg, t.data, t.stream, t.err = "", data{}, nil, nil }

// InitializeDevice implements [android.Transport].
func (t *Transport) InitializeDevice(ctx context.Context) error {
	t.drop()
	if err := ready(ctx); err != nil {
		return err
	}
	t.store.apps = nil
	return nil
}

// ClearBackupData implements [android.Transport].
func (t *Transport) ClearBackupData(ctx context.Context, pkg string) error {
	t.drop()
	if err := ready(ctx); err != nil {
		return err
	}
	delete(t.store.apps, pkg)
	return nil
}

// PerformBackup implements [android.Transport]. The quota counts values.
func (t *Transport) PerformBackup(ctx context.Context, pkg android.Package, in io.Reader, flags android.PassFlags) error {
	t.drop()
	if err := ready(ctx); err != nil {
		return err
	}
	was := t.store.apps[pkg.Name]
	switch {
	case flags&android.FlagDataNotChanged != 0:
		return nil
	case pkg.Name == "":
		return android.TransportPackageRejected
	case flags&android.FlagIncremental != 0 && was.form != android.RestoreKeyValue:
		return android.TransportNonIncrementalBackupRequired
	}
	if flags&android.FlagNonIncremental != 0 {
		was = data{}
	}
	set, err := apply(ctx, was.set, in)
	if err != nil {
		return err
	}
	d := data{form: android.RestoreKeyValue, set: slices.Collect(maps.Values(set))}
	var sum int64
	for _, r := range d.set {
		sum += int64(len(r.value))
	}
	if sum > t.Quota(pkg.Name, false) {
		return android.TransportQuotaExceeded
	}
	slices.SortFunc(d.set, func(a, b record) int { return a.key.Compare(b.key) })
	t.pkg, t.data = pkg.Name, d
	return nil
}

// apply returns a set after an entity stream. It is keyed by text, since a key
// may have two forms in bytes.
func apply(ctx context.Context, was []record, in io.Reader) (map[string]record, error) {
	set := map[string]record{}
	for _, r := range was {
		text, err := r.key.Text()
		if err != nil {
			return nil, fail(android.TransportError, err)
		}
		set[text] = r
	}
	r := entity.NewReader(in, entity.Limits{})
	for h, err := range r.All() {
		if err != nil {
			return nil, fail(answer(err), err)
		}
		if err := ready(ctx); err != nil {
			return nil, err
		}
		text, err := h.Key.Text()
		if err != nil {
			return nil, fail(android.TransportPackageRejected, err)
		}
		if h.Deleted {
			delete(set, text)
			continue
		}
		value, err := r.AppendData(nil, h.Size)
		if err != nil {
			return nil, fail(answer(err), err)
		}
		set[text] = record{h.Key, value}
	}
	return set, nil
}

// answer tells an agent's bad stream from one that could not be read.
func answer(err error) android.Code {
	if _, ok := errors.AsType[*entity.DamageError](err); ok {
		return android.TransportPackageRejected
	}
	return android.TransportError
}

// PerformFullBackup implements [android.Transport].
func (t *Transport) PerformFullBackup(ctx context.Context, pkg android.Package, in io.Reader, _ android.PassFlags) error {
	t.drop()
	if err := ready(ctx); err != nil {
		return err
	}
	switch {
	case pkg.Name == "":
		return android.TransportPackageRejected
	case in == nil:
		return fail(android.TransportError, errEmpty)
	}
	t.pkg, t.data.form, t.stream = pkg.Name, android.RestoreFull, in
	return nil
}

// CheckFullBackupSize implements [android.Transport].
func (t *Transport) CheckFullBackupSize(ctx context.Context, size int64) error {
	switch {
	case size <= 0:
		return android.TransportPackageRejected
	case size > t.Quota(t.pkg, true):
		return android.TransportQuotaExceeded
	}
	return ready(ctx)
}

// SendBackupData implements [android.Transport].
func (t *Transport) SendBackupData(ctx context.Context, n int) error {
	if t.stream == nil || n < 0 {
		return fail(android.TransportError, errOrder)
	}
	if t.err == nil {
		t.err = t.take(ctx, int64(n))
	}
	return t.err
}

func (t *Transport) take(ctx context.Context, n int64) error {
	if err := ready(ctx); err != nil {
		return err
	}
	if n > t.Quota(t.pkg, true)-int64(len(t.data.tar)) {
		return android.TransportQuotaExceeded
	}
	b, err := io.ReadAll(io.LimitReader(t.stream, n))
	if err == nil && int64(len(b)) < n {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return fail(android.TransportError, err)
	}
	t.data.tar = append(t.data.tar, b...)
	return nil
}

// CancelFullBackup implements [android.Transport].
func (t *Transport) CancelFullBackup(context.Context) error {
	t.drop()
	return nil
}

// FinishBackup implements [android.Transport].
func (t *Transport) FinishBackup(ctx context.Context) error {
	defer t.drop()
	if err := ready(ctx); err != nil {
		return err
	}
	switch {
	case t.pkg == "":
		return nil
	case t.err != nil:
		return t.err
	case t.stream != nil && len(t.data.tar) == 0:
		return fail(android.TransportPackageRejected, errEmpty)
	}
	if t.store.apps == nil {
		t.store.apps = map[string]data{}
	}
	t.store.apps[t.pkg] = t.data
	return nil
}

// Packages returns the names of what is stored, sorted.
func (s *Store) Packages() []string { return slices.Sorted(maps.Keys(s.apps)) }
