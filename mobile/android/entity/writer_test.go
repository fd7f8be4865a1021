package entity

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

func TestWriterRefuses(t *testing.T) {
	tests := []struct {
		name string
		o    Options
		do   func(w *Writer) error
		want error
	}{
		{"empty key", Options{}, func(w *Writer) error { return w.Delete("") }, ErrKey},
		{"key not text", Options{}, func(w *Writer) error { return w.Delete("\xFF") }, ErrKey},
		{"key with a zero", Options{}, func(w *Writer) error { return w.WriteHeader("a\x00", 0) }, ErrKey},
		{"reserved", Options{}, func(w *Writer) error { return w.WriteHeader("\uFF00", 0) }, ErrReserved},
		{"the widget's key", Options{}, func(w *Writer) error { return w.Delete("\uFFED\uFFEDwidget") }, ErrReserved},
		{"long key", Options{}, func(w *Writer) error { return w.Delete(Key(strings.Repeat("k", MaxKey+1))) }, ErrLimit},
		{"long value", Options{}, func(w *Writer) error { return w.WriteHeader("k", MaxData+1) }, ErrLimit},
		{"value above the format's", Options{Limits: Limits{Data: math.MaxInt64}}, func(w *Writer) error { return w.WriteHeader("k", math.MaxInt32+1) }, ErrLimit},
		{"negative size", Options{}, func(w *Writer) error { return w.WriteHeader("k", -1) }, ErrLimit},
		{"data without header", Options{}, func(w *Writer) error { _, err := w.Write([]byte{1}); return err }, ErrLong},
		{"too much", Options{}, func(w *Writer) error {
			if err := w.WriteHeader("k", 2); err != nil {
				return err
			}
			_, err := w.Write([]byte("abc"))
			return err
		}, ErrLong},
		{"too little before a header", Options{}, func(w *Writer) error { return errors.Join(w.WriteHeader("k", 2), w.WriteHeader("l", 0)) }, ErrShort},
		{"too little before a deletion", Options{}, func(w *Writer) error { return errors.Join(w.WriteHeader("k", 2), w.Delete("l")) }, ErrShort},
		{"too little at the end", Options{}, func(w *Writer) error { return errors.Join(w.WriteHeader("k", 2), w.Close()) }, ErrShort},
		{"closed", Options{}, func(w *Writer) error { return errors.Join(w.Close(), w.Delete("k")) }, ErrClosed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b bytes.Buffer
			w := NewWriter(&b, tt.o)
			if err := tt.do(w); !errors.Is(err, tt.want) {
				t.Fatalf("%v, want %v", err, tt.want)
			}
			at := w.Offset()
			if err := w.WriteHeader("fine", 0); !errors.Is(err, tt.want) {
				t.Errorf("then WriteHeader %v", err)
			}
			if n, err := w.Write(nil); n != 0 || !errors.Is(err, tt.want) {
				t.Errorf("then Write %d, %v", n, err)
			}
			if err := w.Flush(); !errors.Is(err, tt.want) {
				t.Errorf("then Flush %v", err)
			}
			if err := w.Close(); tt.want != ErrClosed && !errors.Is(err, tt.want) {
				t.Errorf("then Close %v", err)
			}
			if w.Offset() != at || b.Len() != 0 {
				t.Errorf("%d bytes were written afterwards", b.Len())
			}
		})
	}
}

// TestBrokenWriter shows each write error, wherever it happens.
func TestBrokenWriter(t *testing.T) {
	value := strings.Repeat("v", writeBuffer)
	key := Key(strings.Repeat("k", 101))
	broken := errors.New("broken")
	for n := 0; n < 3*writeBuffer; n += 1021 {
		w := NewWriter(&limited{n, broken}, Options{})
		err := func() error {
			for range 3 {
				if err := w.WriteHeader(key, int64(len(value))); err != nil {
					return err
				}
				if _, err := w.Write([]byte(value)); err != nil {
					return err
				}
			}
			return w.Close()
		}()
		if !errors.Is(err, broken) {
			t.Errorf("broken at %d: %v", n, err)
		}
		if again := w.Close(); again != err {
			t.Errorf("broken at %d: first %v, then %v", n, err, again)
		}
	}
}

func TestFlush(t *testing.T) {
	var b bytes.Buffer
	w := NewWriter(&b, Options{})
	if err := errors.Join(w.WriteHeader("k", 3), w.Flush()); err != nil {
		t.Fatal(err)
	}
	if b.Len() != 16 || w.Missing() != 3 {
		t.Errorf("%d bytes after Flush, %d missing", b.Len(), w.Missing())
	}
	if _, err := io.WriteString(w, "abc"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), w.Close()); err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(b.String(), "abc") {
		t.Errorf("%q", b.String())
	}
}
