package say

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/discovery"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/phone"
	"github.com/ferry-move/ferry/p2p"
	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/p2p/pairing"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/journal"
	"github.com/ferry-move/ferry/transfer/receipt"
	"github.com/ferry-move/ferry/transfer/wire"
)

func TestNumbers(t *testing.T) {
	tests := []struct{ got, want string }{
		{Bytes(0), "0 B"}, {Bytes(999), "999 B"}, {Bytes(1000), "1.0 kB"}, {Bytes(9_949), "9.9 kB"}, {Bytes(9_950), "10 kB"},
		{Bytes(999_499), "999 kB"}, {Bytes(999_500), "1.0 MB"}, {Bytes(18_400_000_000), "18 GB"}, {Bytes(1 << 62), "4612 PB"},
		{Speed(31e6, time.Second), "31 MB/s"}, {Speed(5, 0), "0 B/s"},
		{Count(0), "0"}, {Count(999), "999"}, {Count(1000), "1,000"}, {Count(1234567), "1,234,567"},
		{Took(12300 * time.Millisecond), "12.3 s"}, {Took(250 * time.Second), "4 min 10 s"}, {Took(2*time.Hour + 5*time.Minute), "2 h 5 min"},
		{Tries(1), "1 try"}, {Tries(2), "2 tries"}, {Tries(0), "0 tries"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%q; want %q", tt.got, tt.want)
		}
	}
}

var (
	photos   = backup.Info{Kind: "photos", Title: "Photos", One: "photo", Many: "photos"}
	contacts = backup.Info{Kind: "contacts", Title: "Contacts", One: "contact", Many: "contacts", Entities: true}
)

func TestItems(t *testing.T) {
	tests := []struct{ got, want string }{

		{Content(photos, 1, 0), "1 photo"}, {Content(photos, 62, 1), "62 photos, 1 folder"}, {Content(photos, 0, 2), "2 folders"}, {Content(photos, 0, 0), "0 photos"},
		{Item(photos, "DCIM/a.jpg"), "DCIM/a.jpg"}, {Item(contacts, "uid:1"), "a contact (uid:1)"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%q; want %q", tt.got, tt.want)
		}
	}
}

func TestForeign(t *testing.T) {
	tests := []struct{ in, want string }{
		{"Pixel 9", "Pixel 9"},
		{strings.Repeat("x", 61), strings.Repeat("x", 60) + "…"},
		{strings.Repeat("\n", 61), strings.Repeat(`\u000a`, 10) + "…"}, // cut by what is shown of it
		{"普通话", "普通话"},
		{"family 👨‍👩‍👧‍👦", "family 👨‍👩‍👧‍👦"},
		{"a\x1b[2Jb", `a\u001b[2Jb`},
		{"a\r\nb\tc", `a\u000d\u000ab\u0009c`},
		{"a\u202egpj.exe", `a\u202egpj.exe`},
		{"\u2067x\u2069", `\u2067x\u2069`},
		{"a\u2028b", `a\u2028b`},
		{"bad\xff", `bad\xff`},
		{"\u009b31m", `\u009b31m`},
		{"עברית", "\u2068עברית\u2069"},
		{"e" + strings.Repeat("\u0301", 50), "e" + strings.Repeat("\u0301", 4)},
		{strings.Repeat("x", 61), strings.Repeat("x", 60) + "…"},
	}
	for _, tt := range tests {
		if got := Foreign(tt.in); got != tt.want {
			t.Errorf("%q: %q; want %q", tt.in, got, tt.want)
		}
	}
	long := Path("start/" + strings.Repeat("deep/", 400) + "end.jpg")
	if !strings.HasPrefix(long, "start/deep/") || !strings.HasSuffix(long, "/deep/end.jpg") || utf8.RuneCountInString(long) != maxPath+1 {
		t.Errorf("%q", long)
	}
}

// Nothing that comes out of Foreign and Path can move a cursor or turn text.
func FuzzForeign(f *testing.F) {
	for _, s := range []string{"", "a\x1b[2J", "\u202e", "\xff\xfe", "e\u0301", "עברית\u2069", "👨‍👩‍👧"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, out := range []string{Foreign(s), Path(s)} {
			if !utf8.ValidString(out) {
				t.Fatalf("not UTF-8: %q", out)
			}
			inner := strings.TrimSuffix(strings.TrimPrefix(out, "\u2068"), "\u2069")
			for _, r := range inner {
				if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
					t.Fatalf("%U is in %q", r, out)
				}
			}
		}
	})
}

func TestEveryReasonHasWords(t *testing.T) {
	seen := map[string]bool{}
	for r := range reasons {
		p := Reason(r)
		if p.What == "" || p.Next == "" || seen[p.What] {
			t.Errorf("%s: %q", r.Name(), p)
		}
		seen[p.What] = true
	}
	for r := backup.Reason(1); r < 1000; r++ {
		if _, ok := reasons[r]; !ok && !strings.HasPrefix(r.Name(), "reason_") {
			t.Errorf("%s has no words", r.Name())
		}
	}
	if p := Reason(60000); !strings.Contains(p.What, "60000") || p.Next == "" {
		t.Errorf("%q", p)
	}
}

