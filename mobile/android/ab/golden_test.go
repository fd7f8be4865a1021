package ab

import (
	"bytes"
	"crypto/aes"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"testing"
)

// The constants of all golden files: a byte counting up from a start.
var (
	goldUserSalt  = count(0x00, 64)
	goldCheckSalt = count(0x40, 64)
	goldUserIV    = count(0xa0, 16)
	goldMasterIV  = count(0x10, 16)
	goldMasterKey = count(0x70, 32) // half of it has the sign bit
)

func count(from, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(from + i)
	}
	return b
}

const goldSalts = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D3E3F\n" +
	"404142434445464748494A4B4C4D4E4F505152535455565758595A5B5C5D5E5F606162636465666768696A6B6C6D6E6F707172737475767778797A7B7C7D7E7F\n"

const goldIV = "A0A1A2A3A4A5A6A7A8A9AAABACADAEAF\n"

// The key blobs and payloads were made with OpenSSL's AES and Python's hashlib
// and zlib from the layout in the package comment.
var golden = []struct {
	name, password, text, payload string
	want                          Header
	content                       string
}{
	{
		name: "version 5, deflated, a password beyond ASCII", password: "pässwörd",
		text: "ANDROID BACKUP\n5\n1\nAES-256\n" + goldSalts + "20\n" + goldIV +
			"498C29CFA8EB08E92D44B6AE09607B810E5FADD298D17EA519296820BE254AD20DDE6CFC11EB1EF4C5A7C2CDC4D1306794EE60B2931DE6A3000CDD3AAE35E8133B952F1D472A459237626D2F482AA13777B585D4E527264A38B734B56FF32329\n",
		payload: "de42989f5cb2b47f37c9fce2260039f4f97739ba3e2b9ee0f7dbb3fe03d10574",
		want:    Header{Version: 5, Compressed: true, Encrypted: true, Rounds: 20}, content: "hello, tar",
	},
	{
		name: "version 1, eight bits of each character", password: "pässwörd",
		text: "ANDROID BACKUP\n1\n0\nAES-256\n" + goldSalts + "20\n" + goldIV +
			"B4AE897162AEE992AD8D0E92C418758B495F7D2647F7EC8942EFCD353204DAAED6134D46E84D78D5AA9CDCC6BF3348301E171ECB5368F5F7787E4CD510D71D4CC105618285499A404871A155BD7051275CADD50E2EF319B695DD8AA5FF0F7E64\n",
		payload: "dc42af33ed4a61b9960294c23f64ae00",
		want:    Header{Version: 1, Encrypted: true, Rounds: 20}, content: "hello, tar",
	},
	{
		name: "version 5, a whole block of padding", password: "secret",
		text: "ANDROID BACKUP\n5\n0\nAES-256\n" + goldSalts + "3\n" + goldIV +
			"26668B4CD07573975EF2D989C4A9086144465AE1A7BFEAF52B5448E48208D13BAE4CBE6273582B4F03F0EED8DDD33F9CEDA73F9853306A45A07F84E9C98E2388E7A2F54A700DCFA7EB77A6B550754C0223B1FD1250C851B8DE9519369EE21071\n",
		payload: "9e13133a7b9ff5eaa3867b8504101c3e76973f209e14511baf75cb20d0169332",
		want:    Header{Version: 5, Encrypted: true, Rounds: 3}, content: "0123456789abcdef",
	},
	{
		name: "plain", text: "ANDROID BACKUP\n3\n0\nnone\n", payload: hex.EncodeToString([]byte("0123456789")),
		want: Header{Version: 3}, content: "0123456789",
	},
	{
		// RFC 1950 and 1951 by hand: 78 9c; a last, stored block of 3 bytes;
		// Adler-32 of "abc".
		name: "stored deflate block", text: "ANDROID BACKUP\n2\n1\nnone\n", payload: "789c" + "010300fcff" + "616263" + "024d0127",
		want: Header{Version: 2, Compressed: true}, content: "abc",
	},
}

func goldenBytes(t testing.TB, i int) []byte {
	t.Helper()
	p, err := hex.DecodeString(golden[i].payload)
	if err != nil {
		t.Fatal(err)
	}
	return append([]byte(golden[i].text), p...)
}

// hexLower turns the lines after the algorithm to lower case.
func hexLower(text string) string {
	head, rest, _ := strings.Cut(text, "AES-256\n")
	if rest == "" {
		return text
	}
	return head + "AES-256\n" + strings.ToLower(rest)
}

func with(password string) Options {
	return Options{Password: func() ([]byte, error) { return []byte(password), nil }}
}

func TestGolden(t *testing.T) {
	for i, g := range golden {
		t.Run(g.name, func(t *testing.T) {
			file := goldenBytes(t, i)
			// Hexadecimal is read in either case.
			low := append([]byte(hexLower(g.text)), file[len(g.text):]...)
			for _, in := range [][]byte{file, low} {
				r, err := Open(bytes.NewReader(in), with(g.password))
				if err != nil {
					t.Fatal(err)
				}
				if r.Header() != g.want {
					t.Errorf("header %+v, want %+v", r.Header(), g.want)
				}
				if _, ok := r.End(); ok {
					t.Error("the end is known before the end")
				}
				got, err := io.ReadAll(r)
				if err != nil || string(got) != g.content {
					t.Errorf("content %q, %v; want %q", got, err, g.content)
				}
				if e, ok := r.End(); !ok || !e.Clean() {
					t.Errorf("end %+v %v, want a clean one", e, ok)
				}
			}
		})
	}
}

