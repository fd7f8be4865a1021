package snapshot

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/ferry-move/ferry/mobile/android/entity"
)

var blobs = BlobState{Version: 3, Sums: []BlobSum{{"notifications", 0xCBF43926}, {"a\x00\U0001F600", NoBlob}}}

const blobBytes = "\x00\x00\x00\x03\x00\x00\x00\x02" +
	"\x00\x0Dnotifications\x00\x00\x00\x00\xCB\xF4\x39\x26" +
	"\x00\x09a\xC0\x80\xED\xA0\xBD\xED\xB8\x80\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"

func TestBlobState(t *testing.T) {
	if b, err := AppendBlobState([]byte("<"), blobs); err != nil || string(b) != "<"+blobBytes {
		t.Errorf("written %v:\n%x\nwant:\n%x", err, b, blobBytes)
	}
	for version := int32(3); version < 5; version++ {
		got, err := ParseBlobState([]byte(blobBytes), version)
		if err != nil || got.Version != 3 || !slices.Equal(got.Sums, blobs.Sums) {
			t.Errorf("read %v, %v", got, err)
		}
	}
	if sum, ok := blobs.Sum("notifications"); !ok || sum != 0xCBF43926 {
		t.Errorf("a key's sum: %x, %v", sum, ok)
	}
	if sum, ok := blobs.Sum("other"); ok || sum != 0 {
		t.Errorf("an unknown key's sum: %x, %v", sum, ok)
	}
	if got, err := ParseBlobState([]byte(blobBytes), 2); !errors.Is(err, ErrNewer) || got.Sums != nil {
		t.Errorf("a newer state: %v, %v", got, err)
	}
	if got, err := ParseBlobState(nil, 3); err != nil || got.Version != 3 || len(got.Sums) > 0 {
		t.Errorf("the first time: %v, %v", got, err)
	}
	if b, err := AppendBlobState(nil, BlobState{Version: 3}); err != nil || string(b) != "\x00\x00\x00\x03\x00\x00\x00\x00" {
		t.Errorf("after a restore: %x, %v", b, err)
	}
}

func TestBlobStateDamaged(t *testing.T) {
	one := "\x00\x01k\x00\x00\x00\x00\x00\x00\x00\x01"
	tests := map[string]struct {
		in     string
		offset int64
	}{
		"negative count": {"\x00\x00\x00\x03\xFF\xFF\xFF\xFF" + one, 4},
		"huge count":     {"\x00\x00\x00\x03\x7F\xFF\xFF\xFF" + one, 4},
		"too many keys":  {"\x00\x00\x00\x03\x00\x00\x10\x01" + strings.Repeat(one, MaxBlobKeys+1), 4},
		"more bytes":     {"\x00\x00\x00\x03\x00\x00\x00\x01" + one + "x", 19},
		"twice":          {"\x00\x00\x00\x03\x00\x00\x00\x02" + one + one, 19},
		"not text":       {"\x00\x00\x00\x03\x00\x00\x00\x01\x00\x01\xFF\x00\x00\x00\x00\x00\x00\x00\x01", 8},
	}
	for name, tt := range tests {
		var d *entity.DamageError
		if _, err := ParseBlobState([]byte(tt.in), 3); !errors.As(err, &d) || d.Offset != tt.offset {
			t.Errorf("%s: %v, want damage at %d", name, err, tt.offset)
		}
	}
	for n := 1; n < len(blobBytes); n++ {
		if got, err := ParseBlobState([]byte(blobBytes[:n]), 3); err == nil || got.Sums != nil {
			t.Errorf("cut at %d: %v, %v", n, got, err)
		}
	}
}

