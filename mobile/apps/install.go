package apps

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/d2d"
	"github.com/ferry-move/ferry/mobile/android/domain"
	"github.com/ferry-move/ferry/mobile/android/entity"
	"github.com/ferry-move/ferry/mobile/android/fullbackup"
	"github.com/ferry-move/ferry/mobile/android/manager"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/syncfs"
)

// whole restores an app of which everything has arrived. Of one that fails the
// parts stay, so that the next run need not bring them again.
func (t *target) whole(ctx context.Context, e *stagedEntity) backup.Result {
	r := t.complete(ctx, e)
	if r.Outcome == backup.Failed {
		t.keep(e.pkg)
	}
	return r
}

func (t *target) complete(ctx context.Context, e *stagedEntity) backup.Result {
	w, ok := parseWhole(e.value)
	if !ok {
		return failed(backup.Fail("restore", Kind, backup.Malformed, nil))
	}
	arr := t.arrival(e.pkg)
	t.mu.Lock()
	delete(t.apk, e.pkg)
	t.mu.Unlock()
	if err := t.end(e.pkg, arr, true); err != nil {
		return failed(backup.Fail("restore", Kind, writeReason(err), err))
	}
	if arr.items != w.items {
		return failed(backup.Fail("restore", Kind, backup.Incomplete, fmt.Errorf("%d of %d parts are here", arr.items, w.items)))
	}
	if arr.news == 0 && t.sameSize(e.pkg, w) {
		return backup.Result{Outcome: backup.Skipped}
	}
	if arr.same { // its records are those that are here
		from, to := recordsPath(e.pkg), path.Join(arrivingDir, recordsPath(e.pkg))
		if err := t.apps.MkdirAll(path.Dir(to), 0o700); err != nil {
			return failed(backup.Fail("restore", Kind, writeReason(err), err))
		}
		if !t.link(from, to) {
			return failed(backup.Fail("restore", Kind, backup.Unwritable, errors.New("its records cannot be kept")))
		}
	}
	if t.identical(e.pkg) && t.sameSize(e.pkg, w) { // nobody had noted that it is here
		t.clear(path.Join(arrivingDir, e.pkg))
		return backup.Result{Outcome: backup.Skipped}
	}
	if err := t.restore(ctx, e.pkg, w.form); err != nil {
		if ctx.Err() == nil {
			t.clear(path.Join(restoringDir, e.pkg))
		}
		return failed(err)
	}
	return backup.Result{Outcome: backup.Added}
}

// sameSize reports whether the app that is here has as many parts as came.
// Every part that came is in it.
func (t *target) sameSize(pkg string, w wholeValue) bool {
	n := int64(0)
	err := fs.WalkDir(t.apps.FS(), pkg, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch {
		case name == pkg, d.IsDir() && path.Dir(name) == pkg && agentsFolder(w.form, path.Base(name)):
			// No archive has an entry for a domain's own folder.
		case w.form == android.RestoreKeyValue && name == recordsPath(pkg):
		default:
			n++
		}
		return nil
	})
	if err != nil {
		return false
	}
	if w.form == android.RestoreKeyValue {
		c, err := countRecords(t.apps, recordsPath(pkg))
		if err != nil {
			return false
		}
		n += c
	}
	return n == w.items
}

// agentsFolder reports whether the folder of that name is filled by an app's
// agent.
func agentsFolder(form android.RestoreType, name string) bool {
	t := domain.Token(name)
	return form != android.RestoreNone && (t == domain.OBB || slices.Contains(domain.Order(), t))
}

// identical reports whether everything that has arrived of an app is in the app
// that is here, content and time.
func (t *target) identical(pkg string) bool {
	if _, err := t.apps.Lstat(pkg); err != nil {
		return false
	}
	err := fs.WalkDir(t.apps.FS(), path.Join(arrivingDir, pkg), func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		came, err := d.Info()
		if err != nil {
			return err
		}
		own := name[len(arrivingDir)+1:]
		here, err := t.apps.Lstat(own)
		switch {
		case err != nil:
			return err
		case came.IsDir() && here.IsDir(), os.SameFile(came, here):
			return nil
		case !came.Mode().IsRegular(), !here.Mode().IsRegular(), came.Size() != here.Size(), !came.ModTime().Equal(here.ModTime()):
			return errDiffers
		}
		return t.equal(name, own)
	})
	return err == nil
}

