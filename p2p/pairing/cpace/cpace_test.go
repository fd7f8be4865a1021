package cpace

import (
	"bytes"
	"crypto/rand"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"slices"
	"testing"

	"github.com/gtank/ristretto255"
)

// The vectors of draft-irtf-cfrg-cpace-21 for CPACE-RISTR255-SHA512.
var vector = struct{ prs, ci, sid, hash, g, ya, ada, shareA, yb, adb, shareB, k, isk []byte }{
	prs: []byte("Password"),
	ci:  unhex("6f630b425f726573706f6e6465720b415f696e69746961746f72"),
	sid: unhex("7e4b4791d6a8ef019b936c79fb7f2c57"),
	hash: unhex("c63a5750e2439c17ccd8213be14fde2f87e1bc637001a97f5929c77b30ea0e08" +
		"afbc75ace5d3d73b2842a79d01488c5fd7ea30d475ee609545af1bfd1ff77c8e"),
	g:      unhex("a6fc82c3b8968fbb2e06fee81ca858586dea50d248f0c7ca6a18b0902a30b36b"),
	ya:     unhex("da3d23700a9e5699258aef94dc060dfda5ebb61f02a5ea77fad53f4ff0976d08"),
	ada:    []byte("ADa"),
	shareA: unhex("d40fb265a7abeaee7939d91a585fe59f7053f982c296ec413c624c669308f87a"),
	yb:     unhex("d2316b454718c35362d83d69df6320f38578ed5984651435e2949762d900b80d"),
	adb:    []byte("ADb"),
	shareB: unhex("08bcf6e9777a9c313a3db6daa510f2d398403319c2341bd506a92e672eb7e307"),
	k:      unhex("e22b1ef7788f661478f3cddd4c600774fc0f41e6b711569190ff88fa0e607e09"),
	isk: unhex("4c5469a16b2364c4b944ebc1a79e51d1674ad47db26e8718154f59faebfaa52d" +
		"8346f30aa58377117eb20d527f2cbc5c76381f7fd372e89df8239f87f2e02ed1"),
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// scalarSource makes Start choose the scalar y: reducing 64 little-endian
// bytes leaves a number that is small enough as it is.
func scalarSource(y []byte) *bytes.Reader {
	return bytes.NewReader(append(bytes.Clone(y), make([]byte, uniformSize-len(y))...))
}

func vectorStates(t *testing.T) (a, b *State) {
	t.Helper()
	v := vector
	return start(t, Initiator, Input{v.prs, v.ci, v.sid, v.ada}, v.ya),
		start(t, Responder, Input{v.prs, v.ci, v.sid, v.adb}, v.yb)
}

func start(t *testing.T, role Role, in Input, y []byte) *State {
	t.Helper()
	s, err := Start(role, in, scalarSource(y))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestVectors(t *testing.T) {
	v := vector
	in := generatorString(v.prs, v.ci, v.sid)
	if len(in) != 172 {
		t.Errorf("generator string: %d bytes, want 172", len(in))
	}
	if i := len(generatorLabel) + 1 + len(v.prs) + 1; in[i] != 100 {
		t.Errorf("zero pad: %d bytes, want 100", in[i])
	}
	h := sha512.Sum512(in)
	equal(t, "hash of the generator string", h[:], v.hash)
	equal(t, "generator", generator(v.prs, v.ci, v.sid).Encode(nil), v.g)

	a, b := vectorStates(t)
	shareA, shareB := a.Share(), b.Share()
	equal(t, "Ya", shareA[:], v.shareA)
	equal(t, "Yb", shareB[:], v.shareB)

	peer := ristretto255.NewElement()
	if err := peer.Decode(shareB[:]); err != nil {
		t.Fatal(err)
	}
	equal(t, "K", peer.ScalarMult(a.y, peer).Encode(nil), v.k)

	ka, err := a.Finish(shareB, v.adb)
	if err != nil {
		t.Fatal(err)
	}
	kb, err := b.Finish(shareA, v.ada)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "initiator's key", ka[:], v.isk)
	equal(t, "responder's key", kb[:], v.isk)
}

func equal(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s:\n got %x\nwant %x", what, got, want)
	}
}

// A long password needs no padding; a part of 128 bytes has a length of two.
func TestGeneratorStringWithoutPad(t *testing.T) {
	in := generatorString(make([]byte, 128), nil, nil)
	want := slices.Concat([]byte{17}, []byte(generatorLabel), []byte{0x80, 0x01}, make([]byte, 128), []byte{0, 0, 0})
	equal(t, "generator string", in, want)
}

