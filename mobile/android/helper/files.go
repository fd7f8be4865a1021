package helper

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/appdir"
	"github.com/ferry-move/ferry/mobile/android/entity"
)

// The folders of an app in which the helpers' files lie.
const (
	filesDir = "files"
	prefsDir = "shared_prefs"
)

// ErrName says that a file or a group cannot be backed up under its name: it
// lies outside the app's folder, is no text, or was given twice.
var ErrName = errors.New("not a name for a helper")

// Files is the helper of an app's files (FileBackupHelper).
type Files struct{ set fileSet }

// NewFiles returns the helper of the named files. root is the app's folder; the
// names are relative to files in it, with slashes, and may lead to another of
// the app's folders, as in "../databases/notes.db". A file's key is its name as
// given here. It fails with [ErrName].
func NewFiles(root *os.Root, names ...string) (*Files, error) {
	f := &Files{set: newFileSet(root)}
	for _, name := range names {
		// A file at the top would be among those that are being written.
		p := path.Join(filesDir, name)
		if !strings.Contains(p, "/") || strings.HasSuffix(name, "/") {
			return nil, ErrName
		}
		if err := f.set.add(name, p); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// Backup implements [Helper].
func (f *Files) Backup(ctx context.Context, b android.BackupRequest) error {
	return f.set.backup(ctx, b)
}

// RestoreEntity implements [Helper].
func (f *Files) RestoreEntity(ctx context.Context, e Entity) error {
	_, err := f.set.restore(ctx, e)
	return err
}

// WriteState implements [Helper].
func (f *Files) WriteState(w io.Writer) error { return f.set.writeState(w) }

// Clear implements [android.Cleaner]: it removes the files.
func (f *Files) Clear(ctx context.Context) error { return f.set.clear(ctx) }

// SharedPreferences is the helper of an app's preferences
// (SharedPreferencesBackupHelper).
type SharedPreferences struct{ set fileSet }

// NewSharedPreferences returns the helper of the named groups. root is the
// app's folder; a group is the file NAME.xml of shared_prefs in it, and its key
// is NAME. It fails with [ErrName].
func NewSharedPreferences(root *os.Root, groups ...string) (*SharedPreferences, error) {
	s := &SharedPreferences{set: newFileSet(root)}
	for _, g := range groups {
		if strings.Contains(g, "/") {
			return nil, ErrName
		}
		if err := s.set.add(g, prefsDir+"/"+g+".xml"); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Backup implements [Helper].
func (s *SharedPreferences) Backup(ctx context.Context, b android.BackupRequest) error {
	return s.set.backup(ctx, b)
}

// RestoreEntity implements [Helper]. A group that comes back loses the copy
// NAME.xml.bak, which Android would read instead of it (AOSP
// SharedPreferencesImpl.java).
func (s *SharedPreferences) RestoreEntity(ctx context.Context, e Entity) error {
	p, err := s.set.restore(ctx, e)
	if err != nil || p == "" {
		return err
	}
	return appdir.Remove(s.set.root, p+".bak")
}

// WriteState implements [Helper].
func (s *SharedPreferences) WriteState(w io.Writer) error { return s.set.writeState(w) }

// Clear implements [android.Cleaner]: it removes the groups' files.
func (s *SharedPreferences) Clear(ctx context.Context) error {
	err := s.set.clear(ctx)
	for _, m := range s.set.members {
		err = errors.Join(err, appdir.Remove(s.set.root, m.path+".bak"))
	}
	return err
}

// add adds a file whose key is name.
func (s *fileSet) add(name, file string) error {
	key, err := entity.KeyOf(name)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrName, err)
	}
	if appdir.Check(file) != nil || len(key) > entity.MaxKey/2 {
		return ErrName
	}
	if _, twice := s.byName[name]; twice {
		return ErrName
	}
	s.byName[name] = len(s.members)
	s.members = append(s.members, member{key, file})
	return nil
}
