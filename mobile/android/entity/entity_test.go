package entity

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// record is what a test writes and reads.
type record struct {
	key     Key
	value   string
	deleted bool
}

func write(t testing.TB, o Options, records []record) []byte {
	t.Helper()
	var b bytes.Buffer
	w := NewWriter(&b, o)
	for _, r := range records {
		if r.deleted {
			if err := w.Delete(r.key); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := w.WriteHeader(r.key, int64(len(r.value))); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, r.value); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if w.Offset() != int64(b.Len()) {
		t.Errorf("the writer counts %d bytes and wrote %d", w.Offset(), b.Len())
	}
	return b.Bytes()
}

func read(r *Reader) ([]record, error) {
	var out []record
	for h, err := range r.All() {
		if err != nil {
			return out, err
		}
		v, err := r.AppendData(nil, math.MaxInt64)
		if err != nil {
			return out, err
		}
		if int64(len(v)) != h.Size {
			return out, errors.New("a value is not as long as its header says")
		}
		out = append(out, record{h.Key, string(v), h.Deleted})
	}
	return out, nil
}

// golden is a stream written out from the layout in the package comment.
var golden = struct {
	records []record
	bytes   string
}{
	[]record{
		{"key1", "", true},
		{"key2a", "abcdefg", false},
		{"key3bc", "abcdefgh", false},
		{"key4dad", "", true},
		{"e", "", false},
		{"k\xC0\x80\xED\xA0\xBD\xED\xB8\x80", "\xBC", false},
	},
	"Data\x04\x00\x00\x00\xFF\xFF\xFF\xFF" + "key1\x00\xBC\xBC\xBC" +
		"Data\x05\x00\x00\x00\x07\x00\x00\x00" + "key2a\x00\xBC\xBC" + "abcdefg\xBC" +
		"Data\x06\x00\x00\x00\x08\x00\x00\x00" + "key3bc\x00\xBC" + "abcdefgh" +
		"Data\x07\x00\x00\x00\xFF\xFF\xFF\xFF" + "key4dad\x00" +
		"Data\x01\x00\x00\x00\x00\x00\x00\x00" + "e\x00\xBC\xBC" +
		"Data\x09\x00\x00\x00\x01\x00\x00\x00" + "k\xC0\x80\xED\xA0\xBD\xED\xB8\x80\x00\xBC\xBC" + "\xBC", // lazy: no padding at the end
}

func TestGolden(t *testing.T) {
	if got := write(t, Options{}, golden.records); string(got) != golden.bytes {
		t.Errorf("written:\n%x\nwant:\n%x", got, golden.bytes)
	}
	for name, r := range map[string]io.Reader{
		"whole":     strings.NewReader(golden.bytes),
		"one byte":  iotest.OneByteReader(strings.NewReader(golden.bytes)),
		"early EOF": iotest.DataErrReader(strings.NewReader(golden.bytes)),
	} {
		rd := NewReader(r, Limits{})
		got, err := read(rd)
		if err != nil || !slices.Equal(got, golden.records) {
			t.Errorf("%s: read %v, %v", name, got, err)
		}
		if rd.Offset() != int64(len(golden.bytes)) {
			t.Errorf("%s: the offset is %d", name, rd.Offset())
		}
		if _, err := rd.Next(); err != io.EOF {
			t.Errorf("%s: after the end: %v", name, err)
		}
	}
}

func TestEmptyStream(t *testing.T) {
	if b := write(t, Options{}, nil); len(b) != 0 {
		t.Errorf("an empty stream has %d bytes", len(b))
	}
	if _, err := NewReader(strings.NewReader(""), Limits{}).Next(); err != io.EOF {
		t.Errorf("Next = %v, want io.EOF", err)
	}
}

// ends are the lengths at which a part of the golden stream is whole: after
// each record, and inside the padding of its value.
func ends() map[int]int {
	m := map[int]int{0: 0}
	pos := 0
	for i, r := range golden.records {
		pos += padLen(int64(pos)) + headerSize + len(r.key) + 1
		pos += padLen(int64(pos)) + len(r.value)
		for p := range padLen(int64(pos)) + 1 {
			m[pos+p] = i + 1
		}
	}
	return m
}

func TestCutAtEveryByte(t *testing.T) {
	whole := ends()
	for n := range len(golden.bytes) + 1 {
		got, err := read(NewReader(strings.NewReader(golden.bytes[:n]), Limits{}))
		cerr := copyAll(NewReader(strings.NewReader(golden.bytes[:n]), Limits{}))
		if k, ok := whole[n]; ok {
			if cerr != nil {
				t.Errorf("cut at %d, copied: %v", n, cerr)
			}
			if err != nil || !slices.Equal(got, golden.records[:k]) {
				t.Errorf("cut at %d: %d records, %v; want %d", n, len(got), err, k)
			}
			continue
		}
		var d, c *DamageError
		if !errors.As(err, &d) || d.Offset > int64(n) {
			t.Errorf("cut at %d: %v, want damage at or before it", n, err)
		} else if !errors.As(cerr, &c) || *c != *d {
			t.Errorf("cut at %d: read %v, copied %v", n, err, cerr)
		}
		if !slices.Equal(got, golden.records[:len(got)]) {
			t.Errorf("cut at %d: wrong records %v", n, got)
		}
	}
}

// TestBrokenReader shows that a read error is not taken for damage or an end.
func TestBrokenReader(t *testing.T) {
	broken := errors.New("broken")
	for n := range len(golden.bytes) + 1 {
		rd := NewReader(io.MultiReader(strings.NewReader(golden.bytes[:n]), iotest.ErrReader(broken)), Limits{})
		_, err := read(rd)
		if !errors.Is(err, broken) {
			t.Errorf("broken at %d: %v", n, err)
		}
		if _, again := rd.Next(); again != err {
			t.Errorf("broken at %d: first %v, then %v", n, err, again)
		}
		copied := NewReader(io.MultiReader(strings.NewReader(golden.bytes[:n]), iotest.ErrReader(broken)), Limits{})
		if err := copyAll(copied); !errors.Is(err, broken) {
			t.Errorf("broken at %d, copied: %v", n, err)
		}
		if _, again := rd.Read(make([]byte, 1)); again != err {
			t.Errorf("broken at %d: first %v, then Read %v", n, err, again)
		}
	}
}

// copyAll takes every value with WriteTo.
func copyAll(r *Reader) error {
	for _, err := range r.All() {
		if err != nil {
			return err
		}
		if _, err := r.WriteTo(io.Discard); err != nil {
			return err
		}
	}
	return nil
}

func TestDamage(t *testing.T) {
	good := "Data\x04\x00\x00\x00\x01\x00\x00\x00key1\x00\xBC\xBC\xBCv\xBC\xBC\xBC"
	huge := "Data\x01\x00\x00\x00\xFF\xFF\xFF\x7Fk\x00\xBC\xBC"
	tests := []struct {
		name   string
		in     string
		limits Limits
		offset int64
		cause  error
	}{
		{"magic", good + "Date\x01\x00\x00\x00\x00\x00\x00\x00k\x00\xBC\xBC", Limits{}, 24, nil},
		{"no key", good + "Data\x00\x00\x00\x00\x00\x00\x00\x00\x00\xBC\xBC\xBC", Limits{}, 28, nil},
		{"negative key", good + "Data\xFF\xFF\xFF\xFF\x00\x00\x00\x00\x00\xBC\xBC\xBC", Limits{}, 28, nil},
		{"long key", good + "Data\x00\x00\x01\x00\x00\x00\x00\x00kkkk", Limits{}, 28, ErrLimit},
		{"long key of ours", good + "Data\x03\x00\x00\x00\x00\x00\x00\x00kkk\x00", Limits{Key: 2}, 4, ErrLimit},
		{"no limit above the format's", good + "Data\xFF\xFF\xFF\x7F\x00\x00\x00\x00kkkk", Limits{Key: math.MaxInt}, 28, ErrLimit},
		{"huge value", good + huge, Limits{}, 32, ErrLimit},
		{"huge value that is allowed and not there", good + huge, Limits{Data: math.MaxInt64}, 40, nil},
		{"key not text", good + "Data\x01\x00\x00\x00\x00\x00\x00\x00\xFF\x00\xBC\xBC", Limits{}, 36, ErrKey},
		{"key with a zero", good + "Data\x02\x00\x00\x00\x00\x00\x00\x00k\x00\x00\xBC", Limits{}, 36, ErrKey},
		{"key without end", good + "Data\x02\x00\x00\x00\x00\x00\x00\x00kkk\xBC", Limits{}, 38, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := NewReader(strings.NewReader(tt.in), tt.limits)
			_, err := read(r)
			var d *DamageError
			if !errors.As(err, &d) || d.Offset != tt.offset {
				t.Fatalf("%v, want damage at %d", err, tt.offset)
			}
			if tt.cause != nil && !errors.Is(err, tt.cause) {
				t.Errorf("%v, want %v", err, tt.cause)
			}
			if _, again := r.Next(); again != err {
				t.Errorf("then %v", again)
			}
			if n, again := r.Read(make([]byte, 4)); n != 0 || again != err {
				t.Errorf("then Read %d, %v", n, again)
			}
			if n, again := r.WriteTo(io.Discard); n != 0 || again != err {
				t.Errorf("then WriteTo %d, %v", n, again)
			}
		})
	}
}

