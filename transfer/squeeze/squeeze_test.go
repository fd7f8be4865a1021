package squeeze

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func chance(seed uint64) (*rand.ChaCha8, *rand.Rand) {
	var s [32]byte
	binary.LittleEndian.PutUint64(s[:], seed)
	c := rand.NewChaCha8(s)
	return c, rand.New(c)
}

func noise(n int) []byte {
	src, _ := chance(1)
	b := make([]byte, n)
	src.Read(b)
	return b
}

var vocabulary = sync.OnceValue(func() []string {
	_, rng := chance(2)
	list := make([]string, 4000)
	for i := range list {
		w := make([]byte, 2+rng.IntN(9))
		for k := range w {
			w[k] = "etaoinshrdlucmfwypvbgkjqxz"[min(rng.IntN(26), rng.IntN(26))]
		}
		list[i] = string(w)
	}
	return list
})

// words makes n bytes of 4,000 made-up words, as the benchmark's data set does.
func words(seed uint64, n int) []byte {
	list := vocabulary()
	_, rng := chance(seed)
	b := make([]byte, 0, n+16)
	for len(b) < n {
		b = append(b, list[rng.IntN(len(list))]...)
		b = append(b, " \n"[rng.IntN(12)/11])
	}
	return b[:n]
}

func records(seed uint64, n int) []byte {
	_, rng := chance(seed)
	var b []byte
	for i := 0; len(b) < n; i++ {
		r, err := json.Marshal(map[string]any{
			"id": i, "address": fmt.Sprintf("+49170%07d", rng.IntN(1e7)), "date": 1_600_000_000_000 + rng.Int64N(1e11), "type": rng.IntN(3), "read": rng.IntN(2) == 0,
			"body": string(words(rng.Uint64(), 20+rng.IntN(100))),
		})
		if err != nil {
			panic(err)
		}
		b = append(append(b, r...), '\n')
	}
	return b[:n]
}

// scan is what the inside of a JPEG looks like: noise in which no 0xff stands
// without a 0.
func scan(n int) []byte {
	b := bytes.ReplaceAll(noise(n), []byte{0xff}, []byte{0xff, 0})
	return append([]byte("\xff\xd8\xff\xe1\x00\x10Exif\x00\x00"), b...)[:n]
}

func packedWords(n int) []byte {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic(err)
	}
	return e.EncodeAll(words(3, 4*n), nil)[:n]
}

// repeated is a sentence with numbers in it, so that it is not one long match.
func repeated(s string, n int) []byte {
	_, rng := chance(uint64(len(s)))
	f := strings.Fields(s)
	if len(f) < 4 { // a script without spaces
		f = strings.Split(s, "")
	}
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(f[rng.IntN(len(f))])
		if rng.IntN(5) == 0 {
			fmt.Fprint(&b, rng.IntN(1000))
		}
		b.WriteByte(' ')
	}
	return []byte(b.String())[:n]
}

type content struct {
	name  string
	data  []byte
	worth bool
}

func contents(n int) []content {
	pages := make([]byte, n) // a database: some text in each page, and much nothing
	for i := 0; i+4096 <= n; i += 4096 {
		copy(pages[i:], words(uint64(i), 1500))
	}
	base := make([]byte, base64.StdEncoding.EncodedLen(n))
	base64.StdEncoding.Encode(base, noise(n))
	half := noise(n)
	clear(half[:n/2])
	return []content{
		{"words", words(9, n), true},
		{"records", records(9, n), true},
		{"zeros", make([]byte, n), true},
		{"pages", pages, true},
		{"base64", base[:n], true},
		{"half noise", half, true},
		{"English", repeated("Everything moves from the old phone to the new one over Wi-Fi, and nothing else is in between.", n), true},
		{"German", repeated("Übergroße Größen müssen früher oder später über die Straße, heißt es öfters.", n), true},
		{"Russian", repeated("Все данные переходят со старого телефона на новый по беспроводной сети без облака.", n), true},
		{"Arabic", repeated("تنتقل كل البيانات من الهاتف القديم إلى الهاتف الجديد عبر الشبكة اللاسلكية مباشرة", n), true},
		{"Hindi", repeated("पुराने फ़ोन से नए फ़ोन में सब कुछ वाई-फ़ाई से सीधे जाता है", n), true},
		{"Chinese", repeated("所有数据都通过无线网络从旧手机直接传到新手机", n), true},
		{"Japanese", repeated("古い電話から新しい電話へすべてのデータが直接移ります", n), true},
		{"noise", noise(n), false},
		{"JPEG", scan(n), false},
		{"Zstandard", packedWords(n), false},
	}
}

