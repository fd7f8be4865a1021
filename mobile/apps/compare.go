package apps

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/domain"
	"github.com/ferry-move/ferry/mobile/android/entity"
)

// sameSize reports whether the app that is here has as many parts as came.
// Every part that came is in it.
func (t *target) sameSize(pkg string, w wholeValue) bool {
	n := int64(0)
	err := fs.WalkDir(t.apps.FS(), pkg, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch {
		case name == pkg, d.IsDir() && path.Dir(name) == pkg && agentsFolder(w.form, path.Base(name)):
			// No archive has an entry for a domain's own folder.
		case w.form == android.RestoreKeyValue && name == recordsPath(pkg):
		default:
			n++
		}
		return nil
	})
	if err != nil {
		return false
	}
	if w.form == android.RestoreKeyValue {
		c, err := countRecords(t.apps, recordsPath(pkg))
		if err != nil {
			return false
		}
		n += c
	}
	return n == w.items
}

// agentsFolder reports whether the folder of that name is filled by an app's
// agent.
func agentsFolder(form android.RestoreType, name string) bool {
	t := domain.Token(name)
	return form != android.RestoreNone && (t == domain.OBB || slices.Contains(domain.Order(), t))
}

// identical reports whether everything that has arrived of an app is in the app
// that is here, content and time.
func (t *target) identical(pkg string) bool {
	if _, err := t.apps.Lstat(pkg); err != nil {
		return false
	}
	err := fs.WalkDir(t.apps.FS(), path.Join(arrivingDir, pkg), func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		came, err := d.Info()
		if err != nil {
			return err
		}
		own := name[len(arrivingDir)+1:]
		here, err := t.apps.Lstat(own)
		switch {
		case err != nil:
			return err
		case came.IsDir() && here.IsDir(), os.SameFile(came, here):
			return nil
		case !came.Mode().IsRegular(), !here.Mode().IsRegular(), came.Size() != here.Size(), !came.ModTime().Equal(here.ModTime()):
			return errDiffers
		}
		return t.equal(name, own)
	})
	return err == nil
}

var errDiffers = errors.New("it differs")

// equal compares two files of one length.
func (t *target) equal(a, b string) error {
	fa, err := t.apps.Open(a)
	if err != nil {
		return err
	}
	defer fa.Close()
	fb, err := t.apps.Open(b)
	if err != nil {
		return err
	}
	defer fb.Close()
	pa, pb := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, err := io.ReadFull(fa, pa)
		m, err2 := io.ReadFull(fb, pb)
		if n != m || !bytes.Equal(pa[:n], pb[:m]) {
			return errDiffers
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil
		}
		if err := cmp.Or(err, err2); err != nil {
			return err
		}
	}
}

// countRecords counts the records of a stream.
func countRecords(dir *os.Root, name string) (n int64, err error) {
	f, err := dir.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for h, err := range entity.NewReader(f, entity.Limits{}).All() {
		if err != nil {
			return 0, err
		}
		if !h.Deleted {
			n++
		}
	}
	return n, nil
}
