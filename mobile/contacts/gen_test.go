package contacts

import (
	"encoding/base64"
	"fmt"
	"strings"

	"pgregory.net/rapid"
)

// The pieces of which generated cards are made. There are few of each, so that
// cards meet.
var (
	genNames  = []string{"Ada Lovelace", "ada  LOVELACE", "Zo\u00eb", "Zoe\u0308", "Jan;Nowak", "東京 太郎", "a, b\\c", ""}
	genPhones = []string{"+1 (650) 555-0100", "0016505550100", "030 1234567", "110"}
	genMails  = []string{"ada@example.org", "ADA@example.org", "z@example.net"}
	genNotes  = []string{
		"one line", "two\nlines", "trailing space ", " leading", "semi;colon, comma\\", "emoji 👩‍👩‍👧",
		strings.Repeat("a long note with ümlauts = and ", 12), "END:VCARD", "\nEND:VCARD\n", "ends in =",
	}
)

// genCard draws a card in any version, with the spellings that phones have.
func genCard(t *rapid.T) string {
	g := gen{t: t, version: rapid.SampledFrom([]string{"2.1", "3.0", "4.0", ""}).Draw(t, "version")}
	g.eol = rapid.SampledFrom([]string{"\r\n", "\n", "\r\r\n", "\r"}).Draw(t, "eol")
	g.line("BEGIN:VCARD")
	if g.version != "" {
		g.line("VERSION:" + g.version)
	}
	n := rapid.IntRange(1, 7).Draw(t, "properties")
	for i := range n {
		g.property(i)
	}
	g.line("END:VCARD")
	return g.b.String() + rapid.SampledFrom([]string{"", "", "", g.eol, " " + g.eol}).Draw(t, "blanks")
}

type gen struct {
	t       *rapid.T
	b       strings.Builder
	version string
	eol     string
}

func (g *gen) line(s string) { g.b.WriteString(s + g.eol) }

func (g *gen) pick(from ...string) string { return rapid.SampledFrom(from).Draw(g.t, "pick") }

func (g *gen) property(i int) {
	old := g.version == "2.1"
	kind := ";TYPE="
	if old {
		kind = g.pick(";", ";TYPE=")
	}
	switch g.pick("N", "FN", "TEL", "EMAIL", "NOTE", "PHOTO", "UID", "BDAY", "group", "X", "ORG", "CATEGORIES", "odd", "charset", "other") {
	case "N":
		g.text("N", strings.ReplaceAll(g.pick(genNames...), ";", " ")+";;;")
	case "FN":
		g.text("FN", g.pick(genNames...))
	case "TEL":
		g.line("TEL" + g.pick("", kind+"CELL", kind+"HOME", kind+"CELL"+kind+"VOICE") + ":" + g.pick(genPhones...))
	case "EMAIL":
		g.line("EMAIL" + g.pick("", kind+"INTERNET", kind+"WORK") + ":" + g.pick(genMails...))
	case "NOTE":
		g.text("NOTE", g.pick(genNotes...))
	case "PHOTO":
		g.photo()
	case "UID":
		g.line("UID:" + g.pick("urn:uuid:0815-4711", "0815-4711", "x", "abcdefgh"))
	case "BDAY":
		g.line("BDAY:" + g.pick("1980-01-01", "19800101", "1999-12-31"))
	case "group":
		name := g.pick("item1", "ITEM1", "item2", "a.b") + fmt.Sprint(g.pick("", fmt.Sprint(i)))
		g.line(name + ".TEL:" + g.pick(genPhones...))
		g.line(name + ".X-ABLabel:" + g.pick("_$!<Home>!$_", "boat", "büro"))
	case "X":
		g.line(g.pick("X-FOO", "x-foo", "X-AIM") + g.pick("", ";X-P=\"a;b:c\"", ";X-P=1") + ":" + g.pick("a,b;c", `a\,b\;c`, `back\\slash`, ""))
	case "ORG":
		g.text("ORG", g.pick("Analytical Engines;R+D", "A, B & C", "x;;"))
	case "CATEGORIES":
		g.line("CATEGORIES:" + g.pick("a,b", `a\,b`, "a;b"))
	case "odd":
		g.line(g.pick("no colon", ":no name", "B AD;x:1", "TEL;\":1", "A;=:2", "ünï:1", "END", "AGENT;X=1:x", "X-\xff:\xfe"))
	case "charset":
		if old {
			g.line(g.pick("FN;CHARSET=SHIFT_JIS:\x93\x8c\x8b\x9e", "NOTE;CHARSET=SHIFT_JIS;ENCODING=QUOTED-PRINTABLE:=83=81=83=82", "FN:\xe9t\xe9", "NOTE;CHARSET=NONE:\xff"))
		}
	case "other":
		g.line("X-FERRY-OTHER;PROPERTY=BDAY:" + g.pick("1980-01-01", "2000-02-03"))
	}
}

// text writes a value the way the version does.
func (g *gen) text(name, v string) {
	if g.version == "2.1" {
		if isPlain(v) {
			g.line(name + ":" + v)
			return
		}
		g.b.WriteString(name + ";CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:")
		for i, c := range []byte(strings.ReplaceAll(v, "\n", "\r\n")) {
			if i%20 == 19 {
				g.b.WriteString("=" + g.eol)
			}
			if c >= 'A' && c <= 'z' || c == ':' {
				g.b.WriteByte(c)
			} else {
				fmt.Fprintf(&g.b, "=%02X", c)
			}
		}
		g.line(g.pick("", "", "="+g.eol))
		return
	}
	x := syntaxOf(name)
	v = escape(v, x, true)
	if len(v) > 60 {
		v = strings.ToValidUTF8(v[:50], "") + g.eol + " " + v[50:]
	}
	g.line(name + ":" + v)
}

func (g *gen) photo() {
	data := base64.StdEncoding.EncodeToString([]byte(g.pick("picture one", "\xff\xd8\xff picture two", strings.Repeat("\x00\x01\x02", 70))))
	switch g.version {
	case "2.1":
		if len(data) > 40 {
			data = data[:40] + g.eol + g.pick(" ", "") + data[40:]
		}
		g.line("PHOTO;" + g.pick("ENCODING=", "") + "BASE64" + g.pick("", ";JPEG", ";TYPE=JPEG") + ":" + data + g.pick("", g.eol))
	case "4.0":
		g.line("PHOTO:data:image/jpeg;base64," + data)
	default:
		g.line("PHOTO;ENCODING=b" + g.pick("", ";TYPE=JPEG") + ":" + data)
	}
}