// TestTolerance: what Android takes and does not write itself.
func TestTolerance(t *testing.T) {
	in := "Data\x01\x00\x00\x00\xFE\xFF\xFF\xFFd\x00\x00\x00" + // -2, and padding of zeros
		"Data\x05\x00\x00\x00\x01\x00\x00\x00k\xF0\x9F\x98\x80\x00\x01\x02" + "v\x03\x04\x05" +
		"Data\x01\x00\x00\x00\x00\x00\x00\x00d\x00\x00\x00"
	got, err := read(NewReader(strings.NewReader(in), Limits{}))
	want := []record{{"d", "", true}, {"k\U0001F600", "v", false}, {"d", "", false}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("read %v, %v", got, err)
	}
	if b := write(t, Options{}, got); !strings.Contains(string(b), "k\xF0\x9F\x98\x80") {
		t.Error("a key was not written as it was read")
	}
}

// TestDamageText: errors are shown to people and written to logs.
func TestDamageText(t *testing.T) {
	in := golden.bytes + "\xBC\xBC\xBCData\x00\x00\x01\x00\x00\x00\x00\x00secret"
	_, err := read(NewReader(strings.NewReader(in), Limits{}))
	want := fmt.Sprintf("damaged at byte %d: a key: larger than allowed", len(golden.bytes)+3+4)
	if err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestReadInPieces(t *testing.T) {
	r := NewReader(strings.NewReader(golden.bytes), Limits{})
	if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("before the first record: %d, %v", n, err)
	}
	for range 2 {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	p := make([]byte, 3)
	if n, err := io.ReadFull(r, p); n != 3 || err != nil || string(p) != "abc" || r.Remaining() != 4 {
		t.Errorf("three bytes: %q, %v, %d left", p, err, r.Remaining())
	}
	if _, err := r.AppendData(nil, 3); !errors.Is(err, ErrLimit) {
		t.Errorf("more than the limit: %v", err)
	}
	if b, err := r.AppendData([]byte("abc"), 4); err != nil || string(b) != "abcdefg" {
		t.Errorf("the rest: %q, %v", b, err)
	}
	if n, err := r.Read(p); n != 0 || err != io.EOF {
		t.Errorf("after the value: %d, %v", n, err)
	}
	if h, err := r.Next(); err != nil || h.Key != "key3bc" {
		t.Fatalf("%v, %v", h, err)
	}
	var b bytes.Buffer
	if n, err := io.Copy(&b, r); n != 8 || err != nil || b.String() != "abcdefgh" {
		t.Errorf("copied %q, %d, %v", b.String(), n, err)
	}
	if err := r.Skip(); err != nil {
		t.Errorf("nothing to skip: %v", err)
	}
	if h, err := r.Next(); err != nil || h.Key != "key4dad" || !h.Deleted {
		t.Errorf("%v, %v", h, err)
	}
}

// TestWriteToFails: the target's error does not spoil the stream.
func TestWriteToFails(t *testing.T) {
	value := strings.Repeat("v", 300<<10)
	b := write(t, Options{}, []record{{"a", value, false}, {"b", "x", false}})
	full := errors.New("full")
	for _, to := range []io.Writer{&limited{100 << 10, full}, &limited{100 << 10, nil}} { // nil: a short write
		r := NewReader(bytes.NewReader(b), Limits{})
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		n, err := r.WriteTo(to)
		if n != 100<<10 || err == nil {
			t.Errorf("copied %d, %v", n, err)
		}
		if r.Remaining() != int64(len(value))-n {
			t.Errorf("%d bytes left", r.Remaining())
		}
		if h, err := r.Next(); err != nil || h.Key != "b" {
			t.Errorf("the next record: %v, %v", h, err)
		}
	}
}

type limited struct {
	left int
	err  error
}

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.left -= n
	if n < len(p) {
		return n, l.err
	}
	return n, nil
}

