package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/p2p/identity"
)

// golden is the fingerprint of item(7).
const golden = "7707d4fef1278fc8c8d633c4cb55eea0"

const device = identity.DeviceID("12D3KooWold")

func item(i int) backup.Item {
	return backup.Item{Kind: "photos", Type: backup.TypeFile, Key: backup.Key(fmt.Sprintf("DCIM/%d.jpg", i)), Size: int64(i), ModTime: time.Unix(int64(i), 5)}
}

func arrived(i int) Arrived {
	a := Arrived{Fingerprint: Of(item(i)), Digest: backup.Digest{byte(i), byte(i >> 8), 1}, Size: int64(i)}
	if i%3 == 0 {
		a.Name = backup.Key(fmt.Sprintf("DCIM/%d (1).jpg", i))
	}
	return a
}

func open(t testing.TB, path string) *Journal {
	t.Helper()
	j, err := Open(path, device)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func reopen(t testing.TB, j *Journal, path string) *Journal {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return open(t, path)
}

func must(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// write makes a journal of n items, with temporary names between them.
func write(t testing.TB, path string, n int) {
	j := open(t, path)
	for i := range n {
		must(t, j.Temporary(backup.Key(fmt.Sprintf("DCIM/.tmp%d", i))), j.Arrived([]Arrived{arrived(i)}))
		if i == 4 {
			for k := range 4 {
				j.Gone(backup.Key(fmt.Sprintf("DCIM/.tmp%d", k)))
			}
			must(t, j.Cleared())
		}
	}
	must(t, j.Close())
}

// holds returns how many of n items j knows, and fails where it knows them
// wrong.
func holds(t testing.TB, j *Journal, n int) (have int) {
	t.Helper()
	var size int64
	for i := range n {
		p, ok := j.Lookup(Of(item(i)))
		if !ok {
			continue
		}
		have++
		size += int64(i)
		if a := arrived(i); p.Digest != a.Digest || p.Name != a.Name {
			t.Fatalf("item %d is noted as %+v", i, p)
		}
	}
	if j.Bytes() != size {
		t.Fatalf("%d bytes are noted, not %d", j.Bytes(), size)
	}
	return have
}

func TestRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "journal")
	write(t, path, 10)
	j := open(t, path)
	if n := holds(t, j, 10); n != 10 {
		t.Fatalf("%d of 10 items are known", n)
	}
	temps := j.Temporaries()
	slices.Sort(temps)
	if want := []backup.Key{"DCIM/.tmp4", "DCIM/.tmp5", "DCIM/.tmp6", "DCIM/.tmp7", "DCIM/.tmp8", "DCIM/.tmp9"}; !slices.Equal(temps, want) {
		t.Fatalf("temporary: %q", temps)
	}
	changed := item(3)
	changed.ModTime = changed.ModTime.Add(1)
	if _, ok := j.Lookup(Of(changed)); ok {
		t.Error("an item that changed is taken for the old one")
	}
	if fi, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && fi.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", fi, err)
	}
	// The same item again, elsewhere: the last note counts, its size once.
	again := arrived(9)
	again.Name = "DCIM/elsewhere.jpg"
	must(t, j.Arrived([]Arrived{again}))
	for range 2 {
		if p, ok := j.Lookup(again.Fingerprint); !ok || p.Name != again.Name || j.Bytes() != 45 {
			t.Errorf("%+v, %d bytes", p, j.Bytes())
		}
		j = reopen(t, j, path)
	}
}

