package contacts

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// merge returns what has to be written before the END of the card to so that
// it holds everything of from; nothing if it does already. The bytes are in
// the encoding of to.
func merge(to, from *card) []byte {
	missing := to.contents().missing(from)
	if len(missing) == 0 {
		return nil
	}
	w := writer{to: to, from: from, only: map[string]bool{}, groups: map[string]bool{}}
	for i := range to.props {
		p := &to.props[i]
		w.groups[strings.ToLower(p.group)] = true
		if !p.other {
			w.only[p.name] = true
		}
	}
	if to.softTail {
		w.out.Write(to.eol) // ends the soft break that nothing follows
	}
	for _, u := range missing {
		w.unit(u)
	}
	if from.version != "" && from.version != to.version {
		w.version(from.version)
	}
	return to.enc.encode(w.out.Bytes())
}

// writer writes properties of one card in the manner of another.
type writer struct {
	to, from *card
	only     map[string]bool // properties that are there in their own name
	groups   map[string]bool
	out      bytes.Buffer
}

func (w *writer) unit(u unit) {
	group := ""
	if len(u.props) > 1 {
		group = w.freeGroup(u.props[0].group)
	}
	for _, p := range u.props {
		other := p.other || p.name == "" || single[p.name] && w.only[p.name]
		if !other {
			w.only[p.name] = true
		}
		w.property(p, group, other)
	}
}

// freeGroup returns want, or the first itemN that no property there uses.
func (w *writer) freeGroup(want string) string {
	for n := 1; w.groups[strings.ToLower(want)]; n++ {
		want = "item" + strconv.Itoa(n)
	}
	w.groups[strings.ToLower(want)] = true
	return want
}

// version notes how the incoming card was written, once.
func (w *writer) version(v string) {
	p := property{name: "VERSION", value: escape(v, syntaxOf("VERSION"), false)}
	held := w.to.contents()
	u := unit{props: []*property{&p}}
	u.setKey()
	if !held.has(u) {
		w.property(&p, "", true)
	}
}

// property writes p, under its own name or as X-FERRY-OTHER.
func (w *writer) property(p *property, group string, other bool) {
	if group != "" {
		group += "."
	}
	if w.asIs(p) {
		w.copy(p, group, other && !p.other)
		return
	}
	name := p.name
	if name == "" {
		name = noName
	}
	head := group + name
	if other {
		head = group + otherName + ";" + otherParam + "=" + name
	}
	switch {
	case p.bin != nil:
		w.binary(p, head)
	case w.to.v21:
		w.text21(p, head)
	default:
		w.fold(head + w.params(p) + ":" + w.value(p))
	}
}

// asIs reports whether the lines of p mean the same in the receiving card.
func (w *writer) asIs(p *property) bool {
	l := p.line
	switch {
	case l == nil, p.name == "", l.odd, l.soft, l.nested, l.open:
		return false
	case w.to.v21 != w.from.v21:
		return false
	case (w.to.enc != bytes8 || w.from.enc != bytes8) && !isASCII(l.raw):
		return false
	case p.bin != nil && w.to.version != w.from.version:
		return false // ENCODING=b in 3.0, data: in 4.0
	}
	first, _, _ := cutLine(l.raw)
	return bytes.ContainsAny(first, ";:")
}

func isASCII(b []byte) bool {
	return !bytes.ContainsFunc(b, func(r rune) bool { return r >= utf8.RuneSelf })
}

// copy writes the lines of p in another group, and if it is to be another's
// place-holder, under that name.
func (w *writer) copy(p *property, group string, other bool) {
	rest := bytes.TrimPrefix(p.line.raw, []byte(bom8))
	i := bytes.IndexAny(rest, ";:")
	name := rest[:i]
	name = bytes.TrimSpace(name[bytes.LastIndexByte(name, '.')+1:])
	w.out.WriteString(group)
	if other {
		w.out.WriteString(otherName + ";" + otherParam + "=")
	}
	w.out.Write(name)
	for rest = rest[i:]; len(rest) > 0; {
		var line []byte
		line, _, rest = cutLine(rest)
		w.out.Write(line)
		w.out.Write(w.to.eol)
	}
}

