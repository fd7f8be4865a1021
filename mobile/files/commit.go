package files

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/ferry-move/ferry/mobile/backup"
)

// defaultPerm is the mode of a file whose own is unknown.
const defaultPerm fs.FileMode = 0o644

// forgetFrom is the size in bytes from which a file that is on the disk is not
// kept in memory too.
const forgetFrom = 256 << 10

// landing is one item of a batch on its way to its name.
type landing struct {
	file    *stagedFile // or nil
	folder  *stagedDir  // or nil
	outcome backup.Outcome
	key     string // where it is now
	stamp   int64  // its time there, as [backup.Result] has it
	in      *dir   // the folder that holds it, to be released; nil = none
	err     error
}

// Commit implements backup.Restore.
//
//	staged ─ mode, time ─ content on disk ─ named ─ names on disk ─ Added
//
// Files lose every permission but reading and writing. A file that finds its
// very content under one of its names is Skipped. Once ctx is done no more
// names are given; what has one is still forced to the disk.
func (w *writer) Commit(ctx context.Context, batch []backup.Staged) []backup.Result {
	w.life.RLock()
	defer w.life.RUnlock()
	all := make([]landing, len(batch))
	for i, s := range batch {
		all[i] = w.land(s)
	}
	w.syncContents(ctx, all)
	w.name(ctx, all)
	w.syncNames(all)
	results := make([]backup.Result, len(batch))
	for i := range all {
		results[i] = w.settle(&all[i])
	}
	return results
}

// land takes a staged item over and gives its file mode and time.
func (w *writer) land(s backup.Staged) landing {
	switch s := s.(type) {
	case *stagedFile:
		if s.w != w || !s.take() {
			return landing{err: fs.ErrClosed}
		}
		s.mu.Lock()
		done := s.landed
		s.mu.Unlock()
		if done != nil { // only the disk does not know its name yet
			return landing{file: s, key: done.key, outcome: done.outcome, stamp: done.stamp}
		}
		return landing{file: s, err: s.dress()}
	case *stagedDir:
		if s.w == w && !w.closed {
			return landing{folder: s}
		}
	}
	return landing{err: fs.ErrClosed}
}

// dress sets mode and time by the open file, unless the disk has lost some of it. A file system that cannot keep
// them does not lose the file.
func (s *stagedFile) dress() error {
	if err := s.takeLost(); err != nil {
		return err
	}
	info, err := s.f.Stat()
	if err != nil {
		return err
	}
	if info.Size() != s.item.Size {
		return backup.Damaged // a part was never written
	}
	perm := s.item.Mode.Perm()
	if perm == 0 {
		perm = defaultPerm
	}
	if err := s.f.Chmod(perm&0o666 | 0o400); err != nil && !unsettable(err) {
		return err
	}
	return setTime(s.dir, s.f, s.temp, s.item.ModTime)
}

// name makes the items visible, in the order of the batch.
func (w *writer) name(ctx context.Context, all []landing) {
	n := namer{w: w, open: make(map[string]*dir)}
	defer n.close()
	for i := range all {
		l := &all[i]
		if l.err == nil {
			l.err = ctx.Err()
		}
		switch {
		case l.err != nil:
		case l.folder != nil:
			l.err = n.folder(l)
		case l.key != "":
			l.err = n.again(l)
		default:
			l.err = n.file(ctx, l)
		}
	}
}

// namer gives the items of one batch their names. Each folder is looked at
// once in a batch to see that it is still in its place.
type namer struct {
	w    *writer
	open map[string]*dir // by path
}

func (n *namer) close() {
	for _, d := range n.open {
		n.w.dst.release(d)
	}
}

// at returns the folder of that path, made if it is missing. It stays open
// until n is closed.
func (n *namer) at(path string) (*dir, error) {
	if d := n.open[path]; d != nil {
		return d, nil
	}
	t := n.w.dst
	d, err := t.open(path, true)
	if err == nil && t.inPlace(d) != nil { // it was open already and is elsewhere by now
		t.release(d)
		t.empty()
		d, err = t.open(path, true)
	}
	if err != nil {
		return nil, err
	}
	n.open[path] = d
	return d, nil
}

func (n *namer) folder(l *landing) error {
	d, err := n.at(l.folder.path)
	if err != nil {
		return err
	}
	n.w.dst.retain(d)
	l.key, l.in, l.outcome = d.key, d, backup.Skipped
	if n.w.dst.describe(d.key, l.folder.item) {
		l.outcome = backup.Added
	}
	return nil
}

