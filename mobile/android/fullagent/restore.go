package fullagent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/appdir"
	"github.com/ferry-move/ferry/mobile/android/domain"
	"github.com/ferry-move/ferry/mobile/android/rules"
	"github.com/ferry-move/ferry/mobile/backup"
)

// folder is one that was entered to write into it.
type folder struct {
	path  string // below the root, the domain's folder included
	now   fs.FileMode
	perm  fs.FileMode // what it gets in the end
	mtime time.Time   // the zero time = none in particular
}

// RestoreFile implements [android.FileRestorer]. What belongs elsewhere, what
// the rules leave out, caches and no_backup are passed over without an error; a
// name that leads out of its domain is an error, and so is everything that
// could not be written. A path below r that is another domain's goes there, as
// it does on Android, where both are the same folder.
func (a *Agent) RestoreFile(ctx context.Context, f android.RestoredFile) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("restore a file: %w", err)
	}
	t, p, err := a.place(f.FileInfo)
	if err == nil && t != "" {
		if f.Type == backup.TypeDirectory {
			err = a.restoreFolder(t, p, f.FileInfo)
		} else {
			err = a.restoreFile(ctx, t, p, f)
		}
	}
	if err != nil {
		return fmt.Errorf("restore a file: %w", err)
	}
	return nil
}

// place decides where a file goes: a domain of "" = nowhere.
func (a *Agent) place(f android.FileInfo) (domain.Token, string, error) {
	t, p := domain.Token(f.Domain), f.Path
	err := domain.CheckRestore(t, p)
	switch {
	case err == nil && takes(t), errors.Is(err, domain.ErrDots):
	case err == nil: // a place that is no folder of the app's
		a.leaveOut(t, p, domain.ErrUnknown)
		return "", "", nil
	case errors.Is(err, domain.ErrUnknown), errors.Is(err, domain.ErrNotRestored):
		a.leaveOut(t, p, err)
		return "", "", nil
	default:
		return "", "", appdir.Fail("check", backup.BadName, err)
	}
	if !takes(t) {
		a.leaveOut(t, p, domain.ErrUnknown)
		return "", "", nil
	}
	switch own, rest := domain.Canonical(t, p); own.Credential() {
	case domain.NoBackup:
		a.leaveOut(t, p, domain.ErrNotRestored)
		return "", "", nil
	case domain.Cache: // Android restores what it finds there
	default:
		t, p = own, rest
	}
	if p == "" && f.Type != backup.TypeDirectory || f.Size < 0 {
		return "", "", appdir.Fail("check", backup.BadName, nil)
	}
	if err := appdir.Check(join(string(t), p)); err != nil {
		return "", "", err
	}
	if f.Type != backup.TypeFile && f.Type != backup.TypeDirectory {
		return "", "", appdir.Fail("check", backup.Unsupported, nil)
	}
	if !a.picked && a.opts.Restore != nil {
		a.scheme = a.opts.Restore(rules.Query{IsDir: a.isDir})
	}
	a.picked = true
	if a.scheme != nil && !a.scheme.Restore(t, p) {
		a.leaveOut(t, p, ErrRules)
		return "", "", nil
	}
	return t, p, nil
}

func (a *Agent) restoreFolder(t domain.Token, p string, f android.FileInfo) error {
	if err := a.enter(join(string(t), p)); err != nil {
		return err
	}
	if p == "" {
		return nil // the domain's folder is not the archive's to change
	}
	d := &a.open[len(a.open)-1]
	if t != domain.External && f.Perm() != 0 {
		d.perm = f.Perm()
	}
	d.mtime = f.ModTime
	return nil
}

func (a *Agent) restoreFile(ctx context.Context, t domain.Token, p string, f android.RestoredFile) (err error) {
	name := join(string(t), p)
	if err := a.enter(path.Dir(name)); err != nil {
		return err
	}
	temp, err := a.fetch(ctx, f)
	if err != nil {
		return err
	}
	attr := appdir.Attr{Perm: f.Perm(), ModTime: f.ModTime, NoSync: a.opts.NoSync}
	if t == domain.External {
		attr.Perm = 0
	}
	return temp.Commit(name, attr)
}