// Every bit of what both sides must agree on decides about the key.
func TestAnyBitChangesTheKey(t *testing.T) {
	v := vector
	base := Input{v.prs, v.ci, v.sid, v.ada}
	fields := []struct {
		name string
		of   func(*Input) *[]byte
	}{
		{"PRS", func(in *Input) *[]byte { return &in.PRS }},
		{"CI", func(in *Input) *[]byte { return &in.CI }},
		{"sid", func(in *Input) *[]byte { return &in.SID }},
		{"AD", func(in *Input) *[]byte { return &in.AD }},
	}
	for _, f := range fields {
		t.Run(f.name, func(t *testing.T) {
			for bit := range 8 * len(*f.of(&base)) {
				in := base
				changed := bytes.Clone(*f.of(&base))
				changed[bit/8] ^= 1 << (bit % 8)
				*f.of(&in) = changed
				a := start(t, Initiator, in, v.ya)
				b := start(t, Responder, Input{v.prs, v.ci, v.sid, v.adb}, v.yb)
				ka, err := a.Finish(b.Share(), v.adb)
				if err != nil {
					t.Fatal(err)
				}
				kb, err := b.Finish(a.Share(), v.ada)
				if err != nil {
					t.Fatal(err)
				}
				if ka == kb {
					t.Fatalf("bit %d does not matter", bit)
				}
			}
		})
	}
}

func TestSameRoleGivesNoCommonKey(t *testing.T) {
	v := vector
	a := start(t, Initiator, Input{v.prs, v.ci, v.sid, nil}, v.ya)
	b := start(t, Initiator, Input{v.prs, v.ci, v.sid, nil}, v.yb)
	ka, err := a.Finish(b.Share(), nil)
	if err != nil {
		t.Fatal(err)
	}
	kb, err := b.Finish(a.Share(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if ka == kb {
		t.Error("two initiators share a key")
	}
}

// The encodings are those of RFC 9496, appendix A.3, one or more of each kind.
func TestBadShares(t *testing.T) {
	own := vector.shareA
	tests := []struct {
		name  string
		share string
	}{
		{"identity", "0000000000000000000000000000000000000000000000000000000000000000"},
		{"our own", hex.EncodeToString(own)},
		{"not canonical: high bit", "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"},
		{"not canonical: all ones", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
		{"not canonical: p", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
		{"negative: 1", "0100000000000000000000000000000000000000000000000000000000000000"},
		{"negative", "ed57ffd8c914fb201471d1c3d245ce3c746fcbe63a3679d51b6a516ebebe0e20"},
		{"not on the group: no square", "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371"},
		{"not on the group: negative xy", "3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e"},
		{"not on the group: y is 0", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, _ := vectorStates(t)
			key, err := a.Finish([ShareSize]byte(unhex(tt.share)), vector.adb)
			if !errors.Is(err, ErrShare) {
				t.Errorf("err = %v, want ErrShare", err)
			}
			if key != [KeySize]byte{} {
				t.Error("a key came with the error")
			}
			if a.y != nil {
				t.Error("the scalar was kept")
			}
		})
	}
}

func TestStateServesOnce(t *testing.T) {
	a, b := vectorStates(t)
	if _, err := a.Finish(b.Share(), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Finish(b.Share(), nil); !errors.Is(err, ErrSpent) {
		t.Errorf("second Finish: %v, want ErrSpent", err)
	}
	b.Clear()
	if _, err := b.Finish(a.Share(), nil); !errors.Is(err, ErrSpent) {
		t.Errorf("Finish after Clear: %v, want ErrSpent", err)
	}
	if _, err := new(State).Finish(a.Share(), nil); !errors.Is(err, ErrSpent) {
		t.Errorf("Finish of the zero State: %v, want ErrSpent", err)
	}
}

func TestStartRefuses(t *testing.T) {
	if _, err := Start(0, Input{}, rand.Reader); err == nil {
		t.Error("role 0 was accepted")
	}
	if _, err := Start(Initiator, Input{}, bytes.NewReader(make([]byte, uniformSize-1))); err == nil {
		t.Error("too little randomness was accepted")
	}
	if _, err := Start(Initiator, Input{}, bytes.NewReader(make([]byte, uniformSize))); err == nil {
		t.Error("the scalar 0 was accepted")
	}
}

// FuzzFinish takes any share: it gives a key if and only if it is the encoding
// of an element other than the identity and our own.
func FuzzFinish(f *testing.F) {
	f.Add(vector.shareA, vector.ada)
	f.Add(vector.shareB, vector.adb)
	f.Add(make([]byte, ShareSize), []byte(nil))
	f.Fuzz(func(t *testing.T, share, ad []byte) {
		if len(share) != ShareSize {
			return
		}
		v := vector
		a := start(t, Initiator, Input{v.prs, v.ci, v.sid, v.ada}, v.ya)
		_, err := a.Finish([ShareSize]byte(share), ad)
		e := ristretto255.NewElement()
		valid := e.Decode(share) == nil && e.Equal(ristretto255.NewElement()) == 0 && !bytes.Equal(share, v.shareA)
		if valid != (err == nil) {
			t.Errorf("valid %v, err %v", valid, err)
		}
	})
}

func BenchmarkExchange(b *testing.B) {
	v := vector
	for b.Loop() {
		a, err := Start(Initiator, Input{v.prs, v.ci, v.sid, v.ada}, rand.Reader)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := a.Finish([ShareSize]byte(v.shareB), v.adb); err != nil {
			b.Fatal(err)
		}
	}
}
