package contacts

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
)

// errNoPlace means that no file can take a card.
var errNoPlace = errors.New("no file in the folder can be written to")

// writeReason is the reason for a failed write.
func writeReason(err error) backup.Reason {
	switch reason := backup.ReasonOf(err); reason {
	case backup.NoSpace, backup.TooLarge, backup.Changed:
		return reason
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return backup.Unknown
	}
	return backup.Unwritable
}

// apply carries out a plan, file by file, and returns the jobs that have to be
// planned again because their file changed.
func (r *restore) apply(ctx context.Context, jobs []job) (again []job) {
	var order []*file
	byFile := map[*file][]job{}
	for _, j := range jobs {
		if j.file == nil {
			r.fail([]job{j}, backup.Fail("commit", Kind, backup.Unwritable, errNoPlace))
			continue
		}
		if byFile[j.file] == nil {
			order = append(order, j.file)
		}
		byFile[j.file] = append(byFile[j.file], j)
	}
	dirs := map[string][]job{} // folders with new names, and whose they are
	for _, f := range order {
		mine := byFile[f]
		err := ctx.Err()
		if err == nil {
			err = r.write(f, mine, dirs)
		}
		switch {
		case err == nil:
			for _, j := range mine {
				*j.result = backup.Result{Outcome: j.outcome()}
				j.insert = nil
			}
		case errors.Is(err, backup.Changed):
			f.stale = true
			for _, j := range mine {
				r.release(j)
			}
			again = append(again, mine...)
		default:
			err = backup.Fail("commit", Kind, writeReason(err), err)
			for _, j := range mine {
				if o := j.outcome(); o == backup.Skipped && ctx.Err() == nil {
					*j.result = backup.Result{Outcome: o} // nothing had to be written
				} else {
					r.fail([]job{j}, err)
				}
			}
		}
	}
	for dir, mine := range dirs {
		if err := r.syncDir(dir); err != nil {
			for _, j := range mine {
				*j.result = failed(backup.Fail("sync", Kind, writeReason(err), err))
			}
		}
	}
	return again
}

func (in *incoming) outcome() backup.Outcome {
	switch {
	case in.slot == nobody:
		return backup.Added
	case in.merged:
		return backup.Merged
	}
	return backup.Skipped
}

// write brings a file to the state that jobs ask for. It fails with Changed,
// and has changed nothing then, when the file is not as it was read.
func (r *restore) write(f *file, jobs []job, dirs map[string][]job) error {
	if f.stale || !r.unchanged(f) {
		return backup.Changed
	}
	var merges, adds []job
	for _, j := range jobs {
		switch {
		case j.slot == nobody:
			adds = append(adds, j)
		case j.merged:
			merges = append(merges, j)
		}
	}
	if len(merges)+len(adds) == 0 {
		return nil
	}
	slices.SortFunc(merges, func(a, b job) int { return cmp.Compare(a.at, b.at) })
	dir := path.Join(Folder, path.Dir(f.name))
	made, err := r.makeDir(dir)
	if err != nil {
		return err
	}
	tmp, err := r.writePart(dir, f, merges, adds)
	if err != nil {
		return err
	}
	if err := r.replace(tmp, f); err != nil {
		r.drop(tmp)
		return err
	}
	for _, d := range append(made, dir) {
		dirs[d] = append(dirs[d], merges...)
		dirs[d] = append(dirs[d], adds...)
	}
	r.written(f, merges, adds)
	return nil
}

// makeDir makes a folder and returns the folders that got a new name in them.
func (r *restore) makeDir(dir string) ([]string, error) {
	var made []string
	for d := dir; d != "."; d = path.Dir(d) {
		if _, err := r.root.Lstat(d); err == nil {
			break
		}
		made = append(made, path.Dir(d))
	}
	if len(made) == 0 {
		return nil, nil
	}
	return made, r.root.MkdirAll(dir, 0o755)
}

// writePart writes the new state of f to a temporary file beside it and
// returns its name. Nothing is left of it when it fails.
func (r *restore) writePart(dir string, f *file, merges, adds []job) (_ string, err error) {
	var id [8]byte
	rand.Read(id[:])
	name := path.Join(dir, tempPrefix+hex.EncodeToString(id[:])+tempSuffix)
	if r.notes != nil {
		r.notes.Making(name)
	}
	out, err := r.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	r.parts[name] = true
	defer func() {
		if cerr := out.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			r.drop(name)
		}
	}()
	if f.info != nil {
		if err := r.copyOld(out, f, merges); err != nil {
			return "", err
		}
	}
	if err := f.appendCards(out, adds); err != nil {
		return "", err
	}
	mode, mtime := f.attributes(adds)
	if err := out.Chmod(mode); err != nil && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, errors.ErrUnsupported) {
		return "", err // shared storage of a phone has no modes to set
	}
	if !mtime.IsZero() {
		if err := r.root.Chtimes(name, time.Time{}, mtime); err != nil {
			return "", err
		}
	}
	return name, out.Sync()
}

const (
	tempPrefix = ".ferry-"
	tempSuffix = ".part"
)

// RemoveTemp implements [backup.TempRemover].
func (r *restore) RemoveTemp(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	digits := strings.TrimSuffix(strings.TrimPrefix(path.Base(name), tempPrefix), tempSuffix)
	id, err := hex.DecodeString(digits)
	if err != nil || len(id) != 8 || path.Base(name) != tempPrefix+digits+tempSuffix || !fs.ValidPath(name) || !strings.HasPrefix(name, Folder+"/") {
		return backup.Fail("clean", Kind, backup.BadName, nil)
	}
	if err := r.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return backup.Fail("clean", Kind, backup.Unwritable, err)
	}
	return nil
}

