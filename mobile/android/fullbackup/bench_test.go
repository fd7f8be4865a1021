package fullbackup_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/ferry-move/ferry/mobile/android/fullbackup"
)

var benchSizes = []int{1 << 10, 64 << 10}

func benchFiles(size int) ([]fullbackup.Header, []byte) {
	hs := make([]fullbackup.Header, (32<<20)/size)
	for i := range hs {
		hs[i] = file(fmt.Sprintf("folder/%06d.jpg", i), int64(size))
	}
	return hs, bytes.Repeat([]byte{0x5a}, size)
}

func BenchmarkWrite(b *testing.B) {
	for _, size := range benchSizes {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			hs, content := benchFiles(size)
			out := make([]byte, 0, len(hs)*(size+512))
			b.SetBytes(int64(len(hs) * size))
			b.ReportAllocs()
			for b.Loop() {
				buf := bytes.NewBuffer(out[:0])
				w := fullbackup.NewWriter(buf)
				for _, h := range hs {
					if err := w.WriteHeader(h); err != nil {
						b.Fatal(err)
					}
					if _, err := w.Write(content); err != nil {
						b.Fatal(err)
					}
				}
				if err := w.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkRead(b *testing.B) {
	for _, size := range benchSizes {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			hs, content := benchFiles(size)
			var in bytes.Buffer
			w := fullbackup.NewWriter(&in)
			for _, h := range hs {
				if err := w.WriteHeader(h); err != nil {
					b.Fatal(err)
				}
				if _, err := w.Write(content); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(len(hs) * size))
			b.ReportAllocs()
			for b.Loop() {
				r := fullbackup.NewReader(bytes.NewReader(in.Bytes()), fullbackup.Limits{Strict: true})
				for {
					h, err := r.Next()
					if err == io.EOF {
						break
					}
					if err != nil {
						b.Fatal(err)
					}
					if _, err := io.ReadFull(r, content[:h.Size]); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

func BenchmarkChunks(b *testing.B) {
	_, content := benchFiles(64 << 10)
	b.SetBytes(int64(len(content)))
	w := fullbackup.NewChunkWriter(io.Discard)
	for b.Loop() {
		if _, err := w.Write(content); err != nil {
			b.Fatal(err)
		}
	}
}
