//go:build unix && !android

package start

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"

	"github.com/ferry-move/ferry/ui/say"
)

// quieting is set in a process of this test that is to be quiet.
const quieting = "FERRY_TEST_QUIET"

// What libraries in C write goes nowhere for as long as the process runs: the
// descriptor that they write to is not closed when nobody refers to the old
// os.Stderr any more, and given to the next file.
func TestQuietStays(t *testing.T) {
	if os.Getenv(quieting) == "" {
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(self, "-test.run=^TestQuietStays$")
		cmd.Env = append(os.Environ(), quieting+"=1")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	os.Stderr = os.NewFile(2, "/dev/stderr") // the first one may be known to libraries
	quiet()
	Catch(say.English)
	for range 3 {
		gone := make(chan struct{})
		runtime.SetFinalizer(new([16]byte), func(*[16]byte) { close(gone) })
		runtime.GC()
		<-gone
	}
	if _, err := syscall.Write(2, []byte("Gtk-WARNING\n")); err != nil {
		t.Error("what libraries in C write:", err)
	}
}
