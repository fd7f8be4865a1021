package files

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"lukechampine.com/blake3"
	"pgregory.net/rapid"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/backup/backuptest"
)

func TestConformance(t *testing.T) {
	for _, k := range kinds {
		t.Run(string(k.Kind), func(t *testing.T) {
			backuptest.Run(t, func(tb testing.TB) backuptest.Env {
				dir := tb.TempDir()
				tops := k.folders
				if tops == nil {
					tops = []string{"Alarms"}
				}
				for _, top := range tops {
					for i, ext := range []string{".jpg", ".mp4"} {
						write(tb, dir, fmt.Sprintf("%s/a/%d%s", top, i, ext), strings.Repeat(top, 1000*i+1))
						write(tb, dir, fmt.Sprintf("%s/empty%s", top, ext), "")
						write(tb, dir, top+"/none/", "")
					}
				}
				return backuptest.Env{
					Source:    newStorage(tb, dir, Options{}).agent(k.Kind),
					NewTarget: func() backup.Agent { return trusting{newStorage(tb, tb.TempDir(), Options{}).agent(k.Kind)} },
					Vanish:    func(it backup.Item) error { return os.Remove(filepath.Join(dir, string(it.Key))) },
				}
			})
		})
	}
}

// trusting keeps the suite's false priors from an agent: a prior is this
// program's own note of what it received, and is believed when size and time
// are still the same.
type trusting struct{ backup.Agent }

func (a trusting) Restore(ctx context.Context, t backup.Transport) (backup.Restore, error) {
	r, err := a.Agent.Restore(ctx, t)
	if err != nil {
		return nil, err
	}
	return trustingWriter{r.(*writer)}, nil
}

type trustingWriter struct{ *writer }

func (w trustingWriter) Check(ctx context.Context, it backup.Item, prior backup.Prior) backup.Answer {
	if prior.Digest == (backup.Digest{1}) {
		prior = backup.Prior{}
	}
	return w.writer.Check(ctx, it, prior)
}

// component draws a name that Posix keeps, small enough to meet others.
var component = rapid.SampledFrom([]string{
	"a", "A", "b.txt", "B.TXT", "c (1)", "c (1).jpg", "c.jpg", "DCIM", "Music", "é", "e\u0301", "写真", "x.mp4",
	"\xff\xfe", ".hidden", "with space", "trailing.", "CON", "a:b", strings.Repeat("l", 255), strings.Repeat("写", 85),
})

// tree draws files and folders in dir; a drawn path that clashes with another
// is left out.
func drawTree(t *rapid.T, dir, label string) {
	n := rapid.IntRange(0, 12).Draw(t, label)
	for range n {
		parts := rapid.SliceOfN(component, 1, 4).Draw(t, "path")
		path := filepath.Join(append([]string{dir}, parts...)...)
		if rapid.Bool().Draw(t, "folder") {
			_ = os.MkdirAll(path, 0o755)
			continue
		}
		_ = os.MkdirAll(filepath.Dir(path), 0o755)
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			continue
		}
		content := rapid.SampledFrom([]string{"", "x", "y", strings.Repeat("z", 5000)}).Draw(t, "content")
		_, err = f.WriteString(content)
		mode := rapid.SampledFrom([]fs.FileMode{0o644, 0o600, 0o664, 0o400}).Draw(t, "mode")
		if err := errors.Join(err, f.Chmod(mode), f.Close()); err != nil {
			t.Fatalf("%v", err)
		}
		at := time.Unix(rapid.Int64Range(0, 2_000_000_000).Draw(t, "time"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns"))
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatalf("%v", err)
		}
	}
	i := int64(0)
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() && path != dir {
			i++
			// Children's times are set later and do not change it.
			return os.Chtimes(path, time.Time{}, time.Unix(1_234_567_890+i, i))
		}
		return err
	})
	if err != nil {
		t.Fatalf("%v", err)
	}
}

// ways are those of caps in which a file gets its name.
var ways = map[string]func(*caps){
	"rename": func(*caps) {},
	"link":   func(c *caps) { c.noRename.Store(true) },
	"placeholder": func(c *caps) {
		c.noRename.Store(true)
		c.noLink.Store(true)
		c.noSyncAll.Store(true)
	},
}

