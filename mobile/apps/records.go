package apps

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"time"

	"github.com/ferry-move/ferry/mobile/android/entity"
	"github.com/ferry-move/ferry/mobile/backup"
	"lukechampine.com/blake3"
)

// A package's records gather in one file, apps/.arriving/PACKAGE/k/PACKAGE.data,
// in the order in which the old phone lists them. Each batch is forced to the
// disk before it counts as received. A run that was cut leaves the file, and the
// next one takes from it, record by record, what the old phone lists again, and
// goes on behind that:
//
//	listed:  a  b  c  d  e …      a, b and c are there by key and digest
//	left:    a  b  c  x [torn     what comes from the first other one on is cut off

// stream is a package's records on their way in.
type stream struct {
	f     *os.File
	w     *entity.Writer
	when  time.Time // when the old phone wrote them; zero = not known
	named bool      // its name is on the disk
}

// leftover is what a run that was cut left of a package's records.
type leftover struct {
	f    *os.File
	r    *entity.Reader // nil = it holds no more of what is listed
	held int64          // bytes of the records that were listed again
	buf  []byte
}

func (l *leftover) close() {
	if l.r != nil {
		l.r = nil
		l.f.Close()
	}
}

// arrived reports whether the next record that an earlier run left is this one.
// Whoever asks does so in the order in which records are listed; from the first
// that is another one on, none is.
func (t *target) arrived(pkg string, a *arrival, key string, it backup.Item) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.left == nil {
		a.left = &leftover{}
		t.returnRecords(pkg)
		if f, err := t.apps.Open(path.Join(arrivingDir, recordsPath(pkg))); err == nil {
			a.left.f, a.left.r = f, entity.NewReader(f, entity.Limits{})
		}
	}
	l := a.left
	if l.r == nil {
		return false
	}
	if a.kv != nil || !l.next(key, it) {
		l.close()
		return false
	}
	l.held = l.r.Offset()
	a.items++
	a.news++
	a.system = a.system || entity.Key(key).Reserved()
	a.when = it.ModTime
	return true
}

// next reads a record and reports whether it is the one that is listed.
func (l *leftover) next(key string, it backup.Item) bool {
	h, err := l.r.Next()
	if err != nil || h.Deleted || string(h.Key) != key || h.Size != it.Size {
		return false
	}
	l.buf, err = l.r.AppendData(l.buf[:0], h.Size)
	return err == nil && backup.Digest(blake3.Sum256(l.buf)) == it.Digest
}

// commitEntities applies the entities of a batch in their order. Records count
// once all of the batch are on the disk, or an app that is whole has them. From
// the first on for which the disk is too full none is begun; full tells that it
// is too full for what comes before them.
func (t *target) commitEntities(ctx context.Context, batch []backup.Staged, results []backup.Result, full bool) {
	room := t.agent.room()
	open := map[string][]int{} // records of the batch that are not on the disk, by package
	for i, s := range batch {
		e, ok := s.(*stagedEntity)
		if !ok {
			continue
		}
		if err := ctx.Err(); err != nil {
			results[i] = failed(err)
			continue
		}
		room -= int64(len(e.rest)+len(e.value)) + recordHead
		full = full || room < 0
		if e.refused = full; full {
			results[i] = failed(backup.Fail("commit", Kind, backup.NoSpace, nil))
		} else if e.part == record {
			if results[i] = t.record(e); results[i].Outcome != backup.Failed {
				open[e.pkg] = append(open[e.pkg], i)
			}
		} else {
			t.force(e.pkg, open, results)
			results[i] = t.whole(ctx, e)
		}
	}
	for pkg := range open {
		t.force(pkg, open, results)
	}
}

const (
	// reserve is how much must stay free, in bytes, when something is begun that a
	// full disk would leave half done.
	reserve = 4 << 20
	// recordHead is more than a record takes beside its key and value, in bytes.
	recordHead = 64
)

// room is how many bytes a batch may write.
func (a *Agent) room() int64 {
	if a.opts.Free == nil {
		return math.MaxInt64
	}
	free, err := a.opts.Free()
	if err != nil { // nobody knows
		return math.MaxInt64
	}
	return free - reserve
}

