package apps

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/files"
	"lukechampine.com/blake3"
)

// Folders in apps that are no app's.
const (
	arrivingDir  = ".arriving"  // what has arrived of apps that are not whole
	restoringDir = ".restoring" // the app that is being restored
	beforeDir    = ".before"    // apps as they were before they were replaced
)

// target implements [backup.Restore] and its optional interfaces.
type target struct {
	agent *Agent
	inner backup.Restore // files below arriving
	apps  *os.Root

	mu   sync.Mutex
	apk  map[string]*arrival // guarded by mu
	kept []string            // apps of which the next run needs only the rest; guarded by mu
}

// arrival is what this run has of a package.
type arrival struct {
	mu     sync.Mutex
	items  int64                // that are here; guarded by mu
	news   int64                // of them, those that were not in the app before; guarded by mu
	kv     *stream              // guarded by mu
	left   *leftover            // what a run that was cut left of its records; nil = nobody looked; guarded by mu
	when   time.Time            // of the records that it left; guarded by mu
	dirs   map[string]time.Time // when folders were changed, by their path below apps; guarded by mu
	same   bool                 // its records are those that the app has; guarded by mu
	system bool                 // some of its records are the system's; guarded by mu
	hashed bool
	set    string // digest of the records that the app has; valid once hashed; guarded by mu
}

// open makes the folders that restoring needs.
func (a *Agent) openTarget(ctx context.Context, t backup.Transport) (*target, error) {
	if err := a.root.MkdirAll(path.Join(Folder, arrivingDir), 0o700); err != nil {
		return nil, backup.Fail("open", Kind, writeReason(err), err)
	}
	apps, err := a.root.OpenRoot(Folder)
	if err != nil {
		return nil, backup.Fail("open", Kind, writeReason(err), err)
	}
	arriving, err := apps.OpenRoot(arrivingDir)
	if err != nil {
		apps.Close()
		return nil, backup.Fail("open", Kind, writeReason(err), err)
	}
	t.Notes = nil // dropTemps tidies up, and an app's folders get their times from its last item
	inner, err := filesBelow(arriving, a.opts.Free).Restore(ctx, t)
	if err != nil {
		apps.Close()
		arriving.Close()
		return nil, err
	}
	return &target{agent: a, apps: apps, inner: closing{inner, arriving}, apk: map[string]*arrival{}}, nil
}

// filesBelow returns the agent for every file below root.
func filesBelow(root *os.Root, free func() (int64, error)) backup.Agent {
	for _, a := range files.New(root, files.Options{Free: free}) {
		if a.Info().Kind == files.Files {
			return a
		}
	}
	panic("apps: there is no agent for files")
}

// closing is a Restore that closes its root with itself.
type closing struct {
	backup.Restore
	root *os.Root
}

func (c closing) Close() error { return errors.Join(c.Restore.Close(), c.root.Close()) }

// Check implements [backup.Checker]. What the last run brought, and what the
// app itself has unchanged, need not come again.
func (t *target) Check(_ context.Context, it backup.Item, prior backup.Prior) backup.Answer {
	pkg, rest, p, ok := splitKey(it.Key)
	switch {
	case it.Kind != Kind:
		return backup.Answer{Verdict: backup.Refuse, Err: backup.Fail("check", Kind, backup.Unsupported, nil)}
	case !ok || (it.Type == backup.TypeEntity) == (p == file):
		return backup.Answer{Verdict: backup.Refuse, Err: backup.Fail("check", Kind, backup.BadName, nil)}
	case p == wholeApp || it.Type == backup.TypeDirectory:
		return backup.Answer{Verdict: backup.Need}
	}
	arr := t.arrival(pkg)
	if p == record {
		if it.Group != "" && it.Group == t.ownSet(pkg, arr) {
			arr.count(false)
			arr.sameRecords()
			return backup.Answer{Verdict: backup.Have, Digest: it.Digest}
		}
		if t.arrived(pkg, arr, rest, it) {
			return backup.Answer{Verdict: backup.Have, Digest: it.Digest}
		}
		return backup.Answer{Verdict: backup.Need}
	}
	if prior.Digest.IsZero() || !fs.ValidPath(rest) {
		return backup.Answer{Verdict: backup.Need}
	}
	key, here := string(it.Key), path.Join(arrivingDir, string(it.Key))
	holds := func(name string) bool {
		return t.holds(name, it, prior.Stamp) && (!prior.Verify || t.digest(name) == prior.Digest)
	}
	switch {
	case holds(here):
		arr.count(true)
	case holds(key) && t.link(key, here):
		arr.count(false)
	default:
		return backup.Answer{Verdict: backup.Need}
	}
	return backup.Answer{Verdict: backup.Have, Digest: prior.Digest}
}

// holds reports whether a file is as the item says; of its time, what was noted.
func (t *target) holds(name string, it backup.Item, stamp int64) bool {
	fi, err := t.apps.Lstat(name)
	return err == nil && fi.Mode().IsRegular() && fi.Size() == it.Size &&
		(stamp == 0 && fi.ModTime().Equal(it.ModTime) || stamp != 0 && fi.ModTime().UnixNano() == stamp)
}

