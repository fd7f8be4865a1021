package contacts

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/ferry-move/ferry/mobile/backup"
)

func splitAll(t tb, r io.Reader, limit int) []piece {
	t.Helper()
	s := newSplitter(r, limit)
	var out []piece
	for {
		p, err := s.next()
		if errors.Is(err, io.EOF) {
			return out
		} else if err != nil {
			t.Fatalf("split: %v", err)
		}
		out = append(out, p)
	}
}

// wide makes UTF-16 of ASCII.
func wide(s, mark string, e layout) string { return mark + string(e.encode([]byte(s))) }

func TestSplit(t *testing.T) {
	const ok, bad, junk = "card", "broken", "junk"
	a, b := vcf("VERSION:3.0", "FN:A"), vcf("VERSION:3.0", "FN:B")
	tests := []struct {
		name, in string
		want     []string
	}{
		{"nothing", "", nil},
		{"only blanks", "\r\n \n\t\n", nil},
		{"two", a + b, []string{ok, ok}},
		{"blanks around", "\n\n" + a + "\r\n \r\n" + b + "\n\n", []string{ok, ok}},
		{"no line end", a + strings.TrimSpace(b), []string{ok, ok}},
		{"LF", strings.ReplaceAll(a+b, "\r\n", "\n"), []string{ok, ok}},
		{"CR CR LF", strings.ReplaceAll(a+b, "\r\n", "\r\r\n"), []string{ok, ok}},
		{"CR", strings.ReplaceAll(a+b, "\r\n", "\r"), []string{ok, ok}},
		{"mixed", a + strings.ReplaceAll(b, "\r\n", "\n") + strings.ReplaceAll(a, "\r\n", "\r\r\n"), []string{ok, ok, ok}},
		{"mark", bom8 + a + bom8 + b, []string{ok, ok}},
		{"lower case", strings.ToLower(a) + b, []string{ok, ok}},
		{"blanks in markers", "BEGIN : VCARD \nFN:A\nEND : vcard\t\n" + b, []string{ok, ok}},
		{"UTF-16LE", wide(a+b, bom16LE, utf16LE), []string{ok, ok}},
		{"UTF-16BE", wide(a+b, bom16BE, utf16BE), []string{ok, ok}},
		{"UTF-16 without mark", wide(a+b, "", utf16LE), []string{ok, ok}},
		{"UTF-16 CR CR LF", wide(strings.ReplaceAll(a+b, "\r\n", "\r\r\n"), bom16BE, utf16BE), []string{ok, ok}},
		{"no end", "BEGIN:VCARD\r\nFN:A\r\n" + b, []string{bad, ok}},
		{"no end at all", "BEGIN:VCARD\r\nFN:A\r\n", []string{bad}},
		{"half a marker", a + "BEGIN:VC", []string{ok, junk}},
		{"text before", "hello\n" + a, []string{junk, ok}},
		{"text between", a + "hello\n\nthere\n" + b, []string{ok, junk, ok}},
		{"text behind", a + "END:VCARD\n", []string{ok, junk}},
		{"calendar", "BEGIN:VCALENDAR\nEND:VCALENDAR\n", []string{junk}},
		{"agent", vcf("VERSION:2.1", "AGENT:", strings.TrimSpace(a), "FN:B") + b, []string{ok, ok}},
		{"agent on the line", vcf("VERSION:2.1", "AGENT:"+strings.TrimSpace(a), "FN:B") + b, []string{ok, ok}},
		{"agent in agent", vcf("AGENT:", "BEGIN:VCARD", "x.agent:", strings.TrimSpace(a), "END:VCARD") + b, []string{ok, ok}},
		{"agent in one line", vcf("VERSION:3.0", `AGENT:BEGIN:VCARD\nFN:A\nEND:VCARD\n`) + b, []string{ok, ok}},
		{"agent without end", "BEGIN:VCARD\nAGENT:\n" + a + b, []string{bad, ok}},
		{"soft break", vcf("NOTE;ENCODING=QUOTED-PRINTABLE:a=", "END:VCARD=", "BEGIN:VCARD") + b, []string{ok, ok}},
		{"soft break hides an end", vcf("NOTE;QUOTED-PRINTABLE:a=", "END:VCARD", "FN:B") + b, []string{ok, ok}},
		{"soft break before the end", vcf("NOTE;quoted-printable:a=") + "\n" + b, []string{ok, ok}},
		{"soft break in a folded header", vcf("NOTE;ENCODING=QUOTED", " -PRINTABLE:a=", "END:VCARD", "FN:A") + b, []string{ok, ok}},
		{"no soft break", vcf("NOTE:a=") + b, []string{ok, ok}},
		{"end in a folded line", vcf("NOTE:a", " END:VCARD") + b, []string{ok, ok}},
		{"empty soft break", vcf("NOTE;ENCODING=QUOTED-PRINTABLE:a=", "", "TEL:1") + b, []string{ok, ok}},
		{"long line", vcf("NOTE:"+strings.Repeat("x", 100_000)) + b, []string{ok, ok}},
		{"long text behind", a + strings.Repeat("x", 100_000) + "\n" + b, []string{ok, junk, ok}},
		{"long text before", strings.Repeat("x", 100_000) + "\n" + b, []string{junk, ok}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, in := range []io.Reader{strings.NewReader(tt.in), iotest.OneByteReader(strings.NewReader(tt.in))} {
				var got []string
				var joined bytes.Buffer
				for _, p := range splitAll(t, in, backup.MaxValue) {
					switch {
					case p.junk:
						got = append(got, junk)
					case p.reason == backup.Malformed:
						got = append(got, bad)
					case p.reason == 0:
						got = append(got, ok)
					}
					if p.at != int64(joined.Len()) {
						t.Errorf("piece at %d, want %d", p.at, joined.Len())
					}
					joined.Write(p.raw)
				}
				if strings.Join(got, " ") != strings.Join(tt.want, " ") {
					t.Errorf("got %v, want %v", got, tt.want)
				}
				if len(tt.want) > 0 && joined.String() != tt.in {
					t.Errorf("the pieces are not the input")
				}
			}
		})
	}
}

