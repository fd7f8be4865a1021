package journal

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
)

// keptOf is what is kept of item i, with a tree of 2n bytes.
func keptOf(i, n int) Kept {
	k := Kept{
		Fingerprint: Of(item(i)), Kind: "photos", Place: PlaceOf(item(i)), Boot: Boot{0xb0, 15: 0x07},
		Left: backup.Leftover{Name: fmt.Sprintf("DCIM/.tmp%d", i), Length: 5 << 18, Held: 3 << 20, Stamp: 1_700_000_000_000_000_001},
	}
	for d := range n {
		k.Tree = append(k.Tree, byte(d+1), 0xee)
	}
	return k
}

// goldenKept is the record of keptOf(7, 2), length and sum included.
var goldenKept = strings.Join([]string{
	"00000060",                         // 96 bytes: type and body
	"04",                               // kept
	golden,                             // fingerprint
	"021099636bf146bcf6f5d451e3f5088b", // place
	"b0000000000000000000000000000007", // boot
	"0000000000140000",                 // length
	"0000000000300000",                 // held
	"17979cfe362a0001",                 // stamp
	"06", "0004",                       // bytes of kind, of tree
	"70686f746f73",         // photos
	"01ee02ee",             // tree
	"4443494d2f2e746d7037", // DCIM/.tmp7
	"028283a8",             // CRC-32C
}, "")

func TestGoldenKept(t *testing.T) {
	k := keptOf(7, 2)
	got := hex.EncodeToString(appendRecord(nil, recKept, k.append(nil)))
	if got != goldenKept {
		t.Fatalf("it is noted as\n%s, not as\n%s: journals on disk are worthless now", got, goldenKept)
	}
	path := filepath.Join(t.TempDir(), "journal")
	record, err := hex.DecodeString(goldenKept)
	must(t, err, os.WriteFile(path, append([]byte(header+string(device)+"\n"), record...), 0o600))
	j := open(t, path)
	if got, ok := j.Left(k.Fingerprint); !ok || !reflect.DeepEqual(got, k) {
		t.Fatalf("it reads back as %+v", got)
	}
	if j.Held() != 3<<20 || len(j.Temporaries()) != 0 || len(j.AllKept()) != 1 {
		t.Fatalf("%d bytes, %q", j.Held(), j.Temporaries())
	}
}

// TestKept keeps, keeps more, goes on, and is done, over several runs.
func TestKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path)
	a, b := keptOf(1, 2), keptOf(2, 2)
	must(t, j.Temporary(backup.Key(a.Left.Name)), j.Temporary(backup.Key(b.Left.Name)), j.Temporary("other"), j.Keep([]Kept{a, b}))
	if _, ok := j.Left(a.Fingerprint); ok || j.Take(a.Fingerprint) {
		t.Fatal("what is under way may be taken by another")
	}
	a.Left.Length, a.Tree = 7<<18, append(a.Tree, 9)
	must(t, j.Keep([]Kept{a}))
	for run := range 3 {
		must(t, j.Cleared())
		j = reopen(t, j, path)
		if got, ok := j.Left(a.Fingerprint); !ok || !reflect.DeepEqual(got, a) {
			t.Fatalf("run %d: %+v, %v", run, got, ok)
		}
		if got := j.Temporaries(); !slices.Equal(got, []backup.Key{"other"}) || j.Held() != 6<<20 {
			t.Fatalf("run %d: %q, %d bytes", run, got, j.Held())
		}
	}
	// What was taken is no one else's, also after the notes were made anew.
	if !j.Take(a.Fingerprint) || j.Take(a.Fingerprint) {
		t.Fatal("taken never, or twice")
	}
	j.Gone("other")
	must(t, j.Cleared())
	if _, ok := j.Left(a.Fingerprint); ok {
		t.Fatal("taken twice")
	}
	if _, ok := j.Left(b.Fingerprint); !ok {
		t.Fatal("what nobody took is gone")
	}
	// An item that arrived is not kept any more, and one whose file is gone.
	must(t, j.Arrived([]Arrived{{Fingerprint: a.Fingerprint}}))
	j.Gone(backup.Key(b.Left.Name))
	if n := len(j.AllKept()); n != 0 || j.Held() != 0 {
		t.Fatalf("%d are kept", n)
	}
	must(t, j.Keep([]Kept{b})) // it was on its way when the file went
	must(t, j.Cleared())
	j = reopen(t, j, path)
	if n := len(j.AllKept()); n != 0 {
		t.Fatalf("%d are kept", n)
	}
}

// TestStale finds what is left of an item that has changed.
func TestStale(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path)
	k := keptOf(1, 2)
	must(t, j.Temporary(backup.Key(k.Left.Name)), j.Keep([]Kept{k}))
	changed := item(1)
	changed.Size++
	if _, ok := j.Stale(changed); ok {
		t.Error("what is under way is taken away")
	}
	j = reopen(t, j, path)
	for name, it := range map[string]backup.Item{"itself": item(1), "another": item(2)} {
		if _, ok := j.Stale(it); ok {
			t.Errorf("%s: it is stale", name)
		}
	}
	if got, ok := j.Stale(changed); !ok || !reflect.DeepEqual(got, k) {
		t.Errorf("%+v, %v", got, ok)
	}
	if _, ok := j.Stale(changed); ok {
		t.Error("it is stale twice")
	}
	// Noted anew, the item's old beginning is an ordinary leftover.
	n := k
	n.Fingerprint, n.Left.Name = Of(changed), "DCIM/.new"
	must(t, j.Temporary("DCIM/.new"), j.Keep([]Kept{n}))
	if got := j.Temporaries(); !slices.Equal(got, []backup.Key{backup.Key(k.Left.Name)}) {
		t.Errorf("%q", got)
	}
}

