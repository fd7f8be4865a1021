package contacts

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"

	"lukechampine.com/blake3"
)

// The property that keeps what a card can have only once, and the parameter
// that names what it stands for.
const (
	otherName  = "X-FERRY-OTHER"
	otherParam = "PROPERTY"
	noName     = "-" // for a line that is no property
)

// property is one property in a form that is the same for every version of
// vCard and every way to encode it.
type property struct {
	group string // as written, "" = none
	name  string // upper case, "" = a line that is no property
	// other is set when the property stands in its card as X-FERRY-OTHER.
	other  bool
	types  []string // TYPE values, lower case, sorted
	params []string // "NAME=value", sorted, without TYPE, ENCODING and CHARSET
	value  string   // text with vCard 3.0's escapes
	bin    []byte   // the decoded value instead, of base64 and data: URIs
	line   *logical
}

// single are the properties of which a card has one.
var single = map[string]bool{
	"N": true, "FN": true, "UID": true, "BDAY": true, "ANNIVERSARY": true, "GENDER": true,
	"KIND": true, "PHOTO": true, "LOGO": true, "REV": true, "PRODID": true, "SORT-STRING": true,
	"MAILER": true, "CLASS": true, "NAME": true, "X-PHONETIC-FIRST-NAME": true,
	"X-PHONETIC-MIDDLE-NAME": true, "X-PHONETIC-LAST-NAME": true, "X-ABSHOWAS": true,
	"X-ADDRESSBOOKSERVER-KIND": true, "X-GENDER": true,
}

// syntax says which of ; and , separate parts of a value.
type syntax struct{ semi, comma, bare bool }

// syntaxOf returns a property's syntax. A bare value is written without
// escapes for ; and , because it is no text: a number, a date, an address.
func syntaxOf(name string) syntax {
	switch name {
	case "N", "ADR", "ORG":
		return syntax{semi: true}
	case "CATEGORIES", "NICKNAME":
		return syntax{comma: true}
	case "", "FN", "NOTE", "TITLE", "ROLE", "LABEL", "AGENT", "MAILER", "SORT-STRING", "NAME", "CLASS", "PRODID":
		return syntax{}
	case "TEL", "EMAIL", "URL", "UID", "PHOTO", "LOGO", "SOUND", "KEY", "BDAY", "ANNIVERSARY", "REV",
		"IMPP", "SOURCE", "FBURL", "CALURI", "CALADRURI", "RELATED", "MEMBER", "TZ", "LANG", "KIND":
		return syntax{bare: true}
	}
	return syntax{semi: true, comma: true}
}

// parseProperty understands one property. A line that it does not understand
// becomes a property without a name whose value is the line.
func parseProperty(l *logical, v21 bool) property {
	content := l.content
	if l.soft {
		content = content[:len(content)-1]
	}
	header, value, ok := cutHeader(content)
	p := property{line: l}
	if !ok || !p.parseName(&header) {
		return property{line: l, value: escape(toUTF8(bytes.TrimSpace(content), ""), syntax{}, v21)}
	}
	enc, charset := p.parseParams(header)
	if p.name == otherName {
		p.resolveOther()
	}
	p.parseValue(value, enc, charset, v21)
	slices.Sort(p.types)
	p.types = slices.Compact(p.types)
	slices.Sort(p.params)
	p.params = slices.Compact(p.params)
	return p
}

// parseName takes group and name off the header.
func (p *property) parseName(header *[]byte) bool {
	name, params, _ := bytes.Cut(*header, []byte{';'})
	*header = params
	name = bytes.TrimSpace(name)
	if i := bytes.LastIndexByte(name, '.'); i >= 0 {
		if !isToken(bytes.ReplaceAll(name[:i], []byte{'.'}, nil)) {
			return false
		}
		p.group, name = string(name[:i]), name[i+1:]
	}
	if !isToken(name) {
		return false
	}
	p.name = strings.ToUpper(string(name))
	return true
}

