package settings

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// asNobody runs f with the rights of another user on files.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can take another user's rights")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Setfsuid(65534); err != nil {
		t.Skip(err)
	}
	defer unix.Setfsuid(0)
	f()
}

// A file that may not be read is left alone, and what is changed holds.
func TestNoPermission(t *testing.T) {
	home := t.TempDir()
	update(t, open(t, home), func(s *Settings) { s.Name = "a" })
	before := content(t, home)
	asNobody(t, func() {
		s, err := Open(home)
		if e := fails(t, err, Unreadable); !errors.Is(e, os.ErrPermission) {
			t.Error(e)
		}
		fails(t, s.Update(func(s *Settings) { s.Verify = true }), Unwritable)
		if s.Get() != (Settings{Verify: true}) {
			t.Errorf("%+v", s.Get())
		}
	})
	if content(t, home) != before {
		t.Error("the file changed")
	}
}

// A damaged file in a home that cannot be written stays where it is.
func TestDamagedAndReadOnly(t *testing.T) {
	home := t.TempDir()
	write(t, home, "{")
	if err := errors.Join(os.Chmod(filepath.Join(home, fileName), 0o644), os.Chmod(home, 0o755), os.Chmod(filepath.Dir(home), 0o755)); err != nil {
		t.Fatal(err)
	}
	asNobody(t, func() {
		_, err := Open(home)
		if e := fails(t, err, Damaged); e.Aside != "" {
			t.Error(e.Aside)
		}
	})
	if content(t, home) != "{" {
		t.Error("it is gone")
	}
}

// On a full disk the file stays as it was, nothing half-written is left, and the
// change is saved when there is space.
func TestFullDisk(t *testing.T) {
	home := t.TempDir()
	if err := unix.Mount("tmpfs", home, "tmpfs", 0, "size=16k"); err != nil {
		t.Skip("nothing can be mounted here")
	}
	t.Cleanup(func() {
		if err := unix.Unmount(home, 0); err != nil {
			t.Error(err)
		}
	})
	s := open(t, home)
	update(t, s, func(s *Settings) { s.Name = "a" })
	before := content(t, home)
	filler := filepath.Join(home, "filler")
	if err := os.WriteFile(filler, make([]byte, 64<<10), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	if e := fails(t, s.Update(func(s *Settings) { s.NewFolder = "/" + strings.Repeat("f", 200) }), Unwritable); !errors.Is(e, syscall.ENOSPC) {
		t.Error(e)
	}
	if content(t, home) != before {
		t.Error("the file changed")
	}
	if left, _ := filepath.Glob(filepath.Join(home, ".*")); len(left) != 0 {
		t.Errorf("%q is left", left)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	update(t, s, func(*Settings) {})
	if got := open(t, home).Get(); got.NewFolder == "" {
		t.Error("the change was not saved later")
	}
}