// TestKeptKilled is TestKilled for what is kept: cut at every byte, the journal
// knows one of the states that it was in.
func TestKeptKilled(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "journal")
	j := open(t, path)
	first, more := keptOf(1, 2), keptOf(1, 2)
	more.Left.Length, more.Tree = 7<<18, append(more.Tree, 9)
	must(t, j.Temporary(backup.Key(first.Left.Name)), j.Keep([]Kept{first}), j.Keep([]Kept{more}), j.Arrived([]Arrived{{Fingerprint: first.Fingerprint}}), j.Close())
	whole, err := os.ReadFile(path)
	must(t, err)
	var states []string
	for n := range len(whole) + 1 {
		cut := filepath.Join(dir, "cut")
		must(t, os.WriteFile(cut, whole[:n], 0o600))
		j, err := Open(cut, device)
		must(t, err)
		state := "nothing"
		if k, ok := j.Left(first.Fingerprint); ok {
			switch {
			case reflect.DeepEqual(k, first):
				state = "first"
			case reflect.DeepEqual(k, more):
				state = "more"
			default:
				t.Fatalf("cut at %d: %+v", n, k)
			}
		}
		if len(states) == 0 || states[len(states)-1] != state {
			states = append(states, state)
		}
		must(t, j.Close())
	}
	if want := []string{"nothing", "first", "more", "nothing"}; !slices.Equal(states, want) {
		t.Errorf("it went through %q", states)
	}
}

// TestKeptDamaged flips each bit of a record, with a sum that fits and one that
// does not.
func TestKeptDamaged(t *testing.T) {
	dir := t.TempDir()
	good := keptOf(7, 2)
	body := good.append(nil)
	write := func(b []byte) *Journal {
		path := filepath.Join(dir, "journal")
		must(t, os.WriteFile(path, append([]byte(header+string(device)+"\n"), b...), 0o600))
		j, err := Open(path, device)
		must(t, err)
		return j
	}
	whole := appendRecord(nil, recKept, body)
	for i := range len(whole) * 8 {
		b := bytes.Clone(whole)
		b[i/8] ^= 1 << (i % 8)
		j := write(b)
		if n := len(j.AllKept()); n != 0 {
			t.Fatalf("bit %d: it is believed", i)
		}
		must(t, j.Close())
	}
	for i := range len(body) * 8 {
		b := bytes.Clone(body)
		b[i/8] ^= 1 << (i % 8)
		j := write(appendRecord(nil, recKept, b))
		for _, k := range j.AllKept() {
			if again := k.append(nil); !bytes.Equal(again, b) {
				t.Fatalf("bit %d: it reads back as %+v", i, k)
			}
		}
		must(t, j.Close())
	}
	for n := range body {
		j := write(appendRecord(nil, recKept, body[:n]))
		for _, k := range j.AllKept() {
			if n < keptHeader+6+4+1 || k.Left.Name != good.Left.Name[:n-keptHeader-6-4] {
				t.Fatalf("%d bytes are %+v", n, k)
			}
		}
		must(t, j.Close())
	}
}

// TestKeptBounds: no more than MaxKept in memory, whatever the file says, and no
// record that an older version would take for a torn one.
func TestKeptBounds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j := open(t, path)
	for i := range MaxKept + 5 {
		k := keptOf(i, 1)
		if j.CanKeep(k) != (i < MaxKept) {
			t.Fatalf("%d: it is said to fit: %v", i, j.CanKeep(k))
		}
		must(t, j.Temporary(backup.Key(k.Left.Name)), j.Keep([]Kept{k}))
	}
	j = reopen(t, j, path)
	if n := len(j.AllKept()); n != MaxKept || len(j.Temporaries()) != 5 {
		t.Fatalf("%d are kept, %d are not", n, len(j.Temporaries()))
	}
	if !j.CanKeep(keptOf(3, 1)) {
		t.Error("what is noted cannot be noted again")
	}
	long := keptOf(1, 32)
	long.Left.Name = strings.Repeat("n", maxRecord-1-keptHeader-6-64)
	must(t, j.Temporary(backup.Key(long.Left.Name)), j.Keep([]Kept{long}))
	end := j.end
	for _, change := range []func(*Kept){
		func(k *Kept) { k.Left.Name += "n" }, func(k *Kept) { k.Left.Name = "" }, func(k *Kept) { k.Left.Length = 0 }, func(k *Kept) { k.Left.Length = -1 },
		func(k *Kept) { k.Left.Held = -1 }, func(k *Kept) { k.Kind = "" }, func(k *Kept) { k.Tree = append(k.Tree, 1) }, func(k *Kept) { k.Tree = make([]byte, 1<<16) },
	} {
		k := long
		if change(&k); j.Keep([]Kept{k}) == nil || j.end != end || j.CanKeep(k) {
			t.Errorf("%d bytes of name, %+v are noted", len(k.Left.Name), k.Left.Length)
		}
	}
	j = reopen(t, j, path)
	if k, ok := j.Left(long.Fingerprint); !ok || k.Left.Name != long.Left.Name {
		t.Error("the longest one is lost")
	}
}

func TestThisBoot(t *testing.T) {
	if once, again := ThisBoot(), ThisBoot(); once != again {
		t.Errorf("it is %x and then %x", once, again)
	}
	want := Boot{0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef}
	if got := parseBoot("01234567-89AB-cdef-0123-456789abcdef\n"); got != want || got.IsZero() {
		t.Errorf("%x", got)
	}
	for _, bad := range []string{"", "x", "0123456789abcdef", "01234567-89ab-cdef-0123-456789abcdef00", "g1234567-89ab-cdef-0123-456789abcdef"} {
		if got := parseBoot(bad); !got.IsZero() {
			t.Errorf("%q is %x", bad, got)
		}
	}
}
