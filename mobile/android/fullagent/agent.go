package fullagent

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/appdir"
	"github.com/ferry-move/ferry/mobile/android/domain"
	"github.com/ferry-move/ferry/mobile/android/rules"
)

var (
	// ErrRules says that the app's rules leave something out.
	ErrRules = errors.New("the app's rules leave it out")
	// ErrNever says that a folder is never backed up: caches, no_backup and
	// native code.
	ErrNever = errors.New("this folder is never backed up")
)

// LeftOut is something that does not move.
type LeftOut struct {
	Domain domain.Token
	// Path stands for all that is in it if it is a folder. "" is the domain.
	Path string
	// Err says why: [ErrRules], [ErrNever], [domain.ErrNotRestored],
	// [domain.ErrUnknown], or a backup.Reason: NotRegular, or whatever kept a
	// folder from being read.
	Err error
}

// Options say how an [Agent] works. The zero value moves everything.
type Options struct {
	// Backup picks the rules of a pass: rules.Select with the app, and with a
	// query that says what the agent knows. It runs twice in a pass, as
	// FullBackup does. nil = everything is backed up.
	Backup func(q rules.Query) *rules.Scheme
	// Restore picks the rules of a restore. The query's destination is not set.
	// nil = everything is restored.
	Restore func(q rules.Query) *rules.Scheme
	// LeftOut hears of what does not move. nil = nobody does, and a folder that
	// cannot be read fails the pass.
	LeftOut func(l LeftOut)
	// NoSync leaves it to the caller to force what is restored to the disk.
	NoSync bool
}

// Agent is an [android.Agent] without key/value data. It implements all of the
// optional interfaces that full backup has.
type Agent struct {
	root *os.Root
	opts Options

	// Owned by the restore under way.
	scheme *rules.Scheme // nil before the first file, and without rules
	picked bool
	open   []folder // each in the one before
	buf    []byte
}

var (
	_ android.Agent           = (*Agent)(nil)
	_ android.FullBackuper    = (*Agent)(nil)
	_ android.FileRestorer    = (*Agent)(nil)
	_ android.RestoreFinisher = (*Agent)(nil)
	_ android.Cleaner         = (*Agent)(nil)
)

// New returns the agent of the app whose folder is root. The agent does not
// close it; files of a backup are read through it as long as they are open.
func New(root *os.Root, o Options) *Agent { return &Agent{root: root, opts: o} }

// Backup implements [android.Agent]: there is no key/value data.
func (a *Agent) Backup(context.Context, android.BackupRequest) error { return nil }

// Restore implements [android.Agent]: there is no key/value data.
func (a *Agent) Restore(context.Context, android.RestoreRequest) error { return nil }

// order is the order in which the domains are backed up.
func order() []domain.Token { return append(domain.Order(), domain.OBB) }

// all are the domains that have a folder here.
func all() []domain.Token {
	return append(order(), domain.Cache, domain.DeviceCache, domain.NoBackup, domain.DeviceNoBackup)
}

// leaveOut tells what does not move.
func (a *Agent) leaveOut(t domain.Token, path string, err error) {
	if a.opts.LeftOut != nil {
		a.opts.LeftOut(LeftOut{Domain: t, Path: path, Err: err})
	}
}

// isDir reports whether a folder of the app is there.
func (a *Agent) isDir(t domain.Token, path string) bool {
	info, err := a.root.Lstat(join(string(t), path))
	return err == nil && info.IsDir()
}

func join(dir, name string) string {
	switch {
	case dir == "":
		return name
	case name == "":
		return dir
	}
	return dir + "/" + name
}

// Clear implements [android.Cleaner]: it removes what is in the domains, caches
// and no_backup included.
func (a *Agent) Clear(ctx context.Context) error {
	a.forget()
	for _, t := range all() {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := a.root.RemoveAll(string(t))
		if errors.Is(err, fs.ErrPermission) {
			a.unlock(ctx, string(t))
			err = a.root.RemoveAll(string(t))
		}
		if err != nil {
			return appdir.WriteError("clear", err)
		}
	}
	return appdir.Sweep(a.root)
}

// unlock makes folders writable. What it cannot do, RemoveAll will tell.
func (a *Agent) unlock(ctx context.Context, top string) {
	for todo := []string{top}; len(todo) > 0 && ctx.Err() == nil; {
		dir := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if info, err := a.root.Lstat(dir); err != nil || !info.IsDir() || a.root.Chmod(dir, 0o700) != nil {
			continue
		}
		sub, _, err := appdir.Enter(a.root, dir)
		if err != nil {
			continue
		}
		_, dirs, _ := list(ctx, sub)
		_ = sub.Close() // it was only listed
		for _, d := range dirs {
			todo = append(todo, join(dir, d))
		}
	}
}

// takes reports whether a domain has a folder here that is restored into.
func takes(t domain.Token) bool { return slices.Contains(order(), t) }
