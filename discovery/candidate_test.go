package discovery

import (
	"bytes"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/grandcat/zeroconf"

	"github.com/ferry-move/ferry/discovery/netif"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"Pixel 9":                         "Pixel 9",
		"":                                "",
		"  a \t\r\n b  ":                  "a b",
		"a\x00b\x1b[31mc\u0085d":          "ab[31mc d",
		"\u202egnp.exe\u202c":             "gnp.exe",
		"\u2066x\u2069\u200f\u061c\ufeff": "x",
		"line\u2028two":                   "line two",
		"\u092e\u094b\u092c\u093e\u0907\u0932 \U0001f469\u200d\U0001f4bb": "\u092e\u094b\u092c\u093e\u0907\u0932 \U0001f469\u200d\U0001f4bb",
		"bad\xff\xfeutf8":                        "badutf8",
		"e" + strings.Repeat("\u0301", 50) + "x": "e" + strings.Repeat("\u0301", maxMarks) + "x",
		"\u0301a":                                "a",
		strings.Repeat("x", 10_000):              strings.Repeat("x", MaxName),
		strings.Repeat("\U00020000", 100):        strings.Repeat("\U00020000", maxNameBytes/4),
		strings.Repeat("a ", 100):                strings.TrimSpace(strings.Repeat("a ", MaxName/2)),
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%+q) = %+q, want %+q", in, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("Pixel 9")
	f.Add("\u202e\x00e\u0301\u0301\u0301\u0301\u0301\u0301 \xff")
	f.Fuzz(func(t *testing.T, s string) {
		got := clean(s)
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > MaxName || len(got) > maxNameBytes {
			t.Fatalf("%+q", got)
		}
		if strings.ContainsFunc(got, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }) {
			t.Fatalf("control character in %+q", got)
		}
		if clean(got) != got {
			t.Fatalf("cleaning %+q again gives %+q", got, clean(got))
		}
	})
}