func TestEveryCauseHasWords(t *testing.T) {
	for c := discovery.Cause(1); c < 255; c++ {
		f := discovery.Finding{Cause: c, Interfaces: []string{"wlan0"}}
		known := finding(f).What != ""
		if named := !strings.ContainsAny(c.String(), "0123456789"); named && c.String() != "unknown" != known {
			t.Errorf("%d (%s): words: %v", c, c, known)
		}
	}
	for _, d := range []discovery.Diagnosis{{}, {Findings: []discovery.Finding{{Cause: discovery.NoAnswer}}}} {
		for _, ps := range [][]Problem{Diagnosis(d), NobodyComes(d)} {
			if len(ps) != 2 || !strings.Contains(ps[len(ps)-1].String(), "--at") {
				t.Errorf("%q", ps)
			}
		}
	}
	for c := discovery.Unlisted; c <= discovery.NobodyHeard; c++ {
		ps := NobodyComes(discovery.Diagnosis{Findings: []discovery.Finding{{Cause: c, Interfaces: []string{"wlan0"}}}})
		if len(ps) != 2 || ps[0].What == "" || ps[0].Next == "" || strings.Contains(ps[0].String(), "--at") || strings.Contains(ps[0].String(), "{{") {
			t.Errorf("%v: %q", c, ps)
		}
	}
}

// Every error of a run has a sentence and a next step, and a sentence for the
// person who reads it: none holds the error's own text.
func TestError(t *testing.T) {
	t.Setenv("FERRY_HOME", "/somewhere/ferry")
	errs := []error{
		journal.ErrBusy, pairing.ErrCodeChanged, pairing.ErrTooManyTries, pairing.ErrBadCode, pairing.ErrBadLink, pairing.ErrUnproven,
		pairing.ErrWrongDevice, pairing.ErrRefused, pairing.ErrClosed, pairing.ErrProtocol, &pairing.VersionError{Theirs: 9},
		p2p.ErrOtherDevice, p2p.ErrSelf, p2p.ErrCrowded, p2p.ErrUnreachable, transfer.ErrProtocol, transfer.ErrLinkLost, session.ErrReplaced, session.ErrGone, session.ErrDisplaced, session.ErrNobody, identity.ErrExposed,
		identity.ErrDamaged, phone.ErrNotFolder, receipt.ErrSignature, receipt.ErrMalformed, fs.ErrNotExist, wire.ErrFrame, syscall.EADDRINUSE,
		&pairing.WrongCodeError{TriesLeft: 2}, &pairing.WrongCodeError{}, backup.Fail("write", "photos", backup.NoSpace, nil),
	}
	for k := wire.StopCancelled; k <= wire.StopUnpaired+1; k++ {
		errs = append(errs, &transfer.StopError{Kind: k}, &transfer.StopError{Kind: k, Remote: true})
	}
	for _, err := range errs {
		for _, e := range []error{err, fmt.Errorf("open: %w", err)} {
			p := Error(e)
			if p.What == "" || p.Next == "" || !strings.HasSuffix(p.What, ".") || strings.Contains(p.String(), "open:") || strings.HasPrefix(p.What, "It failed") {
				t.Errorf("%v: %q", e, p)
			}
		}
	}
	if p := Error(errors.New("a\nb\x1b[2J")); p.What != `It failed: a; b\u001b[2J.` || p.Next == "" {
		t.Errorf("%q", p)
	}
	if p := Error(nil); p.String() != "" {
		t.Errorf("%q", p)
	}
}

// The same end reads from each device's side.
func TestStopsHaveTwoSides(t *testing.T) {
	for k, words := range map[wire.StopKind][2]string{
		wire.StopRefused:   {"You refused", "refused on the new phone"},
		wire.StopNoSpace:   {"free space here", "The new phone does not have"},
		wire.StopCancelled: {"was cancelled.", "on the other device"},
		wire.StopInternal:  {"This device", "The other device"},
	} {
		here, there := Error(&transfer.StopError{Kind: k}).String(), Error(&transfer.StopError{Kind: k, Remote: true}).String()
		if !strings.Contains(here, words[0]) || !strings.Contains(there, words[1]) {
			t.Errorf("%d: %q and %q", k, here, there)
		}
	}
}

func TestHomeError(t *testing.T) {
	t.Setenv("FERRY_HOME", "/somewhere/ferry")
	p := Error(&session.HomeError{Err: fmt.Errorf("identity key: mkdir: %w", syscall.EROFS)})
	if !strings.Contains(p.What, "/somewhere/ferry: read-only file system") && !strings.Contains(p.What, "ferry: ") || !strings.Contains(p.Next, "FERRY_HOME") {
		t.Errorf("%q", p)
	}
}

// TestStaysBehind: what stands for more than itself says so, and nothing is said
// to stand for a file that may not.
func TestStaysBehind(t *testing.T) {
	if s := Reason(backup.TooDeep).String(); !strings.Contains(s, "everything in it") {
		t.Error(s)
	}
	if s := Reason(backup.NotRegular).String(); !strings.Contains(s, "a pipe, a socket or a device") || !strings.Contains(s, "If it is a link") {
		t.Error(s)
	}
}
