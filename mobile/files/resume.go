package files

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/ferry-move/ferry/mobile/backup"
)

// Sync implements [backup.Keeper].
func (s *stagedFile) Sync(n int64) (backup.Leftover, error) {
	l, err := s.sync(n)
	if err != nil {
		return backup.Leftover{}, s.w.kind.failWrite("sync", err)
	}
	return l, nil
}

// sync forces the content to the disk and, the first time, the file's name.
func (s *stagedFile) sync(n int64) (backup.Leftover, error) {
	if n < 0 || n > s.item.Size {
		return backup.Leftover{}, backup.Malformed
	}
	err := syncData(s.f)
	s.mu.Lock()
	if err != nil && !errors.Is(err, os.ErrClosed) {
		s.lost = err // the system tells it once; Commit must not take the file for good
	}
	named := s.named
	s.mu.Unlock()
	if err != nil {
		return backup.Leftover{}, err
	}
	if !named {
		if err := syncDir(s.dir.handle); err != nil {
			return backup.Leftover{}, err
		}
		s.mu.Lock()
		s.named = true
		s.mu.Unlock()
	}
	forget(s.f)
	info, err := s.f.Stat()
	if err != nil {
		return backup.Leftover{}, err
	}
	return backup.Leftover{Name: s.TempName(), Length: n, Held: heldBytes(info)}, nil
}

// Keep implements [backup.Keeper]. What lies behind the first n bytes goes: it
// is room for what has not come.
func (s *stagedFile) Keep(n int64) (backup.Leftover, error) {
	if !s.take() {
		return backup.Leftover{}, s.w.kind.failWrite("keep", fs.ErrClosed)
	}
	l, err := s.keep(n)
	if err != nil {
		_ = s.remove() // the error that came first says more
		return backup.Leftover{}, s.w.kind.failWrite("keep", err)
	}
	s.letGo()
	return l, nil
}

func (s *stagedFile) keep(n int64) (backup.Leftover, error) {
	s.mu.Lock()
	named := s.landed != nil
	s.mu.Unlock()
	if named { // it is whole, and no longer ours to cut
		return backup.Leftover{}, fs.ErrExist
	}
	info, err := s.f.Stat()
	if err != nil {
		return backup.Leftover{}, err
	}
	if n <= 0 || n > info.Size() {
		return backup.Leftover{}, backup.Malformed // it would grow by what nobody sent
	}
	if err := s.f.Truncate(n); err != nil {
		return backup.Leftover{}, err
	}
	l, err := s.sync(n)
	if err != nil {
		return l, err
	}
	if info, err = s.f.Stat(); err != nil {
		return l, err
	}
	l.Stamp = info.ModTime().UnixNano()
	return l, nil
}

// ReadAt implements io.ReaderAt.
func (s *stagedFile) ReadAt(p []byte, off int64) (int, error) { return s.f.ReadAt(p, off) }

// Resume implements [backup.Resumer].
func (w *writer) Resume(ctx context.Context, it backup.Item, l backup.Leftover) (backup.ResumedFile, bool, error) {
	if err := w.begin(ctx); err != nil {
		return nil, false, w.kind.failWrite("resume", err)
	}
	defer w.end()
	s, touched, err := w.resume(it, l)
	if err != nil {
		return nil, false, w.kind.failWrite("resume", err)
	}
	return s, touched, nil
}

func (w *writer) resume(it backup.Item, l backup.Leftover) (*stagedFile, bool, error) {
	key, err := w.admit(it)
	if err != nil {
		return nil, false, err
	}
	above, base := splitKey(l.Name)
	switch {
	case !isTemp(base) || checkKey(backup.Key(l.Name)) != nil:
		return nil, false, backup.BadName
	case it.Type != backup.TypeFile || l.Length <= 0 || l.Length > it.Size:
		return nil, false, backup.Malformed
	}
	s := &stagedFile{w: w, item: it, temp: base, named: true}
	s.path, s.base = splitKey(key)
	if s.dir, err = w.dst.open(above, false); err != nil {
		return nil, false, err
	}
	info, err := s.reopen(above, l)
	if err == nil {
		err = s.claimRest(heldBytes(info), l.Length)
	}
	if err != nil {
		if s.f != nil {
			s.f.Close()
		}
		w.dst.release(s.dir)
		return nil, false, err
	}
	w.mu.Lock()
	w.staged[s] = struct{}{}
	w.mu.Unlock()
	return s, l.Stamp != 0 && l.Stamp != info.ModTime().UnixNano(), nil
}

// reopen opens the temporary file and refuses what cannot be the one that was
// left. One that a commit has given its name already has two: that one is
// somebody's file by now.
func (s *stagedFile) reopen(above string, l backup.Leftover) (info fs.FileInfo, err error) {
	if s.dir.key != above { // that folder is gone, and something took its place
		return nil, fs.ErrNotExist
	}
	if s.f, info, err = openRegular(s.dir, s.temp, os.O_RDWR); err != nil {
		return nil, err
	}
	if info.Size() < l.Length || info.Size() > s.item.Size || hasOtherName(info) {
		return nil, backup.Changed
	}
	return info, nil
}

// claimRest takes the room that the rest of the file needs, on the disk from that
// offset on: what is no part of the disk before it may be a hole.
func (s *stagedFile) claimRest(held, from int64) error {
	rest := max(0, s.item.Size-held)
	if !s.w.space.room(rest) {
		return backup.NoSpace
	}
	if s.item.Size >= preallocateFrom && from < s.item.Size {
		var err error
		if s.reserved, err = preallocate(s.f, from, s.item.Size-from); err != nil {
			return err
		}
	}
	if !s.reserved {
		s.unwritten = rest
	}
	s.w.space.stage(rest, s.reserved)
	return nil
}
