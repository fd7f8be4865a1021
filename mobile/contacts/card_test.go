package contacts

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func mustParse(t tb, raw string) *card {
	t.Helper()
	c, err := parseCard([]byte(raw))
	if err != nil {
		t.Fatalf("parse %q: %v", raw, err)
	}
	return c
}

// TestProperty checks what lines of different versions mean.
func TestProperty(t *testing.T) {
	type want struct {
		name, types, params, value string
	}
	tests := []struct {
		name, version, line string
		want                want
	}{
		{"bare parameters", "2.1", "TEL;CELL;PREF:1", want{"TEL", "cell,pref", "", "1"}},
		{"TYPE list", "3.0", `tel;type=CELL,pref;type="home":1`, want{"TEL", "cell,home,pref", "", "1"}},
		{"PREF of 4.0", "4.0", "TEL;PREF=1;TYPE=cell:1", want{"TEL", "cell,pref", "", "1"}},
		{"other PREF", "4.0", "TEL;PREF=7:1", want{"TEL", "", "PREF=7", "1"}},
		{"defaults", "3.0", "EMAIL;TYPE=INTERNET:a@b", want{"EMAIL", "", "", "a@b"}},
		{"quoted-printable", "2.1", "NOTE;ENCODING=QUOTED-PRINTABLE:a=3Db=0D=0Ac;d,e", want{"NOTE", "", "", `a=b\nc\;d\,e`}},
		{"bare quoted-printable", "2.1", "NOTE;QUOTED-PRINTABLE;CHARSET=UTF-8:=C3=\r\n=A9", want{"NOTE", "", "", "é"}},
		{"soft break keeps a blank", "2.1", "NOTE;ENCODING=QUOTED-PRINTABLE:a=\r\n  b", want{"NOTE", "", "", "a  b"}},
		{"soft break before nothing", "2.1", "NOTE;ENCODING=QUOTED-PRINTABLE:a=\r\n", want{"NOTE", "", "", "a"}},
		{"Shift-JIS", "2.1", "FN;CHARSET=SHIFT_JIS:\x93\x8c\x8b\x9e", want{"FN", "", "", "東京"}},
		{"Shift-JIS quoted", "2.1", "FN;CHARSET=SHIFT_JIS;ENCODING=QUOTED-PRINTABLE:=93=8C=\r\n=8B=9E", want{"FN", "", "", "東京"}},
		{"unknown charset", "2.1", "FN;CHARSET=KLINGON:caf\xe9", want{"FN", "", "", "café"}},
		{"not UTF-8", "3.0", "FN:caf\xe9", want{"FN", "", "", "café"}},
		{"escapes of 3.0", "3.0", `NOTE:a\nb\Nc\,d\;e\\n\:f,g;h\x`, want{"NOTE", "", "", `a\nb\nc\,d\;e\\n:f\,g\;h\\x`}},
		{"escapes of 2.1", "2.1", `ADR:a\;b;c,d\n`, want{"ADR", "", "", `a\;b;c\,d\\n`}},
		{"escaped colon", "3.0", `URL:http\://x/a,b`, want{"URL", "", "", `http://x/a\,b`}},
		{"list", "3.0", `CATEGORIES:a\,b,c`, want{"CATEGORIES", "", "", `a\,b,c`}},
		{"folded in UTF-8", "3.0", "FN:caf\xc3\r\n \xa9", want{"FN", "", "", "café"}},
		{"fold of 2.1", "2.1", "NOTE:one\r\n two", want{"NOTE", "", "", "one two"}},
		{"fold of 3.0", "3.0", "NOTE:one\r\n two", want{"NOTE", "", "", "onetwo"}},
		{"folded header", "3.0", "NO\r\n TE;X=1:a", want{"NOTE", "", "X=1", "a"}},
		{"quoted parameter", "4.0", `ADR;LABEL="a:b;c":x`, want{"ADR", "", `LABEL="a:b;c"`, "x"}},
		{"needless quotes", "4.0", `N;LANGUAGE="en":x`, want{"N", "", "LANGUAGE=en", "x"}},
		{"group", "3.0", "a.item1.X-ABLabel:x", want{"X-ABLABEL", "", "", "x"}},
		{"place-holder", "3.0", "X-FERRY-OTHER;PROPERTY=EMAIL;TYPE=INTERNET:a,b", want{"EMAIL", "", "", `a\,b`}},
		{"no colon", "3.0", "hello; world", want{"", "", "", `hello\; world`}},
		{"bad name", "3.0", "B AD:1", want{"", "", "", "B AD:1"}},
		{"open quote", "3.0", `TEL;X=":1`, want{"", "", "", `TEL\;X=":1`}},
		{"phone's own type", "2.1", "TEL;X-CUSTOM(CHARSET=UTF-8,ENCODING=QUOTED-PRINTABLE,=C3=A9):1",
			want{"TEL", "=c3=a9),encoding=quoted-printable,x-custom(charset=utf-8", "", "1"}},
		{"bad base64", "3.0", "PHOTO;ENCODING=b:!!", want{"PHOTO", "", "X-ENCODING=B", "!!"}},
		{"agent", "2.1", "AGENT:\r\nBEGIN:VCARD\r\nFN:A\r\nEND:VCARD", want{"AGENT", "", "", `BEGIN:VCARD\nFN:A\nEND:VCARD`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := mustParse(t, vcf("VERSION:"+tt.version, tt.line, "X-LAST:1"))
			if len(c.props) != 2 {
				t.Fatalf("%d properties", len(c.props))
			}
			p := c.props[0]
			got := want{p.name, strings.Join(p.types, ","), strings.Join(p.params, ";"), p.value}
			if got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestBinary(t *testing.T) {
	for _, raw := range []string{
		vcf("VERSION:2.1", "PHOTO;ENCODING=BASE64;JPEG:", " aGVs", " bG8=", "", "FN:A"),
		vcf("VERSION:2.1", "PHOTO;BASE64;TYPE=JPEG:aGVs", "bG8=", "FN:A"),
		vcf("VERSION:3.0", "PHOTO;ENCODING=b;TYPE=jpeg:aGVs", " bG8=", "FN:A"),
		vcf("VERSION:3.0", "PHOTO;TYPE=JPEG;ENCODING=B;VALUE=binary:aGVsbG8", "FN:A"),
		vcf("VERSION:4.0", "PHOTO:data:image/jpeg;base64,aGVsbG8=", "FN:A"),
		vcf("VERSION:4.0", "PHOTO;MEDIATYPE=image/jpeg;ENCODING=b:aGVsbG8=", "FN:A"),
	} {
		c := mustParse(t, raw)
		want := mustParse(t, vcf("VERSION:3.0", "FN:A", "PHOTO;ENCODING=b;TYPE=JPEG:aGVsbG8="))
		if c.set() != want.set() {
			t.Errorf("%q: %+v", raw, c.props)
		}
	}
}

func TestParseCardErrors(t *testing.T) {
	for _, raw := range []string{"", "BEGIN:VCARD", "BEGIN:VCARD\nEND:VCARD\n", "FN:A\nEND:VCARD\n", vcf("no property"), vcf(vcf("FN:A")) + "x"} {
		if c, err := parseCard([]byte(raw)); err == nil {
			t.Errorf("%q: %+v", raw, c)
		}
	}
}

// TestFeatures tells which cards are the same contact.
func TestFeatures(t *testing.T) {
	tests := []struct {
		name, a, b  string
		uid, person bool
	}{
		{"same UID", "UID:abcdef\nFN:A", "UID:urn:uuid:abcdef\nFN:B", true, false},
		{"short UID, other name", "UID:1\nFN:A", "UID:1\nFN:B", false, false},
		{"short UID, same name", "UID:1\nFN:A", "UID:1\nFN:a", true, false},
		{"only a name in common", "FN:A\nTEL:11111", "FN:A\nTEL:22222", false, false},
		{"only a name", "FN:A", "FN:A", false, false},
		{"only a number", "FN:A\nTEL:11111", "FN:B\nTEL:11111", false, false},
		{"name and number", "FN:A\nTEL;CELL:(0) 11-111\nTEL:2", "N:;a\nTEL:011111", false, true},
		{"00 and +", "FN:A\nTEL:+491111111", "FN:A\nTEL;VALUE=uri:tel:00491111111", false, true},
		{"name and mail", "FN:Zo\u00eb\nEMAIL:A@B", "FN:zoe\u0308 \nitem1.EMAIL;TYPE=HOME:a@b", false, true},
		{"other birthday", "FN:A\nTEL:11111\nBDAY:1980-01-01", "FN:A\nTEL:11111\nBDAY:20100101", false, false},
		{"same birthday", "FN:A\nTEL:11111\nBDAY:1980-01-01", "FN:A\nTEL:11111\nBDAY:19800101", false, true},
		{"person and group", "FN:A\nTEL:11111\nKIND:group", "FN:A\nTEL:11111", false, false},
		{"nameless", "TEL:11111\nEMAIL:a@b", "EMAIL:a@b\nTEL:1-1111\nNOTE:x", false, true},
		{"nameless, not all in common", "TEL:11111", "TEL:11111\nTEL:22222", false, false},
		{"nameless, other firm", "TEL:11111\nORG:A", "TEL:11111\nORG:B", false, false},
		{"nameless and empty", "NOTE:a", "NOTE:a", false, false},
		{"name and nameless", "FN:A\nTEL:11111", "TEL:11111", false, false},
		{"known under two names", "FN:A\nX-FERRY-OTHER;PROPERTY=FN:B\nTEL:11111", "FN:B\nTEL:11111", false, true},
		{"known under two UIDs", "UID:abcdef\nX-FERRY-OTHER;PROPERTY=UID:ghijkl", "UID:ghijkl", true, false},
	}
	h := newHasher()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := "BEGIN:VCARD\nVERSION:3.0\n" + tt.a + "\nEND:VCARD\n"
			b := "BEGIN:VCARD\nVERSION:3.0\n" + tt.b + "\nEND:VCARD\n"
			fa, fb := h.features(mustParse(t, a), []byte(a)), h.features(mustParse(t, b), []byte(b))
			if got := fa.sameUID(&fb); got != tt.uid {
				t.Errorf("same UID: %v", got)
			}
			if got := fa.samePerson(&fb); got != tt.person {
				t.Errorf("same person: %v", got)
			}
		})
	}
}

// join is the card to with what merging from adds.
func join(to, from string) string {
	a, errA := parseCard([]byte(to))
	b, errB := parseCard([]byte(from))
	if errA != nil || errB != nil {
		return to
	}
	return to[:a.endAt] + string(merge(a, b)) + to[a.endAt:]
}

func TestMerge(t *testing.T) {
	const head = "BEGIN:VCARD\r\nVERSION:"
	tests := []struct {
		name, to, from, want string // the lines between VERSION and END
	}{
		{"the same", "3.0\nFN:A", "2.1\nFN:A", ""},
		{"a number", "3.0\nFN:A\nTEL:1", "3.0\nFN:A\nTEL;type=HOME:2", "TEL;type=HOME:2"},
		{"a type more", "3.0\nTEL:1", "3.0\nTEL;TYPE=CELL:1", "TEL;TYPE=CELL:1"},
		{"a type less", "3.0\nTEL;TYPE=CELL,PREF:1", "3.0\nTEL;TYPE=CELL:1", ""},
		{"twice the same", "3.0\nFN:A", "3.0\nTEL:1\nTEL:1", "TEL:1"},
		{"another birthday", "3.0\nBDAY:1", "3.0\nBDAY;VALUE=date:2", "X-FERRY-OTHER;PROPERTY=BDAY;VALUE=date:2"},
		{"from a merged card", "3.0\nFN:A", "3.0\nX-FERRY-OTHER;PROPERTY=BDAY:2", "X-FERRY-OTHER;PROPERTY=BDAY:2"},
		{"2.1 into 3.0", "3.0\nFN:A", "2.1\nTEL;CELL;PREF:1\nNOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:=C3=A9,=0D=0Ab",
			"TEL;TYPE=CELL;TYPE=PREF:1\nNOTE:é\\,\\nb\nX-FERRY-OTHER;PROPERTY=VERSION:2.1"},
		{"3.0 into 2.1", "2.1\nFN:A", `3.0
NOTE:é\n\,`, "NOTE;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:=C3=A9=0D=0A,\nX-FERRY-OTHER;PROPERTY=VERSION:3.0"},
		{"Shift-JIS into 3.0", "3.0\nX-A:1", "2.1\nFN;CHARSET=SHIFT_JIS:\x93\x8c\x8b\x9e", "FN:東京\nX-FERRY-OTHER;PROPERTY=VERSION:2.1"},
		{"2.1 stays raw in 2.1", "2.1\nX-A:1", "2.1\nFN;CHARSET=SHIFT_JIS:\x93\x8c\x8b\x9e", "FN;CHARSET=SHIFT_JIS:\x93\x8c\x8b\x9e"},
		{"groups", "3.0\nitem1.TEL:1\nitem1.X-ABLabel:x", "3.0\nitem1.TEL:2\nitem1.X-ABLabel:y\nitem3.TEL:3\nitem3.X-ABLabel:z",
			"item2.TEL:2\nitem2.X-ABLabel:y\nitem3.TEL:3\nitem3.X-ABLabel:z"},
		{"the same group", "3.0\nitem1.TEL:1\nitem1.X-ABLabel:x", "3.0\nfoo.X-ABLabel:x\nfoo.TEL:1", ""},
		{"a group of one", "3.0\nTEL:1", "3.0\nitem1.TEL:1", ""},
		{"picture into 4.0", "4.0\nFN:A", "3.0\nPHOTO;ENCODING=b;TYPE=JPEG:aGVsbG8=", "PHOTO:data:image/jpeg;base64,aGVsbG8=\nX-FERRY-OTHER;PROPERTY=VERSION:3.0"},
		{"picture into 2.1", "2.1\nPHOTO;BASE64:AAAA\n", "4.0\nPHOTO:data:image/jpeg;base64,aGVsbG8=",
			"X-FERRY-OTHER;PROPERTY=PHOTO;TYPE=JPEG;ENCODING=BASE64:\n aGVsbG8=\n\nX-FERRY-OTHER;PROPERTY=VERSION:4.0"},
		{"no property", "3.0\nFN:A", "3.0\nFN:A\nhello; there", "X-FERRY-OTHER;PROPERTY=-:hello\\; there"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			crlf := func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }
			to, from := head+crlf(tt.to)+"\r\nEND:VCARD\r\n", head+crlf(tt.from)+"\r\nEND:VCARD\r\n"
			got := string(merge(mustParse(t, to), mustParse(t, from)))
			want := crlf(tt.want)
			if want != "" {
				want += "\r\n"
			}
			if got != want {
				t.Errorf("got  %q\nwant %q", got, want)
			}
			both := join(to, from)
			if again := merge(mustParse(t, both), mustParse(t, from)); again != nil {
				t.Errorf("a second time: %q", again)
			}
		})
	}
}

