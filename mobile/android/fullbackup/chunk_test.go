package fullbackup_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/ferry-move/ferry/mobile/android/fullbackup"
)

func TestChunks(t *testing.T) {
	var buf bytes.Buffer
	w := fullbackup.NewChunkWriter(&buf)
	for _, s := range []string{"he", "", "llo"} {
		if _, err := io.WriteString(w, s); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // nothing to flush the second time
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Write(bytes.Repeat([]byte{'z'}, 40_000)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	want := "\x00\x00\x00\x05hello" +
		"\x00\x00\x80\x00" + strings.Repeat("z", 32768) +
		"\x00\x00\x1c\x40" + strings.Repeat("z", 7232) +
		"\x00\x00\x00\x00"
	if buf.String() != want {
		t.Fatalf("%d bytes, want %d", buf.Len(), len(want))
	}
	if _, err := w.Write([]byte("x")); !errors.Is(err, fullbackup.ErrEnded) {
		t.Errorf("after the end: %v", err)
	}
	if err := w.Flush(); !errors.Is(err, fullbackup.ErrEnded) {
		t.Errorf("flush after the end: %v", err)
	}

	// It reads not one byte beyond the mark.
	for _, wrap := range []func(io.Reader) io.Reader{func(r io.Reader) io.Reader { return r }, iotest.OneByteReader, iotest.DataErrReader} {
		in := strings.NewReader(want + "next")
		got, err := io.ReadAll(fullbackup.NewChunkReader(in))
		if err != nil || string(got) != "hello"+strings.Repeat("z", 40_000) || in.Len() != 4 {
			t.Fatalf("%d bytes, %d behind, %v", len(got), in.Len(), err)
		}
		if got, err := io.ReadAll(fullbackup.NewChunkReader(wrap(strings.NewReader(want)))); err != nil || len(got) != 40_005 {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
	}
}

func TestChunksDamage(t *testing.T) {
	whole := "\x00\x00\x00\x05hello\x00\x00\x00\x01!\x00\x00\x00\x00"
	for n := range len(whole) {
		got, err := io.ReadAll(fullbackup.NewChunkReader(strings.NewReader(whole[:n])))
		var damage *fullbackup.DamageError
		if !errors.As(err, &damage) || damage.Offset != int64(n) || !errors.Is(err, io.ErrUnexpectedEOF) || !strings.HasPrefix("hello!", string(got)) {
			t.Errorf("cut at %d: %q, %v", n, got, err)
		}
	}
	for in, offset := range map[string]int64{
		"\x7f\xff\xff\xffabc":                  7, // two gigabytes were promised
		"\x80\x00\x00\x00abc":                  0,
		"\x00\x00\x00\x01a\xff\xff\xff\xffabc": 5,
	} {
		r := fullbackup.NewChunkReader(strings.NewReader(in))
		_, err := io.ReadAll(r)
		var damage *fullbackup.DamageError
		if !errors.As(err, &damage) || damage.Offset != offset || damage.Part != fullbackup.PartChunks {
			t.Errorf("%q: %v", in, err)
		}
		if _, again := r.Read(make([]byte, 1)); again != err {
			t.Errorf("%q: then %v", in, again)
		}
	}
	if _, err := io.ReadAll(fullbackup.NewChunkReader(iotest.ErrReader(errFull))); err != errFull {
		t.Errorf("reader below: %v", err)
	}
}

func TestChunkWriterFails(t *testing.T) {
	w := fullbackup.NewChunkWriter(&failAfter{10})
	if _, err := w.Write(make([]byte, 100_000)); !errors.Is(err, errFull) {
		t.Fatalf("write: %v", err)
	}
	if err := w.Close(); !errors.Is(err, errFull) {
		t.Fatalf("close: %v", err)
	}
}