// force makes a package's records durable. Where that fails they did not arrive.
func (t *target) force(pkg string, open map[string][]int, results []backup.Result) {
	if len(open[pkg]) == 0 {
		return
	}
	a := t.arrival(pkg)
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := t.sync(pkg, a.kv); err != nil {
		for _, i := range open[pkg] {
			results[i] = failed(backup.Fail("sync", Kind, writeReason(err), err))
		}
		a.items -= int64(len(open[pkg])) // so the app is not whole
	}
	delete(open, pkg)
}

func (t *target) sync(pkg string, kv *stream) error {
	if err := kv.w.Flush(); err != nil {
		return err
	}
	if err := kv.f.Sync(); err != nil || kv.named {
		return err
	}
	for dir := path.Join(arrivingDir, path.Dir(recordsPath(pkg))); ; dir = path.Dir(dir) {
		d, err := t.apps.OpenRoot(dir)
		if err != nil {
			return err
		}
		err = syncFolder(d)
		if d.Close(); err != nil {
			return err
		}
		if dir == "." {
			kv.named = true
			return nil
		}
	}
}

// openStream opens the file for a package's records, behind what an earlier run
// brought. It is called with a.mu held.
func (t *target) openStream(pkg string, a *arrival, when time.Time) error {
	var held int64
	if a.left != nil {
		a.left.close()
		held = a.left.held
	}
	name := path.Join(arrivingDir, recordsPath(pkg))
	if err := t.apps.MkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := t.apps.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err = f.Truncate(held); err == nil {
		_, err = f.Seek(0, io.SeekEnd)
	}
	if err != nil {
		f.Close()
		return err
	}
	a.kv = &stream{f: f, w: entity.NewWriter(f, entity.Options{System: true, At: held}), when: when}
	return nil
}

// takeRecords moves what arrived of a package's records to the app that is being
// restored.
func (t *target) takeRecords(pkg string) bool {
	to := path.Join(restoringDir, recordsPath(pkg))
	return t.apps.MkdirAll(path.Dir(to), 0o700) == nil && t.apps.Rename(path.Join(arrivingDir, recordsPath(pkg)), to) == nil
}

// returnRecords undoes that after a restore that failed or was killed, so that
// they need not come again.
func (t *target) returnRecords(pkg string) {
	to := path.Join(arrivingDir, recordsPath(pkg))
	if _, err := t.apps.Lstat(to); errors.Is(err, fs.ErrNotExist) {
		t.apps.Rename(path.Join(restoringDir, recordsPath(pkg)), to)
	}
}

// record adds an entity to its package's stream.
func (t *target) record(e *stagedEntity) backup.Result {
	arr := t.arrival(e.pkg)
	arr.mu.Lock()
	defer arr.mu.Unlock()
	if arr.kv == nil {
		if err := t.openStream(e.pkg, arr, e.when); err != nil {
			return failed(backup.Fail("commit", Kind, writeReason(err), err))
		}
	}
	err := arr.kv.w.WriteHeader(entity.Key(e.rest), int64(len(e.value)))
	if err == nil {
		_, err = arr.kv.w.Write(e.value)
	}
	switch {
	case errors.Is(err, entity.ErrKey), errors.Is(err, entity.ErrLimit):
		return failed(backup.Fail("commit", Kind, backup.BadName, err))
	case err != nil:
		return failed(backup.Fail("commit", Kind, writeReason(err), err))
	}
	arr.items++
	arr.news++
	arr.system = arr.system || entity.Key(e.rest).Reserved()
	return backup.Result{Outcome: backup.Added}
}

// end closes the package's stream.
func (t *target) end(pkg string, a *arrival, whole bool) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.kv == nil && whole && a.left != nil && a.left.held > 0 {
		if err := t.openStream(pkg, a, a.when); err != nil { // every record was there, and more may be
			return err
		}
	}
	if a.left != nil {
		a.left.close()
	}
	if a.kv == nil {
		return nil
	}
	kv := a.kv
	a.kv = nil
	var err error
	if whole {
		if err = kv.w.Close(); err == nil {
			err = kv.f.Sync()
		}
	}
	err = errors.Join(err, kv.f.Close())
	if err == nil && whole && !kv.when.IsZero() {
		err = t.apps.Chtimes(path.Join(arrivingDir, recordsPath(pkg)), kv.when, kv.when)
	}
	return err
}