// TestFingerprint holds that each field counts, and that fields cannot be
// shifted into one another.
func TestFingerprint(t *testing.T) {
	it := item(7)
	if got := fmt.Sprintf("%x", Of(it)); got != golden {
		t.Errorf("the fingerprint of a known item is %s: journals on disk are worthless now", got)
	}
	seen := map[Fingerprint]string{Of(it): "itself"}
	for name, change := range map[string]func(*backup.Item){
		"kind": func(i *backup.Item) { i.Kind = "photo" }, "shift": func(i *backup.Item) { i.Kind, i.Key = "photosD", i.Key[1:] },
		"type": func(i *backup.Item) { i.Type = backup.TypeDirectory }, "key": func(i *backup.Item) { i.Key += "x" },
		"size": func(i *backup.Item) { i.Size++ }, "second": func(i *backup.Item) { i.ModTime = i.ModTime.Add(time.Second) },
		"ns": func(i *backup.Item) { i.ModTime = i.ModTime.Add(1) }, "no time": func(i *backup.Item) { i.ModTime = time.Time{} },
		"long key": func(i *backup.Item) { i.Key = backup.Key(strings.Repeat("k", backup.MaxKey)) },
	} {
		other := it
		change(&other)
		if was, twice := seen[Of(other)]; twice {
			t.Errorf("%s: the same fingerprint as %s", name, was)
		}
		seen[Of(other)] = name
	}
}

// TestKilled copies a journal at each of its lengths, as a killed process or a
// power cut may leave it: it opens, knows nothing wrong, knows what was whole,
// and takes new notes.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "journal")
	write(t, path, 3)
	whole, err := os.ReadFile(path)
	must(t, err)
	last := -1
	for n := range len(whole) + 1 {
		cut := filepath.Join(dir, "cut")
		must(t, os.WriteFile(cut, whole[:n], 0o600))
		j, err := Open(cut, device)
		if err != nil {
			t.Fatalf("cut at %d: %v", n, err)
		}
		have := holds(t, j, 3)
		if have < last {
			t.Fatalf("cut at %d: %d items, with less it were %d", n, have, last)
		}
		last = have
		must(t, j.Arrived([]Arrived{arrived(100)}), j.Close())
		j, err = Open(cut, device)
		must(t, err)
		if _, ok := j.Lookup(arrived(100).Fingerprint); !ok {
			t.Fatalf("cut at %d: what was noted after is lost", n)
		}
		must(t, j.Close())
	}
	if last != 3 {
		t.Fatalf("the whole journal holds %d items", last)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*aside*")); len(left) != 0 {
		t.Errorf("%q: a torn journal was set aside", left)
	}
}

// TestFlipped flips each bit: all records but that one stay, none is ever wrong,
// and nothing is deleted when the header is not to be recognised.
func TestFlipped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	write(t, path, 3)
	whole, err := os.ReadFile(path)
	must(t, err)
	for i := range len(whole) * 8 {
		b := bytes.Clone(whole)
		b[i/8] ^= 1 << (i % 8)
		bad := filepath.Join(t.TempDir(), "bad")
		must(t, os.WriteFile(bad, b, 0o600))
		j, err := Open(bad, device)
		if err != nil {
			t.Fatalf("bit %d: %v", i, err)
		}
		have := holds(t, j, 3)
		must(t, j.Close())
		aside, err := os.ReadFile(bad + ".aside-1")
		if inHead := i/8 < len(header)+len(device)+1; inHead != (err == nil && bytes.Equal(aside, b)) || inHead != (have == 0) || !inHead && have < 2 {
			t.Fatalf("bit %d: %d items, set aside: %v", i, have, err)
		}
		if last := len(whole) - i/8; j.State() == Sound && last > 8+arrivedHeader+1 {
			t.Fatalf("bit %d: nobody is told", i)
		}
	}
}

// TestAged damages records beneath an open journal.
func TestAged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path)
	must(t, j.Arrived([]Arrived{arrived(0), arrived(1)}))
	at, _ := j.at.get(arrived(1).Fingerprint)
	for off := at - 5; off < at+arrivedHeader; off++ {
		was := make([]byte, 1)
		_, err := j.f.ReadAt(was, off)
		must(t, err)
		_, err = j.f.WriteAt([]byte{was[0] ^ 0x80}, off)
		must(t, err)
		if p, ok := j.Lookup(arrived(1).Fingerprint); ok {
			t.Fatalf("byte %d: %+v", off-at, p)
		}
		_, err = j.f.WriteAt(was, off)
		must(t, err)
	}
	if n := holds(t, j, 2); n != 2 {
		t.Fatalf("%d items", n)
	}
}

