package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
)

func frame(t Type, body ...byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(1+len(body)))
	return append(append(b, byte(t)), body...)
}

// TestCut cuts every frame at every byte: what is left never decodes, neither
// as a stream that ends nor with a length that was made to fit.
func TestCut(t *testing.T) {
	for name, m := range goldens {
		whole, err := Append(nil, m)
		if err != nil {
			t.Fatal(err)
		}
		for n := range whole {
			got, err := Read(bytes.NewReader(whole[:n]))
			switch {
			case got != nil:
				t.Fatalf("%s: %d of %d bytes decode as %+v", name, n, len(whole), got)
			case n == 0 && err != io.EOF, n > 0 && (!errors.Is(err, ErrFrame) || !errors.Is(err, io.ErrUnexpectedEOF)):
				t.Fatalf("%s cut at %d: %v", name, n, err)
			}
			if n > 5 {
				if got, err := Decode(m.Type(), whole[5:n]); got != nil || !errors.Is(err, ErrFrame) || errors.Is(err, io.ErrUnexpectedEOF) {
					t.Fatalf("%s: a body of %d bytes decodes as %+v, %v", name, n-5, got, err)
				}
			}
		}
		if got, err := Decode(m.Type(), append(whole[5:len(whole):len(whole)], 0)); got != nil || !errors.Is(err, ErrFrame) {
			t.Errorf("%s with a byte more decodes as %+v, %v", name, got, err)
		}
	}
}