// slowPBKDF2 is RFC 8018 written out.
func slowPBKDF2(secret, salt []byte, rounds, n int) []byte {
	var out []byte
	for block := byte(1); len(out) < n; block++ {
		m := hmac.New(sha1.New, secret)
		m.Write(append(bytes.Clone(salt), 0, 0, 0, block))
		u := m.Sum(nil)
		t := bytes.Clone(u)
		for range rounds - 1 {
			m = hmac.New(sha1.New, secret)
			m.Write(u)
			u = m.Sum(nil)
			for i := range t {
				t[i] ^= u[i]
			}
		}
		out = append(out, t...)
	}
	return out[:n]
}

// slowCBC is PKCS#5 and CBC written out over single blocks.
func slowCBC(t testing.TB, key, iv, data []byte) []byte {
	c, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	n := 16 - len(data)%16
	data = append(bytes.Clone(data), bytes.Repeat([]byte{byte(n)}, n)...)
	var out []byte
	prev := iv
	for ; len(data) > 0; data = data[16:] {
		b := make([]byte, 16)
		for i := range b {
			b[i] = data[i] ^ prev[i]
		}
		c.Encrypt(b, b)
		out, prev = append(out, b...), b
	}
	return out
}

// build makes an encrypted file from its layout without this package's code.
// eightBit is the regime of old version 1 platforms.
func build(t testing.TB, version, rounds int, compressed, eightBit bool, password string, payload []byte) []byte {
	t.Helper()
	secret, spread := []byte(password), []byte{}
	for _, b := range goldMasterKey {
		switch {
		case eightBit || b < 0x80:
			spread = append(spread, b)
		default: // U+FF80..U+FFFF in UTF-8
			spread = append(spread, 0xef, 0xbc|(b>>6&3), 0x80|b&0x3f)
		}
	}
	if eightBit {
		secret = nil
		for _, r := range password { // only for passwords within the basic plane
			secret = append(secret, byte(r))
		}
	}
	blob := append([]byte{16}, goldMasterIV...)
	blob = append(append(blob, 32), goldMasterKey...)
	blob = append(append(blob, 32), slowPBKDF2(spread, goldCheckSalt, rounds, 32)...)
	blob = slowCBC(t, slowPBKDF2(secret, goldUserSalt, rounds, 32), goldUserIV, blob)
	flag := 0
	if compressed {
		flag = 1
	}
	text := fmt.Sprintf("ANDROID BACKUP\n%d\n%d\nAES-256\n%X\n%X\n%d\n%x\n%x\n", version, flag, goldUserSalt, goldCheckSalt, rounds, goldUserIV, blob)
	return append([]byte(text), slowCBC(t, goldMasterKey, goldMasterIV, payload)...)
}

// TestRegimes: UTF-8 opens every version, eight bits only version 1.
func TestRegimes(t *testing.T) {
	for version := 1; version <= MaxVersion; version++ {
		for _, password := range []string{"plain", "gr\u00fc\u00df", "\u5bc6\u7801"} {
			for _, eightBit := range []bool{false, true} {
				file := build(t, version, 2, false, eightBit, password, []byte("content"))
				r, err := Open(bytes.NewReader(file), with(password))
				if eightBit && version > 1 {
					if err != ErrPassword {
						t.Errorf("version %d, eight bits: %v", version, err)
					}
					continue
				}
				if err != nil {
					t.Errorf("version %d, %q, eight bits %v: %v", version, password, eightBit, err)
					continue
				}
				if got, err := io.ReadAll(r); string(got) != "content" || err != nil {
					t.Errorf("version %d: %q, %v", version, got, err)
				}
			}
		}
	}
}

// TestCreateGolden gives the writer the golden salts and keys to draw.
func TestCreateGolden(t *testing.T) {
	random := bytes.Join([][]byte{goldUserSalt, goldCheckSalt, goldUserIV, goldMasterIV, goldMasterKey}, nil)
	var out bytes.Buffer
	w, err := create(&out, CreateOptions{Password: []byte("secret"), Rounds: 3}, bytes.NewReader(random))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"0123", "", "456789abcdef"} {
		if _, err := io.WriteString(w, s); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if want := goldenBytes(t, 2); !bytes.Equal(out.Bytes(), want) {
		t.Errorf("wrote\n%q\nwant\n%q", out.Bytes(), want)
	}

	out.Reset()
	w, err = create(&out, CreateOptions{Version: 1, Password: []byte("pässwörd"), Rounds: 20}, bytes.NewReader(random))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, "hello, tar"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if want := goldenBytes(t, 1); !bytes.Equal(out.Bytes(), want) {
		t.Errorf("version 1 wrote\n%q\nwant\n%q", out.Bytes(), want)
	}
}