// TestForeign opens what is not this device's: it is set aside whole.
func TestForeign(t *testing.T) {
	for name, text := range map[string]string{
		"another device": header + "12D3KooWnew\nrecords", "a longer name": header + string(device) + "er\n", "a newer version": "ferry journal 2\n" + string(device) + "\n",
		"something else": "dear diary, this is no journal of anything", "one byte": "x",
	} {
		path := filepath.Join(t.TempDir(), "journal")
		for i := 1; i <= 3; i++ {
			must(t, os.WriteFile(path, []byte(text), 0o600))
			j, err := Open(path, device)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			must(t, j.Arrived([]Arrived{arrived(1)}), j.Close())
			if b, err := os.ReadFile(fmt.Sprintf("%s.aside-%d", path, i)); err != nil || string(b) != text {
				t.Errorf("%s: %q, %v", name, b, err)
			}
		}
	}
}

func TestBusy(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no lock there")
	}
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path)
	if _, err := Open(path, device); !errors.Is(err, ErrBusy) {
		t.Fatalf("opened twice: %v", err)
	}
	if _, err := Open(path, "12D3KooWnew"); !errors.Is(err, ErrBusy) { // and is not set aside
		t.Fatalf("opened twice: %v", err)
	}
	reopen(t, j, path)
}

func TestOpenFails(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(dir, device); err == nil {
		t.Error("a folder was opened")
	}
	file := filepath.Join(dir, "file")
	must(t, os.WriteFile(file, nil, 0o600))
	if _, err := Open(filepath.Join(file, "journal"), device); err == nil {
		t.Error("a journal below a file was opened")
	}
}

// TestTemporaries: what is gone is forgotten, what is not stays until it is,
// over any number of runs, and the notes do not pile up.
func TestTemporaries(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path)
	for _, bad := range []backup.Key{"", backup.Key(make([]byte, backup.MaxKey+1))} {
		if j.Temporary(bad) == nil {
			t.Errorf("a name of %d bytes is noted", len(bad))
		}
	}
	if j.Arrived([]Arrived{{Name: backup.Key(make([]byte, backup.MaxKey+1))}}) == nil {
		t.Error("a long name is noted")
	}
	must(t, j.Temporary("stays"), j.Temporary("goes"))
	j.Gone("goes")
	j.Gone("never came")
	for range 3 {
		must(t, j.Cleared())
		j = reopen(t, j, path)
		if got := j.Temporaries(); !slices.Equal(got, []backup.Key{"stays"}) {
			t.Fatalf("%q", got)
		}
	}
	for i := range 3 * renoteAfter {
		name := backup.Key(fmt.Sprint("run/", i))
		must(t, j.Temporary(name))
		j.Gone(name)
		if j.noted > renoteAfter+1 {
			t.Fatalf("%d names are noted", j.noted)
		}
	}
	j = reopen(t, j, path) // without Cleared, as a killed run: names that are gone come back
	if n := len(j.Temporaries()); n > renoteAfter+2 || n < 2 || !slices.Contains(j.Temporaries(), "stays") {
		t.Fatalf("%d names are left", n)
	}
	for _, n := range j.Temporaries() {
		j.Gone(n)
	}
	must(t, j.Cleared())
	j = reopen(t, j, path)
	if got := j.Temporaries(); len(got) != 0 {
		t.Fatalf("%q", got)
	}
}