func TestBlobStateRefused(t *testing.T) {
	long := BlobSum{Key: strings.Repeat("k", entity.MaxKey+1)}
	huge := BlobState{}
	for i := range 300 {
		huge.Sums = append(huge.Sums, BlobSum{Key: strings.Repeat("k", 60000+i)})
	}
	tests := map[string]struct {
		in   BlobState
		want error
	}{
		"long key": {BlobState{Sums: []BlobSum{long}}, ErrKey},
		"not text": {BlobState{Sums: []BlobSum{{Key: "\xFF"}}}, ErrKey},
		"twice":    {BlobState{Sums: []BlobSum{{Key: "a"}, {Key: "a"}}}, ErrTwice},
		"too many": {BlobState{Sums: make([]BlobSum, MaxBlobKeys+1)}, ErrTooLarge},
		"huge":     {huge, ErrTooLarge},
	}
	for name, tt := range tests {
		if b, err := AppendBlobState([]byte("kept"), tt.in); !errors.Is(err, tt.want) || string(b) != "kept" {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}

// zlibHello is "hello", version 2, as java.util.zip.Deflater writes it.
const zlibHello = "00000002" + "789ccb48cdc9c90700062c0215"

func TestBlob(t *testing.T) {
	payload, err := hex.DecodeString(zlibHello)
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []int32{2, 3} {
		if b, err := ReadBlob(iotest.OneByteReader(bytes.NewReader(payload)), version); err != nil || string(b) != "hello" {
			t.Errorf("%q, %v", b, err)
		}
	}
	if b, err := ReadBlob(bytes.NewReader(payload), 1); !errors.Is(err, ErrNewer) || b != nil {
		t.Errorf("a newer blob: %q, %v", b, err)
	}
	if got := SumOf(payload); got != 0x8D708DD6 {
		t.Errorf("the sum is %#x", got)
	}
	if SumOf([]byte("123456789")) != 0xCBF43926 || SumOf(nil) != NoBlob || SumOf([]byte{}) != 0 {
		t.Error("sums are not CRC-32")
	}
	for n := range len(payload) {
		var d *entity.DamageError
		if b, err := ReadBlob(bytes.NewReader(payload[:n]), 2); !errors.As(err, &d) || d.Offset > int64(n) || b != nil {
			t.Errorf("cut at %d: %q, %v", n, b, err)
		}
	}
	for i := 4; i < len(payload); i++ {
		for bit := range 8 {
			bad := bytes.Clone(payload)
			bad[i] ^= 1 << bit
			var d *entity.DamageError
			b, err := ReadBlob(bytes.NewReader(bad), 2)
			if err == nil && string(b) == "hello" { // another spelling of the same stream
				continue
			}
			if !errors.As(err, &d) || b != nil {
				t.Errorf("bit %d of byte %d: %q, %v", bit, i, b, err)
			}
		}
	}
	if _, err := ReadBlob(io.MultiReader(bytes.NewReader(payload[:9]), iotest.ErrReader(io.ErrClosedPipe)), 2); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a broken reader: %v", err)
	}
}

func TestBlobRoundTrip(t *testing.T) {
	for _, size := range []int{0, 1, 100, MaxBlob} {
		in := bytes.Repeat([]byte("a"), size)
		payload, err := AppendBlob([]byte("<"), 7, in)
		if err != nil || !bytes.HasPrefix(payload, []byte("<\x00\x00\x00\x07\x78\x9C")) {
			t.Fatalf("%d bytes: %x, %v", size, payload[:min(len(payload), 8)], err)
		}
		if out, err := ReadBlob(bytes.NewReader(payload[1:]), 7); err != nil || !bytes.Equal(out, in) {
			t.Errorf("%d bytes became %d, %v", size, len(out), err)
		}
	}
	if b, err := AppendBlob([]byte("kept"), 7, make([]byte, MaxBlob+1)); !errors.Is(err, ErrTooLarge) || string(b) != "kept" {
		t.Errorf("a huge blob: %v", err)
	}
}

// TestBlobBomb: what inflates without end is refused early.
func TestBlobBomb(t *testing.T) {
	half, err := AppendBlob(nil, 1, make([]byte, MaxBlob))
	if err != nil {
		t.Fatal(err)
	}
	// Keep the deflate blocks and write the sum of one byte more: never reached.
	bomb := append(bytes.Clone(half[:6]), 0x00, 0x00, 0x80, 0xFF, 0x7F)
	bomb = append(bomb, make([]byte, 0x8000)...)
	bomb = append(bomb, half[6:]...)
	if b, err := ReadBlob(bytes.NewReader(bomb), 1); !errors.Is(err, ErrTooLarge) || b != nil {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}