func TestSplitTooLarge(t *testing.T) {
	small := vcf("FN:A")
	big := vcf("NOTE:" + strings.Repeat("x\r\n ", 1000))
	in := small + big + small + strings.Repeat("\r\n", 500) + small
	got := splitAll(t, strings.NewReader(in), 400)
	if len(got) != 4 {
		t.Fatalf("%d pieces, want 4", len(got))
	}
	if got[1].reason != backup.TooLarge || got[1].raw != nil || got[1].digest != digestOf([]byte(big)) {
		t.Errorf("the big card: reason %v, %d bytes kept", got[1].reason, len(got[1].raw))
	}
	for _, i := range []int{0, 2, 3} {
		if got[i].reason != 0 || !strings.HasPrefix(string(got[i].raw), small) {
			t.Errorf("card %d: %v %q", i, got[i].reason, got[i].raw)
		}
	}
	if want := int64(len(in) - len(small)); got[3].at != want {
		t.Errorf("the last card at %d, want %d", got[3].at, want)
	}
}

func TestSplitReadError(t *testing.T) {
	broken := errors.New("broken")
	s := newSplitter(io.MultiReader(strings.NewReader(vcf("FN:A")+"BEGIN:VCARD\r\n"), iotest.ErrReader(broken)), 1000)
	if p, err := s.next(); err != nil || p.reason != 0 {
		t.Fatalf("first card: %v %v", p.reason, err)
	}
	if _, err := s.next(); !errors.Is(err, broken) {
		t.Fatalf("got %v", err)
	}
}

func FuzzSplit(f *testing.F) {
	f.Add([]byte(vcf("VERSION:2.1", "NOTE;ENCODING=QUOTED-PRINTABLE:a=", "END:VCARD", "AGENT:", "BEGIN:VCARD", "END:VCARD")))
	f.Add([]byte(wide(vcf("FN:A"), bom16LE, utf16LE)))
	f.Add([]byte("\r\r\r\nBEGIN:VCARD\r\r\nEND:VCARD\rx"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var joined []byte
		for _, p := range splitAll(t, bytes.NewReader(in), backup.MaxValue) {
			if p.at != int64(len(joined)) || p.digest != digestOf(p.raw) {
				t.Fatalf("piece at %d of %d bytes", p.at, len(joined))
			}
			joined = append(joined, p.raw...)
			if p.reason != 0 {
				continue
			}
			again := splitAll(t, bytes.NewReader(p.raw), backup.MaxValue)
			if len(again) != 1 || again[0].reason != 0 || !bytes.Equal(again[0].raw, p.raw) {
				t.Fatalf("a card alone is not one card: %q", p.raw)
			}
		}
		if len(joined) > 0 && !bytes.Equal(joined, in) {
			t.Fatalf("the pieces are not the input")
		}
		if len(joined) == 0 && len(bytes.Trim(in, "\x00\r\n\t "+bom8+bom16LE)) > 0 {
			t.Fatalf("something was left out")
		}
	})
}
