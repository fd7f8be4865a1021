package manager

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/android/entity"
	"github.com/ferry-move/ferry/mobile/android/fullbackup"
	"github.com/ferry-move/ferry/mobile/android/pm"
	"github.com/ferry-move/ferry/mobile/backup"
)

// link is a transport in memory that keeps to the contract: what was sent
// counts once FinishBackup said so. fail is asked before each call; what it
// returns is the answer.
type link struct {
	fail  func(call string) error
	flags backup.Flags
	quota int64

	calls []string // "PerformBackup com.a 6"
	kv    map[string]map[string]string
	full  map[string][]byte
	ready bool // initialised

	staged  func()
	pkg     string
	stream  io.Reader
	buf     []byte
	bad     error
	offered []android.RestoreDescription
	current android.RestoreDescription
	rest    []byte
}

func newLink() *link {
	return &link{quota: android.NoQuota, flags: backup.FlagDeviceToDeviceTransfer, kv: map[string]map[string]string{}, full: map[string][]byte{}}
}

func (l *link) call(format string, args ...any) error {
	name := fmt.Sprintf(format, args...)
	l.calls = append(l.calls, name)
	if l.fail != nil {
		return l.fail(name)
	}
	return nil
}

func (l *link) Name() string        { return "memory" }
func (l *link) DirName() string     { return "memory" }
func (l *link) Flags() backup.Flags { return l.flags }
func (l *link) Quota(string, bool) int64 {
	return l.quota
}

func (l *link) InitializeDevice(context.Context) error {
	if err := l.call("InitializeDevice"); err != nil {
		return err
	}
	l.staged = func() {
		l.kv, l.full, l.ready = map[string]map[string]string{}, map[string][]byte{}, true
	}
	return nil
}

func (l *link) ClearBackupData(_ context.Context, pkg string) error {
	if err := l.call("ClearBackupData %s", pkg); err != nil {
		return err
	}
	l.staged = func() { delete(l.kv, pkg); delete(l.full, pkg) }
	return nil
}

func (l *link) PerformBackup(_ context.Context, pkg android.Package, data io.Reader, flags android.PassFlags) error {
	if err := l.call("PerformBackup %s %d", pkg.Name, flags); err != nil {
		return err
	}
	next := map[string]string{}
	if flags&android.FlagNonIncremental == 0 {
		maps.Copy(next, l.kv[pkg.Name])
	}
	r := entity.NewReader(data, entity.Limits{})
	for h, err := range r.All() {
		if err != nil {
			return android.TransportError
		}
		if h.Deleted {
			delete(next, string(h.Key))
			continue
		}
		v, err := r.AppendData(nil, 1<<20)
		if err != nil {
			return android.TransportError
		}
		next[string(h.Key)] = string(v)
	}
	l.staged = func() {
		if flags&android.FlagDataNotChanged == 0 {
			l.kv[pkg.Name] = next
		}
	}
	return nil
}

func (l *link) PerformFullBackup(_ context.Context, pkg android.Package, data io.Reader, flags android.PassFlags) error {
	if err := l.call("PerformFullBackup %s %d", pkg.Name, flags); err != nil {
		return err
	}
	l.pkg, l.stream, l.buf, l.bad = pkg.Name, data, nil, nil
	l.staged = func() { l.full[l.pkg] = l.buf }
	return nil
}

func (l *link) CheckFullBackupSize(_ context.Context, size int64) error {
	if err := l.call("CheckFullBackupSize %d", size); err != nil {
		return err
	}
	if size > l.quota {
		return android.TransportQuotaExceeded
	}
	return nil
}