func forEachTree(t *testing.T, opts Options, prepare func(*caps), check func(*rapid.T, *storage, *storage)) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatalf("%v", err)
		}
		write(rt, dir, "src/", "")
		write(rt, dir, "dst/", "")
		src, dst := newStorage(t, dir+"/src", Options{}), newStorage(t, dir+"/dst", opts)
		defer src.root.Close()
		defer dst.root.Close()
		if prepare != nil {
			prepare(&dst.agent(Files).dst.caps)
		}
		check(rt, src, dst)
		if err := os.RemoveAll(dir); err != nil {
			rt.Fatalf("%v", err)
		}
	})
}

// What arrives on an empty phone is what was sent, folders' times and empty
// folders included, and a second run changes nothing.
func TestPropertyEmptyTarget(t *testing.T) {
	for name, prepare := range ways {
		t.Run(name, func(t *testing.T) {
			forEachTree(t, Options{}, prepare, func(rt *rapid.T, src, dst *storage) {
				drawTree(rt, src.dir, "source")
				want := snapshot(rt, src.dir, true)
				for run := range 2 {
					sum, err := copyAll(t.Context(), dst, src)
					if err != nil || sum.Failed > 0 {
						rt.Fatalf("run %d: %+v, %v", run, sum, err)
					}
					if run == 1 && sum.Added > 0 {
						rt.Fatalf("the second run added %d", sum.Added)
					}
					equal(rt, snapshot(rt, dst.dir, true), want)
				}
				equal(rt, snapshot(rt, src.dir, true), want)
			})
		})
	}
}

// Whatever was on the phone before is there afterwards, every content sent is
// there, nothing else is, and a second run changes nothing.
func TestPropertyUsedTarget(t *testing.T) {
	for _, p := range []Profile{Posix, Portable} {
		t.Run(fmt.Sprint(p), func(t *testing.T) {
			forEachTree(t, Options{Profile: p, Claimed: []string{"b.txt"}}, nil, func(rt *rapid.T, src, dst *storage) {
				drawTree(rt, dst.dir, "target")
				before := snapshot(rt, dst.dir, false)
				drawTree(rt, src.dir, "source")
				sum, err := copyAll(t.Context(), dst, src)
				if err != nil || sum.Failed > 0 {
					rt.Fatalf("%+v, %v", sum, err)
				}
				after := snapshot(rt, dst.dir, false)
				contains(rt, after, before)
				contents := make(map[string]bool)
				for _, s := range after {
					contents[content0(s)] = true
				}
				for key, s := range snapshot(rt, src.dir, false) {
					if !contents[content0(s)] {
						rt.Fatalf("%q did not arrive", key)
					}
				}
				if got := int64(len(after)); got > int64(len(before))+sum.Added+sum.Skipped {
					rt.Fatalf("%d things of %d that were there and %d sent", got, len(before), sum.Added+sum.Skipped)
				}
				if sum, err = copyAll(t.Context(), dst, src); err != nil || sum.Failed > 0 || sum.Added > 0 {
					rt.Fatalf("second run: %+v, %v", sum, err)
				}
				equal(rt, snapshot(rt, dst.dir, false), after)
			})
		})
	}
}

// content0 cuts a snapshot's line down to the content.
func content0(s string) string {
	_, c, _ := strings.Cut(s, ` "`)
	return c
}

func TestCommitResults(t *testing.T) {
	for name, prepare := range ways {
		t.Run(name, func(t *testing.T) { testCommitResults(t, prepare) })
	}
}

