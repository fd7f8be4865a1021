package files

import (
	"container/list"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/ferry-move/ferry/mobile/backup"
)

const (
	// maxDirs is how many folders stay open for the next file in them.
	maxDirs = 64
	// maxBesideDir and maxBesideFile end the series of numbered names.
	maxBesideDir  = 99
	maxBesideFile = 999
	// dirPerm is a new folder's mode until its own is known.
	dirPerm fs.FileMode = 0o755
)

var (
	errMoved  = errors.New("a folder changed its place")
	errSeries = errors.New("every name like it is taken")
	errNotDir = errors.New("not a folder")
)

// dir is an open folder. Its handles are closed when the last user has
// released it and it is out of the cache.
type dir struct {
	root   *os.Root    // immutable
	handle *os.File    // the same folder, to sync and rename in; nil in an exact tree
	info   fs.FileInfo // as it was when it was opened
	key    string      // where it is on the disk, "" = the top; immutable
	device uint64      // the file system that it is on, if the platform tells

	refs   int           // guarded by tree.mu
	cached *list.Element // guarded by tree.mu; nil = no longer in the cache
}

// close closes the handles. The top's root is the caller's.
func (d *dir) close() {
	if d.handle != nil {
		d.handle.Close()
	}
	if d.key != "" {
		d.root.Close()
	}
}

// made is what is known of a folder that this program made.
type made struct {
	item    backup.Item // Type 0 until its item came
	pending bool        // its mode and time are to be set
}

type treeOptions struct {
	// exact opens folders under their own names only and makes none.
	exact   bool
	profile Profile
	claimed []string
}

// tree opens the folders of a storage, one component at a time, and keeps the
// last few open. Paths are mapped keys; where a folder's name is taken by
// something else, it stands for the numbered folder beside it.
type tree struct {
	root *os.Root
	treeOptions
	caps caps // what the file system turned out not to do

	mu    sync.Mutex // guards the rest
	users int
	notes backup.Notes             // of those who write; nil = none
	dirs  map[string]*list.Element // of *cacheEntry, by path
	lru   *list.List               // the last used in front
	// made holds the folders made since the tree exists, by dir.key.
	made map[string]*made
	// dirty holds the folders in which others were made that may not be on the
	// disk yet, each with the number of its last change.
	dirty   map[string]uint64
	changes uint64
}

type cacheEntry struct {
	path string
	dir  *dir
}

func newTree(root *os.Root, opts treeOptions) *tree {
	return &tree{
		root: root, treeOptions: opts,
		dirs: make(map[string]*list.Element), lru: list.New(),
		made: make(map[string]*made), dirty: make(map[string]uint64),
	}
}

// acquire counts one more user of the cache.
func (t *tree) acquire() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.users++
}

// drop is acquire's counterpart; the last one empties the cache.
func (t *tree) drop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.users--; t.users == 0 {
		t.emptyLocked()
		t.notes = nil
	}
}

// noteIn says where to note what is made, until the last user is gone. The kinds
// of one run have the same notes.
func (t *tree) noteIn(n backup.Notes) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.notes = n
}

// making notes a temporary file that is about to be made.
func (t *tree) making(path string) {
	t.mu.Lock()
	notes := t.notes
	t.mu.Unlock()
	if notes != nil {
		notes.Making(path)
	}
}

// wasMade reports whether the folder at key was made by an earlier run, which was
// killed before anybody noted its item.
func (t *tree) wasMade(key string) bool {
	t.mu.Lock()
	notes := t.notes
	t.mu.Unlock()
	return notes != nil && notes.Made(key+"/")
}

// empty forgets which folders are open, so that each is looked up anew.
func (t *tree) empty() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.emptyLocked()
}

func (t *tree) emptyLocked() {
	for t.lru.Len() > 0 {
		t.evictLocked(t.lru.Back())
	}
}

func (t *tree) evictLocked(e *list.Element) {
	ce := t.lru.Remove(e).(*cacheEntry)
	delete(t.dirs, ce.path)
	ce.dir.cached = nil
	if ce.dir.refs == 0 {
		ce.dir.close()
	}
}

// retain adds a user to an open folder.
func (t *tree) retain(d *dir) {
	t.mu.Lock()
	defer t.mu.Unlock()
	d.refs++
}

// release ends one use of d.
func (t *tree) release(d *dir) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.releaseLocked(d)
}

func (t *tree) releaseLocked(d *dir) {
	if d.refs--; d.refs == 0 && d.cached == nil {
		d.close()
	}
}

// open returns the folder that path stands for, made with its parents when it
// is missing and create is set. The caller releases it.
func (t *tree) open(path string, create bool) (*dir, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	d, err := t.openLocked(path, create)
	if errors.Is(err, fs.ErrNotExist) && t.staleLocked(path) {
		t.emptyLocked()
		d, err = t.openLocked(path, create)
	}
	return d, err
}

// staleLocked reports whether the nearest folder above path that is in the
// cache was moved or removed meanwhile.
func (t *tree) staleLocked(path string) bool {
	for path != "" {
		path, _ = splitKey(path)
		if e := t.dirs[path]; e != nil {
			return t.inPlace(e.Value.(*cacheEntry).dir) != nil
		}
	}
	return false
}

