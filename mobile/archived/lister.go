package archived

import (
	"errors"
	"hash/maphash"
	"io/fs"
	"strings"
	"time"

	"github.com/ferry-move/ferry/mobile/android/archive"
	"github.com/ferry-move/ferry/mobile/android/domain"
	"github.com/ferry-move/ferry/mobile/android/fullbackup"
	"github.com/ferry-move/ferry/mobile/apps"
	"github.com/ferry-move/ferry/mobile/backup"
)

// act says what an event is.
type act uint8

const (
	begins  act = iota // an app's files, or its key/value data, begin
	lists              // an item, or with a reason what cannot be one
	records            // the file of an app's key/value data
	spoils             // something without which the app is not whole
)

// event is what an entry of an archive means.
type event struct {
	act    act
	item   backup.Item
	reason backup.Reason
	app    *app // nil = shared storage, or what is no app
	kv     bool // of begins: key/value data
	// entry is where the item comes from, nil for one that the archive passes
	// over.
	entry  *archive.Entry
	offset int64 // in the tar
}

// lister turns entries into events, in every pass over an archive into the same
// ones.
type lister struct {
	seed maphash.Seed
	// find returns the app of a valid name.
	find func(name string, offset int64) (*app, error)
	out  func(event) error

	err   error // of out, where there was no way to return it
	begun bool
	pkg   string // the unit under way: an app's files or its key/value data,
	kv    bool   // or shared storage
	app   *app
	ofApp *seen
	above string // the folder whose parents were all listed
	of    map[backup.Kind]*seen
}

// entry takes an entry in.
func (l *lister) entry(e *archive.Entry) error {
	if l.err != nil {
		return l.err
	}
	kv := e.Domain == string(domain.KeyValue)
	if first := !l.begun || e.Package != l.pkg || kv != l.kv; first {
		if err := l.begin(e, kv); err != nil {
			return err
		}
	}
	switch {
	case e.Package == "":
		return l.shared(e)
	case l.app == nil:
		return nil // its name said it
	}
	return l.ofAnApp(e)
}

func (l *lister) begin(e *archive.Entry, kv bool) error {
	l.begun, l.pkg, l.kv, l.app, l.above = true, e.Package, kv, nil, ""
	l.ofApp = &seen{seed: l.seed}
	if e.Package == "" {
		return nil
	}
	if !validName(e.Package) {
		return l.out(event{
			act: lists, reason: backup.BadName, offset: e.Offset,
			item: backup.Item{Kind: apps.Kind, Type: backup.TypeEntity, Key: backup.Key(e.Package)},
		})
	}
	var err error
	if l.app, err = l.find(e.Package, e.Offset); err != nil || l.app == nil {
		return err
	}
	return l.out(event{act: begins, app: l.app, kv: kv, entry: e, offset: e.Offset, item: backup.Item{Kind: apps.Kind}})
}

// itemOf describes the file or folder of an entry.
func itemOf(e *archive.Entry, kind backup.Kind, key backup.Key) backup.Item {
	it := backup.Item{Kind: kind, Type: backup.TypeFile, Key: key, Size: e.Size, Mode: fs.FileMode(e.Mode) & fs.ModePerm, ModTime: time.Unix(e.ModTime, 0)}
	if e.Type == fullbackup.TypeDirectory {
		it.Type, it.Size = backup.TypeDirectory, 0
	}
	return it
}

func (l *lister) shared(e *archive.Entry) error {
	key, ok := sharedKey(domain.Token(e.Domain), e.Path)
	info := infoOf(key, e.Type == fullbackup.TypeDirectory)
	ev := event{act: lists, item: itemOf(e, info.Kind, key), entry: e, offset: e.Offset}
	if !ok || !fits(key) {
		ev.reason = backup.BadName
		return l.out(ev)
	}
	if l.of == nil {
		l.of = map[backup.Kind]*seen{}
	}
	s := l.of[info.Kind]
	if s == nil {
		s = &seen{seed: l.seed}
		l.of[info.Kind] = s
	}
	return l.once(s, ev)
}

