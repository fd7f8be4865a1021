package agenttest

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ferry-move/ferry/mobile/android"
	"github.com/ferry-move/ferry/mobile/backup"
)

// bug is one thing that an agent does wrong. 0 = none.
type bug int

const (
	ignoresWrite bug = iota + 1
	ignoresRead
	ignoresContext
	writesAll
	neverDeletes
	trustsAnything
	losesOne
	writesHalf
	random
	neverClears
	escapesByKey
	followsLinks
	needsState
	shortValue
	outOfOrder
	unchecked
	noTimes
	noOffset
	ignoresTake
	takesShort
	flagless
	lostName
	measures
	writesEntities
)

// folder is an agent whose data are the files in a folder, of which the bug is
// the only one that the suite is to find.
type folder struct {
	dir   string
	bug   bug
	flags backup.Flags
	quota int64
	runs  int
}

func newFolder(tb testing.TB, b bug) *folder {
	f := &folder{dir: filepath.Join(tb.TempDir(), "app", "f"), bug: b}
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		tb.Fatal(err)
	}
	return f
}

var fixture = map[string]string{"a": "1", "b": "22", "gone": "333", "changed": "4444", "last name": strings.Repeat("5", 50_000)}

func (f *folder) fill(tb testing.TB) {
	for n, v := range fixture {
		p, when := filepath.Join(f.dir, n), time.Unix(1_000_000_000, 0)
		if err := errors.Join(os.WriteFile(p, []byte(v), 0o600), os.Chtimes(p, when, when)); err != nil {
			tb.Fatal(err)
		}
	}
}

func (f *folder) change() error {
	return errors.Join(os.RemoveAll(filepath.Join(f.dir, "gone")), os.WriteFile(filepath.Join(f.dir, "new"), nil, 0o600),
		os.WriteFile(filepath.Join(f.dir, "changed"), []byte(fmt.Sprint(time.Now())), 0o600))
}

// there reports whether the folder is one, and no link.
func (f *folder) there() bool {
	info, err := os.Lstat(f.dir)
	return err == nil && (info.IsDir() || f.bug == followsLinks)
}

func (f *folder) names() []string {
	if !f.there() {
		return nil
	}
	list, _ := os.ReadDir(f.dir) // sorted
	var names []string
	for _, e := range list {
		if e.Type().IsRegular() || f.bug == followsLinks {
			names = append(names, e.Name())
		}
	}
	return names
}

func read(a android.Agent) (map[string]string, error) {
	f := a.(*folder)
	all := map[string]string{}
	for _, n := range f.names() {
		b, err := os.ReadFile(filepath.Join(f.dir, n))
		if err != nil {
			return nil, err
		}
		all[n] = "file " + string(b)
	}
	return all, nil
}

