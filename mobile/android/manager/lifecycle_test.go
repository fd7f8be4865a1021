package manager

import (
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/fullbackup"
	"github.com/ferry-move/ferry/mobile/backup"
)

// diary is an agent that notes its calls, and whether two of them overlap.
type diary struct {
	shelf
	calls *[]string
	busy  *atomic.Int32
	twice *atomic.Bool
	// Of a restore.
	version int64
	got     []android.RestoredFile
	content []string
}

func newDiary(files ...string) *diary {
	d := &diary{calls: new([]string), busy: new(atomic.Int32), twice: new(atomic.Bool)}
	d.files, d.data = map[string]string{}, map[string]string{"k": "v"}
	for i := 0; i < len(files); i += 2 {
		d.files[files[i]] = files[i+1]
	}
	return d
}

// note notes a call; what it returns ends it.
func (d *diary) note(call string) func() {
	*d.calls = append(*d.calls, call)
	if d.busy.Add(1) > 1 {
		d.twice.Store(true)
	}
	runtime.Gosched()
	return func() { d.busy.Add(-1) }
}

func (d *diary) Create(ctx context.Context) error {
	defer d.note("Create")()
	return d.shelf.Create(ctx)
}

func (d *diary) Destroy() {
	defer d.note("Destroy")()
	d.shelf.Destroy()
}

func (d *diary) Backup(ctx context.Context, r android.BackupRequest) error {
	defer d.note("Backup")()
	return d.book.Backup(ctx, r)
}

func (d *diary) Restore(ctx context.Context, r android.RestoreRequest) error {
	defer d.note("Restore")()
	d.version = r.AppVersion
	return d.book.Restore(ctx, r)
}

func (d *diary) FullBackup(ctx context.Context, out android.FullOutput) error {
	defer d.note("FullBackup")()
	return d.shelf.FullBackup(ctx, out)
}

func (d *diary) RestoreFile(_ context.Context, f android.RestoredFile) error {
	defer d.note("RestoreFile")()
	b, err := io.ReadAll(f.Data)
	if err != nil {
		return err
	}
	d.got, d.content = append(d.got, f), append(d.content, string(b))
	return d.failing("RestoreFile")
}

func (d *diary) RestoreFinished(ctx context.Context) error {
	defer d.note("RestoreFinished")()
	return d.shelf.RestoreFinished(ctx)
}

func (d *diary) QuotaExceeded(ctx context.Context, measured, quota int64) {
	defer d.note("QuotaExceeded")()
	d.shelf.QuotaExceeded(ctx, measured, quota)
}

func (d *diary) Clear(ctx context.Context) error {
	defer d.note("Clear")()
	return d.shelf.Clear(ctx)
}

func (d *diary) make() android.Agent {
	*d.calls, d.shelf.calls = append(*d.calls, "new"), 0
	return d
}

// diaryApp is an app with a diary: "kv" by its own agent, "own" with files by
// its own agent, "default" with files by the system's.
func diaryApp(form string, d *diary) App {
	app := bookApp("com.d", d)
	switch form {
	case "kv":
		app.Agent = d.make
	case "own":
		app.FullOnly, app.Agent = true, d.make
	default:
		app = shelfApp("com.d", d)
		app.Default = d.make
	}
	return app
}

