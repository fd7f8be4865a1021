package pairing

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"unicode"
)

func TestParseCode(t *testing.T) {
	good := []string{
		"7429163",
		"742 9163",
		"742-9163",
		"742.91.63",
		"  742 9163\r\n",
		"\t7 4 2 9 1 6 3 ",
		"742\u00a09163", // no-break space
		"742\u202f9163", // narrow no-break space
		"742\u30009163", // ideographic space
		"742\u20139163", // en dash
		"742\u20119163", // no-break hyphen
		"742\u22129163", // minus sign
		"\u200e742 9163\u200f",
		"\ufeff7429163",
		"７４２ ９１６３",            // full width
		"٧٤٢ ٩١٦٣",            // Arabic-Indic
		"۷۴۲ ۹۱۶۳",            // extended Arabic-Indic
		"७४२-९१६३",            // Devanagari
		"𝟕𝟒𝟐 𝟗𝟏𝟔𝟑",            // mathematical bold
		"7٤２ ۹१𝟔3",            // of every sort
		"７４２．９１６３",            // full-width full stop
		"742\u00ad9163\u2060", // soft hyphen, word joiner
	}
	want, err := ParseCode("7429163")
	if err != nil || want.Digits() != "7429163" || want.Reveal() != "742 9163" {
		t.Fatalf("ParseCode = %q, %q, %v", want.Digits(), want.Reveal(), err)
	}
	for _, s := range good {
		c, err := ParseCode(s)
		if err != nil {
			t.Errorf("%q: %v", s, err)
		} else if !c.Equal(want) {
			t.Errorf("%q was read as %s", s, c.Digits())
		}
	}
	if c, err := ParseCode("000 0000"); err != nil || c.Reveal() != "000 0000" {
		t.Errorf("zeros: %q, %v", c.Reveal(), err)
	}
	bad := []string{
		"", " ", "742916", "74291633", "742916x", "742 916 ", "O429163", "742+9163", "742,9163", "742/9163",
		"-", "74291\x006", "742\xff9163", "74²9163", "Ⅶ429163", "七429163",
		strings.Repeat(" ", maxCodeText-6) + "7429163",
	}
	for _, s := range bad {
		c, err := ParseCode(s)
		if !errors.Is(err, ErrBadCode) || !c.IsZero() {
			t.Errorf("%q: %q, %v, want ErrBadCode", s, c.Digits(), err)
		}
	}
}

// digit relies on how Unicode and Go lay out decimal digits; a new Go must not
// change that unseen.
func TestDigitRanges(t *testing.T) {
	check := func(lo, hi, stride uint32) {
		if stride != 1 || (hi-lo+1)%10 != 0 {
			t.Errorf("range %U to %U, stride %d, is no series of tens", lo, hi, stride)
		}
	}
	for _, r := range unicode.Nd.R16 {
		check(uint32(r.Lo), uint32(r.Hi), uint32(r.Stride))
	}
	for _, r := range unicode.Nd.R32 {
		check(r.Lo, r.Hi, r.Stride)
	}
	for r := range rune(unicode.MaxRune) {
		if _, ok := digit(r); ok != unicode.IsDigit(r) {
			t.Fatalf("%U: digit is %v", r, ok)
		}
	}
}

func TestNewCode(t *testing.T) {
	for _, tt := range []struct{ name, bytes, want string }{
		{"zero", "00000000", "0000000"},
		{"largest", "0098967f", "9999999"},
		{"wraps", "00989680", "0000000"},
		{"last that is fair", "ffb4347f" + "00000007", "9999999"},
		{"first that is not", "ffb43480" + "00000007", "0000007"},
		{"largest number", "ffffffff" + "00000007", "0000007"},
	} {
		b, err := hex.DecodeString(tt.bytes)
		if err != nil {
			t.Fatal(err)
		}
		c, err := newCode(bytes.NewReader(b))
		if err != nil || c.Digits() != tt.want {
			t.Errorf("%s: %q, %v, want %q", tt.name, c.Digits(), err, tt.want)
		}
	}
	if c, err := newCode(bytes.NewReader([]byte{1, 2, 3})); err == nil || !c.IsZero() {
		t.Errorf("without randomness: %q, %v", c.Digits(), err)
	}
}