func (l *link) SendBackupData(_ context.Context, n int) error {
	if err := l.call("SendBackupData"); err != nil {
		l.bad = err
		return err
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(l.stream, b); err != nil {
		l.bad = android.TransportError
		return l.bad
	}
	l.buf = append(l.buf, b...)
	return nil
}

func (l *link) CancelFullBackup(context.Context) error {
	l.staged, l.bad = nil, nil
	return l.call("CancelFullBackup")
}

func (l *link) FinishBackup(context.Context) error {
	err := l.call("FinishBackup")
	if err == nil {
		err = l.bad
	}
	if err == nil && l.staged != nil {
		l.staged()
	}
	l.staged, l.bad = nil, nil
	return err
}

func (l *link) RestoreSets(context.Context) ([]android.RestoreSet, error) {
	if err := l.call("RestoreSets"); err != nil {
		return nil, err
	}
	return []android.RestoreSet{{Name: "old phone", Device: android.DeviceD2D, Token: 7}}, nil
}

func (l *link) CurrentSet(context.Context) (int64, error) { return 7, nil }

func (l *link) StartRestore(_ context.Context, token int64, pkgs []string) error {
	if err := l.call("StartRestore %d %s", token, strings.Join(pkgs, " ")); err != nil {
		return err
	}
	l.offered = nil
	for _, p := range pkgs {
		if l.kv[p] != nil {
			l.offered = append(l.offered, android.RestoreDescription{Package: p, Type: android.RestoreKeyValue})
		} else if l.full[p] != nil {
			l.offered = append(l.offered, android.RestoreDescription{Package: p, Type: android.RestoreFull})
		}
	}
	return nil
}

func (l *link) NextPackage(context.Context) (d android.RestoreDescription, err error) {
	if err := l.call("NextPackage"); err != nil {
		return d, err
	}
	if len(l.offered) == 0 {
		return d, nil
	}
	d, l.offered = l.offered[0], l.offered[1:]
	l.current, l.rest = d, l.full[d.Package]
	return d, nil
}

func (l *link) RestoreData(_ context.Context, w io.Writer) error {
	if err := l.call("RestoreData %s", l.current.Package); err != nil {
		return err
	}
	data := l.kv[l.current.Package]
	out := entity.NewWriter(w, entity.Options{System: true})
	for _, k := range slices.SortedFunc(maps.Keys(data), func(a, b string) int { return entity.Key(a).Compare(entity.Key(b)) }) {
		_ = out.WriteHeader(entity.Key(k), int64(len(data[k])))
		_, _ = io.WriteString(out, data[k])
	}
	return out.Close()
}

func (l *link) NextFullChunk(_ context.Context, w io.Writer) (int, error) {
	if err := l.call("NextFullChunk %s", l.current.Package); err != nil {
		return 0, err
	}
	if len(l.rest) == 0 {
		return 0, android.NoMoreData
	}
	n := min(700, len(l.rest)) // never whole blocks
	k, err := w.Write(l.rest[:n])
	l.rest = l.rest[k:]
	return k, err
}

func (l *link) AbortFullRestore(context.Context) error {
	l.rest = nil
	return l.call("AbortFullRestore")
}

func (l *link) FinishRestore(context.Context) error { return l.call("FinishRestore") }

// called counts calls that begin with a prefix.
func (l *link) called(prefix string) (n int) {
	for _, c := range l.calls {
		if strings.HasPrefix(c, prefix) {
			n++
		}
	}
	return n
}

// book is a phone's app with key/value data: its agent sends what differs from
// the state, which is the data itself.
type book struct {
	data     map[string]string
	fail     func(call string) error // asked in each call
	old      []string                // the states it was given
	quotas   [][2]int64
	finished int
	cleared  int
	closed   int
}

func (b *book) failing(call string) error {
	if b.fail == nil {
		return nil
	}
	return b.fail(call)
}

func (b *book) Create(context.Context) error { return b.failing("Create") }
func (b *book) Destroy()                     { b.closed++ }

func (b *book) Backup(_ context.Context, r android.BackupRequest) error {
	state, err := io.ReadAll(r.Old)
	if err != nil {
		return err
	}
	b.old = append(b.old, string(state))
	was := map[string]string{}
	if len(state) > 0 {
		if err := json.Unmarshal(state, &was); err != nil {
			return err
		}
	}
	for _, k := range slices.Sorted(maps.Keys(b.data)) {
		v := b.data[k]
		if old, ok := was[k]; ok && old == v {
			continue
		}
		if err := r.Data.WriteHeader(k, int64(len(v))); err != nil {
			return err
		}
		if _, err := io.WriteString(r.Data, v); err != nil {
			return err
		}
	}
	for _, k := range slices.Sorted(maps.Keys(was)) {
		if _, ok := b.data[k]; !ok {
			if err := r.Data.Delete(k); err != nil {
				return err
			}
		}
	}
	now, err := json.Marshal(b.data)
	if err != nil {
		return err
	}
	if _, err := r.New.Write(now); err != nil {
		return err
	}
	return b.failing("Backup")
}

func (b *book) Restore(_ context.Context, r android.RestoreRequest) error {
	for {
		k, _, err := r.Data.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		v, err := io.ReadAll(r.Data)
		if err != nil {
			return err
		}
		if b.data == nil {
			b.data = map[string]string{}
		}
		b.data[k] = string(v)
		if err := b.failing("Restore"); err != nil {
			return err
		}
	}
	_, err := io.WriteString(r.New, "not kept")
	return err
}

func (b *book) RestoreFinished(context.Context) error {
	b.finished++
	return b.failing("RestoreFinished")
}

func (b *book) QuotaExceeded(_ context.Context, measured, quota int64) {
	b.quotas = append(b.quotas, [2]int64{measured, quota})
}

func (b *book) Clear(context.Context) error {
	b.cleared++
	b.data = nil
	return b.failing("Clear")
}

// shelf is an app with files, and the system's agent for it.
type shelf struct {
	book
	files map[string]string // "f/path" = content; a name that ends in / is a folder
	calls int               // of FullBackup
	lie   map[string]int64  // sizes that are not the real ones
	got   []string
}

func (s *shelf) Backup(context.Context, android.BackupRequest) error   { return nil }
func (s *shelf) Restore(context.Context, android.RestoreRequest) error { return nil }

func (s *shelf) Clear(ctx context.Context) error {
	s.files = nil
	return s.book.Clear(ctx)
}

func (s *shelf) FullBackup(ctx context.Context, out android.FullOutput) error {
	s.calls++
	for _, name := range slices.Sorted(maps.Keys(s.files)) {
		domain, path, _ := strings.Cut(name, "/")
		content := s.files[name]
		f := android.SourceFile{FileInfo: android.FileInfo{
			Domain: domain, Path: strings.TrimSuffix(path, "/"), Type: backup.TypeFile, Size: int64(len(content)),
			Mode: 0o600, ModTime: time.Unix(1_700_000_000, 0),
		}}
		if strings.HasSuffix(path, "/") {
			f.Type, f.Mode = backup.TypeDirectory, 0o700
		} else {
			f.Open = func(_ context.Context, offset int64) (io.ReadCloser, error) {
				if s.calls == 1 {
					return nil, errors.New("opened while measuring")
				}
				return io.NopCloser(strings.NewReader(content[offset:])), nil
			}
		}
		if n, ok := s.lie[name]; ok {
			f.Size = n
		}
		if err := out.File(ctx, f); err != nil {
			return err
		}
	}
	return s.failing(fmt.Sprintf("FullBackup %d", s.calls))
}

func (s *shelf) RestoreFile(_ context.Context, f android.RestoredFile) error {
	name := f.Domain + "/" + f.Path
	if f.Type == backup.TypeDirectory {
		name += "/"
	}
	b, err := io.ReadAll(f.Data)
	if err != nil {
		return err
	}
	if s.files == nil {
		s.files = map[string]string{}
	}
	s.files[name] = string(b)
	s.got = append(s.got, name)
	return s.failing("RestoreFile")
}

// signer is the SHA-256 of some certificate.
func signer(n byte) [32]byte { return [32]byte(bytes.Repeat([]byte{n}, 32)) }

// phone is a manager with its transport and a few apps.
type phone struct {
	t      *testing.T
	link   *link
	m      *Manager
	dir    string
	books  map[string]*book
	shelfs map[string]*shelf
	events []Event
}

func newPhone(t *testing.T, l *link) *phone {
	t.Helper()
	p := &phone{t: t, link: l, dir: t.TempDir(), books: map[string]*book{}, shelfs: map[string]*shelf{}}
	p.start(nil)
	return p
}

// start opens the manager, as after the start of the program.
func (p *phone) start(step func(string) error) {
	p.t.Helper()
	if step == nil {
		step = unsynced
	}
	m, err := open(Config{
		Dir: p.dir, Transport: p.link, Device: pm.Global{SDK: 35, Build: "1"},
		Monitor: func(e Event) { p.events = append(p.events, e) },
	}, step)
	if err != nil {
		p.t.Fatal(err)
	}
	p.m = m
	for name, b := range p.books {
		p.register(bookApp(name, b))
	}
	for name, s := range p.shelfs {
		p.register(shelfApp(name, s))
	}
}

func (p *phone) register(a App) {
	p.t.Helper()
	if err := p.m.Register(a); err != nil {
		p.t.Fatal(err)
	}
}

func bookApp(name string, b android.Agent) App {
	return App{
		Package: android.Package{Name: name, Version: 3, Signatures: [][32]byte{signer(1)}, TargetSDK: 34, HasAgent: true},
		Agent:   func() android.Agent { return b },
	}
}

func shelfApp(name string, s android.Agent) App {
	return App{
		Package: android.Package{Name: name, Version: 3, Signatures: [][32]byte{signer(1)}, TargetSDK: 34},
		Default: func() android.Agent { return s },
	}
}

// book installs an app with key/value data: pairs of key and value.
func (p *phone) book(name string, kv ...string) *book {
	p.t.Helper()
	b := &book{data: map[string]string{}}
	for i := 0; i < len(kv); i += 2 {
		b.data[kv[i]] = kv[i+1]
	}
	p.books[name] = b
	p.register(bookApp(name, b))
	return b
}

// shelf installs an app with files: pairs of name and content.
func (p *phone) shelf(name string, files ...string) *shelf {
	p.t.Helper()
	s := &shelf{files: map[string]string{}}
	for i := 0; i < len(files); i += 2 {
		s.files[files[i]] = files[i+1]
	}
	p.shelfs[name] = s
	p.register(shelfApp(name, s))
	return s
}

func (p *phone) changed(pkgs ...string) {
	p.t.Helper()
	for _, pkg := range pkgs {
		if err := p.m.DataChanged(pkg); err != nil {
			p.t.Fatal(err)
		}
	}
}

// pass runs a pass that has to get to its end.
func (p *phone) pass() Report {
	p.t.Helper()
	r, err := p.m.RunKeyValue(context.Background())
	if err != nil {
		p.t.Fatal(err)
	}
	return r
}

func (p *phone) result(r Report, pkg string, want Result) PackageReport {
	p.t.Helper()
	got, ok := r.Package(pkg)
	if !ok || got.Result != want {
		p.t.Errorf("%s: %v (%v), want %v", pkg, got.Result, got.Err, want)
	}
	return got
}

// state is what the manager keeps for an app's agent.
func (p *phone) state(pkg string) string {
	p.t.Helper()
	b, err := readSmall(p.m.state(pkg), 1<<20)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(b)
}

// tree lists an archive's entries with their content.
func tree(t *testing.T, archive []byte) map[string]string {
	t.Helper()
	r := fullbackup.NewReader(bytes.NewReader(archive), fullbackup.Limits{Strict: true})
	files := map[string]string{}
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		name := h.Name()
		if h.Type == fullbackup.TypeDirectory {
			name += "/"
		}
		files[name] = string(b)
	}
}

// unsynced spares the disk what a test cannot see: that a change reached it.
func unsynced(op string) error {
	if strings.HasPrefix(op, "sync") {
		return errLeaveOut
	}
	return nil
}

// once fails the first call that begins with a prefix.
func once(prefix string, err error) func(string) error {
	done := false
	return func(call string) error {
		if !done && strings.HasPrefix(call, prefix) {
			done = true
			return err
		}
		return nil
	}
}