func TestLongestKey(t *testing.T) {
	for n := MaxKey - 5; n <= MaxKey; n++ {
		records := []record{{Key(strings.Repeat("k", n)), "v", false}, {"b", "w", false}}
		b := write(t, Options{}, records)
		got, err := read(NewReader(iotest.HalfReader(bytes.NewReader(b)), Limits{}))
		if err != nil || !slices.Equal(got, records) {
			t.Errorf("a key of %d bytes: %v", n, err)
		}
	}
}

// TestConstantMemory: neither direction holds a value, or anything of a record
// but its key.
func TestConstantMemory(t *testing.T) {
	value := make([]byte, 100<<10)
	b := write(t, Options{}, slices.Repeat([]record{{"some.key", string(value), false}}, 64))
	src := bytes.NewReader(b)
	r := NewReader(src, Limits{})
	half := make([]byte, len(value)/2)
	reading := testing.AllocsPerRun(50, func() { // and the other half is skipped
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(r, half); err != nil {
			t.Fatal(err)
		}
	})
	w := NewWriter(io.Discard, Options{})
	writing := testing.AllocsPerRun(50, func() {
		if err := w.WriteHeader("some.key", int64(len(value))); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(value); err != nil {
			t.Fatal(err)
		}
	})
	if reading > 1 || writing > 0 { // the key
		t.Errorf("%v allocations per record read, %v per record written", reading, writing)
	}
}

// TestSample rewrites a stream that Android wrote.
func TestSample(t *testing.T) {
	dir := os.Getenv("FERRY_SAMPLES")
	if dir == "" {
		t.Skip("FERRY_SAMPLES is not set: no real streams to read")
	}
	b, err := os.ReadFile(filepath.Join(dir, "android", "backup_mock.dat"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := read(NewReader(bytes.NewReader(b), Limits{}))
	if err != nil {
		t.Fatal(err)
	}
	want := []record{{"key1", "", true}, {"key2a", "abcdefg", false}, {"key3bc", "abcdefgh", false}, {"key4dad", "", true}}
	if !slices.Equal(got, want) {
		t.Errorf("read %v", got)
	}
	if again := write(t, Options{}, got); !bytes.Equal(again, b) {
		t.Errorf("written again: %x, want %x", again, b)
	}
}