// TestRefused feeds frames that lie about their form.
func TestRefused(t *testing.T) {
	deep := bytes.Repeat([]byte{0x81}, 1000)
	for name, b := range map[string][]byte{
		"length 0":                  {0, 0, 0, 0, byte(TypePing)},
		"length beyond the limit":   binary.BigEndian.AppendUint32(nil, MaxFrame+1),
		"the longest length":        {0xff, 0xff, 0xff, 0xff, byte(TypePing)},
		"unknown type 0":            frame(0, 0xa0),
		"unknown type 20":           frame(20, 0xa0),
		"unknown type 127":          frame(FirstOptional-1, 0xa0),
		"no body":                   frame(TypeEnd),
		"two bodies":                frame(TypeEnd, 0xa1, 0x01, 0x00, 0xa0),
		"a key twice":               frame(TypeEnd, 0xa2, 0x01, 0x05, 0x01, 0x06),
		"an unknown key twice":      frame(TypeEnd, 0xa3, 0x01, 0x05, 0x18, 0x63, 0x00, 0x18, 0x63, 0x00),
		"map without end":           frame(TypeEnd, 0xbf, 0x01, 0x05, 0xff),
		"text without end":          frame(TypeHello, 0xa1, 0x03, 0x7f, 0x61, 'a', 0xff),
		"array without end":         frame(TypeItems, 0xa2, 0x01, 0x01, 0x02, 0x9f, 0xff),
		"a tag":                     frame(TypeEnd, 0xa1, 0x01, 0xc1, 0x05),
		"a big number":              frame(TypeEnd, 0xa1, 0x01, 0xc2, 0x49, 1, 0, 0, 0, 0, 0, 0, 0, 0),
		"a negative count":          frame(TypeEnd, 0xa1, 0x01, 0x24),
		"a fraction":                frame(TypeEnd, 0xa1, 0x01, 0xf9, 0x3e, 0x00),
		"an array for a map":        frame(TypeStop, 0x82, 0x01, 0x01),
		"a text for a number":       frame(TypeEnd, 0xa1, 0x01, 0x61, '5'),
		"text that is not UTF-8":    frame(TypeHello, 0xa1, 0x03, 0x61, 0xff),
		"deep nesting":              frame(TypeBye, append([]byte{0xa1, 0x18, 0x63}, deep...)...),
		"deep nesting, well formed": frame(TypeBye, append(append([]byte{0xa1, 0x18, 0x63}, deep...), 0x00)...),
		"a map of 65 keys":          frame(TypeBye, append([]byte{0xb8, 65}, pairs(65)...)...),
	} {
		if m, err := Read(bytes.NewReader(b)); m != nil || !errors.Is(err, ErrFrame) {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
}

func pairs(n int) (b []byte) {
	for i := range n {
		b = append(b, 0x18, byte(100+i), 0x00)
	}
	return b
}

// TestSkipped reads what a later version may send.
func TestSkipped(t *testing.T) {
	var b bytes.Buffer
	for _, ty := range []Type{FirstOptional, 200, 255} {
		if err := WriteOptional(&b, ty, bytes.Repeat([]byte{0xff}, int(ty))); err != nil {
			t.Fatal(err)
		}
	}
	b.Write(frame(TypeEnd, 0xa4, 0x01, 0x07, 0x18, 0x63, 0x82, 0x01, 0xa1, 0x61, 'x', 0xf6, 0x20, 0x01, 0x61, 'k', 0x40))
	m, err := Read(&b)
	if end, ok := m.(*End); err != nil || !ok || end.Items != 7 {
		t.Fatalf("%+v, %v", m, err)
	}
	if _, err := Read(&b); err != io.EOF {
		t.Error(err)
	}
	for _, ty := range []Type{0, TypePing, FirstOptional - 1} {
		if err := WriteOptional(&b, ty, nil); !errors.Is(err, ErrFrame) {
			t.Errorf("type %d may be sent as optional: %v", ty, err)
		}
	}
}

// TestAllocation feeds small frames that announce large things.
func TestAllocation(t *testing.T) {
	huge := []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f}
	for name, body := range map[string][]byte{
		"an array":              append([]byte{0xa2, 0x01, 0x01, 0x02, 0x9b}, huge...),
		"an array of 4 billion": {0xa2, 0x01, 0x01, 0x02, 0x9a, 0xff, 0xff, 0xff, 0xff, 0xa0},
		"one entry too many":    {0xa2, 0x01, 0x01, 0x02, 0x99, 0x10, 0x01},
		"bytes":                 append([]byte{0xa2, 0x01, 0x01, 0x02, 0x81, 0xa1, 0x03, 0x5b}, huge...),
		"a text":                append([]byte{0xa1, 0x03, 0x7b}, huge...),
		"a map":                 append([]byte{0xbb}, huge...),
		"an unknown array":      append([]byte{0xa1, 0x18, 0x63, 0x9b}, huge...),
	} {
		if n := allocated(func() {
			if m, err := Decode(TypeItems, body); m != nil || !errors.Is(err, ErrFrame) {
				t.Errorf("%s: %+v, %v", name, m, err)
			}
		}); n > 64<<10 {
			t.Errorf("%s: %d bytes of input made %d bytes", name, len(body), n)
		}
	}
	// The worst frame there is: the most entries of the fewest bytes.
	body := []byte{0xa2, 0x01, 0x01, 0x02, 0x99, 0x10, 0x00}
	for range MaxBatch {
		body = append(body, 0xa0)
	}
	if n := allocated(func() { Decode(TypeItems, body) }); n > 8<<20 {
		t.Errorf("%d bytes of input made %d bytes", len(body), n)
	}
	if n := allocated(func() { readRaw(bytes.NewReader([]byte{0, 0xf0, 0, 0, 4})) }); n > 2*MaxFrame {
		t.Errorf("a frame's head made %d bytes", n)
	}
}

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var a, b runtime.MemStats
	f() // what is made once is not counted
	runtime.ReadMemStats(&a)
	f()
	runtime.ReadMemStats(&b)
	return b.TotalAlloc - a.TotalAlloc
}

