package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/mobile/phone"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/faulttest"
	"github.com/ferry-move/ferry/transfer/transfertest"
)

// fullRig is a move of 20 MiB of large files and some small ones into a folder.
func fullRig(t *testing.T, disk *faulttest.Disk) (*transfertest.Rig, string) {
	t.Helper()
	r := transfertest.NewRig(t, func(testing.TB) transfertest.Ends { return transfertest.Pipe() }, largePhone(1, 20<<20), fakephone.Config{Empty: true})
	dir := filepath.Join(t.TempDir(), "phone")
	dev, err := phone.OpenFolder(dir, phone.FolderOptions{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dev.Close() })
	r.TuneTake = func(c *transfer.ReceiveConfig) { c.Agents, c.Free = disk.Agents(dev.Agents()), dev.Free }
	r.TuneSend = func(c *transfer.SendConfig) { c.NoSqueeze = true } // its decoders are shared by all tests
	return r, dir
}

// TestFullDisk fills the disk before each kind of call in turn: the move waits,
// says so on both sides, and fails nothing once there is space.
func TestFullDisk(t *testing.T) {
	for _, op := range []faulttest.Op{faulttest.Check, faulttest.Stage, faulttest.Write, faulttest.Commit} {
		inTime(t, fmt.Sprint("call ", op), func(t *testing.T) {
			disk := &faulttest.Disk{Op: op, Nth: 2, Onward: true}
			r, dir := fullRig(t, disk)
			const full = 10 * time.Minute
			free := time.AfterFunc(full, func() {
				for side, m := range map[string]*transfer.Meter{"old": r.SendMeter, "new": r.TakeMeter} {
					if p := m.Snapshot(); p.Missing <= 0 || p.Phase != transfer.PhaseMove {
						t.Errorf("the %s phone's meter says %+v", side, p)
					}
				}
				disk.Free()
			})
			defer free.Stop()
			began := time.Now()
			e := r.Run(t.Context())
			if e.SendErr != nil || e.TakeErr != nil || !e.Sent.Complete() || !e.Taken.Complete() {
				t.Fatalf("send: %v; receive: %v; %+v", e.SendErr, e.TakeErr, e.Taken.Kinds)
			}
			if took := time.Since(began); took < full || took > full+time.Minute {
				t.Errorf("it took %v", took)
			}
			for side, w := range map[string][]int64{"old": e.SendWaits, "new": e.TakeWaits} {
				if len(w) < 2 || w[0] <= 0 || w[len(w)-1] != 0 || slices.Index(w, 0) != len(w)-1 {
					t.Errorf("the %s phone was told %v", side, w)
				}
			}
			if e.Sent.SentBytes > 21<<20 {
				t.Errorf("%d bytes were sent", e.Sent.SentBytes)
			}
			noParts(t, dir, 0)
			for _, a := range r.Src.Agents() {
				if !a.Info().Entities {
					sameFiles(t, dir, a)
				}
			}
		})
	}
}

var errCtrlC = fmt.Errorf("a person interrupts: %w", context.Canceled)

// TestFullDiskInterrupted ends a move that waits for space, on either side: what
// came is not sent again by the next one.
func TestFullDiskInterrupted(t *testing.T) {
	for _, side := range []string{"old", "new"} {
		for _, op := range []faulttest.Op{faulttest.Write, faulttest.Commit} {
			inTime(t, fmt.Sprint(side, " ", op), func(t *testing.T) {
				disk := &faulttest.Disk{Op: op, Nth: 60, Onward: true}
				if op == faulttest.Commit {
					disk.Nth = 1
				}
				r, dir := fullRig(t, disk)
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				sctx, rctx := t.Context(), ctx
				if side == "old" {
					sctx, rctx = ctx, t.Context()
				}
				stop := time.AfterFunc(time.Minute, func() { cancel(errCtrlC) })
				defer stop.Stop()
				e := r.RunOver(sctx, rctx, transfertest.Pipe())
				if !errors.Is(e.SendErr, errCtrlC) && !errors.Is(e.TakeErr, errCtrlC) {
					t.Fatalf("send: %v; receive: %v", e.SendErr, e.TakeErr)
				}
				first := e.Taken.SentBytes
				disk.Free()
				e = r.Run(t.Context())
				if e.SendErr != nil || e.TakeErr != nil || !e.Taken.Complete() {
					t.Fatalf("send: %v; receive: %v", e.SendErr, e.TakeErr)
				}
				var all uint64
				for _, k := range e.Taken.Kinds {
					all += k.Bytes
				}
				// A part of less than a megabyte is not kept, and one block for
				// each lane may have been on its way.
				if again := int64(first+e.Taken.SentBytes) - int64(all); again > 6<<20 {
					t.Errorf("%d bytes came twice: %d, then %d", again, first, e.Taken.SentBytes)
				}
				noParts(t, dir, 0)
			})
		}
	}
}