func isToken(b []byte) bool {
	for _, c := range b {
		if !(c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return len(b) > 0
}

// parseParams sorts the parameters into types and others and returns those
// that say how the value is encoded.
func (p *property) parseParams(b []byte) (enc, charset string) {
	for _, part := range cutQuoted(toUTF8(b, ""), ';') {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		k, v, ok := strings.Cut(part, "=")
		k = strings.ToUpper(strings.TrimSpace(k))
		if !ok || !isToken([]byte(k)) {
			k, v = bareParam(part)
		}
		v = strings.TrimSpace(v)
		switch k {
		case "ENCODING":
			enc = strings.ToUpper(unquote(v))
		case "CHARSET":
			charset = unquote(v)
		case "TYPE":
			p.addTypes(v)
		case "PREF":
			if v == "1" {
				p.types = append(p.types, "pref")
				continue
			}
			p.params = append(p.params, "PREF="+v)
		case "VALUE":
			p.params = append(p.params, "VALUE="+lower(unquote(v)))
		default:
			p.params = append(p.params, k+"="+unquote(v))
		}
	}
	return enc, charset
}

// bareParam gives a parameter of 2.1 its name.
func bareParam(v string) (name, value string) {
	switch strings.ToUpper(v) {
	case "QUOTED-PRINTABLE", "BASE64", "8BIT", "7BIT":
		return "ENCODING", v
	case "INLINE", "URL", "URI", "CONTENT-ID", "CID":
		return "VALUE", v
	}
	return "TYPE", v
}

// addTypes adds the values of one TYPE. Defaults that some phones write and
// others don't are left out.
func (p *property) addTypes(v string) {
	for t := range strings.SplitSeq(strings.ReplaceAll(v, `"`, ""), ",") {
		t = lower(strings.TrimSpace(t))
		if t == "" || t == "internet" && p.name == "EMAIL" || t == "voice" && p.name == "TEL" {
			continue
		}
		p.types = append(p.types, t)
	}
}

// lower and upper change ASCII letters only, so that each undoes the other.
func lower(s string) string { return strings.Map(asciiLower, s) }
func upper(s string) string { return strings.Map(asciiUpper, s) }

func asciiLower(r rune) rune {
	if r >= 'A' && r <= 'Z' {
		r += 'a' - 'A'
	}
	return r
}

func asciiUpper(r rune) rune {
	if r >= 'a' && r <= 'z' {
		r -= 'a' - 'A'
	}
	return r
}

// cutQuoted splits s at sep outside double quotes.
func cutQuoted(s string, sep byte) []string {
	var out []string
	quoted, start := false, 0
	for i := range len(s) {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == sep && !quoted:
			out = append(out, s[start:i])
			start = i + 1
		}
	}
	return append(out, s[start:])
}

// unquote takes quotes off that nothing in them needs.
func unquote(v string) string {
	if len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"' {
		if in := v[1 : len(v)-1]; in != "" && in == strings.TrimSpace(in) && !strings.ContainsAny(in, `";:,`) {
			return in
		}
	}
	return v
}

// resolveOther turns X-FERRY-OTHER into what it stands for.
func (p *property) resolveOther() {
	for i, s := range p.params {
		name, ok := strings.CutPrefix(s, otherParam+"=")
		if !ok || name != noName && !isToken([]byte(name)) {
			continue
		}
		p.params = slices.Delete(p.params, i, i+1)
		p.other = true
		if p.name = strings.ToUpper(name); name == noName {
			p.name = ""
		}
		types := p.types
		p.types = nil
		p.addTypes(strings.Join(types, ","))
		return
	}
}

