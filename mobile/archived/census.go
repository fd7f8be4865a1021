package archived

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/archive"
	"github.com/ferry-move/ferry/mobile/android/domain"
	"github.com/ferry-move/ferry/mobile/android/entity"
	"github.com/ferry-move/ferry/mobile/android/fullbackup"
	"github.com/ferry-move/ferry/mobile/apps"
	"github.com/ferry-move/ferry/mobile/backup"
)

const (
	// maxApps is how many apps an archive may have unless told otherwise.
	maxApps = 100_000
	// maxExamples is how many items that cannot move are named of each kind.
	maxExamples = 100
)

// app is what the first pass found out about an app. It is immutable after
// that.
type app struct {
	name   string
	offset int64 // where it begins in the tar
	bad    backup.Reason
	// begun tells that its files, or its key/value data, began; described that
	// their manifest was in front.
	begun, described [2]bool
	files            bool  // there is something for its agent to restore
	measured         int64 // what that takes in a tar, in bytes
	tally                  // of what is listed, but for its records
	record           struct {
		tally
		there bool
		size  int64 // of the stream
		bad   backup.Reason
	}
}

// tally counts what is listed.
type tally struct {
	items, folders, bytes int64
	cannot                map[backup.Reason]uint64
}

func (t *tally) add(it backup.Item, reason backup.Reason) {
	switch {
	case reason != 0:
		if t.cannot == nil {
			t.cannot = map[backup.Reason]uint64{}
		}
		t.cannot[reason]++
	case it.Type == backup.TypeDirectory:
		t.folders++
	default:
		t.items++
		t.bytes += it.Size
	}
}

// form says how the app moves.
func (a *app) form() android.RestoreType {
	if a.record.there && !a.files {
		return android.RestoreKeyValue
	}
	return android.RestoreFull
}

// fate says why the app as a whole does not move, 0 if it does.
func (a *app) fate(quota int64) backup.Reason {
	size := a.measured
	if a.form() == android.RestoreKeyValue {
		size = a.record.bytes
		if a.bad == 0 && a.record.bad != 0 {
			return a.record.bad
		}
	}
	switch {
	case a.bad != 0:
		return a.bad
	case !a.described[0] && !a.described[1]:
		return backup.Malformed
	case size > quota:
		return backup.OverQuota
	}
	return 0
}

// whole counts what is listed of an app that moves, but for the item that
// closes it.
func (a *app) whole() tally {
	t := a.tally
	switch {
	case a.form() == android.RestoreKeyValue:
		t.items += a.record.items
		t.bytes += a.record.bytes
	case a.record.there: // a file like any other
		t.items++
		t.bytes += a.record.size
	}
	return t
}

// closing is the item that closes the app.
func (a *app) closing() backup.Item {
	t := a.whole()
	return apps.ClosingItem(a.name, a.form(), t.items+t.folders)
}

// kindTally is what there is of one kind of shared storage.
type kindTally struct {
	info backup.Info
	tally
	examples []example
}

// example names what cannot move.
type example struct {
	offset int64
	app    *app
	key    backup.Key
	reason backup.Reason
}

// census is what the first pass counts. It is immutable after that.
type census struct {
	most   int
	byName map[string]*app
	order  []*app // as they come
	loose  *tally // of kind apps, what belongs to no app; nil = nothing
	told   []example
	kinds  map[backup.Kind]*kindTally
}

func newCensus(most int) *census {
	return &census{most: most, byName: map[string]*app{}, kinds: map[backup.Kind]*kindTally{}}
}

// find returns the app of a name, made if it is new.
func (c *census) find(name string, offset int64) (*app, error) {
	a := c.byName[name]
	if a == nil {
		if len(c.order) >= c.most {
			return nil, fmt.Errorf("apps in an archive: %w", archive.ErrLimit)
		}
		a = &app{name: name, offset: offset}
		c.byName[name] = a
		c.order = append(c.order, a)
	}
	return a, nil
}

// take counts one event.
func (c *census) take(ev event) error {
	switch {
	case ev.app != nil:
		return c.ofApp(ev)
	case ev.item.Kind == apps.Kind:
		if c.loose == nil {
			c.loose = &tally{}
		}
		c.loose.add(ev.item, ev.reason)
		c.told = note(c.told, ev)
		return nil
	}
	t := c.kinds[ev.item.Kind]
	if t == nil {
		t = &kindTally{info: infoOf(ev.item.Key, ev.item.Type == backup.TypeDirectory)}
		c.kinds[ev.item.Kind] = t
	}
	t.add(ev.item, ev.reason)
	t.examples = note(t.examples, ev)
	return nil
}

