package mutf8

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"
)

// vectors are Go strings and Java's bytes for them.
var vectors = []struct{ name, text, java string }{
	{"empty", "", ""},
	{"ascii", "prefs:key", "prefs:key"},
	{"zero", "a\x00b", "a\xC0\x80b"},
	{"delete", "\x7f", "\x7f"},
	{"two bytes", "\u0080\u00e9\u07ff", "\xC2\x80\xC3\xA9\xDF\xBF"},
	{"three bytes", "\u0800\u20ac\ud7ff\ue000\uffff", "\xE0\xA0\x80\xE2\x82\xAC\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF"},
	{"replacement", "\ufffd", "\xEF\xBF\xBD"},
	{"first pair", "\U00010000", "\xED\xA0\x80\xED\xB0\x80"},
	{"face", "k\U0001F600", "k\xED\xA0\xBD\xED\xB8\x80"},
	{"last pair", "\U0010FFFF", "\xED\xAF\xBF\xED\xBF\xBF"},
	{"widget", "\uffed\uffedwidget", "\xEF\xBF\xAD\xEF\xBF\xADwidget"},
	{"lone high", "\xED\xA0\xBD", "\xED\xA0\xBD"},
	{"lone low", "\xED\xB8\x80x", "\xED\xB8\x80x"},
	{"low then high", "\xED\xB8\x80\xED\xA0\xBD", "\xED\xB8\x80\xED\xA0\xBD"},
	{"high before a pair", "\xED\xA0\xBD\U0001F600", "\xED\xA0\xBD\xED\xA0\xBD\xED\xB8\x80"},
	{"pair before a low", "\U0001F600\xED\xB8\x80", "\xED\xA0\xBD\xED\xB8\x80\xED\xB8\x80"},
}

func TestVectors(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			got, err := Append([]byte("<"), v.text)
			if err != nil || string(got) != "<"+v.java {
				t.Errorf("Append = %x, %v; want 3c%x", got, err, v.java)
			}
			for name, f := range map[string]func([]byte) (string, error){"Decode": Decode, "DecodeJNI": DecodeJNI} {
				if text, err := f([]byte(v.java)); err != nil || text != v.text {
					t.Errorf("%s = %x, %v; want %x", name, text, err, v.text)
				}
			}
			if !ValidJNI(v.java) {
				t.Error("ValidJNI = false")
			}
			if Compare(v.text, v.java) != 0 {
				t.Error("the two forms do not compare as equal")
			}
		})
	}
}

func TestJNI(t *testing.T) {
	const four = "k\U0001F600" // as Android's runtime hands it to native code
	if text, err := DecodeJNI([]byte(four)); err != nil || text != four {
		t.Errorf("DecodeJNI = %x, %v", text, err)
	}
	if !ValidJNI(four) {
		t.Error("ValidJNI = false")
	}
	if Compare(four, "k\xED\xA0\xBD\xED\xB8\x80") != 0 {
		t.Error("one string in two forms is not equal")
	}
}

func TestRefused(t *testing.T) {
	tests := []struct {
		name, in string
		offset   int
	}{
		{"zero byte", "ab\x00", 2},
		{"four bytes", "a\U0001F600", 1},
		{"overlong zero in three", "\xE0\x80\x80", 0},
		{"overlong A", "\xC1\x81", 0},
		{"continuation", "a\x80", 1},
		{"cut in two", "é\xC3", 2},
		{"cut in three", "\xE2\x82", 0},
		{"cut surrogate", "\xED\xA0", 0},
		{"surrogate without end", "\xED\xA0x", 0},
		{"above Unicode", "\xF4\x90\x80\x80", 0},
		{"ff", "xyz\xFF", 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := Decode([]byte(tt.in))
			var e *Error
			if !errors.As(err, &e) || e.Offset != tt.offset || s != "" {
				t.Errorf("Decode = %q, %v; want an error at %d", s, err, tt.offset)
			}
			if want := tt.name == "four bytes"; ValidJNI(tt.in) != want {
				t.Errorf("ValidJNI = %v, want %v", !want, want)
			}
			if _, err := DecodeJNI([]byte(tt.in)); (err == nil) != ValidJNI(tt.in) {
				t.Errorf("DecodeJNI = %v and ValidJNI disagree", err)
			}
		})
	}
	for _, in := range []string{"\xC0\x80", "a\xFF", "\xED\xA0\xBD\xED\xB8\x80", "\xE2\x82"} {
		dst := []byte("kept")
		if b, err := Append(dst, in); err == nil || string(b) != "kept" {
			t.Errorf("Append(%x) = %x, %v; want an error and dst unchanged", in, b, err)
		}
	}
}

// units is the Java string, worked out independently of the package.
func units(s string) []uint16 {
	var u []uint16
	for len(s) > 0 {
		if len(s) >= 3 && s[0] == 0xED && s[1] >= 0xA0 {
			u = append(u, 0xD000|uint16(s[1]&0x3F)<<6|uint16(s[2]&0x3F))
			s = s[3:]
			continue
		}
		r, n := utf8.DecodeRuneInString(s)
		u = utf16.AppendRune(u, r)
		s = s[n:]
	}
	return u
}

