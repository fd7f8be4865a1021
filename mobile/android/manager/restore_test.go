package manager

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/entity"
	"github.com/ferry-move/ferry/mobile/android/fullbackup"
	"github.com/ferry-move/ferry/mobile/android/pm"
	"github.com/ferry-move/ferry/mobile/backup"
)

func restoreAll(t *testing.T, p *phone, pkgs ...string) RestoreReport {
	t.Helper()
	r, err := p.m.Restore(context.Background(), 7, pkgs)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRestore(t *testing.T) {
	p := newPhone(t, newLink())
	a := p.book("com.a", "k", "v", "l", "w")
	s := p.shelf("com.f", "f/a", "hello", "f/d/", "")
	p.book("com.android.providers.settings", "k", "v")
	p.book("android", "k", "v")
	p.book("com.empty")
	if _, err := p.m.Backup(context.Background(), []string{"com.a", "com.f", "android", "com.android.providers.settings"}, 0); err != nil {
		t.Fatal(err)
	}
	p.changed("com.a")
	p.pass()
	want := maps.Clone(a.data)
	files := maps.Clone(s.files)
	a.data, s.files = nil, map[string]string{"f/stale": "x"}
	p.link.calls = nil
	r := restoreAll(t, p)
	if want := "StartRestore 7 @pm@ android com.a com.empty com.f com.android.providers.settings"; p.link.calls[1] != want {
		t.Errorf("calls %q", p.link.calls)
	}
	if p.link.calls[len(p.link.calls)-1] != "FinishRestore" || p.link.called("FinishRestore") != 1 {
		t.Errorf("calls %q", p.link.calls)
	}
	if !maps.Equal(a.data, want) || !maps.Equal(s.files, files) {
		t.Errorf("restored %v, %v", a.data, s.files)
	}
	if a.finished != 1 || s.finished != 1 || a.cleared != 0 || s.cleared != 1 {
		t.Errorf("finished %d, %d, cleared %d, %d", a.finished, s.finished, a.cleared, s.cleared)
	}
	if got, _ := r.Package("com.empty"); !errors.Is(got.Err, ErrNoData) {
		t.Errorf("%+v", got)
	}
	if got, _ := r.Package("com.f"); !got.Restored || got.Files != 2 || got.Bytes == 0 {
		t.Errorf("%+v", got)
	}
	// What the agent left is not kept: the next backup is a complete one.
	if got := p.state("com.a"); got != "" {
		t.Errorf("state %q", got)
	}
	if _, err := p.m.Restore(context.Background(), 8, nil); !errors.Is(err, ErrNoSet) {
		t.Error(err)
	}
}

func TestWhatIsNotRestored(t *testing.T) {
	newer := func(a *App) { a.Version = 2 }
	rows := []struct {
		name   string
		change func(*App)
		want   error
		event  EventID
	}{
		{"as it was", func(*App) {}, nil, SameVersion},
		{"older app", newer, NewerData, NewerData},
		{"older app that takes any version", func(a *App) { newer(a); a.RestoreAnyVersion = true }, nil, AnyVersion},
		{"newer app", func(a *App) { a.Version = 1 << 40 }, nil, SameVersion},
		{"other signer", func(a *App) { a.Signatures = [][32]byte{signer(2)} }, SignatureMismatch, SignatureMismatch},
		{"rotated signer", func(a *App) { a.Past, a.Signatures = a.Signatures, [][32]byte{signer(2)} }, nil, SameVersion},
		{"no signer", func(a *App) { a.Signatures = nil }, SignatureMismatch, SignatureMismatch},
		{"system app of another make", func(a *App) { a.System, a.Signatures = true, [][32]byte{signer(2)} }, nil, SameVersion},
		{"no agent", func(a *App) { a.Agent, a.Default = nil, nil }, NoAgent, NoAgent},
		{"stopped", func(a *App) { a.Stopped = true }, nil, SameVersion},
		{"switched off", func(a *App) { a.Disabled = true }, Ineligible, Ineligible},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			p := newPhone(t, newLink())
			b, s := p.book("com.a", "k", "v"), p.shelf("com.f", "f/a", "x")
			p.book("com.z", "k", "v")
			if _, err := p.m.Backup(context.Background(), []string{"com.a", "com.f", "com.z"}, 0); err != nil {
				t.Fatal(err)
			}
			b.data, s.files = nil, nil
			for _, app := range []App{bookApp("com.a", b), shelfApp("com.f", s)} {
				row.change(&app)
				p.register(app)
			}
			p.events = nil
			r := restoreAll(t, p, "com.f", "com.a", "com.z", "com.none")
			for _, pkg := range []string{"com.a", "com.f"} {
				got, _ := r.Package(pkg)
				if !errors.Is(got.Err, row.want) || got.Restored != (row.want == nil) || got.Touched != got.Restored {
					t.Errorf("%+v", got)
				}
				if !slices.ContainsFunc(p.events, func(e Event) bool { return e.ID == row.event && e.Package == pkg }) {
					t.Errorf("no event %d for %s", row.event, pkg)
				}
			}
			if got, _ := r.Package("com.z"); !got.Restored {
				t.Errorf("%+v", got)
			}
			if got, _ := r.Package("com.none"); !errors.Is(got.Err, NotInstalled) {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestTheListOfAppsComesFirst(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*link)
		want   error
	}{
		"no list":       {func(l *link) { delete(l.kv, "@pm@") }, NoMetadataReceived},
		"nothing":       {func(l *link) { clear(l.kv) }, NoRestoreMetadata},
		"no system":     {func(l *link) { delete(l.kv["@pm@"], "@meta@") }, MetadataUnusable},
		"newer format":  {func(l *link) { l.kv["@pm@"]["@ancestral_record@"] = "\x00\x00\x00\x02" }, pm.ErrVersion},
		"app not in it": {func(l *link) { delete(l.kv["@pm@"], "com.a") }, nil},
	} {
		p := newPhone(t, newLink())
		a := p.book("com.a", "k", "v")
		p.changed("com.a")
		p.pass()
		c.change(p.link)
		a.data = nil
		r, err := p.m.Restore(context.Background(), 7, nil)
		if !errors.Is(err, c.want) || a.data != nil || p.link.called("FinishRestore") != 1 {
			t.Errorf("%s: %v, %v", name, err, a.data)
		}
		want := ErrAborted
		if c.want == nil {
			want = ErrUnlisted
		}
		if got, _ := r.Package("com.a"); !errors.Is(got.Err, want) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestKeysThatAreNotRestored(t *testing.T) {
	for _, system := range []bool{false, true} {
		p := newPhone(t, newLink())
		b := p.book("com.a", "k", "v", "secret", "w")
		p.changed("com.a")
		p.pass()
		p.link.kv["com.a"]["\uffed\uffedwidget"] = "clock"
		p.link.kv["com.a"]["\uff01own"] = "x"
		b.data = nil
		app := bookApp("com.a", b)
		app.System, app.ExcludedKeys = system, []string{"secret"}
		p.register(app)
		restoreAll(t, p)
		want := map[string]string{"k": "v"}
		if system {
			want["\uff01own"] = "x"
		}
		if !maps.Equal(b.data, want) {
			t.Errorf("system %v: restored %q", system, b.data)
		}
	}
	r := entity.NewReader(bytes.NewReader(records(t, "gone", "k")), entity.Limits{})
	in := &entityInput{r: r, app: &App{}}
	if key, size, err := in.Next(); key != "k" || size != 1 || err != nil {
		t.Errorf("%q, %d, %v", key, size, err)
	}
	if _, _, err := in.Next(); err != io.EOF {
		t.Error(err)
	}
}

// records is a stream with a delete marker and a value.
func records(t *testing.T, deleted, key string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := entity.NewWriter(&b, entity.Options{})
	if err := errors.Join(w.Delete(entity.Key(deleted)), w.WriteHeader(entity.Key(key), 1)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("v")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// entry is one of a made-up archive.
type entry struct {
	pkg, domain, path, content string
	dir                        bool
}

func archive(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := fullbackup.NewWriter(&b)
	for _, e := range entries {
		h := fullbackup.Header{Package: e.pkg, Domain: e.domain, Path: e.path, Type: fullbackup.TypeFile, Mode: 0o600, Size: int64(len(e.content)), ModTime: 1_700_000_000}
		if e.dir {
			h.Type = fullbackup.TypeDirectory
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func manifest(pkg, version, signer string) entry {
	return entry{pkg: pkg, path: "_manifest", content: "1\n" + pkg + "\n" + version + "\n35\n\n0\n" + signer}
}

// fullPhone has one app in its set, and the archive is the test's.
func fullPhone(t *testing.T, content []byte) (*phone, *shelf) {
	t.Helper()
	p := newPhone(t, newLink())
	s := p.shelf("com.f", "f/before", "x")
	runFull(t, p)
	p.link.full["com.f"] = content
	s.got, s.calls = nil, 0
	return p, s
}

func TestDescriptionDecides(t *testing.T) {
	own := "1\n" + strings.Repeat("01", 32) + "\n"
	file := entry{pkg: "com.f", domain: "f", path: "a", content: "hello"}
	for name, c := range map[string]struct {
		entries []entry
		want    error
	}{
		"good":             {[]entry{manifest("com.f", "3", own), file}, nil},
		"newer":            {[]entry{manifest("com.f", "4", own), file}, NewerDataNoAPK},
		"nobody signed":    {[]entry{manifest("com.f", "3", "0\n"), file}, MissingSignature},
		"another signed":   {[]entry{manifest("com.f", "3", "1\n"+strings.Repeat("02", 32)+"\n"), file}, FullSignature},
		"a certificate":    {[]entry{manifest("com.f", "3", "1\n3003\n"), file}, FullSignature},
		"another app's":    {[]entry{manifest("com.g", "3", own), file}, OtherPackage},
		"names another":    {[]entry{{pkg: "com.f", path: "_manifest", content: strings.Replace(manifest("com.f", "3", own).content, "com.f", "com.g", 1)}, file}, OtherPackage},
		"no description":   {[]entry{file}, CorruptManifest},
		"late description": {[]entry{file, manifest("com.f", "3", own)}, CorruptManifest},
		"no text":          {[]entry{{pkg: "com.f", path: "_manifest", content: "x"}, file}, CorruptManifest},
		"nothing":          {nil, CorruptManifest},
	} {
		p, s := fullPhone(t, archive(t, c.entries...))
		if c.entries == nil {
			p.link.full["com.f"] = []byte{}
		}
		r := restoreAll(t, p)
		got, _ := r.Package("com.f")
		if !errors.Is(got.Err, c.want) || got.Restored != (c.want == nil) || got.Touched != got.Restored {
			t.Errorf("%s: %+v", name, got)
		}
		if c.want != nil && (s.files["f/before"] != "x" || len(s.got) > 0) {
			t.Errorf("%s: the app was changed: %v", name, s.files)
		}
	}
}

func TestFilesThatAreNotRestored(t *testing.T) {
	own := "1\n" + strings.Repeat("01", 32) + "\n"
	f := func(domain, path string) entry { return entry{pkg: "com.f", domain: domain, path: path, content: "x"} }
	p, s := fullPhone(t, archive(t, manifest("com.f", "3", own), f("f", "a"), f("c", "x"), f("r", "no_backup/x"), f("nb", "x"), f("a", "base.apk"),
		f("k", "com.f.data"), f("zz", "x"), f("f", "left-out"), f("r", "cache/kept"), f("f", "a..b"), f("ef", "b")))
	m, err := New(Config{Dir: p.dir, Transport: p.link, Accept: func(set android.RestoreSet, pkg string, f android.FileInfo) bool {
		return set.Device == android.DeviceD2D && pkg == "com.f" && f.Path != "left-out"
	}})
	if err != nil {
		t.Fatal(err)
	}
	p.m = m
	p.register(shelfApp("com.f", s))
	r := restoreAll(t, p)
	got, _ := r.Package("com.f")
	if want := []string{"f/a", "r/cache/kept", "f/a..b", "ef/b"}; !slices.Equal(s.got, want) {
		t.Errorf("restored %q", s.got)
	}
	want := []Note{{"k", "com.f.data", backup.Unsupported}, {"zz", "x", backup.Unsupported}}
	if !got.Restored || got.Files != 4 || got.Dropped != 5 || !slices.Equal(got.Notes.List, want) {
		t.Errorf("%+v", got)
	}
	// A second description and a link in between are noted, no more.
	link := archive(t, f("f", "l"))
	link[156] = '2'
	stream := slices.Concat(archive(t, manifest("com.f", "3", own), f("f", "a")), link[:512], archive(t, f("f", "b"), manifest("com.f", "9", own)))
	p.link.full["com.f"], s.got = stream, nil
	r = restoreAll(t, p)
	if got, _ := r.Package("com.f"); !got.Restored || len(s.got) != 2 || got.Notes.Count != 2 {
		t.Errorf("%+v, %q", got, s.got)
	}
}

// TestCutArchive cuts an archive at every byte: the app has a whole number of
// files and is told so, or it is cleared; never half a file.
func TestCutArchive(t *testing.T) {
	own := "1\n" + strings.Repeat("01", 32) + "\n"
	full := archive(t, manifest("com.f", "3", own), entry{pkg: "com.f", domain: "f", path: "a", content: "hello"}, entry{pkg: "com.f", domain: "f", path: "b", content: "world"})
	p, s := fullPhone(t, full)
	step := 1
	if testing.Short() {
		step = 7
	}
	for n := 0; n < len(full); n += step {
		p.link.full["com.f"] = full[:n:n]
		s.files = map[string]string{"f/before": "x"}
		r := restoreAll(t, p)
		got, _ := r.Package("com.f")
		if n == 2*512 { // the description alone: an app without files
			if !got.Restored || got.Touched {
				t.Errorf("cut at %d: %+v", n, got)
			}
			continue
		}
		ok := got.Restored && s.files["f/before"] == "" && s.files["f/a"] == "hello" ||
			!got.Restored && !got.Touched && s.files["f/before"] == "x" ||
			!got.Restored && got.Cleared && s.files == nil
		if b, has := s.files["f/b"]; !ok || has && b != "world" {
			t.Fatalf("cut at %d: %+v, %v", n, got, s.files)
		}
	}
}

// liar is a transport that breaks its contract.
type liar struct {
	*link
	chunk func(w io.Writer) (int, error)
	next  func() (android.RestoreDescription, error)
}

func (l *liar) NextFullChunk(ctx context.Context, w io.Writer) (int, error) {
	if l.chunk == nil {
		return l.link.NextFullChunk(ctx, w)
	}
	return l.chunk(w)
}

func (l *liar) NextPackage(ctx context.Context) (android.RestoreDescription, error) {
	d, err := l.link.NextPackage(ctx)
	if d.Type == android.RestoreNone && err == nil && l.next != nil {
		return l.next()
	}
	return d, err
}

func TestTransportThatLies(t *testing.T) {
	lies := map[string]func(*liar){
		"more than it wrote": func(l *liar) { l.chunk = func(io.Writer) (int, error) { return 512, nil } },
		"less than it wrote": func(l *liar) {
			l.chunk = func(w io.Writer) (int, error) { _, err := w.Write(make([]byte, 512)); return 1, err }
		},
		"a huge chunk": func(l *liar) {
			l.chunk = func(w io.Writer) (int, error) {
				for range 1 << 20 {
					if n, err := w.Write(make([]byte, 1<<20)); err != nil {
						return n, err
					}
				}
				return 0, nil
			}
		},
		"packages without end": func(l *liar) {
			l.next = func() (android.RestoreDescription, error) {
				return android.RestoreDescription{Package: "com.f", Type: android.RestoreFull}, nil
			}
		},
	}
	for name, lie := range lies {
		p := newPhone(t, newLink())
		s := p.shelf("com.f", "f/a", "x")
		runFull(t, p)
		l := &liar{link: p.link}
		lie(l)
		m, err := New(Config{Dir: t.TempDir(), Transport: l})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Register(shelfApp("com.f", s)); err != nil {
			t.Fatal(err)
		}
		r, err := m.Restore(context.Background(), 7, nil)
		if !errors.Is(err, ErrMisled) || len(r.Packages) != 1 || p.link.called("FinishRestore") != 1 {
			t.Errorf("%s: %v, %+v", name, err, r)
		}
	}
}

func TestTransportWithNothingNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPhone(t, newLink())
		s := p.shelf("com.f", "f/a", "x")
		runFull(t, p)
		s.files = nil
		l := &liar{link: p.link}
		asked := 0
		l.chunk = func(w io.Writer) (int, error) {
			if asked++; asked%3 != 0 {
				return 0, nil
			}
			return l.link.NextFullChunk(context.Background(), w)
		}
		m, err := New(Config{Dir: p.dir, Transport: l})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Register(shelfApp("com.f", s)); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		r, err := m.Restore(context.Background(), 7, nil)
		if got, _ := r.Package("com.f"); err != nil || !got.Restored || s.files["f/a"] != "x" || time.Since(start) < askAgain {
			t.Errorf("%v, %+v after %v", err, got, time.Since(start))
		}
	})
}

func TestDamagedEntitiesDoNotReachTheApp(t *testing.T) {
	p := newPhone(t, newLink())
	b := p.book("com.a", "k", "v")
	p.changed("com.a")
	p.pass()
	l := &damaging{p.link}
	m, err := New(Config{Dir: p.dir, Transport: l})
	if err != nil {
		t.Fatal(err)
	}
	p.m = m
	p.register(bookApp("com.a", b))
	b.data["k"] = "before"
	r := restoreAll(t, p)
	got, _ := r.Package("com.a")
	if _, ok := errors.AsType[*entity.DamageError](got.Err); !ok || got.Touched || b.data["k"] != "before" {
		t.Errorf("%+v, %v", got, b.data)
	}
}

// damaging leaves off the end of an app's entities.
type damaging struct{ *link }

func (d *damaging) RestoreData(ctx context.Context, w io.Writer) error {
	var b bytes.Buffer
	if err := d.link.RestoreData(ctx, &b); err != nil {
		return err
	}
	if d.current.Package != android.MetadataPackage {
		b.Truncate(b.Len() - 1)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// many is an agent with a great number of entities.
type many struct {
	book
	n   int
	got int
}

func (m *many) Backup(_ context.Context, r android.BackupRequest) error {
	value := bytes.Repeat([]byte("x"), 200)
	for i := range m.n {
		if err := r.Data.WriteHeader(fmt.Sprintf("k%08d", i), int64(len(value))); err != nil {
			return err
		}
		if _, err := r.Data.Write(value); err != nil {
			return err
		}
	}
	return nil
}

func (m *many) Restore(_ context.Context, r android.RestoreRequest) error {
	for m.got = 0; ; m.got++ {
		if _, _, err := r.Data.Next(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// sink is a transport that counts.
type sink struct {
	*link
	n int64
}

func (s *sink) PerformBackup(_ context.Context, _ android.Package, data io.Reader, _ android.PassFlags) (err error) {
	n, err := io.Copy(io.Discard, data)
	s.n += n
	return err
}

func (s *sink) SendBackupData(_ context.Context, n int) error {
	k, err := io.CopyN(io.Discard, s.stream, int64(n))
	s.n += k
	return err
}

func BenchmarkMillionEntities(b *testing.B) {
	s := &sink{link: newLink()}
	m, err := New(Config{Dir: b.TempDir(), Transport: s})
	if err != nil {
		b.Fatal(err)
	}
	if err := m.Register(bookApp("com.a", &many{n: 1_000_000})); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		s.n = 0
		if _, err := m.Backup(context.Background(), []string{"com.a"}, FlagNonIncrementalBackup); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(s.n)
}

func BenchmarkFullBackup(b *testing.B) {
	s := &sink{link: newLink()}
	m, err := New(Config{Dir: b.TempDir(), Transport: s})
	if err != nil {
		b.Fatal(err)
	}
	app := &shelf{files: map[string]string{"f/a": strings.Repeat("x", 256<<20)}}
	if err := m.Register(shelfApp("com.f", app)); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		s.n, app.calls = 0, 0
		if _, err := m.RunFull(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(s.n)
}
