package transfer_test

import (
	"testing"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/transfertest"
)

// TestProgressOfFailed moves large files that change while blocks of them wait for
// their turn: what leaves after an item has failed is no progress.
func TestProgressOfFailed(t *testing.T) {
	inTime(t, "on both devices", func(t *testing.T) {
		r := transfertest.NewRig(t, func(testing.TB) transfertest.Ends { return transfertest.Pipe() }, fakephone.Config{
			Seed: 1, Contacts: -1, Documents: -1, Photos: -1, Videos: 3, Music: -1, Recordings: -1, Downloads: -1, Files: -1, ChangeWhileReading: 1,
			Sizes: map[backup.Kind]fakephone.Range{"videos": {Min: 8 << 20, Max: 8 << 20}},
		}, fakephone.Config{Empty: true})
		r.TuneSend = func(c *transfer.SendConfig) {
			c.NoSqueeze, c.LaneCount, c.Limit = true, 4, func() int64 { return 4_000_000 }
		}
		look := func(when string, pending uint64) {
			for side, m := range map[string]*transfer.Meter{"old": r.SendMeter, "new": r.TakeMeter} {
				if p := m.Snapshot(); p.DoneBytes > p.Bytes || p.PendingBytes > pending {
					t.Errorf("%s, the %s phone's meter: %d of %d bytes are done, %d pending", when, side, p.DoneBytes, p.Bytes, p.PendingBytes)
				}
			}
		}
		during := time.AfterFunc(3*time.Second, func() { look("under way", 24<<20) })
		defer during.Stop()
		e := r.Run(t.Context())
		if e.SendErr != nil || e.TakeErr != nil || e.Sent.Complete() {
			t.Fatalf("send: %v; receive: %v; %+v", e.SendErr, e.TakeErr, e.Sent.Kinds)
		}
		look("at the end", 0)
	})
}
