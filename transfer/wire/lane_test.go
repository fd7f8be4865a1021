package wire

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

// TestLaneCut cuts both of a lane's headers at every byte.
func TestLaneCut(t *testing.T) {
	hello, block := readHex(t, "lane-hello"), readHex(t, "block-header")
	for n := range hello {
		h, err := ReadLaneHello(bytes.NewReader(hello[:n]))
		if h != (LaneHello{}) || err == nil || errors.Is(err, ErrLane) {
			t.Errorf("hello cut at %d: %+v, %v", n, h, err)
		}
	}
	for n := range block {
		h, err := ReadBlockHeader(bytes.NewReader(block[:n]))
		if h != (BlockHeader{}) || n == 0 && err != io.EOF || n > 0 && !(errors.Is(err, ErrLane) && errors.Is(err, io.ErrUnexpectedEOF)) {
			t.Errorf("block cut at %d: %+v, %v", n, h, err)
		}
	}
	broken := errors.New("broken")
	if _, err := ReadLaneHello(io.MultiReader(bytes.NewReader(hello[:5]), failing{broken})); !errors.Is(err, broken) {
		t.Error(err)
	}
	if _, err := ReadBlockHeader(io.MultiReader(bytes.NewReader(block[:5]), failing{broken})); !errors.Is(err, broken) || errors.Is(err, ErrLane) {
		t.Error(err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// TestLaneRefused changes one field at a time.
func TestLaneRefused(t *testing.T) {
	hello, block := readHex(t, "lane-hello"), readHex(t, "block-header")
	for name, at := range map[string]int{"magic": 0, "the magic's end": 9} {
		b := bytes.Clone(hello)
		b[at] ^= 1
		if h, err := ReadLaneHello(bytes.NewReader(b)); h != (LaneHello{}) || !errors.Is(err, ErrLane) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b := bytes.Clone(hello)
	b[11] = 0
	if _, err := ReadLaneHello(bytes.NewReader(b)); !errors.Is(err, ErrLane) {
		t.Errorf("protocol 0: %v", err)
	}
	for name, change := range map[string]func([]byte){
		"mark":           func(b []byte) { b[0] = 0x43 },
		"codec":          func(b []byte) { b[1] = 2 },
		"first zero":     func(b []byte) { b[2] = 1 },
		"second zero":    func(b []byte) { b[3] = 1 },
		"long block":     func(b []byte) { copy(b[4:], []byte{0, 4, 0, 1}) },
		"longest block":  func(b []byte) { copy(b[4:], []byte{0xff, 0xff, 0xff, 0xff}) },
		"item 0":         func(b []byte) { clear(b[8:16]) },
		"odd offset":     func(b []byte) { b[23] = 1 },
		"far offset":     func(b []byte) { b[17] = 4; b[18] = 4 },
		"longest offset": func(b []byte) { copy(b[16:], []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xfc, 0, 0}) },
	} {
		b := bytes.Clone(block)
		change(b)
		if h, err := ReadBlockHeader(bytes.NewReader(b)); h != (BlockHeader{}) || !errors.Is(err, ErrLane) {
			t.Errorf("%s: %+v, %v", name, h, err)
		}
	}
}

// TestLaneSqueezed: what is packed is smaller than its content, and not nothing.
func TestLaneSqueezed(t *testing.T) {
	good := goldenBlock
	good.Codec, good.Length, good.Packed = Squeezed, 1600, 1500
	b := AppendBlockHeader(nil, good)
	if h, err := ReadBlockHeader(bytes.NewReader(b)); err != nil || h != good {
		t.Errorf("%+v, %v", h, err)
	}
	for n := 1; n < len(b); n++ {
		if h, err := ReadBlockHeader(bytes.NewReader(b[:n])); h != (BlockHeader{}) || !errors.Is(err, ErrLane) || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut at %d: %+v, %v", n, h, err)
		}
	}
	for _, packed := range []uint32{0, 1501, 1600, 1 << 31} {
		bad := good
		bad.Packed = packed
		if h, err := ReadBlockHeader(bytes.NewReader(AppendBlockHeader(nil, bad))); h != (BlockHeader{}) || !errors.Is(err, ErrLane) {
			t.Errorf("%d bytes packed: %+v, %v", packed, h, err)
		}
	}
}

// FuzzLane: a lane's headers are of one form only, so what is taken encodes to
// the same bytes.
func FuzzLane(f *testing.F) {
	var hello bytes.Buffer
	WriteLaneHello(&hello, goldenLane)
	f.Add(hello.Bytes(), AppendBlockHeader(nil, goldenBlock))
	f.Fuzz(func(t *testing.T, hello, block []byte) {
		if h, err := ReadLaneHello(bytes.NewReader(hello)); err == nil {
			var b bytes.Buffer
			if err := WriteLaneHello(&b, h); err != nil || !bytes.Equal(b.Bytes(), hello[:b.Len()]) {
				t.Errorf("%x became %x", hello, b.Bytes())
			}
		}
		if h, err := ReadBlockHeader(bytes.NewReader(block)); err == nil {
			if b := AppendBlockHeader(nil, h); !bytes.Equal(b, block[:len(b)]) {
				t.Errorf("%x became %x", block, b)
			}
		}
	})
}
