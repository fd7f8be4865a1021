package fakephone

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"path"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/ferry-move/ferry/mobile/backup"
	"golang.org/x/text/unicode/norm"
	"lukechampine.com/blake3"
)

// many is a phone with n items of every kind.
func many(seed uint64, n int) Config {
	return Config{
		Seed: seed, Contacts: n, Documents: n, Photos: n, Videos: n, Music: n, Recordings: n, Downloads: n, Files: n,
	}
}

// items returns the first n items of a kind.
func items(t testing.TB, a backup.Agent, n int) (all []backup.Item) {
	t.Helper()
	b, err := a.Backup(t.Context(), backup.Transport{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for it, err := range b.Items(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if len(all) == n {
			break
		}
		all = append(all, it)
	}
	return all
}

// TestGolden holds the phone of a seed to what it was when it was first made:
// numbers in reports and benchmarks name seeds.
func TestGolden(t *testing.T) {
	golden := map[backup.Kind]string{
		Contacts:   "9c08a28c49d4bd7d4f36f53f4dbfc060",
		Documents:  "e1c39e9e3c28052e2f31b9117d48ac55",
		Photos:     "b7dab1688b656373fb9942f4e4112b1a",
		Videos:     "e5b8bc552e5db865f9942f07a0000487",
		Music:      "a6edc407c5b60795872981bb9d08a7a8",
		Recordings: "63aebdcc7f8d7d1fdde083ef28546f4e",
		Downloads:  "b27e1ea80600380870c1e333d4c8a493",
		Files:      "52f8763cd29008d6f0d6ae2c1f779220",
	}
	d := New(many(42, 1000))
	for _, a := range d.Agents() {
		kind := a.Info().Kind
		h := blake3.New(16, nil)
		b, err := a.Backup(t.Context(), backup.Transport{})
		if err != nil {
			t.Fatal(err)
		}
		for i, it := range items(t, a, 1000) {
			fmt.Fprintf(h, "%s %d %q %d %o %d %q %q\n",
				it.Kind, it.Type, it.Key, it.Size, it.Mode, it.ModTime.UnixNano(), it.Group, it.Value)
			if it.Type != backup.TypeFile || i > 50 {
				continue
			}
			r, err := b.Open(t.Context(), it, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(h, r); err != nil {
				t.Fatal(err)
			}
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != golden[kind] {
			t.Errorf("%s: the first items hash to %s, not %s", kind, got, golden[kind])
		}
	}
}

func TestSeedsDiffer(t *testing.T) {
	for _, kind := range []backup.Kind{Contacts, Photos} {
		a, b := items(t, New(many(1, 10)).Agent(kind), 10), items(t, New(many(2, 10)).Agent(kind), 10)
		if slices.EqualFunc(a[1:], b[1:], func(a, b backup.Item) bool { return a.Key == b.Key }) {
			t.Errorf("%s: two seeds make the same keys", kind)
		}
	}
}

// TestNames checks that all keys are unique, found again and can be written,
// and that every hard kind of name is among them.
func TestNames(t *testing.T) {
	const n = 3000
	d := New(many(7, n))
	for _, a := range d.agents {
		in := a.gen.kind.info
		seen := map[backup.Key]bool{}
		var dirs, dots, long, raw, spaces, emoji, pairs int
		normal := map[string]string{}
		for p := range a.gen.len() {
			it, _ := a.gen.at(p)
			if seen[it.Key] {
				t.Fatalf("%s: place %d has a key that was there before", in.Kind, p)
			}
			seen[it.Key] = true
			if at, ok := a.gen.find(it.Key); !ok || at != p {
				t.Fatalf("%s: the key at place %d is found at %d, %v", in.Kind, p, at, ok)
			}
			if in.Entities {
				continue
			}
			dir, name := path.Split(string(it.Key))
			if it.Type == backup.TypeDirectory {
				dirs++
			} else if !seen[backup.Key(strings.TrimSuffix(dir, "/"))] {
				t.Fatalf("%s: the folder of place %d comes after it", in.Kind, p)
			}
			if len(name) > maxName || strings.ContainsAny(name, "\x00/\\:*?\"<>|") {
				t.Errorf("%s: place %d has a name that phones refuse", in.Kind, p)
			}
			if f := norm.NFC.String(string(it.Key)); normal[f] != "" {
				pairs++
			} else {
				normal[f] = name
			}
			count(&dots, strings.HasPrefix(name, "."))
			count(&long, len(name) == maxName)
			count(&raw, !utf8.ValidString(name))
			count(&spaces, strings.Contains(name, " "))
			count(&emoji, strings.Contains(name, "🎉"))
		}
		if a.gen.len() != d.Len(in.Kind) || len(seen) < n {
			t.Errorf("%s: %d items, Len %d", in.Kind, a.gen.len(), d.Len(in.Kind))
		}
		if in.Entities {
			continue
		}
		if dirs != 1+n/perFolder || min(dots, long, spaces, emoji, pairs) == 0 || (raw > 0) != (in.Kind == Files) {
			t.Errorf("%s: %d folders, %d dots, %d long, %d raw, %d with spaces, %d with emoji, %d pairs",
				in.Kind, dirs, dots, long, raw, spaces, emoji, pairs)
		}
	}
}

func count(n *int, b bool) {
	if b {
		*n++
	}
}

func TestFindNothing(t *testing.T) {
	d := New(many(7, 100))
	for _, a := range d.agents {
		for _, key := range []backup.Key{
			"", "/", "DCIM/", "DCIM/Camera/", "DCIM/Camera/ 5.jpg", "DCIM/x 99999999999999999999", "DCIM/x 9223372036854775807",
			"DCIM/Camera/a 9223372036854775807.jpg", "local/-1", "local/9999", "local/x", "urn:uuid:00000000-0000-4000-8000-000000000001",
			"Documents/Scans/\xff5.pdf", "Music/é5", backup.Key(a.gen.kind.base + "/"), "ffffffffffff",
		} {
			if p, ok := a.gen.find(key); ok {
				t.Errorf("%s: %q is found at %d", a.gen.kind.info.Kind, key, p)
			}
		}
	}
}

// TestContacts reads the vCards back with a few lines of its own.
func TestContacts(t *testing.T) {
	versions, uids, scripts := map[string]int{}, 0, 0
	for i, it := range items(t, New(many(3, 2000)).Agent(Contacts), 2000) {
		if !utf8.Valid(it.Value) {
			t.Fatalf("contact %d is not UTF-8", i)
		}
		var version string
		var lines int
		folded := bufio.NewScanner(bytes.NewReader(it.Value))
		for folded.Scan() {
			line := folded.Text()
			lines++
			if len(line) > 75 {
				t.Fatalf("contact %d: line %d has %d bytes", i, lines, len(line))
			}
			if v, ok := strings.CutPrefix(line, "VERSION:"); ok {
				version = v
			}
			if v, ok := strings.CutPrefix(line, "UID:"); ok {
				uids++
				if v != string(it.Key) {
					t.Fatalf("contact %d: the UID is not the key", i)
				}
			}
		}
		versions[version]++
		ascii := !slices.ContainsFunc(it.Value, func(b byte) bool { return b >= utf8.RuneSelf })
		if version == "2.1" && !ascii {
			t.Fatalf("contact %d: version 2.1 is not ASCII", i)
		}
		count(&scripts, !ascii)
		if !bytes.HasPrefix(it.Value, []byte("BEGIN:VCARD\r\n")) || !bytes.HasSuffix(it.Value, []byte("\r\nEND:VCARD\r\n")) ||
			bytes.Count(it.Value, []byte("\n")) != bytes.Count(it.Value, []byte("\r\n")) || lines < 5 {
			t.Fatalf("contact %d is no vCard", i)
		}
	}
	if len(versions) != 3 || uids < 1000 || uids > 1600 || scripts < 500 {
		t.Errorf("versions %v, %d with UID, %d beyond ASCII", versions, uids, scripts)
	}
}

// TestSeek opens a file of several chunks at offsets around their borders.
func TestSeek(t *testing.T) {
	for _, kind := range []backup.Kind{Photos, Documents} {
		g := New(Config{Sizes: map[backup.Kind]Range{kind: {3*chunk + 17, 3*chunk + 17}}}).agent(kind).gen
		it := g.file(5)
		all, err := io.ReadAll(g.open(5, it, 0))
		if err != nil || int64(len(all)) != it.Size {
			t.Fatalf("%s: %d bytes, %v", kind, len(all), err)
		}
		if err := iotest.TestReader(g.open(5, it, 0), all); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		for _, off := range []int64{0, 1, chunk - 1, chunk, chunk + 1, 2*chunk + 9, 3 * chunk, it.Size - 1, it.Size} {
			small, err := io.ReadAll(iotest.OneByteReader(io.LimitReader(g.open(5, it, off), 100)))
			big := make([]byte, it.Size-off)
			_, berr := io.ReadFull(g.open(5, it, off), big)
			if err != nil || berr != nil || !bytes.HasPrefix(all[off:], small) || !bytes.Equal(big, all[off:]) {
				t.Errorf("%s: the content at %d differs: %v, %v", kind, off, err, berr)
			}
		}
		other, _ := io.ReadAll(g.open(6, it, 0))
		if bytes.Equal(all[100:], other[100:]) {
			t.Errorf("%s: two files have the same content", kind)
		}
	}
}

func TestSizes(t *testing.T) {
	r := rng(1)
	for _, s := range []Range{{0, 0}, {5, 5}, {0, 1}, {3, 9}, {9, 3}, {-4, -2}, {1 << 10, 1 << 40}, {0, 1<<63 - 1}} {
		lo, hi := max(s.Min, 0), max(s.Max, s.Min, 0)
		for range 2000 {
			if n := r.in(s); n < lo || n > hi {
				t.Fatalf("%v gives %d", s, n)
			}
		}
	}
}

func TestCounts(t *testing.T) {
	d := New(Config{Photos: 501, Videos: -1})
	for kind, want := range map[backup.Kind]int{Photos: 1 + 2 + 501, Videos: 0, Contacts: 120, "none": 0} {
		if got := d.Len(kind); got != want {
			t.Errorf("%s: %d items, not %d", kind, got, want)
		}
	}
	order := 0
	for _, a := range d.Agents() {
		if in := a.Info(); in.Order <= order || !in.Kind.Valid() {
			t.Errorf("%s does not follow %d", in.Kind, order)
		} else {
			order = in.Order
		}
	}
	if d.Agent("none") != nil {
		t.Error("there is an agent for a kind that no phone has")
	}
}

// TestFaults counts what fails and how.
func TestFaults(t *testing.T) {
	c := many(9, 4000)
	c.Unreadable, c.ChangeWhileReading = 0.1, 0.1
	c.Sizes = map[backup.Kind]Range{Photos: {1, 64}}
	b, err := New(c).Agent(Photos).Backup(t.Context(), backup.Transport{})
	if err != nil {
		t.Fatal(err)
	}
	failed := map[string]int{}
	for it, err := range b.Items(t.Context()) {
		if err != nil {
			failed["list "+backup.ReasonOf(err).Error()]++
			continue
		}
		if it.Type == backup.TypeDirectory {
			continue
		}
		r, err := b.Open(t.Context(), it, 0)
		if err != nil {
			failed["open "+backup.ReasonOf(err).Error()]++
			continue
		}
		if got, err := io.ReadAll(r); err != nil {
			failed["read "+backup.ReasonOf(err).Error()]++
			if int64(len(got)) != it.Size/2 {
				t.Fatalf("it changed after %d bytes of %d", len(got), it.Size)
			}
		}
	}
	for what, want := range map[string]int{
		"list " + backup.Unreadable.Error(): 200, "open " + backup.Unreadable.Error(): 200, "read " + backup.Changed.Error(): 360,
	} {
		if got := failed[what]; got < want*3/4 || got > want*5/4 {
			t.Errorf("%s: %d times, not about %d", what, got, want)
		}
	}
	if len(failed) != 3 {
		t.Errorf("failures: %v", failed)
	}
}

// TestMillion lists a million items and holds none of them.
func TestMillion(t *testing.T) {
	const n = 1_000_000
	d := New(Config{Photos: n})
	b, err := d.Agent(Photos).Backup(t.Context(), backup.Transport{})
	if err != nil {
		t.Fatal(err)
	}
	before := heap()
	files, most := 0, uint64(0)
	for it := range b.Items(t.Context()) {
		if it.Type != backup.TypeFile {
			continue
		}
		if files++; files%(n/4) == 0 {
			most = max(most, heap())
		}
	}
	if files != n {
		t.Errorf("%d files", files)
	}
	if most > before+1<<20 {
		t.Errorf("listing a million items took %d bytes", most-before)
	}
}

// heap returns how many bytes are reachable.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func BenchmarkItems(b *testing.B) {
	for _, kind := range []backup.Kind{Photos, Documents, Contacts} {
		b.Run(string(kind), func(b *testing.B) {
			src, err := New(many(1, max(b.N, 1))).Agent(kind).Backup(b.Context(), backup.Transport{})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			n := 0
			for range src.Items(b.Context()) {
				if n++; n == b.N {
					break
				}
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "items/s")
		})
	}
}

func BenchmarkContent(b *testing.B) {
	for _, kind := range []backup.Kind{Videos, Documents} {
		b.Run(string(kind), func(b *testing.B) {
			const size = 8 << 20
			g := New(Config{Sizes: map[backup.Kind]Range{kind: {size, size}}}).agent(kind).gen
			it := g.file(0)
			buf := make([]byte, 256<<10)
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				if n, err := io.CopyBuffer(io.Discard, struct{ io.Reader }{g.open(0, it, 0)}, buf); err != nil || n != size {
					b.Fatal(n, err)
				}
			}
		})
	}
}

// FuzzFind holds lookups to their promise: what is found has that key.
func FuzzFind(f *testing.F) {
	d := New(many(7, 1200))
	for _, a := range d.agents {
		for _, p := range []int{0, 1, 2, 9, 505} {
			f.Add(string(a.gen.key(p)))
		}
	}
	f.Add(string(binary.BigEndian.AppendUint64(nil, 1)))
	f.Fuzz(func(t *testing.T, key string) {
		for _, a := range d.agents {
			if p, ok := a.gen.find(backup.Key(key)); ok && a.gen.key(p) != backup.Key(key) {
				t.Errorf("%s: %q is found at %d, which is %q", a.gen.kind.info.Kind, key, p, a.gen.key(p))
			}
		}
	})
}