// TestMany looks 100,000 items up, from several goroutines, while more arrive.
func TestMany(t *testing.T) {
	const n = 100_000
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path)
	for i := 0; i < n; i += 1000 {
		var batch []Arrived
		for k := range 1000 {
			batch = append(batch, arrived(i+k))
		}
		must(t, j.Arrived(batch))
	}
	j = reopen(t, j, path)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := g; i < n; i += 4 {
				if p, ok := j.Lookup(arrived(i).Fingerprint); !ok || p.Digest != arrived(i).Digest {
					t.Errorf("item %d: %+v, %v", i, p, ok)
					return
				}
			}
		})
	}
	wg.Go(func() {
		for i := range 100 {
			if err := j.Arrived([]Arrived{arrived(n + i)}); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	if j.Bytes() != (n+100)*(n+99)/2 {
		t.Errorf("%d bytes", j.Bytes())
	}
}

// FuzzLoad opens any bytes behind a right header: never an error, never a
// record that was not there, and a second opening finds the same.
func FuzzLoad(f *testing.F) {
	head := header + string(device) + "\n"
	path := filepath.Join(f.TempDir(), "journal")
	write(f, path, 2)
	b, err := os.ReadFile(path)
	must(f, err)
	f.Add(b[len(head):])
	f.Add(appendRecord(nil, recArrived, []byte("too short")))
	f.Add(appendRecord(appendRecord(nil, 9, []byte("a record of the future")), recTemporary, []byte("t")))
	f.Add(binary.BigEndian.AppendUint32(nil, maxRecord+1))
	k := keptOf(1, 3)
	f.Add(appendRecord(nil, recKept, k.append(nil)))
	f.Add(appendRecord(appendRecord(nil, recKept, k.append(nil)), recCleared))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, tail []byte) {
		path := filepath.Join(dir, fmt.Sprint("fuzz", os.Getpid()))
		must(t, os.WriteFile(path, append([]byte(head), tail...), 0o600))
		j, err := Open(path, device)
		must(t, err)
		temps, at, end, kept := maps.Clone(j.temps), slices.Clone(j.at.slots), j.end, len(j.kept)
		if kept > MaxKept || kept != len(j.keptAs) || kept != len(j.keptAt) {
			t.Fatalf("%d are kept under %d names in %d places", kept, len(j.keptAs), len(j.keptAt))
		}
		for _, s := range at {
			if s.offset() == 0 {
				continue
			}
			var fp Fingerprint
			_, err := j.f.ReadAt(fp[:], s.offset())
			must(t, err)
			if _, ok := j.Lookup(fp); !ok {
				t.Fatal("a record that was loaded is not found")
			}
		}
		must(t, j.Close())
		left, err := os.ReadFile(path)
		must(t, err)
		if int64(len(left)) != end || !bytes.HasPrefix(append([]byte(head), tail...), left) {
			t.Fatalf("%d bytes became %d", len(head)+len(tail), len(left))
		}
		j, err = Open(path, device)
		must(t, err)
		if !maps.Equal(temps, j.temps) || !slices.Equal(at, j.at.slots) || len(j.kept) != kept {
			t.Fatal("the second opening found something else")
		}
		must(t, j.Close())
	})
}

// TestStamped: an item that has another time here is noted with it, and a name
// that leaves no room for that is kept before the time is.
func TestStamped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path)
	want := map[int]Arrived{}
	for i, name := range []backup.Key{"", "x", backup.Key(strings.Repeat("n", backup.MaxKey-8)), backup.Key(strings.Repeat("n", backup.MaxKey))} {
		want[i] = Arrived{Fingerprint: Of(item(i)), Digest: backup.Digest{9, byte(i)}, Size: 1, Name: name, Stamp: -int64(i) - 5}
		must(t, j.Arrived([]Arrived{want[i]}))
	}
	j = reopen(t, j, path)
	if j.State() != Sound || j.Bytes() != 4 {
		t.Errorf("state %v, %d bytes", j.State(), j.Bytes())
	}
	for i, a := range want {
		if len(a.Name) == backup.MaxKey {
			a.Stamp = 0
		}
		if p, ok := j.Lookup(a.Fingerprint); !ok || p != (backup.Prior{Digest: a.Digest, Name: a.Name, Stamp: a.Stamp}) {
			t.Errorf("%d: %.40q %d, %v", i, p.Name, p.Stamp, ok)
		}
	}
}
