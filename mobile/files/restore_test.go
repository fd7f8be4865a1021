package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"lukechampine.com/blake3"

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
					NewTarget: func() backup.Agent { return newStorage(tb, tb.TempDir(), Options{}).agent(k.Kind) },
					Vanish:    func(it backup.Item) error { return os.Remove(filepath.Join(dir, string(it.Key))) },
				}
			})
		})
	}
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
	vcf := func(name string) bool { return strings.HasSuffix(name, ".vcf") }
	w := newStorage(t, dir, Options{Claimed: []string{"Contacts"}, Shared: []Share{{"Cards", vcf}}}).writer(t, Files)
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
		{"Cards/x", "x", backup.Added, ""},
		{"Cards/sub/x.vcf", "x", backup.Added, "Cards (1)/sub/x.vcf"},
		{"Cards.vcf", "x", backup.Added, ""},
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
		got := w.Check(t.Context(), tt.it, tt.prior)
		if len(got.Stamps) != len(got.Digests) {
			t.Errorf("%s: %d times", tt.name, len(got.Stamps))
		}
		if got.Stamps = nil; !reflect.DeepEqual(got, tt.want) { // TestStamp has those
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

// TestFreeSpaceIsUsed takes what fits for as long as it fits: little is left free.
func TestFreeSpaceIsUsed(t *testing.T) {
	s := newSpace(func() (int64, error) { return 9_200_000, nil })
	for range 3 {
		if !s.room(2 << 20) {
			t.Fatal("a file of 2 MiB waits for space where there are more than 3 MB")
		}
		s.stage(2<<20, false)
	}
	if s.room(2 << 20) {
		t.Error("nothing is left free")
	}
}