func testCommitResults(t *testing.T, prepare func(*caps)) {
	dir := t.TempDir()
	write(t, dir, "d/taken.txt", "mine")
	write(t, dir, "d/same.txt", "same")
	write(t, dir, "d/folder.txt/", "")
	write(t, dir, "file", "a file")
	before := snapshot(t, dir, false)
	w := newStorage(t, dir, Options{Claimed: []string{"Contacts"}}).writer(t, Files)
	prepare(&w.dst.caps)
	tests := []struct {
		key, content string
		outcome      backup.Outcome
		name         backup.Key
	}{
		{"d/new.txt", "new", backup.Added, ""},
		{"d/new.txt", "new", backup.Skipped, ""},
		{"d/new.txt", "nEw", backup.Added, "d/new (1).txt"},
		{"d/new.txt", "nEw", backup.Skipped, "d/new (1).txt"},
		{"d/new.txt", "longer", backup.Added, "d/new (2).txt"},
		{"d/taken.txt", "your", backup.Added, "d/taken (1).txt"},
		{"d/same.txt", "same", backup.Skipped, ""},
		{"d/folder.txt", "x", backup.Added, "d/folder (1).txt"},
		{"file/x", "x", backup.Added, "file (1)/x"},
		{"file/y", "y", backup.Added, "file (1)/y"},
		{"Contacts/x", "x", backup.Added, "Contacts (1)/x"},
		{"Contacts", "x", backup.Added, "Contacts (2)"},
		{"a\\b", "x", backup.Added, "a%5Cb"},
		{"e/f/g/empty", "", backup.Added, ""},
		{"e/f/g/empty", "", backup.Skipped, ""},
	}
	for _, tt := range tests {
		res := put(t, w, tt.key, tt.content)
		if res.Outcome != tt.outcome || res.Name != tt.name || res.Err != nil {
			t.Errorf("%q = %q: %s %q %v; want %s %q", tt.key, tt.content, res.Outcome, res.Name, res.Err, tt.outcome, tt.name)
		}
		key := tt.key
		if tt.name != "" {
			key = string(tt.name)
		}
		if b, err := os.ReadFile(filepath.Join(dir, key)); err != nil || string(b) != tt.content {
			t.Errorf("%q holds %q, %v", key, b, err)
		}
	}
	after := snapshot(t, dir, false)
	contains(t, after, before)
	for key := range after {
		if isTemp(filepath.Base(key)) {
			t.Errorf("%q was left", key)
		}
	}
}

func TestModesAndTimes(t *testing.T) {
	dir := t.TempDir()
	s := newStorage(t, dir, Options{})
	w := s.writer(t, Files)
	modes := map[string][2]fs.FileMode{ // sent, kept
		"a": {0o755, 0o644}, "b": {0o4777 & fs.ModePerm, 0o666}, "c": {0, 0o644}, "d": {0o200, 0o600}, "e": {0o111, 0o400},
		"f": {fs.ModeSetuid | 0o700, 0o600},
	}
	var batch []backup.Staged
	for key, m := range modes {
		it := fileItem(key, "x")
		it.Mode = m[0]
		batch = append(batch, stage(t, w, it, "x"))
	}
	noTime := fileItem("no time", "")
	noTime.ModTime = time.Time{}
	far := fileItem("far", "")
	far.ModTime = time.Unix(1<<62, 0)
	batch = append(batch, stage(t, w, noTime, ""), stage(t, w, far, ""))
	for _, res := range w.Commit(t.Context(), batch) {
		if res.Outcome != backup.Added {
			t.Fatal(res.Err)
		}
	}
	for key, m := range modes {
		info, err := os.Lstat(filepath.Join(dir, key))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != m[1] || !info.ModTime().Equal(fileItem("", "").ModTime) {
			t.Errorf("%s is %v of %v; want %v", key, info.Mode(), info.ModTime(), m[1])
		}
	}
	if info, err := os.Lstat(filepath.Join(dir, "no time")); err != nil || time.Since(info.ModTime()) > time.Hour {
		t.Errorf("a file of unknown time: %v, %v", info.ModTime(), err)
	}
}

