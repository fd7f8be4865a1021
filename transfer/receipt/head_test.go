package receipt

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

// headOf is what ReadHead should find in a receipt.
func headOf(p *Payload) Head {
	return Head{p.Session, p.Sender, p.Receiver, p.Started, p.Finished}
}

func TestReadHead(t *testing.T) {
	file, p := sample(t)
	want := headOf(p)
	end := bytes.Index(file, []byte(`,"kinds"`))
	for name, r := range map[string]io.Reader{
		"whole": bytes.NewReader(file), "byte by byte": iotest.OneByteReader(bytes.NewReader(file)), "cut behind it": bytes.NewReader(file[:end]),
		"other line ends": bytes.NewReader(bytes.ReplaceAll(file, []byte("\n"), []byte("\r\n"))),
	} {
		if h, err := ReadHead(r); h != want || err != nil {
			t.Errorf("%s: %+v, %v", name, h, err)
		}
	}
	for i := range end - 1 {
		if h, err := ReadHead(bytes.NewReader(file[:i])); h != (Head{}) || !errors.Is(err, ErrMalformed) {
			t.Fatalf("cut at %d: %+v, %v", i, h, err)
		}
	}
	text := string(file)
	for name, c := range map[string]string{
		"another version": strings.Replace(text, "receipt 1", "receipt 2", 1), "an array": header + "\n[]", "no payload": header + "\nnull",
		"a number": strings.Replace(text, `"session":"`, `"session":1,"x":"`, 1), "another order": strings.Replace(text, `"protocol":1,"flags":2`, `"flags":2,"protocol":1`, 1),
		"a long name": strings.Replace(text, "Pixel 9", strings.Repeat("9", maxHead), 1), "one long line": strings.Repeat("x", 1<<20),
	} {
		if h, err := ReadHead(strings.NewReader(c)); h != (Head{}) || !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %+v, %v", name, h, err)
		}
	}
	files, err := filepath.Glob(filepath.Join("testdata", "*.receipt"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Verify(b)
		if err != nil {
			t.Fatal(err)
		}
		if h, err := ReadHead(bytes.NewReader(b)); h != headOf(p) || err != nil {
			t.Errorf("%s: %+v, %v", f, h, err)
		}
	}
}

// FuzzReadHead: what Verify accepts has the head that ReadHead finds.
func FuzzReadHead(f *testing.F) {
	old, new := key(f, 1), key(f, 2)
	f.Add(signed(f, &Payload{Sender: Side{Device: old.ID()}, Receiver: Side{Device: new.ID()}}, old, new))
	f.Add([]byte(header + "\n{\"session\":\"\",\"protocol\":1e9,"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := ReadHead(bytes.NewReader(b))
		if err != nil && h != (Head{}) {
			t.Fatal("an error with a head")
		}
		if p, verr := Verify(b); verr == nil && (err != nil || h != headOf(p)) {
			t.Fatalf("%s: %+v, %v", b, h, err)
		}
	})
}
