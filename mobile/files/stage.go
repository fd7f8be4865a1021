package files

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"strings"
	"sync"

	"github.com/ferry-move/ferry/mobile/backup"
)

// preallocateFrom is the size in bytes from which room is taken on the disk
// before the content arrives.
const preallocateFrom = 1 << 20

// RemoveTemp implements [backup.TempRemover].
func (w *writer) RemoveTemp(ctx context.Context, name string) error {
	if err := w.begin(ctx); err != nil {
		return w.kind.failWrite("clean", err)
	}
	defer w.end()
	above, base := splitKey(name)
	top, _, _ := strings.Cut(name, "/")
	if !isTemp(base) || checkKey(backup.Key(name)) != nil || w.dst.isClaimed(&dir{}, top) {
		return backup.Fail("clean", w.kind.Kind, backup.BadName, nil)
	}
	d, err := w.dst.open(above, false)
	if err == nil {
		defer w.dst.release(d)
		if d.key == above { // or the folder is gone, and something took its place
			err = d.root.Remove(base)
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return w.kind.failWrite("clean", err)
	}
	return nil
}

// Stage implements backup.Restore. For a file it makes a temporary file; the
// folders on its way are made by Commit. A folder whose name is taken by
// something that is none (a file, a link) is made beside it, as "name (1)".
func (w *writer) Stage(ctx context.Context, it backup.Item) (backup.Staged, error) {
	if err := w.begin(ctx); err != nil {
		return nil, w.kind.failWrite("stage", err)
	}
	defer w.end()
	key, err := w.admit(it)
	if err != nil {
		return nil, w.kind.failWrite("stage", err)
	}
	if it.Type == backup.TypeDirectory {
		return &stagedDir{w: w, item: it, path: key}, nil
	}
	s, err := w.stageFile(it, key)
	if err != nil {
		return nil, w.kind.failWrite("stage", err)
	}
	return s, nil
}

func (w *writer) stageFile(it backup.Item, key string) (*stagedFile, error) {
	if !w.space.room(it.Size) {
		return nil, backup.NoSpace
	}
	s := &stagedFile{w: w, item: it, temp: newTemp()}
	s.path, s.base = splitKey(key)
	var err error
	if s.dir, s.f, err = w.createTemp(s.path, s.temp); err != nil {
		return nil, err
	}
	if it.Size >= preallocateFrom {
		if s.reserved, err = preallocate(s.f, 0, it.Size); err != nil {
			s.f.Close()
			s.dir.root.Remove(s.temp)
			w.dst.release(s.dir)
			return nil, err
		}
	}
	if !s.reserved {
		s.unwritten = it.Size
	}
	w.space.stage(it.Size, s.reserved)
	w.mu.Lock()
	w.staged[s] = struct{}{}
	w.mu.Unlock()
	return s, nil
}

// createTemp makes a temporary file in the folder of that path, or, while that
// is missing, in the nearest one above it: no folder is seen before Commit.
func (w *writer) createTemp(path, temp string) (*dir, *os.File, error) {
	for again := false; ; again = true {
		d, err := w.nearest(path)
		if err != nil {
			return nil, nil, err
		}
		w.dst.making(joinKey(d.key, temp))
		f, err := d.root.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			w.dst.changed(d)
			return d, f, nil
		}
		w.dst.release(d)
		if again || !errors.Is(err, fs.ErrNotExist) {
			return nil, nil, err
		}
		w.dst.empty() // the folder was removed while it was open
	}
}

func (w *writer) nearest(path string) (*dir, error) {
	for {
		d, err := w.dst.open(path, false)
		if path == "" || err == nil || !errors.Is(err, fs.ErrNotExist) && !nameRefused(err) {
			return d, err
		}
		path, _ = splitKey(path)
	}
}

func newTemp() string {
	var b [tempDigits / 2]byte
	rand.Read(b[:]) // never fails
	return tempPrefix + hex.EncodeToString(b[:]) + tempSuffix
}

// stagedDir is a folder on its way in; it exists from Commit on.
type stagedDir struct {
	w    *writer
	item backup.Item
	path string
}

// Discard implements backup.Staged.
func (*stagedDir) Discard() error { return nil }

// stagedFile is a file on its way in. It goes from open to settled once, by
// Commit, Discard or Keep.
type stagedFile struct {
	w    *writer
	item backup.Item
	path string // the mapped folder that it is to be in
	base string // the mapped name that it is to have there
	dir  *dir   // where the temporary file is; retained until settled
	temp string
	f    *os.File
	// reserved tells that room was taken on the disk before the content came;
	// immutable.
	reserved bool
	// size is held for reading by whoever writes, and alone by whoever makes
	// the file longer without writing.
	size sync.RWMutex

	mu        sync.Mutex
	settled   bool     // guarded by mu
	named     bool     // its name is on the disk; guarded by mu
	lost      error    // the disk could not keep what was written; guarded by mu
	back      bool     // a Commit found the disk full and gave it back; guarded by mu
	doubtful  bool     // as Uncommitted says; guarded by mu
	landed    *landing // what that Commit had done already: the name is given; guarded by mu
	unwritten int64    // bytes counted in w.space; guarded by mu
}

// TempName implements [backup.TempNamer].
func (s *stagedFile) TempName() string { return joinKey(s.dir.key, s.temp) }

var errBeyond = errors.New("beyond the announced size")

// WriteAt implements io.WriterAt. It refuses what lies outside the item's size.
func (s *stagedFile) WriteAt(p []byte, off int64) (int, error) {
	if off < 0 || off > s.item.Size || int64(len(p)) > s.item.Size-off {
		return 0, backup.Fail("write", s.item.Kind, backup.Malformed, errBeyond)
	}
	n, err := s.write(p, off)
	s.written(int64(n))
	if err != nil {
		return n, s.w.kind.failWrite("write", err)
	}
	return n, nil
}

func (s *stagedFile) written(n int64) {
	s.mu.Lock()
	n = min(n, s.unwritten)
	s.unwritten -= n
	s.mu.Unlock()
	if n > 0 {
		s.w.space.wrote(n)
	}
}

// Discard implements backup.Staged.
func (s *stagedFile) Discard() error {
	if !s.take() {
		return nil
	}
	if err := s.remove(); err != nil {
		return s.w.kind.failWrite("discard", err)
	}
	return nil
}

// take makes the caller the one who settles s, or returns false.
func (s *stagedFile) take() bool {
	s.mu.Lock()
	taken := s.settled
	s.settled, s.back = true, false
	s.mu.Unlock()
	if taken {
		return false
	}
	s.w.mu.Lock()
	delete(s.w.staged, s)
	s.w.mu.Unlock()
	return true
}

// remove drops the temporary file and everything held for it.
func (s *stagedFile) remove() error {
	s.f.Close() // before Remove, for Windows
	err := s.dir.root.Remove(s.temp)
	s.letGo()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// letGo ends the use of what s held.
func (s *stagedFile) letGo() {
	s.f.Close()
	s.written(s.item.Size)
	s.w.dst.release(s.dir)
}