// parseValue decodes the value.
func (p *property) parseValue(b []byte, enc, charset string, v21 bool) {
	switch enc {
	case "B", "BASE64":
		if bin, ok := decodeBase64(b); ok {
			p.setBinary(bin, "")
			return
		}
		p.params = append(p.params, "X-ENCODING="+enc) // the value stays as it is
	case "QUOTED-PRINTABLE":
		b = decodeQuoted(b)
	default:
		if p.line.wide {
			charset = ""
		}
	}
	switch p.name {
	case "PHOTO", "LOGO", "SOUND", "KEY":
		if bin, media, ok := dataURI(b); ok {
			p.setBinary(bin, media)
			return
		}
	}
	p.value = escape(toUTF8(b, charset), syntaxOf(p.name), v21)
}

// setBinary takes a decoded value; how it was written is dropped from the
// parameters, and media types become types: image/jpeg and TYPE=JPEG are one.
func (p *property) setBinary(bin []byte, media string) {
	p.bin = bin
	p.params = slices.DeleteFunc(p.params, func(s string) bool {
		if m, ok := strings.CutPrefix(s, "MEDIATYPE="); ok {
			media = m
			return true
		}
		return s == "VALUE=uri" || s == "VALUE=binary" || s == "VALUE=inline"
	})
	if media != "" {
		p.types = append(p.types, lower(media))
	}
	for i, t := range p.types {
		if _, sub, ok := strings.Cut(t, "/"); ok && sub != "" {
			p.types[i] = sub
		}
	}
	p.types = slices.DeleteFunc(p.types, func(t string) bool { return t == "octet-stream" })
}

// dataURI decodes data:image/jpeg;base64,….
func dataURI(b []byte) (bin []byte, media string, ok bool) {
	if len(b) < 5 || !bytes.EqualFold(b[:5], []byte("data:")) {
		return nil, "", false
	}
	head, data, ok := bytes.Cut(b[5:], []byte{','})
	m, found := bytes.CutSuffix(head, []byte(";base64"))
	m = bytes.TrimSuffix(m, []byte{'\\'}) // some escape the ; and the ,
	if !ok || !found || !isToken(bytes.ReplaceAll(m, []byte{'/'}, nil)) {
		return nil, "", false
	}
	bin, ok = decodeBase64(data)
	return bin, string(m), ok
}

// escape brings text to vCard 3.0's escapes. Which of ; and , separate is up
// to the syntax; \n is a line break from 3.0 on.
func escape(s string, x syntax, v21 bool) string {
	if !strings.ContainsAny(s, "\\,;\r\n") {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 8)
	for i := 0; i < len(s); i++ {
		c := s[i]
		sep := c == ';' && x.semi || c == ',' && x.comma
		if c == '\\' && i+1 < len(s) {
			switch n := s[i+1]; {
			case n == '\\' || n == ';' || n == ',' || n == ':':
				c, sep = n, false
				i++
			case !v21 && (n == 'n' || n == 'N'):
				c = '\n'
				i++
			}
		}
		switch {
		case c == '\r':
			if i+1 < len(s) && s[i+1] == '\n' {
				i++
			}
			b.WriteString(`\n`)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\\', (c == ';' || c == ',') && !sep:
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// hash16 names something in a set.
type hash16 [16]byte

// base identifies name, value and parameters without the types.
func (p *property) base() hash16 {
	b := make([]byte, 0, len(p.name)+len(p.value)+64)
	b = part(part(b, p.name), p.value)
	if p.bin != nil {
		sum := blake3.Sum256(p.bin)
		b = append(b, sum[:]...)
	}
	for _, s := range p.params {
		b = part(b, s)
	}
	return sum16(b)
}

// key identifies the property with its types.
func (p *property) key() hash16 {
	base := p.base()
	if len(p.types) == 0 {
		return base
	}
	return sum16(part(base[:], strings.Join(p.types, ",")))
}

// part appends s so that its end cannot be mistaken.
func part(b []byte, s string) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(s)))
	return append(b, s...)
}

func sum16(b []byte) hash16 {
	sum := blake3.Sum256(b)
	return hash16(sum[:16])
}