// checkMerge checks that a merged card is one card that holds both.
func checkMerge(t tb, to, from string) {
	t.Helper()
	a, errA := parseCard([]byte(to))
	b, errB := parseCard([]byte(from))
	if errA != nil || errB != nil {
		return
	}
	both := join(to, from)
	if p := splitAll(t, strings.NewReader(both), 1<<30); len(p) != 1 || p[0].reason != 0 {
		t.Fatalf("%d pieces in\n%q", len(p), both)
	}
	held := mustParse(t, both).contents()
	if m := held.missing(a); len(m) > 0 {
		t.Fatalf("of the receiver %+v is missing in\n%q", m[0].props[0], both)
	}
	if m := held.missing(b); len(m) > 0 {
		t.Fatalf("of the other %+v is missing in\n%q", m[0].props[0], both)
	}
	if again := merge(mustParse(t, both), b); again != nil {
		t.Fatalf("the second time adds %q to\n%q", again, both)
	}
}

func TestMergeHoldsBoth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := genCard(t), genCard(t)
		if rapid.IntRange(0, 5).Draw(t, "wide") == 0 {
			a = string(utf16LE.encode([]byte(strings.ToValidUTF8(a, "?"))))
		}
		if rapid.IntRange(0, 5).Draw(t, "wide") == 0 {
			b = string(utf16BE.encode([]byte(strings.ToValidUTF8(b, "?"))))
		}
		checkMerge(t, a, b)
	})
}

func FuzzMerge(f *testing.F) {
	f.Add([]byte("VERSION:2.1\nTEL;CELL:1\nNOTE;ENCODING=QUOTED-PRINTABLE:=C3=\n=A9"), []byte("VERSION:3.0\nitem1.TEL:1\nitem1.X:2"))
	f.Add([]byte("VERSION:4.0\nPHOTO:data:image/png;base64,AAAA"), []byte("VERSION:2.1\nPHOTO;BASE64:AAAA\n\nFN:\xff"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		a = []byte("BEGIN:VCARD\n" + string(a) + "\nEND:VCARD\n")
		b = []byte("BEGIN:VCARD\r\n" + string(b) + "\r\nEND:VCARD\r\n")
		for _, raw := range [][]byte{a, b} {
			if p := splitAll(t, bytes.NewReader(raw), 1<<30); len(p) != 1 || p[0].reason != 0 || sniff(raw) != bytes8 {
				return
			}
		}
		checkMerge(t, string(a), string(b))
	})
}