// Every digit comes equally often in every place. With 20,000 codes the
// statistic exceeds 40 (9 degrees of freedom) about once in 100,000 times; the
// seed is fixed.
func TestNewCodeDistribution(t *testing.T) {
	const n = 20_000
	var seen [CodeDigits][10]float64
	src := random(1)
	for range n {
		c, err := newCode(src)
		if err != nil {
			t.Fatal(err)
		}
		for i, d := range []byte(c.Digits()) {
			seen[i][d-'0']++
		}
	}
	for i, place := range seen {
		chi := 0.0
		for _, k := range place {
			chi += (k - n/10) * (k - n/10) / (n / 10)
		}
		if chi > 40 {
			t.Errorf("place %d: chi-squared is %.1f", i, chi)
		}
	}
}

// SEC-04: nothing that prints or marshals reveals a secret.
func TestSecretsAreHidden(t *testing.T) {
	raw := []byte("7429163")
	code := Code{hide(raw)}
	secret := Secret{hide(append([]byte(nil), raw...))}
	key := Key{hide(append([]byte(nil), raw...))}
	o := Offer{Serial: 1, Device: newPhone, Code: code, Secret: secret}
	link := o.Link(netip.MustParseAddrPort("192.0.2.7:4242"))
	text, err := Link{Device: newPhone, Secret: Secret{hide(bytes.Repeat(raw, 3)[:SecretSize])}}.Reveal()
	if err != nil {
		t.Fatal(err)
	}
	type open struct{ V any }
	type shut struct{ v any }
	type shutCode struct{ c Code }
	type shutLink struct{ l Link }
	values := []any{
		code, &code, secret, &secret, key, &key, o, &o, link, &link, Result{Key: key}, []Code{code},
		map[string]Code{"c": code}, shutCode{code}, &shutCode{code}, shutLink{link}, &shutLink{link},
	}
	leaks := []string{
		"7429163", "742 9163", hex.EncodeToString(raw), strings.ToUpper(hex.EncodeToString(raw)),
		strings.Trim(fmt.Sprint(raw), "[]"), "0x37, 0x34", "NzQyOTE2Mw", text,
	}
	check := func(how, got string) {
		t.Helper()
		for _, l := range leaks {
			if strings.Contains(got, l) {
				t.Errorf("%s reveals the secret: %s", how, got)
			}
		}
	}
	for _, v := range values {
		for _, verb := range "vsdxXqcoObUeEfFgGtpT" {
			for _, flag := range []string{"", "+", "#", "# ", "-020.9"} {
				f := "%" + flag + string(verb)
				check(fmt.Sprintf("%s of %T", f, v), fmt.Sprintf(f, v))
				check(fmt.Sprintf("%s of %T in a struct", f, v), fmt.Sprintf(f, open{v}))
				check(fmt.Sprintf("%s of %T in a field", f, v), fmt.Sprintf(f, shut{v}))
			}
		}
		check("Sprint", fmt.Sprint(v))
		if b, err := json.Marshal(v); err != nil {
			t.Errorf("json of %T: %v", v, err)
		} else {
			check("json", string(b))
		}
		var b bytes.Buffer
		slog.New(slog.NewTextHandler(&b, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "v", v)
		check("slog", b.String())
	}
	d := &Desk{offer: o}
	check("a desk", fmt.Sprintf("%v %+v %#v", d, d, d))
	if s := link.String(); strings.Contains(s, "192.0.2.7") || !strings.Contains(s, newPhone.Short()) {
		t.Errorf("link prints as %q", s)
	}
}

func TestZeroSecrets(t *testing.T) {
	if c := (Code{}); !c.IsZero() || c.Digits() != "" || c.Reveal() != "" {
		t.Error("the zero Code is a code")
	}
	if (Code{}).Equal(Code{hide([]byte("7429163"))}) || !(Code{}).Equal(Code{}) {
		t.Error("the zero Code equals another")
	}
	if k := (Key{}); !k.IsZero() || len(k.Bytes()) != 0 {
		t.Error("the zero Key is a key")
	}
}

// What parses reveals seven ASCII digits that parse to the same code.
func FuzzParseCode(f *testing.F) {
	for _, s := range []string{"742 9163", "７４２－９１６３", "٧٤٢٩١٦٣", "742916", "\u200e7429163", "7429163 0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseCode(s)
		if err != nil {
			if !c.IsZero() || !errors.Is(err, ErrBadCode) {
				t.Fatalf("%q, %v", c.Digits(), err)
			}
			return
		}
		if strings.Trim(c.Digits(), "0123456789") != "" || len(c.Digits()) != CodeDigits {
			t.Fatalf("digits %q", c.Digits())
		}
		if again, err := ParseCode(c.Reveal()); err != nil || !again.Equal(c) {
			t.Fatalf("%q: %v", c.Reveal(), err)
		}
	})
}
