package fullbackup_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/android/fullbackup"
)

// What Android passes over is read, said, and refused if strict.
func TestStrict(t *testing.T) {
	sum := bytes.Clone(good)
	sum[110]++
	mode := raw("apps/a.b/f/x", "00000000003", '0')
	copy(mode[100:], "rw-")
	fixSum(mode)
	time := raw("apps/a.b/f/x", "00000000003", '0')
	copy(time[136:], "-1")
	fixSum(time)
	dirty := bytes.Clone(goodContent)
	dirty[511] = 1
	dirtyPax := pax("9 size=3\n")
	dirtyPax[1023] = 1
	for _, c := range []struct {
		what   string
		in     []byte
		flags  fullbackup.Flags
		mode   uint32
		strict fullbackup.Reason
	}{
		{"checksum", join(sum, goodContent), fullbackup.FlagChecksum, 0o600, fullbackup.Checksum},
		{"mode", join(mode, goodContent), fullbackup.FlagNumber, 0o600, fullbackup.BadNumber},
		{"time", join(time, goodContent), fullbackup.FlagNumber, 0o600, fullbackup.BadNumber},
		{"fill", join(good, dirty), 0, 0o600, fullbackup.DirtyPad},
		{"fill of records", join(dirtyPax, good, goodContent), 0, 0o600, fullbackup.BadExtended},
	} {
		r := fullbackup.NewReader(bytes.NewReader(c.in), fullbackup.Limits{})
		h, err := r.Next()
		if err != nil || h.Flags != c.flags || h.Mode != c.mode {
			t.Errorf("%s: %+v, %v", c.what, h, err)
			continue
		}
		if b, err := io.ReadAll(r); string(b) != "abc" || err != nil {
			t.Errorf("%s: %q, %v", c.what, b, err)
		}
		if _, err := r.Next(); err != io.EOF {
			t.Errorf("%s: at the end %v", c.what, err)
		}
		if got := reasons(t, c.in, fullbackup.Limits{Strict: true}); len(got) != 1 || got[0] != c.strict {
			t.Errorf("%s, strict: %v", c.what, got)
		}
	}
}

