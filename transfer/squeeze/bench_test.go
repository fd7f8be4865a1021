package squeeze

import (
	"fmt"
	"testing"
)

// series is several blocks of a kind, as they follow one another on a lane.
type series struct {
	name   string
	blocks [][]byte
}

func cut(name string, b []byte, size int) series {
	s := series{name: fmt.Sprintf("%s/%d", name, size)}
	for ; len(b) >= size; b = b[size:] {
		s.blocks = append(s.blocks, b[:size])
	}
	return s
}

func allSeries() (out []series) {
	const n = 4 << 20
	text, json := words(7, n), records(7, n)
	out = append(out, cut("words", text, 64<<10), cut("words", text, MaxBlock), cut("words", text, 4<<10))
	out = append(out, cut("records", json, MaxBlock), cut("records", json, 4<<10), cut("records", json, MinBlock))
	out = append(out, cut("noise", noise(n), MaxBlock), cut("noise", noise(n), 4<<10), cut("zeros", make([]byte, n), MaxBlock))
	return out
}

func BenchmarkAppend(b *testing.B) {
	for _, s := range allSeries() {
		b.Run(s.name, func(b *testing.B) {
			var e Encoder
			defer e.Close()
			dst := make([]byte, 0, 2*MaxBlock)
			size := len(s.blocks[0])
			b.SetBytes(int64(size))
			b.ReportAllocs()
			sent, i := 0, 0
			for b.Loop() {
				n := size
				if out, ok := e.Append(dst, s.blocks[i%len(s.blocks)]); ok {
					n = len(out)
				}
				sent += n
				i++
			}
			b.ReportMetric(float64(i*size)/float64(sent), "ratio")
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, s := range allSeries() {
		var e Encoder
		var packed [][]byte
		for _, p := range s.blocks {
			if out, ok := e.Append(nil, p); ok {
				packed = append(packed, out)
			}
		}
		e.Close()
		if len(packed) == 0 {
			continue
		}
		b.Run(s.name, func(b *testing.B) {
			var d Decoder
			defer d.Close()
			got := make([]byte, len(s.blocks[0]))
			b.SetBytes(int64(len(got)))
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if err := d.Decode(got, packed[i%len(packed)]); err != nil {
					b.Fatal(err)
				}
				i++
			}
		})
	}
}

func BenchmarkWorth(b *testing.B) {
	for _, c := range []content{
		{name: "photo by name.jpg", data: noise(SampleSize)}, {name: "photo by magic", data: scan(SampleSize)},
		{name: "noise", data: noise(SampleSize)}, {name: "text.txt", data: words(1, SampleSize)}, {name: "pages", data: packedWords(3 * SampleSize)[:SampleSize]},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Worth(c.name, c.data)
			}
		})
	}
}

func BenchmarkJudge(b *testing.B) {
	j := NewJudge(2)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		j.Sent(0, j.Next(), Sample{Raw: 1 << 16, Wire: 1 << 15, Encode: 1 << 18})
	}
}