var sizes = []int{200, MinBlock - 1, MinBlock, 2000, 4096, 20_000, 64 << 10, 128<<10 - 1, 128 << 10, 128<<10 + 1, 200_001, MaxBlock}

// Every kind of content, in blocks of every size, comes back over one lane.
func TestRoundTrip(t *testing.T) {
	var e Encoder
	var d Decoder
	defer e.Close()
	defer d.Close()
	var packed []byte
	got := make([]byte, MaxBlock)
	all := contents(MaxBlock)
	for _, size := range sizes {
		for _, c := range all {
			if c.name == "half noise" && size < MaxBlock {
				continue
			}
			src := c.data[:size]
			out, ok := e.Append(packed[:0], src)
			if !ok {
				if c.worth && size >= MinBlock {
					t.Errorf("%s, %d bytes: does not pay", c.name, size)
				}
				if len(out) != 0 {
					t.Errorf("%s, %d bytes: %d bytes that are not to be used", c.name, size, len(out))
				}
				continue
			}
			if !c.worth {
				t.Errorf("%s, %d bytes: pays, with %d", c.name, size, len(out))
			}
			if len(out) > size-size/saveShare {
				t.Errorf("%s, %d bytes: became %d", c.name, size, len(out))
			}
			if err := d.Decode(got[:size], out); err != nil {
				t.Fatalf("%s, %d bytes: %v", c.name, size, err)
			}
			if !bytes.Equal(got[:size], src) {
				t.Fatalf("%s, %d bytes: came back different", c.name, size)
			}
			packed = out
		}
	}
}

// What Append is given before stays, and what does not pay leaves no trace.
func TestAppendKeepsWhatIsThere(t *testing.T) {
	var e Encoder
	defer e.Close()
	head := []byte("head")
	out, ok := e.Append(head, words(1, 5000))
	if !ok || !bytes.HasPrefix(out, head) {
		t.Fatalf("%v, %q", ok, out[:10])
	}
	room := make([]byte, 0, BufferSize)
	for _, src := range [][]byte{words(1, MaxBlock), noise(MaxBlock), scan(MaxBlock)} {
		if n := testing.AllocsPerRun(1, func() { e.Append(room, src) }); n > 4 {
			t.Errorf("%v allocations with room for a block", n)
		}
		if len(e.out.b) != 0 {
			t.Error("it holds on to the caller's buffer")
		}
	}
	for _, src := range [][]byte{nil, make([]byte, MinBlock-1), make([]byte, MaxBlock+1), noise(5000)} {
		if out, ok := e.Append(head, src); ok || string(out) != "head" {
			t.Errorf("%d bytes: %v, %q", len(src), ok, out)
		}
	}
	// After noise the memory is empty, on both sides.
	if out, ok = e.Append(nil, words(1, 5000)); !ok || out[0] != begins {
		t.Errorf("%v, begins with %d", ok, out[0])
	}
	if out, ok = e.Append(nil, words(2, 5000)); !ok || out[0] != goesOn {
		t.Errorf("%v, begins with %d", ok, out[0])
	}
}

// A block that is like the one before it is mostly remembered.
func TestMemory(t *testing.T) {
	var e Encoder
	defer e.Close()
	first, _ := e.Append(nil, words(1, 64<<10))
	var last []byte
	for i := range 8 {
		last, _ = e.Append(nil, words(uint64(i)+2, 64<<10))
	}
	if alone, then := 65536/float64(len(first)), 65536/float64(len(last)); alone > 2.1 || then < 2.65 {
		t.Errorf("64 KiB of words became a %.2fth, with memory a %.2fth", alone, then)
	}
}

// The format is Zstandard: a frame's header before it, and an empty last block
// after it, make a file that any program unfolds.
func TestFormatIsZstandard(t *testing.T) {
	var e Encoder
	defer e.Close()
	file, want := bytes.Clone(frameHead[:]), []byte(nil)
	for i := range 5 {
		src := words(uint64(i), 100_000)
		out, ok := e.Append(nil, src)
		if !ok || (out[0] == begins) != (i == 0) {
			t.Fatal(ok, out[0])
		}
		file, want = append(file, out[1:]...), append(want, src...)
	}
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	got, err := d.DecodeAll(append(file, 1, 0, 0), nil)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes of %d, %v", len(got), len(want), err)
	}
}

