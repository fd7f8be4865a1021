package apps

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/entity"
	"github.com/ferry-move/ferry/mobile/backup"
)

// folder is a phone that is a folder, for one test.
type folder struct {
	t    testing.TB
	dir  string
	root *os.Root
}

func newFolder(t testing.TB) *folder {
	t.Helper()
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return &folder{t, dir, root}
}

func (f *folder) agent() *Agent { return New(f.root, Options{}) }

// write makes files below apps, with a time that is not now.
func (f *folder) write(files map[string]string) {
	f.t.Helper()
	for name, content := range files {
		full := filepath.Join(f.dir, Folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
			f.t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), 0o600); err != nil {
			f.t.Fatal(err)
		}
		when := time.Unix(1_500_000_000+int64(len(name)), 123)
		if err := os.Chtimes(full, when, when); err != nil {
			f.t.Fatal(err)
		}
	}
}

// tree lists what is below apps: names, content, modes and times of files.
func (f *folder) tree() string {
	f.t.Helper()
	var lines []string
	base := filepath.Join(f.dir, Folder)
	err := filepath.WalkDir(base, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == base {
			return err
		}
		rel, _ := filepath.Rel(base, name)
		fi, err := d.Info()
		if err != nil {
			return err
		}
		if d.IsDir() { // no archive has the app's own folder, or that of a domain
			if strings.Count(rel, "/") > 1 {
				rel += fmt.Sprintf(" %d", fi.ModTime().UnixNano())
			}
			lines = append(lines, rel+"/")
			return nil
		}
		b, err := os.ReadFile(name)
		lines = append(lines, fmt.Sprintf("%s %v %d %.40q %d bytes", rel, fi.Mode(), fi.ModTime().UnixNano(), b, len(b)))
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		f.t.Fatal(err)
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

// manifestOf is a _manifest with one certificate.
func manifestOf(pkg string, version int, cert string) string {
	return fmt.Sprintf("1\n%s\n%d\n34\n\n0\n1\n%x\n", pkg, version, cert)
}

func move(t *testing.T, from, to *folder) backup.Tally {
	t.Helper()
	tally, err := backup.Copy(t.Context(), to.agent(), from.agent(), backup.Transport{Flags: backup.FlagDeviceToDeviceTransfer})
	if err != nil {
		t.Fatal(err)
	}
	return tally
}

// example is an app with files of every kind of place.
func example(extra map[string]string) map[string]string {
	m := map[string]string{
		"org.example/_manifest":   manifestOf("org.example", 7, "cert"),
		"org.example/f/a":         "content of a",
		"org.example/f/sub/b":     "",
		"org.example/f/sub/日本 🏔":  "any script",
		"org.example/sp/main.xml": "<map/>",
		"org.example/db/x.db":     "database",
		"org.example/d_f/unlock":  "before the first unlock",
		"org.example/ef/big":      strings.Repeat("external ", 100_000),
		"org.example/obb/x.obb":   "expansion",
		"org.example/_index":      "anything",
	}
	for k, v := range extra {
		m[k] = v
	}
	return m
}

func (f *folder) remove(names ...string) {
	for _, n := range names {
		os.RemoveAll(filepath.Join(f.dir, Folder, n))
	}
}

func mustEqual(t *testing.T, got, want *folder) {
	t.Helper()
	if g, w := got.tree(), want.tree(); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
}

func TestFull(t *testing.T) {
	from, to := newFolder(t), newFolder(t)
	from.write(example(map[string]string{
		"org.example/c/cached":        "never moved",
		"org.example/d_nb/x":          "never moved",
		"org.example/r/no_backup/x":   "never moved",
		"org.other/_manifest":         manifestOf("org.other", 1, "other"),
		"org.other/a/base.apk":        "the app itself goes with it",
		"org.other/ef_s1/vendor/file": "a vendor's own place",
		"shared/_index":               "what an archive said of shared storage",
	}))
	if tally := move(t, from, to); tally.Failed > 0 {
		t.Fatalf("%+v", tally.Failures)
	}
	from.remove("org.example/c", "org.example/d_nb", "org.example/r")
	mustEqual(t, to, from)

	// Again, nothing changes and nothing is left lying about: what came is what
	// is here.
	if tally := move(t, from, to); tally.Failed > 0 || tally.Skipped != 3 {
		t.Fatalf("%+v", tally)
	}
	mustEqual(t, to, from)
}

// without removes what is kept beside the apps.
func without(t *testing.T, f *folder, name string) *folder {
	t.Helper()
	if _, err := os.Lstat(filepath.Join(f.dir, Folder, name)); err != nil {
		t.Errorf("%s is not there: %v", name, err)
	}
	f.remove(name)
	return f
}

// records is an entity stream of keys and values.
func records(t testing.TB, pairs ...string) string {
	t.Helper()
	var b strings.Builder
	w := entity.NewWriter(&b, entity.Options{})
	for i := 0; i < len(pairs); i += 2 {
		if err := w.WriteHeader(entity.Key(pairs[i]), int64(len(pairs[i+1]))); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(pairs[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// An app's records travel one by one and are the same file again, in the order
// of the old phone's agent; unchanged ones stay where they are.
func TestKeyValue(t *testing.T) {
	from, to := newFolder(t), newFolder(t)
	from.write(map[string]string{
		"org.kv/k/_manifest":   manifestOf("org.kv", 3, "cert"),
		"org.kv/k/org.kv.data": records(t, "prefs:z", "last first", "a", "", "prefs:b", strings.Repeat("x", 70_000)),
		"org.kv/_index.k":      "anything",
	})
	tally := move(t, from, to)
	if tally.Failed > 0 || tally.Added != 7 { // three records, two files, a folder, the app
		t.Fatalf("%+v", tally)
	}
	got, err := os.ReadFile(filepath.Join(to.dir, Folder, recordsPath("org.kv")))
	want, _ := os.ReadFile(filepath.Join(from.dir, Folder, recordsPath("org.kv")))
	if err != nil || string(got) != string(want) {
		t.Errorf("%d bytes of records, %v; want %d", len(got), err, len(want))
	}
	if tally = move(t, from, to); tally.Skipped != 4 || tally.Failed > 0 {
		t.Errorf("again: %+v", tally)
	}
	mustEqual(t, to, from)
	from.write(map[string]string{"org.kv/k/org.kv.data": records(t, "a", "another")})
	if tally = move(t, from, to); tally.Failed > 0 {
		t.Errorf("changed: %+v", tally)
	}
	if got, _ = os.ReadFile(filepath.Join(to.dir, Folder, recordsPath("org.kv"))); string(got) != records(t, "a", "another") {
		t.Errorf("the records are still the old ones")
	}
}

// plans returns what is planned for each app.
func plans(t *testing.T, f *folder, o Options) map[string]Plan {
	t.Helper()
	out := map[string]Plan{}
	for p, err := range New(f.root, o).Plans(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		out[p.Package] = p
	}
	return out
}

// An app's own rules decide what of it moves, and whether.
func TestRules(t *testing.T) {
	const head = `<manifest xmlns:android="http://schemas.android.com/apk/res/android"><uses-sdk android:targetSdkVersion="%d"/><application %s/></manifest>`
	const rules = `<data-extraction-rules><device-transfer><exclude domain="file" path="secret"/><exclude domain="sharedpref" path="token"/></device-transfer></data-extraction-rules>`
	const legacy = `<full-backup-content><include domain="file" path="kept"/></full-backup-content>`
	for _, tt := range []struct {
		name  string
		files map[string]string
		moved string // the files of f and sp that arrive
		why   backup.Reason
	}{
		{"none", nil, "f/kept/a f/secret/b sp/token.xml", 0},
		{"extraction by its usual name", map[string]string{"res/xml/data_extraction_rules.xml": rules}, "f/kept/a", 0},
		{
			"extraction that the manifest names",
			map[string]string{"AndroidManifest.xml": fmt.Sprintf(head, 34, `android:dataExtractionRules="@xml/mine"`), "res/xml/mine.xml": rules},
			"f/kept/a", 0,
		},
		{
			"rules that cannot be read", // what they kept out must stay out
			map[string]string{"res/xml/data_extraction_rules.xml": "<data-extraction-rules><device-transfer>"}, "", backup.NotAllowed,
		},
		{
			"rules that are not there",
			map[string]string{"AndroidManifest.xml": fmt.Sprintf(head, 34, `android:dataExtractionRules="@xml/mine"`)}, "", backup.NotAllowed,
		},
		{
			"the older rules of an old app",
			map[string]string{"AndroidManifest.xml": fmt.Sprintf(head, 30, `android:fullBackupContent="@xml/backup_rules"`), "res/xml/backup_rules.xml": legacy},
			"f/kept/a", 0,
		},
		{
			"the older rules of a new app count for the cloud only",
			map[string]string{"AndroidManifest.xml": fmt.Sprintf(head, 31, `android:fullBackupContent="@xml/backup_rules"`), "res/xml/backup_rules.xml": legacy},
			"f/kept/a f/secret/b sp/token.xml", 0,
		},
		{
			"allowBackup=false of an old app",
			map[string]string{"AndroidManifest.xml": fmt.Sprintf(head, 30, `android:allowBackup="false"`)}, "", backup.NotAllowed,
		},
		{
			"allowBackup=false of a new app does not count between two phones",
			map[string]string{"AndroidManifest.xml": fmt.Sprintf(head, 31, `android:allowBackup="false"`)},
			"f/kept/a f/secret/b sp/token.xml", 0,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			from, to := newFolder(t), newFolder(t)
			files := map[string]string{
				"org.example/_manifest": manifestOf("org.example", 7, "cert"), "org.example/f/kept/a": "a",
				"org.example/f/secret/b": "bb", "org.example/sp/token.xml": "ccc",
			}
			for k, v := range tt.files {
				files["org.example/"+k] = v
			}
			from.write(files)
			tally := move(t, from, to)
			if tt.why != 0 {
				if tally.Failed != 1 || tally.Failures[0].Reason != tt.why || to.tree() != "" {
					t.Fatalf("%+v, and there is\n%s", tally, to.tree())
				}
				if p := plans(t, from, Options{})["org.example"]; backup.ReasonOf(p.Err) != tt.why {
					t.Errorf("planned: %+v", p)
				}
				return
			}
			var got []string
			for _, name := range []string{"f/kept/a", "f/secret/b", "sp/token.xml"} {
				if _, err := os.Stat(filepath.Join(to.dir, Folder, "org.example", name)); err == nil {
					got = append(got, name)
				}
			}
			if tally.Failed > 0 || strings.Join(got, " ") != tt.moved {
				t.Errorf("%q; want %q; %+v", got, tt.moved, tally)
			}
			p := plans(t, from, Options{})["org.example"]
			if left := int64(3 - len(got)); p.Err != nil || p.LeftOut != left || p.Form != android.RestoreFull {
				t.Errorf("planned: %+v; %d files stay", p, left)
			}
		})
	}
}

// An app with more than one may move is left alone, and its neighbours move.
func TestQuota(t *testing.T) {
	from, to := newFolder(t), newFolder(t)
	from.write(map[string]string{
		"org.big/_manifest":    manifestOf("org.big", 1, "cert"),
		"org.big/f/x":          strings.Repeat("x", 9000),
		"org.small/_manifest":  manifestOf("org.small", 1, "cert"),
		"org.small/f/x":        strings.Repeat("x", 100),
		"org.kv/k/_manifest":   manifestOf("org.kv", 1, "cert"),
		"org.kv/k/org.kv.data": records(t, "a", strings.Repeat("x", 9000)),
	})
	src := New(from.root, Options{Quota: 8000})
	tally, err := backup.Copy(t.Context(), to.agent(), src, backup.Transport{Flags: backup.FlagDeviceToDeviceTransfer})
	if err != nil {
		t.Fatal(err)
	}
	over := map[backup.Key]bool{}
	for _, f := range tally.Failures {
		over[f.Key] = f.Reason == backup.OverQuota
	}
	if len(over) != 2 || !over["org.big"] || !over["org.kv"] {
		t.Errorf("%+v", tally.Failures)
	}
	from.remove("org.big", "org.kv")
	mustEqual(t, to, from)

	// The new phone's room counts too.
	tally, err = backup.Copy(t.Context(), to.agent(), from.agent(), backup.Transport{Flags: backup.FlagDeviceToDeviceTransfer, Quota: 500})
	if err != nil || tally.Failed != 1 || tally.Failures[0].Reason != backup.OverQuota {
		t.Errorf("%+v, %v", tally, err)
	}
}

// What is no app, or not a whole one, is told of by name, and the rest moves.
func TestNotApps(t *testing.T) {
	from, to := newFolder(t), newFolder(t)
	from.write(example(map[string]string{
		"a file":               "not an app",
		"org.bare/f/x":         "no manifest",
		"org.other/_manifest":  manifestOf("org.example", 1, "cert"),
		"org.broken/_manifest": "1\norg.broken\n",
		"org.torn/k/_manifest": manifestOf("org.torn", 1, "cert"), "org.torn/k/org.torn.data": "Data\x04\x00\x00\x00",
	}))
	if err := os.Symlink("/etc/passwd", filepath.Join(from.dir, Folder, "org.example/f/link")); err != nil {
		t.Fatal(err)
	}
	tally := move(t, from, to)
	got := map[backup.Key]backup.Reason{}
	for _, f := range tally.Failures {
		got[f.Key] = f.Reason
	}
	want := map[backup.Key]backup.Reason{
		"a file": backup.Malformed, "org.bare": backup.Malformed, "org.other": backup.Malformed, "org.broken": backup.Malformed,
		"org.torn": backup.AppFailed, "org.example/f/link": backup.NotRegular,
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v\nwant\n%v", got, want)
	}
	from.remove("a file", "org.bare", "org.other", "org.broken", "org.torn", "org.example/f/link")
	mustEqual(t, to, from)
}

// An app that is there is kept beside the one that comes; one that somebody
// else signed is not replaced.
func TestReplaced(t *testing.T) {
	from, to := newFolder(t), newFolder(t)
	from.write(example(nil))
	to.write(map[string]string{"org.example/_manifest": manifestOf("org.example", 9, "cert"), "org.example/f/mine": "older data"})
	if tally := move(t, from, to); tally.Failed > 0 {
		t.Fatalf("%+v", tally.Failures)
	}
	kept, err := os.ReadFile(filepath.Join(to.dir, Folder, beforeDir, "org.example/f/mine"))
	if err != nil || string(kept) != "older data" {
		t.Errorf("what was there is %q, %v", kept, err)
	}
	mustEqual(t, without(t, to, beforeDir), from)

	to = newFolder(t)
	to.write(map[string]string{"org.example/_manifest": manifestOf("org.example", 9, "somebody else"), "org.example/f/mine": "theirs"})
	before := to.tree()
	tally := move(t, from, to)
	if tally.Failed != 1 || tally.Failures[0].Reason != backup.OtherApp {
		t.Errorf("%+v", tally)
	}
	to.remove(arrivingDir)
	if got := to.tree(); got != before {
		t.Errorf("there is\n%s\nwant\n%s", got, before)
	}
}

// source hands out made-up items, as another program might send them.
type madeUp struct {
	*Agent
	items []backup.Item
}

func (m *madeUp) Backup(context.Context, backup.Transport) (backup.Backup, error) { return m, nil }
func (m *madeUp) Close() error                                                    { return nil }
func (m *madeUp) Items(context.Context) iter.Seq2[backup.Item, error] {
	return func(yield func(backup.Item, error) bool) {
		for _, it := range m.items {
			it.Kind = Kind
			if !yield(it, nil) {
				return
			}
		}
	}
}
func (m *madeUp) Open(_ context.Context, it backup.Item, _ int64) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(strings.Repeat("x", int(it.Size)))), nil
}

// TestHostile sends what no honest phone sends. Nothing is written outside, and
// no app appears of which not every part came.
func TestHostile(t *testing.T) {
	r, err := newFolder(t).agent().Restore(t.Context(), backup.Transport{})
	if err != nil {
		t.Fatal(err)
	}
	other := backup.Item{Kind: "photos", Type: backup.TypeFile, Key: "org.example/f/a", Size: 1}
	if _, err := r.Stage(t.Context(), other); !errors.Is(err, backup.Unsupported) {
		t.Errorf("an item of another kind: %v", err)
	}
	if a := r.(backup.Checker).Check(t.Context(), other, backup.Prior{}); a.Verdict != backup.Refuse {
		t.Errorf("an item of another kind: %+v", a)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	file := func(key string) backup.Item { return backup.Item{Type: backup.TypeFile, Key: backup.Key(key), Size: 3} }
	value := func(key, v string) backup.Item {
		return backup.Item{Type: backup.TypeEntity, Key: backup.Key(key), Value: []byte(v), Size: int64(len(v))}
	}
	for name, items := range map[string][]backup.Item{
		"out of its folder":        {file("org.example/../../x"), file("org.example/f/../../../x"), value("org.example", "2 2\n")},
		"absolute":                 {file("/etc/x"), file("org.example//etc/x")},
		"no package":               {file("../x"), file(".before/x"), file(".arriving/x/y"), value("..", "2 0\n"), value("", "2 0\n")},
		"a package that is a file": {file("org.example"), value("org.example", "2 1\n")},
		"an entity as a file":      {file("org.example:key")},
		"a file as an entity":      {value("org.example/f/a", "x")},
		"too few parts":            {file("org.example/_manifest"), value("org.example", "2 2\n")},
		"too many parts":           {file("org.example/f/a"), file("org.example/f/b"), value("org.example", "2 1\n")},
		"no manifest":              {file("org.example/f/a"), value("org.example", "2 1\n")},
		"a broken end":             {file("org.example/f/a"), value("org.example", "2 1"), value("org.example", "9 1\n"), value("org.example", "2 -1\n"), value("org.example", "")},
		"an end and no more":       {value("org.example", "2 0\n"), value("org.example", "1 0\n"), value("org.example", "0 0\n")},
		"a reserved record":        {value("org.example:\uff00x", "x"), value("org.example", "1 1\n")},
		"a record that is no text": {value("org.example:\xff\xfe", "x"), value("org.example", "1 1\n")},
		"twice":                    {file("org.example/f/a"), file("org.example/f/a"), value("org.example", "2 2\n")},
	} {
		t.Run(name, func(t *testing.T) {
			outer := newFolder(t)
			inner := filepath.Join(outer.dir, "a", "phone")
			if err := os.MkdirAll(inner, 0o700); err != nil {
				t.Fatal(err)
			}
			root, err := os.OpenRoot(inner)
			if err != nil {
				t.Fatal(err)
			}
			defer root.Close()
			to := New(root, Options{})
			tally, err := backup.Copy(t.Context(), to, &madeUp{Agent: to, items: items}, backup.Transport{Flags: backup.FlagDeviceToDeviceTransfer})
			if err != nil {
				t.Fatal(err)
			}
			if tally.Failed == 0 {
				t.Error("nothing of it failed")
			}
			filepath.WalkDir(outer.dir, func(name string, d fs.DirEntry, err error) error {
				rel, _ := filepath.Rel(outer.dir, name)
				switch {
				case rel == ".", rel == "a", rel == "a/phone", rel == "a/phone/apps":
				case strings.HasPrefix(rel, "a/phone/apps/.arriving"):
				default:
					t.Errorf("there is %s", rel)
				}
				return nil
			})
		})
	}
}