func (t *tree) openLocked(path string, create bool) (*dir, error) {
	if e := t.dirs[path]; e != nil {
		t.lru.MoveToFront(e)
		d := e.Value.(*cacheEntry).dir
		d.refs++
		return d, nil
	}
	d, err := t.lookLocked(path, create)
	if err != nil {
		return nil, err
	}
	d.refs = 1
	d.cached = t.lru.PushFront(&cacheEntry{path, d})
	t.dirs[path] = d.cached
	if t.lru.Len() > maxDirs {
		t.evictLocked(t.lru.Back())
	}
	return d, nil
}

// lookLocked opens what is not in the cache.
func (t *tree) lookLocked(path string, create bool) (*dir, error) {
	if path == "" {
		info, err := t.root.Stat(".")
		if err != nil {
			return nil, err
		}
		return t.newDir(t.root, info, "")
	}
	above, name := splitKey(path)
	parent, err := t.openLocked(above, create)
	if err != nil {
		return nil, err
	}
	defer t.releaseLocked(parent)
	if t.exact {
		return t.openChild(parent, name)
	}
	var last error
	for _, f := range forms(name, t.profile) {
		d, err := t.openForm(parent, f, create)
		if err == nil || !nameRefused(err) {
			return d, err
		}
		last = err
	}
	return nil, last
}

// openForm opens or makes the folder that a name stands for: the first in its
// series that is a folder or free.
func (t *tree) openForm(parent *dir, f form, create bool) (*dir, error) {
	for i := range maxBesideDir + 1 {
		name := numberedDir(f.name, i, f.limit)
		if t.isClaimed(parent, name) {
			continue
		}
		d, err := t.openChild(parent, name)
		if create && errors.Is(err, fs.ErrNotExist) {
			if d, err = t.makeChild(parent, name); errors.Is(err, fs.ErrExist) {
				d, err = t.openChild(parent, name) // somebody else was first
			}
		}
		if !errors.Is(err, errNotDir) {
			return d, err
		}
	}
	return nil, fmt.Errorf("%w: %w", backup.Unwritable, errSeries)
}

// isClaimed reports whether name in parent belongs to another agent.
func (t *tree) isClaimed(parent *dir, name string) bool {
	return parent.key == "" && slices.ContainsFunc(t.claimed, func(c string) bool {
		return c == name || t.profile == Portable && strings.EqualFold(c, name)
	})
}

func (t *tree) makeChild(parent *dir, name string) (*dir, error) {
	if err := t.caps.holds(name); err != nil {
		return nil, err
	}
	if t.notes != nil {
		t.notes.Making(joinKey(parent.key, name) + "/")
	}
	if err := parent.root.Mkdir(name, dirPerm); err != nil {
		return nil, t.refusal(parent, err)
	}
	t.made[joinKey(parent.key, name)] = &made{}
	t.changedLocked(parent)
	t.changes++
	t.dirty[parent.key] = t.changes
	return t.openChild(parent, name)
}

// openChild opens the folder of that very name in parent. It fails with
// errNotDir when the name is something else's.
func (t *tree) openChild(parent *dir, name string) (*dir, error) {
	was, err := parent.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !was.IsDir() {
		return nil, errNotDir
	}
	// The dot makes name a folder on the way, so that a pipe that took its
	// place is not waited for. A link that took its place is followed, though
	// never out of parent; the comparison finds that.
	root, err := parent.root.OpenRoot(name + "/.")
	if err != nil {
		return nil, err
	}
	info, err := root.Stat(".")
	if err == nil && !os.SameFile(was, info) {
		err = errMoved
	}
	if err != nil {
		root.Close()
		return nil, err
	}
	return t.newDir(root, info, joinKey(parent.key, name))
}

func (t *tree) newDir(root *os.Root, info fs.FileInfo, key string) (*dir, error) {
	d := &dir{root: root, info: info, key: key, device: deviceOf(info)}
	if !t.exact {
		h, err := root.Open(".")
		if err != nil {
			d.close()
			return nil, err
		}
		d.handle = h
	}
	return d, nil
}

// inPlace reports whether d is still where its key says.
func (t *tree) inPlace(d *dir) error {
	if d.key == "" {
		return nil
	}
	now, err := t.root.Lstat(d.key)
	if err == nil && !os.SameFile(now, d.info) {
		err = errMoved
	}
	return err
}

// changed notes that d's own time is no longer what was set.
func (t *tree) changed(d *dir) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.changedLocked(d)
}

func (t *tree) changedLocked(d *dir) {
	if m := t.made[d.key]; m != nil {
		m.pending = m.item.Type == backup.TypeDirectory
	}
}

// describe gives the folder at key its item and reports whether this program
// made it and nothing was known of it yet.
func (t *tree) describe(key string, it backup.Item) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	m := t.made[key]
	if m == nil {
		return false
	}
	first := m.item.Type == 0
	m.item, m.pending = it, true
	return first
}

// remember notes that an earlier run of this program made the folder at key.
func (t *tree) remember(key string, it backup.Item) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.made[key] == nil {
		t.made[key] = &made{item: it}
	}
}
