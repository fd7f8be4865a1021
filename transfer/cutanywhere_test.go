package transfer_test

import (
	"context"
	"errors"
	"io"
	"math"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/faulttest"
	"github.com/ferry-move/ferry/transfer/journal"
	"github.com/ferry-move/ferry/transfer/transfertest"
	"lukechampine.com/blake3"
)

// tinyPhone moves in some thousand bytes, and has every form of item: folders,
// an empty file, and cards.
func tinyPhone() fakephone.Config {
	return fakephone.Config{
		Seed: 11, Contacts: 2, Documents: 3, Photos: -1, Videos: -1, Music: -1, Recordings: -1, Downloads: 1, Files: -1,
		Sizes: map[backup.Kind]fakephone.Range{"documents": {Min: 100, Max: 900}, "downloads": {Min: 0, Max: 0}},
	}
}

func tinyRig(t *testing.T) *transfertest.Rig {
	r := transfertest.NewRig(t, func(testing.TB) transfertest.Ends { return transfertest.Pipe() }, tinyPhone(), fakephone.Config{Empty: true, Keep: 1 << 20})
	r.TuneSend = func(c *transfer.SendConfig) { c.LaneCount = 1 } // the order of the bytes is then much the same each time
	r.TuneTake = func(c *transfer.ReceiveConfig) { c.Boot = journal.Boot{1} }
	return r
}

// whole returns what an undisturbed session puts on the wire.
func whole(t *testing.T) (bytes, writes int64) {
	synctest.Test(t, func(t *testing.T) {
		l := faulttest.CutAfterBytes(math.MaxInt64 / 2)
		mustAgree(t, tinyRig(t).RunOver(t.Context(), t.Context(), transfertest.Break(transfertest.Pipe(), l)))
		bytes, writes = l.Written()
	})
	if bytes < 1000 || writes < 10 {
		t.Fatalf("only %d bytes in %d writes", bytes, writes)
	}
	return bytes, writes
}

// stride says how far apart the places are that a test takes: all of them if it is
// asked to with FERRY_EVERY=1, since that takes minutes, and few in a short one.
func stride[N int | int64](usual N) N {
	switch {
	case os.Getenv("FERRY_EVERY") != "":
		return 1
	case testing.Short():
		return 8*usual + 1
	}
	return usual
}

// TestCutAnywhere cuts a session within every byte that either side writes, on the
// control stream and the lanes, and before every frame. The next session
// finishes.
func TestCutAnywhere(t *testing.T) {
	bytes, writes := whole(t)
	cut := func(t *testing.T, l *faulttest.Link) {
		r := tinyRig(t)
		e := r.RunOver(t.Context(), t.Context(), transfertest.Break(transfertest.Pipe(), l))
		for _, err := range []error{e.SendErr, e.TakeErr} {
			if err != nil && !errors.Is(err, transfer.ErrLinkLost) {
				t.Errorf("send: %v; receive: %v", e.SendErr, e.TakeErr)
			}
		}
		nothingElse(t, r)
	}
	for n := int64(0); n < writes; n++ {
		synctest.Test(t, func(t *testing.T) { cut(t, faulttest.CutAfterWrites(n)) })
		if t.Failed() {
			t.Fatalf("cut after %d of %d writes", n, writes)
		}
	}
	for n := int64(1); n < bytes; n += stride[int64](7) {
		synctest.Test(t, func(t *testing.T) { cut(t, faulttest.CutAfterBytes(n)) })
		if t.Failed() {
			t.Fatalf("cut after %d of %d bytes", n, bytes)
		}
	}
}

// nothingElse runs a session to its end, after which everything is there once.
func nothingElse(t *testing.T, r *transfertest.Rig) {
	t.Helper()
	p := mustAgree(t, r.Run(t.Context()))
	if !p.Complete() || len(p.Renamed) > 0 {
		t.Errorf("%+v", p)
	}
	if err := fakephone.Equal(t.Context(), r.Dst, r.Src); err != nil {
		t.Error(err)
	}
}

// TestFlippedAnywhere changes one bit of every byte that goes over the session's
// streams, as if the encryption below let that through. Nothing wrong is accepted:
// either both sides end well with equal phones, or a side says that something is
// wrong, and the next session brings what is missing.
func TestFlippedAnywhere(t *testing.T) {
	bytes, _ := whole(t)
	told := 0
	for n := int64(0); n < bytes; n += stride[int64](7) {
		synctest.Test(t, func(t *testing.T) {
			r := tinyRig(t)
			// A frame whose type became an optional one is skipped, and then both
			// wait until a person has enough.
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			e := r.RunOver(ctx, ctx, transfertest.Break(transfertest.Pipe(), faulttest.FlipBit(n, uint(n*5%8))))
			if e.SendErr != nil || e.TakeErr != nil {
				told++
			} else if p := mustAgree(t, e); p.Complete() {
				if err := fakephone.Equal(t.Context(), r.Dst, r.Src); err != nil {
					t.Error("accepted: ", err)
				}
				return
			}
			if p := mustAgree(t, r.Run(t.Context())); !p.Complete() {
				t.Errorf("%+v", p)
			}
			there := contents(t, r.Dst)
			for sum := range contents(t, r.Src) {
				if !there[sum] {
					t.Error("something is missing")
				}
			}
		})
		if t.Failed() {
			t.Fatalf("bit %d of byte %d of %d", n*5%8, n, bytes)
		}
	}
	if told == 0 {
		t.Error("nobody noticed anything")
	}
	t.Logf("%d changes were told, in %d bytes", told, bytes)
}

// contents returns the digests of everything that a phone has, but for folders.
func contents(t *testing.T, d *fakephone.Device) map[backup.Digest]bool {
	t.Helper()
	all := map[backup.Digest]bool{}
	for _, a := range d.Agents() {
		b, err := a.Backup(t.Context(), backup.Transport{})
		if err != nil {
			t.Fatal(err)
		}
		for it, err := range b.Items(t.Context()) {
			content := it.Value
			if err == nil && it.Type == backup.TypeFile {
				var r io.ReadCloser
				if r, err = b.Open(t.Context(), it, 0); err == nil {
					content, err = io.ReadAll(r)
					r.Close()
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			if it.Type != backup.TypeDirectory {
				all[blake3.Sum256(content)] = true
			}
		}
		b.Close()
	}
	return all
}