func TestUnescape(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", `a\"b\\c`: `a"b\c`, `\195\188`: "ü", `\999`: "999", `end\`: "end", `\1`: "1", ``: "",
	} {
		if got := unescape(in); got != want {
			t.Errorf("unescape(%q) = %q, want %q", in, got, want)
		}
	}
	if s := `C:\065 "x"`; unescape(escape(s)) != s {
		t.Errorf("%q became %q", s, unescape(escape(s)))
	}
}

func TestInstanceID(t *testing.T) {
	a, b := newInstanceID(), newInstanceID()
	if a == b || a.IsZero() {
		t.Fatalf("%v %v", a, b)
	}
	if got, err := ParseInstanceID(a.String()); err != nil || got != a {
		t.Fatalf("%v %v", got, err)
	}
	for _, s := range []string{"", "0123", strings.Repeat("0", 16), "00112233445566GG", "AABBCCDDEEFF0011", "00112233445566778"} {
		if got, err := ParseInstanceID(s); err == nil || !got.IsZero() {
			t.Errorf("%q: %v %v", s, got, err)
		}
	}
}

func TestParse(t *testing.T) {
	good := func() *zeroconf.ServiceEntry { return entry(id(1), "Pixel 9", 4242, "192.168.7.30", "fe80::30") }
	s, err := parse(good())
	if err != nil || s.id != id(1) || s.name != "Pixel 9" || s.protocol != Protocol || s.port != 4242 || len(s.addrs) != 2 {
		t.Fatalf("%+v %v", s, err)
	}
	text := func(text ...string) func(*zeroconf.ServiceEntry) {
		return func(e *zeroconf.ServiceEntry) { e.Text = text }
	}
	mine := "id=" + id(1).String()
	for _, c := range []struct {
		name   string
		change func(*zeroconf.ServiceEntry)
		err    error
		check  func(sighting) bool
	}{
		{"port 0", func(e *zeroconf.ServiceEntry) { e.Port = 0 }, errPort, nil},
		{"port below", func(e *zeroconf.ServiceEntry) { e.Port = -1 }, errPort, nil},
		{"port above", func(e *zeroconf.ServiceEntry) { e.Port = 65536 }, errPort, nil},
		{"label is no ID", func(e *zeroconf.ServiceEntry) { e.Instance = "My Phone" }, errNotOurs, nil},
		{"ID of another", text("id="+id(2).String(), "v=1"), errNotOurs, nil},
		{"no text", text(), errNotOurs, nil},
		{"no protocol", text(mine), errProtocol, nil},
		{"protocol 0", text(mine, "v=0"), errProtocol, nil},
		{"protocol below", text(mine, "v=-1"), errProtocol, nil},
		{"protocol too large", text(mine, "v=99999999999999999999"), errProtocol, nil},
		{"protocol in disguise", text(mine, "v=+1"), errProtocol, nil},
		{"later protocol", text(mine, "v=7", "new=thing"), nil, func(s sighting) bool { return s.protocol == 7 && s.name == "" }},
		{"first of a key counts", text(mine, "v=1", "n=a", "n=b"), nil, func(s sighting) bool { return s.name == "a" }},
		{"keys in capitals", text("ID="+id(1).String(), "V=1"), nil, func(s sighting) bool { return s.protocol == 1 }},
		{"a form", text(mine, "v=1", "d=computer"), nil, func(s sighting) bool { return s.form == Computer }},
		{"a form of a later release", text(mine, "v=1", "d=watch"), nil, func(s sighting) bool { return s.form == NoForm }},
		{"name in bytes", text(mine, "v=1", `n=M\195\188ller\226\128\174`), nil, func(s sighting) bool { return s.name == "Müller" }},
		{"strings without end", text(append(slices.Repeat([]string{"x=y"}, maxTextStrings), mine, "v=1")...), errNotOurs, nil},
		{"addresses without end", func(e *zeroconf.ServiceEntry) {
			for i := range 5000 {
				e.AddrIPv4 = append(e.AddrIPv4, net.IPv4(192, 168, byte(i>>8), byte(i)))
			}
		}, nil, func(s sighting) bool { return len(s.addrs) <= 4*MaxAddrs }},
		{"addresses of any length", func(e *zeroconf.ServiceEntry) { e.AddrIPv4 = []net.IP{nil, {1}, make(net.IP, 17)} }, nil,
			func(s sighting) bool { return len(s.addrs) == 1 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := good()
			c.change(e)
			s, err := parse(e)
			if !errors.Is(err, c.err) || (err != nil) != (c.err != nil) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			if c.check != nil && !c.check(s) {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestReachable(t *testing.T) {
	usb := iface(5, "usb0", lanFlags, "192.168.42.1/24", "fe80::51/64")
	e := entry(id(1), "", 4242, "10.9.9.9", "8.8.8.8", "127.0.0.1", "0.0.0.0", "224.0.0.1", "192.168.42.2", "192.168.7.30",
		"fe80::30", "2001:db8:7::30", "2001:db8:8::30", "fd00::30", "::1", "::")
	s, err := parse(e)
	if err != nil {
		t.Fatal(err)
	}
	got := reachable(s, []netif.Interface{wlan(), usb})
	want := addrPorts(t, "192.168.7.30:4242", "192.168.42.2:4242", "[2001:db8:7::30]:4242", "10.9.9.9:4242", "[fd00::30]:4242",
		"[fe80::30%3]:4242", "[fe80::30%5]:4242")
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	got = reachable(s, []netif.Interface{loopback()})
	want = addrPorts(t, "10.9.9.9:4242", "192.168.7.30:4242", "192.168.42.2:4242", "[fd00::30]:4242", "127.0.0.1:4242", "[::1]:4242")
	if !slices.Equal(got, want) {
		t.Errorf("loopback: got  %v\nwant %v", got, want)
	}
}

func FuzzParseEntry(f *testing.F) {
	f.Add(id(1).String(), 4242, []byte("id="+id(1).String()+"\nv=1\nn=Pixel\\195\\188"), []byte{192, 168, 7, 30}, []byte(net.ParseIP("fe80::30")))
	f.Add("x", 0, []byte("v=0\nn=\\"), []byte{8, 8, 8, 8, 0, 0, 0, 0}, []byte{})
	on := []netif.Interface{wlan(), loopback()}
	f.Fuzz(func(t *testing.T, instance string, port int, text, v4, v6 []byte) {
		e := zeroconf.NewServiceEntry(instance, serviceType, domain)
		e.Port = port
		for line := range bytes.SplitSeq(text, []byte("\n")) {
			e.Text = append(e.Text, string(line))
		}
		for c := range slices.Chunk(v4, 4) {
			e.AddrIPv4 = append(e.AddrIPv4, net.IP(c))
		}
		for c := range slices.Chunk(v6, 16) {
			e.AddrIPv6 = append(e.AddrIPv6, net.IP(c))
		}
		s, err := parse(e)
		if err != nil {
			if s.id != (InstanceID{}) || s.addrs != nil {
				t.Fatal("a failed parse returned something")
			}
			return
		}
		if s.id.IsZero() || s.port == 0 || s.protocol < 1 || clean(s.name) != s.name {
			t.Fatalf("%+v", s)
		}
		addrs := reachable(s, on)
		if len(addrs) > MaxAddrs {
			t.Fatalf("%d addresses", len(addrs))
		}
		for _, a := range addrs {
			if !a.IsValid() || a.Port() != s.port || a.Addr().IsMulticast() || a.Addr().IsUnspecified() {
				t.Fatalf("%v", a)
			}
		}
	})
}
