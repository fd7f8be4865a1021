package fullbackup_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/ferry-move/ferry/mobile/android/fullbackup"
)

// FuzzReader: whatever is accepted is written again the same, byte for byte.
func FuzzReader(f *testing.F) {
	for _, g := range goldens {
		f.Add([]byte(g.want), false)
	}
	f.Add(join(pax("22 GNU.sparse.major=1\n"), raw("apps/a.b/f/l", "00000000000", '0'), good, goodContent, make([]byte, 1024)), true)
	f.Add(join(raw("././@LongLink", "00000000015", 'L'), []byte(padded("apps/a.b/f/x\x00")), raw("cut", "00000000003", '0'), goodContent), true)
	f.Add(raw("apps/a.b/f/x", "\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00", '0'), false)
	f.Fuzz(func(t *testing.T, in []byte, strict bool) {
		r := fullbackup.NewReader(bytes.NewReader(in), fullbackup.Limits{Strict: strict})
		for {
			h, err := r.Next()
			var refused *fullbackup.EntryError
			if errors.As(err, &refused) {
				continue
			}
			if err != nil {
				return
			}
			from := r.Offset()
			content, err := io.ReadAll(r)
			if err != nil {
				return
			}
			var out bytes.Buffer
			w := fullbackup.NewWriter(&out)
			if err := w.WriteHeader(*h); err != nil {
				t.Fatalf("%+v: %v", h, err)
			}
			head := int64(out.Len())
			if _, err := w.Write(content); err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			whole := head + h.Size
			if h.Size != int64(len(content)) || from < head || !bytes.Equal(out.Bytes()[:whole], in[from-head:from+h.Size]) {
				t.Fatalf("%+v: written again differently", h)
			}
		}
	})
}

// FuzzHeader: whatever the writer takes is read back the same, by a strict
// reader and without anything odd.
func FuzzHeader(f *testing.F) {
	f.Add("org.example.notes", "f", "a/b", uint32(0o660), uint32(10001), int64(5), int64(1_600_000_000), false)
	f.Add("", "shared/0", n120, uint32(0), uint32(0), int64(1)<<40, int64(-1), true)
	f.Fuzz(func(t *testing.T, pkg, domain, path string, mode, uid uint32, size, mtime int64, pax bool) {
		h := fullbackup.Header{Package: pkg, Domain: domain, Path: path, Type: fullbackup.TypeFile,
			Mode: mode, UID: uid, GID: uid, Size: size, ModTime: mtime, Pax: pax}
		var out bytes.Buffer
		if fullbackup.NewWriter(&out).WriteHeader(h) != nil {
			return
		}
		if n := fullbackup.EncodedSize(h) - (size + (-size & 511)); int64(out.Len()) != n && len(h.Name()) < 470 {
			t.Fatalf("%d bytes, estimated %d", out.Len(), n)
		}
		got, err := fullbackup.NewReader(&out, fullbackup.Limits{Strict: true}).Next()
		if err != nil {
			t.Fatal(err)
		}
		if got.Package != pkg || got.Domain != domain || got.Path != path || got.Mode != mode || got.Size != size || got.Odd != nil {
			t.Fatalf("wrote %+v\nread  %+v", h, got)
		}
	})
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte("1\norg.example.notes\n412\n30\ncom.example.shop\n0\n1\n3082a0ff\n"))
	f.Add([]byte("1\na\n2147483648\n34\n\n1\n4\n1\n3082\n"))
	f.Add([]byte("1\na\n-1\n34\n\n1\n0\n1\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		m, err := fullbackup.ParseManifest(in)
		if err != nil {
			return
		}
		if out, err := m.Append(nil); err != nil || !bytes.Equal(out, in) {
			t.Fatalf("%q, %v", out, err)
		}
	})
}

func FuzzMeta(f *testing.F) {
	f.Add([]byte("1\na.b\n\x01\xff\xed\x01\x00\x00\x00\x03wid"))
	f.Fuzz(func(t *testing.T, in []byte) {
		m, err := fullbackup.ParseMeta(in)
		if err != nil {
			return
		}
		if out, err := m.Append(nil); err != nil || !bytes.Equal(out, in) {
			t.Fatalf("%q, %v", out, err)
		}
	})
}

// FuzzChunks: what comes out is what went in without its lengths, and framed
// again it comes out the same.
func FuzzChunks(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x05hello\x00\x00\x00\x00"))
	f.Add([]byte("\x7f\xff\xff\xffabc"))
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := io.ReadAll(fullbackup.NewChunkReader(bytes.NewReader(in)))
		var damage *fullbackup.DamageError
		if err != nil && (!errors.As(err, &damage) || damage.Offset > int64(len(in))) || len(got) > len(in) {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
		var out bytes.Buffer
		w := fullbackup.NewChunkWriter(&out)
		if _, err := w.Write(got); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if again, err := io.ReadAll(fullbackup.NewChunkReader(&out)); err != nil || !bytes.Equal(again, got) {
			t.Fatalf("%d bytes, %v", len(again), err)
		}
	})
}