var errDiffers = errors.New("it differs")

// equal compares two files of one length.
func (t *target) equal(a, b string) error {
	fa, err := t.apps.Open(a)
	if err != nil {
		return err
	}
	defer fa.Close()
	fb, err := t.apps.Open(b)
	if err != nil {
		return err
	}
	defer fb.Close()
	pa, pb := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, err := io.ReadFull(fa, pa)
		m, err2 := io.ReadFull(fb, pb)
		if n != m || !bytes.Equal(pa[:n], pb[:m]) {
			return errDiffers
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil
		}
		if err := cmp.Or(err, err2); err != nil {
			return err
		}
	}
}

// countRecords counts the records of a stream.
func countRecords(dir *os.Root, name string) (n int64, err error) {
	f, err := dir.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for h, err := range entity.NewReader(f, entity.Limits{}).All() {
		if err != nil {
			return 0, err
		}
		if !h.Deleted {
			n++
		}
	}
	return n, nil
}

// keep says that what has arrived of an app is for the next run.
func (t *target) keep(pkg string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, pkg)
}

func (t *target) clear(name string) error { return t.apps.RemoveAll(name) }

// restore makes the app anew from what has arrived, and gives it its name.
func (t *target) restore(ctx context.Context, pkg string, form android.RestoreType) error {
	arriving, err := t.apps.OpenRoot(arrivingDir)
	if err != nil {
		return backup.Fail("restore", Kind, writeReason(err), err)
	}
	defer arriving.Close()
	came, err := load(arriving, pkg)
	if err != nil {
		return err
	}
	if err := t.admit(came); err != nil {
		return err
	}
	making := path.Join(restoringDir, pkg)
	if err := t.clear(making); err != nil {
		return backup.Fail("restore", Kind, writeReason(err), err)
	}
	if err := t.apps.MkdirAll(making, 0o700); err != nil {
		return backup.Fail("restore", Kind, writeReason(err), err)
	}
	if form != android.RestoreNone {
		if err := t.run(ctx, came, form, arriving); err != nil {
			return err
		}
	}
	if form == android.RestoreKeyValue {
		if err := t.sameTime(path.Join(arrivingDir, recordsPath(pkg)), path.Join(restoringDir, recordsPath(pkg))); err != nil {
			return backup.Fail("restore", Kind, writeReason(err), err)
		}
	}
	if err := t.moveRest(pkg, form); err != nil {
		return backup.Fail("restore", Kind, writeReason(err), err)
	}
	if err := syncAll(t.apps); err != nil {
		return backup.Fail("restore", Kind, writeReason(err), err)
	}
	if err := t.name(pkg); err != nil {
		return backup.Fail("restore", Kind, writeReason(err), err)
	}
	t.clear(path.Join(arrivingDir, pkg)) // costs a later run time, no more
	return nil
}

// sameTime gives one file another's time.
func (t *target) sameTime(from, to string) error {
	fi, err := t.apps.Lstat(from)
	if err != nil {
		return err
	}
	return t.apps.Chtimes(to, fi.ModTime(), fi.ModTime())
}

// admit refuses an app whose name somebody else's has here. A newer version is
// none of its business: the description of the app comes with its data.
func (t *target) admit(came *app) error {
	here, err := load(t.apps, came.Name)
	if err != nil || came.form == android.RestoreNone {
		return nil // none, or none that could be harmed: it is kept
	}
	for _, s := range came.Signatures {
		if !slices.Contains(here.Signatures, s) {
			return backup.Fail("restore", Kind, backup.OtherApp, nil)
		}
	}
	return nil
}