// fetch brings a file's content into a temporary file.
func (a *Agent) fetch(ctx context.Context, f android.RestoredFile) (_ *appdir.Temp, err error) {
	if f.Take != nil {
		t, err := appdir.Adopt(a.root, f.Size, f.Take)
		if err == nil || !errors.Is(err, fs.ErrInvalid) {
			return t, err
		}
	}
	t, err := appdir.Create(a.root)
	if err != nil {
		return nil, err
	}
	if err := a.copy(ctx, t, f.Data, f.Size); err != nil {
		return nil, errors.Join(err, t.Discard())
	}
	return t, nil
}

// copy copies exactly n bytes.
func (a *Agent) copy(ctx context.Context, w io.Writer, r io.Reader, n int64) error {
	if a.buf == nil {
		a.buf = make([]byte, 128<<10)
	}
	for n > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		k, err := r.Read(a.buf[:min(n, int64(len(a.buf)))])
		if _, werr := w.Write(a.buf[:k]); werr != nil {
			return werr
		}
		n -= int64(k)
		switch {
		case n == 0: // whatever came with the last byte
		case err == io.EOF:
			return appdir.Fail("restore", backup.Damaged, io.ErrUnexpectedEOF)
		case err != nil:
			return err
		}
	}
	return nil
}

// enter makes a folder, and those around it, ready to be written into, and
// leaves the others.
func (a *Agent) enter(dir string) error {
	for n := len(a.open); n > 0; n-- {
		if up := a.open[n-1].path; dir == up || strings.HasPrefix(dir, up+"/") {
			break
		}
		if err := a.leave(); err != nil {
			return err
		}
	}
	for at := a.here(); at != dir; at = a.here() {
		rest := dir
		if at != "" {
			rest = dir[len(at)+1:]
		}
		name, _, _ := strings.Cut(rest, "/")
		if err := a.step(join(at, name)); err != nil {
			return err
		}
	}
	return nil
}

// here is the path of the innermost folder that is open.
func (a *Agent) here() string {
	if len(a.open) == 0 {
		return ""
	}
	return a.open[len(a.open)-1].path
}

// step enters one more folder, which is made if it is not there. One that is
// there keeps its time and its mode unless the archive brings its own.
func (a *Agent) step(dir string) error {
	info, err := a.root.Lstat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if err := a.root.Mkdir(dir, 0o700); err != nil {
			return appdir.WriteError("make a folder", err)
		}
		a.open = append(a.open, folder{path: dir, now: 0o700, perm: 0o700})
		return nil
	}
	if err != nil {
		return appdir.WriteError("look at a folder", err)
	}
	if !info.IsDir() { // a link most of all
		return appdir.Fail("enter", backup.NotRegular, nil)
	}
	d := folder{path: dir, now: info.Mode().Perm(), perm: info.Mode().Perm(), mtime: info.ModTime()}
	if d.now&0o700 != 0o700 {
		d.now |= 0o700
		if err := a.root.Chmod(dir, d.now); err != nil {
			return appdir.WriteError("open a folder", err)
		}
	}
	a.open = append(a.open, d)
	return nil
}

// leave gives the innermost folder its time and its mode, and makes the names
// in it durable.
func (a *Agent) leave() error {
	d := a.open[len(a.open)-1]
	a.open = a.open[:len(a.open)-1]
	f, err := a.root.Open(d.path)
	if err != nil {
		return appdir.WriteError("close a folder", err)
	}
	err = syncFolder(f)
	if err == nil && d.now != d.perm {
		err = a.root.Chmod(d.path, d.perm)
	}
	if err == nil && !d.mtime.IsZero() {
		err = a.root.Chtimes(d.path, time.Time{}, d.mtime)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return appdir.WriteError("close a folder", err)
	}
	return nil
}

// RestoreFinished implements [android.RestoreFinisher].
func (a *Agent) RestoreFinished(context.Context) error {
	for len(a.open) > 0 {
		if err := a.leave(); err != nil {
			return fmt.Errorf("finish a restore: %w", err)
		}
	}
	a.forget()
	return nil
}

// forget drops what is known of the restore under way.
func (a *Agent) forget() { a.open, a.scheme, a.picked = nil, nil, false }
