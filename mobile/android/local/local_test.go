package local

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/android"
)

// openTest opens a backup in a new folder.
func openTest(tb testing.TB, opt Options) *Transport {
	tb.Helper()
	if opt.Dir == "" {
		opt.Dir = tb.TempDir()
	}
	tr, err := Open(opt)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := tr.Close(); err != nil {
			tb.Error(err)
		}
	})
	return tr
}

const app = "com.example.Notes"

// one is the entity "a" with the value "1", two "b" with "22", as package
// entity draws them.
var (
	one = []byte("Data\x01\x00\x00\x00\x01\x00\x00\x00a\x00\xBC\xBC1")
	two = []byte("Data\x01\x00\x00\x00\x02\x00\x00\x00b\x00\xBC\xBC22")
	del = []byte("Data\x01\x00\x00\x00\xFF\xFF\xFF\xFFa\x00\xBC\xBC")
	gap = []byte("\xBC\xBC\xBC")
	tar = bytes.Repeat([]byte("tar "), 128)
)

func keyValue(ctx context.Context, tr *Transport, pkg string, flags android.PassFlags, data []byte) error {
	if err := tr.PerformBackup(ctx, android.Package{Name: pkg}, bytes.NewReader(data), flags); err != nil {
		return err
	}
	return tr.FinishBackup(ctx)
}

func full(ctx context.Context, tr *Transport, pkg string, data []byte) error {
	if err := tr.PerformFullBackup(ctx, android.Package{Name: pkg}, bytes.NewReader(data), 0); err != nil {
		return err
	}
	if err := tr.SendBackupData(ctx, len(data)); err != nil {
		return errors.Join(err, tr.CancelFullBackup(ctx))
	}
	return tr.FinishBackup(ctx)
}

// restored returns an app's data; nil if there is none.
func restored(ctx context.Context, tr *Transport, pkg string) ([]byte, error) {
	if err := tr.StartRestore(ctx, tr.token, []string{pkg}); err != nil {
		return nil, err
	}
	for {
		switch d, err := tr.NextPackage(ctx); {
		case err != nil || d.Type == android.RestoreNone:
			return nil, err
		case d.Package != pkg:
		case d.Type == android.RestoreKeyValue:
			var b bytes.Buffer
			err := tr.RestoreData(ctx, &b)
			return b.Bytes(), err
		default:
			var b bytes.Buffer
			for {
				_, err := tr.NextFullChunk(ctx, &b)
				if errors.Is(err, android.NoMoreData) {
					return b.Bytes(), nil
				}
				if err != nil {
					return b.Bytes(), err
				}
			}
		}
	}
}

func wantData(t *testing.T, tr *Transport, pkg string, want []byte) {
	t.Helper()
	if got, err := restored(t.Context(), tr, pkg); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("restored %q, %v; want %q", got, err, want)
	}
}

