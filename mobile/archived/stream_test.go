package archived_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-move/ferry/mobile/android/ab"
	"github.com/ferry-move/ferry/mobile/archived"
	"github.com/ferry-move/ferry/mobile/backup"
	"lukechampine.com/blake3"
)

// big is larger than what is held in memory.
var big = strings.Repeat("0123456789abcde\n", 40_000)

// mixed has small and large files of one kind.
func mixed(t testing.TB) string {
	b := newTar(t)
	for i := range 4 {
		b.file("", "shared/0", fmt.Sprintf("x/small%d", i), fmt.Sprint("content ", i)).file("", "shared/0", fmt.Sprintf("x/large%d", i), big+fmt.Sprint(i))
	}
	return b.file("", "shared/0", "x/empty", "").save(ab.CreateOptions{Compress: true})
}

func want(k backup.Key) string {
	n := string(k[len(k)-1:])
	switch {
	case strings.Contains(string(k), "large"):
		return big + n
	case strings.Contains(string(k), "small"):
		return "content " + n
	}
	return ""
}

// Content can be opened when it passes, again, anywhere, and later.
func TestOpen(t *testing.T) {
	d := open(t, mixed(t), archived.Options{})
	b := source(t, d, "files", d2d)
	var all []backup.Item
	for it, err := range b.Items(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		for i, off := range []int64{0, 0, it.Size / 2, it.Size} {
			if got := content(t, b, it, off); got != want(it.Key)[off:] {
				t.Errorf("%s, %d. opening: %d bytes from %d", it.Key, i, len(got), off)
			}
		}
		all = append(all, it)
		b.(backup.Releaser).Release(it)
	}
	if len(all) != 9 {
		t.Fatalf("%d items", len(all))
	}
	for _, it := range all { // all has passed
		for _, off := range []int64{0, it.Size} {
			if got := content(t, b, it, off); got != want(it.Key)[off:] {
				t.Errorf("%s later: %d bytes from %d", it.Key, len(got), off)
			}
		}
	}
	// A reader that does not want all of it, and one that closes twice.
	r, err := b.Open(t.Context(), all[1], 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, r, 1000); err != nil || r.Close() != nil || r.Close() != nil {
		t.Error(err)
	}
	if n, err := r.Read(make([]byte, 1)); n != 0 || err == nil || err == io.EOF {
		t.Errorf("a closed content gives %d bytes, %v", n, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	d := open(t, whole(t).save(ab.CreateOptions{}), archived.Options{})
	b := source(t, d, "apps", d2d)
	file := backup.Item{Kind: "apps", Type: backup.TypeFile, Key: "com.example.alpha/f/x y", Size: 1, ModTime: time.Unix(1_600_000_003, 0)}
	if got := content(t, b, file, 0); got != "x" {
		t.Fatalf("%q", got)
	}
	with := func(f func(*backup.Item)) backup.Item { it := file; f(&it); return it }
	for name, c := range map[string]struct {
		it     backup.Item
		offset int64
		want   backup.Reason
	}{
		"never listed":   {with(func(it *backup.Item) { it.Key = "com.example.alpha/f/other" }), 0, backup.Malformed},
		"of another":     {with(func(it *backup.Item) { it.Key = "top.txt" }), 0, backup.Malformed},
		"records":        {with(func(it *backup.Item) { it.Key = "com.android.wallpaper/k/com.android.wallpaper.data" }), 0, backup.Malformed},
		"a folder":       {with(func(it *backup.Item) { it.Type = backup.TypeDirectory }), 0, backup.Malformed},
		"before it":      {file, -1, backup.Malformed},
		"behind it":      {file, 2, backup.Malformed},
		"another size":   {with(func(it *backup.Item) { it.Size = 2 }), 0, backup.Changed},
		"another's time": {with(func(it *backup.Item) { it.ModTime = time.Unix(1, 0) }), 0, backup.Changed},
	} {
		if r, err := b.Open(t.Context(), c.it, c.offset); r != nil || backup.ReasonOf(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.Open(ctx, file, 0); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Open(t.Context(), file, 0); !errors.Is(err, fs.ErrClosed) {
		t.Error(err)
	}
	for _, err := range b.Items(t.Context()) {
		if !errors.Is(err, fs.ErrClosed) {
			t.Error(err)
		}
	}
}

// What the receiver has is released without having been opened; what it may
// have is opened twice.
func TestVerdicts(t *testing.T) {
	digest := func(it backup.Item) backup.Digest { return blake3.Sum256([]byte(want(it.Key))) }
	for name, c := range map[string]struct {
		verdict func(backup.Item) backup.Answer
		added   int64
	}{
		"need": {nil, 9},
		"have": {func(it backup.Item) backup.Answer { return backup.Answer{Verdict: backup.Have, Digest: digest(it)} }, 0},
		"same": {func(it backup.Item) backup.Answer {
			return backup.Answer{Verdict: backup.Compare, Digests: []backup.Digest{digest(it)}}
		}, 0},
		"other": {func(backup.Item) backup.Answer {
			return backup.Answer{Verdict: backup.Compare, Digests: []backup.Digest{{1}}}
		}, 9},
		"refuse": {func(backup.Item) backup.Answer { return backup.Answer{Verdict: backup.Refuse, Err: backup.TooLarge} }, 0},
	} {
		for engine, run := range engines {
			t.Run(name+" "+engine, func(t *testing.T) {
				d := open(t, mixed(t), archived.Options{})
				r := newRecorder(d.Agents()[0])
				r.verdict = c.verdict
				if added := run(t, d.Agents()[0], r); added != c.added {
					t.Errorf("%d were added", added)
				}
				for k, got := range r.lines {
					if got != fmt.Sprintf("%x", blake3.Sum256([]byte(want(backup.Key(k))))) {
						t.Errorf("%s came as something else", k)
					}
				}
			})
		}
	}
}

// A loop that ends early leaves nothing behind, and the next one is whole.
func TestBreak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, err := archived.Open(t.Context(), mixed(t), archived.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		b, err := d.Agents()[0].Backup(t.Context(), d2d)
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		var r io.ReadCloser
		for it := range b.Items(t.Context()) {
			if it.Key == "x/large0" {
				if r, err = b.Open(t.Context(), it, 0); err != nil {
					t.Fatal(err)
				}
				break
			}
		}
		if _, err := io.ReadAll(r); err == nil {
			t.Error("content goes on behind the end of its pass")
		}
		r.Close()
		if n := len(listing(t, b)); n != 9 {
			t.Errorf("%d items", n)
		}
	})
}

// run lists in a goroutine of its own, and notes what came.
type run struct {
	mu    sync.Mutex
	items []backup.Item
	err   error
	done  bool
}

func start(ctx context.Context, b backup.Backup) *run {
	r := new(run)
	go func() {
		for it, err := range b.Items(ctx) {
			r.mu.Lock()
			r.items, r.err = append(r.items, it), errors.Join(r.err, err)
			r.mu.Unlock()
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.done = true
	}()
	synctest.Wait()
	return r
}

func (r *run) state() (n int, done bool) {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.items), r.done
}

// inBubble opens the only kind of an archive in virtual time.
func inBubble(t *testing.T, path string, f func(t *testing.T, b backup.Backup)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d, err := archived.Open(t.Context(), path, archived.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		b, err := d.Agents()[0].Backup(t.Context(), d2d)
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		f(t, b)
	})
}

// The listing waits for a large file, and for memory.
func TestWaits(t *testing.T) {
	path := mixed(t)
	inBubble(t, path, func(t *testing.T, b backup.Backup) {
		r := start(t.Context(), b)
		for i := 0; ; i += 2 {
			n, done := r.state()
			if done {
				if i != 8 || n != 9 {
					t.Errorf("%d items after %d", n, i)
				}
				return
			}
			if n != i+2 {
				t.Fatalf("%d items while the %d. waits", n, i+2)
			}
			large := r.items[n-1]
			switch i {
			case 0: // never opened
				b.(backup.Releaser).Release(large)
			case 2: // read to its end
				c, err := b.Open(t.Context(), large, 0)
				if err != nil {
					t.Fatal(err)
				}
				if n, done := r.state(); n != 4 || done {
					t.Error("the listing goes on under an open content")
				}
				b.(backup.Releaser).Release(large) // changes nothing: it is being read
				if got, err := io.ReadAll(c); err != nil || string(got) != want(large.Key) {
					t.Errorf("%d bytes, %v", len(got), err)
				}
			default: // closed before it was read
				c, err := b.Open(t.Context(), large, 0)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := c.Read(make([]byte, 1)); err != nil || c.Close() != nil {
					t.Error(err)
				}
			}
		}
	})
}

func TestMemoryIsBounded(t *testing.T) {
	tb := newTar(t)
	for i := range 400 {
		tb.file("", "shared/0", fmt.Sprintf("x/%d", i), strings.Repeat("x", 200<<10))
	}
	inBubble(t, tb.save(ab.CreateOptions{Compress: true}), func(t *testing.T, b backup.Backup) {
		r := start(t.Context(), b)
		n, done := r.state()
		if most := 48 << 20 / (200 << 10); n < most*9/10 || n > most || done {
			t.Fatalf("%d items are held", n)
		}
		for _, it := range r.items[:100] {
			b.(backup.Releaser).Release(it)
		}
		if m, _ := r.state(); m != n+100 {
			t.Errorf("%d more for 100 released", m-n)
		}
		for {
			for _, it := range r.items {
				b.(backup.Releaser).Release(it)
			}
			if n, done = r.state(); done {
				break
			}
		}
		if n != 400 {
			t.Errorf("%d items", n)
		}
	})
}

// A context, and Close, end whatever waits.
func TestCut(t *testing.T) {
	path := mixed(t)
	for name, end := range map[string]func(context.CancelFunc, backup.Backup){
		"context": func(cancel context.CancelFunc, _ backup.Backup) { cancel() },
		"close":   func(_ context.CancelFunc, b backup.Backup) { b.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, path, func(t *testing.T, b backup.Backup) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				r := start(ctx, b)
				n, _ := r.state()
				live, err := b.Open(ctx, r.items[1], 0)
				if err != nil {
					t.Fatal(err)
				}
				again, err := b.Open(ctx, r.items[1], 5)
				if err != nil {
					t.Fatal(err)
				}
				end(cancel, b)
				if m, done := r.state(); m != n || !done || r.err != nil {
					t.Errorf("%d items, %v, %v", m, done, r.err)
				}
				for _, c := range []io.ReadCloser{live, again} {
					if _, err := io.ReadAll(c); !errors.Is(err, context.Canceled) && !errors.Is(err, fs.ErrClosed) {
						t.Errorf("reading ends with %v", err)
					}
					c.Close()
				}
			})
		})
	}
}

