package entity

import (
	"bytes"
	"fmt"
	"io"
	"testing"
)

var sizes = []int{200, 64 << 10}

func BenchmarkWriter(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			value := bytes.Repeat([]byte{7}, size)
			w := NewWriter(io.Discard, Options{})
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if err := w.WriteHeader("contacts/0001", int64(size)); err != nil {
					b.Fatal(err)
				}
				if _, err := w.Write(value); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkReader(b *testing.B) {
	for _, size := range sizes {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			n := 16 << 20 / size
			records := make([]record, n)
			for i := range records {
				records[i] = record{"contacts/0001", string(make([]byte, size)), false}
			}
			stream := write(b, Options{}, records)
			src := bytes.NewReader(stream)
			r := NewReader(src, Limits{})
			value := make([]byte, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Next(); err == io.EOF {
					src.Reset(stream)
					r.r.Reset(src)
					r.pos, r.err = 0, nil
					_, err = r.Next()
					if err != nil {
						b.Fatal(err)
					}
				} else if err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(r, value); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
