package fakephone

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ferry-move/ferry/mobile/backup"
)

const (
	uidPrefix   = "urn:uuid:"
	localPrefix = "local/"
)

// contactKey returns the UID of contact i, which ends in the number i, or for
// every third contact, which has none, a key of the phone's own.
func contactKey(g *generator, i int) string {
	r := g.rng(i, forName)
	if r.n(3) == 0 {
		return localPrefix + strconv.Itoa(i)
	}
	const hexDigits = "0123456789abcdef"
	b := append(make([]byte, 0, 48), uidPrefix+"00000000-0000-4000-8000-000000000000"...)
	u := b[len(uidPrefix):]
	for v, at := r.next(), 0; at < 13; at++ {
		if u[at] == '0' {
			u[at] = hexDigits[v&15]
			v >>= 4
		}
	}
	for n, at := i, len(u)-1; n > 0; n, at = n>>4, at-1 {
		u[at] = hexDigits[n&15]
	}
	return string(b)
}

// contactNumber returns the number at the end of a contact's key.
func contactNumber(key backup.Key) (int, bool) {
	s, local := strings.CutPrefix(string(key), localPrefix)
	if local {
		i, err := strconv.Atoi(s)
		return i, err == nil && i >= 0
	}
	if len(s) < 12 {
		return 0, false
	}
	i, err := strconv.ParseUint(s[len(s)-12:], 16, 48)
	return int(i), err == nil
}

// contact makes contact i: a vCard of version 3.0, 4.0 or 2.1.
func (g *generator) contact(i int) backup.Item {
	key := contactKey(g, i)
	r := g.rng(i, forItem)
	v := card{buf: make([]byte, 0, 512), line: make([]byte, 0, 128), version: [8]string{"3.0", "3.0", "3.0", "3.0", "3.0", "4.0", "4.0", "2.1"}[r.n(8)]}
	given, family := people[r.n(len(people))], people[r.n(len(people))]
	name, surname := given[0], family[1]
	if r.n(4) != 0 { // most people have both names in one script
		surname = given[1]
	}
	full := strings.TrimSpace(name + " " + surname)
	if full == "" {
		full = "Unknown " + strconv.Itoa(i)
	}
	it := backup.Item{Kind: g.kind.info.Kind, Type: backup.TypeEntity, Key: backup.Key(key)}

	v.raw("BEGIN:VCARD")
	v.raw("VERSION:", v.version)
	if uid := strings.HasPrefix(key, uidPrefix); uid {
		v.raw("UID:", key)
	}
	v.text("FN", full)
	v.text("N", surname, name, "", "", "")
	for range r.n(4) {
		v.phone(&r)
	}
	if r.n(2) == 0 {
		v.raw("EMAIL;TYPE=HOME:contact", strconv.Itoa(i), "@example.org")
	}
	if r.n(4) == 0 {
		v.text("ADR", "", "", words[r.n(len(words))]+" 12, b", words[r.n(len(words))], "", "01234", "")
	}
	if r.n(4) == 0 {
		var note strings.Builder
		for range 5 + r.n(30) {
			note.WriteString(prose[r.n(len(prose))])
		}
		v.text("NOTE", note.String())
	}
	if r.n(8) == 0 {
		v.raw("BDAY:19" + strconv.Itoa(50+r.n(50)) + "-0" + strconv.Itoa(1+r.n(9)) + "-" + strconv.Itoa(10+r.n(19)))
	}
	if r.n(32) == 0 {
		v.photo(&r)
	}
	if r.n(2) == 0 {
		it.ModTime = stamp(&r)
		v.raw("REV:" + it.ModTime.Format("20060102T150405Z"))
	}
	v.raw("END:VCARD")
	it.Group = [4]string{"contacts.vcf", "contacts.vcf", "SIM.vcf", "Работа.vcf"}[r.n(4)]
	it.Value = slices.Clip(v.buf)
	it.Size = int64(len(it.Value))
	return it
}

// card writes a vCard. Its lines end in CRLF and are folded at 75 bytes; in
// version 2.1 text beyond ASCII is quoted-printable.
type card struct {
	buf     []byte
	line    []byte // the one that is being made
	version string
}

// raw writes one line that is made of parts.
func (c *card) raw(parts ...string) {
	c.line = c.line[:0]
	for _, p := range parts {
		c.line = append(c.line, p...)
	}
	c.fold()
}

// fold writes c.line.
func (c *card) fold() {
	const limit = 75
	line, room := c.line, limit
	for len(line) > room {
		cut := room
		for !utf8.RuneStart(line[cut]) {
			cut--
		}
		c.buf = append(append(c.buf, line[:cut]...), "\r\n "...)
		line, room = line[cut:], limit-1 // the space counts
	}
	c.buf = append(append(c.buf, line...), "\r\n"...)
}

// text writes a property whose parts are separated by semicolons.
func (c *card) text(name string, parts ...string) {
	if c.version == "2.1" {
		c.quoted(name, parts)
		return
	}
	c.line = append(c.line[:0], name...)
	for i, p := range parts {
		c.line = append(c.line, ":;"[min(i, 1)])
		for _, b := range []byte(p) {
			switch b {
			case '\n':
				c.line = append(c.line, `\n`...)
				continue
			case '\\', ';', ',':
				c.line = append(c.line, '\\')
			}
			c.line = append(c.line, b)
		}
	}
	c.fold()
}

func (c *card) quoted(name string, parts []string) {
	const limit, upper = 75, "0123456789ABCDEF"
	start := len(c.buf)
	room := func() { // for the longest that one byte can become, and a break
		if len(c.buf)-start > limit-4 {
			c.buf = append(c.buf, "=\r\n"...)
			start = len(c.buf)
		}
	}
	c.buf = append(append(c.buf, name...), ";CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:"...)
	for i, p := range parts {
		if i > 0 {
			room()
			c.buf = append(c.buf, ';')
		}
		for _, b := range []byte(p) {
			room()
			if b == ';' {
				c.buf = append(c.buf, '\\')
			}
			if b < ' ' || b > '~' || b == '=' || b == '\\' {
				c.buf = append(c.buf, '=', upper[b>>4], upper[b&15])
			} else {
				c.buf = append(c.buf, b)
			}
		}
	}
	c.buf = append(c.buf, "\r\n"...)
}

func (c *card) phone(r *rng) {
	where := "TEL;TYPE="
	if c.version == "2.1" {
		where = "TEL;"
	}
	c.raw(where, [4]string{"CELL", "HOME", "WORK", "FAX"}[r.n(4)],
		[4]string{":+49 30 ", ":+7916", ":+81-3-", ":0"}[r.n(4)], strconv.Itoa(1_000_000+r.n(8_999_999)))
}

func (c *card) photo(r *rng) {
	pix := append(make([]byte, 0, 3<<10), magic[".jpg"]...)
	for n := 256 + r.n(2<<10); len(pix) < n; {
		pix = binary.LittleEndian.AppendUint64(pix, r.next())
	}
	code := base64.StdEncoding.EncodeToString(pix)
	switch c.version {
	case "4.0":
		c.raw("PHOTO:data:image/jpeg;base64,", code)
	case "3.0":
		c.raw("PHOTO;ENCODING=b;TYPE=JPEG:", code)
	default: // an empty line ends it
		c.raw("PHOTO;ENCODING=BASE64;JPEG:", code)
		c.buf = append(c.buf, "\r\n"...)
	}
}
