package transfer_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/transfertest"
)

// gathered notes how many items each Commit was given.
type gathered struct {
	backup.Agent
	mu      *sync.Mutex
	batches *[]int
}

func (g gathered) Restore(ctx context.Context, t backup.Transport) (backup.Restore, error) {
	r, err := g.Agent.Restore(ctx, t)
	return gatheredRestore{r, g}, err
}

type gatheredRestore struct {
	backup.Restore
	g gathered
}

func (r gatheredRestore) Commit(ctx context.Context, b []backup.Staged) []backup.Result {
	r.g.mu.Lock()
	*r.g.batches = append(*r.g.batches, len(b))
	r.g.mu.Unlock()
	return r.Restore.Commit(ctx, b)
}

// TestBatches: files are made durable many at a time, and no more of them than
// may come again after a kill.
func TestBatches(t *testing.T) {
	const files, size, rate = 200, 300_000, 100_000_000
	synctest.Test(t, func(t *testing.T) {
		r := transfertest.NewRig(t, func(testing.TB) transfertest.Ends { return transfertest.Pipe() }, fakephone.Config{
			Seed: 1, Contacts: -1, Documents: files, Photos: -1, Videos: -1, Music: -1, Recordings: -1, Downloads: -1, Files: -1,
			Sizes: map[backup.Kind]fakephone.Range{"documents": {Min: size, Max: size}},
		}, fakephone.Config{Empty: true})
		r.Plain = true
		r.TuneSend = func(c *transfer.SendConfig) {
			c.NoSqueeze, c.Limit = true, func() int64 { return rate }
		}
		var mu sync.Mutex
		var batches []int
		r.TuneTake = func(c *transfer.ReceiveConfig) {
			for i, a := range c.Agents {
				if a.Info().Kind == "documents" {
					c.Agents[i] = gathered{a, &mu, &batches}
				}
			}
		}
		mustMoveAll(t, r.Run(t.Context()))
		all, most := 0, 0
		for _, n := range batches {
			all, most = all+n, max(most, n)
		}
		if all < files || len(batches) > all/8 {
			t.Errorf("%d items in %d batches: %v", all, len(batches), batches)
		}
		if most*size > 5<<20 {
			t.Errorf("%d bytes in one batch: %v", most*size, batches)
		}
	})
}
