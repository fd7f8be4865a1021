package fakephone

import (
	"io/fs"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
)

// record is what is kept of an item that came in. Its content is not, unless
// the phone keeps some.
type record struct {
	key    backup.Key
	typ    backup.Type
	gone   bool // removed since
	mode   uint16
	size   int64
	sec    int64
	nsec   int32 // below 0: the time is unknown
	digest backup.Digest
}

func newRecord(key backup.Key, it backup.Item, d backup.Digest) record {
	r := record{key: key, typ: it.Type, mode: uint16(it.Mode.Perm()), size: it.Size, digest: d, nsec: -1}
	if !it.ModTime.IsZero() {
		r.sec, r.nsec = it.ModTime.Unix(), int32(it.ModTime.Nanosecond())
	}
	return r
}

func (r *record) time() time.Time {
	if r.nsec < 0 {
		return time.Time{}
	}
	return time.Unix(r.sec, int64(r.nsec)).UTC()
}

// extra is the part of a record that few have.
type extra struct {
	group   string
	content []byte // an entity's value, or a file that is kept
	kept    bool
}

// store holds what came in for one kind.
type store struct {
	mu      sync.RWMutex
	records []record                // guarded by mu; only grows
	index   map[backup.Key]int      // guarded by mu; places in records
	extras  map[int]extra           // guarded by mu; by place in records
	gone    map[backup.Key]struct{} // guarded by mu; generated items that were removed
}

func newStore() *store {
	return &store{index: map[backup.Key]int{}, extras: map[int]extra{}, gone: map[backup.Key]struct{}{}}
}

// extra returns by how many items the phone differs from what was generated.
func (s *store) extra() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.index) - len(s.gone)
}

func (s *store) len() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.records)
}

// item returns the item at place i, and false if it was removed.
func (s *store) item(kind backup.Kind, i int) (backup.Item, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r := &s.records[i]
	it := backup.Item{
		Kind: kind, Type: r.typ, Key: r.key, Size: r.size, Mode: fs.FileMode(r.mode), ModTime: r.time(),
	}
	if r.typ == backup.TypeEntity {
		x := s.extras[i]
		it.Group, it.Value = x.group, x.content
	}
	return it, !r.gone
}

// content returns what is in a received file. kept tells whether it is here.
func (s *store) content(key backup.Key) (r record, b []byte, kept, ok bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	i, ok := s.index[key]
	if !ok {
		return record{}, nil, false, false
	}
	x := s.extras[i]
	return s.records[i], x.content, x.kept, true
}

func (s *store) removed(key backup.Key) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, gone := s.gone[key]
	return gone
}

// present is an item that the phone has under a key.
type present struct {
	typ  backup.Type
	size int64
	sum  func() backup.Digest // of its content; it may take time
}

// present looks key up among what came in and what was generated. The caller
// holds mu.
func (a *agent) present(key backup.Key) (present, bool) {
	if i, ok := a.store.index[key]; ok {
		r := a.store.records[i]
		return present{typ: r.typ, size: r.size, sum: func() backup.Digest { return r.digest }}, true
	}
	p, ok := a.gen.find(key)
	if !ok {
		return present{}, false
	}
	if _, gone := a.store.gone[key]; gone {
		return present{}, false
	}
	it, _ := a.gen.at(p)
	return present{typ: it.Type, size: it.Size, sum: func() backup.Digest { return a.gen.digest(p, it) }}, true
}

// add puts an item in under its own key or, when that is taken by something
// else, beside it. It adds nothing when the same content is there already. An
// empty name means the item's own key.
func (a *agent) add(it backup.Item, d backup.Digest, x extra) (backup.Outcome, backup.Key) {
	a.store.mu.Lock()
	defer a.store.mu.Unlock()
	var name backup.Key
	for n := 1; ; n++ {
		key := it.Key
		if name != "" {
			key = name
		}
		here, ok := a.present(key)
		if !ok {
			a.store.insert(newRecord(key, it, d), x)
			return backup.Added, name
		}
		if here.typ == it.Type && (it.Type == backup.TypeDirectory || here.size == it.Size && here.sum() == d) {
			return backup.Skipped, name
		}
		name = beside(it, n)
	}
}

// insert appends a record. The caller holds mu.
func (s *store) insert(r record, x extra) {
	i := len(s.records)
	s.records = append(s.records, r)
	s.index[r.key] = i
	if x.content != nil || x.kept || x.group != "" {
		s.extras[i] = x
	}
}

// variants returns what the phone has under key and beside it.
func (a *agent) variants(it backup.Item) (keys []backup.Key, all []present) {
	a.store.mu.RLock()
	defer a.store.mu.RUnlock()
	key := it.Key
	for n := 1; ; n++ {
		here, ok := a.present(key)
		if !ok {
			return keys, all
		}
		keys, all = append(keys, key), append(all, here)
		key = beside(it, n)
	}
}

// beside returns the n-th other name of an item: "name (1).ext", shortened so
// that it can be written.
func beside(it backup.Item, n int) backup.Key {
	tail := " (" + strconv.Itoa(n) + ")"
	if it.Type == backup.TypeEntity {
		return it.Key + backup.Key(tail)
	}
	dir, name := path.Split(string(it.Key))
	ext := path.Ext(name)
	stem := strings.TrimSuffix(name, ext)
	if stem == "" || len(ext) > 16 || it.Type == backup.TypeDirectory { // ".nomedia" has no extension
		stem, ext = name, ""
	}
	if over := len(stem) + len(tail) + len(ext) - maxName; over > 0 {
		stem = strings.ToValidUTF8(stem[:max(len(stem)-over, 0)], "")
	}
	return backup.Key(dir + stem + tail + ext)
}

// remove takes an item away.
func (a *agent) remove(key backup.Key) bool {
	a.store.mu.Lock()
	defer a.store.mu.Unlock()
	if i, ok := a.store.index[key]; ok {
		a.store.records[i].gone = true
		x := a.store.extras[i]
		if x.kept {
			a.dev.keep.Add(int64(len(x.content)))
		}
		a.dev.free.Add(a.store.records[i].size)
		delete(a.store.extras, i)
		delete(a.store.index, key)
		return true
	}
	here, ok := a.present(key)
	if !ok {
		return false
	}
	a.dev.free.Add(here.size)
	a.store.gone[key] = struct{}{}
	return true
}