// params writes the parameters in the receiving card's syntax.
func (w *writer) params(p *property) string {
	var b strings.Builder
	for _, t := range p.types {
		if t == "pref" && w.to.version == "4.0" {
			b.WriteString(";PREF=1")
			continue
		}
		b.WriteString(";TYPE=")
		b.WriteString(quote(upper(t)))
	}
	for _, s := range p.params {
		b.WriteByte(';')
		b.WriteString(s)
	}
	return b.String()
}

func quote(s string) string {
	if strings.ContainsAny(s, ";:,= ") {
		return `"` + s + `"`
	}
	return s
}

// value writes text for 3.0 and 4.0.
func (w *writer) value(p *property) string {
	if syntaxOf(p.name).bare {
		return unescapeBare(p.value)
	}
	return p.value
}

// unescapeBare takes the escapes off ; and , and leaves the others.
func unescapeBare(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	return strings.NewReplacer(`\\`, `\\`, `\n`, `\n`, `\;`, `;`, `\,`, `,`).Replace(s)
}

// text21 writes text for 2.1: as it is when it is plain ASCII, else as UTF-8
// in quoted-printable.
func (w *writer) text21(p *property, head string) {
	x := syntaxOf(p.name)
	pairs := []string{`\\`, `\\`, `\n`, "\n", `\;`, `;`, `\,`, `,`}
	if x.semi {
		pairs[5] = `\;`
	}
	if x.comma {
		pairs[7] = `\,`
	}
	v := strings.NewReplacer(pairs...).Replace(p.value)
	head += w.params(p)
	if isPlain(v) {
		w.out.WriteString(head + ":" + v)
	} else {
		w.out.WriteString(head + ";ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:")
		w.quoted(v)
	}
	w.out.Write(w.to.eol)
}

// isPlain reports whether v can stand in a line of 2.1.
func isPlain(v string) bool {
	for _, c := range []byte(v) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return strings.TrimSpace(v) == v
}

// quoted writes v in quoted-printable with soft breaks.
func (w *writer) quoted(v string) {
	const hex = "0123456789ABCDEF"
	col := 0
	v = strings.ReplaceAll(v, "\n", "\r\n")
	for i := range len(v) {
		if col >= 72 {
			w.out.WriteByte('=')
			w.out.Write(w.to.eol)
			col = 0
		}
		c := v[i]
		if c > ' ' && c < 0x7F && c != '=' || c == ' ' && col > 0 && i+1 < len(v) {
			w.out.WriteByte(c)
			col++
			continue
		}
		w.out.Write([]byte{'=', hex[c>>4], hex[c&15]})
		col += 3
	}
}

// binary writes a picture or sound the way the receiving version does.
func (w *writer) binary(p *property, head string) {
	data := base64.StdEncoding.EncodeToString(p.bin)
	kind := map[string]string{"PHOTO": "image/", "LOGO": "image/", "SOUND": "audio/", "KEY": "application/"}[p.name]
	switch {
	case w.to.v21:
		w.out.WriteString(head + w.params(p) + ";ENCODING=BASE64:")
		for len(data) > 0 {
			n := min(len(data), 72)
			w.out.Write(w.to.eol)
			w.out.WriteString(" " + data[:n])
			data = data[n:]
		}
		w.out.Write(w.to.eol)
		w.out.Write(w.to.eol) // an empty line ends it
	case w.to.version == "4.0" && kind != "":
		rest, uri := *p, "data:application/octet-stream;base64,"
		media := slices.IndexFunc(p.types, func(t string) bool { return t != "pref" && isToken([]byte(t)) })
		if media >= 0 {
			uri = "data:" + kind + p.types[media] + ";base64,"
			rest.types = slices.Delete(slices.Clone(p.types), media, media+1)
		}
		w.fold(head + w.params(&rest) + ":" + uri + data)
	default:
		w.fold(head + w.params(p) + ";ENCODING=b:" + data)
	}
}

// fold writes a line of 3.0 or 4.0 in parts of at most 75 bytes.
func (w *writer) fold(s string) {
	limit := 75
	for len(s) > limit {
		n := limit
		for n > 1 && !utf8.RuneStart(s[n]) {
			n--
		}
		w.out.WriteString(s[:n])
		w.out.Write(w.to.eol)
		w.out.WriteByte(' ')
		s, limit = s[n:], 74
	}
	w.out.WriteString(s)
	w.out.Write(w.to.eol)
}
