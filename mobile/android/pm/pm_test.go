package pm

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/ferry-move/ferry/mobile/android/entity"
)

// hash is a Hash of one repeated byte.
func hash(c byte) (h Hash) {
	for i := range h {
		h[i] = c
	}
	return h
}

var (
	aa = strings.Repeat("\xAA", 32)
	bb = strings.Repeat("\xBB", 32)
)

const oneSigner = "\x00\x00\x00\x01\x00\x00\x00\x20" // and 32 bytes

// The values of a data set, written out from the layout.
var (
	globalBytes = "\x00\x00\x00\x22\x00\x07UP1A.01"
	homeBytes   = "\x00\x07com.l/A" + "\x00\x00\x00\x01\x00\x00\x00\x05" + "\x00\x05store" + oneSigner + aa
	shortBytes  = "\x00\x00\x01\x41" + oneSigner + aa
	longBytes   = "\x80\x00\x00\x00\x00\x00\x00\x03\xFF\xFF\xFF\xFE" + "\x00\x00\x00\x02\x00\x00\x00\x20" + aa + "\x00\x00\x00\x20" + bb
)

var (
	global = Global{SDK: 34, Build: "UP1A.01"}
	home   = Home{Component: "com.l/A", Version: 1<<32 | 5, Installer: "store", Signers: []Hash{hash(0xAA)}}
	short  = App{Version: 321, Signers: []Hash{hash(0xAA)}}
	long   = App{Version: 3<<32 | 0xFFFFFFFE, Signers: []Hash{hash(0xAA), hash(0xBB)}}
)

func TestValues(t *testing.T) {
	tests := []struct {
		name, bytes string
		signers     int // where they begin; 0 = there are none
		want        any
		append      func([]byte) ([]byte, error)
		parse       func([]byte) (any, error)
	}{
		{"global", globalBytes, 0, global, global.Append, func(b []byte) (any, error) { return ParseGlobal(b) }},
		{"home", homeBytes, 24, home, home.Append, func(b []byte) (any, error) { return ParseHome(b) }},
		{"app", shortBytes, 4, short, short.Append, func(b []byte) (any, error) { return ParseApp(b) }},
		{"app with a long version", longBytes, 12, long, long.Append, func(b []byte) (any, error) { return ParseApp(b) }},
		{"ancestral", "\x00\x00\x00\x01", 0, int32(1), func(b []byte) ([]byte, error) { return AppendAncestral(b), nil }, func(b []byte) (any, error) { return ParseAncestral(b) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if b, err := tt.append([]byte("<")); err != nil || string(b) != "<"+tt.bytes {
				t.Errorf("written %v:\n%x\nwant:\n3c%x", err, b, tt.bytes)
			}
			for _, tail := range []string{"", "more"} {
				if v, err := tt.parse([]byte(tt.bytes + tail)); err != nil || !reflect.DeepEqual(v, tt.want) {
					t.Errorf("read %v, %v; want %v", v, err, tt.want)
				}
			}
			for n := range len(tt.bytes) {
				v, err := tt.parse([]byte(tt.bytes[:n]))
				if n > 0 && n == tt.signers { // a value may end before its signers
					if err != nil {
						t.Errorf("without signers: %v", err)
					}
					continue
				}
				var d *entity.DamageError
				if !errors.As(err, &d) || d.Offset > int64(n) || !reflect.ValueOf(v).IsZero() {
					t.Errorf("cut at %d: %v, %v", n, v, err)
				}
			}
		})
	}
}

func TestVersions(t *testing.T) {
	for v, want := range map[int64]string{
		0: "\x00\x00\x00\x00", 1<<31 - 1: "\x7F\xFF\xFF\xFF", -1: "\xFF\xFF\xFF\xFF",
		1 << 31:    "\x80\x00\x00\x00\x00\x00\x00\x00\x80\x00\x00\x00",
		-1 << 31:   "\x80\x00\x00\x00\xFF\xFF\xFF\xFF\x80\x00\x00\x00",
		-1<<31 - 1: "\x80\x00\x00\x00\xFF\xFF\xFF\xFF\x7F\xFF\xFF\xFF",
		1 << 32:    "\x80\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00",
	} {
		if b := appendVersion(nil, v); string(b) != want {
			t.Errorf("%d: %x, want %x", v, b, want)
		}
		if a, err := ParseApp([]byte(want)); err != nil || a.Version != v || len(a.Signers) != 0 {
			t.Errorf("%x: %v, %v", want, a, err)
		}
	}
}

