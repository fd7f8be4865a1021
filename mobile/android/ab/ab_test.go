package ab

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

// sample is content that deflates to something, from a fixed seed.
func sample(n int) []byte {
	rnd := rand.New(rand.NewPCG(3, 8))
	words := strings.Fields("apps com.example.notes f db sp r ef shared_prefs databases files 0 1 map string")
	var b []byte
	for len(b) < n {
		if rnd.IntN(8) == 0 {
			b = append(b, byte(rnd.Uint32()), byte(rnd.Uint32()))
		}
		b = append(b, words[rnd.IntN(len(words))]...)
	}
	return b[:n]
}

func archive(t testing.TB, o CreateOptions, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := Create(&b, o)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := w.Write(content); n != len(content) || err != nil {
		t.Fatal(n, err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// read opens and reads everything.
func read(file []byte, o Options) ([]byte, End, error) {
	r, err := Open(bytes.NewReader(file), o)
	if err != nil {
		return nil, End{}, err
	}
	b, err := io.ReadAll(r)
	e, _ := r.End()
	return b, e, err
}

func TestRoundTrip(t *testing.T) {
	for version := range MaxVersion + 1 { // 0 = the default
		for _, compress := range []bool{false, true} {
			for _, password := range []string{"", "secret", "пароль"} {
				for _, n := range []int{0, 1, 15, 16, 17, chunk - 1, chunk, chunk + 1, 3*chunk + 5} {
					content := sample(n)
					o := CreateOptions{Version: version, Compress: compress, Password: []byte(password), Rounds: 1}
					file := archive(t, o, content)
					got, end, err := read(file, with(password))
					if err != nil || !bytes.Equal(got, content) || !end.Clean() {
						t.Fatalf("%+v, %d bytes: got %d, %v, %+v", o, n, len(got), err, end)
					}
					r, err := Open(iotest.OneByteReader(bytes.NewReader(file)), with(password))
					if err != nil {
						t.Fatal(err)
					}
					if n <= 17 {
						if err := iotest.TestReader(r, content); err != nil {
							t.Fatalf("%+v, %d bytes: %v", o, n, err)
						}
					}
				}
			}
		}
	}
}

func TestDefaults(t *testing.T) {
	r, err := Open(bytes.NewReader(archive(t, CreateOptions{Password: []byte("x")}, nil)), with("x"))
	if err != nil {
		t.Fatal(err)
	}
	if want := (Header{Version: 5, Encrypted: true, Rounds: 10000}); r.Header() != want {
		t.Errorf("header %+v, want %+v", r.Header(), want)
	}
	a, b := archive(t, CreateOptions{Password: []byte("x"), Rounds: 1}, nil), archive(t, CreateOptions{Password: []byte("x"), Rounds: 1}, nil)
	if bytes.Equal(a, b) {
		t.Error("two archives have the same salts and keys")
	}
}

func TestHeaderErrors(t *testing.T) {
	const salt = goldSalts
	blob := strings.Repeat("00", 96) + "\n"
	for _, c := range []struct {
		name, file string
		want       error // nil = damage
		offset     int64
	}{
		{"empty", "", ErrFormat, 0},
		{"short", "ANDROID", ErrFormat, 0},
		{"zip", "PK\x03\x04 and so on, and on", ErrFormat, 0},
		{"carriage returns", "ANDROID BACKUP\r\n5\r\n1\r\nnone\r\n", ErrFormat, 0},
		{"version 0", "ANDROID BACKUP\n0\n1\nnone\n", ErrVersion, 0},
		{"version 6", "ANDROID BACKUP\n6\n1\nnone\n", ErrVersion, 0},
		{"version of 30 digits", "ANDROID BACKUP\n" + strings.Repeat("9", 30) + "\n1\nnone\n", ErrVersion, 0},
		{"version in words", "ANDROID BACKUP\nfive\n1\nnone\n", nil, 15},
		{"version -1", "ANDROID BACKUP\n-1\n1\nnone\n", nil, 15},
		{"version 05", "ANDROID BACKUP\n05\n1\nnone\n", nil, 15},
		{"version empty", "ANDROID BACKUP\n\n1\nnone\n", nil, 15},
		{"compression 2", "ANDROID BACKUP\n5\n2\nnone\n", nil, 17},
		{"compression yes", "ANDROID BACKUP\n5\nyes\nnone\n", nil, 17},
		{"cut in a line", "ANDROID BACKUP\n5\n1\nno", nil, 21},
		{"another cipher", "ANDROID BACKUP\n5\n1\nAES-512\n", ErrEncryption, 0},
		{"endless line", "ANDROID BACKUP\n5\n1\n" + strings.Repeat("x", 70000), nil, 19},
		{"endless digits", "ANDROID BACKUP\n" + strings.Repeat("1", 70000), nil, 15},
		{"salt too short", "ANDROID BACKUP\n5\n1\nAES-256\n00\n", nil, 27},
		{"salt not hex", "ANDROID BACKUP\n5\n1\nAES-256\n" + strings.Repeat("zz", 64) + "\n", nil, 27},
		{"rounds 0", "ANDROID BACKUP\n5\n1\nAES-256\n" + salt + "0\n", nil, 285},
		{"rounds -5", "ANDROID BACKUP\n5\n1\nAES-256\n" + salt + "-5\n", nil, 285},
		{"two billion rounds", "ANDROID BACKUP\n5\n1\nAES-256\n" + salt + "2000000000\n" + goldIV + blob, ErrRounds, 0},
		{"rounds of 40 digits", "ANDROID BACKUP\n5\n1\nAES-256\n" + salt + strings.Repeat("7", 40) + "\n" + goldIV + blob, ErrRounds, 0},
		{"one more than allowed", "ANDROID BACKUP\n5\n1\nAES-256\n" + salt + "10000001\n" + goldIV + blob, ErrRounds, 0},
		{"vector too long", "ANDROID BACKUP\n5\n1\nAES-256\n" + salt + "1\n00" + goldIV + blob, nil, 287},
		{"blob of 80 bytes", "ANDROID BACKUP\n5\n1\nAES-256\n" + salt + "1\n" + goldIV + strings.Repeat("00", 80) + "\n", nil, 320},
		{"blob of zeros", "ANDROID BACKUP\n5\n1\nAES-256\n" + salt + "1\n" + goldIV + blob, ErrPassword, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			asked := false
			r, err := Open(strings.NewReader(c.file), Options{Password: func() ([]byte, error) { asked = true; return []byte("secret"), nil }})
			if r != nil {
				t.Error("a failed Open returned a reader")
			}
			if asked && c.want != ErrPassword {
				t.Error("the password was asked for")
			}
			var d *DamageError
			switch {
			case c.want != nil:
				if !errors.Is(err, c.want) {
					t.Errorf("got %v, want %v", err, c.want)
				}
			case !errors.As(err, &d):
				t.Errorf("got %v, want damage", err)
			case d.Offset != c.offset || d.Inflated != -1:
				t.Errorf("damage at %d (%d), want %d: %v", d.Offset, d.Inflated, c.offset, err)
			}
		})
	}
}

func TestPassword(t *testing.T) {
	file := archive(t, CreateOptions{Password: []byte("right"), Rounds: 2, Compress: true}, []byte("content"))
	if _, err := Open(bytes.NewReader(file), Options{}); err != ErrNoPassword {
		t.Errorf("nobody to ask: %v", err)
	}
	refused := errors.New("the person left")
	if _, err := Open(bytes.NewReader(file), Options{Password: func() ([]byte, error) { return nil, refused }}); !errors.Is(err, refused) {
		t.Errorf("asking failed: %v", err)
	}
	for i := range 300 { // by chance some of them have good padding
		if _, err := Open(bytes.NewReader(file), with(fmt.Sprint("wrong", i))); err != ErrPassword {
			t.Fatalf("wrong password %d: %v", i, err)
		}
	}
	// A damaged blob cannot be told from a wrong password, in each of its bytes. The
	// checksum does not cover the vector that is in it, whose last byte the first one
	// of the blob decides: by chance the rest of its block still says 16, and what the
	// vector deciphers is damaged.
	start := bytes.Index(file, []byte("\n2\n")) + len("\n2\n") + 33
	for i := start; i < start+192; i++ {
		bad := bytes.Clone(file)
		if bad[i]++; bad[i] == '9'+1 {
			bad[i] = 'A'
		} else if bad[i] == 'F'+1 {
			bad[i] = '0'
		}
		var vector *DamageError
		if _, err := Open(bytes.NewReader(bad), with("right")); err != ErrPassword && !(i < start+2 && errors.As(err, &vector)) {
			t.Fatalf("blob digit %d: %v", i-start, err)
		}
	}
	// A plain archive asks for nothing.
	if _, _, err := read(archive(t, CreateOptions{}, nil), Options{Password: func() ([]byte, error) { return nil, refused }}); err != nil {
		t.Errorf("a plain archive: %v", err)
	}
}

// kinds are the four pipelines.
var kinds = []CreateOptions{
	{}, {Compress: true}, {Password: []byte("p"), Rounds: 1}, {Password: []byte("p"), Rounds: 1, Compress: true},
}

// TestTruncated cuts a file at every byte. What comes out is always a prefix of
// the content, and a cut never passes for a clean end unless the format cannot
// show it.
func TestTruncated(t *testing.T) {
	content := sample(400)
	for _, o := range kinds {
		file := archive(t, o, content)
		for cut := range file {
			got, end, err := read(file[:cut], with("p"))
			if !bytes.HasPrefix(content, got) {
				t.Fatalf("%+v cut at %d: %d bytes that were never written", o, cut, len(got))
			}
			var d *DamageError
			switch {
			case errors.As(err, &d):
				if d.Offset > int64(cut) || d.Inflated > int64(len(content)) {
					t.Errorf("%+v cut at %d: damage at %d, %d unpacked", o, cut, d.Offset, d.Inflated)
				}
			case errors.Is(err, ErrFormat) && cut < len(magic):
			case err != nil:
				t.Errorf("%+v cut at %d: %v", o, cut, err)
			case !o.Compress && len(o.Password) == 0: // the tar reader's business
			case o.Compress && end.Clean(), !o.Compress:
				t.Errorf("%+v cut at %d passes for clean, %d of %d bytes", o, cut, len(got), len(content))
			}
		}
	}
}

// TestFlipped flips every bit. In a deflated archive the check sum finds
// everything that the rest did not, but for the flag in the header that says
// that the archive is deflated.
func TestFlipped(t *testing.T) {
	content := sample(200)
	for _, o := range kinds {
		file := archive(t, o, content)
		for i := range file {
			for bit := range 8 {
				bad := bytes.Clone(file)
				bad[i] ^= 1 << bit
				got, end, err := read(bad, with("p"))
				deflated := o.Compress && i != len(magic)+len("5\n") // not where the header stops saying so
				if err == nil && end.Clean() && deflated && !bytes.Equal(got, content) {
					t.Fatalf("%+v: bit %d of byte %d went unnoticed", o, bit, i)
				}
				if len(got) > 10*len(content) {
					t.Fatalf("%+v: bit %d of byte %d gave %d bytes", o, bit, i, len(got))
				}
			}
		}
	}
}

// TestEnd shows the ends that files have.
func TestEnd(t *testing.T) {
	content := sample(1000)
	var z bytes.Buffer
	zw := zlib.NewWriter(&z)
	_, _ = zw.Write(content)
	_ = zw.Flush()
	flushed := bytes.Clone(z.Bytes())
	_ = zw.Close()
	whole := z.Bytes()
	badSum := bytes.Clone(whole)
	badSum[len(badSum)-1]++
	for _, c := range []struct {
		name   string
		stream []byte
		want   End
		what   string
	}{
		{"whole", whole, End{Final: true, Checksum: true}, ""},
		{"no check sum", whole[:len(whole)-4], End{Final: true}, ""},
		{"ends behind a flush", flushed, End{}, ""},
		{"bytes behind", append(bytes.Clone(whole), "12345"...), End{Final: true, Checksum: true, Trailing: 5}, ""},
		{"many bytes behind", append(bytes.Clone(whole), make([]byte, 3*chunk)...), End{Final: true, Checksum: true, Trailing: 3 * chunk}, ""},
		{"half a check sum", whole[:len(whole)-2], End{}, "the check sum is cut"},
		{"wrong check sum", badSum, End{}, "the check sum is wrong"},
		{"cut within the flush", flushed[:len(flushed)-1], End{}, "the compressed part is cut"},
		{"a dictionary", append([]byte{0x78, 0xbb}, whole[2:]...), End{}, "the compressed part does not begin as it must"},
		{"not zlib", []byte("hello"), End{}, "the compressed part does not begin as it must"},
		{"a bad block", []byte{0x78, 0x9c, 0x07}, End{}, "the compressed part cannot be unpacked"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, file := range [][]byte{
				append([]byte("ANDROID BACKUP\n5\n1\nnone\n"), c.stream...),
				build(t, 5, 1, true, false, "p", c.stream),
			} {
				got, end, err := read(file, with("p"))
				var d *DamageError
				if c.what != "" {
					if !errors.As(err, &d) || d.What != c.what || d.Offset > int64(len(file)) {
						t.Errorf("got %v, want %q", err, c.what)
					}
					continue
				}
				if err != nil || !bytes.Equal(got, content) || end != c.want {
					t.Errorf("got %d bytes, %+v, %v; want %+v", len(got), end, err, c.want)
				}
			}
		})
	}
}

// TestPaddingIsDamage: with the right key, a wrong end is not a wrong password.
func TestPaddingIsDamage(t *testing.T) {
	content := sample(100)
	file := archive(t, CreateOptions{Password: []byte("p"), Rounds: 1}, content)
	at := int64(len(file) - 16)
	file[at-1] ^= 0x80 // deciphers to noise in its own block, and to this bit in the last byte of the padding
	got, _, err := read(file, with("p"))
	var d *DamageError
	if !errors.As(err, &d) || d.Offset != at || d.Inflated != 96 || len(got) != 96 || !bytes.Equal(got[:80], content[:80]) {
		t.Errorf("got %d bytes, %v; want damage at %d", len(got), err, at)
	}
}

func TestReadFails(t *testing.T) {
	broken := errors.New("the cable came loose")
	for _, o := range kinds {
		file := archive(t, o, sample(3000))
		for cut := 0; cut < len(file); cut += 7 {
			r, err := Open(io.MultiReader(bytes.NewReader(file[:cut]), iotest.ErrReader(broken)), with("p"))
			if err == nil {
				_, err = io.Copy(io.Discard, r)
			}
			var d *DamageError
			if !errors.Is(err, broken) || errors.As(err, &d) {
				t.Fatalf("%+v at %d: %v", o, cut, err)
			}
		}
	}
}

type failWriter struct{ left int }

var errFull = errors.New("no space left")

func (w *failWriter) Write(p []byte) (int, error) {
	if len(p) > w.left {
		return 0, errFull
	}
	w.left -= len(p)
	return len(p), nil
}

func TestWriteFails(t *testing.T) {
	content := sample(5000)
	for _, o := range kinds {
		size := len(archive(t, o, content))
		for left := 0; left < size; left += 11 {
			w, err := Create(&failWriter{left}, o)
			if err == nil {
				_, err = w.Write(content)
				if e := w.Close(); err == nil {
					err = e
				} else if !errors.Is(e, errFull) {
					t.Fatalf("%+v: Close forgot the error: %v", o, e)
				}
			}
			if !errors.Is(err, errFull) {
				t.Fatalf("%+v with room for %d of %d: %v", o, left, size, err)
			}
		}
	}
	w, err := Create(io.Discard, CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), w.Close()); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	if _, err := w.Write([]byte("x")); err == nil {
		t.Error("wrote after Close")
	}
	for _, o := range []CreateOptions{{Version: -1}, {Version: 6}} {
		if _, err := Create(io.Discard, o); err != ErrVersion {
			t.Errorf("%+v: %v", o, err)
		}
	}
	for _, n := range []int{-1, MaxRounds + 1} {
		if _, err := Create(io.Discard, CreateOptions{Password: []byte("p"), Rounds: n}); err != ErrRounds {
			t.Errorf("%d rounds: %v", n, err)
		}
	}
	if _, err := create(io.Discard, CreateOptions{Password: []byte("p")}, strings.NewReader("few")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("no randomness: %v", err)
	}
}

