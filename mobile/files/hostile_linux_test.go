package files

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"
	"golang.org/x/text/unicode/norm"

	"github.com/ferry-move/ferry/mobile/backup"
)

func TestSpecialFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "Music/real", "x")
	write(t, dir, "outside/secret", "secret")
	mk := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	mk(unix.Mkfifo(filepath.Join(dir, "Music/pipe"), 0o644))
	mk(os.Symlink("real", filepath.Join(dir, "Music/link")))
	mk(os.Symlink("../outside", filepath.Join(dir, "Music/linked folder")))
	mk(os.Symlink("/nowhere", filepath.Join(dir, "Music/broken")))
	mk(os.Symlink("outside", filepath.Join(dir, "DCIM")))
	mk(unix.Mkfifo(filepath.Join(dir, "top pipe"), 0o644))
	l, err := net.Listen("unix", filepath.Join(dir, "Music/sock"))
	mk(err)
	defer l.Close()
	s := newStorage(t, dir, Options{})
	want := map[backup.Kind]string{
		Music:  "[Music/broken Music/link Music/linked folder Music/pipe Music/sock]",
		Photos: "[DCIM]", Videos: "[DCIM]", Files: "[top pipe]",
	}
	for _, k := range []backup.Kind{Music, Photos, Videos, Files} {
		_, bad := items(t, s.reader(t, k))
		if fmt.Sprint(keys(bad)) != want[k] {
			t.Errorf("%s: %q; want %s", k, keys(bad), want[k])
		}
		for key, reason := range bad {
			if reason != backup.NotRegular {
				t.Errorf("%q: %v", key, reason)
			}
		}
	}
	// A file that became a pipe or a link is not waited for and not followed.
	r := s.reader(t, Music)
	good, _ := items(t, r)
	it := good["Music/real"]
	for _, name := range []string{"pipe", "link", "linked folder/secret"} {
		it.Key = backup.Key("Music/" + name)
		if _, err := r.Open(t.Context(), it, 0); !errors.Is(err, backup.Changed) {
			t.Errorf("Open of %q: %v", name, err)
		}
	}
}

// asNobody runs f on a thread that has no more rights than others have.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can act as somebody else")
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if _, err := unix.SetfsuidRetUid(65534); err != nil {
			t.Error(err)
			return
		}
		f()
	}()
	<-done
}

func TestUnreadable(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "Music/open", "x")
	write(t, dir, "Music/locked", "x")
	write(t, dir, "Music/folder/x", "x")
	write(t, dir, "Music/blind/x", "x")
	for key, mode := range map[string]os.FileMode{"Music/locked": 0o600, "Music/folder": 0o700, "Music/blind": 0o744} {
		if err := os.Chmod(filepath.Join(dir, key), mode); err != nil {
			t.Fatal(err)
		}
	}
	r := newStorage(t, dir, Options{}).reader(t, Music)
	asNobody(t, func() {
		good, bad := items(t, r)
		if fmt.Sprint(keys(good)) != "[Music Music/locked Music/open]" || fmt.Sprint(keys(bad)) != "[Music/blind Music/folder]" {
			t.Errorf("%q and %q", keys(good), keys(bad))
		}
		for key, reason := range bad {
			if reason != backup.Unreadable {
				t.Errorf("%q: %v", key, reason)
			}
		}
		if _, err := r.Open(t.Context(), good["Music/locked"], 0); !errors.Is(err, backup.Unreadable) {
			t.Errorf("Open: %v", err)
		}
	})
}

func TestUnwritable(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "d/", "")
	w := newStorage(t, dir, Options{}).writer(t, Files)
	asNobody(t, func() {
		if _, err := w.Stage(context.Background(), fileItem("d/x", "")); !errors.Is(err, backup.Unwritable) {
			t.Errorf("file: %v", err)
		}
		d, err := w.Stage(context.Background(), dirItem("e"))
		if err != nil {
			t.Error(err)
			return
		}
		if res := w.Commit(context.Background(), []backup.Staged{d})[0]; !errors.Is(res.Err, backup.Unwritable) {
			t.Errorf("folder: %+v", res)
		}
	})
}