// TestOrderOfCalls has every way of an agent from its making to its end.
func TestOrderOfCalls(t *testing.T) {
	for _, c := range []struct {
		name, form string
		link       func(string) error
		agent      func(string) error
		restore    bool
		want       string
	}{
		{"key/value backup", "kv", nil, nil, false, "new Create Backup Destroy"},
		{"key/value over quota", "kv", once("PerformBackup com.d", android.TransportQuotaExceeded), nil, false, "new Create Backup QuotaExceeded Destroy"},
		{"key/value backup fails", "kv", nil, once("Backup", errBroken), false, "new Create Backup Destroy"},
		{"beginning fails", "kv", nil, once("Create", errBroken), false, "new Create Destroy"},
		{"complete data wanted", "kv", once("PerformBackup com.d", android.TransportNonIncrementalBackupRequired), nil, false, "new Create Backup Destroy new Create Backup Destroy"},
		{"full backup", "default", nil, nil, false, "new Create FullBackup FullBackup Destroy"},
		{"full backup by its own agent", "own", nil, nil, false, "new Create FullBackup FullBackup Destroy"},
		{"measured over quota", "own", once("CheckFullBackupSize", android.TransportQuotaExceeded), nil, false, "new Create FullBackup QuotaExceeded Destroy"},
		{"over quota in flight", "own", once("SendBackupData", android.TransportQuotaExceeded), nil, false, "new Create FullBackup FullBackup QuotaExceeded Destroy"},
		{"measuring fails", "own", nil, once("FullBackup 1", errBroken), false, "new Create FullBackup Destroy"},
		{"key/value restore", "kv", nil, nil, true, "new Create Restore RestoreFinished Destroy"},
		{"key/value restore fails", "kv", nil, once("Restore", errBroken), true, "new Create Restore Clear Destroy"},
		{"full restore", "default", nil, nil, true, "new Create Clear RestoreFile RestoreFile RestoreFinished Destroy"},
		{"full restore by its own agent", "own", nil, nil, true, "new Create RestoreFile RestoreFile RestoreFinished Destroy"},
		{"full restore fails", "own", nil, once("RestoreFile", errBroken), true, "new Create RestoreFile Clear Destroy"},
		{"the end of a restore fails", "own", nil, once("RestoreFinished", errBroken), true, "new Create RestoreFile RestoreFile RestoreFinished Clear Destroy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPhone(t, newLink())
			d := newDiary("f/a", "x", "f/b", "y")
			p.register(diaryApp(c.form, d))
			run := func() {
				t.Helper()
				if _, err := p.m.Backup(t.Context(), []string{"com.d"}, 0); err != nil {
					t.Fatal(err)
				}
			}
			run() // so that there is a state, and something to restore
			d.data["k"] = "changed"
			*d.calls, d.fail, p.link.fail = nil, c.agent, c.link
			if c.restore {
				restoreAll(t, p, "com.d")
			} else {
				run()
			}
			if got := strings.Join(*d.calls, " "); got != c.want {
				t.Errorf("calls %q, want %q", got, c.want)
			}
		})
	}
}

