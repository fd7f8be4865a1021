package pairing

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/p2p/identity"
)

func testSecret() Secret { return Secret{hide([]byte("0123456789abcdef"))} }

func addrs(texts ...string) []netip.AddrPort {
	var out []netip.AddrPort
	for _, s := range texts {
		out = append(out, netip.MustParseAddrPort(s))
	}
	return out
}

// goldenLink is what protocol 1 wrote; it stays readable.
//
//	0001                protocol 1
//	8139…b394           public key of newPhone
//	30 31 … 66          secret "0123456789abcdef"
//	02                  two addresses
//	04 c0a80107 1092    192.168.1.7:4242
//	06 fe80…0007 1092   [fe80::7]:4242
const goldenLink = "FERRY:AAAYCOLXB2UH2F27K2RVIZWDJR7MZS4NRKI3J3RXUJO7MD23R7E3HFBQGEZDGNBVGY3TQOLBMJRWIZLGAICMBKABA4IJEBX6QAAAAAAAAAAAAAAAAAAAAAAHCCJA"

func TestLinkGolden(t *testing.T) {
	want := Link{Protocol: 1, Device: newPhone, Addrs: addrs("192.168.1.7:4242", "[fe80::7]:4242"), Secret: testSecret()}
	got, err := want.Reveal()
	if err != nil || got != goldenLink {
		t.Errorf("Reveal = %s, %v\nwant     %s", got, err, goldenLink)
	}
	l, err := ParseLink(goldenLink)
	if err != nil || l.Protocol != 1 || l.Device != newPhone || !slices.Equal(l.Addrs, want.Addrs) || !l.Secret.Equal(want.Secret) {
		t.Errorf("ParseLink = %v, %v", l, err)
	}
}

func TestLinkLongest(t *testing.T) {
	l := Link{Device: newPhone, Secret: testSecret()}
	for i := range MaxLinkAddrs {
		l.Addrs = append(l.Addrs, netip.AddrPortFrom(netip.AddrFrom16([16]byte{0x20, 1, 15: byte(i)}), 1))
	}
	s, err := l.Reveal()
	if err != nil || len(s) != MaxLinkText {
		t.Fatalf("%d characters, %v, want %d", len(s), err, MaxLinkText)
	}
	if strings.Trim(s, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:") != "" {
		t.Errorf("%s does not fit QR's alphanumeric mode", s)
	}
	if got, err := ParseLink(s); err != nil || len(got.Addrs) != MaxLinkAddrs {
		t.Errorf("%v, %v", got, err)
	}
}

func TestRevealRefuses(t *testing.T) {
	good := Link{Device: newPhone, Secret: testSecret()}
	if _, err := good.Reveal(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Link){
		"no secret":           func(l *Link) { l.Secret = Secret{} },
		"no device":           func(l *Link) { l.Device = "" },
		"junk device":         func(l *Link) { l.Device = "12D3KooW" },
		"later protocol":      func(l *Link) { l.Protocol = 2 },
		"too many addresses":  func(l *Link) { l.Addrs = make([]netip.AddrPort, MaxLinkAddrs+1) },
		"no address":          func(l *Link) { l.Addrs = make([]netip.AddrPort, 1) },
		"port 0":              func(l *Link) { l.Addrs = addrs("192.0.2.7:0") },
		"unspecified address": func(l *Link) { l.Addrs = addrs("[::]:1") },
		"multicast address":   func(l *Link) { l.Addrs = addrs("224.0.0.251:1") },
		"broadcast address":   func(l *Link) { l.Addrs = addrs("255.255.255.255:1") },
		"address with a zone": func(l *Link) { l.Addrs = addrs("[fe80::7%wlan0]:1") },
		"IPv4 in IPv6":        func(l *Link) { l.Addrs = addrs("[::ffff:192.0.2.7]:1") },
	} {
		l := good
		change(&l)
		if s, err := l.Reveal(); !errors.Is(err, ErrBadLink) || s != "" {
			t.Errorf("%s: %q, %v, want ErrBadLink", name, s, err)
		}
	}
}

// encodeLink writes any bytes in a link's text form.
func encodeLink(b []byte) string { return linkScheme + linkEncoding.EncodeToString(b) }

