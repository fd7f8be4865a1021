package receipt

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/p2p/identity"
)

// key returns the identity whose seed is 32 times b.
func key(t testing.TB, b byte) *identity.Key {
	t.Helper()
	raw := append([]byte{0x08, 1, 0x12, 64}, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{b}, 32))...) // libp2p's form
	dir := t.TempDir()
	text := "ferry identity key 1\n" + base64.StdEncoding.EncodeToString(raw) + "\n"
	if err := os.WriteFile(filepath.Join(dir, "identity.key"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	k, err := identity.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func payload(old, new identity.DeviceID) *Payload {
	return &Payload{
		Session: strings.Repeat("0a", 16), Protocol: 1, Flags: backup.FlagDeviceToDeviceTransfer,
		Sender:   Side{Device: old, Name: `Pixel "8" <old> & 旧い`, Version: "0.1.0"},
		Receiver: Side{Device: new, Name: "Pixel 9", Version: "0.1.1"},
		Started:  time.UnixMilli(1_700_000_000_123).UTC(), Finished: time.UnixMilli(1_700_000_900_000).UTC(),
		Kinds: []Kind{
			{Kind: "contacts", Items: 400, Added: 380, Merged: 19, Skipped: 1, Bytes: 120_000},
			{Kind: "photos", Items: 300, Added: 297, Failed: 3, Bytes: 490_000_000},
		},
		Declined: []Declined{{Kind: "videos", Items: 2, Bytes: 1 << 33}},
		Root:     strings.Repeat("5c", 32),
		NotMoved: []Note{
			NoteOf("photos", "DCIM/a.jpg", "", backup.Unreadable), NoteOf("photos", "DCIM/\xff\x01.jpg", "", backup.BadName),
			NoteOf("photos", "DCIM/c.jpg", "", backup.Reason(999)),
		},
		Renamed: []Note{NoteOf("photos", "DCIM/b.jpg", "DCIM/b (1).jpg", 0)}, RenamedMore: 7,
	}
}

func signed(t testing.TB, p *Payload, old, new *identity.Key) []byte {
	t.Helper()
	b, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	s, err := Sign(old, Sender, b)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Sign(new, Receiver, b)
	if err != nil {
		t.Fatal(err)
	}
	return Format(b, s, r)
}

func sample(t testing.TB) ([]byte, *Payload) {
	old, new := key(t, 1), key(t, 2)
	p := payload(old.ID(), new.ID())
	return signed(t, p, old, new), p
}

func TestRoundTrip(t *testing.T) {
	file, want := sample(t)
	p, err := Verify(file)
	if err != nil || !reflect.DeepEqual(p, want) {
		t.Fatalf("%+v, %v", p, err)
	}
	if p.Complete() {
		t.Error("three photos failed, and it calls itself complete")
	}
	p.Kinds[1].Failed = 0
	if p.Complete() {
		t.Error("videos were declined, and it calls itself complete")
	}
	if p.Declined = nil; !p.Complete() {
		t.Error("nothing is missing")
	}
}

// TestGolden verifies receipts that earlier versions wrote. Files are added to
// testdata and never edited.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.receipt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Verify(b)
		if err != nil || p.Protocol != 1 || len(p.Kinds) != 2 || p.Kinds[1].Failed != 3 || p.NotMoved[1].Raw != "RENJTS//AS5qcGc=" {
			t.Errorf("%s: %+v, %v", f, p, err)
		}
	}
	// Signatures are deterministic: today's receipt of the same move is the first golden one.
	today, _ := sample(t)
	first, err := os.ReadFile(filepath.Join("testdata", "1.receipt"))
	if err != nil || !bytes.Equal(today, first) {
		t.Errorf("the form changed: add a golden file, and count the header up\n%s\n%v", today, err)
	}
}

// TestChanged changes each byte in each of three ways.
func TestChanged(t *testing.T) {
	file, _ := sample(t)
	for i := range file {
		for _, x := range []byte{1, 0x20, 0x80} {
			b := bytes.Clone(file)
			b[i] ^= x
			if i == len(file)-1 && b[i] == '\n'^x {
				continue // a byte behind the last signature, which is not one of base64
			}
			if p, err := Verify(b); p != nil || !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrSignature) {
				t.Fatalf("byte %d as %q: %v", i, b[i], err)
			}
		}
	}
	for i := range len(file) - 1 { // the last line's end may be missing
		if p, err := Verify(file[:i]); p != nil || err == nil {
			t.Fatalf("cut at %d it verifies", i)
		}
	}
}

