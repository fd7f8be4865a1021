package contacts

import (
	"strings"

	"github.com/emersion/go-vcard"

	"github.com/ferry-move/ferry/mobile/backup"
)

// Name implements [backup.Namer]: the person's name, or else what comes nearest.
func (*reader) Name(it backup.Item) string {
	c, err := parseCard(it.Value)
	if err != nil {
		return ""
	}
	v := c.understand()
	names := []string{v.Value(vcard.FieldFormattedName)}
	if n := v.Name(); n != nil {
		names = append(names, n.GivenName+" "+n.AdditionalName+" "+n.FamilyName)
	}
	names = append(names, v.Value(vcard.FieldNickname), strings.TrimRight(v.Value(vcard.FieldOrganization), ";"), v.Value(vcard.FieldTelephone), v.Value(vcard.FieldEmail))
	for _, s := range names {
		if s = strings.Join(strings.Fields(strings.ReplaceAll(s, `\;`, ";")), " "); s != "" {
			return s
		}
	}
	return ""
}
