package d2d

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/domain"
	"github.com/ferry-move/ferry/mobile/android/entity"
	"github.com/ferry-move/ferry/mobile/android/fullbackup"
	"github.com/ferry-move/ferry/mobile/backup"
)

// DefaultQuota is how many bytes one app may move: 2 GiB, what Android's own
// device-to-device transfer allows.
const DefaultQuota int64 = 2 << 30

// Token is the restore token of the old phone's data; there is one set.
const Token int64 = 1

// ErrOneSided means that a transport was asked for the half that it lacks.
var ErrOneSided = errors.New("this side of the transfer does not do that")

// Sink takes packages on the old phone. Its methods are called in the order
// Begin, Entity or File any number of times, End or Drop.
type Sink interface {
	Begin(ctx context.Context, pkg android.Package, form android.RestoreType) error
	Entity(ctx context.Context, key entity.Key, value []byte) error
	File(ctx context.Context, f android.SourceFile) error
	// End says that the package is whole, Drop that it never will be.
	End(ctx context.Context) error
	Drop(ctx context.Context)
}

// Source gives packages back on the new phone.
type Source interface {
	// Packages are those whose data is there, whole.
	Packages(ctx context.Context) ([]Arrived, error)
	// Entities opens a package's entity stream: the complete set, without
	// delete markers.
	Entities(ctx context.Context, pkg string) (io.ReadCloser, error)
	// Files yields a package's files, folders before what is in them. What a
	// file's Data gives is read before the next is asked for.
	Files(ctx context.Context, pkg string) iter.Seq2[android.RestoredFile, error]
}

// Arrived is a package on the new phone that waits to be restored.
type Arrived struct {
	Name       string
	Version    int64
	Signatures [][32]byte
	Form       android.RestoreType
}

// Options are what a Transport needs.
type Options struct {
	Sink   Sink   // nil on the new phone
	Source Source // nil on the old phone
	// Quota is what one app may move, in bytes. 0 = DefaultQuota.
	Quota int64
	// Free is the new phone's free space in bytes; the quota is never more. nil
	// or an error = not known.
	Free func() (int64, error)
}

// Transport implements [android.Transport], [android.EntryBackuper] and
// [android.EntryRestorer].
type Transport struct {
	opt Options

	// Of the backup under way.
	open   bool
	sent   int64 // bytes as the archive counts them
	failed error // what FinishBackup has to answer

	// Of the restore under way.
	queue   []Arrived
	meta    []Arrived // told with the metadata package
	current Arrived
	files   func() (android.RestoredFile, error, bool)
	stop    func()
}

var (
	_ android.Transport     = (*Transport)(nil)
	_ android.EntryBackuper = (*Transport)(nil)
	_ android.EntryRestorer = (*Transport)(nil)
)

// New returns a transport.
func New(opt Options) *Transport {
	if opt.Quota <= 0 {
		opt.Quota = DefaultQuota
	}
	return &Transport{opt: opt}
}

// Name implements [android.Transport].
func (*Transport) Name() string { return "ferry.d2d" }

// DirName implements [android.Transport].
func (*Transport) DirName() string { return "ferry.d2d" }

// Flags implements [android.Transport].
func (*Transport) Flags() backup.Flags { return backup.FlagDeviceToDeviceTransfer }

// Quota implements [android.Transport].
func (t *Transport) Quota(string, bool) int64 {
	q := t.opt.Quota
	if t.opt.Free != nil {
		if free, err := t.opt.Free(); err == nil {
			q = min(q, free)
		}
	}
	return q
}

// InitializeDevice has nothing to erase: nothing is kept in between.
func (*Transport) InitializeDevice(context.Context) error { return nil }

// ClearBackupData has nothing to erase either.
func (*Transport) ClearBackupData(context.Context, string) error { return nil }

// begin opens a package at the sink.
func (t *Transport) begin(ctx context.Context, pkg android.Package, form android.RestoreType) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case t.opt.Sink == nil:
		return fmt.Errorf("%w: %w", android.TransportError, ErrOneSided)
	case t.open:
		return fmt.Errorf("%w: the package before was not finished", android.TransportError)
	}
	if !isName(pkg.Name) {
		return android.TransportPackageRejected
	}
	if err := t.opt.Sink.Begin(ctx, pkg, form); err != nil {
		return err
	}
	t.open, t.sent, t.failed = true, 0, nil
	return nil
}

