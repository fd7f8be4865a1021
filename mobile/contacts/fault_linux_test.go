package contacts

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
)

// mountTmpfs mounts a small file system at a folder, or skips the test.
func mountTmpfs(t *testing.T, dir, options string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("mounting needs root")
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("cannot mount: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
}

// TestFull fills the target's disk in the middle of a batch.
func TestFull(t *testing.T) {
	dir := t.TempDir()
	mountTmpfs(t, dir, "size=1m")
	p := newPhone(t, dir)
	defer p.root.Close()
	same := vcf("FN:D")
	old := vcf("FN:A", "TEL:11111") + same
	p.put(t, "a.vcf", old)
	p.put(t, "b.vcf", vcf("FN:B"))
	item := func(group, v string) backup.Item {
		return backup.Item{Kind: Kind, Type: backup.TypeEntity, Key: backup.Key(group + v[:min(len(v), 40)]), Group: group, Value: []byte(v)}
	}
	big := "NOTE:" + strings.Repeat("x", 1<<20)
	r := p.restore(t)
	got := commit(t, r, []backup.Item{
		item("a.vcf", vcf("FN:A", "TEL:11111", big)), // to be merged
		item("a.vcf", same),                          // nothing to write
		item("new.vcf", vcf("FN:N", big)),
		item("b.vcf", vcf("FN:C")), // fits
	}, 4)
	for i, want := range []backup.Outcome{backup.Failed, backup.Skipped, backup.Failed, backup.Added} {
		if got[i].Outcome != want || want == backup.Failed && !errors.Is(got[i].Err, backup.NoSpace) {
			t.Errorf("item %d: %+v", i, got[i])
		}
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	want := map[string]string{"a.vcf": old, "b.vcf": vcf("FN:B") + vcf("FN:C")}
	entries, err := os.ReadDir(filepath.Join(dir, Folder))
	if err != nil || len(entries) != len(want) {
		t.Fatalf("%v %v", entries, err)
	}
	for name, content := range want {
		if p.get(t, name) != content {
			t.Errorf("%s: %q", name, p.get(t, name))
		}
	}
	// Once there is room again, it goes.
	r = p.restore(t)
	defer r.Close()
	if res := commit(t, r, []backup.Item{item("a.vcf", vcf("FN:A", "TEL:11111", "NOTE:x"))}, 1)[0]; res.Outcome != backup.Merged {
		t.Errorf("%+v", res)
	}
}

// TestReadOnly restores to a disk that cannot be written.
func TestReadOnly(t *testing.T) {
	dir := t.TempDir()
	mountTmpfs(t, dir, "size=1m")
	p := newPhone(t, dir)
	defer p.root.Close()
	p.put(t, "a.vcf", vcf("FN:A", "TEL:11111"))
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Skipf("cannot remount: %v", err)
	}
	before := p.tree(t)
	src := tempPhone(t)
	src.put(t, "a.vcf", vcf("FN:A", "TEL:11111")+vcf("FN:B"))
	src.put(t, "sub/b.vcf", vcf("FN:C"))
	items, _ := src.items(t)
	r := p.restore(t)
	defer r.Close()
	for i, want := range []backup.Outcome{backup.Skipped, backup.Failed, backup.Failed} {
		res := commit(t, r, items[i:i+1], 1)[0]
		if res.Outcome != want || want == backup.Failed && !errors.Is(res.Err, backup.Unwritable) {
			t.Errorf("item %d: %+v", i, res)
		}
	}
	sameTree(t, p.tree(t), before)
}

// TestPipe puts a pipe where a file is expected: nothing may wait for it.
func TestPipe(t *testing.T) {
	p := tempPhone(t)
	p.put(t, "a.vcf", vcf("FN:A"))
	if err := syscall.Mkfifo(filepath.Join(p.dir, Folder, "p.vcf"), 0o644); err != nil {
		t.Skip("no pipes here")
	}
	good, bad := p.items(t)
	if len(good) != 1 || len(bad) != 1 || !errors.Is(bad[0], backup.NotRegular) {
		t.Errorf("%d good, bad: %v", len(good), bad)
	}
	r := p.restore(t)
	defer r.Close()
	it := backup.Item{Kind: Kind, Type: backup.TypeEntity, Key: "k", Group: "p.vcf", Value: []byte(vcf("FN:P"))}
	if res := commit(t, r, []backup.Item{it}, 1)[0]; res.Outcome != backup.Added || p.get(t, "p-2.vcf") != vcf("FN:P") {
		t.Errorf("%+v", res)
	}
}

// TestLinkedFolder checks that a link on the target leads no card away.
func TestLinkedFolder(t *testing.T) {
	p := tempPhone(t)
	p.put(t, "a.vcf", vcf("FN:A"))
	other := filepath.Join(p.dir, "other")
	if err := os.Mkdir(other, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../other", filepath.Join(p.dir, Folder, "sub")); err != nil {
		t.Fatal(err)
	}
	r := p.restore(t)
	defer r.Close()
	it := backup.Item{Kind: Kind, Type: backup.TypeEntity, Key: "k", Group: "sub/x.vcf", Value: []byte(vcf("FN:P"))}
	if res := commit(t, r, []backup.Item{it}, 1)[0]; res.Outcome != backup.Added {
		t.Errorf("%+v", res)
	}
	if entries, err := os.ReadDir(other); err != nil || len(entries) != 0 {
		t.Errorf("%v %v", entries, err)
	}
}

// TestOpenFiles checks that nothing stays open.
func TestOpenFiles(t *testing.T) {
	count := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip("no /proc")
		}
		return len(entries)
	}
	src, dst := tempPhone(t), tempPhone(t)
	src.put(t, "a.vcf", vcf("FN:A", "TEL:11111", "NOTE:x")+vcf("FN:B")+"junk")
	src.put(t, "b/c.vcf", vcf("FN:C"))
	dst.put(t, "a.vcf", vcf("FN:A", "TEL:11111"))
	before := count()
	move(t, src, dst, 1)
	bk, err := src.agent.Backup(context.Background(), backup.Transport{})
	if err != nil {
		t.Fatal(err)
	}
	for range bk.Items(context.Background()) {
		break
	}
	if err := bk.Close(); err != nil {
		t.Fatal(err)
	}
	if n := count(); n != before {
		t.Errorf("%d files open, were %d", n, before)
	}
}
