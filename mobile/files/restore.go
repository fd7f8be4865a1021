package files

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"

	"lukechampine.com/blake3"

	"github.com/ferry-move/ferry/mobile/backup"
)

const (
	// maxCompare is how many names of a series Check looks at.
	maxCompare = 64
	// hashBuffer is how much is read at once, in bytes.
	hashBuffer = 256 << 10
)

// writer implements backup.Restore, backup.Checker and backup.Finisher.
type writer struct {
	*agent

	// life is held for reading by every method at work; Close waits for them.
	life   sync.RWMutex
	closed bool // guarded by life

	mu     sync.Mutex
	staged map[*stagedFile]struct{} // not committed yet; guarded by mu
}

// Close implements backup.Restore. It removes the temporary files that were
// neither committed nor kept, and no others.
func (w *writer) Close() error {
	w.life.Lock()
	defer w.life.Unlock()
	if w.closed {
		return nil
	}
	w.closed = true
	w.mu.Lock()
	rest := make([]*stagedFile, 0, len(w.staged))
	for s := range w.staged {
		rest = append(rest, s)
	}
	w.mu.Unlock()
	var first error
	for _, s := range rest {
		first = cmp.Or(first, s.Discard())
	}
	w.dst.drop()
	return first
}

// begin starts a method's work, unless the writer is closed; end ends it.
func (w *writer) begin(ctx context.Context) error {
	w.life.RLock()
	err := ctx.Err()
	if w.closed {
		err = fs.ErrClosed
	}
	if err != nil {
		w.life.RUnlock()
	}
	return err
}

func (w *writer) end() { w.life.RUnlock() }

// admit says where an item belongs, or why it is refused.
func (w *writer) admit(it backup.Item) (string, error) {
	if it.Kind != w.kind.Kind {
		return "", backup.Unsupported
	}
	if it.Type != backup.TypeFile && it.Type != backup.TypeDirectory || it.Size < 0 ||
		it.Type == backup.TypeDirectory && it.Size != 0 {
		return "", backup.Malformed
	}
	mapped, err := MapKey(it.Key, w.opts.Profile)
	key := string(mapped)
	if err == nil && it.Type == backup.TypeFile && w.opts.takes(key) {
		top, rest, _ := strings.Cut(key, "/")
		key = numberedDir(top, 1, maxName) + "/" + rest
	}
	return key, err
}

// Check implements backup.Checker. Of a folder, a prior that is not zero says
// that an earlier run made it, and so do the notes, so that Finish may set its
// mode and time.
func (w *writer) Check(ctx context.Context, it backup.Item, prior backup.Prior) backup.Answer {
	if err := w.begin(ctx); err != nil {
		return w.refuse(err)
	}
	defer w.end()
	key, err := w.admit(it)
	if err != nil {
		return w.refuse(err)
	}
	if it.Type == backup.TypeDirectory {
		return w.checkDir(it, key, prior)
	}
	if w.holds(it, prior) {
		return backup.Answer{Verdict: backup.Have, Digest: prior.Digest, Names: names(prior.Name)}
	}
	a, err := w.alike(ctx, it, key, prior)
	if err != nil {
		return w.refuse(err)
	}
	if len(a.Digests) == 0 && !w.space.room(max(0, it.Size-prior.Left.Held)) {
		return w.refuse(backup.NoSpace)
	}
	return a
}

func (w *writer) refuse(err error) backup.Answer {
	return backup.Answer{Verdict: backup.Refuse, Err: w.kind.failWrite("check", err)}
}

func names(name backup.Key) []backup.Key {
	if name == "" {
		return nil
	}
	return []backup.Key{name}
}

func (w *writer) checkDir(it backup.Item, key string, prior backup.Prior) backup.Answer {
	d, err := w.dst.open(key, false)
	if err != nil {
		return backup.Answer{Verdict: backup.Need} // Stage and Commit say what is wrong
	}
	defer w.dst.release(d)
	if info, err := d.root.Stat("."); err == nil && (it.ModTime.IsZero() || info.ModTime().Equal(it.ModTime)) {
		return backup.Answer{Verdict: backup.Have, Names: names(renamed(it, d.key))}
	}
	if prior != (backup.Prior{}) || w.dst.wasMade(d.key) {
		w.dst.remember(d.key, it)
	}
	return backup.Answer{Verdict: backup.Need}
}

// renamed returns key if it is not the item's own, else nothing.
func renamed(it backup.Item, key string) backup.Key {
	if backup.Key(key) == it.Key {
		return ""
	}
	return backup.Key(key)
}

// holds reports whether the file that an earlier run put here is still what it
// was, by size and by the time that it had.
func (w *writer) holds(it backup.Item, prior backup.Prior) bool {
	if prior.Digest.IsZero() || it.ModTime.IsZero() || prior.Verify {
		return false
	}
	key := cmp.Or(prior.Name, it.Key)
	if checkKey(key) != nil {
		return false
	}
	above, name := splitKey(string(key))
	d, err := w.dst.open(above, false)
	if err != nil {
		return false
	}
	defer w.dst.release(d)
	info, err := d.root.Lstat(name)
	return err == nil && joinKey(d.key, name) == string(key) &&
		info.Mode().IsRegular() && info.Size() == it.Size && stampOf(info, it) == prior.Stamp
}