// mount mounts a file system for the time of the test, or skips it.
func mount(t *testing.T, source, dir, fstype, opts string) {
	t.Helper()
	if err := unix.Mount(source, dir, fstype, 0, opts); err != nil {
		t.Skipf("mounting %s: %v", fstype, err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
}

func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	mount(t, "none", dir, "tmpfs", "size=4m")
	w := newStorage(t, dir, Options{}).writer(t, Files)
	defer w.Close() // before the mount goes
	big := fileItem("big", "")
	big.Size = 8 << 20
	if _, err := w.Stage(t.Context(), big); !errors.Is(err, backup.NoSpace) {
		t.Errorf("a file that is too large: %v", err)
	}
	w.root(t).check(t, "nothing was left", 0)
	var staged []backup.Staged
	content := bytes.Repeat([]byte("x"), 512<<10)
	var full error
	for i := 0; full == nil && i < 100; i++ {
		it := fileItem(fmt.Sprint("f", i), string(content))
		s, err := w.Stage(t.Context(), it)
		if err != nil {
			full = err
			break
		}
		if _, err := s.(backup.StagedFile).WriteAt(content, 0); err != nil {
			full = err
			if err := s.Discard(); err != nil {
				t.Fatal(err)
			}
			break
		}
		staged = append(staged, s)
	}
	if !errors.Is(full, backup.NoSpace) {
		t.Fatalf("the disk was full: %v", full)
	}
	for _, res := range w.Commit(t.Context(), staged) {
		if res.Outcome != backup.Added {
			t.Errorf("what fitted: %v", res.Err)
		}
	}
	w.root(t).check(t, "what fitted", len(staged))
}

// listed is what lies at the top of a writer's storage.
type listed []os.DirEntry

func (w *writer) root(t *testing.T) listed {
	t.Helper()
	f, err := w.dst.root.Open(".")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	list, err := f.ReadDir(-1)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func (l listed) check(t *testing.T, what string, want int) {
	t.Helper()
	if len(l) != want {
		t.Errorf("%s: %v; want %d", what, l, want)
	}
}

// mountImage makes a file system in a file and mounts it.
func mountImage(t *testing.T, fstype, opts string, mkfs ...string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can mount")
	}
	if _, err := exec.LookPath(mkfs[0]); err != nil {
		t.Skip(err)
	}
	image, dir := filepath.Join(t.TempDir(), "image"), t.TempDir()
	write(t, filepath.Dir(image), "image", "")
	if err := os.Truncate(image, 32<<20); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(mkfs[0], append(mkfs[1:], image)...).CombinedOutput(); err != nil {
		t.Skipf("%v: %s", err, out)
	}
	if out, err := exec.Command("mount", "-t", fstype, "-o", "loop,"+opts, image, dir).CombinedOutput(); err != nil {
		t.Skipf("mounting %s: %v: %s", fstype, err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	return dir
}

var awkward = []string{
	"plain.txt", "a:b?.txt", "q\"<>|*.txt", "trailing.", "trailing ", "CON", "\xff\xfe.txt", "写真.jpg",
	strings.Repeat("写", 85), strings.Repeat("é", 127), strings.Repeat("x", 255), "IMG.JPG", "img.jpg", "folder:/x",
	norm.NFC.String("é.txt"), norm.NFD.String("é.txt"),
}

// arriveTwice takes the awkward names in two times: each content is there
// once, whatever it is called.
func arriveTwice(t *testing.T, s *storage) {
	t.Helper()
	dir := s.dir
	var first map[string]string
	for run, want := range []backup.Outcome{backup.Added, backup.Skipped} {
		w := s.writer(t, Files)
		for i, key := range awkward {
			res := put(t, w, key, fmt.Sprint("content ", i))
			if res.Outcome != want {
				t.Errorf("run %d, %q: %s %v", run, key, res.Outcome, res.Err)
				continue
			}
			if res.Name != "" {
				key = string(res.Name)
			}
			b, err := os.ReadFile(filepath.Join(dir, key))
			if err != nil || string(b) != fmt.Sprint("content ", i) {
				t.Errorf("run %d, %q holds %q, %v", run, key, b, err)
			}
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		got := snapshot(t, dir, false)
		if first != nil {
			equal(t, got, first)
		}
		first = got
	}
}

func TestAwkwardNames(t *testing.T) {
	for _, p := range []Profile{Posix, Portable} {
		arriveTwice(t, newStorage(t, t.TempDir(), Options{Profile: p}))
	}
}

// A file system that turns out not to hold a name gets the portable one, and a
// shorter one after that.
func TestRefusedNames(t *testing.T) {
	for _, err := range []error{unix.EINVAL, unix.EILSEQ, unix.ENAMETOOLONG} {
		for name, way := range ways {
			s := newStorage(t, t.TempDir(), Options{})
			c := &s.agent(Files).dst.caps
			way(c)
			c.refuse = func(name string) error {
				if strings.ContainsAny(name, `:*?"<>|`) || !utf8.ValidString(name) || len(name) > shortName+3 {
					return err
				}
				return nil
			}
			arriveTwice(t, s)
			list := snapshot(t, s.dir, false)
			for _, want := range []string{"a%3Ab%3F.txt", "folder%3A/x", "%FF%FE.txt", "CON", strings.Repeat("x", shortName)} {
				if list[want] == "" {
					t.Errorf("%v, %s: no %q in %q", err, name, want, list)
				}
			}
		}
	}
}

func TestFAT(t *testing.T) {
	s := newStorage(t, mountImage(t, "vfat", "utf8", "mkfs.vfat"), Options{})
	defer s.root.Close() // before the mount goes
	arriveTwice(t, s)
}

func TestNamesWithoutCase(t *testing.T) {
	dir := mountImage(t, "ext4", "defaults", "mkfs.ext4", "-q", "-O", "casefold")
	sub := filepath.Join(dir, "phone")
	write(t, dir, "phone/", "")
	f, err := os.Open(sub)
	if err != nil {
		t.Fatal(err)
	}
	const casefold = 0x40000000 // FS_CASEFOLD_FL
	err = unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, casefold)
	f.Close()
	if err != nil {
		t.Skipf("no folding of case: %v", err)
	}
	s := newStorage(t, sub, Options{})
	defer s.root.Close() // before the mount goes
	arriveTwice(t, s)
}

// A link is never followed, wherever it leads.
func TestLinksInTheWay(t *testing.T) {
	outer := t.TempDir()
	write(t, outer, "outside/x", "outside")
	write(t, outer, "phone/inside/x", "inside")
	dir := filepath.Join(outer, "phone")
	for name, to := range map[string]string{
		"out": "../outside", "abs": filepath.Join(outer, "outside"), "in": "inside", "broken": "nowhere",
		"file": "inside/x", "gone": "inside/new", "loop": "loop",
	} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	before := snapshot(t, outer, false)
	s := newStorage(t, dir, Options{})
	for _, way := range ways {
		way(&s.agent(Files).dst.caps)
		w := s.writer(t, Files)
		for _, name := range []string{"out", "abs", "in", "broken", "loop"} {
			it := fileItem(name+"/x", "other")
			if a := w.Check(t.Context(), it, backup.Prior{Digest: backup.Digest{1}}); a.Verdict == backup.Have {
				t.Errorf("Check of %q looked through the link", name)
			}
			if res := put(t, w, name+"/x", "other"); string(res.Name) != name+" (1)/x" {
				t.Errorf("%q: %+v", name, res)
			}
			d, err := w.Stage(t.Context(), dirItem(name))
			if err != nil {
				t.Fatal(err)
			}
			if res := w.Commit(t.Context(), []backup.Staged{d})[0]; string(res.Name) != name+" (1)" {
				t.Errorf("folder %q: %+v", name, res)
			}
		}
		for _, name := range []string{"file", "gone", "in"} {
			res := put(t, w, name, "inside")
			if res.Outcome == backup.Failed || res.Name == "" {
				t.Errorf("%q: %+v", name, res)
			}
		}
		if err := w.Finish(t.Context()); err != nil {
			t.Error(err)
		}
		contains(t, snapshot(t, outer, false), before)
	}
	if _, err := os.Lstat(filepath.Join(dir, "inside/new")); err == nil {
		t.Error("written through a link")
	}
	if got := snapshot(t, filepath.Join(outer, "outside"), false); len(got) != 1 {
		t.Errorf("outside is %q", got)
	}
}

// Opening by itself, at the rate at which the race is really met.
func TestRacingOpen(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "b/x", "")
	write(t, dir, "f", "")
	write(t, dir, "inside/x", "")
	s := newStorage(t, dir, Options{})
	tree := s.agent(Files).src
	parent, err := tree.open("", false)
	if err != nil {
		t.Fatal(err)
	}
	defer tree.release(parent)
	other := map[string]os.FileInfo{}
	for _, name := range []string{"inside", "inside/x"} {
		if other[name], err = s.root.Lstat(name); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	var wg sync.WaitGroup
	for name, to := range map[string]string{"b": "inside", "f": "inside/x"} {
		wg.Go(func() {
			_ = s.root.Symlink(to, name+".link")
			for ctx.Err() == nil { // exchanges the two
				_ = unix.Renameat2(unix.AT_FDCWD, filepath.Join(dir, name), unix.AT_FDCWD, filepath.Join(dir, name+".link"), unix.RENAME_EXCHANGE)
			}
		})
	}
	opened, refused := 0, 0
	for ctx.Err() == nil {
		d, err := tree.openChild(parent, "b")
		if err == nil {
			opened++
			if os.SameFile(d.info, other["inside"]) {
				t.Fatal("followed a link to a folder")
			}
			d.close()
		} else {
			refused++
		}
		f, info, err := openRegular(parent, "f", os.O_RDONLY)
		if err == nil {
			opened++
			if os.SameFile(info, other["inside/x"]) {
				t.Fatal("followed a link to a file")
			}
			f.Close()
		} else {
			refused++
		}
	}
	wg.Wait()
	if opened == 0 || refused == 0 {
		t.Errorf("%d opened, %d refused: there was no race", opened, refused)
	}
}

// Somebody swaps folders and files for links and pipes all the time. Nothing
// outside changes, nothing from outside is read, and nothing waits.
func TestRacingSwapper(t *testing.T) {
	outer := t.TempDir()
	write(t, outer, "outside/b/secret", "secret")
	write(t, outer, "outside/f7", "secret")
	write(t, outer, "phone/Music/inside/mine", "mine")
	for i := range 20 {
		write(t, outer, fmt.Sprintf("phone/Music/b/f%d", i), "public")
	}
	out := filepath.Join(outer, "outside")
	before := snapshot(t, out, true)
	dir := filepath.Join(outer, "phone")
	s := newStorage(t, dir, Options{})
	byTurns := slices.Collect(maps.Values(ways))
	limit := 2 * time.Second
	if testing.Short() {
		limit /= 8
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	var wg sync.WaitGroup
	// The swappers work on open folders, so that they stay inside themselves.
	open := func(path string) *os.Root {
		root, err := os.OpenRoot(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { root.Close() })
		return root
	}
	swap := func(in *os.Root, name string, put func() error) {
		wg.Go(func() {
			for ctx.Err() == nil {
				if in.Rename(name, name+".away") == nil && put() == nil {
					_ = in.Remove(name)
				}
				// What the writer made there meanwhile has to go.
				for range 100 {
					if in.Rename(name+".away", name) == nil {
						break
					}
					_ = in.RemoveAll(name)
				}
			}
		})
	}
	top, music, b := open(dir), open(filepath.Join(dir, "Music")), open(filepath.Join(dir, "Music/b"))
	pipes, err := b.Open(".")
	if err != nil {
		t.Fatal(err)
	}
	defer pipes.Close()
	insider, err := music.Open("inside")
	if err != nil {
		t.Fatal(err)
	}
	defer insider.Close()
	inside := fmt.Sprintf("/proc/self/fd/%d/.", insider.Fd()) // wherever it is moved
	beforeInside := snapshot(t, inside, true)
	swap(top, "Music", func() error { return top.Symlink("../outside", "Music") })
	swap(music, "b", func() error { return music.Symlink("inside", "b") })
	swap(b, "f3", func() error { return unix.Mkfifoat(int(pipes.Fd()), "f3", 0o644) })
	swap(b, "f4", func() error { return b.Symlink(filepath.Join(out, "f7"), "f4") })
	wg.Go(func() { // reads
		for ctx.Err() == nil {
			b, err := s.agent(Music).Backup(ctx, d2d)
			if err != nil {
				return
			}
			for it, err := range b.Items(ctx) {
				if err != nil || it.Type != backup.TypeFile {
					continue
				}
				rc, err := b.Open(ctx, it, 0)
				if err != nil {
					continue
				}
				if got, _ := io.ReadAll(rc); bytes.Contains(got, []byte("secret")) {
					t.Error("read from outside")
				}
				rc.Close()
			}
			b.Close()
		}
	})
	added := 0
	for i := 0; ctx.Err() == nil; i++ {
		byTurns[i%len(byTurns)](&s.agent(Music).dst.caps)
		r, err := s.agent(Music).Restore(context.Background(), d2d)
		if err != nil {
			t.Fatal(err)
		}
		var batch []backup.Staged
		for j := range 12 {
			it := fileItem(fmt.Sprintf("Music/b/f%d", j), fmt.Sprint("new", i))
			it.Kind = Music
			if j == 0 {
				it = dirItem("Music/b")
				it.Kind = Music
			}
			r.(backup.Checker).Check(context.Background(), it, backup.Prior{Digest: backup.Digest{1}})
			st, err := r.Stage(context.Background(), it)
			if err != nil {
				continue
			}
			if f, ok := st.(backup.StagedFile); ok {
				if _, err := f.WriteAt([]byte(fmt.Sprint("new", i)), 0); err != nil {
					t.Errorf("write: %v", err)
				}
			}
			batch = append(batch, st)
		}
		for _, res := range r.Commit(context.Background(), batch) {
			if res.Outcome == backup.Added {
				added++
			}
		}
		_ = r.(backup.Finisher).Finish(context.Background())
		if err := r.Close(); err != nil {
			t.Logf("close: %v", err) // a temporary file may lie in a folder that moved on
		}
		c := &s.agent(Music).dst.caps
		c.noRename.Store(false)
		c.noLink.Store(false)
		c.noSyncAll.Store(false)
	}
	wg.Wait()
	equal(t, snapshot(t, out, true), before)
	equal(t, snapshot(t, inside, true), beforeInside)
	if added == 0 {
		t.Error("nothing arrived at all")
	}
	t.Logf("%d files arrived", added)
}
