package transfer_test

import (
	"context"
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/transfertest"
)

// BenchmarkTinyItems moves b.N files of at most 64 bytes over a pipe, both
// sides in this process, into a phone that keeps nothing: what is measured is
// the engine and its journal. With -benchtime 1000000x it is the million items
// of the memory goal.
func BenchmarkTinyItems(b *testing.B) {
	r := transfertest.NewRig(b, func(testing.TB) transfertest.Ends { return transfertest.Pipe() }, fakephone.Config{
		Seed: 1, Documents: b.N, Contacts: -1, Photos: -1, Videos: -1, Music: -1, Recordings: -1, Downloads: -1, Files: -1,
		Sizes: map[backup.Kind]fakephone.Range{"documents": {Min: 0, Max: 64}},
	}, fakephone.Config{Empty: true})
	r.TuneTake = func(c *transfer.ReceiveConfig) {
		for i, a := range c.Agents {
			c.Agents[i] = drain{a}
		}
	}
	runtime.GC()
	before := live()
	done, peak := make(chan struct{}), make(chan uint64)
	go func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		var most uint64
		for {
			select {
			case <-tick.C:
				most = max(most, live())
			case <-done:
				peak <- most
				return
			}
		}
	}()
	b.ResetTimer()
	e := r.Run(b.Context())
	b.StopTimer()
	close(done)
	if e.SendErr != nil || e.TakeErr != nil {
		b.Fatal(e.SendErr, e.TakeErr)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "items/s")
	b.ReportMetric(float64(max(<-peak, before)-before)/1e6, "MB-peak-heap")
	b.ReportMetric(peakRSS(), "MB-peak-RSS")
}

// drain is a kind that takes everything and keeps nothing.
type drain struct{ backup.Agent }

type drained struct{ backup.Staged }

func (d drain) Restore(context.Context, backup.Transport) (backup.Restore, error) { return d, nil }
func (drain) Stage(context.Context, backup.Item) (backup.Staged, error)           { return drained{}, nil }
func (drain) Close() error                                                        { return nil }
func (drained) WriteAt(p []byte, _ int64) (int, error)                            { return len(p), nil }
func (drained) Discard() error                                                    { return nil }

func (drain) Commit(_ context.Context, batch []backup.Staged) []backup.Result {
	res := make([]backup.Result, len(batch))
	for i := range res {
		res[i].Outcome = backup.Added
	}
	return res
}

func live() uint64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// peakRSS is the most memory that this process had so far, in MB; 0 where the
// system does not tell.
func peakRSS() float64 {
	b, _ := os.ReadFile("/proc/self/status")
	_, s, _ := strings.Cut(string(b), "VmHWM:")
	f := strings.Fields(s)
	if len(f) == 0 {
		return 0
	}
	kb, _ := strconv.ParseFloat(f[0], 64)
	return kb / 1e3
}
