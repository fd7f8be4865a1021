package apps

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/d2d"
	"github.com/ferry-move/ferry/mobile/android/domain"
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
	if err := t.dropTemps(ctx, e.pkg); err != nil {
		return failed(backup.Fail("restore", Kind, writeReason(err), err))
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
	if w.form == android.RestoreKeyValue && !arr.same {
		if err := t.emptyRecords(e.pkg); err != nil {
			return failed(backup.Fail("restore", Kind, writeReason(err), err))
		}
	}
	if t.identical(e.pkg) && t.sameSize(e.pkg, w) { // nobody had noted that it is here
		t.clear(path.Join(arrivingDir, e.pkg))
		return backup.Result{Outcome: backup.Skipped}
	}
	if err := t.restore(ctx, e.pkg, w.form, arr); err != nil {
		if ctx.Err() == nil {
			t.returnRecords(e.pkg)
			t.clear(path.Join(restoringDir, e.pkg))
		}
		return failed(err)
	}
	return backup.Result{Outcome: backup.Added}
}

// dropTemps removes the temporary files of runs that were killed: what arrived
// of the app is whole, and none of them is part of it.
func (t *target) dropTemps(ctx context.Context, pkg string) error {
	r, ok := t.inner.(closing).Restore.(backup.TempRemover)
	if !ok {
		return nil
	}
	return fs.WalkDir(t.apps.FS(), path.Join(arrivingDir, pkg), func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // an app without any part
			return nil
		}
		if err != nil || !strings.HasPrefix(d.Name(), ".") || !d.Type().IsRegular() {
			return err
		}
		err = r.RemoveTemp(ctx, name[len(arrivingDir)+1:])
		if backup.ReasonOf(err) == backup.BadName { // a file of the app's
			return nil
		}
		return err
	})
}

// emptyRecords stands in for the records of an app that has none, of which
// therefore nothing arrived.
func (t *target) emptyRecords(pkg string) error {
	name := path.Join(arrivingDir, recordsPath(pkg))
	if err := t.apps.MkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	if _, err := t.apps.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	here, err := t.apps.Lstat(recordsPath(pkg))
	if err == nil && here.Mode().IsRegular() && here.Size() == 0 && t.link(recordsPath(pkg), name) {
		return nil
	}
	f, err := t.apps.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// keep says that what has arrived of an app is for the next run.
func (t *target) keep(pkg string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, pkg)
}

func (t *target) clear(name string) error { return t.apps.RemoveAll(name) }

// restore makes the app anew from what has arrived, and gives it its name.
// Records were checked one by one as they came, and an agent would write the file
// that they are in: where none of them is to be left out it stays as it is.
func (t *target) restore(ctx context.Context, pkg string, form android.RestoreType, arr *arrival) error {
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
	asIs := form == android.RestoreKeyValue && !arr.same && !arr.system && t.takeRecords(pkg)
	if form != android.RestoreNone && !asIs {
		if err := t.run(ctx, &arrivedApp{came, form, arriving, arr.dirs}); err != nil {
			return err
		}
	}
	if form == android.RestoreKeyValue && !asIs {
		if err := t.sameTime(path.Join(arrivingDir, recordsPath(pkg)), path.Join(restoringDir, recordsPath(pkg))); err != nil {
			return backup.Fail("restore", Kind, writeReason(err), err)
		}
	}
	if err := t.moveRest(pkg, form); err != nil {
		return backup.Fail("restore", Kind, writeReason(err), err)
	}
	t.folderTimes(pkg, arr.dirs)
	if err := syncAll(t.apps); err != nil {
		return backup.Fail("restore", Kind, writeReason(err), err)
	}
	if err := t.name(pkg); err != nil {
		return backup.Fail("restore", Kind, writeReason(err), err)
	}
	t.clear(path.Join(arrivingDir, pkg)) // costs a later run time, no more
	return nil
}

// folderTimes gives the folders that no agent restored their times. One that
// cannot have it is no reason to lose the app.
func (t *target) folderTimes(pkg string, dirs map[string]time.Time) {
	names := slices.Sorted(maps.Keys(dirs))
	slices.Reverse(names) // what lies deeper first
	for _, name := range names {
		if when := dirs[name]; !when.IsZero() && fs.ValidPath(name) {
			t.apps.Chtimes(path.Join(restoringDir, name), when, when)
		}
	}
}

// sameTime gives one file another's time, and an empty one its place.
func (t *target) sameTime(from, to string) error {
	fi, err := t.apps.Lstat(from)
	if err != nil {
		return err
	}
	if _, err := t.apps.Lstat(to); errors.Is(err, fs.ErrNotExist) && fi.Size() == 0 { // of no records an agent writes nothing
		if err := t.apps.MkdirAll(path.Dir(to), 0o700); err != nil {
			return err
		}
		return t.apps.Rename(from, to)
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
func (t *target) run(ctx context.Context, a *arrivedApp) error {
	came := a.app
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
		Transport: d2d.New(d2d.Options{Source: a, Quota: android.NoQuota}),
	})
	if err != nil {
		return backup.Fail("restore", Kind, writeReason(err), err)
	}
	defer m.Close(context.WithoutCancel(ctx))
	if err := m.Register(came.restored(into, a.form)); err != nil {
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