func TestCompare(t *testing.T) {
	// In Java's order.
	sorted := []string{
		"", "\x00", "\x00a", "@ancestral_record@", "@home@", "@meta@", "a", "aa", "ab", "b", "é", "é\x00", "ééa", "€",
		"\uD7FF", "\xED\xA0\x80", "\U00010000", "\U00010001", "\U0001F600", "\U0010FFFF", "\xED\xB0\x80", "\uE000", "\uFF00", "\uFFFF",
	}
	for i, a := range sorted {
		for j, b := range sorted {
			for _, as := range forms(t, a) {
				for _, bs := range forms(t, b) {
					if got, want := Compare(as, bs), compareInt(i, j); got != want {
						t.Errorf("Compare(%x, %x) = %d, want %d", as, bs, got, want)
					}
					if Less(as, bs) != (i < j) {
						t.Errorf("Less(%x, %x) = %v", as, bs, i >= j)
					}
				}
			}
		}
		if want := units(a); len(want) > 0 {
			if u, ok := FirstUnit(a); !ok || u != want[0] {
				t.Errorf("FirstUnit(%x) = %04x, want %04x", a, u, want[0])
			}
		}
	}
	if _, ok := FirstUnit(""); ok {
		t.Error("the empty string has a first unit")
	}
}

func forms(t *testing.T, s string) []string {
	t.Helper()
	b, err := Append(nil, s)
	if err != nil {
		t.Fatal(err)
	}
	return []string{s, string(b)}
}

func compareInt(i, j int) int {
	switch {
	case i < j:
		return -1
	case i > j:
		return 1
	}
	return 0
}

func TestCompareRandom(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	alphabet := []string{"a", "b", "\x00", "é", "€", "\U0001F600", "\U0001F601", "\uFFED", "\uE000"}
	word := func() string {
		var b strings.Builder
		for range rng.IntN(6) {
			b.WriteString(alphabet[rng.IntN(len(alphabet))])
		}
		return b.String()
	}
	for range 20000 {
		a, b := word(), word()
		if got, want := Compare(a, b), slices.Compare(units(a), units(b)); got != want {
			t.Fatalf("Compare(%x, %x) = %d, want %d", a, b, got, want)
		}
	}
}

func TestUTF(t *testing.T) {
	b, err := AppendUTF([]byte{1}, "a\x00\U0001F600")
	want := []byte{1, 0, 9, 'a', 0xC0, 0x80, 0xED, 0xA0, 0xBD, 0xED, 0xB8, 0x80}
	if err != nil || !bytes.Equal(b, want) {
		t.Fatalf("AppendUTF = %x, %v; want %x", b, err, want)
	}
	s, rest, err := CutUTF(append(b[1:], 7))
	if err != nil || s != "a\x00\U0001F600" || !bytes.Equal(rest, []byte{7}) {
		t.Errorf("CutUTF = %q, %x, %v", s, rest, err)
	}
	for i := range len(want) - 1 {
		var e *Error
		if _, _, err := CutUTF(want[1 : 1+i]); !errors.As(err, &e) || e.Offset != i {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
	var e *Error
	if _, _, err := CutUTF([]byte{0, 2, 'a', 0}); !errors.As(err, &e) || e.Offset != 3 {
		t.Errorf("a zero byte: %v, want an error at 3", err)
	}
	if b, err := AppendUTF(nil, strings.Repeat("a", MaxUTF)); err != nil || len(b) != MaxUTF+2 {
		t.Errorf("the longest text: %d bytes, %v", len(b), err)
	}
	for _, long := range []string{strings.Repeat("a", MaxUTF+1), strings.Repeat("\x00", MaxUTF/2+1), "\xFF"} {
		if b, err := AppendUTF([]byte("kept"), long); err == nil || string(b) != "kept" {
			t.Errorf("a text that does not fit: %d bytes, %v", len(b), err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, v := range vectors {
		f.Add([]byte(v.java), []byte(v.text))
	}
	f.Fuzz(func(t *testing.T, b, other []byte) {
		s, err := Decode(b)
		if err == nil {
			again, err := Append(nil, s)
			if err != nil || !bytes.Equal(again, b) {
				t.Fatalf("%x decodes to %x and encodes to %x, %v", b, s, again, err)
			}
		}
		jni, jerr := DecodeJNI(b)
		if err == nil && (jerr != nil || jni != s) {
			t.Fatalf("DecodeJNI = %x, %v; Decode = %x", jni, jerr, s)
		}
		if (jerr == nil) != ValidJNI(string(b)) {
			t.Fatalf("DecodeJNI = %v and ValidJNI disagree", jerr)
		}
		if jerr == nil && Compare(jni, string(b)) != 0 {
			t.Fatalf("%x and %x are not equal", jni, b)
		}
		if o, err := DecodeJNI(other); err == nil && jerr == nil {
			if got, want := Compare(jni, o), slices.Compare(units(jni), units(o)); got != want {
				t.Fatalf("Compare(%x, %x) = %d, want %d", jni, o, got, want)
			}
		}
		if enc, err := Append(nil, string(b)); err == nil {
			if back, err := Decode(enc); err != nil || back != string(b) {
				t.Fatalf("%x encodes to %x and decodes to %x, %v", b, enc, back, err)
			}
		}
		if Compare(string(b), string(other)) != -Compare(string(other), string(b)) {
			t.Fatal("the order is not symmetric")
		}
	})
}
