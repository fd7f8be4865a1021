package pm

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/ferry-move/ferry/mobile/android/entity"
	"github.com/ferry-move/ferry/mobile/android/mutf8"
)

// Set is a whole data set.
type Set struct {
	// Ancestral is the format's version. 0 = it said none, as before Android 9.
	Ancestral int32
	// Global is nil if the set has none.
	Global *Global
	// Home is nil if the set has none.
	Home *Home
	// Apps has an entry for each package, by name. Each has a signer.
	Apps map[string]App
	// Unusable are the entries that could not be taken, in the order of the
	// stream, at most one for a name unless the stream repeats it.
	Unusable []Unusable
}

// Unusable is an entry that could not be taken. Its app is not restored.
type Unusable struct {
	// Name is the package or the key. Empty if it is longer than [MaxName].
	Name string
	// Err is why: [ErrSigners], or an [*entity.DamageError].
	Err error
}

// Read reads a data set, applying the entities in order: a later one replaces
// an earlier one of the same key, and a deletion removes it. What does not
// parse goes to Unusable. Read fails if the stream is damaged, if the format is
// unknown ([ErrVersion]), or if there are more than [MaxApps] packages.
func Read(r *entity.Reader) (*Set, error) {
	s := &Set{Apps: map[string]App{}}
	var value []byte
	first := true
	for h, err := range r.All() {
		if err == nil {
			value, err = s.read(r, h, value[:0], first)
		}
		if err != nil {
			return nil, wrap("read the package list", err)
		}
		first = false
	}
	return s, nil
}

// read takes one entity. It reads the value into buf and returns that.
func (s *Set) read(r *entity.Reader, h entity.Header, buf []byte, first bool) ([]byte, error) {
	if len(s.Apps)+len(s.Unusable) >= MaxApps+2 {
		return buf, &entity.DamageError{Offset: r.Offset(), What: "the package list", Err: entity.ErrLimit}
	}
	if len(h.Key) > MaxName {
		s.unusable("", &entity.DamageError{Offset: r.Offset(), What: "a package name", Err: entity.ErrLimit})
		return buf, nil
	}
	name, err := h.Key.Text()
	if err != nil {
		return buf, err
	}
	if h.Key != AncestralKey {
		s.drop(h.Key, name)
	}
	if h.Deleted {
		return buf, nil
	}
	base := r.Offset()
	value, err := r.AppendData(buf, MaxValue)
	if errors.Is(err, entity.ErrLimit) {
		s.unusable(name, &entity.DamageError{Offset: base, What: "an entry", Err: entity.ErrLimit})
		return value, nil
	}
	if err != nil {
		return value, err
	}
	if h.Key == AncestralKey {
		if first { // anywhere else it says nothing
			s.Ancestral, err = parseAncestral(value, base)
		}
		return value, err
	}
	if err := s.take(h.Key, name, value, base); err != nil {
		s.unusable(name, err)
	}
	return value, nil
}

func (s *Set) unusable(name string, err error) {
	s.Unusable = append(s.Unusable, Unusable{Name: name, Err: err})
}

func (s *Set) drop(key entity.Key, name string) {
	switch key {
	case GlobalKey:
		s.Global = nil
	case HomeKey:
		s.Home = nil
	default:
		delete(s.Apps, name)
	}
}

func (s *Set) take(key entity.Key, name string, value []byte, base int64) error {
	switch key {
	case GlobalKey:
		g, err := parseGlobal(value, base)
		if err != nil {
			return err
		}
		s.Global = &g
	case HomeKey:
		h, err := parseHome(value, base)
		if err != nil {
			return err
		}
		s.Home = &h
	default:
		a, err := parseApp(value, base)
		if err != nil {
			return err
		}
		if len(a.Signers) == 0 {
			return ErrSigners
		}
		s.Apps[name] = a
	}
	return nil
}

// Write writes a whole set in the order that a restore needs. The format is
// always [AncestralVersion]. It fails with [ErrNoGlobal], [ErrName] or
// [ErrSigners] for what Android would not read.
func Write(w io.Writer, s *Set) error {
	if s.Global == nil {
		return wrap("write the package list", ErrNoGlobal)
	}
	out := NewWriter(w)
	if s.Home != nil {
		if err := out.Home(*s.Home); err != nil {
			return err
		}
	}
	if err := out.Global(*s.Global); err != nil {
		return err
	}
	for _, name := range slices.SortedFunc(maps.Keys(s.Apps), mutf8.Compare) {
		if err := out.App(name, s.Apps[name]); err != nil {
			return err
		}
	}
	return out.Close()
}

// Writer writes a data set, or what changed in one, entry by entry after the
// ancestral record. In a stream for a restore the entries ascend by key: the
// home app, the system, the packages in Java's order. What it refuses leaves
// the stream as it was; after a failed write every call fails.
type Writer struct {
	w   *entity.Writer
	buf []byte
}

// NewWriter returns a Writer to w whose stream begins with the ancestral
// record.
func NewWriter(w io.Writer) *Writer {
	out := &Writer{w: entity.NewWriter(w, entity.Options{})}
	out.buf = AppendAncestral(nil)
	_ = out.entity(AncestralKey) // an entity.Writer keeps its first error
	return out
}

// Home writes the home app's entry.
func (w *Writer) Home(h Home) (err error) {
	if w.buf, err = h.Append(w.buf[:0]); err != nil {
		return err
	}
	return w.entity(HomeKey)
}

// NoHome deletes the home app's entry: the phone has no preferred one.
func (w *Writer) NoHome() error {
	return wrap("write the package list", w.w.Delete(HomeKey))
}

// Global writes the system's entry.
func (w *Writer) Global(g Global) (err error) {
	if w.buf, err = g.Append(w.buf[:0]); err != nil {
		return err
	}
	return w.entity(GlobalKey)
}

// App writes a package's entry. It fails with [ErrName] or [ErrSigners].
func (w *Writer) App(name string, a App) error {
	key, err := entity.KeyOf(name)
	if err != nil {
		return fmt.Errorf("write a package's entry: %w: %w", ErrName, err)
	}
	if len(key) > MaxName || key.Reserved() || key == AncestralKey || key == HomeKey || key == GlobalKey {
		return wrap("write a package's entry", ErrName)
	}
	if w.buf, err = a.Append(w.buf[:0]); err != nil {
		return err
	}
	return w.entity(key)
}

// Close ends the stream. It does not close the underlying writer.
func (w *Writer) Close() error { return wrap("write the package list", w.w.Close()) }

// entity writes what buf holds.
func (w *Writer) entity(key entity.Key) error {
	err := w.w.WriteHeader(key, int64(len(w.buf)))
	if err == nil {
		_, err = w.w.Write(w.buf)
	}
	return wrap("write the package list", err)
}
