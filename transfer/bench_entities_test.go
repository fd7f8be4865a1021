package transfer_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"runtime"
	"testing"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/transfertest"
)

// BenchmarkEntities moves b.N records of 200 bytes, keys included, over a pipe
// into a phone that keeps nothing: the engine's share of an entity.
func BenchmarkEntities(b *testing.B) {
	r := transfertest.NewRig(b, func(testing.TB) transfertest.Ends { return transfertest.Pipe() }, fakephone.Config{Empty: true}, fakephone.Config{Empty: true})
	r.TuneSend = func(c *transfer.SendConfig) { c.Agents = []backup.Agent{records{n: b.N}} }
	r.TuneTake = func(c *transfer.ReceiveConfig) { c.Agents = []backup.Agent{drain{records{}}} }
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	b.ResetTimer()
	e := r.Run(b.Context())
	b.StopTimer()
	runtime.ReadMemStats(&after)
	if e.SendErr != nil || e.TakeErr != nil {
		b.Fatal(e.SendErr, e.TakeErr)
	}
	n := float64(b.N)
	b.ReportMetric(n/b.Elapsed().Seconds(), "items/s")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/n, "allocs/item")
	b.ReportMetric(peakRSS(), "MB-peak-RSS")
}

// records is a kind of n entities of 200 bytes that nobody has to keep.
type records struct{ n int }

func (records) Info() backup.Info {
	return backup.Info{Kind: "records", Title: "Records", One: "record", Many: "records", Entities: true}
}

func (r records) Backup(context.Context, backup.Transport) (backup.Backup, error) { return r, nil }

func (records) Restore(context.Context, backup.Transport) (backup.Restore, error) {
	return drain{}, nil
}

func (records) Open(context.Context, backup.Item, int64) (io.ReadCloser, error) {
	return nil, backup.Unsupported
}

func (records) Close() error { return nil }

func (r records) Items(context.Context) iter.Seq2[backup.Item, error] {
	when := time.Unix(1700000000, 123456789)
	return func(yield func(backup.Item, error) bool) {
		for i := range r.n {
			value := make([]byte, 172)
			for j, x := 0, uint64(i)*0x9e3779b97f4a7c15; j+8 <= len(value); j += 8 {
				x ^= x >> 29
				x *= 0xbf58476d1ce4e5b9
				binary.LittleEndian.PutUint64(value[j:], x)
			}
			it := backup.Item{
				Kind: "records", Type: backup.TypeEntity, Key: backup.Key(fmt.Sprintf("org.example.records:record/%08d", i)),
				Size: int64(len(value)), ModTime: when, Group: "0123456789abcdef0123456789abcdef", Value: value,
			}
			if !yield(it, nil) {
				return
			}
		}
	}
}