func TestFolders(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "old/", "")
	write(t, dir, "file", "")
	past := time.Unix(1_111_111_111, 0)
	if err := os.Chtimes(filepath.Join(dir, "old"), past, past); err != nil {
		t.Fatal(err)
	}
	s := newStorage(t, dir, Options{})
	w := s.writer(t, Files)
	if res := put(t, w, "new/sub/x", "x"); res.Outcome != backup.Added {
		t.Fatal(res.Err)
	}
	want := []backup.Result{
		{Outcome: backup.Added}, {Outcome: backup.Added}, {Outcome: backup.Skipped},
		{Outcome: backup.Added, Name: "file (1)"}, {Outcome: backup.Skipped}, {Outcome: backup.Added},
	}
	locked := dirItem("locked")
	locked.Mode = 0o077
	var batch []backup.Staged
	for _, it := range []backup.Item{dirItem("new"), dirItem("new/sub"), dirItem("old"), dirItem("file"), dirItem("new"), locked} {
		d, err := w.Stage(t.Context(), it)
		if err != nil {
			t.Fatal(err)
		}
		batch = append(batch, d)
	}
	for i, res := range w.Commit(t.Context(), batch) {
		if res != want[i] {
			t.Errorf("folder %d: %+v; want %+v", i, res, want[i])
		}
	}
	// A file that comes after its folder does not spoil the folder's time.
	if res := put(t, w, "new/sub/y", "y"); res.Outcome != backup.Added {
		t.Fatal(res.Err)
	}
	if err := w.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	check := func() {
		t.Helper()
		for key, mode := range map[string]fs.FileMode{"new": 0o750, "new/sub": 0o750, "file (1)": 0o750, "locked": 0o777} {
			info, err := os.Lstat(filepath.Join(dir, key))
			if err != nil || info.Mode().Perm() != mode || !info.ModTime().Equal(locked.ModTime) {
				t.Errorf("%s: %v %v, %v", key, info.Mode(), info.ModTime(), err)
			}
		}
		if info, err := os.Lstat(filepath.Join(dir, "old")); err != nil || info.Mode().Perm() != 0o755 || !info.ModTime().Equal(past) {
			t.Errorf("a folder that was there: %v %v, %v", info.Mode(), info.ModTime(), err)
		}
	}
	check()
	// Another kind writes there afterwards; its Finish sets the time again.
	w2 := s.writer(t, Videos)
	video := fileItem("new/sub/z.mp4", "z")
	video.Kind = Videos
	if res := w2.Commit(t.Context(), []backup.Staged{stage(t, w2, video, "z")})[0]; res.Outcome != backup.Added {
		t.Fatal(res.Err)
	}
	if err := w2.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	check()
	if a := w.Check(t.Context(), dirItem("new"), backup.Prior{}); a.Verdict != backup.Have {
		t.Errorf("Check says %d", a.Verdict)
	}
	if a := w.Check(t.Context(), dirItem("old"), backup.Prior{}); a.Verdict != backup.Need {
		t.Errorf("Check of another time says %d", a.Verdict)
	}
}

// A folder made by a run that was cut gets its time from the next one.
func TestFolderOfAnEarlierRun(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "new/", "")
	w := newStorage(t, dir, Options{}).writer(t, Files)
	it := dirItem("new")
	if a := w.Check(t.Context(), it, backup.Prior{Digest: backup.Digest{1}}); a.Verdict != backup.Need {
		t.Fatalf("Check says %d", a.Verdict)
	}
	d, err := w.Stage(t.Context(), it)
	if err != nil {
		t.Fatal(err)
	}
	if res := w.Commit(t.Context(), []backup.Staged{d})[0]; res.Outcome != backup.Skipped {
		t.Fatalf("%+v", res)
	}
	if err := w.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(filepath.Join(dir, "new"))
	if err != nil || info.Mode().Perm() != it.Mode || !info.ModTime().Equal(it.ModTime) {
		t.Errorf("%v %v, %v", info.Mode(), info.ModTime(), err)
	}
}

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	at := fileItem("", "").ModTime
	for key, content := range map[string]string{"d/a.txt": "12345", "d/a (1).txt": "1234", "d/a (2).txt": "54321", "d/a (4).txt": "12345", "d/b": "", "m/x": "x"} {
		write(t, dir, key, content)
		if err := os.Chtimes(filepath.Join(dir, key), at, at); err != nil {
			t.Fatal(err)
		}
	}
	w := newStorage(t, dir, Options{}).writer(t, Files)
	digest := func(s string) backup.Digest { return blake3.Sum256([]byte(s)) }
	noTime := fileItem("d/a.txt", "12345")
	noTime.ModTime = time.Time{}
	older := fileItem("d/a.txt", "12345")
	older.ModTime = at.Add(-1)
	need := backup.Answer{Verdict: backup.Need}
	series := backup.Answer{
		Verdict: backup.Compare,
		Digests: []backup.Digest{digest("12345"), digest("54321")}, Names: []backup.Key{"", "d/a (2).txt"},
	}
	tests := []struct {
		name  string
		it    backup.Item
		prior backup.Prior
		want  backup.Answer
	}{
		{"nothing there", fileItem("d/none", "x"), backup.Prior{}, need},
		{"no folder", fileItem("e/none", "x"), backup.Prior{}, need},
		{"other size", fileItem("m/x", "xx"), backup.Prior{}, need},
		{"a folder", fileItem("m", "xx"), backup.Prior{}, need},
		{"series", fileItem("d/a.txt", "-----"), backup.Prior{}, series},
		{"empty", fileItem("d/b", ""), backup.Prior{},
			backup.Answer{Verdict: backup.Compare, Digests: []backup.Digest{digest("")}, Names: []backup.Key{""}}},
		{"prior", fileItem("d/a.txt", "12345"), backup.Prior{Digest: digest("12345")},
			backup.Answer{Verdict: backup.Have, Digest: digest("12345")}},
		{"prior elsewhere", fileItem("gone", "x"), backup.Prior{Digest: digest("x"), Name: "m/x"},
			backup.Answer{Verdict: backup.Have, Digest: digest("x"), Names: []backup.Key{"m/x"}}},
		{"prior of another time", older, backup.Prior{Digest: digest("12345")}, series},
		{"prior without time", noTime, backup.Prior{Digest: digest("12345")}, series},
		{"prior that is gone", fileItem("e/a", "x"), backup.Prior{Digest: digest("x")}, need},
		{"hostile prior", fileItem("e/a", "x"), backup.Prior{Digest: digest("x"), Name: "../x"}, need},
	}
	for _, tt := range tests {
		if got := w.Check(t.Context(), tt.it, tt.prior); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %+v; want %+v", tt.name, got, tt.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if a := w.Check(ctx, fileItem("d/a.txt", "12345"), backup.Prior{}); a.Verdict != backup.Refuse || !errors.Is(a.Err, context.Canceled) {
		t.Errorf("cancelled: %+v", a)
	}
}

