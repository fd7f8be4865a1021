package contacts

import (
	"hash/maphash"
	"slices"
	"strings"

	"github.com/emersion/go-vcard"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
	"lukechampine.com/blake3"

	"github.com/ferry-move/ferry/mobile/backup"
)

// shortUID is the length in bytes below which a UID needs an equal name.
const shortUID = 6

// features are what cards are matched by, in hashes: none of a card's text is
// kept.
type features struct {
	digest  backup.Digest // of the raw card
	set     hash16        // of its set of properties
	uids    []uint64
	persons []uint64 // two cards with one in common may be one person's
	bday    uint64   // 0 = none
}

// sameUID implements rule 3 of the package comment.
func (f *features) sameUID(g *features) bool { return intersect(f.uids, g.uids) }

// samePerson implements rule 4.
func (f *features) samePerson(g *features) bool {
	return (f.bday == 0 || g.bday == 0 || f.bday == g.bday) && intersect(f.persons, g.persons)
}

func intersect(a, b []uint64) bool {
	return slices.ContainsFunc(a, func(x uint64) bool { return slices.Contains(b, x) })
}

// hasher makes the hashes of one restore; others cannot aim at them.
type hasher struct{ seed maphash.Seed }

func newHasher() hasher { return hasher{maphash.MakeSeed()} }

func (h hasher) sum(parts ...string) uint64 {
	var m maphash.Hash
	m.SetSeed(h.seed)
	for _, p := range parts {
		m.WriteString(p)
		m.WriteByte(0xFF) // in no UTF-8 text
	}
	if s := m.Sum64(); s != 0 {
		return s
	}
	return 1
}

// features computes what c is matched by. raw is the card's bytes.
func (h hasher) features(c *card, raw []byte) features {
	f := features{digest: blake3.Sum256(raw), set: c.set()}
	v := c.understand()
	who := identify(v)
	names := []string{who.name}
	uids := v.Values(vcard.FieldUID)
	for i := range c.props {
		switch p := &c.props[i]; {
		case !p.other:
		case p.name == "UID":
			uids = append(uids, text(p.value))
		case p.name == "FN":
			names = append(names, foldName(text(p.value)))
		}
	}
	for _, uid := range uids {
		switch uid = trimUID(uid); {
		case len(uid) >= shortUID:
			f.uids = append(f.uids, h.sum("uid", uid))
		case uid != "":
			f.uids = append(f.uids, h.sum("short uid", uid, who.name))
		}
	}
	if who.bday != "" {
		f.bday = h.sum("bday", who.bday)
	}
	if who.name == "" && len(who.points) > 0 {
		f.persons = append(f.persons, h.sum(append([]string{"nameless", who.kind, who.org, who.nick}, who.points...)...))
	}
	for _, name := range names {
		if name == "" {
			continue
		}
		for _, p := range who.points {
			f.persons = append(f.persons, h.sum("person", who.kind, name, p))
		}
	}
	slices.Sort(f.persons)
	f.persons = slices.Compact(f.persons)
	return f
}

// understand gives the library those properties that matter for matching, in a
// form in which it drops none.
func (c *card) understand() vcard.Card {
	var b strings.Builder
	b.WriteString("BEGIN:VCARD\r\nVERSION:4.0\r\n")
	for i := range c.props {
		p := &c.props[i]
		if p.other || p.bin != nil {
			continue
		}
		switch p.name {
		case "UID", "FN", "N", "NICKNAME", "ORG", "TEL", "EMAIL", "KIND", "BDAY", "X-ADDRESSBOOKSERVER-KIND":
			b.WriteString(p.name)
			b.WriteByte(':')
			if syntaxOf(p.name).bare {
				b.WriteString(unescapeBare(p.value))
			} else {
				b.WriteString(p.value)
			}
			b.WriteString("\r\n")
		}
	}
	b.WriteString("END:VCARD\r\n")
	v, err := vcard.NewDecoder(strings.NewReader(b.String())).Decode()
	if err != nil {
		return vcard.Card{} // cannot be: each line has a name and a value
	}
	return v
}

// uid returns the card's own UID, "" if it has none.
func (c *card) uid() string { return strings.TrimSpace(c.understand().Value(vcard.FieldUID)) }

// identity is what tells one person from another.
type identity struct {
	kind, name, org, nick, bday string
	points                      []string // numbers and addresses, sorted
}

func identify(v vcard.Card) identity {
	who := identity{
		kind: foldName(v.Value(vcard.FieldKind) + v.Value("X-ADDRESSBOOKSERVER-KIND")),
		name: foldName(v.Value(vcard.FieldFormattedName)),
		org:  foldName(strings.TrimRight(v.Value(vcard.FieldOrganization), ";")),
		nick: foldName(v.Value(vcard.FieldNickname)),
		bday: strings.ReplaceAll(strings.TrimSpace(v.Value(vcard.FieldBirthday)), "-", ""),
	}
	if who.kind == "individual" {
		who.kind = ""
	}
	if n := v.Name(); who.name == "" && n != nil {
		who.name = foldName(strings.Join([]string{
			n.HonorificPrefix, n.GivenName, n.AdditionalName, n.FamilyName, n.HonorificSuffix,
		}, " "))
	}
	for _, s := range v.Values(vcard.FieldTelephone) {
		if s = foldPhone(s); s != "" {
			who.points = append(who.points, "tel:"+s)
		}
	}
	for _, s := range v.Values(vcard.FieldEmail) {
		if s = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(s)), "mailto:"); s != "" {
			who.points = append(who.points, "mailto:"+s)
		}
	}
	slices.Sort(who.points)
	who.points = slices.Compact(who.points)
	return who
}

// foldName makes names comparable.
func foldName(s string) string {
	s = strings.ReplaceAll(s, `\;`, ";")
	if isASCII([]byte(s)) {
		return strings.ToLower(strings.Join(strings.Fields(s), " "))
	}
	return norm.NFC.String(cases.Fold().String(norm.NFC.String(strings.Join(strings.Fields(s), " "))))
}

// foldPhone makes numbers comparable: no punctuation, + for 00.
func foldPhone(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	s = strings.TrimPrefix(s, "tel:")
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r == '+', r == '*', r == '#', r == ',', r == ';', r == '=':
			return r
		case r >= '０' && r <= '９': // full width
			return r - '０' + '0'
		}
		return -1
	}, s)
	if rest, ok := strings.CutPrefix(s, "00"); ok && len(rest) > 5 {
		s = "+" + rest
	}
	return s
}

// trimUID makes UIDs comparable.
func trimUID(s string) string {
	s = strings.TrimSpace(s)
	if n := len("urn:uuid:"); len(s) > n && strings.EqualFold(s[:n], "urn:uuid:") {
		s = s[n:]
	}
	return s
}

// text takes vCard 3.0's escapes off.
func text(s string) string {
	return strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\,`, `,`, `\;`, `;`).Replace(s)
}
