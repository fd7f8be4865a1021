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

// raw makes a header block of any name, size and type.
func raw(name, size string, kind byte) []byte {
	b := []byte(block(at{0, name}, at{100, "000600 "}, at{108, "01750"}, at{116, "01750"}, at{124, size},
		at{136, "0"}, at{156, string(kind)}, at{257, ustar}))
	fixSum(b)
	return b
}

func pax(records string) []byte {
	return append(raw("PaxHeader/x", octal11(len(records)), 'x'), padded(records)...)
}

func octal11(n int) string {
	b := []byte("00000000000")
	for i := 10; n > 0; i-- {
		b[i] = '0' + byte(n&7)
		n >>= 3
	}
	return string(b)
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

var good = raw("apps/a.b/f/good", "00000000003", '0')

var goodContent = []byte(padded("abc"))

// Whatever is refused, what follows is read.
func TestRefusedEntries(t *testing.T) {
	zero := "00000000000"
	long := strings.Repeat("a/", 2048) // 4,096 bytes
	record := func(path string) []byte {
		n := len(path) + 7
		for l := 0; l != len(itoa(n)); n = len(path) + 7 + l {
			l = len(itoa(n))
		}
		return []byte(itoa(n) + " path=" + path + "\n")
	}
	named := func(path string) []byte {
		return join(pax(string(record(path))), raw("x", zero, '0'))
	}
	for _, c := range []struct {
		what   string
		head   []byte
		reason fullbackup.Reason
	}{
		{"top", raw("apps/", zero, '5'), fullbackup.Parent},
		{"top without slash", raw("apps", zero, '5'), fullbackup.Parent},
		{"dot", raw("./", zero, '5'), fullbackup.Parent},
		{"package", raw("apps/a.b/", zero, '5'), fullbackup.Parent},
		{"domain", raw("./apps/a.b/f/", zero, '5'), fullbackup.Parent},
		{"volume", raw("shared/0", zero, '5'), fullbackup.Parent},
		{"symbolic link", raw("apps/a.b/f/l", zero, '2'), fullbackup.Link},
		{"hard link with a size", raw("apps/a.b/f/l", "00000001000", '1'), fullbackup.Link},
		{"character device", raw("apps/a.b/f/l", zero, '3'), fullbackup.Device},
		{"block device", raw("apps/a.b/f/l", zero, '4'), fullbackup.Device},
		{"pipe", raw("apps/a.b/f/l", zero, '6'), fullbackup.Device},
		{"GNU sparse", raw("apps/a.b/f/l", zero, 'S'), fullbackup.Sparse},
		{"pax sparse", join(pax("22 GNU.sparse.major=1\n"), raw("apps/a.b/f/l", zero, '0')), fullbackup.Sparse},
		{"contiguous", join(raw("apps/a.b/f/l", "00000000001", '7'), []byte(padded("x"))), fullbackup.UnknownType},
		{"volume header", raw("apps/a.b/f/l", zero, 'V'), fullbackup.UnknownType},
		{"global", join(raw("g", "00000000001", 'g'), []byte(padded("x"))), fullbackup.Global},
		{"long link", join(raw("././@LongLink", "00000000002", 'K'), []byte(padded("x\x00")), raw("apps/a.b/f/l", zero, '2')), fullbackup.Link},
		{"empty", raw("", zero, '0'), fullbackup.BadName},
		{"empty directory", raw("", zero, '5'), fullbackup.BadName},
		{"absolute", raw("/apps/a.b/f/x", zero, '0'), fullbackup.BadName},
		{"up", raw("apps/a.b/f/../x", zero, '0'), fullbackup.BadName},
		{"up as package", raw("apps/../f/x", zero, '0'), fullbackup.BadName},
		{"up at the end", raw("apps/a.b/f/..", zero, '5'), fullbackup.BadName},
		{"here", raw("apps/a.b/f/./x", zero, '0'), fullbackup.BadName},
		{"two slashes", raw("apps/a.b/f//x", zero, '0'), fullbackup.BadName},
		{"two slashes at the end", raw("apps/a.b/f/x//", zero, '5'), fullbackup.BadName},
		{"file with a slash at the end", raw("apps/a.b/f/x/", zero, '0'), fullbackup.BadName},
		{"NUL", named("apps/a.b/f/x\x00y"), fullbackup.BadName},
		{"up, extended", named("apps/a.b/f/../../x"), fullbackup.BadName},
		{"manifest as a directory", raw("apps/a.b/_manifest", zero, '5'), fullbackup.BadName},
		{"too long", named("apps/a.b/f/" + long + "x"), fullbackup.LongName},
		{"outside", raw("data/a.b/f/x", zero, '0'), fullbackup.Outside},
		{"apps by prefix only", raw("appsx/a.b/f/x", zero, '0'), fullbackup.Outside},
		{"no slash after the package", raw("apps/a.b", zero, '0'), fullbackup.NoDomain},
		{"no domain", raw("apps/a.b/file", zero, '0'), fullbackup.NoDomain},
		{"no volume", raw("shared/file", zero, '0'), fullbackup.NoDomain},
		{"apps is a file", raw("apps", zero, '0'), fullbackup.NoDomain},
		{"package with a space", raw("apps/a b/f/x", zero, '0'), fullbackup.BadPackage},
		{"package with a backslash", raw(`apps/a\b/f/x`, zero, '0'), fullbackup.BadPackage},
		{"large manifest", join(raw("apps/a.b/_manifest", octal11(65537), '0'), make([]byte, 65537+511)), fullbackup.TooLarge},
		{"large widget data", join(raw("apps/a.b/_meta", octal11(65537), '0'), make([]byte, 65537+511)), fullbackup.TooLarge},
		{"record without a length", join(pax("path=x\n"), raw("apps/a.b/f/x", zero, '0')), fullbackup.BadExtended},
		{"record length 0", join(pax("0 path=x\n"), raw("apps/a.b/f/x", zero, '0')), fullbackup.BadExtended},
		{"record length signed", join(pax("+9 path=x\n"), raw("apps/a.b/f/x", zero, '0')), fullbackup.BadExtended},
		{"record too long", join(pax("99 path=x\n"), raw("apps/a.b/f/x", zero, '0')), fullbackup.BadExtended},
		{"record too short", join(pax("5 path=x\n"), raw("apps/a.b/f/x", zero, '0')), fullbackup.BadExtended},
		{"record without a key", join(pax("5 =x\n"), raw("apps/a.b/f/x", zero, '0')), fullbackup.BadExtended},
		{"record without a value", join(pax("7 path\n"), raw("apps/a.b/f/x", zero, '0')), fullbackup.BadExtended},
		{"record without an end", join(pax("9 path=xy"), raw("apps/a.b/f/x", zero, '0')), fullbackup.BadExtended},
		{"negative size", join(pax("11 size=-1\n"), raw("apps/a.b/f/x", zero, '0')), fullbackup.BadExtended},
		{"signed size", join(pax("11 size=+1\n"), raw("apps/a.b/f/x", zero, '0')), fullbackup.BadExtended},
		{"empty size", join(pax("8 size=\n"), raw("apps/a.b/f/x", zero, '0')), fullbackup.BadExtended},
		{"overflowing size", join(pax("28 size=9223372036854775807\n"), raw("apps/a.b/f/x", zero, '0')), fullbackup.BadExtended},
		{"size beyond 64 bits", join(pax("29 size=92233720368547758070\n"), raw("apps/a.b/f/x", zero, '0')), fullbackup.BadExtended},
		{"extended header of 33 KiB", join(raw("x", octal11(33<<10), 'x'), make([]byte, 33<<10), raw("apps/a.b/f/x", zero, '0')), fullbackup.BadExtended},
		{"long name of 5 KiB", join(raw("x", octal11(5<<10), 'L'), make([]byte, 5<<10), raw("apps/a.b/f/x", zero, '0')), fullbackup.BadExtended},
		{"binary size", join(raw("apps/a.b/f/x", "\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00", '0'), make([]byte, 512)), fullbackup.BinarySize},
	} {
		t.Run(c.what, func(t *testing.T) {
			r := fullbackup.NewReader(bytes.NewReader(join(good, goodContent, c.head, good, goodContent)), fullbackup.Limits{})
			if _, err := r.Next(); err != nil {
				t.Fatal(err)
			}
			_, err := r.Next()
			var refused *fullbackup.EntryError
			if !errors.As(err, &refused) || !errors.Is(err, c.reason) {
				t.Fatalf("got %v, want %v", err, c.reason)
			}
			if refused.Offset != 1024 || refused.Entry != 2 {
				t.Errorf("offset %d, entry %d", refused.Offset, refused.Entry)
			}
			if strings.Contains(err.Error(), "a.b") {
				t.Errorf("the text holds a name: %q", err)
			}
			h, err := r.Next()
			if err != nil || h.Path != "good" {
				t.Fatalf("behind it: %v, %v", h, err)
			}
			if b, err := io.ReadAll(r); string(b) != "abc" || err != nil {
				t.Fatalf("behind it: %q, %v", b, err)
			}
			if _, err := r.Next(); err != io.EOF {
				t.Fatalf("at the end: %v", err)
			}
		})
	}
}

func itoa(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + itoa(n%10)
}

func TestFatalDamage(t *testing.T) {
	zero := "00000000000"
	noise := bytes.Repeat([]byte("noise..."), 64)
	two := pax("13 path=apps\n")
	for _, c := range []struct {
		what   string
		in     []byte
		lim    fullbackup.Limits
		offset int64
		short  bool
	}{
		{"not a header", join(good, goodContent, noise), fullbackup.Limits{}, 1024, false},
		{"size is text", raw("apps/a.b/f/x", "0000000000z", '0'), fullbackup.Limits{}, 124, false},
		{"size is negative", raw("apps/a.b/f/x", "-0000000001", '0'), fullbackup.Limits{}, 124, false},
		{"binary size is negative", raw("apps/a.b/f/x", strings.Repeat("\xff", 12), '0'), fullbackup.Limits{}, 124, false},
		{"binary size overflows", raw("apps/a.b/f/x", "\x80"+strings.Repeat("\xff", 11), '0'), fullbackup.Limits{}, 124, false},
		{"extended size is text", raw("x", "z", 'x'), fullbackup.Limits{}, 124, false},
		{"two extended headers", join(two, two, good), fullbackup.Limits{}, 1024, false},
		{"extended header before the end", join(two, make([]byte, 1024)), fullbackup.Limits{}, 1024, false},
		{"extended header at the end", two, fullbackup.Limits{}, 1024, true},
		{"third entry of two", join(good, goodContent, good, goodContent, good, goodContent), fullbackup.Limits{Entries: 2}, 2048, false},
		{"refused ones count", bytes.Repeat(raw("apps", zero, '5'), 3), fullbackup.Limits{Entries: 2}, 1024, false},
		{"no end mark", join(good, goodContent), fullbackup.Limits{End: true}, 1024, true},
		{"nothing", nil, fullbackup.Limits{End: true}, 0, true},
	} {
		r := fullbackup.NewReader(bytes.NewReader(c.in), c.lim)
		err := drain(r)
		var damage *fullbackup.DamageError
		if !errors.As(err, &damage) || damage.Offset != c.offset || errors.Is(err, io.ErrUnexpectedEOF) != c.short {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		if _, again := r.Next(); again != err {
			t.Errorf("%s: then %v", c.what, again)
		}
		if _, again := r.Read(make([]byte, 1)); again != err {
			t.Errorf("%s: then read %v", c.what, again)
		}
	}
}

// drain reads on to the end and returns the final error, nil for io.EOF.
func drain(r *fullbackup.Reader) error {
	for {
		_, err := r.Next()
		if err == nil {
			_, err = io.Copy(io.Discard, r)
		}
		var refused *fullbackup.EntryError
		switch {
		case err == io.EOF:
			return nil
		case err != nil && !errors.As(err, &refused):
			return err
		}
	}
}

// Cut at every byte, an archive is damaged exactly there, or ends between two
// entries.
func TestTruncated(t *testing.T) {
	whole := archive(t, true, entry{file("a", 0), "hello"}, entry{file(n120, 0), strings.Repeat("z", 700)}, entry{file("c", 0), ""})
	ends := map[int]bool{0: true, 1024: true, 3584: true, 4096: true} // between two entries
	if len(whole) != 4096+1024 {
		t.Fatalf("%d bytes", len(whole))
	}
	for n := range whole {
		err := drain(fullbackup.NewReader(iotest.HalfReader(bytes.NewReader(whole[:n])), fullbackup.Limits{}))
		if ends[n] || n >= 4096+512 {
			if err != nil {
				t.Errorf("at %d: %v", n, err)
			}
		} else {
			var damage *fullbackup.DamageError
			if !errors.As(err, &damage) || damage.Offset != int64(n) || !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("at %d: %v", n, err)
			}
		}
		err = drain(fullbackup.NewReader(bytes.NewReader(whole[:n]), fullbackup.Limits{End: true}))
		if n < 4096+512 && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("at %d, end mark expected: %v", n, err)
		}
		strict := reasons(t, whole[:n], fullbackup.Limits{End: true, Strict: true})
		if n >= 4096+512 && (len(strict) != 1 || strict[0] != fullbackup.ShortEnd) {
			t.Errorf("at %d, strict: %v", n, strict)
		}
	}
}

