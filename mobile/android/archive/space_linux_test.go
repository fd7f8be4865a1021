package archive_test

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/ferry-move/ferry/mobile/android/archive"
)

// A disk that becomes full keeps what was complete.
func TestDiskBecomesFull(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=512k"); err != nil {
		t.Skip("no small disk can be made here")
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	var tb tarball
	tb.app("com.a")
	tb.add(item{name: "apps/com.a/f/x", body: "complete"})
	tb.app("com.b")
	for _, n := range []string{"1", "2", "3", "4"} {
		tb.add(item{name: "apps/com.b/f/" + n, body: strings.Repeat("b", 200<<10)})
	}
	_, _, err := tryExtract(plain(t, tb.end()), dir)
	if !errors.Is(err, archive.ErrNoSpace) || strings.Contains(err.Error(), dir) {
		t.Error(err)
	}
	// The top, apps, com.a, _manifest, _index, f, x.
	if got := snapshot(t, dir); len(got) != 7 || !strings.HasSuffix(got["apps/com.a/f/x"], " complete") {
		t.Errorf("%d names", len(got))
	}
}