func TestSigners(t *testing.T) {
	// One block is no hash, so both are certificates.
	certs := "\x00\x00\x00\x07" + "\x00\x00\x00\x02" + "\x00\x00\x00\x04cert" + "\x00\x00\x00\x20" + aa
	a, err := ParseApp([]byte(certs))
	want := []Hash{sha256.Sum256([]byte("cert")), sha256.Sum256([]byte(aa))}
	if err != nil || !slices.Equal(a.Signers, want) {
		t.Errorf("certificates: %x, %v", a.Signers, err)
	}
	if HashOf([]byte("cert")) != want[0] {
		t.Error("HashOf is not SHA-256")
	}
	twenty := "\x00\x00\x00\x07\x00\x00\x00\x14" + strings.Repeat("\x00\x00\x00\x20"+bb, 20)
	if a, err := ParseApp([]byte(twenty)); err != nil || len(a.Signers) != 20 {
		t.Errorf("twenty: %d, %v", len(a.Signers), err)
	}
	for name, tt := range map[string]struct {
		in     string
		offset int64
		cause  error
	}{
		"21 signers":      {"\x00\x00\x00\x07\x00\x00\x00\x15" + strings.Repeat("\x00\x00\x00\x20"+bb, 21), 4, ErrSigners},
		"negative count":  {"\x00\x00\x00\x07\xFF\xFF\xFF\xFF", 4, ErrSigners},
		"huge count":      {"\x00\x00\x00\x07\x7F\xFF\xFF\xFF", 4, ErrSigners},
		"negative length": {"\x00\x00\x00\x07\x00\x00\x00\x01\xFF\xFF\xFF\xFF" + aa, 8, nil},
		"huge length":     {"\x00\x00\x00\x07\x00\x00\x00\x01\x7F\xFF\xFF\xFF" + aa, 44, nil},
		"empty":           {"", 0, nil},
	} {
		_, err := ParseApp([]byte(tt.in))
		var d *entity.DamageError
		if !errors.As(err, &d) || d.Offset != tt.offset || tt.cause != nil && !errors.Is(err, tt.cause) {
			t.Errorf("%s: %v, want damage at %d", name, err, tt.offset)
		}
	}
	for _, n := range []int{0, MaxSigners + 1} {
		if b, err := (App{Signers: make([]Hash, n)}).Append([]byte("kept")); !errors.Is(err, ErrSigners) || string(b) != "kept" {
			t.Errorf("an app with %d signers: %v", n, err)
		}
	}
	if b, err := (Home{Signers: make([]Hash, MaxSigners+1)}).Append([]byte("kept")); !errors.Is(err, ErrSigners) || string(b) != "kept" {
		t.Errorf("a home app with too many signers: %v", err)
	}
}