// note adds what cannot move to a list of examples.
func note(list []example, ev event) []example {
	if ev.reason == 0 || len(list) >= maxExamples {
		return list
	}
	return append(list, example{ev.offset, ev.app, cut(ev.item.Key), ev.reason})
}

func (c *census) ofApp(ev event) error {
	a := ev.app
	spoil := func(r backup.Reason) {
		if a.bad == 0 {
			a.bad = r
		}
	}
	if ev.act == spoils {
		spoil(ev.reason)
		return nil
	}
	if ev.act == begins {
		if a.begun[index(ev.kv)] { // it was there before, and others in between
			spoil(backup.Malformed)
		}
		a.begun[index(ev.kv)] = true
		return nil
	}
	if e := ev.entry; e != nil {
		kv := index(e.Domain == string(domain.KeyValue))
		if e.IsManifest() {
			m, err := fullbackup.ParseManifest(e.Metadata)
			if err != nil || m.Package != a.name {
				spoil(backup.Malformed)
			}
			a.described[kv] = true
		} else if !a.described[kv] {
			spoil(backup.Malformed)
		}
		if agents(domain.Token(e.Domain)) && ev.reason == 0 {
			a.files = true
			a.measured += fullbackup.EncodedSize(fullbackup.Header{Domain: e.Domain, Path: e.Path, Type: e.Type, Size: e.Size})
		}
	}
	if ev.act == records && ev.reason == 0 {
		a.record.there, a.record.size = true, ev.item.Size
		return c.records(a, ev.entry)
	}
	a.add(ev.item, ev.reason)
	c.told = note(c.told, ev)
	return nil
}

func index(kv bool) int {
	if kv {
		return 1
	}
	return 0
}

// records counts an app's records.
func (c *census) records(a *app, e *archive.Entry) error {
	r := newRecords(e)
	for {
		h, err := r.Next()
		var d *entity.DamageError
		switch {
		case err == io.EOF:
			return nil
		case errors.Is(err, entity.ErrLimit):
			a.record.bad = backup.TooLarge
			return nil
		case errors.As(err, &d):
			a.record.bad = backup.Damaged
			return nil
		case err != nil:
			return err
		case h.Deleted: // of nothing
		case len(a.name)+1+len(h.Key) > backup.MaxKey:
			a.record.bad = backup.BadName
			return nil
		default:
			a.record.items++
			a.record.bytes += h.Size
		}
	}
}

func newRecords(r io.Reader) *entity.Reader {
	return entity.NewReader(r, entity.Limits{Data: backup.MaxValue})
}

// total is the number of all that is listed of a kind, with and without an
// error.
func total(c backup.Count) int64 { return int64(c.Items + c.Folders) }

// count says what is listed of a kind.
func (c *census) count(kind backup.Kind, quota int64) backup.Count {
	n := backup.Count{Cannot: map[backup.Reason]uint64{}}
	var told []example
	if kind == apps.Kind {
		told = c.countApps(&n, quota)
	} else {
		t := c.kinds[kind]
		t.addTo(&n)
		told = t.examples
	}
	for _, e := range told[:min(len(told), maxExamples)] {
		n.Examples = append(n.Examples, backup.Failure{Kind: kind, Key: e.key, Reason: e.reason})
	}
	return n
}

func (t *tally) addTo(n *backup.Count) {
	n.Items += uint64(t.items)
	n.Folders += uint64(t.folders)
	n.Bytes += uint64(t.bytes)
	for r, k := range t.cannot {
		n.Items += k
		n.Cannot[r] += k
	}
}

// countApps adds the apps to n and names what does not move, in the order of
// the archive.
func (c *census) countApps(n *backup.Count, quota int64) (told []example) {
	if c.loose != nil {
		c.loose.addTo(n)
	}
	for _, e := range c.told {
		if e.app == nil || e.app.fate(quota) == 0 {
			told = append(told, e)
		}
	}
	failed := 0
	for _, a := range c.order {
		if r := a.fate(quota); r != 0 {
			n.Items++
			n.Cannot[r]++
			if failed++; failed <= maxExamples {
				told = append(told, example{offset: a.offset, key: backup.Key(a.name), reason: r})
			}
			continue
		}
		t := a.whole()
		t.addTo(n)
		n.Items++
		n.Bytes += uint64(a.closing().Size)
	}
	slices.SortStableFunc(told, func(a, b example) int { return cmp.Compare(a.offset, b.offset) })
	return told
}
