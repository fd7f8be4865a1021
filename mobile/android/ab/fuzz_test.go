package ab

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

func FuzzHeader(f *testing.F) {
	for i := range golden {
		f.Add([]byte(golden[i].text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		l := &lines{r: bufio.NewReader(bytes.NewReader(b))}
		h, e, err := readHeader(l)
		if err != nil {
			return
		}
		again := appendHeader(nil, h, e)
		if !strings.EqualFold(string(again), string(b[:l.off])) {
			t.Errorf("read %q, wrote %q", b[:l.off], again)
		}
	})
}

func FuzzOpen(f *testing.F) {
	for i := range golden {
		f.Add(goldenBytes(f, i))
	}
	f.Add(append([]byte("ANDROID BACKUP\n5\n1\nnone\n"), 0x78, 0x9c, 0, 0, 0, 0xff, 0xff))
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, _, err := readHeader(&lines{r: bufio.NewReader(bytes.NewReader(b))}); err != nil || h.Rounds > 100 {
			return // each round is time
		}
		o := with("secret")
		o.MaxInflated = 1 << 20
		r, err := Open(bytes.NewReader(b), o)
		if err != nil {
			return
		}
		n, err := io.Copy(io.Discard, r)
		if n > 1<<20 || r.Offset() > int64(len(b)) {
			t.Errorf("%d bytes from %d", n, len(b))
		}
		var d *DamageError
		if errors.As(err, &d) && (d.Offset > int64(len(b)) || d.Inflated != n) {
			t.Errorf("after %d bytes: %v", n, err)
		}
		if _, ok := r.End(); ok != (err == nil) {
			t.Error("the end does not fit the error")
		}
	})
}

func BenchmarkRead(b *testing.B) {
	const size = 64 << 20
	content := sample(size)
	for _, o := range kinds {
		file := archive(b, o, content)
		b.Run(benchName(o), func(b *testing.B) {
			b.SetBytes(size)
			b.ReportAllocs()
			buf := make([]byte, 64<<10)
			for b.Loop() {
				r, err := Open(bytes.NewReader(file), with("p"))
				if err != nil {
					b.Fatal(err)
				}
				if n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, r, buf); n != size || err != nil {
					b.Fatal(n, err)
				}
			}
		})
	}
}

func BenchmarkWrite(b *testing.B) {
	const size = 64 << 20
	content := sample(size)
	for _, o := range kinds {
		b.Run(benchName(o), func(b *testing.B) {
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				w, err := Create(io.Discard, o)
				if err != nil {
					b.Fatal(err)
				}
				for p := content; len(p) > 0; p = p[min(len(p), 64<<10):] {
					if _, err := w.Write(p[:min(len(p), 64<<10)]); err != nil {
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

func benchName(o CreateOptions) string {
	return fmt.Sprintf("deflate=%v/aes=%v", o.Compress, len(o.Password) > 0)
}