// tree lists the files below dir, with slashes.
func tree(t *testing.T, dir string) (out []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		perm := fs.FileMode(contentPerm)
		if d.IsDir() {
			perm = folderPerm
		}
		if runtime.GOOS != "windows" && path != dir && info.Mode().Perm() != perm {
			t.Errorf("%s has permissions %v", path, info.Mode())
		}
		if !d.IsDir() {
			rel, err := filepath.Rel(dir, path)
			out = append(out, filepath.ToSlash(rel))
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// TestLayout writes out what the package's comment says.
func TestLayout(t *testing.T) {
	ctx := t.Context()
	dir := filepath.Join(t.TempDir(), "new", "backup")
	tr := openTest(t, Options{Dir: dir})
	must(t,
		keyValue(ctx, tr, app, android.FlagNonIncremental, slices.Concat(two, []byte("\xBC\xBC"), one)),
		full(ctx, tr, "org.example.files", tar))
	want := []string{
		"apps/com.example.%4eotes/1-38-784382c1.entities",
		"apps/org.example.files/1-512-337b850e.tar",
		"set",
	}
	got := tree(t, dir)
	if !slices.Equal(got, want) {
		t.Fatalf("the folder has %q, want %q", got, want)
	}
	for name, content := range map[string][]byte{got[0]: slices.Concat(one, gap, two), got[1]: tar} {
		if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(b, content) {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, "set"))
	if err != nil || !strings.HasPrefix(string(b), "ferry local backup 1\n") || !strings.HasSuffix(string(b), "\n") {
		t.Errorf("set: %q, %v", b, err)
	}

	// Each pass leaves one generation, whatever its form.
	must(t,
		keyValue(ctx, tr, app, android.FlagIncremental, del),
		keyValue(ctx, tr, "org.example.files", android.FlagNonIncremental, one))
	want = []string{
		"apps/com.example.%4eotes/2-18-fd0b4807.entities",
		"apps/org.example.files/2-17-425ca506.entities",
		"set",
	}
	if got := tree(t, dir); !slices.Equal(got, want) {
		t.Fatalf("the folder has %q, want %q", got, want)
	}
	must(t, tr.InitializeDevice(ctx))
	if got := tree(t, dir); !slices.Equal(got, []string{"set"}) {
		t.Fatalf("after InitializeDevice the folder has %q", got)
	}
}

// TestGenerations: the newest counts, whatever a power cut left beside it.
func TestGenerations(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	tr := openTest(t, Options{Dir: dir})
	must(t, keyValue(ctx, tr, app, android.FlagNonIncremental, one))
	apps := filepath.Join(dir, "apps", folderName(app))
	old, err := os.ReadDir(apps)
	must(t, err)
	saved, err := os.ReadFile(filepath.Join(apps, old[0].Name()))
	must(t, err, full(ctx, tr, app, tar))

	// The old one was not removed, a third was not finished.
	must(t,
		os.WriteFile(filepath.Join(apps, old[0].Name()), saved, 0o600),
		os.WriteFile(filepath.Join(apps, "notes.txt"), []byte("not ours"), 0o600),
		os.WriteFile(filepath.Join(dir, "partial", "1"), two, 0o600),
		os.Mkdir(filepath.Join(dir, "partial", "7"), 0o700),
		os.WriteFile(filepath.Join(dir, "partial", "7", "1-18-fd0b4807.entities"), two, 0o600))
	tr = openTest(t, Options{Dir: dir})
	wantData(t, tr, app, tar)
	if left, err := os.ReadDir(filepath.Join(dir, "partial")); err != nil || len(left) > 0 {
		t.Errorf("%d unfinished files are left, %v", len(left), err)
	}
	must(t, keyValue(ctx, tr, app, android.FlagNonIncremental, two))
	wantData(t, tr, app, two)
	want := []string{"apps/com.example.%4eotes/3-18-fd0b4807.entities", "apps/com.example.%4eotes/notes.txt", "set"}
	if got := tree(t, dir); !slices.Equal(got, want) {
		t.Errorf("the folder has %q, want %q", got, want)
	}
}

// TestSecondOpener: who lost the unfinished pass to another process hears it,
// and the app keeps what it had.
func TestSecondOpener(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	first := openTest(t, Options{Dir: dir})
	must(t, keyValue(ctx, first, app, android.FlagNonIncremental, one))
	must(t, first.PerformBackup(ctx, android.Package{Name: app}, bytes.NewReader(two), android.FlagIncremental))
	second := openTest(t, Options{Dir: dir})
	if err := first.FinishBackup(ctx); !errors.Is(err, android.TransportError) || strings.Contains(err.Error(), dir) {
		t.Errorf("FinishBackup: %v", err)
	}
	wantData(t, second, app, one)
}

// TestDamage: a stored file that changed is noticed, costs its app only, and is
// replaced by the next complete pass.
func TestDamage(t *testing.T) {
	for _, form := range []form{entities, archive} {
		good := one
		if form == archive {
			good = tar[:64]
		}
		for at := range 2 * len(good) {
			ctx, dir := t.Context(), t.TempDir()
			tr := openTest(t, Options{Dir: dir})
			store := full
			if form == entities {
				store = func(ctx context.Context, tr *Transport, pkg string, data []byte) error {
					return keyValue(ctx, tr, pkg, android.FlagNonIncremental, data)
				}
			}
			must(t, store(ctx, tr, app, good), store(ctx, tr, "org.example", good))
			files := tree(t, dir)
			bad := bytes.Clone(good)
			if at < len(good) {
				bad[at] ^= 0x10
			} else {
				bad = bad[:at-len(good)]
			}
			must(t, os.WriteFile(filepath.Join(dir, files[0]), bad, 0o600))
			if _, err := restored(ctx, tr, app); !errors.Is(err, ErrDamaged) || !errors.Is(err, android.TransportPackageRejected) {
				t.Fatalf("%s, change %d: %v", form, at, err)
			}
			wantData(t, tr, "org.example", good)
			if form == entities {
				if err := keyValue(ctx, tr, app, android.FlagIncremental, two); !errors.Is(err, android.TransportNonIncrementalBackupRequired) {
					t.Fatalf("%s, change %d: changes of it: %v", form, at, err)
				}
			}
			must(t, store(ctx, tr, app, good))
			wantData(t, tr, app, good)
		}
	}
}

// TestForeignFolder: nothing is touched that was not made here.
func TestForeignFolder(t *testing.T) {
	for _, c := range []struct {
		name, file, content string
		want                error
	}{
		{"somebody's documents", "partial", "mine", ErrNotBackup},
		{"another program's set", "set", "something else", ErrNotBackup},
		{"an empty set", "set", "", ErrNotBackup},
		{"a newer version", "set", "ferry local backup 2\n5\n", ErrNewer},
		{"no token", "set", "ferry local backup 1\n", ErrDamaged},
		{"a token of zero", "set", "ferry local backup 1\n0\n", ErrDamaged},
		{"a token and more", "set", "ferry local backup 1\n5\n5\n", ErrDamaged},
		{"a token in other digits", "set", "ferry local backup 1\n+5\n", ErrDamaged},
		{"a file manager's rubbish", ".DS_Store", "x", nil},
		{"an unfinished set", "set.new", "ferry lo", nil},
		{"a whole set", "set", "ferry local backup 1\n5\n", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			must(t, os.WriteFile(filepath.Join(dir, c.file), []byte(c.content), 0o600))
			tr, err := Open(Options{Dir: dir})
			if !errors.Is(err, c.want) {
				t.Fatalf("Open: %v, want %v", err, c.want)
			}
			if err != nil {
				if strings.Contains(err.Error(), dir) {
					t.Errorf("the error names the folder: %v", err)
				}
				if got := tree(t, dir); !slices.Equal(got, []string{c.file}) {
					t.Errorf("the folder has %q", got)
				}
				return
			}
			must(t, tr.Close())
		})
	}
}

// TestToken: what an agent remembers is true of one folder only.
func TestToken(t *testing.T) {
	a, b := openTest(t, Options{}), openTest(t, Options{})
	if a.DirName() == b.DirName() {
		t.Error("two folders have one DirName")
	}
	again := openTest(t, Options{Dir: a.opt.Dir})
	if a.DirName() != again.DirName() {
		t.Error("a folder has two DirNames")
	}
}

func TestOptions(t *testing.T) {
	ctx := t.Context()
	tr := openTest(t, Options{})
	if tr.Quota(app, true) != android.NoQuota || tr.Quota(app, false) != android.NoQuota || tr.Flags() != 0 {
		t.Error("the zero value of Options has limits or flags")
	}
	if sets, err := tr.RestoreSets(ctx); err != nil || len(sets) != 0 {
		t.Errorf("sets of an empty folder: %v, %v", sets, err)
	}
	tr = openTest(t, Options{Flags: 3, Device: android.DeviceD2D, QuotaFull: AndroidQuotaFull, QuotaKV: AndroidQuotaKV})
	if tr.Quota(app, true) != 26_214_400 || tr.Quota(app, false) != 5_242_880 {
		t.Error("the quotas are not LocalTransport's")
	}
	must(t, keyValue(ctx, tr, app, android.FlagNonIncremental, one))
	sets, err := tr.RestoreSets(ctx)
	if err != nil || len(sets) != 1 || sets[0].Device != "D2D" || sets[0].Flags != 3 {
		t.Errorf("sets: %v, %v", sets, err)
	}
}

// TestClosed: every call says so, and nothing panics.
func TestClosed(t *testing.T) {
	ctx := t.Context()
	tr := openTest(t, Options{})
	must(t, tr.PerformFullBackup(ctx, android.Package{Name: app}, bytes.NewReader(tar), 0), tr.Close(), tr.Close())
	_, err1 := tr.RestoreSets(ctx)
	_, err2 := tr.CurrentSet(ctx)
	_, err3 := tr.NextPackage(ctx)
	_, err4 := tr.NextFullChunk(ctx, new(bytes.Buffer))
	for i, err := range []error{
		err1, err2, err3, err4,
		tr.InitializeDevice(ctx), tr.ClearBackupData(ctx, app),
		tr.PerformBackup(ctx, android.Package{Name: app}, bytes.NewReader(one), 0),
		tr.PerformFullBackup(ctx, android.Package{Name: app}, bytes.NewReader(tar), 0),
		tr.CheckFullBackupSize(ctx, 1), tr.FinishBackup(ctx),
		tr.StartRestore(ctx, 1, nil), tr.RestoreData(ctx, new(bytes.Buffer)),
	} {
		if !errors.Is(err, ErrClosed) || !errors.Is(err, android.TransportError) {
			t.Errorf("call %d: %v", i, err)
		}
	}
	must(t, tr.CancelFullBackup(ctx), tr.AbortFullRestore(ctx), tr.FinishRestore(ctx))
}

// TestLostFolder: a disk that went away is an error without a path, and what
// was unfinished is not kept.
func TestLostFolder(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("an open folder cannot be removed here")
	}
	ctx, dir := t.Context(), t.TempDir()
	tr := openTest(t, Options{Dir: dir})
	must(t, keyValue(ctx, tr, app, android.FlagNonIncremental, one))
	must(t, tr.PerformBackup(ctx, android.Package{Name: app}, bytes.NewReader(two), android.FlagIncremental))
	must(t, os.RemoveAll(dir))
	for i, err := range []error{
		tr.FinishBackup(ctx),
		keyValue(ctx, tr, app, android.FlagNonIncremental, two),
		full(ctx, tr, app, tar),
	} {
		if !errors.Is(err, android.TransportError) || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("call %d: %v", i, err)
		} else if strings.Contains(err.Error(), "/") || strings.Contains(err.Error(), "Notes") {
			t.Errorf("call %d: the error has a name: %v", i, err)
		}
	}
}
