package fullagent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/appdir"
	"github.com/ferry-move/ferry/mobile/android/domain"
	"github.com/ferry-move/ferry/mobile/android/rules"
	"github.com/ferry-move/ferry/mobile/backup"
)

// chunk is how many names are read from a folder at once.
const chunk = 1024

// walk is one call of FullBackup.
type walk struct {
	*Agent
	out    android.FullOutput
	scheme *rules.Scheme // nil = everything
}

// FullBackup implements [android.FullBackuper].
func (a *Agent) FullBackup(ctx context.Context, out android.FullOutput) error {
	w := &walk{Agent: a, out: out}
	if a.opts.Backup != nil {
		flags := out.TransportFlags()
		w.scheme = a.opts.Backup(rules.Query{Destination: rules.DestinationOf(flags), Flags: flags, IsDir: a.isDir})
	}
	for _, t := range order() {
		if err := w.domain(ctx, t); err != nil {
			return fmt.Errorf("full backup: %w", err)
		}
	}
	if err := w.strangers(ctx); err != nil {
		return fmt.Errorf("full backup: %w", err)
	}
	return nil
}

// domain walks one domain.
func (w *walk) domain(ctx context.Context, t domain.Token) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	info, err := w.root.Lstat(string(t))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return w.unread(t, "", appdir.ReadError("look at", err))
	case !info.IsDir():
		w.leaveOut(t, "", backup.NotRegular)
		return nil
	case w.scheme != nil && !w.scheme.Descend(t, ""):
		w.leaveOut(t, "", ErrRules)
		return nil
	}
	top, _, err := appdir.Enter(w.root, string(t))
	if err != nil {
		return w.unread(t, "", err)
	}
	defer top.Close()
	for todo := []string{""}; len(todo) > 0; {
		path := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		dirs, err := w.folder(ctx, top, t, path)
		if err != nil {
			return err
		}
		slices.Reverse(dirs)
		for _, d := range dirs {
			todo = append(todo, join(path, d))
		}
	}
	return nil
}

// folder gives out a folder and its files, and returns the folders in it.
func (w *walk) folder(ctx context.Context, top *os.Root, t domain.Token, path string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	at := path
	if path == "" {
		at = "."
	} else if !w.enters(t, path) {
		return nil, nil
	}
	dir, info, err := appdir.Enter(top, at)
	if errors.Is(err, backup.Vanished) {
		return nil, nil // since its name was read
	}
	if err != nil {
		return nil, w.unread(t, path, err)
	}
	defer dir.Close()
	if path != "" && w.moves(t, path) {
		if err := w.out.File(ctx, android.SourceFile{FileInfo: fileInfo(t, path, info), UID: uid(info), GID: gid(info)}); err != nil {
			return nil, err
		}
	}
	files, dirs, err := list(ctx, dir)
	if cerr := ctx.Err(); cerr != nil {
		return nil, cerr
	}
	if err != nil { // what could be read of it still goes on
		if err := w.unread(t, path, appdir.ReadError("list", err)); err != nil {
			return nil, err
		}
	}
	for _, name := range files {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := w.file(ctx, dir, t, join(path, name), name); err != nil {
			return nil, err
		}
	}
	return dirs, nil
}

// enters reports whether anything in a folder may move.
func (w *walk) enters(t domain.Token, path string) bool {
	switch {
	case domain.NeverBackedUp(t, path):
		w.leaveOut(t, path, ErrNever)
	case w.scheme != nil && !w.scheme.Descend(t, path):
		w.leaveOut(t, path, ErrRules)
	default:
		return true
	}
	return false
}

func (w *walk) moves(t domain.Token, path string) bool {
	return !domain.NeverBackedUp(t, path) && (w.scheme == nil || w.scheme.Backup(t, path))
}

// file gives out what is no folder, if it is a file.
func (w *walk) file(ctx context.Context, dir *os.Root, t domain.Token, path, name string) error {
	if !w.moves(t, path) {
		reason := ErrRules
		if domain.NeverBackedUp(t, path) {
			reason = ErrNever
		}
		w.leaveOut(t, path, reason)
		return nil
	}
	info, err := dir.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && info.IsDir():
		return nil // since its name was read
	case err != nil:
		return w.unread(t, path, appdir.ReadError("look at", err))
	case !info.Mode().IsRegular():
		w.leaveOut(t, path, backup.NotRegular)
		return nil
	}
	size, mtime := info.Size(), info.ModTime()
	return w.out.File(ctx, android.SourceFile{
		FileInfo: fileInfo(t, path, info),
		UID:      uid(info),
		GID:      gid(info),
		Open: func(ctx context.Context, offset int64) (io.ReadCloser, error) {
			return openContent(ctx, w.root, join(string(t), path), offset, size, mtime)
		},
	})
}

// unread ends the pass for what cannot be read, unless somebody is told of it.
func (w *walk) unread(t domain.Token, path string, err error) error {
	if w.opts.LeftOut == nil {
		return err
	}
	w.leaveOut(t, path, err)
	return nil
}

// strangers tells of folders at the top that belong to no domain, such as those
// of another maker's phone.
func (w *walk) strangers(ctx context.Context) error {
	if w.opts.LeftOut == nil {
		return nil
	}
	_, dirs, err := list(ctx, w.root)
	if err != nil {
		return appdir.ReadError("list", err)
	}
	for _, d := range dirs {
		if t := domain.Token(d); !t.Known() && d != "shared" {
			w.leaveOut(t, "", domain.ErrUnknown)
		}
	}
	return nil
}

// list returns the names in a folder, sorted: what is no folder, and folders.
// With an error come the names that were read before it.
func list(ctx context.Context, dir *os.Root) (files, dirs []string, err error) {
	d, err := dir.Open(".")
	if err != nil {
		return nil, nil, err
	}
	defer d.Close()
	for ctx.Err() == nil && err == nil {
		var some []fs.DirEntry
		some, err = d.ReadDir(chunk)
		for _, e := range some {
			if e.IsDir() {
				dirs = append(dirs, e.Name())
			} else {
				files = append(files, e.Name())
			}
		}
	}
	slices.Sort(files)
	slices.Sort(dirs)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return files, dirs, err
}

// The bits of st_mode above the permissions.
const (
	setUID = 0o4000
	setGID = 0o2000
	sticky = 0o1000
)

func fileInfo(t domain.Token, path string, info fs.FileInfo) android.FileInfo {
	f := android.FileInfo{Domain: string(t), Path: path, Type: backup.TypeFile, ModTime: info.ModTime()}
	if info.IsDir() {
		f.Type = backup.TypeDirectory
	} else {
		f.Size = info.Size()
	}
	m := info.Mode()
	f.Mode = uint32(m.Perm())
	if m&fs.ModeSetuid != 0 {
		f.Mode |= setUID
	}
	if m&fs.ModeSetgid != 0 {
		f.Mode |= setGID
	}
	if m&fs.ModeSticky != 0 {
		f.Mode |= sticky
	}
	return f
}