// file gives a file the first free name of its series, in the first form that
// the file system takes.
func (n *namer) file(ctx context.Context, l *landing) error {
	d, err := n.at(l.file.path)
	if err != nil {
		return err
	}
	for _, f := range forms(l.file.base, n.w.opts.Profile) {
		if err = n.form(ctx, l, d, f); err == nil || !nameRefused(err) {
			break
		}
	}
	return err
}

func (n *namer) form(ctx context.Context, l *landing, d *dir, f form) error {
	s, t := l.file, n.w.dst
	for i := range maxBesideFile + 1 {
		name := numbered(f.name, i, f.limit)
		key := joinKey(d.key, name)
		if len(key) > backup.MaxKey {
			return backup.BadName
		}
		if t.isClaimed(d, name) {
			continue
		}
		err := t.moveNew(s.dir, s.temp, d, name)
		if err == nil {
			t.retain(d)
			l.key, l.in, l.outcome = key, d, backup.Added
			t.changed(d)
			t.changed(s.dir)
			l.stamp, err = s.arrived(d, name)
			return err
		}
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
		same, stamp, err := s.sameAs(ctx, d, name)
		if err != nil {
			return err
		}
		if same {
			t.retain(d)
			l.key, l.in, l.outcome, l.stamp = key, d, backup.Skipped, stamp
			return nil
		}
	}
	return fmt.Errorf("%w: %w", backup.Unwritable, errSeries)
}

// arrived looks once more at what now has the name: had somebody put another
// file in the temporary one's place, that would have been renamed. It returns
// the time that the file system gave it.
func (s *stagedFile) arrived(d *dir, name string) (stamp int64, err error) {
	info, err := d.root.Lstat(name)
	if err != nil {
		return 0, err
	}
	if !info.Mode().IsRegular() || info.Size() != s.item.Size {
		return 0, backup.Damaged
	}
	return stampOf(info, s.item), nil
}

// stampOf returns a file's time as [backup.Result] has it.
func stampOf(info fs.FileInfo, it backup.Item) int64 {
	if it.ModTime.IsZero() || info.ModTime().Equal(it.ModTime) {
		return 0
	}
	return info.ModTime().UnixNano()
}

// sameAs reports whether the file of that name in d holds what s holds, and
// since when. It only fails when ctx is done or s cannot be read.
func (s *stagedFile) sameAs(ctx context.Context, d *dir, name string) (same bool, stamp int64, err error) {
	f, info, err := openRegular(d, name, os.O_RDONLY)
	if err != nil || info.Size() != s.item.Size {
		if err == nil {
			f.Close()
		}
		return false, 0, nil // not known to be the same
	}
	defer f.Close()
	size := min(s.item.Size, hashBuffer)
	mine, theirs := make([]byte, size), make([]byte, size)
	for off := int64(0); off < s.item.Size; off += size {
		if err := ctx.Err(); err != nil {
			return false, 0, err
		}
		n := min(size, s.item.Size-off)
		if _, err := s.f.ReadAt(mine[:n], off); err != nil && !errors.Is(err, io.EOF) {
			return false, 0, err
		}
		if m, _ := f.ReadAt(theirs[:n], off); int64(m) != n || !bytes.Equal(mine[:n], theirs[:n]) {
			return false, 0, nil
		}
	}
	// Whoever wrote it may not have waited for the disk.
	_ = f.Sync()
	return true, stampOf(info, s.item), nil
}

// settle ends a landing: it lets go of everything and makes the result.
func (w *writer) settle(l *landing) backup.Result {
	if l.in != nil {
		w.dst.release(l.in)
	}
	var it backup.Item
	switch {
	case l.folder != nil:
		it = l.folder.item
	case l.file != nil && l.err != nil && fullDisk(l.err):
		it = l.file.item
		l.file.giveBack(l)
	case l.file != nil && l.outcome == backup.Added:
		it = l.file.item
		if it.Size >= forgetFrom {
			forget(l.file.f)
		}
		l.file.letGo()
	case l.file != nil:
		it = l.file.item
		_ = l.file.remove() // what became of the item does not depend on it
	}
	if l.err != nil {
		return backup.Result{Outcome: backup.Failed, Err: w.kind.failWrite("commit", l.err)}
	}
	return backup.Result{Outcome: l.outcome, Name: renamed(it, l.key), Stamp: l.stamp}
}