func TestTolerated(t *testing.T) {
	v7 := []byte(block(at{0, "apps/a.b/f/x"}, at{100, "   644 "}, at{124, "          3 "}, at{156, "\x00"}))
	fixSum(v7)
	gnu := raw("apps/a.b/f/x", "00000000003", '0')
	copy(gnu[257:], "ustar  \x00")
	copy(gnu[345:], "13104631543") // the time of last access, not a prefix
	fixSum(gnu)
	full := raw("apps/a.b/f/x", "000000000003", '0') // twelve digits, no NUL
	prefix := raw("x", "00000000003", '0')
	copy(prefix[345:], "apps/a.b/f")
	fixSum(prefix)
	long := join(raw("././@LongLink", "00000000015", 'L'), []byte(padded("apps/a.b/f/x\x00")), raw("cut", "00000000003", '0'))
	longBoth := join(raw("././@LongLink", "00000000002", 'K'), []byte(padded("y\x00")), long)
	taken := join(pax("19 path=apps/a/f/y\n8 path=\n"), raw("apps/a.b/f/x", "00000000003", '0'))
	other := join(pax("30 mtime=1350244992.023960108\n19 path=apps/a.b/f/x\n"), raw("cut", "00000000003", '0'))
	other = bytes.Replace(other, []byte("19 path=apps/a.b/f/x"), []byte("21 path=apps/a.b/f/x"), 1)
	for _, c := range []struct {
		what string
		head []byte
	}{
		{"v7", v7}, {"GNU", gnu}, {"twelve digits", full}, {"prefix", prefix}, {"long name", long}, {"long link and name", longBoth},
		{"./", raw("./apps/a.b/f/x", "00000000003", '0')},
		{"path taken back", taken}, {"other records", other},
	} {
		in := join(c.head, goodContent)
		r := fullbackup.NewReader(bytes.NewReader(in), fullbackup.Limits{Strict: true})
		h, err := r.Next()
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		if h.Name() != "apps/a.b/f/x" || h.Size != 3 || h.Odd == nil {
			t.Errorf("%s: %+v", c.what, h)
		}
		if got := archive(t, false, entry{*h, "abc"}); !bytes.Equal(got, in) {
			t.Errorf("%s: not written again the same", c.what)
		}
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]fullbackup.Header{
		"apps/a.b/_manifest":       {Package: "a.b", Path: "_manifest"},
		"apps/a.b/_meta":           {Package: "a.b", Path: "_meta"},
		"apps/a.b/k/_manifest":     {Package: "a.b", Domain: "k", Path: "_manifest"},
		"apps/android/d_sp/x/y":    {Package: "android", Domain: "d_sp", Path: "x/y"},
		"apps/a.b/ef_s0/x":         {Package: "a.b", Domain: "ef_s0", Path: "x"},
		"apps/a.b/f/a..b":          {Package: "a.b", Domain: "f", Path: "a..b"},
		"apps/a.b/f/...":           {Package: "a.b", Domain: "f", Path: "..."},
		`apps/a.b/f/a\..\b`:        {Package: "a.b", Domain: "f", Path: `a\..\b`},
		"apps/a.b/f/x\ny":          {Package: "a.b", Domain: "f", Path: "x\ny", Flags: fullbackup.FlagControl},
		"apps/a.b/f/ ":             {Package: "a.b", Domain: "f", Path: " "},
		"shared/0/x":               {Domain: "shared/0", Path: "x"},
		"shared/1/Download/x y.pd": {Domain: "shared/1", Path: "Download/x y.pd"},
	} {
		h, err := fullbackup.NewReader(bytes.NewReader(raw(name, "00000000000", '0')), fullbackup.Limits{}).Next()
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		if h.Package != want.Package || h.Domain != want.Domain || h.Path != want.Path || h.Flags != want.Flags || h.Name() != name {
			t.Errorf("%q: %+v", name, h)
		}
		if h.IsManifest() != strings.HasSuffix(name, "_manifest") || h.IsMeta() != strings.HasSuffix(name, "_meta") {
			t.Errorf("%q: manifest %v, meta %v", name, h.IsManifest(), h.IsMeta())
		}
	}
}

// archive/tar reads the same names, sizes, modes and times.
func TestOtherReader(t *testing.T) {
	var buf bytes.Buffer
	for _, g := range goldens {
		if g.h.Size == int64(len(g.content)) {
			buf.WriteString(g.want)
		}
	}
	r := tar.NewReader(&buf)
	for _, g := range goldens {
		if g.h.Size != int64(len(g.content)) {
			continue
		}
		h, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if h.Name != g.h.Name() || h.Size != g.h.Size || h.Mode != int64(g.h.Mode) || h.ModTime.Unix() != g.h.ModTime {
			t.Errorf("%s: %+v", g.name, h)
		}
		if b, err := io.ReadAll(r); string(b) != g.content || err != nil {
			t.Errorf("%s: %q, %v", g.name, b, err)
		}
	}
}

