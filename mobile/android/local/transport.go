package local

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/backup"
)

// The quotas of AOSP's LocalTransport in bytes, for whoever wants to see what
// an app does with them.
const (
	AndroidQuotaFull int64 = 25 << 20
	AndroidQuotaKV   int64 = 5 << 20
)

// DefaultDevice is the device of the restore set unless Options say otherwise.
const DefaultDevice = "local"

// Options are what a Transport is opened with.
type Options struct {
	// Dir is the backup's folder: a new one, an empty one, or a backup.
	Dir string
	// Flags are what agents see. 0 = none.
	Flags backup.Flags
	// Device is told with the restore set. "" = [DefaultDevice].
	Device string
	// QuotaFull is how many bytes of tar one app may store, QuotaKV how many
	// bytes its values may have together. 0 = no limit.
	QuotaFull, QuotaKV int64
}

// Transport keeps a backup in a folder. It is used by one goroutine, and has to
// be closed.
type Transport struct {
	opt   Options // immutable
	token int64   // immutable
	batch int64   // see batchBytes; immutable
	f     *folder // nil once closed

	pass    *pass    // what the next FinishBackup decides about; nil = nothing
	restore *restore // between StartRestore and FinishRestore
}

var _ android.Transport = (*Transport)(nil)

// pass is an app's new data.
type pass struct {
	pkg    string
	form   form
	part   *part     // nil once err is set
	stream io.Reader // of a full backup
	err    error     // why a full backup failed
}

// Open opens the backup in opt.Dir, or makes one there. What a process that
// ended too early had not finished is removed. It fails with [ErrNotBackup],
// [ErrNewer] and [ErrDamaged].
func Open(opt Options) (*Transport, error) {
	f, err := openFolder(opt.Dir)
	if err != nil {
		return nil, fmt.Errorf("local backup: open: %w", bare(err))
	}
	if opt.Device == "" {
		opt.Device = DefaultDevice
	}
	return &Transport{opt: opt, token: f.token, batch: batchBytes, f: f}, nil
}

// Close drops what was not finished.
func (t *Transport) Close() error {
	if t.f == nil {
		return nil
	}
	t.drop()
	t.endRestore()
	f := t.f
	t.f = nil
	return f.root.Close()
}

// Name implements [android.Transport].
func (*Transport) Name() string { return "ferry.local" }

// DirName implements [android.Transport]. It differs from one folder to the
// other: what an agent remembers of its last pass is true of one of them only.
func (t *Transport) DirName() string {
	return t.Name() + "-" + strconv.FormatInt(t.token, 16)
}

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

// ready is asked before everything else.
func (t *Transport) ready(ctx context.Context, op string) error {
	if t.f == nil {
		return fail(op, android.TransportError, ErrClosed)
	}
	if err := ctx.Err(); err != nil {
		return fail(op, android.TransportError, err)
	}
	return nil
}

// drop forgets the pass that is open.
func (t *Transport) drop() {
	if t.pass != nil {
		t.pass.part.discard()
		t.pass = nil
	}
}

// InitializeDevice erases every app at once: it does not wait for FinishBackup,
// which AOSP's manager leaves out after it in some cases.
func (t *Transport) InitializeDevice(ctx context.Context) error {
	const op = "erase everything"
	if err := t.ready(ctx, op); err != nil {
		return err
	}
	t.drop()
	t.endRestore()
	err := t.f.erase(appsDir)
	if err == nil {
		err = t.f.mkdir(appsDir)
	}
	if err != nil {
		return fail(op, android.TransportError, err)
	}
	return nil
}

// ClearBackupData erases one app at once.
func (t *Transport) ClearBackupData(ctx context.Context, pkg string) error {
	const op = "erase an app"
	if err := t.ready(ctx, op); err != nil {
		return err
	}
	t.drop()
	if pkg == "" {
		return fail(op, android.TransportPackageRejected, errName)
	}
	if err := t.f.erase(appsDir + "/" + folderName(pkg)); err != nil {
		return fail(op, android.TransportError, err)
	}
	return nil
}

// FinishBackup implements [android.Transport]. It is on the disk when it
// returns nil.
func (t *Transport) FinishBackup(ctx context.Context) error {
	const op = "finish"
	defer t.drop()
	if err := t.ready(ctx, op); err != nil {
		return err
	}
	p := t.pass
	switch {
	case p == nil: // after an erasure, or a pass without changes
		return nil
	case p.err != nil:
		return p.err
	case p.form == archive && p.part.size == 0:
		return fail(op, android.TransportPackageRejected, errEmpty)
	}
	t.pass = nil
	if err := t.f.keep(p.part, p.pkg, p.form); err != nil {
		return fail(op, android.TransportError, err)
	}
	return nil
}
