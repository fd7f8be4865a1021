package transporttest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/fullbackup"
	"github.com/ferry-move/ferry/mobile/android/memory"
	"github.com/ferry-move/ferry/mobile/backup"
)

// byEntry is a transport of files instead of tar streams.
type byEntry struct {
	*memory.Transport
	pkg  string
	tar  bytes.Buffer // what the next SendBackupData takes
	in   *fullbackup.Reader
	lose bool // the fault: the last file does not come back
}

var (
	_ android.EntryBackuper = (*byEntry)(nil)
	_ android.EntryRestorer = (*byEntry)(nil)
)

func (b *byEntry) PerformFullBackup(ctx context.Context, pkg android.Package, data io.Reader, flags android.PassFlags) error {
	if data != nil {
		return errors.New("a stream was given")
	}
	b.pkg = pkg.Name
	b.tar.Reset()
	return b.Transport.PerformFullBackup(ctx, pkg, &b.tar, flags)
}

func (b *byEntry) BackupEntry(ctx context.Context, f android.SourceFile) error {
	var content []byte
	if f.Open != nil {
		r, err := f.Open(ctx, 0)
		if err != nil {
			return err
		}
		if content, err = io.ReadAll(r); err != nil {
			return err
		}
	}
	one, err := tarOf(b.pkg, []file{{f.FileInfo, string(content)}})
	if err != nil {
		return err
	}
	b.tar.Write(one)
	return b.Transport.SendBackupData(ctx, len(one))
}

func (b *byEntry) NextPackage(ctx context.Context) (android.RestoreDescription, error) {
	b.in = nil
	return b.Transport.NextPackage(ctx)
}

func (b *byEntry) NextEntry(ctx context.Context) (android.RestoredFile, error) {
	if b.in == nil {
		var all bytes.Buffer
		for {
			_, err := b.Transport.NextFullChunk(ctx, &all)
			if errors.Is(err, android.NoMoreData) {
				break
			}
			if err != nil {
				return android.RestoredFile{}, err
			}
		}
		if b.lose {
			all.Truncate(all.Len() - 1024)
		}
		b.in = fullbackup.NewReader(&all, fullbackup.Limits{})
	}
	if err := ctx.Err(); err != nil {
		return android.RestoredFile{}, err
	}
	h, err := b.in.Next()
	if err == io.EOF {
		return android.RestoredFile{}, android.NoMoreData
	}
	if err != nil {
		return android.RestoredFile{}, err
	}
	return android.RestoredFile{FileInfo: android.FileInfo{Domain: h.Domain, Path: h.Path, Type: backup.Type(h.Type),
		Size: h.Size, Mode: h.Mode, ModTime: time.Unix(h.ModTime, 0)}, Data: b.in}, nil
}

func TestByEntry(t *testing.T) {
	Run(t, Capabilities{}, func(_ testing.TB, q Quota) Opener {
		s := new(memory.Store)
		return func() (android.Transport, error) {
			return &byEntry{Transport: s.Open(memory.Options{QuotaFull: q.Full, QuotaKV: q.KeyValue})}, nil
		}
	})
}

func TestByEntryFault(t *testing.T) {
	for _, ch := range checks {
		if ch.name != "FullAgain" { // its last file has 1024 bytes in the tar
			continue
		}
		s := new(memory.Store)
		err := ch.run(t.Context(), Capabilities{}, func() (android.Transport, error) {
			return &byEntry{Transport: s.Open(memory.Options{}), lose: true}, nil
		})
		if err == nil {
			t.Error("a file that does not come back is not noticed")
		}
	}
}

// passing is a transport that keeps nothing to change or to erase.
type passing struct{ *memory.Transport }

func (p passing) PerformBackup(ctx context.Context, pkg android.Package, data io.Reader, flags android.PassFlags) error {
	switch {
	case flags&android.FlagIncremental != 0:
		return android.TransportNonIncrementalBackupRequired
	case pkg.Name == android.MetadataPackage: // it makes its own
		data = bytes.NewReader(stream(put("@ancestral_record@", "own")))
	}
	return p.Transport.PerformBackup(ctx, pkg, data, flags)
}

func (passing) InitializeDevice(context.Context) error        { return nil }
func (passing) ClearBackupData(context.Context, string) error { return nil }

func TestPassThrough(t *testing.T) {
	c := Capabilities{Volatile: true, PassThrough: true, OwnMetadata: true, FixedQuota: true}
	opened := 0
	Run(t, c, func(testing.TB, Quota) Opener {
		n := 0
		return func() (android.Transport, error) {
			opened++
			if n++; n > 1 {
				return nil, errors.New("opened again")
			}
			return passing{new(memory.Store).Open(memory.Options{})}, nil
		}
	})
	skipped := 0
	for _, ch := range checks {
		if ch.skip(c) != "" {
			skipped++
		}
	}
	if opened != len(checks)-skipped || skipped == 0 {
		t.Errorf("opened %d times; %d checks, %d skipped", opened, len(checks), skipped)
	}
}