// TestOneCallAtATime: whoever asks for what at the same time, an agent has one
// call to do at once, and the passes wait for each other.
func TestOneCallAtATime(t *testing.T) {
	p := newPhone(t, newLink())
	d := newDiary("f/a", "x")
	p.register(diaryApp("kv", d))
	if _, err := p.m.Backup(t.Context(), []string{"com.d"}, 0); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := p.m.Backup(t.Context(), []string{"com.d"}, FlagNonIncrementalBackup); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			if _, err := p.m.Restore(t.Context(), 7, []string{"com.d"}); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			if err := p.m.DataChanged("com.d"); err != nil {
				t.Error(err)
			}
			if _, err := p.m.RunKeyValue(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if d.twice.Load() || len(*d.calls) < 4*4 {
		t.Errorf("two calls at once, or too few: %q", *d.calls)
	}
}

// TestVersionIsThatOfTheData: an agent hears which version wrote the data, in 64
// bits, and not which one is installed.
func TestVersionIsThatOfTheData(t *testing.T) {
	const wrote, installed = 3<<32 | 7, 4<<32 | 1
	p := newPhone(t, newLink())
	d := newDiary()
	app := diaryApp("kv", d)
	app.Version = wrote
	p.register(app)
	if _, err := p.m.Backup(t.Context(), []string{"com.d"}, 0); err != nil {
		t.Fatal(err)
	}
	app.Version = installed
	p.register(app)
	restoreAll(t, p, "com.d")
	if d.version != wrote {
		t.Errorf("version %d, want %d", d.version, int64(wrote))
	}
}

// deleting is an agent that deletes by a size, as Android's agents do.
type deleting struct {
	book
	size int64
}

func (d *deleting) Backup(_ context.Context, r android.BackupRequest) error {
	if err := r.Data.WriteHeader("k", d.size); err != nil {
		return err
	}
	_, err := io.WriteString(r.New, "state")
	return err
}

// TestSizeThatDeletes: the documented size of -1 deletes a key; another negative
// one is the agent's mistake, and changes nothing.
func TestSizeThatDeletes(t *testing.T) {
	for size, want := range map[int64]Result{-1: Success, -2: AgentFailure} {
		p := newPhone(t, newLink())
		p.book("com.a", "k", "v", "l", "w")
		p.changed("com.a")
		p.pass()
		p.register(bookApp("com.a", &deleting{size: size}))
		p.changed("com.a")
		p.result(p.pass(), "com.a", want)
		_, has := p.link.kv["com.a"]["k"]
		if has != (want != Success) || p.link.kv["com.a"]["l"] != "w" || (p.state("com.a") == "state") != (want == Success) {
			t.Errorf("size %d: stored %q, state %q", size, p.link.kv["com.a"], p.state("com.a"))
		}
	}
}

// TestQuotaMayChange: each pass asks for the quota again.
func TestQuotaMayChange(t *testing.T) {
	p := newPhone(t, newLink())
	c := &curious{}
	p.register(bookApp("com.a", c))
	want := []int64{1 << 20, 2 << 20, 1 << 10}
	for _, q := range want {
		p.link.quota = q
		if _, err := p.m.Backup(t.Context(), []string{"com.a"}, 0); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(c.quota, want) {
		t.Errorf("the agent saw %v", c.quota)
	}
}

// labelled is an agent with one file and one folder of given metadata.
type labelled struct {
	*diary
	files []android.SourceFile
}

func (l *labelled) FullBackup(ctx context.Context, out android.FullOutput) error {
	for _, f := range l.files {
		if err := out.File(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// TestMetadataTravels: what places a file on the new phone is in the archive,
// and is what the agent there is given; content ends with its size, and a folder
// has none, whatever the old phone's agent said.
func TestMetadataTravels(t *testing.T) {
	p := newPhone(t, newLink())
	when := time.Unix(1_234_567_890, 999)
	opens := func(content string) func(context.Context, int64) (io.ReadCloser, error) {
		return func(_ context.Context, off int64) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(content[off:])), nil
		}
	}
	l := &labelled{diary: newDiary(), files: []android.SourceFile{
		{FileInfo: android.FileInfo{Domain: "f", Path: "dir", Type: backup.TypeDirectory, Size: 5, Mode: 0o2771, ModTime: when}, UID: 10_123, GID: 1_023, Open: opens("no folder has content")},
		{FileInfo: android.FileInfo{Domain: "db", Path: "notes.db", Type: backup.TypeFile, Size: 5, Mode: 0o4660, ModTime: when}, UID: 10_123, GID: 1_023, Open: opens("hello")},
	}}
	app := shelfApp("com.d", l)
	p.register(app)
	p.result(runFull(t, p), "com.d", Success)

	r := fullbackup.NewReader(strings.NewReader(string(p.link.full["com.d"])), fullbackup.Limits{Strict: true})
	if _, err := r.Next(); err != nil { // _manifest
		t.Fatal(err)
	}
	for i, f := range l.files {
		h, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		size := f.Size
		if f.Type == backup.TypeDirectory {
			size = 0
		}
		if h.Domain != f.Domain || h.Path != f.Path || int(h.Type) != int(f.Type) || h.Mode != f.Mode || h.ModTime != when.Unix() || h.UID != 10_123 || h.GID != 1_023 || h.Size != size {
			t.Errorf("%d: %+v", i, h)
		}
	}
	restoreAll(t, p)
	if len(l.got) != 2 || !slices.Equal(l.content, []string{"", "hello"}) {
		t.Fatalf("restored %q", l.content)
	}
	for i, f := range l.got {
		want := l.files[i].FileInfo
		want.ModTime = time.Unix(when.Unix(), 0)
		if want.Type == backup.TypeDirectory {
			want.Size = 0
		}
		if f.FileInfo != want {
			t.Errorf("%+v, want %+v", f.FileInfo, want)
		}
		if n, err := f.Data.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Errorf("more than its size: %d, %v", n, err)
		}
	}
}

// TestFinishedComesLast: when it is called, everything is there.
func TestFinishedComesLast(t *testing.T) {
	p := newPhone(t, newLink())
	d := newDiary("f/a", "x", "f/b", "y", "sp/c.xml", "z")
	p.register(diaryApp("own", d))
	p.result(runFull(t, p), "com.d", Success)
	there := -1
	d.fail = func(call string) error {
		if call == "RestoreFinished" {
			there = len(d.got)
		}
		return nil
	}
	restoreAll(t, p)
	if there != 3 {
		t.Errorf("told after %d of 3 files", there)
	}

	// One that says no undoes the restore.
	d.fail = once("RestoreFinished", errBroken)
	r := restoreAll(t, p)
	if got, _ := r.Package("com.d"); got.Restored || !got.Cleared || !errors.Is(got.Err, errBroken) {
		t.Errorf("%+v", got)
	}
}