// Backup implements [android.Agent]. The state has a line for each file, each
// with a sum of everything before.
func (f *folder) Backup(ctx context.Context, b android.BackupRequest) error {
	if f.bug != flagless {
		f.flags, f.quota = b.Data.TransportFlags(), b.Data.Quota()
	}
	old := map[string]string{}
	if b.Old != nil {
		state, err := io.ReadAll(b.Old)
		if err != nil {
			return err
		}
		at := 0
		for line := range strings.Lines(string(state)) {
			name, sum, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
			if at += len(line); f.bug != trustsAnything {
				var head, tail string
				head, tail, _ = strings.Cut(sum, "\t")
				if tail != fmt.Sprint(crc32.ChecksumIEEE([]byte(string(state[:at-len(line)])+name+head))) {
					clear(old)
					break
				}
				sum = head
			}
			old[name] = strings.SplitN(sum, "\t", 2)[0]
		}
	} else if f.bug == needsState {
		return errors.New("no state")
	}
	names := f.names()
	if f.bug == losesOne {
		names = names[1:]
	}
	var state string
	f.runs++
	for _, n := range names {
		v, err := os.ReadFile(filepath.Join(f.dir, n))
		if err != nil {
			return err
		}
		sum := fmt.Sprint(crc32.ChecksumIEEE(v))
		if f.bug == random {
			sum += fmt.Sprint("-", f.runs)
		}
		was, known := old[n]
		delete(old, n)
		state += n + "\t" + sum + "\t" + fmt.Sprint(crc32.ChecksumIEEE([]byte(state+n+sum))) + "\n"
		if known && (was == sum || f.bug == trustsAnything) && f.bug != writesAll {
			continue
		}
		if err := ctx.Err(); err != nil && f.bug != ignoresContext {
			return err
		}
		if err := b.Data.WriteHeader(n, int64(len(v))); err != nil {
			return err
		}
		if f.bug == shortValue {
			v = v[:len(v)-1]
		}
		if _, err := b.Data.Write(v); err != nil && f.bug != ignoresWrite {
			return err
		}
	}
	for n := range old {
		if f.bug == neverDeletes {
			break
		}
		if err := b.Data.Delete(n); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil && f.bug != ignoresContext {
		return err
	}
	_, err := io.WriteString(b.New, state)
	return err
}

// Restore implements [android.Agent].
func (f *folder) Restore(ctx context.Context, r android.RestoreRequest) error {
	for {
		if err := ctx.Err(); err != nil && f.bug != ignoresContext {
			return err
		}
		key, _, err := r.Data.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		var data io.Reader = r.Data
		if f.bug != ignoresContext {
			data = reader{ctx, data}
		}
		if err := f.save(key, data); err != nil {
			return err
		}
	}
}

func (f *folder) save(name string, r io.Reader) error {
	v, err := io.ReadAll(r)
	if err != nil && f.bug != writesHalf && f.bug != ignoresRead {
		return err
	}
	if f.bug != escapesByKey && (strings.ContainsAny(name, "/\x00") || name == ".." || name == "." || name == "" || len(name) > 255) {
		return backup.BadName
	}
	p := filepath.Join(f.dir, name)
	if !f.there() {
		return backup.NotRegular
	}
	if f.bug != followsLinks {
		if info, lerr := os.Lstat(p); lerr == nil && !info.Mode().IsRegular() {
			return backup.NotRegular
		}
	}
	werr := os.WriteFile(p, v, 0o600)
	if f.bug == ignoresRead {
		return werr
	}
	return errors.Join(err, werr)
}

// Clear implements [android.Cleaner].
func (f *folder) Clear(ctx context.Context) error {
	for _, n := range f.names() {
		if f.bug != neverClears {
			_ = os.Remove(filepath.Join(f.dir, n))
		}
	}
	return ctx.Err()
}

// reader reads until ctx ends.
type reader struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader.
func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

// full is a folder in full backup.
type full struct{ *folder }

// Backup implements [android.Agent].
func (f full) Backup(ctx context.Context, b android.BackupRequest) error {
	if f.bug == writesEntities {
		return f.folder.Backup(ctx, b)
	}
	return nil
}

// FullBackup implements [android.FullBackuper].
func (f full) FullBackup(ctx context.Context, out android.FullOutput) error {
	if f.bug != flagless {
		f.flags, f.quota = out.TransportFlags(), out.Quota()
	}
	names := f.names()
	if f.bug == losesOne {
		names = names[1:]
	}
	f.runs++
	if f.bug == measures && f.runs%2 == 0 {
		slices.Reverse(names)
	}
	if f.bug == outOfOrder {
		names = append(names, names[0])
	}
	for _, n := range names {
		if err := ctx.Err(); err != nil && f.bug != ignoresContext {
			return err
		}
		p := filepath.Join(f.dir, n)
		info, err := os.Stat(p)
		if err != nil {
			return err
		}
		err = out.File(ctx, android.SourceFile{
			FileInfo: android.FileInfo{Domain: "f", Path: n, Type: backup.TypeFile, Size: info.Size(), Mode: 0o600, ModTime: info.ModTime()},
			Open: func(ctx context.Context, off int64) (io.ReadCloser, error) {
				now, err := os.Stat(p)
				switch {
				case ctx.Err() != nil:
					return nil, ctx.Err()
				case errors.Is(err, fs.ErrNotExist):
					return nil, backup.Vanished
				case err != nil, off < 0, off > info.Size():
					return nil, errors.Join(err, fs.ErrInvalid)
				case f.bug != unchecked && (now.Size() != info.Size() || !now.ModTime().Equal(info.ModTime())):
					return nil, backup.Changed
				}
				r, err := os.Open(p)
				if err == nil && f.bug != noOffset {
					_, err = r.Seek(off, io.SeekStart)
				}
				return r, err
			},
		})
		if err != nil && f.bug != ignoresWrite {
			return err
		}
	}
	return nil
}

// RestoreFile implements [android.FileRestorer].
func (f full) RestoreFile(ctx context.Context, r android.RestoredFile) error {
	if err := ctx.Err(); err != nil && f.bug != ignoresContext {
		return err
	}
	if r.Domain != "f" || r.Type != backup.TypeFile {
		return backup.BadName
	}
	data := r.Data
	if r.Take != nil && f.bug != ignoresTake {
		temp := filepath.Join(filepath.Dir(f.dir), "taken")
		defer os.Remove(temp)
		switch err := r.Take(temp); {
		case err == nil:
			b, err := os.ReadFile(temp)
			if err != nil {
				return err
			}
			data = strings.NewReader(string(b))
		case !errors.Is(err, fs.ErrInvalid):
			return err
		}
	}
	if f.bug != ignoresContext {
		data = reader{ctx, data}
	}
	b, err := io.ReadAll(data)
	if err != nil && f.bug != ignoresRead {
		return err
	}
	if int64(len(b)) != r.Size && f.bug != takesShort && f.bug != ignoresRead {
		return backup.Damaged
	}
	if err := f.save(r.Path, strings.NewReader(string(b))); err != nil {
		return err
	}
	if f.bug == noTimes {
		return nil
	}
	p := filepath.Join(f.dir, r.Path)
	if f.bug == followsLinks || f.bug == escapesByKey {
		return nil
	}
	return os.Chtimes(p, r.ModTime, r.ModTime)
}

func env(tb testing.TB, b bug, isFull bool) Env {
	src := newFolder(tb, b)
	src.fill(tb)
	wrap := func(f *folder) android.Agent {
		if isFull {
			return full{f}
		}
		return f
	}
	of := func(a android.Agent) *folder {
		if f, ok := a.(full); ok {
			return f.folder
		}
		return a.(*folder)
	}
	e := Env{
		Source:    wrap(src),
		NewTarget: func() android.Agent { return wrap(newFolder(tb, b)) },
		Full:      isFull,
		Read:      func(a android.Agent) (map[string]string, error) { return read(of(a)) },
		Change:    src.change,
		Names:     []string{"last name"},
		Root:      func(a android.Agent) string { return filepath.Dir(of(a).dir) },
		Seen:      func() (backup.Flags, int64) { return src.flags, src.quota },
	}
	if b == lostName {
		e.Names = []string{"another name"}
	}
	return e
}

func TestSuite(t *testing.T) {
	for _, isFull := range []bool{false, true} {
		t.Run(fmt.Sprint("full=", isFull), func(t *testing.T) {
			Run(t, func(tb testing.TB) Env { return env(tb, 0, isFull) })
		})
	}
}

// TestBugs: each bug is found, by the check that is there for it.
func TestBugs(t *testing.T) {
	for _, c := range []struct {
		bug  bug
		full bool
		by   string
	}{
		{lostName, false, "data"}, {random, false, "backup/repeatable"}, {needsState, false, "backup/nothing"}, {writesAll, false, "backup/unchanged"},
		{neverDeletes, false, "backup/delta"}, {trustsAnything, false, "backup/state"}, {ignoresWrite, false, "backup/errors"},
		{ignoresContext, false, "backup/cancel"}, {flagless, false, "backup/flags"}, {losesOne, false, "restore/equal"},
		{losesOne, false, "restore/over"}, {ignoresRead, false, "restore/errors"}, {ignoresContext, false, "restore/cancel"},
		{writesHalf, false, "restore/cut"}, {escapesByKey, false, "restore/hostile"}, {followsLinks, false, "restore/links"},
		{neverClears, false, "clear"}, {shortValue, false, "backup/repeatable"},

		{lostName, true, "data"}, {writesEntities, true, "keyvalue"}, {outOfOrder, true, "backup/shape"}, {measures, true, "backup/measure"},
		{noOffset, true, "backup/content"}, {unchecked, true, "backup/changed"}, {ignoresWrite, true, "backup/errors"},
		{ignoresContext, true, "backup/cancel"}, {flagless, true, "backup/flags"}, {losesOne, true, "restore/equal"},
		{noTimes, true, "restore/equal"}, {losesOne, true, "restore/over"}, {ignoresTake, true, "restore/take"}, {ignoresRead, true, "restore/errors"},
		{takesShort, true, "restore/errors"}, {ignoresContext, true, "restore/cancel"}, {escapesByKey, true, "restore/hostile"},
		{followsLinks, true, "restore/links"}, {neverClears, true, "clear"},
	} {
		t.Run(fmt.Sprintf("%d/full=%v/%s", c.bug, c.full, c.by), func(t *testing.T) {
			checks := keyValueChecks
			if c.full {
				checks = fullChecks
			}
			i := slices.IndexFunc(checks, func(k check) bool { return k.name == c.by })
			if i < 0 {
				t.Fatal("there is no such check")
			}
			err := checks[i].run(t.Context(), env(t, c.bug, c.full))
			if err == nil || errors.Is(err, errNotChecked) {
				t.Errorf("not found: %v", err)
			}
			t.Log(err)
		})
	}
}

func TestNames(t *testing.T) {
	for _, limit := range []int{1, 100, 255} {
		seen := map[string]bool{}
		for _, n := range Names(limit) {
			if n == "" || len(n) > limit || strings.ContainsAny(n, "/\x00") || seen[n] && limit > 1 {
				t.Errorf("limit %d: %q", limit, n)
			}
			seen[n] = true
		}
	}
}
