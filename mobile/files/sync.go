package files

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/syncfs"
)

const (
	// syncAllFrom is how many files or folders make one flush of the whole
	// file system cheaper than one for each.
	syncAllFrom = 8
	// syncers is how many flushes run at once, so that the file system can
	// serve them together.
	syncers = 8
)

// syncContents forces the contents to the disk: all at once when they are many
// and the file system can, else each by itself.
func (w *writer) syncContents(ctx context.Context, all []landing) {
	var files []*landing
	for i := range all {
		l := &all[i]
		if l.file == nil || l.err != nil {
			continue
		}
		if l.err = ctx.Err(); l.err == nil {
			files = append(files, l)
		}
	}
	files = w.syncTogether(files, func(l *landing) uint64 { return l.file.dir.device })
	syncEach(files, func(l *landing) {
		if l.key != "" {
			return // an earlier Commit did
		}
		if l.err = l.file.f.Sync(); l.err != nil {
			l.file.doubt()
		}
	})
}

// syncTogether flushes the storage's whole file system if that saves work, and
// returns what is not covered by it.
func (w *writer) syncTogether(list []*landing, device func(*landing) uint64) []*landing {
	if len(list) < syncAllFrom {
		return list
	}
	top, err := w.dst.open("", false)
	if err != nil {
		return list
	}
	defer w.dst.release(top)
	if w.dst.caps.noSyncAll.Load() || syncfs.All(top.handle) != nil {
		return list // one by one, each gets its own error
	}
	var rest []*landing
	for _, l := range list {
		if device(l) != top.device {
			rest = append(rest, l)
		}
	}
	return rest
}

func syncEach[T any](list []T, sync func(T)) {
	var g errgroup.Group
	g.SetLimit(syncers)
	for _, x := range list {
		g.Go(func() error { sync(x); return nil })
	}
	g.Wait()
}

// syncNames forces the changed folders to the disk, and those in which
// folders were made since the last time.
func (w *writer) syncNames(all []landing) {
	dirty, upTo := w.dst.takeDirty()
	byDir := make(map[*dir]*landing)
	var list []*landing // one for each folder
	add := func(d *dir) bool {
		if byDir[d] != nil {
			return false
		}
		byDir[d] = &landing{in: d}
		list = append(list, byDir[d])
		return true
	}
	for i := range all {
		if l := &all[i]; l.in != nil {
			add(l.in)
			if l.file != nil && l.outcome == backup.Added {
				add(l.file.dir)
			}
		}
	}
	for _, d := range dirty {
		if add(d) {
			defer w.dst.release(d)
		} else {
			w.dst.release(d)
		}
	}
	rest := w.syncTogether(list, func(l *landing) uint64 { return l.in.device })
	syncEach(rest, func(l *landing) { l.err = syncDir(l.in.handle) })

	failed := make(map[string]error)
	for _, l := range list {
		if l.err != nil {
			failed[l.in.key] = l.err
		}
	}
	if len(failed) == 0 {
		w.dst.clean(upTo)
		return
	}
	for i := range all {
		l := &all[i]
		if l.in == nil || l.err != nil {
			continue
		}
		for key := l.in.key; l.err == nil; key, _ = splitKey(key) {
			l.err = failed[key]
			if key == "" {
				break
			}
		}
	}
}

// takeDirty opens the folders in which others were made, for the caller to
// release, and returns the number of the last such change.
func (t *tree) takeDirty() ([]*dir, uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []*dir
	for key := range t.dirty {
		if d, err := t.openLocked(key, false); err == nil {
			list = append(list, d)
		} else {
			delete(t.dirty, key) // it is gone or changed places
		}
	}
	return list, t.changes
}

// clean forgets the changes up to and including that number.
func (t *tree) clean(upTo uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, n := range t.dirty {
		if n <= upTo {
			delete(t.dirty, key)
		}
	}
}
