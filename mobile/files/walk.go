package files

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/ferry-move/ferry/mobile/backup"
)

// readDirChunk is how many names are read from a folder at once.
const readDirChunk = 1024

// reader implements backup.Backup.
type reader struct {
	*agent
	closed atomic.Bool
}

// Close implements backup.Backup.
func (r *reader) Close() error {
	if !r.closed.Swap(true) {
		r.src.drop()
	}
	return nil
}

// Items implements backup.Backup. Folders come before what is in them, a
// folder's files before the folders in it, names in the order of their bytes.
// It holds the names in one folder and of the folders still to be read. It
// ends early, without a word, when ctx is done.
//
// A folder deeper than MaxDepth, or one that cannot be read, is one item with
// an error and stands for all that it holds. When photos share it with videos,
// both say so.
func (r *reader) Items(ctx context.Context) iter.Seq2[backup.Item, error] {
	return func(yield func(backup.Item, error) bool) {
		r.src.empty()        // nothing that was open before counts
		todo := []string{""} // a stack of folders
		for len(todo) > 0 && ctx.Err() == nil {
			key := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			dirs, ok := r.folder(ctx, key, yield)
			if !ok {
				return
			}
			slices.Reverse(dirs)
			todo = append(todo, dirs...)
		}
	}
}

// entry is a name in a folder.
type entry struct {
	name string
	dir  bool
}

// folder yields a folder and what is in it, and returns the folders in it.
func (r *reader) folder(ctx context.Context, key string, yield func(backup.Item, error) bool) (dirs []string, ok bool) {
	it := backup.Item{Kind: r.kind.Kind, Type: backup.TypeDirectory, Key: backup.Key(key)}
	if key != "" && checkKey(it.Key) != nil {
		return nil, yield(it, backup.Fail("walk", it.Kind, reasonOf(it.Key), nil))
	}
	d, err := r.src.open(key, false)
	if errors.Is(err, fs.ErrNotExist) && key != "" {
		return nil, true // gone since its name was read
	}
	if err != nil {
		return nil, yield(it, r.kind.failWalk(err))
	}
	defer r.src.release(d)

	info, err := d.root.Stat(".")
	var entries []entry
	if err == nil {
		it.Mode, it.ModTime = info.Mode().Perm(), info.ModTime()
		entries, err = readDir(ctx, d)
	}
	switch {
	case ctx.Err() != nil:
		return nil, false
	case err != nil: // what could be read of it still goes on
		ok = yield(it, r.kind.failWalk(err))
	case key != "" && r.kind.ownsDirs(key):
		ok = yield(it, nil)
	default:
		ok = true
	}
	for _, e := range entries {
		if !ok || ctx.Err() != nil {
			return nil, false
		}
		if e.dir {
			if key != "" || r.kind.ownsFolder(e.name, r.opts.Claimed) {
				dirs = append(dirs, joinKey(key, e.name))
			}
			continue
		}
		ok = r.leaf(d, key, e.name, yield)
	}
	return dirs, ok
}

// leaf yields what is not a folder, if it is one of this kind's items.
func (r *reader) leaf(d *dir, dirKey, name string, yield func(backup.Item, error) bool) bool {
	key := joinKey(dirKey, name)
	if dirKey != "" && (!r.kind.ownsLeaf(key) || r.opts.takes(key)) || isTemp(name) {
		return true
	}
	it := backup.Item{Kind: r.kind.Kind, Type: backup.TypeFile, Key: backup.Key(key)}
	info, err := d.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.IsDir() {
		return true // gone since its name was read
	}
	regular := err != nil || info.Mode().IsRegular()
	if dirKey == "" && !r.ownsTop(name, regular) {
		return true
	}
	switch {
	case checkKey(it.Key) != nil:
		return yield(it, backup.Fail("walk", it.Kind, reasonOf(it.Key), nil))
	case err != nil:
		return yield(it, r.kind.failWalk(err))
	case !regular:
		return yield(it, backup.Fail("walk", it.Kind, backup.NotRegular, nil))
	}
	it.Size, it.Mode, it.ModTime = info.Size(), info.Mode().Perm(), info.ModTime()
	return yield(it, nil)
}

// reasonOf returns why checkKey refuses a key.
func reasonOf(key backup.Key) backup.Reason {
	if isTooDeep(key) {
		return backup.TooDeep
	}
	return backup.BadName
}

// ownsTop reports whether what lies at the top and is no folder is k's: a file
// goes with the other files, and a link in a folder's place is told of by the
// kinds that would have read the folder.
func (r *reader) ownsTop(name string, regular bool) bool {
	if regular {
		return r.kind.Kind == Files
	}
	return r.kind.ownsFolder(name, nil)
}

// failWalk makes the error of a folder or file that could not be looked at.
func (k *kind) failWalk(err error) error {
	reason := backup.Unreadable
	if errors.Is(err, errNotDir) || errors.Is(err, errMoved) {
		reason = backup.Changed
	}
	return backup.Fail("walk", k.Kind, reason, err)
}

// readDir returns the names in d, sorted, and with an error those before it.
func readDir(ctx context.Context, d *dir) ([]entry, error) {
	f, err := d.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var entries []entry
	for ctx.Err() == nil {
		var list []fs.DirEntry
		list, err = f.ReadDir(readDirChunk)
		for _, e := range list {
			entries = append(entries, entry{e.Name(), e.IsDir()})
		}
		if err != nil {
			break
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	return entries, err
}
