package local

import (
	"encoding/binary"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/ferry-move/ferry/mobile/android"
)

// source200 writes n entities with values of 200 bytes to a pipe-like reader:
// nothing of them is in memory before it is read.
type source200 struct {
	buf    []byte // encoded and not yet read
	n, at  int
	order  []uint32 // of the keys; nil = ascending
	peak   *peak
	record [headerLen + keyLen + valueLen]byte
}

const (
	headerLen = 12
	keyLen    = 16 // 15 bytes and a NUL: no padding
	valueLen  = 200
)

func (s *source200) Read(b []byte) (int, error) {
	if len(s.buf) == 0 {
		if s.at == s.n {
			return 0, io.EOF
		}
		id := uint32(s.at)
		if s.order != nil {
			id = s.order[s.at]
		}
		r := s.record[:]
		copy(r, "Data")
		binary.LittleEndian.PutUint32(r[4:], keyLen-1)
		binary.LittleEndian.PutUint32(r[8:], valueLen)
		copy(r[headerLen:], "contact")
		for i := range 8 { // seven letters, eight hexadecimal digits
			r[headerLen+7+i] = "0123456789abcdef"[id>>(28-4*i)&15]
		}
		s.buf = r
		s.at++
		s.peak.sample(s.at)
	}
	n := copy(b, s.buf)
	s.buf = s.buf[n:]
	return n, nil
}

// peak remembers the largest heap.
type peak struct{ base, max uint64 }

func newPeak() *peak {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return &peak{base: m.HeapAlloc}
}

// sample looks at every 5,000th step.
func (p *peak) sample(step int) {
	if step%5000 != 0 {
		return
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	p.max = max(p.max, m.HeapAlloc)
}

func (p *peak) mib() float64 { return (float64(p.max) - float64(p.base)) / (1 << 20) }

// sink counts what a restore gives.
type sink struct {
	n     int64
	steps int
	peak  *peak
}

func (s *sink) Write(b []byte) (int, error) {
	s.n += int64(len(b))
	s.steps += 100
	s.peak.sample(s.steps)
	return len(b), nil
}

// pass200 stores and restores n entities and returns the largest heap.
func pass200(tb testing.TB, tr *Transport, n int, order []uint32, flags android.PassFlags, want int64) *peak {
	tb.Helper()
	p := newPeak()
	ctx := tb.Context()
	if err := tr.PerformBackup(ctx, android.Package{Name: "com.example"}, &source200{n: n, order: order, peak: p}, flags); err != nil {
		tb.Fatal(err)
	}
	p.sample(0)
	if err := tr.FinishBackup(ctx); err != nil {
		tb.Fatal(err)
	}
	if err := tr.StartRestore(ctx, tr.token, []string{"com.example"}); err != nil {
		tb.Fatal(err)
	}
	if d, err := tr.NextPackage(ctx); err != nil || d.Package != "com.example" {
		tb.Fatal(d, err)
	}
	w := &sink{peak: p}
	if err := tr.RestoreData(ctx, w); err != nil {
		tb.Fatal(err)
	}
	if err := tr.FinishRestore(ctx); err != nil {
		tb.Fatal(err)
	}
	if w.n != want*(headerLen+keyLen+valueLen) {
		tb.Fatalf("%d bytes came back for %d entities", w.n, want)
	}
	return p
}

func shuffled(n int) []uint32 {
	order := make([]uint32, n)
	for i := range order {
		order[i] = uint32(i)
	}
	rand.New(rand.NewPCG(7, 7)).Shuffle(n, func(i, j int) { order[i], order[j] = order[j], order[i] })
	return order
}

// TestMemory: the heap does not grow with what passes through.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 200 MB")
	}
	tr := openTest(t, Options{})
	const n, limit = 300_000, 48 // MiB
	order := shuffled(n)
	for _, flags := range []android.PassFlags{android.FlagNonIncremental, android.FlagIncremental} {
		if p := pass200(t, tr, n, order, flags, n); p.mib() > limit {
			t.Errorf("with flags %d the heap grew by %.0f MiB", flags, p.mib())
		}
	}
}

func BenchmarkMillion(b *testing.B) {
	const n = 1_000_000
	for _, c := range []struct {
		name  string
		order []uint32
		base  bool
	}{
		{"Sorted", nil, false},
		{"Shuffled", shuffled(n), false},
		{"ShuffledDelta", shuffled(n), true}, // on top of as many
	} {
		b.Run(c.name, func(b *testing.B) {
			tr := openTest(b, Options{})
			flags := android.FlagNonIncremental
			if c.base {
				pass200(b, tr, n, nil, flags, n)
				flags = android.FlagIncremental
			}
			b.SetBytes(n * (headerLen + keyLen + valueLen))
			var most float64
			for b.Loop() {
				most = max(most, pass200(b, tr, n, c.order, flags, n).mib())
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "entities/s")
			b.ReportMetric(most, "peak-MiB")
		})
	}
}