// A file that is not the one that was counted is told of, and not sent as if.
func TestChanged(t *testing.T) {
	path := mixed(t)
	touch := func() {
		t.Helper()
		now := time.Now().Add(time.Hour)
		if err := os.Chtimes(path, now, now); err != nil {
			t.Fatal(err)
		}
	}
	d := open(t, path, archived.Options{})
	b := source(t, d, "files", d2d)
	n := 0
	var last error
	for it, err := range b.Items(t.Context()) {
		if n++; err != nil {
			last = err
			continue
		}
		if it.Key == "x/large0" {
			r, err := b.Open(t.Context(), it, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.CopyN(io.Discard, r, 10); err != nil {
				t.Fatal(err)
			}
			touch()
			if _, err := io.ReadAll(r); backup.ReasonOf(err) != backup.Changed {
				t.Errorf("a large file ends with %v", err)
			}
			if err := r.Close(); backup.ReasonOf(err) != backup.Changed {
				t.Errorf("and closes with %v", err)
			}
			if _, err := b.Open(t.Context(), it, 0); backup.ReasonOf(err) != backup.Changed {
				t.Errorf("and opens again with %v", err)
			}
		}
	}
	if n != 3 || backup.ReasonOf(last) != backup.Changed {
		t.Errorf("%d items, then %v", n, last)
	}
	if got := listing(t, b); len(got) != 1 || got[0] != ": changed" {
		t.Errorf("listed anew: %q", got)
	}

	// Of apps under way it is said that they do not move.
	apps := newTar(t)
	apps.app("org.a", "").file("org.a", "f", "x", "x").app("org.b", "").file("org.b", "f", "x", "x").app("org.c", "").file("org.c", "f", "x", "x")
	apps.file("org.c", "f", "large0", big).file("org.c", "f", "y", "y").records("org.a", "key", "value").app("org.d", "").file("org.d", "f", "x", "x")
	path = apps.save(ab.CreateOptions{})
	d = open(t, path, archived.Options{})
	b = source(t, d, "apps", d2d)
	var ends []string
	for it, err := range b.Items(t.Context()) {
		if !strings.Contains(string(it.Key), "/") && !strings.Contains(string(it.Key), ":") {
			ends = append(ends, line(it, err))
		}
		if it.Key == "org.c/f/large0" {
			touch()
		}
		if err == nil {
			b.(backup.Releaser).Release(it)
		}
	}
	if want := []string{"org.b = \"2 2\\n\"", "org.a: changed", "org.c: changed"}; !slices.Equal(ends, want) {
		t.Errorf("apps end with %q", ends)
	}
	path = mixed(t)

	// Other bytes under the same size and time.
	d = open(t, path, archived.Options{})
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(make([]byte, 1000), 100); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Close(), os.Chtimes(path, info.ModTime(), info.ModTime())); err != nil {
		t.Fatal(err)
	}
	got := listing(t, source(t, d, "files", d2d))
	if l := len(got); l == 0 || !strings.HasSuffix(got[l-1], ": changed") {
		t.Errorf("other bytes: %q", got)
	}
}
