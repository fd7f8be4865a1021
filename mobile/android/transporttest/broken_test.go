package transporttest

import (
	"bytes"
	"context"
	"io"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/memory"
)

// broken is a transport with a fault. nil = as it should be.
type broken struct {
	*memory.Transport
	dir     func() string
	quota   int64 // what it says; 0 = the truth
	flags   func(android.PassFlags) android.PassFlags
	data    func([]byte) []byte // of PerformBackup
	perform func(ctx context.Context, pkg android.Package, data io.Reader, flags android.PassFlags) error
	begin   func(ctx context.Context, pkg android.Package, data io.Reader) error
	send    func(ctx context.Context, n int) error
	check   func(size int64) error
	cancel  func(ctx context.Context) error
	finish  func(ctx context.Context) error
	start   func(ctx context.Context, token int64, pkgs []string) error
	next    func(ctx context.Context) (android.RestoreDescription, error)
	set     func(records []record) []record // of RestoreData
	restore func(ctx context.Context, w io.Writer) error
	chunk   func(ctx context.Context, w io.Writer) (int, error)
	abort   func(ctx context.Context) error
	end     func(ctx context.Context) error
	init    func(ctx context.Context) error
	erase   func(ctx context.Context, pkg string) error
	sets    func([]android.RestoreSet) []android.RestoreSet
}

func (b *broken) DirName() string {
	if b.dir != nil {
		return b.dir()
	}
	return b.Transport.DirName()
}

func (b *broken) Quota(pkg string, full bool) int64 {
	if b.quota != 0 {
		return b.quota
	}
	return b.Transport.Quota(pkg, full)
}

func (b *broken) PerformBackup(ctx context.Context, pkg android.Package, data io.Reader, flags android.PassFlags) error {
	if b.flags != nil {
		flags = b.flags(flags)
	}
	if b.data != nil && pkg.Name != android.MetadataPackage {
		all, err := io.ReadAll(data)
		if err != nil {
			return err
		}
		data = bytes.NewReader(b.data(all))
	}
	if b.perform != nil && pkg.Name != android.MetadataPackage {
		return b.perform(ctx, pkg, data, flags)
	}
	return b.Transport.PerformBackup(ctx, pkg, data, flags)
}

func (b *broken) PerformFullBackup(ctx context.Context, pkg android.Package, data io.Reader, flags android.PassFlags) error {
	if b.begin != nil {
		return b.begin(ctx, pkg, data)
	}
	return b.Transport.PerformFullBackup(ctx, pkg, data, flags)
}

func (b *broken) CheckFullBackupSize(ctx context.Context, size int64) error {
	if b.check != nil {
		return b.check(size)
	}
	return b.Transport.CheckFullBackupSize(ctx, size)
}

func (b *broken) SendBackupData(ctx context.Context, n int) error {
	if b.send != nil {
		return b.send(ctx, n)
	}
	return b.Transport.SendBackupData(ctx, n)
}

func (b *broken) CancelFullBackup(ctx context.Context) error {
	if b.cancel != nil {
		return b.cancel(ctx)
	}
	return b.Transport.CancelFullBackup(ctx)
}

func (b *broken) FinishBackup(ctx context.Context) error {
	if b.finish != nil {
		return b.finish(ctx)
	}
	return b.Transport.FinishBackup(ctx)
}

func (b *broken) RestoreSets(ctx context.Context) ([]android.RestoreSet, error) {
	s, err := b.Transport.RestoreSets(ctx)
	if b.sets != nil {
		s = b.sets(s)
	}
	return s, err
}

func (b *broken) StartRestore(ctx context.Context, token int64, pkgs []string) error {
	if b.start != nil {
		return b.start(ctx, token, pkgs)
	}
	return b.Transport.StartRestore(ctx, token, pkgs)
}

func (b *broken) NextPackage(ctx context.Context) (android.RestoreDescription, error) {
	if b.next != nil {
		return b.next(ctx)
	}
	return b.Transport.NextPackage(ctx)
}

func (b *broken) RestoreData(ctx context.Context, w io.Writer) error {
	switch {
	case b.restore != nil:
		return b.restore(ctx, w)
	case b.set != nil:
		var out bytes.Buffer
		if err := b.Transport.RestoreData(ctx, &out); err != nil {
			return err
		}
		set, err := decode(out.Bytes())
		if err != nil {
			return err
		}
		_, err = w.Write(stream(b.set(set)...))
		return err
	}
	return b.Transport.RestoreData(ctx, w)
}

func (b *broken) NextFullChunk(ctx context.Context, w io.Writer) (int, error) {
	if b.chunk != nil {
		return b.chunk(ctx, w)
	}
	return b.Transport.NextFullChunk(ctx, w)
}

func (b *broken) AbortFullRestore(ctx context.Context) error {
	if b.abort != nil {
		return b.abort(ctx)
	}
	return b.Transport.AbortFullRestore(ctx)
}

func (b *broken) FinishRestore(ctx context.Context) error {
	if b.end != nil {
		return b.end(ctx)
	}
	return b.Transport.FinishRestore(ctx)
}

func (b *broken) InitializeDevice(ctx context.Context) error {
	if b.init != nil {
		return b.init(ctx)
	}
	return b.Transport.InitializeDevice(ctx)
}

func (b *broken) ClearBackupData(ctx context.Context, pkg string) error {
	if b.erase != nil {
		return b.erase(ctx, pkg)
	}
	return b.Transport.ClearBackupData(ctx, pkg)
}