// isName reports whether s can be an app's: letters, digits, dots, hyphens and
// low lines, with a letter first.
func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || !(c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-')) {
			return false
		}
	}
	return s != ""
}

func (t *Transport) drop(ctx context.Context) {
	if t.open {
		t.open = false
		t.opt.Sink.Drop(ctx)
	}
}

// PerformBackup hands over entities. Every set is a complete one, because the
// new phone has nothing that a change could apply to.
func (t *Transport) PerformBackup(ctx context.Context, pkg android.Package, data io.Reader, flags android.PassFlags) error {
	if flags&android.FlagDataNotChanged != 0 {
		return nil
	}
	if flags&android.FlagIncremental != 0 {
		return android.TransportNonIncrementalBackupRequired
	}
	if pkg.Name == android.MetadataPackage { // each package's manifest tells what it would
		return nil
	}
	if err := t.begin(ctx, pkg, android.RestoreKeyValue); err != nil {
		return err
	}
	if err := t.entities(ctx, pkg, data); err != nil {
		t.drop(ctx)
		return err
	}
	return nil
}

// Values up to shareBelow bytes share memory, shareRoom bytes at a time.
const (
	shareBelow = 4 << 10
	shareRoom  = 32 << 10
)

func (t *Transport) entities(ctx context.Context, pkg android.Package, data io.Reader) error {
	quota := t.Quota(pkg.Name, false)
	rd := entity.NewReader(data, entity.Limits{Data: backup.MaxValue})
	var room []byte // small values share their memory
	for h, err := range rd.All() {
		if err != nil {
			return fmt.Errorf("%w: %w", android.AgentError, err)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if h.Deleted { // of nothing
			continue
		}
		if t.sent += h.Size; t.sent > quota {
			return android.TransportQuotaExceeded
		}
		if h.Size > int64(cap(room)-len(room)) {
			if room = nil; h.Size <= shareBelow {
				room = make([]byte, 0, shareRoom)
			}
		}
		at := len(room)
		if room, err = rd.AppendData(room, backup.MaxValue); err != nil {
			return fmt.Errorf("%w: %w", android.AgentError, err)
		}
		if err := t.opt.Sink.Entity(ctx, h.Key, room[at:len(room):len(room)]); err != nil {
			return err
		}
	}
	return nil
}

// PerformFullBackup begins a package whose files come by BackupEntry.
func (t *Transport) PerformFullBackup(ctx context.Context, pkg android.Package, _ io.Reader, _ android.PassFlags) error {
	return t.begin(ctx, pkg, android.RestoreFull)
}

// CheckFullBackupSize implements [android.Transport].
func (t *Transport) CheckFullBackupSize(_ context.Context, size int64) error {
	switch {
	case size <= 0: // Android's transports do not keep nothing
		return android.TransportPackageRejected
	case size > t.Quota("", true):
		return android.TransportQuotaExceeded
	}
	return nil
}

// SendBackupData refuses the tar stream, which would have to be read whole even
// where the new phone has everything.
func (t *Transport) SendBackupData(context.Context, int) error {
	t.failed = fmt.Errorf("%w: files come one by one", android.TransportError)
	return t.failed
}

// BackupEntry implements [android.EntryBackuper].
func (t *Transport) BackupEntry(ctx context.Context, f android.SourceFile) error {
	switch {
	case ctx.Err() != nil:
		t.failed = context.Cause(ctx)
		return t.failed
	case !t.open:
		return fmt.Errorf("%w: no package is open", android.TransportError)
	}
	t.sent += fullbackup.EncodedSize(fullbackup.Header{Domain: f.Domain, Path: f.Path, Type: fullbackup.Type(f.Type), Size: f.Size})
	if t.sent > t.Quota("", true) {
		t.failed = android.TransportQuotaExceeded
		return t.failed
	}
	if err := t.opt.Sink.File(ctx, f); err != nil {
		t.failed = err
		return err
	}
	return nil
}

// CancelFullBackup implements [android.Transport].
func (t *Transport) CancelFullBackup(ctx context.Context) error {
	t.drop(ctx)
	return nil
}

// FinishBackup implements [android.Transport].
func (t *Transport) FinishBackup(ctx context.Context) error {
	if !t.open {
		return nil // after InitializeDevice, ClearBackupData, a ping
	}
	if t.failed != nil {
		t.drop(ctx)
		return t.failed
	}
	t.open = false
	return t.opt.Sink.End(ctx)
}

// RestoreSets implements [android.Transport].
func (t *Transport) RestoreSets(context.Context) ([]android.RestoreSet, error) {
	if t.opt.Source == nil {
		return nil, nil
	}
	return []android.RestoreSet{{Name: android.DeviceD2D, Device: android.DeviceD2D, Token: Token, Flags: t.Flags()}}, nil
}

// CurrentSet implements [android.Transport].
func (t *Transport) CurrentSet(context.Context) (int64, error) { return 0, nil }

// StartRestore implements [android.Transport].
func (t *Transport) StartRestore(ctx context.Context, token int64, pkgs []string) error {
	if t.opt.Source == nil || token != Token {
		return fmt.Errorf("%w: %w", android.TransportError, ErrOneSided)
	}
	all, err := t.opt.Source.Packages(ctx)
	if err != nil {
		return err
	}
	t.end()
	byName := make(map[string]Arrived, len(all))
	for _, a := range all {
		byName[a.Name] = a
	}
	t.queue = append(t.queue, Arrived{Name: android.MetadataPackage, Form: android.RestoreKeyValue})
	for _, name := range pkgs {
		if a, ok := byName[name]; ok {
			t.queue, t.meta = append(t.queue, a), append(t.meta, a)
		}
	}
	slices.SortFunc(t.meta, func(a, b Arrived) int { return entity.Key(a.Name).Compare(entity.Key(b.Name)) })
	return nil
}

// NextPackage implements [android.Transport].
func (t *Transport) NextPackage(context.Context) (android.RestoreDescription, error) {
	t.closeFiles()
	if len(t.queue) == 0 {
		t.current = Arrived{}
		return android.RestoreDescription{}, nil
	}
	t.current, t.queue = t.queue[0], t.queue[1:]
	return android.RestoreDescription{Package: t.current.Name, Type: t.current.Form}, nil
}

// RestoreData implements [android.Transport].
func (t *Transport) RestoreData(ctx context.Context, w io.Writer) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case t.current.Name == android.MetadataPackage:
		return t.metadata(w)
	case t.current.Form != android.RestoreKeyValue:
		return fmt.Errorf("%w: the package has no entities", android.TransportError)
	}
	r, err := t.opt.Source.Entities(ctx, t.current.Name)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(w, r)
	return err
}

