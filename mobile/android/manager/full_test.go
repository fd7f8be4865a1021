package manager

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/fullbackup"
	"github.com/ferry-move/ferry/mobile/backup"
)

func runFull(t *testing.T, p *phone, pkgs ...string) Report {
	t.Helper()
	r, err := p.m.RunFull(context.Background(), pkgs...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestFullBackup(t *testing.T) {
	p := newPhone(t, newLink())
	big := strings.Repeat("0123456789", 20_000)
	s := p.shelf("com.f", "f/a", "hello", "f/dir/", "", "f/dir/b", big,
		"r/cache/x", "no", "c/y", "no", "nb/z", "no", "d_r/code_cache/q", "no", "r/no_backup/n", "no", "d_c/v", "no")
	app := shelfApp("com.f", s)
	app.Widgets = []byte("clock")
	p.register(app)
	r := runFull(t, p)

	want := map[string]string{"apps/com.f/f/a": "hello", "apps/com.f/f/dir/": "", "apps/com.f/f/dir/b": big}
	got := tree(t, p.link.full["com.f"])
	manifest, meta := got["apps/com.f/_manifest"], got["apps/com.f/_meta"]
	delete(got, "apps/com.f/_manifest")
	delete(got, "apps/com.f/_meta")
	if !maps.Equal(got, want) {
		t.Errorf("archive of %q", slices.Sorted(maps.Keys(got)))
	}
	if want := "1\ncom.f\n3\n35\n\n0\n1\n" + strings.Repeat("01", 32) + "\n"; manifest != want {
		t.Errorf("manifest %q", manifest)
	}
	if m, err := fullbackup.ParseMeta([]byte(meta)); err != nil || string(m.Widgets()) != "clock" {
		t.Errorf("widgets %q, %v", meta, err)
	}
	// Each entry is a block and its content in whole blocks; the first two are
	// not measured.
	size := 512 + 512 + 512 + 512 + int64(len(big)+511)/512*512
	if c := p.link.calls[len(p.link.calls)-7:]; c[0] != "PerformFullBackup com.f 0" || c[1] != "CheckFullBackupSize "+itoa(size) || c[6] != "FinishBackup" {
		t.Errorf("calls %q", c)
	}
	report := p.result(r, "com.f", Success)
	if report.Bytes != int64(len(p.link.full["com.f"])) || report.Files != 3 || report.Notes.Count != 0 || report.Bytes != size+4*512 {
		t.Errorf("report %+v, archive %d", report, len(p.link.full["com.f"]))
	}
	if token, err := p.m.RestoreToken(context.Background(), "com.f"); token != 7 || err != nil {
		t.Errorf("token %d, %v", token, err)
	}
}

func itoa(n int64) string {
	if n == 0 {
		return ""
	}
	return itoa(n/10) + string(rune('0'+n%10))
}

func TestFileThatShrinksOrGrows(t *testing.T) {
	p := newPhone(t, newLink())
	s := p.shelf("com.f", "f/a", "abc", "f/b", "abcdef", "f/c", "ok")
	s.lie = map[string]int64{"f/a": 5, "f/b": 4}
	r := runFull(t, p)
	got := tree(t, p.link.full["com.f"])
	if got["apps/com.f/f/a"] != "abc\x00\x00" || got["apps/com.f/f/b"] != "abcd" || got["apps/com.f/f/c"] != "ok" {
		t.Errorf("archive %q", got)
	}
	want := []Note{{"f", "a", backup.Changed}, {"f", "b", backup.Changed}}
	if report := p.result(r, "com.f", Success); !slices.Equal(report.Notes.List, want) || report.Notes.Count != 2 {
		t.Errorf("notes %v", report.Notes)
	}
}

// lenient goes on after a file that cannot be read.
type lenient struct{ shelf }

type failingReader struct{ err error }

func (f failingReader) Read([]byte) (int, error) { return 0, f.err }

func (l *lenient) FullBackup(ctx context.Context, out android.FullOutput) error {
	bad := android.SourceFile{FileInfo: android.FileInfo{Domain: "f", Path: "bad", Type: backup.TypeFile, Size: 4, Mode: 0o600}}
	bad.Open = func(context.Context, int64) (io.ReadCloser, error) { return nil, backup.Vanished }
	_ = out.File(ctx, bad)
	bad.Path = "half"
	bad.Open = func(context.Context, int64) (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(strings.NewReader("ab"), failingReader{backup.Unreadable})), nil
	}
	_ = out.File(ctx, bad)
	bad.Path = "../up"
	_ = out.File(ctx, bad)
	return l.shelf.FullBackup(ctx, out)
}

func TestUnreadableFilesAreNoted(t *testing.T) {
	p := newPhone(t, newLink())
	l := &lenient{shelf{files: map[string]string{"f/good": "x"}}}
	p.register(shelfApp("com.f", l))
	r := runFull(t, p)
	report := p.result(r, "com.f", Success)
	want := []Note{{"f", "bad", backup.Vanished}, {"f", "half", backup.Unreadable}, {"f", "../up", backup.BadName}}
	if !slices.Equal(report.Notes.List, want) {
		t.Errorf("notes %v", report.Notes.List)
	}
	got := tree(t, p.link.full["com.f"])
	delete(got, "apps/com.f/_manifest")
	if want := map[string]string{"apps/com.f/f/half": "ab\x00\x00", "apps/com.f/f/good": "x"}; !maps.Equal(got, want) {
		t.Errorf("archive %q", got)
	}
}

func TestFullQuota(t *testing.T) {
	for name, fail := range map[string]func(string) error{
		"measured":  nil, // by the transport itself
		"in flight": once("SendBackupData", android.TransportQuotaExceeded),
	} {
		t.Run(name, func(t *testing.T) {
			p := newPhone(t, newLink())
			s := p.shelf("com.f", "f/a", "old")
			p.shelf("com.g", "f/a", "x")
			runFull(t, p)
			old := p.link.full["com.f"]
			s.files["f/a"], s.calls = strings.Repeat("x", 3000), 0
			p.link.fail = fail
			want := [2]int64{0, 4096}
			if p.link.quota = 4096; fail == nil {
				p.link.quota = 2048
				want = [2]int64{512 + 3072, 2048}
			}
			r := runFull(t, p)
			report := p.result(r, "com.f", QuotaExceeded)
			if !slices.Equal(s.quotas, [][2]int64{want}) || !errors.Is(report.Err, android.TransportQuotaExceeded) {
				t.Errorf("told %v, %v", s.quotas, report.Err)
			}
			if !bytes.Equal(p.link.full["com.f"], old) || p.link.called("CancelFullBackup") != 1 {
				t.Error("what an earlier pass stored has changed")
			}
			p.result(r, "com.g", Success)
		})
	}
}

func TestFailingFullAgentLeavesTheArchive(t *testing.T) {
	for call, want := range map[string]int{"Create": 0, "FullBackup 1": 1, "FullBackup 2": 2} {
		for _, panics := range []bool{false, true} {
			p := newPhone(t, newLink())
			s := p.shelf("com.f", "f/a", "old")
			p.shelf("com.g", "f/a", "x")
			runFull(t, p)
			old := p.link.full["com.f"]
			s.files["f/a"], s.calls = strings.Repeat("new", 100_000), 0
			s.fail = func(c string) error {
				if c == call && panics {
					panic(c)
				}
				return once(call, errBroken)(c)
			}
			r := runFull(t, p)
			report := p.result(r, "com.f", AgentFailure)
			if _, ok := errors.AsType[*PanicError](report.Err); ok != panics {
				t.Errorf("%s: %v", call, report.Err)
			}
			if s.calls != want || p.link.called("CancelFullBackup") != 1 || !bytes.Equal(p.link.full["com.f"], old) {
				t.Errorf("%s: %d calls, %q", call, s.calls, p.link.calls)
			}
			p.result(r, "com.g", Success)
			if s.closed != 2 {
				t.Errorf("%s: destroyed %d times", call, s.closed)
			}
		}
	}
}

// byEntry is a transport that takes and gives files one by one, and opens what
// it took only at the end.
type byEntry struct {
	*link
	took   []android.SourceFile
	stored []android.RestoredFile
	body   map[string]string
	next   int
	taken  []string
	short  bool
}

func (b *byEntry) PerformFullBackup(ctx context.Context, pkg android.Package, data io.Reader, flags android.PassFlags) error {
	if data != nil {
		return errors.New("a stream for a transport that takes entries")
	}
	b.took = nil
	return b.link.PerformFullBackup(ctx, pkg, data, flags)
}

func (b *byEntry) BackupEntry(_ context.Context, f android.SourceFile) error {
	if err := b.call("BackupEntry %s/%s", f.Domain, f.Path); err != nil {
		return err
	}
	b.took = append(b.took, f)
	return nil
}

func (b *byEntry) FinishBackup(ctx context.Context) error {
	if b.took != nil {
		b.stored, b.body = nil, map[string]string{}
		for _, f := range b.took {
			if f.Open != nil {
				rc, err := f.Open(ctx, 0)
				if err != nil {
					return err
				}
				c, err := io.ReadAll(rc)
				if err != nil {
					return err
				}
				b.body[f.Domain+"/"+f.Path] = string(c)
			}
			b.stored = append(b.stored, android.RestoredFile{FileInfo: f.FileInfo})
		}
		b.took = nil
	}
	return b.link.FinishBackup(ctx)
}

func (b *byEntry) NextEntry(context.Context) (android.RestoredFile, error) {
	if err := b.call("NextEntry"); err != nil {
		return android.RestoredFile{}, err
	}
	if b.next == len(b.stored) {
		b.next = 0
		return android.RestoredFile{}, android.NoMoreData
	}
	f := b.stored[b.next]
	b.next++
	name := f.Domain + "/" + f.Path
	body := b.body[name]
	if b.short && f.Domain != "" {
		body = body[:len(body)/2]
	}
	f.Data = strings.NewReader(body)
	f.Take = func(path string) error { b.taken = append(b.taken, name+" -> "+path); return nil }
	return f, nil
}

// mover takes files instead of reading them.
type mover struct{ shelf }

func (m *mover) RestoreFile(_ context.Context, f android.RestoredFile) error {
	if f.Take == nil {
		return nil
	}
	return f.Take("kept")
}

func TestTransportThatTakesEntries(t *testing.T) {
	l := &byEntry{link: newLink()}
	p := &phone{t: t, link: l.link, dir: t.TempDir(), books: map[string]*book{}, shelfs: map[string]*shelf{}}
	m, err := New(Config{Dir: p.dir, Transport: l})
	if err != nil {
		t.Fatal(err)
	}
	p.m = m
	s := p.shelf("com.f", "f/a", "hello", "f/d/", "", "c/x", "no")
	p.result(runFull(t, p), "com.f", Success)
	if got := l.body["f/a"]; got != "hello" || len(l.stored) != 3 || l.stored[0].Path != "_manifest" {
		t.Errorf("took %v", l.stored)
	}
	l.full["com.f"] = []byte{1} // so that it is offered

	s.files = map[string]string{"f/stale": "x"}
	restore := func() RestoredPackage {
		t.Helper()
		r, err := m.Restore(context.Background(), 7, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := r.Package("com.f")
		return got
	}
	if got := restore(); !got.Restored || got.Files != 2 || !maps.Equal(s.files, map[string]string{"f/a": "hello", "f/d/": ""}) {
		t.Errorf("%+v, %q", got, s.files)
	}

	p.register(shelfApp("com.f", &mover{}))
	if got := restore(); !got.Restored || !slices.Equal(l.taken, []string{"f/a -> kept"}) {
		t.Errorf("%+v, %q", got, l.taken)
	}

	// Less content than was said is the transport's fault, and ends it all.
	p.register(shelfApp("com.f", s))
	l.short = true
	r, err := m.Restore(context.Background(), 7, nil)
	got, _ := r.Package("com.f")
	if !errors.Is(err, io.ErrUnexpectedEOF) || got.Restored || !got.Cleared || s.files != nil {
		t.Errorf("%v, %+v", err, got)
	}
}