// alike finds the files of the item's size: in its series of names, and under
// the name that was noted of it, which the series leads to only on the file
// system that refused the others. A prior that is to be verified reads them from
// the disk. It only fails when ctx is done.
func (w *writer) alike(ctx context.Context, it backup.Item, key string, prior backup.Prior) (backup.Answer, error) {
	a := backup.Answer{Verdict: backup.Need}
	if err := w.alikeInSeries(ctx, &a, it, key, prior.Verify); err != nil {
		return a, err
	}
	if prior.Name == "" || prior.Digest.IsZero() || checkKey(prior.Name) != nil || slices.Contains(a.Names, prior.Name) {
		return a, nil
	}
	above, name := splitKey(string(prior.Name))
	d, err := w.dst.open(above, false)
	if err != nil {
		return a, nil
	}
	defer w.dst.release(d)
	if d.key != above {
		return a, nil
	}
	_, err = w.compare(ctx, &a, it, d, name, prior.Verify)
	return a, err
}

func (w *writer) alikeInSeries(ctx context.Context, a *backup.Answer, it backup.Item, key string, fresh bool) error {
	above, base := splitKey(key)
	d, err := w.dst.open(above, false)
	if err != nil {
		return nil // Stage says what is wrong, if anything
	}
	defer w.dst.release(d)
	for _, f := range forms(base, w.opts.Profile) {
		for i := range maxCompare {
			gone, err := w.compare(ctx, a, it, d, numbered(f.name, i, f.limit), fresh)
			if err != nil {
				return err
			}
			if nameRefused(gone) {
				break
			}
			if gone != nil {
				return nil // the first free name ends the series
			}
		}
	}
	return nil
}

// compare adds the file of that name in d to a, if it is of the item's size. The
// error gone says that there is none; err, that ctx is done.
func (w *writer) compare(ctx context.Context, a *backup.Answer, it backup.Item, d *dir, name string, fresh bool) (gone, err error) {
	info, gone := d.root.Lstat(name)
	if gone != nil || w.dst.isClaimed(d, name) || !info.Mode().IsRegular() || info.Size() != it.Size {
		return gone, nil
	}
	digest, err := digestOf(ctx, d, name, info, fresh)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, nil // unreadable: it is not known to be the same
	}
	a.Verdict = backup.Compare
	a.Digests = append(a.Digests, digest)
	a.Names = append(a.Names, renamed(it, joinKey(d.key, name)))
	a.Stamps = append(a.Stamps, stampOf(info, it))
	return nil, nil
}

// digestOf hashes a file that was what it describes, and is so to the end; fresh
// does not take the system's word for what is on the disk, where it can be helped.
func digestOf(ctx context.Context, d *dir, name string, was fs.FileInfo, fresh bool) (backup.Digest, error) {
	f, _, err := openRegular(d, name, os.O_RDONLY)
	if err != nil {
		return backup.Digest{}, err
	}
	defer f.Close()
	size := was.Size()
	if fresh {
		forgetCached(f)
	}
	h := blake3.New(len(backup.Digest{}), nil)
	buf := make([]byte, min(size, hashBuffer)+1)
	var total int64
	for {
		if err := ctx.Err(); err != nil {
			return backup.Digest{}, err
		}
		n, err := f.Read(buf)
		h.Write(buf[:n]) // never fails
		total += int64(n)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return backup.Digest{}, err
		}
	}
	is, err := f.Stat()
	if err != nil {
		return backup.Digest{}, err
	}
	if total != size || !is.ModTime().Equal(was.ModTime()) {
		return backup.Digest{}, backup.Changed
	}
	return backup.Digest(h.Sum(nil)), nil
}

// Finish implements backup.Finisher: it gives the folders made here their mode
// and time, the deepest first, now that no more files arrive in them. A folder
// whose time changed again because another kind put something there is done
// again by that kind's Finish.
func (w *writer) Finish(ctx context.Context) error {
	if err := w.begin(ctx); err != nil {
		return w.kind.failWrite("finish", err)
	}
	defer w.end()
	todo := w.dst.takePending()
	var first error
	failed := 0
	for _, p := range todo {
		err := ctx.Err()
		if err == nil {
			err = w.finishDir(p.key, p.item)
		}
		if err != nil {
			failed++
			first = cmp.Or(first, err)
			w.dst.putPending(p.key)
		}
	}
	if failed > 0 {
		return w.kind.failWrite("finish", fmt.Errorf("%d of %d folders: %w", failed, len(todo), first))
	}
	return nil
}

func (w *writer) finishDir(key string, it backup.Item) error {
	d, err := w.dst.open(key, false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // its owner removed it
	}
	if err != nil {
		return err
	}
	defer w.dst.release(d)
	if d.key != key {
		return nil // something else took its name
	}
	if it.Mode != 0 {
		if err := d.handle.Chmod(it.Mode.Perm() | 0o700); err != nil && !unsettable(err) {
			return err
		}
	}
	return setTime(d, d.handle, ".", it.ModTime)
}

// pendingDir is a folder whose mode and time are to be set.
type pendingDir struct {
	key  string
	item backup.Item
}

// takePending returns the pending folders, the deepest first.
func (t *tree) takePending() []pendingDir {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []pendingDir
	for key, m := range t.made {
		if m.pending {
			m.pending = false
			list = append(list, pendingDir{key, m.item})
		}
	}
	slices.SortFunc(list, func(a, b pendingDir) int {
		return cmp.Or(strings.Count(b.key, "/")-strings.Count(a.key, "/"), strings.Compare(a.key, b.key))
	})
	return list
}

func (t *tree) putPending(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.made[key].pending = true
}