// TestChecks holds each cap against a value beyond it, in both directions.
func TestChecks(t *testing.T) {
	long := strings.Repeat("a", MaxName+1)
	key := make([]byte, backup.MaxKey+1)
	entry := func(e Entry) *Items { return &Items{First: 1, Entries: []Entry{e}} }
	file := func(f func(*Entry)) *Items {
		e := Entry{Type: 1, Key: []byte("k")}
		f(&e)
		return entry(e)
	}
	hello := func(f func(*Hello)) *Hello {
		h := Hello{Protocol: 1, Session: make([]byte, SessionSize)}
		f(&h)
		return &h
	}
	kind := OfferedKind{Kind: "a", Items: 1}
	root := make([]byte, 32)
	for name, m := range map[string]Message{
		"protocol 0":                hello(func(h *Hello) { h.Protocol = 0 }),
		"a long name":               hello(func(h *Hello) { h.Name = long }),
		"a long device":             hello(func(h *Hello) { h.Device = long }),
		"a long version":            hello(func(h *Hello) { h.Version = long }),
		"a short session":           hello(func(h *Hello) { h.Session = nil }),
		"65 kinds":                  &Offer{Kinds: make([]OfferedKind, MaxKinds+1)},
		"a kind twice":              &Offer{Kinds: []OfferedKind{kind, kind}},
		"a kind with a space":       &Offer{Kinds: []OfferedKind{{Kind: "a b"}}},
		"too many items":            &Offer{Kinds: []OfferedKind{{Kind: "a", Items: math.MaxInt64 + 1}}},
		"too many bytes":            &Offer{Kinds: []OfferedKind{{Kind: "a", Bytes: math.MaxUint64}}},
		"more cannot than can":      &Offer{Kinds: []OfferedKind{{Kind: "a", Items: 1, Cannot: 2}}},
		"a start in year 10000":     &Offer{Started: 253_402_300_800_000},
		"a start in year 0":         &Offer{Started: math.MinInt64},
		"yes and why":               &Answer{Accept: true, Why: StopRefused, Token: root, Lanes: 1},
		"no and no why":             &Answer{},
		"yes without a token":       &Answer{Accept: true, Lanes: 1},
		"yes without lanes":         &Answer{Accept: true, Token: root},
		"unasked, not accepted":     &Answer{Accept: true, Token: root, Lanes: 1, Kinds: []uint32{0, 2}, Unasked: []uint32{1}},
		"unasked, out of order":     &Answer{Accept: true, Token: root, Lanes: 1, Kinds: []uint32{0, 2}, Unasked: []uint32{2, 0}},
		"kinds out of order":        &Answer{Accept: true, Token: root, Lanes: 1, Kinds: []uint32{1, 1}},
		"accepted kinds, 65":        &Answer{Accept: true, Token: root, Lanes: 1, Kinds: make([]uint32, MaxKinds+1)},
		"items from 0":              &Items{Entries: make([]Entry, 1)},
		"no items":                  &Items{First: 1},
		"an ID beyond counting":     &Items{First: math.MaxInt64 + 1, Entries: make([]Entry, 1)},
		"an item of type 3":         file(func(e *Entry) { e.Type = 3 }),
		"no key":                    file(func(e *Entry) { e.Key = nil }),
		"a long key":                file(func(e *Entry) { e.Key = key }),
		"a long group":              file(func(e *Entry) { e.Group = key }),
		"an endless file":           file(func(e *Entry) { e.Size = MaxSize + 1 }),
		"a folder with content":     file(func(e *Entry) { e.Type, e.Size = 2, 1 }),
		"an endless entity":         file(func(e *Entry) { e.Type, e.Size, e.Digest = 16, backup.MaxValue+1, root }),
		"an entity, no digest":      file(func(e *Entry) { e.Type = 16 }),
		"a short digest":            file(func(e *Entry) { e.Digest = root[1:] }),
		"a billion ns":              file(func(e *Entry) { e.Nsec = 1e9 }),
		"two times":                 file(func(e *Entry) { e.Epoch, e.Nsec = true, 1 }),
		"a far time":                file(func(e *Entry) { e.Sec = -maxSec - 1 }),
		"setuid":                    file(func(e *Entry) { e.Mode = 0o4755 }),
		"no wants":                  &Want{},
		"a want of item 0":          &Want{Wanted: []Wanted{{Verdict: 1}}},
		"a verdict have":            &Want{Wanted: []Wanted{{ID: 1, Verdict: 2}}},
		"half a node":               &Want{Wanted: []Wanted{{ID: 1, Verdict: 1, Nodes: make([]byte, NodeSize/2)}}},
		"a node and a byte":         &Want{Wanted: []Wanted{{ID: 1, Verdict: 1, Nodes: make([]byte, NodeSize+1)}}},
		"65 nodes":                  &Want{Wanted: []Wanted{{ID: 1, Verdict: 1, Nodes: make([]byte, (MaxNodes+1)*NodeSize)}}},
		"compare with nodes":        &Want{Wanted: []Wanted{{ID: 1, Verdict: 3, Digests: [][]byte{root}, Nodes: make([]byte, NodeSize)}}},
		"compare with nothing":      &Want{Wanted: []Wanted{{ID: 1, Verdict: 3}}},
		"need with digests":         &Want{Wanted: []Wanted{{ID: 1, Verdict: 1, Digests: [][]byte{root}}}},
		"17 digests":                &Want{Wanted: []Wanted{{ID: 1, Verdict: 3, Digests: make([][]byte, MaxDigests+1)}}},
		"compare, a short one":      &Want{Wanted: []Wanted{{ID: 1, Verdict: 3, Digests: [][]byte{root[1:]}}}},
		"nothing settled":           &Settle{},
		"settled item 0":            &Settle{Settled: []Settled{{Same: 1}}},
		"settled neither way":       &Settle{Settled: []Settled{{ID: 1}}},
		"settled both ways":         &Settle{Settled: []Settled{{ID: 1, Same: 1, Fail: 1}}},
		"settled on a 17th":         &Settle{Settled: []Settled{{ID: 1, Same: MaxDigests + 1}}},
		"no results":                &Results{},
		"a result of item 0":        &Results{Results: []Result{{Outcome: 1}}},
		"outcome 5":                 &Results{Results: []Result{{ID: 1, Outcome: 5}}},
		"failed without reason":     &Results{Results: []Result{{ID: 1, Outcome: 4}}},
		"added with a reason":       &Results{Results: []Result{{ID: 1, Outcome: 1, Reason: 1}}},
		"a result, short digest":    &Results{Results: []Result{{ID: 1, Outcome: 1, Digest: root[1:]}}},
		"a result, long name":       &Results{Results: []Result{{ID: 1, Outcome: 1, Name: key}}},
		"an end beyond counting":    &End{Items: math.MaxUint64},
		"totals without a root":     &Totals{},
		"totals of 65 kinds":        &Totals{Root: root, Kinds: make([]KindTotals, MaxKinds+1)},
		"totals that don't add":     &Totals{Root: root, Kinds: []KindTotals{{Kind: "a", Items: 2, Added: 1}}},
		"totals that wrap":          &Totals{Root: root, Kinds: []KindTotals{{Kind: "a", Added: 1 << 63, Merged: 1 << 63}}},
		"totals of too much before": &Totals{Root: root, Kinds: []KindTotals{{Kind: "a", Items: 2, Skipped: 2, AddedBefore: 2, MergedBefore: 1}}},
		"totals of a bad kind":      &Totals{Root: root, Kinds: []KindTotals{{Kind: "A"}}},
		"totals in year 10000":      &Totals{Root: root, Finished: math.MaxInt64},
		"an empty receipt":          &Receipt{Signature: make([]byte, SignatureSize)},
		"a long receipt":            &Receipt{Payload: make([]byte, MaxReceipt+1), Signature: make([]byte, SignatureSize)},
		"a short signature":         &Receipt{Payload: root, Signature: root},
		"a stop without reason":     &Stop{},
	} {
		if b, err := Append(nil, m); b != nil || !errors.Is(err, ErrFrame) {
			t.Errorf("%s is sent: %v", name, err)
		}
		body, err := encMode.Marshal(m)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, err := Decode(m.Type(), body); got != nil || !errors.Is(err, ErrFrame) {
			t.Errorf("%s is taken: %v", name, err)
		}
	}
	for _, h := range []*Hello{
		hello(func(h *Hello) { h.Name = "\xff" }), hello(func(h *Hello) { h.Version = "\xff" }), hello(func(h *Hello) { h.Device = "\xff" }),
	} {
		if _, err := Append(nil, h); !errors.Is(err, ErrFrame) {
			t.Errorf("%+v is sent", h)
		}
	}
	if _, err := Append(nil, file(func(e *Entry) { e.Type, e.Fail = 99, 1 })); err != nil {
		t.Errorf("an item of another type cannot be listed as failed: %v", err)
	}
	batch := &Items{First: 1}
	for range 300 {
		batch.Entries = append(batch.Entries, Entry{Type: 1, Key: key[1:]})
	}
	if _, err := Append(nil, batch); !errors.Is(err, ErrFrame) {
		t.Errorf("a frame beyond the limit is sent: %v", err)
	}
}

// FuzzFrame: what decodes encodes again, to the same message, and from then on
// to the same bytes.
func FuzzFrame(f *testing.F) {
	for _, m := range goldens {
		b, err := Append(nil, m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add(frame(200, 1, 2, 3))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Read(bytes.NewReader(b))
		if err != nil {
			if m != nil {
				t.Fatal("an error with a message")
			}
			return
		}
		first, err := Append(nil, m)
		if err != nil {
			t.Fatalf("%+v was taken and cannot be sent: %v", m, err)
		}
		again, err := Read(bytes.NewReader(first))
		if err != nil || !reflect.DeepEqual(m, again) {
			t.Fatalf("%+v became %+v, %v", m, again, err)
		}
		if second, err := Append(nil, again); err != nil || !bytes.Equal(first, second) {
			t.Fatalf("%x, then %x", first, second)
		}
	})
}
