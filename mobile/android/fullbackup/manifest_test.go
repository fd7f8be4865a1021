package fullbackup_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/android/fullbackup"
)

func TestManifest(t *testing.T) {
	four := int64(4)
	none := int64(0)
	for _, c := range []struct {
		what  string
		text  string
		want  fullbackup.Manifest
		reads bool
	}{
		{"installed from a shop", "1\norg.example.notes\n412\n30\ncom.example.shop\n0\n1\n3082a0ff\n",
			fullbackup.Manifest{Package: "org.example.notes", VersionCode: 412, SDK: 30, Installer: "com.example.shop",
				Certificates: [][]byte{{0x30, 0x82, 0xa0, 0xff}}}, true},
		{"app and two certificates", "1\na\n1\n24\n\n1\n2\n3082\n3083\n",
			fullbackup.Manifest{Package: "a", VersionCode: 1, SDK: 24, HasAPK: true,
				Certificates: [][]byte{{0x30, 0x82}, {0x30, 0x83}}}, true},
		{"no certificate", "1\na\n1\n24\n\n0\n0\n", fullbackup.Manifest{Package: "a", VersionCode: 1, SDK: 24}, false},
		{"largest version Android reads", "1\na\n2147483647\n24\n\n0\n1\n30\n",
			fullbackup.Manifest{Package: "a", VersionCode: 1<<31 - 1, SDK: 24, Certificates: [][]byte{{0x30}}}, true},
		{"long version", "1\na\n2147483648\n24\n\n0\n1\n30\n",
			fullbackup.Manifest{Package: "a", VersionCode: 1 << 31, SDK: 24, Certificates: [][]byte{{0x30}}}, false},
		{"splits", "1\na\n1\n34\n\n0\n4\n1\n3082\n",
			fullbackup.Manifest{Package: "a", VersionCode: 1, SDK: 34, Splits: &four, Certificates: [][]byte{{0x30, 0x82}}}, true},
		{"no splits", "1\na\n1\n34\n\n0\n0\n1\n3082\n",
			fullbackup.Manifest{Package: "a", VersionCode: 1, SDK: 34, Splits: &none, Certificates: [][]byte{{0x30, 0x82}}}, true},
		{"splits, no certificate", "1\na\n1\n34\n\n0\n4\n0\n",
			fullbackup.Manifest{Package: "a", VersionCode: 1, SDK: 34, Splits: &four}, false},
		{"more lines", "1\na\n1\n34\n\n0\n1\n3082\nmore\nno end",
			fullbackup.Manifest{Package: "a", VersionCode: 1, SDK: 34, Certificates: [][]byte{{0x30, 0x82}}, Extra: []byte("more\nno end")}, true},
	} {
		m, err := fullbackup.ParseManifest([]byte(c.text))
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		if m.Package != c.want.Package || m.VersionCode != c.want.VersionCode || m.SDK != c.want.SDK || m.Installer != c.want.Installer ||
			m.HasAPK != c.want.HasAPK || len(m.Certificates) != len(c.want.Certificates) || !bytes.Equal(m.Extra, c.want.Extra) ||
			(m.Splits == nil) != (c.want.Splits == nil) || m.Splits != nil && *m.Splits != *c.want.Splits {
			t.Errorf("%s: %+v", c.what, m)
		}
		if m.AndroidReads() != c.reads {
			t.Errorf("%s: Android reads it: %v", c.what, m.AndroidReads())
		}
		for _, from := range []*fullbackup.Manifest{m, &c.want} {
			if b, err := from.Append([]byte("before")); err != nil || string(b) != "before"+c.text {
				t.Errorf("%s: written again: %q, %v", c.what, b, err)
			}
		}
	}
}

