package pairing

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
)

// decode reads a message of any type, and encodes it again.
func decode(b []byte) (again []byte, err error) {
	if len(b) == 0 {
		_, err := decodeHello(b)
		return nil, err
	}
	switch t := messageType(b[0]); t {
	case typeHello:
		m, err := decodeHello(b)
		if err == nil && m.version != Protocol {
			return b, nil // its form is not known
		}
		return m.encode(), err
	case typeShare:
		m, err := decodeShare(b)
		return m.encode(), err
	case typeConfirm, typeAccept:
		m, err := decodeMAC(b, t)
		return m.encode(t), err
	case typeRefuse:
		m, err := decodeRefuse(b)
		return m.encode(), err
	}
	return nil, ErrProtocol
}

var messages = []struct{ name, hex string }{
	{"hello by code", "01" + "0001" + "01" + strings.Repeat("aa", 32)},
	{"hello by link", "01" + "0001" + "02" + strings.Repeat("aa", 32)},
	{"share", "02" + strings.Repeat("bb", 32)},
	{"confirm", "03" + strings.Repeat("cc", 64)},
	{"accept", "04" + strings.Repeat("dd", 64)},
	{"refuse: wrong, 2 left", "05" + "01" + "0002"},
	{"refuse: wrong, none left", "05" + "01" + "0000"},
	{"refuse: changed", "05" + "02" + "0000"},
	{"refuse: too many", "05" + "03" + "0000"},
	{"refuse: version 9", "05" + "04" + "0009"},
	{"refuse: not pairing", "05" + "05" + "0000"},
	{"refuse: a reason to come", "05" + "c8" + "1234"},
}

func TestMessages(t *testing.T) {
	for _, m := range messages {
		t.Run(m.name, func(t *testing.T) {
			b, err := hex.DecodeString(m.hex)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := decode(b); err != nil || !bytes.Equal(again, b) {
				t.Errorf("%x, %v", again, err)
			}
			for n := range b {
				if _, err := decode(b[:n]); !errors.Is(err, ErrProtocol) {
					t.Errorf("cut after %d bytes: %v, want ErrProtocol", n, err)
				}
			}
			if _, err := decode(append(b, 0)); !errors.Is(err, ErrProtocol) {
				t.Errorf("a byte too long: %v, want ErrProtocol", err)
			}
		})
	}
}

func TestMalformedMessages(t *testing.T) {
	for name, s := range map[string]string{
		"type 0":                    "00",
		"type 6":                    "06" + strings.Repeat("00", 32),
		"method 0":                  "01" + "0001" + "00" + strings.Repeat("aa", 32),
		"method 3":                  "01" + "0001" + "03" + strings.Repeat("aa", 32),
		"refuse: reason 0":          "05" + "00" + "0000",
		"refuse: 3 tries left":      "05" + "01" + "0003",
		"refuse: 65535 tries left":  "05" + "01" + "ffff",
		"refuse: changed, 1":        "05" + "02" + "0001",
		"refuse: too many, 1":       "05" + "03" + "0001",
		"refuse: our very version":  "05" + "04" + "0001",
		"refuse: not pairing, 1":    "05" + "05" + "0001",
		"another version, cut":      "01" + "00",
		"version 1 with more in it": "01" + "0001" + "01" + strings.Repeat("aa", 33),
	} {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decode(b); !errors.Is(err, ErrProtocol) {
			t.Errorf("%s: %v, want ErrProtocol", name, err)
		}
	}
	// A later HELLO may look as it likes.
	m, err := decodeHello([]byte{1, 0, 2, 'x'})
	if err != nil || m != (hello{version: 2}) {
		t.Errorf("HELLO of version 2: %v, %v", m, err)
	}
}

// SEC-12: a length is refused before its bytes are read or get any room.
func TestReadMessageCaps(t *testing.T) {
	frame := func(n int) io.Reader {
		return bytes.NewReader(append(binary.BigEndian.AppendUint16(nil, uint16(n)), make([]byte, n)...))
	}
	for n, want := range map[int]error{0: ErrProtocol, 1: nil, maxMessage: nil, maxMessage + 1: ErrProtocol, 0xffff: ErrProtocol} {
		r := frame(n)
		b, err := readMessage(r)
		if !errors.Is(err, want) || err == nil && len(b) != n {
			t.Errorf("length %d: %d bytes, %v, want %v", n, len(b), err, want)
		}
		if left, _ := io.Copy(io.Discard, r); want != nil && left != int64(n) {
			t.Errorf("length %d: %d bytes were read all the same", n, int64(n)-left)
		}
	}
	for cut := range 10 {
		if b, err := readMessage(io.LimitReader(frame(8), int64(cut))); !errors.Is(err, io.ErrUnexpectedEOF) || b != nil {
			t.Errorf("cut after %d bytes: %v, want ErrUnexpectedEOF", cut, err)
		}
	}
}

// What parses encodes to the same bytes.
func FuzzDecode(f *testing.F) {
	for _, m := range messages {
		b, err := hex.DecodeString(m.hex)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		again, err := decode(b)
		if err != nil && !errors.Is(err, ErrProtocol) || err == nil && !bytes.Equal(again, b) {
			t.Fatalf("%x, %v", again, err)
		}
	})
}

func FuzzReadMessage(f *testing.F) {
	f.Add([]byte{0, 2, 5, 1})
	f.Add([]byte{4, 1, 0})
	f.Add([]byte{0, 0})
	f.Fuzz(func(t *testing.T, in []byte) {
		r := bytes.NewReader(in)
		b, err := readMessage(r)
		if err != nil {
			if b != nil {
				t.Fatal("a failed read returned something")
			}
			return
		}
		if len(b) == 0 || len(b) > maxMessage || r.Len() != len(in)-2-len(b) || !bytes.Equal(b, in[2:2+len(b)]) {
			t.Fatalf("%d bytes, %d left of %d", len(b), r.Len(), len(in))
		}
	})
}
