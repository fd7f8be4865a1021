package contacts

import (
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
)

func TestName(t *testing.T) {
	for _, c := range []struct{ lines, want string }{
		{"FN:Zoë  Ångström\r\nTEL:1\r\n", "Zoë Ångström"},
		{"FN:\r\nN:Doe;Jo;M.;Dr.;\r\n", "Jo M. Doe"},
		{"FN:Doe\\, Jo\\; wife\r\n", "Doe, Jo; wife"},
		{"ORG:Harbour;;\r\nTEL:+49 30 1\r\n", "Harbour"},
		{"TEL:+49 30 1\r\n", "+49 30 1"},
		{"EMAIL:jo@example.org\r\n", "jo@example.org"},
		{"NOTE:none\r\n", ""},
	} {
		it := backup.Item{Value: []byte("BEGIN:VCARD\r\nVERSION:3.0\r\n" + c.lines + "END:VCARD\r\n")}
		if got := new(reader).Name(it); got != c.want {
			t.Errorf("%q: %q, want %q", c.lines, got, c.want)
		}
	}
	if got := new(reader).Name(backup.Item{Value: []byte("no card")}); got != "" {
		t.Errorf("%q", got)
	}
	var _ backup.Namer = new(reader)
}