// reasons reads on to the end, and returns why entries were refused.
func reasons(t testing.TB, in []byte, lim fullbackup.Limits) []fullbackup.Reason {
	t.Helper()
	var out []fullbackup.Reason
	for r := fullbackup.NewReader(bytes.NewReader(in), lim); ; {
		_, err := r.Next()
		var refused *fullbackup.EntryError
		switch {
		case errors.As(err, &refused):
			out = append(out, refused.Reason)
		case err != nil:
			return out
		}
	}
}

// The error of the reader below is not taken for damage.
func TestReadFails(t *testing.T) {
	whole := archive(t, true, entry{file("a", 0), "hello"}, entry{file(n120, 0), strings.Repeat("z", 700)})
	for n := range whole {
		r := fullbackup.NewReader(io.MultiReader(bytes.NewReader(whole[:n]), iotest.ErrReader(errFull)), fullbackup.Limits{})
		err := drain(r)
		var damage *fullbackup.DamageError
		if !errors.Is(err, errFull) || errors.As(err, &damage) {
			t.Errorf("at %d: %v", n, err)
		}
	}
}

func TestBehindTheEnd(t *testing.T) {
	end := make([]byte, 1024)
	for _, c := range []struct {
		what   string
		behind []byte
		lim    fullbackup.Limits
		want   []fullbackup.Reason
	}{
		{"nothing", nil, fullbackup.Limits{Strict: true, End: true}, nil},
		{"zeros to a record", make([]byte, 9000), fullbackup.Limits{Strict: true, End: true}, nil},
		{"an entry", join(good, goodContent), fullbackup.Limits{}, []fullbackup.Reason{fullbackup.BehindEnd}},
		{"one byte", []byte{1}, fullbackup.Limits{}, []fullbackup.Reason{fullbackup.BehindEnd}},
		{"two megabytes of zeros", make([]byte, 2<<20), fullbackup.Limits{}, []fullbackup.Reason{fullbackup.EndlessZero}},
	} {
		got := reasons(t, join(good, goodContent, end, c.behind), c.lim)
		if len(got) != len(c.want) || len(got) > 0 && got[0] != c.want[0] {
			t.Errorf("%s: %v", c.what, got)
		}
	}
}