func (l *lister) ofAnApp(e *archive.Entry) error {
	t := domain.Token(e.Domain)
	key := backup.Key(e.Package + "/" + e.Path)
	if t != "" {
		key = backup.Key(e.Package + "/" + e.Domain + "/" + e.Path)
	}
	ev := event{act: lists, item: itemOf(e, apps.Kind, key), app: l.app, entry: e, offset: e.Offset}
	switch {
	case domain.NeverBackedUp(t, e.Path):
		return nil
	case ownName(e.Domain):
		ev.reason = backup.BadName
		return l.out(ev)
	case !fits(key):
		ev.act, ev.reason = spoils, backup.BadName
		return l.out(ev)
	}
	if t != "" {
		if err := l.parents(string(key), t); err != nil {
			return err
		}
	}
	if t == domain.KeyValue && e.Type == fullbackup.TypeFile && e.Path == e.Package+".data" {
		ev.act = records
	}
	return l.once(l.ofApp, ev)
}

// parents lists the folders that a key lies in, but for those that were listed,
// and for what holds an agent's files: no archive has an entry for that.
func (l *lister) parents(key string, t domain.Token) error {
	dir := key[:strings.LastIndexByte(key, '/')]
	if dir == l.above {
		return nil
	}
	l.above = dir
	from := len(l.pkg) + 1
	if agents(t) {
		from += len(t) + 1
	}
	for i := from; i < len(key); i++ {
		if key[i] != '/' || l.ofApp.add(key[:i], 0) != added {
			continue
		}
		it := backup.Item{Kind: apps.Kind, Type: backup.TypeDirectory, Key: backup.Key(key[:i])}
		if err := l.out(event{act: lists, item: it, app: l.app, offset: -1}); err != nil {
			return err
		}
	}
	return nil
}

// once lists what was not listed yet. Another file of the same name is told of,
// the same file again is not: rules that overlap make an archive hold it twice.
func (l *lister) once(s *seen, ev event) error {
	mark := uint64(0)
	if ev.item.Type == backup.TypeFile {
		mark = 1 | uint64(ev.item.Size)*0x9e3779b97f4a7c15 ^ uint64(ev.item.ModTime.Unix())<<1
	}
	switch s.add(string(ev.item.Key), mark) {
	case differs:
		if ev.item.Type == backup.TypeFile {
			ev.act, ev.reason = lists, backup.Changed
			return l.out(ev)
		}
		return nil
	case same:
		return nil
	}
	return l.out(ev)
}

// finding takes in what the archive's reader says of entries that it does not
// give out.
func (l *lister) finding(f archive.Finding) {
	var r fullbackup.Reason
	if f.Kind != archive.KindEntry || !errors.As(f.Err, &r) || l.err != nil {
		return
	}
	reason, spoil := reasonOf(r)
	if reason == 0 {
		return
	}
	ev := event{act: lists, reason: reason, offset: f.Offset, item: backup.Item{Type: backup.TypeFile}}
	if rest, ok := strings.CutPrefix(f.Name, "apps/"); ok {
		ev.item.Kind, ev.item.Key = apps.Kind, cut(backup.Key(rest))
		if validName(f.Package) {
			if ev.app, l.err = l.find(f.Package, f.Offset); l.err != nil || ev.app == nil {
				return
			}
			if spoil {
				ev.act = spoils
			}
		}
	} else {
		key := backup.Key(f.Name)
		if rest, ok := strings.CutPrefix(f.Name, "shared/0/"); ok {
			key, _ = sharedKey(domain.Shared(0), rest)
		}
		ev.item.Key = cut(key)
		ev.item.Kind = infoOf(ev.item.Key, false).Kind
	}
	l.err = l.out(ev)
}

// maxSeen is how many names of one app, or of one kind of shared storage, are
// remembered. A name that comes twice further apart is listed twice.
const maxSeen = 1 << 17

// seen remembers which names came, by a hash that nobody outside can aim at.
type seen struct {
	seed maphash.Seed
	m    map[uint64]uint64
}

type verdict uint8

const (
	added   verdict = iota // it is new
	same                   // it came before, with this mark
	differs                // it came before, with another
	full                   // nobody knows
)

func (s *seen) add(name string, mark uint64) verdict {
	h := maphash.String(s.seed, name)
	switch was, ok := s.m[h]; {
	case ok && was == mark:
		return same
	case ok:
		return differs
	case len(s.m) >= maxSeen:
		return full
	}
	if s.m == nil {
		s.m = map[uint64]uint64{}
	}
	s.m[h] = mark
	return added
}
