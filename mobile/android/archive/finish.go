package archive

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"github.com/ferry-move/ferry/mobile/android/fullbackup"
	"github.com/ferry-move/ferry/mobile/syncfs"
)

// setTime sets a file's time. A file system that cannot keep it is no reason to
// lose the content.
func setTime(dir *os.Root, base string, seconds int64) error {
	t := time.Unix(seconds, 0)
	if err := dir.Chtimes(base, t, t); err != nil && errors.Is(err, fs.ErrNotExist) {
		return bare(err)
	}
	return nil
}

// finish completes the unit under way, if there is one.
func (x *extractor) finish() error {
	t := x.unit
	if t == nil {
		return nil
	}
	switch t.state {
	case comparing:
		t.close()
		x.done.Same++
	case staging:
		if err := x.complete(); err != nil {
			return err
		}
		if t.pkg != "" {
			x.done.Apps++
		}
	case skipping:
		t.close()
	}
	x.unit = nil
	return nil
}

// close closes what the unit has open.
func (t *target) close() {
	if t.files != nil {
		t.files.close()
	}
	t.index.close()
	t.folders.close()
	if t.part != nil {
		t.part.Close()
	}
	t.files, t.index, t.folders, t.part = nil, nil, nil, nil
}

// abort removes the unit under way.
func (x *extractor) abort() {
	if t := x.unit; t != nil {
		t.close()
		if t.state == staging {
			_ = x.top.RemoveAll(partName(t.pkg)) // its name says that it is not complete
		}
	}
}

// complete gives a staged unit its times and its name.
func (x *extractor) complete() error {
	t := x.unit
	if err := t.index.end(); err != nil {
		return x.space(err)
	}
	if err := x.space(t.index.f.Sync()); err != nil {
		return err
	}
	if err := t.folders.end(); err != nil {
		return x.space(err)
	}
	if err := x.times(); err != nil {
		return err
	}
	t.close()
	if err := x.top.Remove(partName(t.pkg) + "/" + foldersName); err != nil {
		return bare(err)
	}
	if err := x.sync(); err != nil {
		return err
	}
	return x.publish()
}

// sync forces what was unpacked to the disk, where that is possible at once.
func (x *extractor) sync() error {
	f, err := x.top.Open(".")
	if err != nil {
		return bare(err)
	}
	defer f.Close()
	if err := syncfs.All(f); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return x.space(bare(err))
	}
	return nil
}

// times sets the times of the folders that were made, now that nothing more
// comes into them.
func (x *extractor) times() error {
	t := x.unit
	if _, err := t.folders.f.Seek(0, io.SeekStart); err != nil {
		return bare(err)
	}
	r, err := newIndexReader(t.folders.f, t.unit, fullbackup.DefaultEntries)
	if err != nil {
		return err
	}
	for {
		h, err := r.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		dir, base, err := t.files.at(place(t.unit, h), false)
		if err != nil {
			return bare(err)
		}
		if err := setTime(dir, base, h.ModTime); err != nil {
			return err
		}
	}
}

// publish moves a complete unit to its place. An app that has both files and
// key/value data has its folder from the first of them.
func (x *extractor) publish() error {
	t := x.unit
	part, home := partName(t.pkg), homeName(t.pkg)
	switch _, err := x.top.Lstat(home); {
	case errors.Is(err, fs.ErrNotExist):
		if err := x.top.Rename(part, home); err != nil {
			return bare(err)
		}
		if p := x.census.pkgOf(t.unit); p != nil {
			p.made = true
		}
		return nil
	case err != nil:
		return bare(err)
	}
	apps, err := openFolder(x.top, appsFolder, false)
	if err != nil {
		return bare(err)
	}
	defer apps.Close()
	switch d, err := openFolder(apps, path.Base(home), false); {
	case errors.Is(err, errNotFolder): // shared storage's: of an app, begin saw it
		x.report(t.first.finding(KindIndex, Note, "something else lies where its index belongs", nil))
		return bare(x.top.RemoveAll(part))
	case err != nil:
		return bare(err)
	default:
		d.Close()
	}
	dir, err := x.top.Open(part)
	if err != nil {
		return bare(err)
	}
	names, err := dir.Readdirnames(-1) // domains and an index, and no more than an archive gave it
	dir.Close()
	if err != nil {
		return bare(err)
	}
	for _, name := range names {
		if _, err := x.top.Lstat(home + "/" + name); err == nil {
			if same, err := x.sameIndex(part+"/"+name, home+"/"+name); err != nil || !same {
				x.report(t.first.finding(KindIndex, Note, "there is an index already, and it is kept", err))
			}
			continue
		} else if !errors.Is(err, fs.ErrNotExist) {
			return bare(err)
		}
		if err := x.top.Rename(part+"/"+name, home+"/"+name); err != nil {
			return bare(err)
		}
	}
	return bare(x.top.RemoveAll(part))
}

// sameIndex compares two small files.
func (x *extractor) sameIndex(a, b string) (bool, error) {
	fa, ia, err := openFile(x.top, a)
	if err != nil {
		return false, bare(err)
	}
	defer fa.Close()
	fb, ib, err := openFile(x.top, b)
	if err != nil {
		return false, bare(err)
	}
	defer fb.Close()
	if ia.Size() != ib.Size() {
		return false, nil
	}
	half := len(x.buf) / 2
	for {
		n, rerr := io.ReadFull(fa, x.buf[:half])
		m, _ := io.ReadFull(fb, x.buf[half:][:half]) // a short one is a difference
		if n != m || string(x.buf[:n]) != string(x.buf[half:][:m]) {
			return false, nil
		}
		if rerr == io.EOF || rerr == io.ErrUnexpectedEOF {
			return true, nil
		}
		if rerr != nil {
			return false, bare(rerr)
		}
	}
}
