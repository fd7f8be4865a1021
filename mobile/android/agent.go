package android

import (
	"context"
	"io"
	"io/fs"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
)

// Agent is an app's part in backup and restore: BackupAgent's two abstract
// methods. The optional methods are [Creator], [FullBackuper], [FileRestorer],
// [RestoreFinisher], [QuotaListener] and [Destroyer].
//
// The manager calls one agent's methods one after the other, each with a
// context that ends when the time that Android allows is over. An error means
// what an exception means there: a backup is rolled back, and of a restore
// nothing stays.
type Agent interface {
	// Backup writes what changed since the state that it left behind last time
	// (onBackup).
	Backup(ctx context.Context, b BackupRequest) error
	// Restore takes in a complete set of entities (onRestore).
	Restore(ctx context.Context, r RestoreRequest) error
}

// BackupRequest is what onBackup is given.
type BackupRequest struct {
	// Old is the state that the last committed pass left. It is empty when
	// there was none; callers other than the manager may leave it nil.
	Old io.Reader
	// Data takes the entities.
	Data EntityOutput
	// New takes the state after this pass.
	New io.Writer
}

// RestoreRequest is what onRestore is given.
type RestoreRequest struct {
	Data EntityInput
	// AppVersion is the long version code of the app that was backed up.
	AppVersion int64
	// New takes the state after the restore. The manager does not keep it, as
	// Android does not: the next pass is a complete one.
	New io.Writer
}

// Creator is an agent that prepares itself before anything else is called
// (onCreate).
type Creator interface {
	Create(ctx context.Context) error
}

// Destroyer is an agent that has something to release at the end, whatever
// happened before (onDestroy).
type Destroyer interface {
	Destroy()
}

// FullBackuper is an agent that takes part in full backup (onFullBackup). It is
// called twice in a pass: once to measure, with an output that reads no
// content, and once to write.
type FullBackuper interface {
	FullBackup(ctx context.Context, out FullOutput) error
}

// FileRestorer is an agent that takes files of a full backup in
// (onRestoreFile), one call for each, folders before what is in them.
type FileRestorer interface {
	RestoreFile(ctx context.Context, f RestoredFile) error
}

// RestoreFinisher is an agent that has work to do once everything is restored
// (onRestoreFinished). It is not called after a restore that failed.
type RestoreFinisher interface {
	RestoreFinished(ctx context.Context) error
}

// QuotaListener is an agent that hears why its backup was not taken
// (onQuotaExceeded). measured and quota are in bytes.
type QuotaListener interface {
	QuotaExceeded(ctx context.Context, measured, quota int64)
}

// Cleaner is an agent that can remove everything of its app's data. The manager
// calls it where Android clears an app's data: before a full restore, and after
// any restore that failed.
type Cleaner interface {
	Clear(ctx context.Context) error
}

// EntityOutput takes entities (BackupDataOutput). After WriteHeader, exactly
// size bytes follow by Write. Keys are in Java's modified UTF-8.
type EntityOutput interface {
	io.Writer
	WriteHeader(key string, size int64) error
	// Delete writes the header of size -1: the entity is to be deleted.
	Delete(key string) error
	TransportFlags() backup.Flags
	// Quota is how many bytes the transport takes of this app.
	Quota() int64
}

// EntityInput gives entities (BackupDataInput). Read ends with the entity's
// data; what was not read of it is skipped by Next.
type EntityInput interface {
	io.Reader
	// Next goes to the next entity; io.EOF after the last. size is -1 for a
	// delete marker.
	Next() (key string, size int64, err error)
}

// FullOutput takes an app's files (FullBackupDataOutput with fullBackupFile).
type FullOutput interface {
	// File adds one file or folder. What always stays out (caches, no_backup)
	// is ignored without an error. A file's content is read at once, later, or
	// not at all.
	File(ctx context.Context, f SourceFile) error
	TransportFlags() backup.Flags
	Quota() int64
}

// FileInfo describes a file or a folder of an app.
type FileInfo struct {
	// Domain is the token of the place that Path is below, such as "f" or
	// "sp"; see package domain.
	Domain string
	// Path has slashes and none in front.
	Path string
	// Type is backup.TypeFile or backup.TypeDirectory.
	Type backup.Type
	// Size is the content's length in bytes; 0 for a folder.
	Size int64
	// Mode are the permission bits of st_mode, with set-ID and sticky bits as
	// Unix has them (07777).
	Mode uint32
	// ModTime has whole seconds in an archive.
	ModTime time.Time
}

// SourceFile is a file on its way out.
type SourceFile struct {
	FileInfo
	UID, GID int
	// Open reads the content from offset bytes after its start. It may be
	// called never, or later than the agent's call, as long as the agent
	// lives. nil for a folder.
	Open func(ctx context.Context, offset int64) (io.ReadCloser, error)
}

// RestoredFile is a file on its way in (the arguments of onRestoreFile).
type RestoredFile struct {
	FileInfo
	// Data gives Size bytes.
	Data io.Reader
	// Take moves the content to a path on this device instead of copying it
	// out of Data. nil, or an error that is fs.ErrInvalid: it has to be read.
	Take func(path string) error
}

// Perm returns what Android leaves of a restored file's mode: the owner's bits.
func (f FileInfo) Perm() fs.FileMode { return fs.FileMode(f.Mode & 0o700) }