func TestMalformedItems(t *testing.T) {
	w := newStorage(t, t.TempDir(), Options{}).writer(t, Files)
	negative, entity, fat := fileItem("a", ""), fileItem("a", ""), dirItem("a")
	negative.Size, entity.Type, fat.Size = -1, backup.TypeEntity, 1
	for _, it := range []backup.Item{negative, entity, fat, {Kind: Files, Key: "a"}} {
		if a := w.Check(t.Context(), it, backup.Prior{}); a.Verdict != backup.Refuse || !errors.Is(a.Err, backup.Malformed) {
			t.Errorf("Check: %+v", a)
		}
		if _, err := w.Stage(t.Context(), it); !errors.Is(err, backup.Malformed) {
			t.Errorf("Stage: %v", err)
		}
	}
	other := fileItem("a", "")
	other.Kind = Music
	if _, err := w.Stage(t.Context(), other); !errors.Is(err, backup.Unsupported) {
		t.Errorf("another kind: %v", err)
	}
}

func TestFreeSpace(t *testing.T) {
	free, calls := int64(reserve+100<<20), 0
	opts := Options{Free: func() (int64, error) { calls++; return free, nil }}
	w := newStorage(t, t.TempDir(), opts).writer(t, Files)
	item := func(size int64) backup.Item {
		it := fileItem("a", "")
		it.Size = size
		return it
	}
	check := func(size int64) backup.Verdict {
		a := w.Check(t.Context(), item(size), backup.Prior{})
		if a.Verdict == backup.Refuse && !errors.Is(a.Err, backup.NoSpace) {
			t.Errorf("refused: %v", a.Err)
		}
		return a.Verdict
	}
	for range 1000 {
		if v := check(1000); v != backup.Need {
			t.Fatalf("verdict %d", v)
		}
	}
	if calls > 10 {
		t.Errorf("asked %d times for 1000 items", calls)
	}
	if v := check(100<<20 + 1); v != backup.Refuse {
		t.Errorf("too large: %d", v)
	}
	if _, err := w.Stage(t.Context(), item(100<<20+1)); !errors.Is(err, backup.NoSpace) {
		t.Errorf("Stage: %v", err)
	}
	// Small files that were announced and not written yet use the space up.
	var staged []backup.Staged
	for range 64 {
		s, err := w.Stage(t.Context(), item(preallocateFrom-1))
		if err != nil {
			t.Fatal(err)
		}
		staged = append(staged, s)
	}
	if v := check(40 << 20); v != backup.Refuse {
		t.Errorf("with 64 MB on the way: %d", v)
	}
	for _, s := range staged {
		if err := s.Discard(); err != nil {
			t.Fatal(err)
		}
	}
	if v := check(100 << 20); v != backup.Need {
		t.Errorf("after they were dropped: %d", v)
	}
	if u := w.space.unwritten; u != 0 {
		t.Errorf("%d bytes still count", u)
	}
}

