package entity

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

func FuzzReader(f *testing.F) {
	f.Add([]byte(golden.bytes))
	f.Add([]byte("Data\x05\x00\x00\x00\x01\x00\x00\x00k\xF0\x9F\x98\x80\x00\x01\x02v"))
	f.Add([]byte("Data\x01\x00\x00\x00\xFE\xFF\xFF\xFFd\x00\x00\x00Data"))
	f.Add([]byte("Data\xFF\xFF\xFF\x7F\xFF\xFF\xFF\x7F"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := NewReader(bytes.NewReader(b), Limits{})
		got, err := read(r)
		var d *DamageError
		if err != nil && (!errors.As(err, &d) || d.Offset < 0 || d.Offset > int64(len(b))) {
			t.Fatalf("%v is not damage inside the input", err)
		}
		if err == nil && r.Offset() != int64(len(b)) {
			t.Fatalf("read %d of %d bytes", r.Offset(), len(b))
		}
		// What was read is written and read again as the same, and that in the
		// same bytes: only padding and the size of a deletion may differ.
		once := write(t, Options{System: true}, got)
		again, err := read(NewReader(bytes.NewReader(once), Limits{}))
		if err != nil || !slices.Equal(again, got) {
			t.Fatalf("%v, then %v, %v", got, again, err)
		}
		if len(once) > len(b) {
			t.Fatalf("%d bytes became %d", len(b), len(once))
		}
		for i := range once {
			if once[i] != b[i] && once[i] != 0xBC && once[i] != 0xFF {
				t.Fatalf("byte %d: %02x became %02x", i, b[i], once[i])
			}
		}
	})
}