// drop removes a temporary file. Close tries again what failed.
func (r *restore) drop(name string) {
	if err := r.root.Remove(name); err == nil || errors.Is(err, fs.ErrNotExist) {
		delete(r.parts, name)
	}
}

// copyOld copies what is there, with what merging adds to its cards.
func (r *restore) copyOld(out *os.File, f *file, merges []job) error {
	in, info, err := openFile(r.root, f.name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return backup.Changed
		}
		return err
	}
	defer in.Close()
	if !sameState(info, f.info) {
		return backup.Changed
	}
	var at int64
	upTo := func(end int64) error {
		n, err := io.CopyN(out, in, end-at) // within the kernel where it can be
		at += n
		if errors.Is(err, io.EOF) {
			return backup.Changed
		}
		return err
	}
	for _, j := range merges {
		if err := upTo(j.at); err != nil {
			return err
		}
		if _, err := out.Write(j.insert); err != nil {
			return err
		}
	}
	return upTo(info.Size())
}

// appendCards writes new cards behind what is there.
func (f *file) appendCards(out io.Writer, adds []job) error {
	w := bufio.NewWriterSize(out, 256<<10)
	start, endsNL := f.info == nil || f.info.Size() == 0, f.endsNL
	for _, j := range adds {
		for _, b := range f.joint(j.item.Value, start, endsNL) {
			w.Write(b) // Flush tells
		}
		start, endsNL = false, endsLine(j.item.Value, f.enc)
	}
	return w.Flush()
}

// joint returns what is written for a card: a line end that is missing before
// it, its mark only at the start of a file, and the card.
func (f *file) joint(card []byte, start, endsNL bool) [][]byte {
	mark := []byte(f.enc.bom())
	if start {
		if f.enc != bytes8 && string(card[:2]) != string(mark) {
			return [][]byte{mark, card}
		}
		return [][]byte{card}
	}
	if len(card) > len(mark) && string(card[:len(mark)]) == string(mark) {
		card = card[len(mark):]
	}
	if endsNL {
		return [][]byte{card}
	}
	return [][]byte{f.enc.encode([]byte(firstEOL(card, f.enc))), card}
}

// firstEOL returns the line end behind a card's first line.
func firstEOL(raw []byte, enc layout) string {
	_, eol, _ := cutLine(enc.decode(raw[:min(len(raw), 256)]))
	if len(eol) == 0 {
		return "\r\n"
	}
	return string(eol)
}

// endsLine reports whether bytes end in a line end.
func endsLine(raw []byte, enc layout) bool {
	if enc != bytes8 {
		raw = enc.decode(raw[max(0, len(raw)-2):])
	}
	return len(raw) > 0 && (raw[len(raw)-1] == '\n' || raw[len(raw)-1] == '\r')
}

// attributes returns the mode and the time that f gets. Those of the old phone
// go to files that a restore made: there was none, or it has that time. The
// zero time = now.
func (f *file) attributes(adds []job) (fs.FileMode, time.Time) {
	mode, mtime := fs.FileMode(0o644), time.Time{}
	if f.info != nil {
		mode = f.info.Mode().Perm()
	}
	for _, j := range adds {
		it := &j.item
		if it.ModTime.IsZero() || f.name != j.group || f.info != nil && !f.info.ModTime().Equal(it.ModTime) {
			continue
		}
		mtime = it.ModTime
		if m := it.Mode & 0o666; m != 0 {
			mode = m
		}
	}
	return mode, mtime
}

// replace gives the temporary file its name, unless the file that has it is
// not as it was read.
func (r *restore) replace(tmp string, f *file) error {
	if !r.unchanged(f) {
		return backup.Changed
	}
	full := path.Join(Folder, f.name)
	if f.info == nil {
		err := r.root.Link(tmp, full)
		if err == nil {
			r.drop(tmp)
			return nil
		}
		if errors.Is(err, fs.ErrExist) {
			return backup.Changed
		}
		// No links here, as on shared storage: a rename has to do.
	}
	if err := r.root.Rename(tmp, full); err != nil {
		return err
	}
	delete(r.parts, tmp)
	return nil
}

// written notes what a file is after it was written.
func (r *restore) written(f *file, merges, adds []job) {
	info, err := r.root.Lstat(path.Join(Folder, f.name))
	f.info, f.stale = info, err != nil
	shift, next := int64(0), 0
	for _, id := range f.slots {
		s := &r.match.slots[id]
		s.at += shift
		if next < len(merges) && merges[next].slot == id {
			n := int64(len(merges[next].insert))
			s.size += n
			shift += n
			next++
		}
	}
	for _, j := range merges {
		if raw, _, err := r.load(j.slot); err == nil {
			r.match.slots[j.slot].digest = digestOf(raw)
		}
	}
	if n := len(adds); n > 0 {
		for _, j := range adds {
			f.added = append(f.added, r.match.hash.core(j.item.Value))
		}
		f.endsNL = endsLine(adds[n-1].item.Value, f.enc)
	}
}

func (r *restore) syncDir(dir string) error {
	d, err := r.root.OpenFile(dir, readFlags, 0)
	if err != nil {
		if errors.Is(err, syscall.EACCES) {
			return nil // it may be written to and not listed
		}
		return err
	}
	defer d.Close()
	return syncDir(d)
}