func TestStagedFile(t *testing.T) {
	dir := t.TempDir()
	s := newStorage(t, dir, Options{})
	w := s.writer(t, Files)
	f := stage(t, w, fileItem("d/a", "12345"), "")
	for _, off := range []int64{-1, 1, 6, 1 << 62} {
		if _, err := f.WriteAt([]byte("12345"), off); !errors.Is(err, backup.Malformed) {
			t.Errorf("at %d: %v", off, err)
		}
	}
	if got := snapshot(t, dir, false); len(got) != 1 || got[f.TempName()] == "" {
		t.Errorf("%q with temporary name %q", got, f.TempName())
	}
	// Too short: it must not look finished.
	if res := w.Commit(t.Context(), []backup.Staged{f})[0]; res.Outcome != backup.Failed || !errors.Is(res.Err, backup.Damaged) {
		t.Errorf("short: %+v", res)
	}
	if res := w.Commit(t.Context(), []backup.Staged{f})[0]; res.Outcome != backup.Failed {
		t.Errorf("committed twice: %+v", res)
	}
	f = stage(t, w, fileItem("d/a", "12345"), "12345")
	if err := errors.Join(f.Discard(), f.Discard()); err != nil {
		t.Error(err)
	}
	if res := w.Commit(t.Context(), []backup.Staged{f, nil})[0]; res.Outcome != backup.Failed {
		t.Errorf("committed after Discard: %+v", res)
	}
	// One bad item leaves the others alone.
	good, bad := stage(t, w, fileItem("d/good", "x"), "x"), stage(t, w, fileItem("d/bad", "x"), "x")
	if err := os.Remove(filepath.Join(dir, bad.TempName())); err != nil {
		t.Fatal(err)
	}
	res := w.Commit(t.Context(), []backup.Staged{bad, good})
	if !errors.Is(res[0].Err, backup.Unwritable) || res[1].Outcome != backup.Added {
		t.Errorf("%+v", res)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f = stage(t, w, fileItem("d/b", "x"), "x")
	if res := w.Commit(ctx, []backup.Staged{f})[0]; res.Outcome != backup.Failed || !errors.Is(res.Err, context.Canceled) {
		t.Errorf("cancelled: %+v", res)
	}
	// Close removes what was not committed, and nothing else of that form.
	write(t, dir, "d/.ferry-0123456789abcdef.part", "not ours")
	last := stage(t, w, fileItem("d/c", "x"), "x")
	if err := errors.Join(w.Close(), w.Close()); err != nil {
		t.Error(err)
	}
	if _, err := last.WriteAt([]byte("x"), 0); err == nil {
		t.Error("WriteAt after Close")
	}
	if _, err := w.Stage(t.Context(), fileItem("d/d", "")); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Stage after Close: %v", err)
	}
	if got := snapshot(t, dir, false); len(got) != 3 || got["d/good"] == "" || got["d/.ferry-0123456789abcdef.part"] == "" {
		t.Errorf("%q", got)
	}
	w2 := s.writer(t, Files)
	for range 2 {
		if err := w2.RemoveTemp(t.Context(), "d/.ferry-0123456789abcdef.part"); err != nil {
			t.Error(err)
		}
	}
	if err := w2.RemoveTemp(t.Context(), "d/good"); !errors.Is(err, backup.BadName) {
		t.Errorf("RemoveTemp of another file: %v", err)
	}
	if got := snapshot(t, dir, false); len(got) != 2 {
		t.Errorf("%q", got)
	}
	if n := s.agent(Files).dst.lru.Len(); n == 0 {
		t.Error("the open writer's folders are not kept open")
	}
	if err := w2.Close(); err != nil {
		t.Error(err)
	}
	if n := s.agent(Files).dst.lru.Len(); n != 0 {
		t.Errorf("%d folders stay open", n)
	}
}