// run has the manager restore the app into apps/.restoring.
func (t *target) run(ctx context.Context, came *app, form android.RestoreType, arriving *os.Root) error {
	state := path.Join(restoringDir, ".state")
	if err := t.clear(state); err != nil {
		return backup.Fail("restore", Kind, writeReason(err), err)
	}
	defer t.clear(state)
	into, err := t.apps.OpenRoot(path.Join(restoringDir, came.Name))
	if err != nil {
		return backup.Fail("restore", Kind, writeReason(err), err)
	}
	defer into.Close()
	m, err := manager.New(manager.Config{
		Dir:       filepath.Join(t.apps.Name(), filepath.FromSlash(state)),
		Transport: d2d.New(d2d.Options{Source: &arrivedApp{came, form, arriving}, Quota: android.NoQuota}),
	})
	if err != nil {
		return backup.Fail("restore", Kind, writeReason(err), err)
	}
	defer m.Close(context.WithoutCancel(ctx))
	if err := m.Register(came.restored(into, form)); err != nil {
		return backup.Fail("restore", Kind, backup.Malformed, err)
	}
	rep, err := m.Restore(ctx, d2d.Token, []string{came.Name})
	if err != nil {
		return restoreFailure(err)
	}
	if pr, ok := rep.Package(came.Name); !ok || !pr.Restored {
		return restoreFailure(pr.Err)
	}
	return nil
}

// restoreFailure gives what the manager says a reason.
func restoreFailure(err error) error {
	switch r := backup.ReasonOf(err); {
	case errors.Is(err, manager.SignatureMismatch), errors.Is(err, manager.FullSignature):
		return backup.Fail("restore", Kind, backup.OtherApp, err)
	case errors.Is(err, manager.NewerData), errors.Is(err, manager.NewerDataNoAPK):
		return backup.Fail("restore", Kind, backup.OlderApp, err)
	case r != backup.Unknown && r != 0:
		return backup.Fail("restore", Kind, r, err)
	}
	return backup.Fail("restore", Kind, backup.AppFailed, err)
}

// moveRest moves what is not the agent's beside what it restored.
func (t *target) moveRest(pkg string, form android.RestoreType) error {
	from, to := path.Join(arrivingDir, pkg), path.Join(restoringDir, pkg)
	top, err := fs.ReadDir(t.apps.FS(), from)
	if err != nil {
		return err
	}
	for _, d := range top {
		if agentsFolder(form, d.Name()) {
			continue
		}
		if form == android.RestoreKeyValue && d.Name() == string(domain.KeyValue) {
			if err := t.moveInto(path.Join(from, d.Name()), path.Join(to, d.Name()), pkg+".data"); err != nil {
				return err
			}
			continue
		}
		if err := t.apps.Rename(path.Join(from, d.Name()), path.Join(to, d.Name())); err != nil {
			return err
		}
	}
	return nil
}

// moveInto moves what lies in one folder into another, but for one file.
func (t *target) moveInto(from, to, but string) error {
	all, err := fs.ReadDir(t.apps.FS(), from)
	if err != nil {
		return err
	}
	if err := t.apps.MkdirAll(to, 0o700); err != nil {
		return err
	}
	for _, d := range all {
		if d.Name() == but {
			continue
		}
		if err := t.apps.Rename(path.Join(from, d.Name()), path.Join(to, d.Name())); err != nil {
			return err
		}
	}
	return nil
}

// name gives the restored app its place. What was there before is kept.
func (t *target) name(pkg string) error {
	if _, err := t.apps.Lstat(pkg); err == nil {
		if err := t.apps.MkdirAll(beforeDir, 0o700); err != nil {
			return err
		}
		old := path.Join(beforeDir, pkg)
		for i := 1; ; i++ {
			if _, err := t.apps.Lstat(old); errors.Is(err, fs.ErrNotExist) {
				break
			}
			old = path.Join(beforeDir, pkg+" ("+strconv.Itoa(i)+")")
		}
		if err := t.apps.Rename(pkg, old); err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := t.apps.Rename(path.Join(restoringDir, pkg), pkg); err != nil {
		return err
	}
	return syncFolder(t.apps)
}

// canSync reports whether a folder's whole file system can be forced to the disk.
func canSync(dir *os.Root) bool {
	f, err := dir.Open(".")
	if err != nil {
		return false
	}
	defer f.Close()
	return syncfs.Supported(f)
}

// syncAll forces everything to the disk where that is possible at once. Where it
// is not, each file was.
func syncAll(dir *os.Root) error {
	f, err := dir.Open(".")
	if err != nil {
		return err
	}
	defer f.Close()
	if err := syncfs.All(f); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

// syncFolder forces the names in a folder to the disk, where it can be done.
func syncFolder(dir *os.Root) error {
	f, err := dir.Open(".")
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrInvalid) && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil
}

// arrivedApp is the source of one app that lies in apps/.arriving.
type arrivedApp struct {
	app  *app
	form android.RestoreType
	dir  *os.Root
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
