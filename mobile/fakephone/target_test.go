package fakephone

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"lukechampine.com/blake3"
)

func restore(t testing.TB, d *Device, kind backup.Kind) backup.Restore {
	t.Helper()
	r, err := d.Agent(kind).Restore(t.Context(), backup.Transport{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func photo(key string, size int) backup.Item {
	return backup.Item{Kind: Photos, Type: backup.TypeFile, Key: backup.Key(key), Size: int64(size), ModTime: time.Unix(9, 8)}
}

func contact(key, value string) backup.Item {
	return backup.Item{Kind: Contacts, Type: backup.TypeEntity, Key: backup.Key(key), Size: int64(len(value)), Value: []byte(value)}
}

// bring takes one item in.
func bring(t *testing.T, r backup.Restore, it backup.Item, content string) backup.Result {
	t.Helper()
	s, err := r.Stage(t.Context(), it)
	if err != nil {
		return backup.Result{Outcome: backup.Failed, Err: err}
	}
	if f, ok := s.(backup.StagedFile); ok && content != "" {
		if _, err := f.WriteAt([]byte(content), 0); err != nil {
			t.Fatal(err)
		}
	}
	return r.Commit(t.Context(), []backup.Staged{s})[0]
}

// pattern is content that differs everywhere.
func pattern(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

// TestTree compares digests of scattered writes with the plain hash.
func TestTree(t *testing.T) {
	for _, size := range []int{
		0, 1, 1023, 1024, 1025, leaf - 1, leaf, leaf + 1, leaf + 1024, 2*leaf - 1, 2 * leaf, 2*leaf + 1, 3*leaf + 5000, 4*leaf + 1025, 13*leaf + 77, 32 * leaf,
	} {
		all := pattern(size)
		want := backup.Digest(blake3.Sum256(all))
		for _, block := range []int{leaf, leaf/2 + 1, 3*leaf + 12345} {
			for _, order := range []string{"forwards", "backwards", "shuffled"} {
				d := New(Config{Empty: true})
				r := restore(t, d, Photos)
				s, err := r.Stage(t.Context(), photo("p", size))
				if err != nil {
					t.Fatal(err)
				}
				n := (size + block - 1) / block
				rnd := rand.New(rand.NewPCG(1, uint64(size)))
				turns := rnd.Perm(n)
				for i := range turns {
					switch order {
					case "forwards":
						turns[i] = i
					case "backwards":
						turns[i] = n - 1 - i
					}
				}
				for _, i := range turns {
					b := all[i*block : min((i+1)*block, size)]
					if _, err := s.(backup.StagedFile).WriteAt(b, int64(i*block)); err != nil {
						t.Fatalf("%d bytes in blocks of %d %s: %v", size, block, order, err)
					}
				}
				if res := r.Commit(t.Context(), []backup.Staged{s})[0]; res.Outcome != backup.Added {
					t.Fatalf("%d bytes in blocks of %d %s: %v", size, block, order, res.Err)
				}
				if got := d.agent(Photos).store.records[0].digest; got != want {
					t.Errorf("%d bytes in blocks of %d %s hash to %s, not %s", size, block, order, got, want)
				}
			}
		}
	}
}

// TestAgain writes blocks again, as after a broken link, with other content
// the first time.
func TestAgain(t *testing.T) {
	const size = 20*leaf + 5
	for _, tt := range []struct {
		name    string
		off, n  int
		late    bool // the first leaf has left memory by then
		refused bool
	}{
		{"inside one leaf", 100, 50, false, false},
		{"over a border", leaf - 10, 20, false, false},
		{"a whole leaf that left memory", 0, leaf, true, false},
		{"a part of one that left memory", 10, leaf, true, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := New(Config{Empty: true})
			r := restore(t, d, Photos)
			s, err := r.Stage(t.Context(), photo("p", size))
			if err != nil {
				t.Fatal(err)
			}
			good := pattern(size)
			bad := append([]byte(nil), good...)
			for i := range tt.n {
				bad[tt.off+i] ^= 1
			}
			first := 2 * leaf
			if tt.late {
				first = size
			}
			f := s.(backup.StagedFile)
			if _, err := f.WriteAt(bad[:first], 0); err != nil {
				t.Fatal(err)
			}
			_, err = f.WriteAt(good[tt.off:tt.off+tt.n], int64(tt.off))
			if tt.refused {
				if !errors.Is(err, errRewritten) {
					t.Fatalf("refused with %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.WriteAt(good[first:], int64(first)); err != nil {
				t.Fatal(err)
			}
			if res := r.Commit(t.Context(), []backup.Staged{s})[0]; res.Outcome != backup.Added {
				t.Fatal(res.Err)
			}
			if got := d.agent(Photos).store.records[0].digest; got != blake3.Sum256(good) {
				t.Error("the digest is not that of what was written last")
			}
		})
	}
}

// TestBound fills eight files of 64 MiB at once and looks at the memory.
func TestBound(t *testing.T) {
	const size, files = 64 << 20, 8
	r := restore(t, New(Config{Empty: true}), Photos)
	block := pattern(leaf)
	before := heap()
	var staged []backup.Staged
	var wg sync.WaitGroup
	for i := range files {
		s, err := r.Stage(t.Context(), photo(fmt.Sprint(i), size))
		if err != nil {
			t.Fatal(err)
		}
		staged = append(staged, s)
		wg.Go(func() {
			for off := int64(0); off < size; off += leaf {
				if _, err := s.(backup.StagedFile).WriteAt(block, off); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if grown := int64(heap()) - int64(before); grown > files*(heldLeaves+2)*leaf {
		t.Errorf("%d files take %d bytes of memory", files, grown)
	}
	for i, res := range r.Commit(t.Context(), staged) {
		if res.Outcome != backup.Added {
			t.Errorf("file %d: %v", i, res.Err)
		}
	}
}

func TestScattered(t *testing.T) {
	r := restore(t, New(Config{Empty: true}), Photos)
	s, err := r.Stage(t.Context(), photo("p", 1<<40-1))
	if err != nil {
		t.Fatal(err)
	}
	for i := range openLeaves + 1 {
		_, err = s.(backup.StagedFile).WriteAt([]byte{1}, int64(i)<<30)
		if (i == openLeaves) != errors.Is(err, errScattered) {
			t.Fatalf("block %d: %v", i, err)
		}
	}
}

func TestOutside(t *testing.T) {
	r := restore(t, New(Config{Empty: true}), Photos)
	s, err := r.Stage(t.Context(), photo("p", 10))
	if err != nil {
		t.Fatal(err)
	}
	f := s.(backup.StagedFile)
	for _, tt := range []struct {
		n   int
		off int64
	}{{11, 0}, {1, 10}, {1, -1}, {1, 1 << 62}, {0, 11}} {
		if n, err := f.WriteAt(make([]byte, tt.n), tt.off); n != 0 || backup.ReasonOf(err) != backup.TooLarge {
			t.Errorf("%d bytes at %d: %d, %v", tt.n, tt.off, n, err)
		}
	}
	if _, err := f.WriteAt(make([]byte, 9), 0); err != nil {
		t.Fatal(err)
	}
	if res := r.Commit(t.Context(), []backup.Staged{s})[0]; backup.ReasonOf(res.Err) != backup.Damaged {
		t.Errorf("a file that was not filled: %v, %v", res.Outcome, res.Err)
	}
	if _, err := f.WriteAt([]byte{1}, 0); !errors.Is(err, errEnded) {
		t.Errorf("a write after the end: %v", err)
	}
	if res := r.Commit(t.Context(), []backup.Staged{s})[0]; !errors.Is(res.Err, errEnded) {
		t.Errorf("a second commit: %v", res.Err)
	}
}

// TestBeside brings items whose names are taken.
func TestBeside(t *testing.T) {
	d := New(Config{Empty: true})
	r := restore(t, d, Photos)
	long := "d/" + strings.Repeat("ü", 125) + ".jpg"
	for i, tt := range []struct {
		key, content string
		outcome      backup.Outcome
		name         backup.Key
	}{
		{"a.jpg", "one", backup.Added, ""},
		{"a.jpg", "one", backup.Skipped, ""},
		{"a.jpg", "two", backup.Added, "a (1).jpg"},
		{"a.jpg", "two", backup.Skipped, "a (1).jpg"},
		{"a.jpg", "three", backup.Added, "a (2).jpg"},
		{"a.jpg", "one", backup.Skipped, ""},
		{"a (1).jpg", "two", backup.Skipped, ""},
		{".nomedia", "", backup.Added, ""},
		{".nomedia", "x", backup.Added, ".nomedia (1)"},
		{"d.x/none", "1", backup.Added, ""},
		{"d.x/none", "2", backup.Added, "d.x/none (1)"},
		{long, "1", backup.Added, ""},
		{long, "2", backup.Added, backup.Key("d/" + strings.Repeat("ü", 123) + " (1).jpg")},
	} {
		res := bring(t, r, photo(tt.key, len(tt.content)), tt.content)
		if res.Outcome != tt.outcome || res.Name != tt.name || len(path.Base(string(res.Name))) > maxName {
			t.Errorf("%d: %s is %s as %q: %v", i, tt.key, res.Outcome, res.Name, res.Err)
		}
	}
	dir := backup.Item{Kind: Photos, Type: backup.TypeDirectory, Key: "a.jpg"}
	if res := bring(t, r, dir, ""); res.Outcome != backup.Added || res.Name != "a.jpg (1)" {
		t.Errorf("a folder where a file is: %s as %q", res.Outcome, res.Name)
	}
	c := restore(t, d, Contacts)
	for i, tt := range []struct {
		value   string
		outcome backup.Outcome
		name    backup.Key
	}{{"one", backup.Added, ""}, {"one", backup.Skipped, ""}, {"two", backup.Added, "k (1)"}, {"two", backup.Skipped, "k (1)"}} {
		if res := bring(t, c, contact("k", tt.value), ""); res.Outcome != tt.outcome || res.Name != tt.name {
			t.Errorf("contact %d is %s as %q: %v", i, res.Outcome, res.Name, res.Err)
		}
	}
}

// TestOwn brings items to a phone that was made with the same ones.
func TestOwn(t *testing.T) {
	c := many(5, 20)
	c.Sizes = map[backup.Kind]Range{Videos: {1, 9000}}
	src, dst := New(c), New(c)
	for _, a := range src.Agents() {
		kind := a.Info().Kind
		n := int64(src.Len(kind))
		tally, err := backup.Copy(t.Context(), dst.Agent(kind), a, backup.Transport{})
		if err != nil || tally.Skipped != n || tally.Items() != n {
			t.Errorf("%s: %+v, %v", kind, tally, err)
		}
	}
	if err := Equal(t.Context(), dst, src); err != nil {
		t.Error(err)
	}
	it := items(t, src.Agent(Videos), 3)[2]
	other := it
	other.Size = 4
	if res := bring(t, restore(t, dst, Videos), other, "else"); res.Outcome != backup.Added || res.Name == "" {
		t.Errorf("other content of a name that the phone was made with: %s as %q", res.Outcome, res.Name)
	}
	if !dst.Remove(Videos, it.Key) || dst.Remove(Videos, it.Key) {
		t.Error("an item is removed once")
	}
	if err := Equal(t.Context(), dst, src); err == nil {
		t.Error("a removed item is not missed")
	}
	tally, err := backup.Copy(t.Context(), dst.Agent(Videos), src.Agent(Videos), backup.Transport{})
	if err != nil || tally.Added != 1 {
		t.Errorf("a removed item comes back: %+v, %v", tally, err)
	}
}

func TestSpace(t *testing.T) {
	d := New(Config{Empty: true, Free: 10})
	r := restore(t, d, Photos)
	free := func(want int64) {
		t.Helper()
		if got, err := d.Free(); got != want || err != nil {
			t.Errorf("%d bytes free, not %d: %v", got, want, err)
		}
	}
	s, err := r.Stage(t.Context(), photo("a", 6))
	if err != nil {
		t.Fatal(err)
	}
	free(4)
	if res := bring(t, r, photo("b", 5), "12345"); backup.ReasonOf(res.Err) != backup.NoSpace {
		t.Errorf("a full phone: %v", res.Err)
	}
	if a := r.(backup.Checker).Check(t.Context(), photo("b", 5), backup.Prior{}); a.Verdict != backup.Refuse {
		t.Errorf("a full phone answers %d", a.Verdict)
	}
	for range 2 {
		if err := s.Discard(); err != nil {
			t.Error(err)
		}
		free(10)
	}
	for range 2 { // the second time it is there
		bring(t, r, photo("b", 5), "12345")
		free(5)
	}
	if _, err := r.Stage(t.Context(), photo("c", 5)); err != nil {
		t.Error(err)
	}
	free(0)
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	free(5)
	d.Remove(Photos, "b")
	free(10)
	if got, _ := New(Config{Free: -1}).Free(); got != 0 {
		t.Errorf("a phone without space has %d bytes", got)
	}
}

func TestKeep(t *testing.T) {
	d := New(Config{Empty: true, Keep: 5})
	r := restore(t, d, Photos)
	for _, key := range []string{"a", "b"} {
		if res := bring(t, r, photo(key, 3), "123"); res.Outcome != backup.Added {
			t.Fatal(res.Err)
		}
	}
	b, err := d.Agent(Photos).Backup(t.Context(), backup.Transport{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := b.Open(t.Context(), photo("a", 3), 1)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(f); string(got) != "23" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := b.Open(t.Context(), photo("b", 3), 0); backup.ReasonOf(err) != backup.Unreadable {
		t.Errorf("what was not kept: %v", err)
	}
}

// TestEqual moves a phone and then looks for every way to differ.
func TestEqual(t *testing.T) {
	c := many(11, 40)
	c.Unreadable, c.ChangeWhileReading = 0.05, 0.05
	c.Sizes = map[backup.Kind]Range{Videos: {0, 300 << 10}}
	src := New(c)
	move := func(t *testing.T) *Device {
		dst := New(Config{Empty: true})
		for _, a := range src.Agents() {
			if _, err := backup.Copy(t.Context(), dst.Agent(a.Info().Kind), a, backup.Transport{}); err != nil {
				t.Fatal(err)
			}
		}
		return dst
	}
	dst := move(t)
	if err := Equal(t.Context(), dst, src); err != nil {
		t.Fatal(err)
	}
	if err := Equal(t.Context(), New(Config{Empty: true}), src); err == nil || strings.Count(err.Error(), "\n") != maxDifferences-1 {
		t.Errorf("an empty phone differs in %v", err)
	}
	if err := Equal(t.Context(), move(t), dst); err != nil {
		t.Errorf("two phones that took the same in: %v", err)
	}
	for name, change := range map[string]func(s *store, r *record){
		"content": func(_ *store, r *record) { r.digest[31] ^= 1 },
		"size":    func(_ *store, r *record) { r.size++ },
		"time":    func(_ *store, r *record) { r.nsec++ },
		"mode":    func(_ *store, r *record) { r.mode ^= 1 },
		"missing": func(s *store, r *record) { delete(s.index, r.key); r.gone = true },
		"extra": func(s *store, r *record) {
			more := *r
			more.key = "more"
			s.insert(more, extra{})
		},
	} {
		dst := move(t)
		s := dst.agent(Documents).store
		change(s, &s.records[len(s.records)-1])
		if err := Equal(t.Context(), dst, src); err == nil {
			t.Errorf("%s: no difference is seen", name)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Equal(ctx, dst, src); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that ended: %v", err)
	}
}

func TestPriors(t *testing.T) {
	d := New(Config{Empty: true})
	r := restore(t, d, Photos)
	bring(t, r, photo("a", 1), "1")
	bring(t, r, photo("a", 1), "2")
	one, two := sum([]byte("1")), sum([]byte("2"))
	for _, tt := range []struct {
		prior backup.Prior
		want  backup.Verdict
	}{
		{backup.Prior{}, backup.Compare},
		{backup.Prior{Digest: one}, backup.Have},
		{backup.Prior{Digest: two, Name: "a (1)"}, backup.Have},
		{backup.Prior{Digest: two}, backup.Compare},
		{backup.Prior{Digest: one, Name: "a (1)"}, backup.Compare},
	} {
		a := r.(backup.Checker).Check(t.Context(), photo("a", 1), tt.prior)
		if a.Verdict != tt.want {
			t.Errorf("%+v: %d", tt.prior, a.Verdict)
		}
		if a.Verdict == backup.Compare && (len(a.Digests) != 2 || len(a.Names) != 2 || a.Names[1] != "a (1)") {
			t.Errorf("%+v: %+v", tt.prior, a)
		}
	}
	if a := r.(backup.Checker).Check(t.Context(), photo("a", 2), backup.Prior{}); a.Verdict != backup.Need {
		t.Errorf("another size: %d", a.Verdict)
	}
}

func TestClosed(t *testing.T) {
	d := New(Config{})
	r := restore(t, d, Photos)
	s, err := r.Stage(t.Context(), photo("a", 0))
	if err != nil {
		t.Fatal(err)
	}
	b, err := d.Agent(Photos).Backup(t.Context(), backup.Transport{})
	if err != nil {
		t.Fatal(err)
	}
	it := items(t, d.Agent(Photos), 3)[2]
	if err := errors.Join(r.Close(), r.Close(), b.Close(), d.Close()); err != nil {
		t.Fatal(err)
	}
	if res := r.Commit(t.Context(), []backup.Staged{s})[0]; res.Outcome != backup.Failed {
		t.Error("a closed target commits")
	}
	if _, err := r.Stage(t.Context(), photo("b", 0)); !errors.Is(err, errClosed) {
		t.Errorf("a closed target stages: %v", err)
	}
	if _, err := b.Open(t.Context(), it, 0); !errors.Is(err, errClosed) {
		t.Errorf("a closed source opens: %v", err)
	}
	for range b.Items(t.Context()) {
		t.Error("a closed source lists")
	}
	if _, err := d.Agent(Photos).Backup(t.Context(), backup.Transport{}); !errors.Is(err, errClosed) {
		t.Errorf("a closed phone opens for reading: %v", err)
	}
	if _, err := d.Agent(Photos).Restore(t.Context(), backup.Transport{}); !errors.Is(err, errClosed) {
		t.Errorf("a closed phone opens for taking in: %v", err)
	}
	other := restore(t, New(Config{}), Photos)
	if res := other.Commit(t.Context(), []backup.Staged{s})[0]; !errors.Is(res.Err, errForeign) {
		t.Errorf("another phone's item: %v", res.Err)
	}
}

// TestArrivals takes 200,000 files in and looks at what each leaves in memory.
func TestArrivals(t *testing.T) {
	n := 200_000
	if testing.Short() {
		n /= 10
	}
	src := New(Config{Photos: n, Sizes: map[backup.Kind]Range{Photos: {1, 64}}})
	dst := New(Config{Empty: true})
	before := heap()
	tally, err := backup.Copy(t.Context(), dst.Agent(Photos), src.Agent(Photos), backup.Transport{})
	if err != nil || tally.Added != int64(src.Len(Photos)) {
		t.Fatalf("%+v, %v", tally, err)
	}
	if each := (heap() - before) / uint64(n); each > 400 {
		t.Errorf("each file that came in takes %d bytes", each)
	} else {
		t.Logf("each file that came in takes %d bytes", each)
	}
	if dst.Len(Photos) != src.Len(Photos) {
		t.Errorf("%d items arrived", dst.Len(Photos))
	}
}

func BenchmarkTake(b *testing.B) {
	const size = 8 << 20
	r := restore(b, New(Config{Empty: true}), Photos)
	block := pattern(1 << 20)
	b.SetBytes(size)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		s, err := r.Stage(b.Context(), photo(fmt.Sprint(i), size))
		if err != nil {
			b.Fatal(err)
		}
		for off := int64(0); off < size; off += int64(len(block)) {
			if _, err := s.(backup.StagedFile).WriteAt(block, off); err != nil {
				b.Fatal(err)
			}
		}
		if res := r.Commit(b.Context(), []backup.Staged{s})[0]; res.Outcome != backup.Added {
			b.Fatal(res.Err)
		}
	}
}