func TestMaxInflated(t *testing.T) {
	for _, o := range kinds {
		for _, c := range []struct {
			size int
			max  int64
			want error
		}{{100, 0, nil}, {100, 100, nil}, {101, 100, ErrTooLarge}, {3 * chunk, 2, ErrTooLarge}, {0, 1, nil}, {1, 1, nil}, {2, 1, ErrTooLarge}} {
			opt := with("p")
			opt.MaxInflated = c.max
			got, _, err := read(archive(t, o, sample(c.size)), opt)
			if !errors.Is(err, c.want) || c.want != nil && int64(len(got)) != c.max {
				t.Errorf("%+v, %+v: %d bytes, %v", o, c, len(got), err)
			}
		}
	}
}

// bomb streams a deflated archive of n zeros without holding it.
func bomb(o CreateOptions, n int64) io.ReadCloser {
	pr, pw := io.Pipe()
	go func() {
		w, err := Create(pw, o)
		if err == nil {
			zeros := make([]byte, chunk)
			for left := n; left > 0 && err == nil; left -= int64(len(zeros)) {
				_, err = w.Write(zeros[:min(left, int64(len(zeros)))])
			}
			if e := w.Close(); err == nil {
				err = e
			}
		}
		_ = pw.CloseWithError(err) // always nil
	}()
	return pr
}