// raw and rle are Zstandard blocks, RFC 8878, 3.1.1.2: a header of 3 bytes,
// little-endian (last block 1 bit, type 2 bits, size 21 bits), and what it says.
func raw(p string) string {
	return string([]byte{byte(len(p) << 3), byte(len(p) >> 5), byte(len(p) >> 13)}) + p
}

func rle(n int, c byte) string {
	return string([]byte{byte(n<<3) | 1<<1, byte(n >> 5), byte(n >> 13), c})
}

// What others may write and this package reads, byte for byte.
func TestDecodeGolden(t *testing.T) {
	if raw("ab") != "\x10\x00\x00ab" || rle(131072, 'x') != "\x02\x00\x10x" {
		t.Fatalf("%x, %x", raw("ab"), rle(131072, 'x'))
	}
	var d Decoder
	defer d.Close()
	for _, c := range []struct{ squeezed, want string }{
		{"\x00" + rle(300, 'a'), strings.Repeat("a", 300)},
		{"\x01" + raw("hello ") + rle(200, 'b') + raw("bye"), "hello " + strings.Repeat("b", 200) + "bye"},
		{"\x00" + rle(131072, 'c') + rle(131072, 'd'), strings.Repeat("c", 131072) + strings.Repeat("d", 131072)},
	} {
		got := make([]byte, len(c.want))
		if err := d.Decode(got, []byte(c.squeezed)); err != nil || string(got) != c.want {
			t.Errorf("%.20x: %v", c.squeezed, err)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	good, _ := new(Encoder).Append(nil, words(1, 5000))
	with := func(i int, c byte) string { b := bytes.Clone(good); b[i] = c; return string(b) }
	for _, c := range []struct {
		name, squeezed string
		size           int
	}{
		{"nothing", "", 5000},
		{"only a beginning", "\x00", 5000},
		{"goes on from nothing", with(0, goesOn), 5000},
		{"another mark", with(0, 2), 5000},
		{"too short by one", string(good), 5001},
		{"too long by one", string(good[:]) + raw("x"), 5000},
		{"announced as nothing", "\x00" + raw("x"), 0},
		{"announced as more than a block", "\x00" + rle(131072, 0) + rle(131072, 0) + rle(1, 0), MaxBlock + 1},
		{"larger than its content", "\x00" + raw("x"), 1},
		{"saves less than a 16th", "\x00" + raw(string(noise(1000))), 1000},
		{"a last block", "\x00\x03\x10\x00x", 512},
		{"a reserved type", "\x00\x06\x10\x00x", 512},
		{"an empty block", "\x00" + raw("") + rle(300, 0), 300},
		{"a block of more than 128 KiB", "\x00" + rle(131073, 0), 131073},
		{"trailing bytes", string(good) + "xx", 5000},
		{"trailing zeros", string(good) + "\x00\x00\x00", 5000},
		{"a frame's header", "\x00" + string(frameHead[:]) + string(good[1:]), 5000},
		{"a skippable frame", "\x00\x50\x2a\x4d\x18\x04\x00\x00\x00abcd" + string(good[1:]), 5000},
		{"seventeen parts", "\x00" + strings.Repeat(rle(20, 0), 17), 340},
	} {
		var d Decoder
		got := make([]byte, c.size)
		if err := d.Decode(got, []byte(c.squeezed)); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", c.name, err)
		}
		if err := d.Decode(make([]byte, 5000), good); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: a good block after it: %v", c.name, err)
		}
		d.Close()
		if err := d.Decode(make([]byte, 5000), good); err != nil {
			t.Errorf("%s: a good block on another lane: %v", c.name, err)
		}
		d.Close()
	}
}

// A block that gives more than was announced, by a byte of its last part, is
// noticed with the next.
func TestDecodeNoticesTooMuch(t *testing.T) {
	var d Decoder
	defer d.Close()
	got := make([]byte, 300)
	if err := d.Decode(got[:299], []byte("\x00"+rle(300, 'a'))); err != nil || !bytes.Equal(got[:299], bytes.Repeat([]byte("a"), 299)) {
		t.Fatal(err)
	}
	if err := d.Decode(got, []byte("\x01"+rle(300, 'a'))); !errors.Is(err, ErrDamaged) {
		t.Errorf("%v", err)
	}
}