// TestSwapped exchanges what belongs to one side for what belongs to the other.
func TestSwapped(t *testing.T) {
	old, new, stranger := key(t, 1), key(t, 2), key(t, 3)
	p := payload(old.ID(), new.ID())
	b, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	sign := func(k *identity.Key, r Role) []byte {
		s, err := Sign(k, r, b)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	so, sn := sign(old, Sender), sign(new, Receiver)
	if _, err := Verify(Format(b, so, sn)); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string][]byte{
		"signatures swapped":     Format(b, sn, so),
		"roles swapped":          Format(b, sign(old, Receiver), sign(new, Sender)),
		"one side signs twice":   Format(b, so, sign(old, Receiver)),
		"a stranger for the new": Format(b, so, sign(stranger, Receiver)),
		"a stranger for the old": Format(b, sign(stranger, Sender), sn),
		"no signature":           Format(b, nil, nil),
	} {
		if p, err := Verify(f); p != nil || !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
	lines := strings.Split(string(Format(b, so, sn)), "\n")
	lines[2], lines[3] = lines[3], lines[2]
	if p, err := Verify([]byte(strings.Join(lines, "\n"))); p != nil || !errors.Is(err, ErrMalformed) {
		t.Errorf("lines swapped: %v", err)
	}
}

// TestCopies: line ends may change on the way through a mail program, and
// nothing else.
func TestCopies(t *testing.T) {
	file, _ := sample(t)
	text := string(file)
	for name, c := range map[string]string{
		"CRLF": strings.ReplaceAll(text, "\n", "\r\n"), "no line at the end": strings.TrimSuffix(text, "\n"), "more lines at the end": text + "\n\n",
	} {
		if _, err := Verify([]byte(c)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range map[string]string{
		"empty": "", "junk": strings.Repeat("\x00\xff", 100), "a header alone": header + "\n", "five lines": text + "more",
		"another version":   strings.Replace(text, "receipt 1", "receipt 2", 1),
		"spaces in base64":  strings.Replace(text, "sender ", "sender  ", 1),
		"an unknown field":  strings.Replace(text, `{"session"`, `{"x":1,"session"`, 1),
		"a field twice":     strings.Replace(text, `{"session"`, `{"session":"00","session"`, 1),
		"another order":     strings.Replace(text, `"protocol":1,"flags":2`, `"flags":2,"protocol":1`, 1),
		"space in the JSON": strings.Replace(text, `"protocol":1`, `"protocol": 1`, 1),
		"an escape":         strings.Replace(text, "Pixel 9", `P\u0069xel 9`, 1),
		"other case":        strings.Replace(text, `"session"`, `"Session"`, 1),
		"two payloads":      strings.Replace(text, "\nsender", "{}\nsender", 1),
		"no payload":        header + "\nnull\nsender AA==\nreceiver AA==\n",
		"deep":              header + "\n" + strings.Repeat("[", 100_000) + "\nsender AA==\nreceiver AA==\n",
		"huge":              text + strings.Repeat("\n", MaxSize),
	} {
		if p, err := Verify([]byte(c)); p != nil || !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNoteLen holds that a note is as long as it says, in any script.
func TestNoteLen(t *testing.T) {
	for _, k := range []backup.Key{"a", "\x00\x01\x02", "\xff\xfe", "日本", "\u2028", "<&>\"\\", "\x7f", backup.Key(strings.Repeat("\x01\xff", 2048))} {
		for _, n := range []Note{NoteOf("photos", k, "", backup.BadName), NoteOf("photos", k, k, 0)} {
			p := Payload{NotMoved: []Note{}}
			short, err := p.Encode()
			if err != nil {
				t.Fatal(err)
			}
			p.NotMoved = []Note{n, n}
			long, err := p.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if got := len(long) - len(short); got != 2*n.Len()-1 { // one comma
				t.Errorf("%q takes %d bytes, not 2 × %d", k, got, n.Len())
			}
			if n.Raw == "" && n.Key != string(k) {
				t.Errorf("%q is lost", k)
			}
		}
	}
}

// FuzzVerify: a file that verifies is the one that was signed, or a copy of it
// with other line ends; a payload that decodes encodes to the same bytes.
func FuzzVerify(f *testing.F) {
	old, new := key(f, 1), key(f, 2)
	want := &Payload{Sender: Side{Device: old.ID()}, Receiver: Side{Device: new.ID()}} // small: long seeds are minimised for minutes
	file := signed(f, want, old, new)
	f.Add(file)
	f.Add(bytes.ReplaceAll(file, []byte("\n"), []byte("\r\n")))
	f.Add(bytes.Split(file, []byte("\n"))[1])
	f.Add([]byte(`{"session":"","kinds":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := Verify(b); err == nil {
			if !reflect.DeepEqual(p, want) {
				t.Fatalf("%s verifies", b)
			}
		} else if p != nil {
			t.Fatal("an error with a payload")
		}
		if p, err := DecodePayload(b); err == nil {
			if again, err := p.Encode(); err != nil || !bytes.Equal(again, b) {
				t.Fatalf("%s became %s", b, again)
			}
			if !json.Valid(b) {
				t.Fatalf("%s is not JSON", b)
			}
		}
	})
}
