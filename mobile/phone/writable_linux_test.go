package phone

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// A folder in which nothing can be written is refused before anybody comes, and
// can still be sent from.
func TestReadOnly(t *testing.T) {
	dir := t.TempDir()
	want := error(unix.EACCES)
	if os.Geteuid() == 0 { // whom permissions do not keep out
		want = unix.EROFS
		if err := unix.Mount("none", dir, "tmpfs", unix.MS_RDONLY, ""); err != nil {
			t.Skipf("mounting tmpfs: %v", err)
		}
		defer func() {
			if err := unix.Unmount(dir, 0); err != nil {
				t.Errorf("unmount: %v", err)
			}
		}()
	} else if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	if d, err := OpenFolder(dir, FolderOptions{Create: true}); !errors.Is(err, want) || d != nil {
		t.Errorf("to receive: %v, %v", d, err)
	}
	d, err := OpenFolder(dir, FolderOptions{})
	if err != nil {
		t.Fatalf("to send: %v", err)
	}
	d.Close()
}
