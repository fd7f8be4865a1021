package apps

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/d2d"
	"github.com/ferry-move/ferry/mobile/android/domain"
	"github.com/ferry-move/ferry/mobile/android/fullbackup"
	"github.com/ferry-move/ferry/mobile/backup"
)

// arrivedApp is the source of one app that lies in apps/.arriving.
type arrivedApp struct {
	app  *app
	form android.RestoreType
	dir  *os.Root
	dirs map[string]time.Time // of folders, by their path below dir
}

// Packages implements [d2d.Source].
func (a *arrivedApp) Packages(context.Context) ([]d2d.Arrived, error) {
	return []d2d.Arrived{{Name: a.app.Name, Version: a.app.Version, Signatures: a.app.Signatures, Form: a.form}}, nil
}

// Entities implements [d2d.Source]: in the order of the old phone's agent.
func (a *arrivedApp) Entities(context.Context, string) (io.ReadCloser, error) {
	return a.dir.Open(recordsPath(a.app.Name))
}

// description is the _manifest that a restore begins with. It names the signers
// by the hashes that both sides compare.
func (a *arrivedApp) description() (android.RestoredFile, error) {
	m := fullbackup.Manifest{Package: a.app.Name, VersionCode: a.app.Version}
	for _, s := range a.app.Signatures {
		m.Certificates = append(m.Certificates, s[:])
	}
	b, err := m.Append(nil)
	return android.RestoredFile{
		FileInfo: android.FileInfo{Path: fullbackup.ManifestName, Type: backup.TypeFile, Size: int64(len(b)), Mode: 0o600},
		Data:     bytes.NewReader(b),
	}, err
}

// Files implements [d2d.Source].
func (a *arrivedApp) Files(ctx context.Context, _ string) iter.Seq2[android.RestoredFile, error] {
	return func(yield func(android.RestoredFile, error) bool) {
		if !yield(a.description()) {
			return
		}
		for _, t := range append(domain.Order(), domain.OBB) {
			base := path.Join(a.app.Name, string(t))
			if _, err := a.dir.Lstat(base); errors.Is(err, fs.ErrNotExist) {
				continue
			}
			stop := errors.New("stop")
			err := fs.WalkDir(a.dir.FS(), base, func(name string, d fs.DirEntry, err error) error {
				if err != nil || name == base {
					return err
				}
				if err := ctx.Err(); err != nil {
					return err
				}
				if !a.give(name, string(t), name[len(base)+1:], d, yield) {
					return stop
				}
				return nil
			})
			if err == stop {
				return
			}
			if err != nil {
				yield(android.RestoredFile{}, err)
				return
			}
		}
	}
}

// give yields one file. What its Data read is closed when the next is asked for.
func (a *arrivedApp) give(name, token, rel string, d fs.DirEntry, yield func(android.RestoredFile, error) bool) bool {
	fi, err := d.Info()
	if err != nil {
		return yield(android.RestoredFile{}, err)
	}
	f := android.RestoredFile{FileInfo: android.FileInfo{
		Domain: token, Path: rel, Type: backup.TypeDirectory, Mode: uint32(fi.Mode().Perm()), ModTime: fi.ModTime(),
	}}
	if fi.IsDir() {
		if when, ok := a.dirs[name]; ok {
			f.ModTime = when
		}
		return yield(f, nil)
	}
	content := &lazyFile{dir: a.dir, name: name}
	defer content.close()
	f.Type, f.Size, f.Data = backup.TypeFile, fi.Size(), content
	f.Take = func(to string) error {
		return os.Rename(filepath.Join(a.dir.Name(), filepath.FromSlash(name)), to)
	}
	return yield(f, nil)
}

// lazyFile opens with its first read: most files are taken and never read.
type lazyFile struct {
	dir  *os.Root
	name string
	f    *os.File
}

// Read implements io.Reader.
func (l *lazyFile) Read(p []byte) (int, error) {
	if l.f == nil {
		var err error
		if l.f, err = l.dir.Open(l.name); err != nil {
			return 0, err
		}
	}
	return l.f.Read(p)
}

func (l *lazyFile) close() {
	if l.f != nil {
		l.f.Close()
	}
}