func TestFoldersThatGoAway(t *testing.T) {
	dir := t.TempDir()
	w := newStorage(t, dir, Options{}).writer(t, Files)
	if res := put(t, w, "a/b/x", "x"); res.Outcome != backup.Added {
		t.Fatal(res.Err)
	}
	// Removed while it is in the cache: made again.
	if err := os.RemoveAll(filepath.Join(dir, "a")); err != nil {
		t.Fatal(err)
	}
	if res := put(t, w, "a/b/y", "y"); res.Outcome != backup.Added {
		t.Fatal(res.Err)
	}
	// Moved while a file is on its way: the file goes where it belongs.
	f := stage(t, w, fileItem("a/b/z", "z"), "z")
	if err := os.Rename(filepath.Join(dir, "a/b"), filepath.Join(dir, "moved")); err != nil {
		t.Fatal(err)
	}
	if res := w.Commit(t.Context(), []backup.Staged{f})[0]; res.Outcome != backup.Added {
		t.Fatal(res.Err)
	}
	if got := snapshot(t, dir, false); len(got) != 5 || got["a/b/z"] == "" || got["moved/y"] == "" {
		t.Errorf("%q", got)
	}
}

func TestManyFoldersAndWriters(t *testing.T) {
	dir := t.TempDir()
	w := newStorage(t, dir, Options{}).writer(t, Files)
	const writers, each = 4, 3 * maxDirs
	var g errgroup.Group
	for i := range writers {
		g.Go(func() error {
			var batch []backup.Staged
			for j := range each {
				content := fmt.Sprintf("%d %d", i, j)
				it := fileItem(fmt.Sprintf("d%d/e%d/f%d", j%100, j%7, i), content)
				s, err := w.Stage(t.Context(), it)
				if err != nil {
					return err
				}
				if _, err := s.(backup.StagedFile).WriteAt([]byte(content), 0); err != nil {
					return err
				}
				batch = append(batch, s)
			}
			for _, res := range w.Commit(t.Context(), batch) {
				if res.Outcome != backup.Added {
					return fmt.Errorf("%s: %w", res.Outcome, res.Err)
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	files := 0
	for _, s := range snapshot(t, dir, false) {
		if strings.HasPrefix(s, "-") {
			files++
		}
	}
	if files != writers*each {
		t.Errorf("%d files; want %d", files, writers*each)
	}
	if n := len(w.dst.dirty); n != 0 {
		t.Errorf("%d folders are still to be synced", n)
	}
}

// Blocks come in any order and from several goroutines.
func TestWriteAtConcurrently(t *testing.T) {
	dir := t.TempDir()
	w := newStorage(t, dir, Options{}).writer(t, Files)
	rnd := rand.New(rand.NewPCG(1, 2))
	content := make([]byte, 3<<20)
	for i := range content {
		content[i] = byte(rnd.Uint32())
	}
	it := fileItem("big", string(content))
	s, err := w.Stage(t.Context(), it)
	if err != nil {
		t.Fatal(err)
	}
	const block = 64 << 10
	var wg sync.WaitGroup
	for _, i := range rnd.Perm(len(content) / block) {
		wg.Go(func() {
			if _, err := s.(backup.StagedFile).WriteAt(content[i*block:(i+1)*block], int64(i*block)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if res := w.Commit(t.Context(), []backup.Staged{s})[0]; res.Outcome != backup.Added {
		t.Fatal(res.Err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "big")); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func BenchmarkCommit4K(b *testing.B) {
	b.Run("together", func(b *testing.B) { benchmarkCommit(b, func(*caps) {}) })
	b.Run("one by one", func(b *testing.B) { benchmarkCommit(b, func(c *caps) { c.noSyncAll.Store(true) }) })
}

func benchmarkCommit(b *testing.B, prepare func(*caps)) {
	const batchSize, folders = 256, 100
	w := newStorage(b, b.TempDir(), Options{}).writer(b, Files)
	prepare(&w.dst.caps)
	content := make([]byte, 4096)
	n := 0
	for b.Loop() {
		batch := make([]backup.Staged, batchSize)
		for i := range batch {
			n++
			it := fileItem(fmt.Sprintf("d%02d/f%07d", n%folders, n), "")
			it.Size = int64(len(content))
			s, err := w.Stage(b.Context(), it)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := s.(backup.StagedFile).WriteAt(content, 0); err != nil {
				b.Fatal(err)
			}
			batch[i] = s
		}
		for _, res := range w.Commit(b.Context(), batch) {
			if res.Outcome != backup.Added {
				b.Fatal(res.Err)
			}
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "files/s")
}