// NextFullChunk refuses the tar stream; see NextEntry.
func (t *Transport) NextFullChunk(context.Context, io.Writer) (int, error) {
	return 0, fmt.Errorf("%w: files come one by one", android.TransportError)
}

// NextEntry implements [android.EntryRestorer].
func (t *Transport) NextEntry(ctx context.Context) (android.RestoredFile, error) {
	if ctx.Err() != nil {
		return android.RestoredFile{}, context.Cause(ctx)
	}
	if t.current.Form != android.RestoreFull {
		return android.RestoredFile{}, fmt.Errorf("%w: the package has no files", android.TransportError)
	}
	if t.files == nil {
		t.files, t.stop = iter.Pull2(t.opt.Source.Files(ctx, t.current.Name))
	}
	f, err, ok := t.files()
	switch {
	case !ok:
		return f, android.NoMoreData
	case err != nil:
		return f, err
	case domain.Token(f.Domain) == domain.Cache: // a sender of ours has none
		return f, fmt.Errorf("%w: a cache was sent", android.TransportError)
	}
	return f, nil
}

// AbortFullRestore implements [android.Transport].
func (t *Transport) AbortFullRestore(context.Context) error {
	t.closeFiles()
	return nil
}

// FinishRestore implements [android.Transport].
func (t *Transport) FinishRestore(context.Context) error {
	t.end()
	return nil
}

func (t *Transport) end() {
	t.closeFiles()
	t.queue, t.meta, t.current = nil, nil, Arrived{}
}

func (t *Transport) closeFiles() {
	if t.stop != nil {
		t.stop()
	}
	t.files, t.stop = nil, nil
}
