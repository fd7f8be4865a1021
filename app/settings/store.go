package settings

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/ferry-move/ferry/app/durable"
)

const (
	fileName = "settings.json"
	lockName = "settings.lock"
	// patience is how long a change waits for that of another program.
	patience = 2 * time.Second
)

// Reason says what is wrong with the file.
type Reason uint8

// What can be wrong with the file.
const (
	Damaged    Reason = iota + 1 // it is not what ferry wrote; it was set aside if Aside says where
	Newer                        // a newer version wrote it; it is left alone, and nothing is saved
	Unreadable                   // the system does not let it be read; it is left alone
	Unusable                     // some of its values cannot be used; they have their defaults
	Unwritable                   // a change could not be saved; it holds for this run
	Busy                         // another program is writing them; the same
)

var reasons = [...]string{"unknown", "damaged", "newer", "unreadable", "unusable", "unwritable", "busy"}

// String returns a word for logs and tests.
func (r Reason) String() string {
	if int(r) < len(reasons) {
		return reasons[r]
	}
	return reasons[0]
}

// Error means that the settings could not be read or saved as they should. The
// program goes on: with defaults for what could not be read, and with changes
// that were not saved until it ends.
type Error struct {
	Reason Reason
	// Path is the file; Aside is where it was set aside, empty if it was not.
	Path, Aside string
	// Fields are those that are meant, of Unusable.
	Fields []Field
	// Err is the cause, nil if there is none beside the reason.
	Err error
}

// Error implements error. Paths are left out: they may hold a person's name.
func (e *Error) Error() string {
	if e.Err == nil {
		return "settings: " + e.Reason.String()
	}
	return "settings: " + e.Reason.String() + ": " + pathless(e.Err).Error()
}

// Unwrap gives the cause to errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Err }

// pathless keeps what failed and why.
func pathless(err error) error {
	var pe *fs.PathError
	var le *os.LinkError
	switch {
	case errors.As(err, &pe):
		return fmt.Errorf("%s: %w", pe.Op, pe.Err)
	case errors.As(err, &le):
		return fmt.Errorf("%s: %w", le.Op, le.Err)
	}
	return err
}

// Store holds the settings of a run. Its methods are safe for several goroutines.
type Store struct {
	path string // immutable

	mu      sync.Mutex
	now     Settings // guarded by mu
	unsaved object   // changes that are not in the file; guarded by mu
}

// Open reads the settings in a home. The store is good in any case; the error is
// an *Error for the person to hear of.
func Open(home string) (*Store, error) {
	s := &Store{path: filepath.Join(home, fileName), unsaved: object{}}
	o, err := s.read()
	if errors.Is(err, errDamaged) { // under the lock, for another program may have put it right
		var unlock func()
		if unlock, err = s.lock(); err == nil {
			o, err = s.readOrSetAside()
			unlock()
		} else {
			err = &Error{Reason: Damaged, Path: s.path, Err: errDamaged}
		}
	}
	var bad []Field
	s.now, bad = o.settings()
	if err == nil && len(bad) > 0 {
		err = &Error{Reason: Unusable, Path: s.path, Fields: bad}
	}
	return s, s.wrap(err)
}

// Get returns the settings as they are now.
func (s *Store) Get() Settings {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// Update changes settings and saves those that changed, beside what other programs
// have saved meanwhile. The change gets the settings as they are in the file now.
// An *InvalidError means that nothing changed; an *Error that the change holds for
// this run, and that the next one tries to save it too.
func (s *Store) Update(change func(*Settings)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	unlock, err := s.lock()
	var o object
	if err == nil {
		defer unlock()
		o, err = s.readOrSetAside()
	}
	var aside *Error
	if errors.As(err, &aside) && aside.Aside != "" { // there is none now
		err = nil
	}
	if err == nil {
		merged := object{}
		maps.Copy(merged, o)
		maps.Copy(merged, s.unsaved)
		s.now, _ = merged.settings()
	}
	next := s.now
	change(&next)
	if err := next.Check(); err != nil {
		return err
	}
	changed, cerr := changes(s.now, next)
	if cerr != nil {
		return cerr
	}
	maps.Copy(s.unsaved, changed)
	s.now = next
	if err == nil {
		err = s.save(o)
	}
	if err == nil && aside != nil {
		return aside
	}
	return s.wrap(err)
}

// save writes the unsaved changes over what the file holds.
func (s *Store) save(o object) error {
	if len(s.unsaved) == 0 {
		return nil
	}
	all := object{}
	maps.Copy(all, o)
	maps.Copy(all, s.unsaved)
	b, err := all.encode()
	if err == nil {
		err = durable.Write(s.path, b)
	}
	if err != nil {
		return &Error{Reason: Unwritable, Path: s.path, Err: err}
	}
	clear(s.unsaved)
	return nil
}

// wrap makes an *Error of whatever reading or writing met.
func (s *Store) wrap(err error) error {
	switch {
	case err == nil, errors.As(err, new(*Error)):
		return err
	case errors.Is(err, errNewer):
		return &Error{Reason: Newer, Path: s.path}
	case errors.Is(err, errDamaged):
		return &Error{Reason: Damaged, Path: s.path, Err: err}
	}
	return &Error{Reason: Unreadable, Path: s.path, Err: err}
}

// read reads the file; there may be none.
func (s *Store) read() (object, error) {
	fi, err := os.Stat(s.path) // a pipe would not end
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case !fi.Mode().IsRegular():
		return nil, fmt.Errorf("%w: not a file", errDamaged)
	}
	f, err := os.Open(s.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	return parse(b)
}

// readOrSetAside reads the file; a damaged one is set aside, which the error says.
// It needs the lock.
func (s *Store) readOrSetAside() (object, error) {
	o, err := s.read()
	if !errors.Is(err, errDamaged) {
		return o, err
	}
	e := &Error{Reason: Damaged, Path: s.path, Err: err}
	for i := 1; i <= 1000; i++ {
		aside := fmt.Sprintf("%s.damaged-%d", s.path, i)
		if _, err := os.Lstat(aside); err == nil {
			continue
		}
		if err := os.Rename(s.path, aside); err != nil {
			e.Err = err
			return nil, e
		}
		e.Aside = aside
		return nil, e
	}
	return nil, e
}

// lock keeps other programs from writing; the home is made if it is missing.
func (s *Store) lock() (unlock func(), err error) {
	dir := filepath.Dir(s.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, &Error{Reason: Unwritable, Path: s.path, Err: err}
	}
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, &Error{Reason: Unwritable, Path: s.path, Err: err}
	}
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		err := tryLock(f)
		switch {
		case err == nil:
			return func() { f.Close() }, nil // the lock goes with the file
		case !errors.Is(err, errLocked):
			f.Close()
			return nil, &Error{Reason: Unwritable, Path: s.path, Err: err}
		case time.Now().After(end):
			f.Close()
			return nil, &Error{Reason: Busy, Path: s.path}
		}
	}
}

// errLocked means that another program has the lock.
var errLocked = errors.New("another program has the lock")