// TestConstantMemory passes 100 MB of zeros, some 100 KB deflated, through a
// reader and measures all that is allocated on the way.
func TestConstantMemory(t *testing.T) {
	size := int64(100 << 20)
	if testing.Short() {
		size = 16 << 20
	}
	for _, o := range kinds {
		if !o.Compress {
			continue
		}
		var file bytes.Buffer
		src := bomb(o, size)
		if _, err := file.ReadFrom(src); err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r, err := Open(&file, with("p"))
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{r}, make([]byte, 32<<10))
		runtime.ReadMemStats(&after)
		if n != size || err != nil {
			t.Fatalf("%d bytes, %v", n, err)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
			t.Errorf("%+v: %d bytes allocated", o, got)
		}
	}
}

// TestSamples reads real archives, if they are given.
func TestSamples(t *testing.T) {
	dir := os.Getenv("FERRY_SAMPLES")
	if dir == "" {
		t.Skip("FERRY_SAMPLES names no folder of real archives")
	}
	for name, size := range map[string]int{"backup_telephony_no_password": 26112, "backup_file_with_long_name": -1} {
		file, err := os.ReadFile(filepath.Join(dir, "android", name))
		if err != nil {
			t.Fatal(err)
		}
		got, end, err := read(file, Options{})
		if err != nil || size >= 0 && len(got) != size || len(got)%512 != 0 {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		t.Logf("%s: %d bytes, %+v", name, len(got), end)
		if !bytes.HasSuffix(got, make([]byte, 1024)) {
			t.Errorf("%s: the tar stream does not end with two empty blocks", name)
		}
		for _, o := range kinds {
			if again, _, err := read(archive(t, o, got), with("p")); err != nil || !bytes.Equal(again, got) {
				t.Errorf("%s: another tar stream after a round trip: %v", name, err)
			}
		}
	}
}