// TestMissing offers what does not fit unless what is here already is taken off:
// with a journal, without one, and where it was removed in the meantime.
func TestMissing(t *testing.T) {
	for _, tt := range []struct {
		name     string
		free     int64
		change   func(t *testing.T, dir string)
		noNotes  bool
		missing  func(int64) bool
		complete bool
	}{
		{"unchanged", 100, nil, false, func(n int64) bool { return n == 0 }, true},
		{"no journal", 100, nil, true, func(n int64) bool { return n == 0 }, true},
		{"removed", 100, func(t *testing.T, dir string) {
			if err := os.RemoveAll(filepath.Join(dir, "Movies")); err != nil {
				t.Error(err)
			}
			if err := os.RemoveAll(filepath.Join(dir, "DCIM")); err != nil {
				t.Error(err)
			}
		}, false, func(n int64) bool { return n > 20<<20 }, false},
	} {
		inTime(t, tt.name, func(t *testing.T) {
			r, dir := fullRig(t, new(faulttest.Disk))
			take := r.TuneTake
			if e := r.Run(t.Context()); e.SendErr != nil || e.TakeErr != nil {
				t.Fatalf("send: %v; receive: %v", e.SendErr, e.TakeErr)
			}
			if tt.change != nil {
				tt.change(t, dir)
			}
			r.TuneTake = func(c *transfer.ReceiveConfig) {
				take(c)
				c.Free = func() (int64, error) { return tt.free, nil }
				if tt.noNotes {
					c.Journal = nil
				}
				c.Accept = func(_ context.Context, o transfer.Offer) (transfer.Decision, error) {
					if !tt.missing(o.Missing()) {
						t.Errorf("%d bytes are missing of %d", o.Missing(), o.Bytes())
					}
					return transfer.Decision{Accept: o.Missing() == 0}, nil
				}
			}
			e := r.Run(t.Context())
			if got := e.Sent.Complete() && e.Sent.SentBytes == 0; got != tt.complete {
				t.Errorf("complete without a byte: %v; %v", got, e.SendErr)
			}
		})
	}
}

// TestFullDiskLoses has a disk that was full lose what it had taken: what is still
// right is written again, and what is not is never taken for good.
func TestFullDiskLoses(t *testing.T) {
	for _, lose := range []bool{false, true} {
		inTime(t, fmt.Sprint("loses ", lose), func(t *testing.T) {
			disk := &faulttest.Disk{Op: faulttest.Commit, Nth: 1, Doubt: true, Lose: lose}
			r, dir := fullRig(t, disk)
			e := r.Run(t.Context())
			if e.SendErr != nil || e.TakeErr != nil || e.Taken.Complete() == lose {
				t.Fatalf("send: %v; receive: %v; %+v", e.SendErr, e.TakeErr, e.Taken.Kinds)
			}
			for _, n := range e.Taken2 {
				if !strings.HasSuffix(n, "|"+backup.Damaged.Error()) {
					t.Errorf("an item ended with %s", n)
				}
			}
			if e = r.Run(t.Context()); e.SendErr != nil || e.TakeErr != nil || !e.Taken.Complete() {
				t.Fatalf("send: %v; receive: %v", e.SendErr, e.TakeErr)
			}
			noParts(t, dir, 0)
			for _, a := range r.Src.Agents() {
				if !a.Info().Entities {
					sameFiles(t, dir, a)
				}
			}
		})
	}
}