func TestParseLinkRefuses(t *testing.T) {
	raw, err := linkEncoding.DecodeString(goldenLink[len(linkScheme):])
	if err != nil {
		t.Fatal(err)
	}
	with := func(i int, v ...byte) string {
		b := bytes.Clone(raw)
		copy(b[i:], v)
		return encodeLink(b)
	}
	for name, s := range map[string]string{
		"empty":                   "",
		"scheme only":             linkScheme,
		"other scheme":            "HTTPS:" + goldenLink[len(linkScheme):],
		"lower case":              strings.ToLower(goldenLink),
		"space around":            " " + goldenLink,
		"line break within":       goldenLink[:20] + "\n" + goldenLink[20:],
		"padding":                 goldenLink + "=",
		"something behind it":     encodeLink(append(bytes.Clone(raw), 0)),
		"bits that say nothing":   encodeLink(raw[:51])[:87] + "B",
		"protocol 0":              with(0, 0, 0),
		"more addresses than are": with(50, 3),
		"fewer addresses":         with(50, 1),
		"too many addresses":      with(50, 255),
		"family 5":                with(51, 5),
		"family 6 of IPv4":        with(51, 6),
		"port 0":                  with(56, 0, 0),
		"unspecified address":     with(52, 0, 0, 0, 0),
		"too long":                encodeLink(make([]byte, maxLinkBytes+1)),
	} {
		if l, err := ParseLink(s); !errors.Is(err, ErrBadLink) || !reflect.DeepEqual(l, Link{}) {
			t.Errorf("%s: %v, want ErrBadLink", name, err)
		}
	}
	for n := range raw {
		if l, err := ParseLink(encodeLink(raw[:n])); !errors.Is(err, ErrBadLink) || !reflect.DeepEqual(l, Link{}) {
			t.Errorf("cut after %d bytes: %v, want ErrBadLink", n, err)
		}
	}
	var ve *VersionError
	if _, err := ParseLink(encodeLink([]byte{0, 2, 'x'})); !errors.As(err, &ve) || ve.Theirs != 2 {
		t.Errorf("protocol 2: %v, want a VersionError", err)
	}
}

// SEC-08: nothing reaches a device that the link does not name.
func TestLinkPinsTheDevice(t *testing.T) {
	for name, tt := range map[string]struct {
		pw   Password
		want error
	}{
		"other device": {Link{Device: mallory, Secret: testSecret()}, ErrWrongDevice},
		"no device":    {Link{Secret: testSecret()}, ErrBadLink},
		"no secret":    {Link{Device: newPhone}, ErrBadLink},
		"no code":      {Code{}, ErrBadCode},
		"nothing":      {nil, ErrBadCode},
	} {
		var sent bytes.Buffer
		_, err := Initiate(context.Background(), &sent, binding(), tt.pw)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
		if sent.Len() != 0 {
			t.Errorf("%s: %d bytes were sent", name, sent.Len())
		}
	}
	var ve *VersionError
	late := Link{Protocol: 7, Device: newPhone, Secret: testSecret()}
	if _, err := Initiate(context.Background(), new(bytes.Buffer), binding(), late); !errors.As(err, &ve) || ve.Theirs != 7 {
		t.Errorf("a later link: %v, want a VersionError", err)
	}
}

func TestBindingRefuses(t *testing.T) {
	d := openDesk(t, 1)
	for name, change := range map[string]func(*Binding){
		"no initiator":   func(b *Binding) { b.Initiator = "" },
		"junk initiator": func(b *Binding) { b.Initiator = "x" },
		"junk responder": func(b *Binding) { b.Responder = identity.DeviceID(strings.Repeat("1", 52)) },
		"same device":    func(b *Binding) { b.Initiator = b.Responder },
		"no exporter":    func(b *Binding) { b.Exporter = [32]byte{} },
	} {
		b := binding()
		change(&b)
		var rw bytes.Buffer
		if _, err := Initiate(context.Background(), &rw, b, offer(t, d).Code); err == nil || rw.Len() != 0 {
			t.Errorf("%s: Initiate sent %d bytes, %v", name, rw.Len(), err)
		}
		if _, err := d.Respond(context.Background(), &rw, b, nil); err == nil || rw.Len() != 0 {
			t.Errorf("%s: Respond sent %d bytes, %v", name, rw.Len(), err)
		}
	}
	b := binding()
	b.Responder = mallory
	if _, err := d.Respond(context.Background(), new(bytes.Buffer), b, nil); !errors.Is(err, ErrWrongDevice) {
		t.Errorf("another desk's binding: %v, want ErrWrongDevice", err)
	}
}

func FuzzParseLink(f *testing.F) {
	f.Add(goldenLink)
	f.Add(goldenLink[:87])
	f.Add(encodeLink([]byte{0, 2}))
	f.Add(linkScheme)
	f.Fuzz(func(t *testing.T, s string) {
		l, err := ParseLink(s)
		if err != nil {
			if !reflect.DeepEqual(l, Link{}) {
				t.Fatal("a failed parse returned something")
			}
			return
		}
		if got, err := l.Reveal(); err != nil || got != s {
			t.Fatalf("%q, %v", got, err)
		}
	})
}