func TestValuesRefused(t *testing.T) {
	for name, f := range map[string]func([]byte) ([]byte, error){
		"build":     Global{Build: "\xFF"}.Append,
		"component": Home{Component: "\xFF"}.Append,
		"installer": Home{Installer: strings.Repeat("i", 1<<16)}.Append,
	} {
		if b, err := f([]byte("kept")); err == nil || string(b) != "kept" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, v := range []string{"\x00\x00\x00\x02", "\xFF\xFF\xFF\xFF", "\x00\x00\x00\x00"} {
		if _, err := ParseAncestral([]byte(v)); !errors.Is(err, ErrVersion) {
			t.Errorf("format %x: %v", v, err)
		}
	}
}

func TestSignaturesMatch(t *testing.T) {
	a, b, c := hash(1), hash(2), hash(3)
	tests := []struct {
		name   string
		stored []Hash
		app    Installed
		want   bool
	}{
		{"the same", []Hash{a}, Installed{Current: []Hash{a}}, true},
		{"another", []Hash{a}, Installed{Current: []Hash{b}}, false},
		{"rotated", []Hash{a}, Installed{Current: []Hash{c}, Past: []Hash{a, b}}, true},
		{"rotated from others", []Hash{a}, Installed{Current: []Hash{c}, Past: []Hash{b}}, false},
		{"rotated away from", []Hash{c}, Installed{Current: []Hash{a}}, false},
		{"one of several", []Hash{a}, Installed{Current: []Hash{b, a}}, true},
		{"several", []Hash{a, b}, Installed{Current: []Hash{b, a}}, true},
		{"several of more", []Hash{a, b}, Installed{Current: []Hash{c, b, a}}, true},
		{"one of several is missing", []Hash{a, b}, Installed{Current: []Hash{a}}, false},
		{"several, one past", []Hash{a, b}, Installed{Current: []Hash{a}, Past: []Hash{b}}, false},
		{"several, all past", []Hash{a, b}, Installed{Current: []Hash{c}, Past: []Hash{a, b}}, false},
		{"the same twice is several", []Hash{a, a}, Installed{Current: []Hash{b}, Past: []Hash{a}}, false},
		{"nothing stored", nil, Installed{Current: []Hash{a}}, false},
		{"nothing installed", []Hash{a}, Installed{}, false},
		{"only past", []Hash{a}, Installed{Past: []Hash{a}}, false},
		{"nothing at all", nil, Installed{}, false},
		{"system, another", []Hash{a}, Installed{System: true, Current: []Hash{b}}, true},
		{"system, nothing stored", nil, Installed{System: true}, true},
	}
	for _, tt := range tests {
		if got := SignaturesMatch(tt.stored, tt.app); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

// ent is one entity of a stream, as bytes.
func ent(key, value string) string {
	var b bytes.Buffer
	w := entity.NewWriter(&b, entity.Options{})
	err := w.WriteHeader(entity.Key(key), int64(len(value)))
	if err == nil {
		_, err = io.WriteString(w, value)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		panic(err)
	}
	return b.String() + strings.Repeat("\xBC", -b.Len()&3)
}

func deletion(key string) string {
	return ent(key, "")[:8] + "\xFF\xFF\xFF\xFF" + ent(key, "")[12:]
}

func readSet(stream string) (*Set, error) {
	return Read(entity.NewReader(strings.NewReader(stream), entity.Limits{}))
}

func TestSet(t *testing.T) {
	set := &Set{Ancestral: 1, Global: &global, Home: &home, Apps: map[string]App{
		"org.b": short, "org.a": long, "android": short, "org.\U0001F600": short, "org.\uE000": short,
	}}
	var b bytes.Buffer
	if err := Write(&b, set); err != nil {
		t.Fatal(err)
	}
	want := ent("@ancestral_record@", "\x00\x00\x00\x01") + ent("@home@", homeBytes) + ent("@meta@", globalBytes) +
		ent("android", shortBytes) + ent("org.a", longBytes) + ent("org.b", shortBytes) +
		ent("org.\xED\xA0\xBD\xED\xB8\x80", shortBytes) + ent("org.\uE000", shortBytes)
	if b.String() != want {
		t.Errorf("written:\n%x\nwant:\n%x", b.String(), want)
	}
	if got, err := readSet(want); err != nil || !reflect.DeepEqual(got, set) {
		t.Errorf("read %+v, %v", got, err)
	}
	if got, err := readSet(""); err != nil || got.Ancestral != 0 || got.Global != nil || len(got.Apps) > 0 {
		t.Errorf("an empty stream: %+v, %v", got, err)
	}
	keys := slices.Sorted(maps.Keys(set.Apps))
	for n := range len(want) {
		got, err := readSet(want[:n])
		if err != nil {
			var d *entity.DamageError
			if !errors.As(err, &d) || d.Offset > int64(n) || got != nil {
				t.Errorf("cut at %d: %v, %v", n, got, err)
			}
			continue
		}
		for name, a := range got.Apps {
			if !slices.Contains(keys, name) || !reflect.DeepEqual(a, set.Apps[name]) {
				t.Errorf("cut at %d: a wrong app %q", n, name)
			}
		}
	}
}

func TestSetInOrder(t *testing.T) {
	newer := "\x00\x00\x01\x42" + oneSigner + bb
	s, err := readSet(ent("@ancestral_record@", "\x00\x00\x00\x01") + ent("org.a", shortBytes) + ent("org.b", shortBytes) +
		ent("@home@", homeBytes) + ent("org.a", newer) + deletion("org.b") + deletion("@home@") + deletion("org.never"))
	want := map[string]App{"org.a": {Version: 322, Signers: []Hash{hash(0xBB)}}}
	if err != nil || !reflect.DeepEqual(s.Apps, want) || s.Home != nil || s.Unusable != nil {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestSetBadEntries(t *testing.T) {
	stream := ent("@ancestral_record@", "\x00\x00\x00\x01") + ent("@meta@", "\x00\x00") + ent("org.unsigned", "\x00\x00\x00\x01\x00\x00\x00\x00") +
		ent("org.ends", "\x00\x00\x00\x01") + ent("org.short", "\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x20abc") +
		ent("org.good", shortBytes) + ent("org.huge", strings.Repeat("x", MaxValue+1)) + ent(strings.Repeat("n", MaxName+1), shortBytes) +
		ent("org.replaced", shortBytes) + ent("org.replaced", "") + ent("@ancestral_record@", "\x00\x00\x00\x09")
	s, err := readSet(stream)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(s.Apps, map[string]App{"org.good": short}) || s.Ancestral != 1 || s.Global != nil {
		t.Errorf("%+v", s)
	}
	var names []string
	for _, u := range s.Unusable {
		names = append(names, u.Name)
		var d *entity.DamageError
		if errors.As(u.Err, &d) {
			if d.Offset <= 0 || d.Offset > int64(len(stream)) {
				t.Errorf("%s: %v", u.Name, u.Err)
			}
		} else if !errors.Is(u.Err, ErrSigners) {
			t.Errorf("%s: %v", u.Name, u.Err)
		}
	}
	if want := []string{"@meta@", "org.unsigned", "org.ends", "org.short", "org.huge", "", "org.replaced"}; !slices.Equal(names, want) {
		t.Errorf("unusable: %q", names)
	}
	var d *entity.DamageError
	if at := int64(strings.Index(stream, "\x20abc") + 4); !errors.As(s.Unusable[3].Err, &d) || d.Offset != at {
		t.Errorf("%v, want damage at %d", s.Unusable[3].Err, at)
	}
}

func TestSetRefused(t *testing.T) {
	if s, err := readSet(ent("@ancestral_record@", "\x00\x00\x00\x02") + ent("org.a", shortBytes)); !errors.Is(err, ErrVersion) || s != nil {
		t.Errorf("a newer format: %v, %v", s, err)
	}
	if s, err := readSet(ent("@ancestral_record@", "\x00")); err == nil || s != nil {
		t.Errorf("half a format: %v, %v", s, err)
	}
	if s, err := readSet(ent("@meta@", globalBytes) + ent("org.a", shortBytes)); err != nil || s.Ancestral != 0 || len(s.Apps) != 1 {
		t.Errorf("before Android 9: %+v, %v", s, err)
	}
	var b strings.Builder
	for i := range MaxApps + 3 {
		b.WriteString(ent(fmt.Sprintf("org.a%05d", i), shortBytes))
	}
	if s, err := readSet(b.String()); !errors.Is(err, entity.ErrLimit) || s != nil {
		t.Errorf("too many packages: %v", err)
	}
	b.Reset()
	for i := range MaxApps + 3 {
		b.WriteString(ent(fmt.Sprintf("org.a%05d", i), ""))
	}
	if s, err := readSet(b.String()); !errors.Is(err, entity.ErrLimit) || s != nil {
		t.Errorf("too many bad packages: %v", err)
	}
	broken := errors.New("broken")
	r := io.MultiReader(strings.NewReader(ent("org.a", shortBytes)[:40]), iotest.ErrReader(broken))
	if s, err := Read(entity.NewReader(r, entity.Limits{})); !errors.Is(err, broken) || s != nil {
		t.Errorf("a broken reader: %v, %v", s, err)
	}
}

func TestWriter(t *testing.T) {
	var b bytes.Buffer
	w := NewWriter(&b)
	for _, name := range []string{"", "\xFF", "@home@", "@meta@", "@ancestral_record@", "\uFFED\uFFEDwidget", strings.Repeat("n", MaxName+1)} {
		if err := w.App(name, short); !errors.Is(err, ErrName) {
			t.Errorf("a package of %d bytes: %v", len(name), err)
		}
	}
	if err := w.App("org.a", App{}); !errors.Is(err, ErrSigners) {
		t.Errorf("no signers: %v", err)
	}
	if w.Home(Home{Component: "\xFF"}) == nil || w.Global(Global{Build: "\xFF"}) == nil {
		t.Error("texts that are none were taken")
	}
	// None of that harmed the stream.
	if err := errors.Join(w.NoHome(), w.App("org.a", short), w.Close()); err != nil {
		t.Fatal(err)
	}
	if want := ent("@ancestral_record@", "\x00\x00\x00\x01") + deletion("@home@") + ent("org.a", shortBytes); b.String() != want {
		t.Errorf("written:\n%x\nwant:\n%x", b.String(), want)
	}
	if err := w.Global(global); !errors.Is(err, entity.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	for name, s := range map[string]*Set{
		"no system":  {Apps: map[string]App{"org.a": short}},
		"no signers": {Global: &global, Apps: map[string]App{"org.a": {}}},
		"home":       {Global: &global, Home: &Home{Installer: "\xFF"}},
		"build":      {Global: &Global{Build: "\xFF"}},
	} {
		if err := Write(io.Discard, s); err == nil {
			t.Errorf("%s: written", name)
		}
	}
	if err := Write(failing{}, &Set{Global: &global}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a broken writer: %v", err)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func FuzzRead(f *testing.F) {
	f.Add([]byte(ent("@ancestral_record@", "\x00\x00\x00\x01") + ent("@home@", homeBytes) + ent("@meta@", globalBytes) + ent("org.a", longBytes)))
	f.Add([]byte(ent("@meta@", globalBytes) + deletion("@home@") + ent("org.a", "\x00\x00\x00\x01\x00\x00\x00\x00")))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Read(entity.NewReader(bytes.NewReader(b), entity.Limits{}))
		if err != nil {
			if s != nil {
				t.Fatal("an error and a set")
			}
			return
		}
		for _, u := range s.Unusable {
			if u.Err == nil {
				t.Fatal("unusable without a reason")
			}
		}
		var out bytes.Buffer
		err = Write(&out, s)
		if s.Global == nil {
			if !errors.Is(err, ErrNoGlobal) {
				t.Fatalf("a set without a system was written: %v", err)
			}
			return
		}
		if errors.Is(err, ErrName) { // a name that only the framework uses
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		s.Ancestral, s.Unusable = AncestralVersion, nil
		if again, err := Read(entity.NewReader(&out, entity.Limits{})); err != nil || !sameSet(again, s) {
			t.Fatalf("%+v became %+v, %v", s, again, err)
		}
	})
}

func sameSet(a, b *Set) bool {
	home := a.Home == nil && b.Home == nil || a.Home != nil && b.Home != nil && sameHome(*a.Home, *b.Home)
	return home && a.Ancestral == b.Ancestral && *a.Global == *b.Global && a.Unusable == nil && reflect.DeepEqual(a.Apps, b.Apps)
}

// sameHome takes no signers and an empty array of them for the same.
func sameHome(a, b Home) bool {
	same := slices.Equal(a.Signers, b.Signers)
	a.Signers, b.Signers = nil, nil
	return same && reflect.DeepEqual(a, b)
}
