package transfer_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/ferry-move/ferry/transfer"
)

// A hole is next to nothing on the lanes, also in what is never squeezed.
func TestZerosOnLanes(t *testing.T) {
	from, into := t.TempDir(), t.TempDir()
	path := filepath.Join(from, "Movies", "holes.mp4")
	err := errors.Join(os.Mkdir(filepath.Dir(path), 0o755), os.WriteFile(path, []byte("\x00\x00\x00\x20ftypisom"), 0o644), os.Truncate(path, 8<<20))
	if err != nil {
		t.Fatal(err)
	}
	r := folders(t, from, into)
	var n atomic.Int64
	tune := r.TuneSend
	r.TuneSend = func(c *transfer.SendConfig) {
		tune(c)
		c.Lanes = counted{c.Lanes, &n}
	}
	mustAgree(t, r.Run(t.Context()))
	if n.Load() > 1<<20 {
		t.Errorf("%d bytes on the lanes", n.Load())
	}
	if info, err := os.Stat(filepath.Join(into, "Movies", "holes.mp4")); err != nil || info.Size() != 8<<20 {
		t.Errorf("%v, %v", info, err)
	}
}