// digest hashes a file; zero = it cannot be read.
func (t *target) digest(name string) (d backup.Digest) {
	f, err := t.apps.Open(name)
	if err != nil {
		return d
	}
	defer f.Close()
	h := blake3.New(len(d), nil)
	if _, err := io.Copy(h, f); err != nil {
		return d
	}
	return backup.Digest(h.Sum(nil))
}

// link gives a file of the app that is here a place among what arrives.
func (t *target) link(from, to string) bool {
	err := t.apps.Link(from, to)
	if errors.Is(err, fs.ErrNotExist) && t.apps.MkdirAll(path.Dir(to), 0o700) == nil {
		err = t.apps.Link(from, to)
	}
	if errors.Is(err, fs.ErrExist) && t.apps.Remove(to) == nil {
		err = t.apps.Link(from, to)
	}
	return err == nil
}

func (t *target) arrival(pkg string) *arrival {
	t.mu.Lock()
	defer t.mu.Unlock()
	a := t.apk[pkg]
	if a == nil {
		a = new(arrival)
		t.apk[pkg] = a
	}
	return a
}

func (a *arrival) count(isNew bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.items++
	if isNew {
		a.news++
	}
}

// folder remembers a folder's time: what comes into it changes it.
func (a *arrival) folder(name string, when time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.dirs == nil {
		a.dirs = map[string]time.Time{}
	}
	a.dirs[name] = when
}

func (a *arrival) sameRecords() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.same = true
}

// ownSet returns the digest of the records that the app has here, or "".
func (t *target) ownSet(pkg string, a *arrival) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.hashed {
		a.hashed = true
		if f, err := t.apps.Open(recordsPath(pkg)); err == nil {
			a.set, _ = setDigest(f)
			f.Close()
		}
	}
	return a.set
}

// recordsPath is the file with a package's records, below apps.
func recordsPath(pkg string) string { return path.Join(pkg, "k", pkg+".data") }

// setDigest names a set of records by the stream that holds it.
func setDigest(r io.Reader) (string, error) {
	h := blake3.New(32, nil)
	if _, err := io.Copy(h, r); err != nil {
		return "", err
	}
	return setName(h), nil
}

func setName(h *blake3.Hasher) string { return hex.EncodeToString(h.Sum(nil)[:16]) }

// stagedEntity is a record, or an app that is whole.
type stagedEntity struct {
	pkg, rest string
	part      part
	value     []byte
	when      time.Time
	refused   bool // it was not begun: the disk is full
}

// Uncommitted implements [backup.Recommitter]. What was begun cannot be begun
// again: a record may be half in its stream, an app's files in their places.
func (e *stagedEntity) Uncommitted() (still, doubtful bool) { return e.refused, false }

// Discard implements [backup.Staged].
func (*stagedEntity) Discard() error { return nil }

// stagedFile is a file or a folder on its way into apps/.arriving.
type stagedFile struct {
	backup.StagedFile
	arr *arrival
}

type stagedDir struct {
	backup.Staged
	arr *arrival
}

// TempName implements [backup.TempNamer].
func (s stagedFile) TempName() string {
	if n, ok := s.StagedFile.(backup.TempNamer); ok {
		return path.Join(Folder, arrivingDir, n.TempName())
	}
	return ""
}

// Sync implements [backup.Keeper].
func (s stagedFile) Sync(n int64) (backup.Leftover, error) {
	return s.leave("sync", func(k backup.Keeper) (backup.Leftover, error) { return k.Sync(n) })
}

// Keep implements [backup.Keeper].
func (s stagedFile) Keep(n int64) (backup.Leftover, error) {
	return s.leave("keep", func(k backup.Keeper) (backup.Leftover, error) { return k.Keep(n) })
}

// leave names what is left as RemoveTemp and Resume know it.
func (s stagedFile) leave(op string, f func(backup.Keeper) (backup.Leftover, error)) (backup.Leftover, error) {
	k, ok := s.StagedFile.(backup.Keeper)
	if !ok {
		return backup.Leftover{}, backup.Fail(op, Kind, backup.Unsupported, nil)
	}
	l, err := f(k)
	if err == nil {
		l.Name = tempPrefix + l.Name
	}
	return l, err
}

// Uncommitted implements [backup.Recommitter].
func (s stagedFile) Uncommitted() (still, doubtful bool) {
	if r, ok := s.StagedFile.(backup.Recommitter); ok {
		return r.Uncommitted()
	}
	return false, false
}

// ReadAt implements io.ReaderAt.
func (s stagedFile) ReadAt(p []byte, off int64) (int, error) {
	r, ok := s.StagedFile.(io.ReaderAt)
	if !ok {
		return 0, backup.Fail("read", Kind, backup.Unsupported, nil)
	}
	return r.ReadAt(p, off)
}

const tempPrefix = Folder + "/" + arrivingDir + "/"

