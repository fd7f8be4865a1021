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
	return fullRigOf(t, disk, largePhone(1, 20<<20))
}

// fullRigOf is a move of a phone into a folder.
func fullRigOf(t *testing.T, disk *faulttest.Disk, c fakephone.Config) (*transfertest.Rig, string) {
	t.Helper()
	r := transfertest.NewRig(t, func(testing.TB) transfertest.Ends { return transfertest.Pipe() }, c, fakephone.Config{Empty: true})
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
			disk := &faulttest.Disk{Op: faulttest.Commit, Nth: 1, Onward: true, Doubt: true, Lose: lose}
			c := largePhone(1, 20<<20)
			c.Contacts = -1 // they would wait, and nothing of the files be lost
			r, dir := fullRigOf(t, disk, c)
			free := time.AfterFunc(time.Minute, disk.Free)
			defer free.Stop()
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

// manySmall has so many small files and cards that they travel in bundles, and
// that more batches of them are ready than are committed at once.
func manySmall() fakephone.Config {
	return fakephone.Config{
		Seed: 5, Contacts: 600, Documents: 600, Photos: 600, Videos: -1, Music: -1, Recordings: -1, Downloads: 600, Files: -1,
		Sizes: map[backup.Kind]fakephone.Range{"documents": {Min: 0, Max: 200}, "photos": {Min: 1, Max: 200}, "downloads": {Min: 0, Max: 200}},
	}
}

// TestFullDiskBundles fills the disk under what travels in bundles, while batches
// are committed side by side: all of them wait, and each item arrives once.
func TestFullDiskBundles(t *testing.T) {
	for _, op := range []faulttest.Op{faulttest.Check, faulttest.Stage, faulttest.Write, faulttest.Commit} {
		inTime(t, fmt.Sprint("call ", op), func(t *testing.T) {
			disk := &faulttest.Disk{Op: op, Nth: 3, Onward: true}
			r, dir := fullRigOf(t, disk, manySmall())
			const full = time.Minute // in each second of it all of them are tried again
			free := time.AfterFunc(full, disk.Free)
			defer free.Stop()
			began := time.Now()
			e := r.Run(t.Context())
			if e.SendErr != nil || e.TakeErr != nil || !e.Sent.Complete() || !e.Taken.Complete() {
				t.Fatalf("send: %v; receive: %v; %+v", e.SendErr, e.TakeErr, e.Taken.Kinds)
			}
			if took := time.Since(began); took < full || took > 2*full {
				t.Errorf("it took %v", took)
			}
			for i, k := range e.Taken.Kinds {
				if b := e.Taken.Brought[i]; k.Added+k.Merged != k.Items || b.Added != k.Added || b.Merged != k.Merged {
					t.Errorf("%+v, of which %+v was brought", k, b)
				}
			}
			if n := e.Taken.SentItems; n < 2400 {
				t.Errorf("only %d items were sent", n)
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

// TestFullDiskBundlesCut has the link break, or a person end the move, while every
// batch waits for space: both sides end at once. If there is space by then, what
// was here whole is not sent again.
func TestFullDiskBundlesCut(t *testing.T) {
	for _, tt := range []struct {
		how  string
		late time.Duration // until there is space
	}{{"cancelled", 0}, {"cancelled", time.Hour}, {"lost", 0}, {"lost", time.Hour}} {
		inTime(t, fmt.Sprint(tt.how, ", space after ", tt.late), func(t *testing.T) {
			disk := &faulttest.Disk{Op: faulttest.Commit, Nth: 1, Onward: true}
			c := manySmall()
			c.Contacts = -1 // records that are not committed come again
			r, dir := fullRigOf(t, disk, c)
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			ends := transfertest.Pipe()
			var broke time.Time
			stop := time.AfterFunc(time.Minute, func() {
				broke = time.Now()
				if tt.how == "lost" {
					ends.SendControl.Close()
				} else {
					cancel(errCtrlC)
				}
			})
			defer stop.Stop()
			free := time.AfterFunc(time.Minute+tt.late, disk.Free)
			defer free.Stop()
			e := r.RunOver(t.Context(), ctx, ends)
			if e.SendErr == nil || e.TakeErr == nil {
				t.Fatalf("send: %v; receive: %v", e.SendErr, e.TakeErr)
			}
			if took := e.TakeEnded.Sub(broke); took < 0 || took > 2*time.Second {
				t.Errorf("it ended after %v", took)
			}
			if w := e.TakeWaits; len(w) == 0 || slices.Contains(w, 0) {
				t.Errorf("the new phone was told %v", w)
			}
			if n := r.TakeMeter.Snapshot().Missing; n != 0 {
				t.Errorf("%d bytes are still waited for", n)
			}
			first := e.Taken.SentItems
			disk.Free()
			e = r.Run(t.Context())
			if e.SendErr != nil || e.TakeErr != nil || !e.Taken.Complete() {
				t.Fatalf("send: %v; receive: %v", e.SendErr, e.TakeErr)
			}
			if first == 0 || tt.late == 0 && first+e.Taken.SentItems != 1800 {
				t.Errorf("%d items were sent, then %d", first, e.Taken.SentItems)
			}
			noParts(t, dir, 0)
		})
	}
}
