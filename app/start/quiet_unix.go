//go:build unix && !android

package start

import (
	"os"

	"golang.org/x/sys/unix"
)

// kept has the os.Stderr that there was: were it let go of, its descriptor would be
// closed, and be the next file's.
var kept []*os.File

// quiet gives os.Stderr a descriptor of its own and leaves the one that C
// libraries and the runtime write to with nobody. Where that fails all stays as
// it was.
func quiet() {
	own, err := unix.FcntlInt(2, unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		unix.Close(own)
		return
	}
	defer null.Close()
	if err := redirect(int(null.Fd())); err != nil {
		unix.Close(own)
		return
	}
	kept = append(kept, os.Stderr)
	os.Stderr = os.NewFile(uintptr(own), "/dev/stderr")
}