// isTempName reports whether a name can be one of TempName's.
func isTempName(name string) bool { return strings.HasPrefix(name, tempPrefix) }

// RemoveTemp implements [backup.TempRemover].
func (t *target) RemoveTemp(ctx context.Context, name string) error {
	below, ok := strings.CutPrefix(name, tempPrefix)
	r, can := t.inner.(closing).Restore.(backup.TempRemover)
	if !ok || !can {
		return backup.Fail("clean", Kind, backup.BadName, nil)
	}
	return r.RemoveTemp(ctx, below)
}

// Stage implements [backup.Restore].
func (t *target) Stage(ctx context.Context, it backup.Item) (backup.Staged, error) {
	if it.Kind != Kind {
		return nil, backup.Fail("stage", Kind, backup.Unsupported, nil)
	}
	pkg, rest, p, ok := splitKey(it.Key)
	if !ok || (it.Type == backup.TypeEntity) == (p == file) {
		return nil, backup.Fail("stage", Kind, backup.BadName, nil)
	}
	if it.Type == backup.TypeEntity {
		return &stagedEntity{pkg: pkg, rest: rest, part: p, value: it.Value, when: it.ModTime}, nil
	}
	if it.Type == backup.TypeFile && fs.ValidPath(rest) { // of a run before, and another file by now
		t.apps.Remove(path.Join(arrivingDir, string(it.Key)))
	}
	it.Kind = files.Files
	s, err := t.inner.Stage(ctx, it)
	if err != nil {
		return nil, err
	}
	if it.Type == backup.TypeDirectory {
		t.arrival(pkg).folder(string(it.Key), it.ModTime)
	}
	if f, ok := s.(backup.StagedFile); ok {
		return stagedFile{f, t.arrival(pkg)}, nil
	}
	return stagedDir{s, t.arrival(pkg)}, nil
}

// Resume implements [backup.Resumer].
func (t *target) Resume(ctx context.Context, it backup.Item, l backup.Leftover) (backup.ResumedFile, bool, error) {
	pkg, rest, p, ok := splitKey(it.Key)
	below, mine := strings.CutPrefix(l.Name, tempPrefix)
	r, can := t.inner.(closing).Restore.(backup.Resumer)
	if !ok || p != file || it.Type != backup.TypeFile || !mine || !can {
		return nil, false, backup.Fail("resume", Kind, backup.BadName, nil)
	}
	l.Name, it.Kind = below, files.Files
	f, touched, err := r.Resume(ctx, it, l)
	if err != nil {
		return nil, false, err
	}
	if fs.ValidPath(rest) { // of a run before, and another file by now
		t.apps.Remove(path.Join(arrivingDir, string(it.Key)))
	}
	return stagedFile{f, t.arrival(pkg)}, touched, nil
}

// Commit implements [backup.Restore]. Files first: an app is whole only when
// they are in.
func (t *target) Commit(ctx context.Context, batch []backup.Staged) []backup.Result {
	results := make([]backup.Result, len(batch))
	var inner []backup.Staged
	var at []int
	full := false // an app must not be made before all that is its own
	for i, s := range batch {
		switch s := s.(type) {
		case stagedFile:
			inner, at = append(inner, s.StagedFile), append(at, i)
		case stagedDir:
			inner, at = append(inner, s.Staged), append(at, i)
		case *stagedEntity:
		default:
			results[i] = failed(fs.ErrClosed)
		}
	}
	if len(inner) > 0 {
		// What is here whole is not given up because the run ends.
		for j, r := range t.inner.Commit(context.WithoutCancel(ctx), inner) {
			results[at[j]] = r
			if r.Outcome == backup.Failed {
				full = full || backup.ReasonOf(r.Err) == backup.NoSpace
				continue
			}
			switch s := batch[at[j]].(type) {
			case stagedFile:
				s.arr.count(true)
			case stagedDir:
				s.arr.count(false)
			}
		}
	}
	t.commitEntities(ctx, batch, results, full)
	return results
}

func failed(err error) backup.Result {
	return backup.Result{Outcome: backup.Failed, Err: err}
}

// writeReason is why something could not be written here.
func writeReason(err error) backup.Reason {
	switch r := backup.ReasonOf(err); r {
	case backup.NoSpace, backup.TooLarge:
		return r
	}
	return backup.Unwritable
}

// Finish implements [backup.Finisher]: what has arrived and will not be needed
// goes.
func (t *target) Finish(context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	names, err := fs.ReadDir(t.apps.FS(), arrivingDir)
	if err != nil {
		return nil // a later run finds it
	}
	for _, d := range names {
		if _, open := t.apk[d.Name()]; !open && !slices.Contains(t.kept, d.Name()) {
			t.clear(path.Join(arrivingDir, d.Name()))
		}
	}
	t.apps.Remove(arrivingDir) // unless something is left
	t.clear(restoringDir)
	return nil
}

// Close implements [backup.Restore].
func (t *target) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for pkg, a := range t.apk {
		t.end(pkg, a, false)
	}
	return errors.Join(t.inner.Close(), t.apps.Close())
}