// Cut at every byte it is an error. With any bit flipped it is an error, or
// exactly as many bytes as were announced, which the block's hash is for.
func TestDecodeDamage(t *testing.T) {
	var e Encoder
	defer e.Close()
	first := words(1, 3000)
	src := words(2, 3000)
	one, _ := e.Append(nil, first)
	two, _ := e.Append(nil, src)
	got := make([]byte, len(src)+8)
	try := func(b []byte) error {
		var d Decoder
		defer d.Close()
		if err := d.Decode(got[:len(first)], one); err != nil {
			t.Fatal(err)
		}
		copy(got[len(src):], "untouched"[:8])
		err := d.Decode(got[:len(src)], b)
		if string(got[len(src):]) != "untouche" {
			t.Fatal("it wrote beyond what was announced")
		}
		if err != nil && !errors.Is(err, ErrDamaged) {
			t.Fatal(err)
		}
		return err
	}
	if err := try(two); err != nil || !bytes.Equal(got[:len(src)], src) {
		t.Fatal(err)
	}
	for i := range two {
		if try(two[:i]) == nil {
			t.Errorf("cut at %d of %d: no error", i, len(two))
		}
		for bit := range 8 {
			b := bytes.Clone(two)
			b[i] ^= 1 << bit
			_ = try(b)
		}
	}
}

// What a decoder holds does not depend on what comes, and in the steady state
// neither side allocates.
func TestMemoryIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("measures allocations")
	}
	src := words(1, MaxBlock)
	var e Encoder
	defer e.Close()
	good, _ := e.Append(nil, src)
	next, _ := e.Append(nil, src)
	got := make([]byte, MaxBlock)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	const lanes = 8
	for range lanes {
		var d Decoder
		if err := d.Decode(got, good); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			if err := d.Decode(got, next); err != nil {
				t.Fatal(err)
			}
		}
		// not closed, so that each lane takes its own
	}
	runtime.ReadMemStats(&after)
	if n := (after.TotalAlloc - before.TotalAlloc) / lanes; n > 3<<20 {
		t.Errorf("a lane that is decoded allocates %d bytes", n)
	} else {
		t.Logf("a lane that is decoded allocates %d bytes", n)
	}
	runtime.ReadMemStats(&before)
	for range lanes {
		var e Encoder
		for range 10 {
			good, _ = e.Append(good[:0], src)
		}
	}
	runtime.ReadMemStats(&after)
	if n := (after.TotalAlloc - before.TotalAlloc) / lanes; n > 3<<20 {
		t.Errorf("a lane that is encoded allocates %d bytes", n)
	} else {
		t.Logf("a lane that is encoded allocates %d bytes", n)
	}
}

func FuzzDecode(f *testing.F) {
	var e Encoder
	for _, c := range contents(MinBlock) {
		if b, ok := e.Append(nil, c.data); ok {
			f.Add(b, uint32(len(c.data)))
		}
	}
	f.Add([]byte("\x00"+rle(131072, 0)+rle(131072, 0)), uint32(MaxBlock))
	first, _ := new(Encoder).Append(nil, words(1, MinBlock))
	f.Fuzz(func(t *testing.T, b []byte, size uint32) {
		got := make([]byte, min(int(size), MaxBlock+1)+1)
		end := len(got) - 1
		got[end] = 0x5a
		var d Decoder
		defer d.Close()
		if err := d.Decode(make([]byte, MinBlock), first); err != nil {
			t.Fatal(err)
		}
		if err := d.Decode(got[:end], b); err != nil && !errors.Is(err, ErrDamaged) {
			t.Fatal(err)
		}
		if got[end] != 0x5a {
			t.Fatal("it wrote beyond what was announced")
		}
	})
}

func FuzzRoundTrip(f *testing.F) {
	for _, c := range contents(MinBlock) {
		f.Add(c.data, c.data[:100])
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		var e Encoder
		var d Decoder
		defer e.Close()
		defer d.Close()
		for _, src := range [][]byte{a, b, a, append(bytes.Clone(b), a...)} {
			out, ok := e.Append(nil, src)
			if !ok {
				continue
			}
			got := make([]byte, len(src))
			if err := d.Decode(got, out); err != nil || !bytes.Equal(got, src) {
				t.Fatalf("%d bytes: %v", len(src), err)
			}
		}
	})
}