func TestManifestDamage(t *testing.T) {
	for _, c := range []struct {
		text   string
		offset int64
	}{
		{"", 0}, {"2\na\n1\n24\n\n0\n0\n", 0}, {"01\na\n1\n24\n\n0\n0\n", 0}, {"1\n\n1\n24\n\n0\n0\n", 2},
		{"1\na b\n1\n24\n\n0\n0\n", 2}, {"1\na\n+1\n24\n\n0\n0\n", 4}, {"1\na\n9223372036854775808\n24\n\n0\n0\n", 4},
		{"1\na\n1\n-0\n\n0\n0\n", 6}, {"1\na\n1\n24\n\n2\n0\n", 10}, {"1\na\n1\n24\n\n0\n-1\n", 12},
		{"1\na\n1\n24\n\n0\n1\n3\n", 14}, {"1\na\n1\n24\n\n0\n1\nAB\n", 14}, {"1\na\n1\n24\n\n0\n1\n\n", 14},
		{"1\na\n1\n24\n\n0\n9223372036854775807\n30\n", 35}, {"1\r\na\n", 0},
		{"1\na\n" + strings.Repeat("9", 60000) + "\n", 4}, {strings.Repeat("1\n", 40000), 65536},
	} {
		m, err := fullbackup.ParseManifest([]byte(c.text))
		var damage *fullbackup.DamageError
		if m != nil || !errors.As(err, &damage) || damage.Offset != c.offset || damage.Part != fullbackup.PartManifest {
			t.Errorf("%.40q: %v, %v", c.text, m, err)
		}
	}
	whole := "1\norg.example.notes\n412\n30\ncom.example.shop\n0\n2\n3082a0ff\n3083a0ff\n"
	for n := range len(whole) {
		if _, err := fullbackup.ParseManifest([]byte(whole[:n])); err == nil {
			t.Errorf("cut at %d: no error", n)
		}
	}
}

func TestManifestInvalid(t *testing.T) {
	ten := int64(11)
	many := make([][]byte, 10)
	for i := range many {
		many[i] = []byte{0x30}
	}
	for what, m := range map[string]fullbackup.Manifest{
		"no package":      {},
		"line in package": {Package: "a\nb"},
		"line in shop":    {Package: "a", Installer: "a\nb"},
		"empty cert":      {Package: "a", Certificates: [][]byte{{}}},
		"too large":       {Package: "a", Certificates: [][]byte{make([]byte, 40000)}},
		"ambiguous":       {Package: "a", Splits: &ten, Certificates: many},
		"ambiguous extra": {Package: "a", Extra: []byte("1\n30\n")},
	} {
		if b, err := m.Append([]byte("x")); !errors.Is(err, fullbackup.ErrInvalid) || string(b) != "x" {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestMeta(t *testing.T) {
	golden := "1\norg.example.notes\n" +
		"\x01\xff\xed\x01" + "\x00\x00\x00\x03" + "wid" +
		"\x01\xff\xed\x02" + "\x00\x00\x00\x00"
	m, err := fullbackup.ParseMeta([]byte(golden))
	if err != nil {
		t.Fatal(err)
	}
	if m.Package != "org.example.notes" || len(m.Records) != 2 || string(m.Widgets()) != "wid" || m.Records[1].Token != 0x01ffed02 {
		t.Errorf("%+v", m)
	}
	if b, err := m.Append([]byte("x")); err != nil || string(b) != "x"+golden {
		t.Errorf("%q, %v", b, err)
	}
	clean := map[int]bool{20: true, 31: true}
	for n := range len(golden) {
		m, err := fullbackup.ParseMeta([]byte(golden[:n]))
		if clean[n] != (err == nil) || (m == nil) != (err != nil) {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
	for _, bad := range []string{"2\na\n", "1\na/b\n", "1\na\n\x01\xff\xed\x01\xff\xff\xff\xff", "1\na\n\x01\xff\xed\x01\x80\x00\x00\x00abc",
		"1\na\n" + strings.Repeat("\x00", 1<<16)} {
		var damage *fullbackup.DamageError
		if _, err := fullbackup.ParseMeta([]byte(bad)); !errors.As(err, &damage) || damage.Part != fullbackup.PartMeta {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
	for what, m := range map[string]fullbackup.Meta{
		"package":   {Package: "a\nb"},
		"large":     {Package: "a", Records: []fullbackup.Record{{Data: make([]byte, 1<<16+1)}}},
		"all large": {Package: "a", Records: []fullbackup.Record{{Data: make([]byte, 1<<15)}, {Data: make([]byte, 1<<15)}}},
	} {
		if b, err := m.Append([]byte("x")); !errors.Is(err, fullbackup.ErrInvalid) || string(b) != "x" {
			t.Errorf("%s: %v", what, err)
		}
	}
	if (&fullbackup.Meta{}).Widgets() != nil {
		t.Error("widgets of nothing")
	}
}
