package prefs

import (
	"bytes"
	"errors"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

const head = "<?xml version='1.0' encoding='utf-8' standalone='yes' ?>\n"

// golden pairs files as Android's writer leaves them with their content; both
// directions are tested.
var golden = []struct {
	name, doc string
	want      []Entry
}{
	{"empty", head + "<map />\n", nil},
	{
		"every kind",
		head + "<map>\n" +
			"    <string name=\"s\">text</string>\n" +
			"    <int name=\"i\" value=\"-2147483648\" />\n" +
			"    <long name=\"l\" value=\"9223372036854775807\" />\n" +
			"    <float name=\"f\" value=\"0.1\" />\n" +
			"    <boolean name=\"b\" value=\"true\" />\n" +
			"    <boolean name=\"c\" value=\"false\" />\n" +
			"    <null name=\"n\" />\n" +
			"    <set name=\"t\">\n" +
			"        <string>one</string>\n" +
			"        <null />\n" +
			"        <string></string>\n" +
			"    </set>\n" +
			"    <set name=\"e\" />\n" +
			"    <string name=\"\"></string>\n" +
			"    <int value=\"0\" />\n" +
			"</map>\n",
		[]Entry{
			{Name: "s", Value: String("text")},
			{Name: "i", Value: Int(math.MinInt32)},
			{Name: "l", Value: Long(math.MaxInt64)},
			{Name: "f", Value: Float(0.1), written: "0.1"},
			{Name: "b", Value: Bool(true)},
			{Name: "c", Value: Bool(false)},
			{Name: "n", Value: Null{}},
			{Name: "t", Value: Set{String("one"), Null{}, String("")}},
			{Name: "e", Value: Set{}},
			{Name: "", Value: String("")},
			{Unnamed: true, Value: Int(0)},
		},
	},
	{
		"escapes", head + "<map>\n    <string name=\"a&lt;b&gt;&amp;&quot;'\">&#0;&#9;&#10;&#13;&#31; &lt;&gt;&amp;&quot;'/\u007f\u00e4\u5bc6\U0001f600</string>\n</map>\n",
		[]Entry{{Name: "a<b>&\"'", Value: String("\x00\t\n\r\x1f <>&\"'/\u007fä密😀")}},
	},
	{
		"spaces are kept", head + "<map>\n    <string name=\" k \">  a&#10;    </string>\n</map>\n",
		[]Entry{{Name: " k ", Value: String("  a\n    ")}},
	},
	{
		"text that ends with a line feed", head + "<map>\n    <string name=\"k\">a&#10;</string>\n</map>\n",
		[]Entry{{Name: "k", Value: String("a\n")}},
	},
	{
		"a float in the digits of older platforms", head + "<map>\n    <float name=\"k\" value=\"1.17549435E-38\" />\n</map>\n",
		[]Entry{{Name: "k", Value: Float(math.Float32frombits(0x00800000)), written: "1.17549435E-38"}},
	},
}

func TestGolden(t *testing.T) {
	for _, g := range golden {
		t.Run(g.name, func(t *testing.T) {
			p, err := Decode(iotest.OneByteReader(strings.NewReader(g.doc)), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(p.Entries, g.want) {
				t.Errorf("decoded %#v\nwant %#v", p.Entries, g.want)
			}
			var b bytes.Buffer
			if err := Encode(&b, &Prefs{Entries: g.want}); err != nil || b.String() != g.doc {
				t.Errorf("encoded %q, %v\nwant %q", b.String(), err, g.doc)
			}
		})
	}
}

// TestTolerant: what other writers of XML do to the same content.
func TestTolerant(t *testing.T) {
	for name, c := range map[string]struct {
		doc  string
		want []Entry
	}{
		"no declaration":       {"<map/>", nil},
		"byte order mark":      {"\ufeff" + head + "<map></map>", nil},
		"comments":             {"<!-- a --><map><!-- < --><int name='a' value='1'/><!----></map><!-- z -->\n", []Entry{{Name: "a", Value: Int(1)}}},
		"value first":          {`<map><int value="1" name="a"></int></map>`, []Entry{{Name: "a", Value: Int(1)}}},
		"split text":           {"<map><string name='a'>x<!-- y -->z<![CDATA[<&]]></string></map>", []Entry{{Name: "a", Value: String("xz<&")}}},
		"hexadecimal":          {"<map><string name='&#x41;'>&#x1F600;&apos;</string></map>", []Entry{{Name: "A", Value: String("😀'")}}},
		"line ends":            {"<map>\r\n<string\r\nname='a\r\nb\tc'>x\r\ny\rz</string>\r\n</map>", []Entry{{Name: "a b c", Value: String("x\ny\nz")}}},
		"white space in set":   {"<map><set name='a'> <string>b</string > </set></map>", []Entry{{Name: "a", Value: Set{String("b")}}}},
		"no value, short form": {"<map><string name='a'/></map>", []Entry{{Name: "a", Value: String("")}}},
		"a name twice":         {"<map><int name='a' value='1'/><int name='a' value='2'/></map>", []Entry{{Name: "a", Value: Int(1)}, {Name: "a", Value: Int(2)}}},
	} {
		p, err := Decode(strings.NewReader(c.doc), Limits{})
		if err != nil || !reflect.DeepEqual(p.Entries, c.want) {
			t.Errorf("%s: %v, %v; want %v", name, p, err, c.want)
		}
	}
}

func TestRefused(t *testing.T) {
	deep := strings.Repeat("<map>", 10_000)
	for name, c := range map[string]struct {
		doc    string
		offset int64 // -1 = not a syntax error
		want   error
	}{
		"empty":                    {"", 0, nil},
		"text":                     {"hello", 0, nil},
		"binary":                   {"ABX\x00\x10\x00", -1, ErrBinary},
		"document type":            {"<!DOCTYPE map [<!ENTITY a \"aaaa\">]><map/>", 0, nil},
		"entity":                   {"<map><string name=\"a\">&lol;</string></map>", 22, nil},
		"reference to a surrogate": {"<map><string>&#55357;</string></map>", 13, nil},
		"reference beyond Unicode": {"<map><string>&#1114112;</string></map>", 13, nil},
		"reference without an end": {"<map><string>&#11111111111111;</string></map>", 13, nil},
		"bare ampersand":           {"<map><string>a & b</string></map>", 15, nil},
		"another root":             {"<list />", 0, nil},
		"ten thousand levels":      {deep, 5, nil},
		"sets in sets":             {"<map><set name='a'><set/></set></map>", 19, nil},
		"unknown element":          {"<map>\n<double name='a' value='1'/></map>", 6, nil},
		"unknown attribute":        {"<map><int name='a' value='1' id='2'/></map>", 5, nil},
		"attribute twice":          {"<map><int name='a' name='b' value='1'/></map>", 19, nil},
		"named member of a set":    {"<map><set name='a'><string name='b'/></set></map>", 19, nil},
		"no value":                 {"<map><int name='a'/></map>", 5, nil},
		"int too large":            {"<map><int name='a' value='2147483648'/></map>", 5, nil},
		"long too large":           {"<map><long name='a' value='-9223372036854775809'/></map>", 5, nil},
		"float too large":          {"<map><float name='a' value='1e39'/></map>", 5, nil},
		"float in hexadecimal":     {"<map><float name='a' value='0x1p3'/></map>", 5, nil},
		"float of none":            {"<map><float name='a' value=''/></map>", 5, nil},
		"boolean TRUE":             {"<map><boolean name='a' value='TRUE'/></map>", 5, nil},
		"not UTF-8":                {"<map><string>ab\xff</string></map>", 15, nil},
		"another encoding":         {"<?xml version='1.0' encoding='latin1'?><map/>", 5, nil},
		"raw control character":    {"<map><string>\x01</string></map>", 13, nil},
		"wrong nesting":            {"<map><string>a</int></map>", 14, nil},
		"wrong end":                {"<map></mop>", 5, nil},
		"text between":             {"<map>x<int value='1'/></map>", 5, nil},
		"text in an int":           {"<map><int value='1'>1</int></map>", 20, nil},
		"more behind":              {"<map/><map/>", 6, nil},
		"instruction":              {"<map><?php ?></map>", 5, nil},
		"tag in an attribute":      {"<map><int name='<' value='1'/></map>", 16, nil},
		"no space":                 {"<map><int name='a'value='1'/></map>", 18, nil},
		"too many attributes":      {"<map><int a='' b='' c='' d='' e='' f='' g='' h='' i=''/></map>", 50, nil},
	} {
		p, err := Decode(strings.NewReader(c.doc), Limits{})
		if p != nil {
			t.Errorf("%s: something was returned", name)
		}
		var se *SyntaxError
		switch {
		case c.want != nil:
			if !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		case !errors.As(err, &se):
			t.Errorf("%s: %v", name, err)
		case se.Offset != c.offset:
			t.Errorf("%s: %v, want byte %d", name, err, c.offset)
		}
	}
}

func TestLimits(t *testing.T) {
	if _, err := Decode(strings.NewReader(head+"<map />\n"), Limits{MaxBytes: 64}); err != ErrTooLarge {
		t.Errorf("a byte too many: %v", err)
	}
	if _, err := Decode(strings.NewReader(head+"<map />\n"), Limits{MaxBytes: int64(len(head)) + 8}); err != nil {
		t.Errorf("just fits: %v", err)
	}
	doc := "<map><int name='a' value='1'/><set name='b'><string/><string/></set></map>"
	if _, err := Decode(strings.NewReader(doc), Limits{MaxEntries: 4}); err != nil {
		t.Errorf("four entries: %v", err)
	}
	if _, err := Decode(strings.NewReader(doc), Limits{MaxEntries: 3}); err != ErrTooLarge {
		t.Errorf("three entries: %v", err)
	}
	endless := io.MultiReader(strings.NewReader("<map><string>"), zeros{})
	if _, err := Decode(endless, Limits{}); err != ErrTooLarge {
		t.Errorf("an endless document: %v", err)
	}
	broken := errors.New("unplugged")
	if _, err := Decode(iotest.ErrReader(broken), Limits{}); !errors.Is(err, broken) {
		t.Errorf("a broken reader: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// TestTruncated cuts each golden document at every byte.
func TestTruncated(t *testing.T) {
	for _, g := range golden {
		for cut := range len(g.doc) - 1 { // the last line feed may be missing
			p, err := Decode(strings.NewReader(g.doc[:cut]), Limits{})
			var se *SyntaxError
			if p != nil || !errors.As(err, &se) || se.Offset > int64(cut) {
				t.Fatalf("%s cut at %d: %v", g.name, cut, err)
			}
		}
	}
}

func TestUnencodable(t *testing.T) {
	for _, e := range []Entry{
		{Name: "a"},
		{Name: "\xff", Value: Int(1)},
		{Name: "a", Value: String("\xed\xa0\x80")}, // half a surrogate pair
		{Name: "a", Value: Set{Int(1)}},
		{Name: "a", Value: Set{nil}},
		{Name: "a", Value: Set{String("\xff")}},
		{Name: "a", Unnamed: true, Value: Int(1)},
	} {
		var b bytes.Buffer
		if err := Encode(&b, &Prefs{Entries: []Entry{e}}); err != ErrUnencodable || b.Len() > 0 {
			t.Errorf("%#v: %v, %d bytes", e, err, b.Len())
		}
	}
	broken := errors.New("full")
	if err := Encode(failing{broken}, new(Prefs)); !errors.Is(err, broken) {
		t.Errorf("a full disk: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestGetPut(t *testing.T) {
	p := &Prefs{Entries: []Entry{{Unnamed: true, Value: Int(9)}, {Name: "a", Value: Int(1)}, {Name: "b", Value: Int(2)}, {Name: "a", Value: Int(3)}}}
	if v, ok := p.Get("a"); v != Int(3) || !ok {
		t.Errorf("a = %v", v)
	}
	if _, ok := p.Get(""); ok {
		t.Error("the unnamed one was found by an empty name")
	}
	p.Put("a", Bool(true))
	p.Put("z", Null{})
	want := []Entry{{Unnamed: true, Value: Int(9)}, {Name: "a", Value: Int(1)}, {Name: "b", Value: Int(2)}, {Name: "a", Value: Bool(true)}, {Name: "z", Value: Null{}}}
	if !reflect.DeepEqual(p.Entries, want) {
		t.Errorf("%v", p.Entries)
	}
	// A changed float loses its old spelling.
	p, err := Decode(strings.NewReader("<map><float name='a' value='1.00'/></map>"), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		v    Float
		want string
	}{{1, "1.00"}, {2, "2.0"}} {
		p.Entries[0].Value = c.v
		b, err := p.Append(nil)
		if err != nil || !strings.Contains(string(b), `value="`+c.want+`"`) {
			t.Errorf("%v: %s, %v", c.v, b, err)
		}
	}
}

// TestFloat has what Java prints.
func TestFloat(t *testing.T) {
	for bits, want := range map[uint32]string{
		0x00000000: "0.0", 0x80000000: "-0.0", 0x3f800000: "1.0", 0xbf800000: "-1.0", 0x3dcccccd: "0.1", 0x3fc00000: "1.5",
		0x42c80000: "100.0", 0x4b189680: "1.0E7", 0x4b18967f: "9999999.0", 0x501502f9: "1.0E10", 0x3a83126f: "0.001",
		0x3a83126e: "9.999999E-4", 0x47f12065: "123456.79", 0x40490fdb: "3.1415927", 0x7f7fffff: "3.4028235E38",
		0x00000001: "1.4E-45", 0x509502f9: "2.0E10", 0x65a96816: "1.0E23", 0x4b800000: "1.6777216E7", 0x4c000000: "3.3554432E7",
		0x4b000000: "8388608.0", 0x0000000e: "2.0E-44", 0x7fc00000: "NaN", 0x7f800000: "Infinity", 0xff800000: "-Infinity",
		0x4996b43c: "1234567.5", 0x3e99999a: "0.3", 0x3eaaaaab: "0.33333334", 0x3ca3d70a: "0.02", 0x447a0000: "1000.0",
	} {
		f := math.Float32frombits(bits)
		if got := string(appendFloat(nil, f)); got != want {
			t.Errorf("%08x: %s, want %s", bits, got, want)
		}
		if back, ok := parseFloat(want); !ok || math.Float32bits(back) != bits {
			t.Errorf("%s: %v %v", want, back, ok)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, g := range golden {
		f.Add([]byte(g.doc))
	}
	f.Add([]byte("<!-- --><map><string name='a'>x<![CDATA[&]]>\r\n</string></map>"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Decode(bytes.NewReader(b), Limits{MaxBytes: 1 << 20, MaxEntries: 1000})
		if err != nil {
			if p != nil {
				t.Error("a failed document returned something")
			}
			return
		}
		one, err := p.Append(nil)
		if err != nil {
			t.Fatalf("decoded but does not encode: %v", err)
		}
		again, err := Decode(bytes.NewReader(one), Limits{MaxEntries: 1000})
		if err != nil {
			t.Fatalf("%q: %v", one, err)
		}
		two, err := again.Append(nil)
		if err != nil || !bytes.Equal(one, two) {
			t.Fatalf("%q became %q, %v", one, two, err)
		}
	})
}

func FuzzFloat(f *testing.F) {
	f.Add(uint32(1))
	f.Add(uint32(0x7f7fffff))
	f.Fuzz(func(t *testing.T, bits uint32) {
		x := math.Float32frombits(bits)
		s := string(appendFloat(nil, x))
		back, ok := parseFloat(s)
		if !ok || back != x && back == back {
			t.Errorf("%08x: %s reads as %v", bits, s, back)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	bench(b, func(b *testing.B, _ *Prefs, doc []byte) error {
		_, err := Decode(bytes.NewReader(doc), Limits{})
		return err
	})
}

func BenchmarkEncode(b *testing.B) {
	bench(b, func(b *testing.B, p *Prefs, _ []byte) error { return Encode(io.Discard, p) })
}

func bench(b *testing.B, do func(*testing.B, *Prefs, []byte) error) {
	p := new(Prefs)
	for range 20_000 {
		p.Entries = append(p.Entries, Entry{Name: "last_sync_time", Value: Long(1700000000000)}, Entry{Name: "title", Value: String(`{"a":"some json <b>text</b>"}`)})
	}
	doc, err := p.Append(nil)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if err := do(b, p, doc); err != nil {
			b.Fatal(err)
		}
	}
}