// What archive/tar writes is read, and written again the same.
func TestOtherWriter(t *testing.T) {
	for _, format := range []tar.Format{tar.FormatUSTAR, tar.FormatPAX, tar.FormatGNU} {
		var buf bytes.Buffer
		w := tar.NewWriter(&buf)
		names := []string{"apps/a.b/f/short", "apps/a.b/f/" + n120, "apps/a.b/f/é" + n120}
		if format == tar.FormatUSTAR {
			names = names[:1]
		}
		for _, name := range names {
			if err := w.WriteHeader(&tar.Header{Format: format, Name: name, Size: 3, Mode: 0o644, Uname: "root"}); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(w, "abc"); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		in := buf.Bytes()
		var entries []entry
		r := fullbackup.NewReader(bytes.NewReader(in), fullbackup.Limits{Strict: true, End: true})
		for range names {
			h, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			if h.Mode != 0o644 {
				t.Errorf("%v: mode %o", format, h.Mode)
			}
			entries = append(entries, entry{*h, "abc"})
		}
		if _, err := r.Next(); err != io.EOF {
			t.Fatal(err)
		}
		diff(t, string(archive(t, true, entries...)), string(in))
	}
}

// endless repeats a piece n times, without holding it.
type endless struct {
	piece []byte
	n     int
	off   int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.n == 0 {
		return 0, io.EOF
	}
	k := copy(p, e.piece[e.off:])
	if e.off += k; e.off == len(e.piece) {
		e.off, e.n = 0, e.n-1
	}
	return k, nil
}

// A million hostile headers do not make the reader grow.
func TestMemory(t *testing.T) {
	n := 1_000_000
	if testing.Short() {
		n = 50_000
	}
	big := join(pax("1999 comment="+strings.Repeat("c", 1999-14)+"\n"), good, goodContent)
	for what, e := range map[string]*endless{
		"links":    {piece: raw("apps/a.b/f/x", "00000000000", '2'), n: n},
		"long":     {piece: big, n: n / 10},
		"oversize": {piece: join(raw("x", octal11(1<<20), 'x'), make([]byte, 1<<20), good, goodContent), n: n / 1000},
		"claims":   {piece: raw("apps/a.b/f/x", "77777777777", '0'), n: n},
		"zeros":    {piece: make([]byte, 1<<20), n: n},
	} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		r := fullbackup.NewReader(e, fullbackup.Limits{})
		err := drain(r)
		runtime.GC()
		runtime.ReadMemStats(&after)
		if got := int64(after.HeapAlloc) - int64(before.HeapAlloc); got > 1<<20 {
			t.Errorf("%s: %d bytes held", what, got)
		}
		if what == "claims" != errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %v", what, err)
		}
		runtime.KeepAlive(r)
	}
}

// Errors say where and what, and hold nothing of the input.
func TestErrorText(t *testing.T) {
	for want, err := range map[string]error{
		"archive damaged at offset 512, entry 3: it ends inside a file": &fullbackup.DamageError{
			Part: fullbackup.PartArchive, Offset: 512, Entry: 3, What: "it ends inside a file"},
		"manifest damaged at offset 7: it is too large": &fullbackup.DamageError{
			Part: fullbackup.PartManifest, Offset: 7, What: "it is too large"},
		"archive offset 1024, entry 2: a link": &fullbackup.EntryError{
			Offset: 1024, Entry: 2, Reason: fullbackup.Link, Name: "apps/a.b/f/secret"},
		"reason 255": fullbackup.Reason(255),
	} {
		if err.Error() != want {
			t.Errorf("got %q, want %q", err, want)
		}
	}
	for r := fullbackup.Reason(1); r <= fullbackup.EndlessZero; r++ {
		known := r <= fullbackup.BinarySize || r >= fullbackup.Checksum
		if known == strings.HasPrefix(r.Error(), "reason ") {
			t.Errorf("%d: %q", uint8(r), r.Error())
		}
	}
}

// A strict reader notices every flipped bit that is not a file's content. In
// the checksum's own field some bits change nothing; there the header is odd.
func TestFlippedBits(t *testing.T) {
	whole := archive(t, true, entry{file("a", 0), "hello"}, entry{file("b", 0), ""})
	lim := fullbackup.Limits{Strict: true, End: true}
	for i := range whole {
		if i >= 512 && i < 517 {
			continue
		}
		for bit := range 8 {
			in := bytes.Clone(whole)
			in[i] ^= 1 << bit
			if drain(fullbackup.NewReader(bytes.NewReader(in), lim)) != nil || len(reasons(t, in, lim)) > 0 {
				continue
			}
			r := fullbackup.NewReader(bytes.NewReader(in[i&^511:]), lim)
			h, err := r.Next()
			if at := i & 511; err != nil || h.Odd == nil || at < 148 || at >= 156 {
				t.Errorf("byte %d, bit %d: not noticed", i, bit)
			}
		}
	}
}
