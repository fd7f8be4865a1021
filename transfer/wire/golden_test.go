package wire

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
)

// fill returns n bytes that count up from first.
func fill(first byte, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = first + byte(i)
	}
	return b
}

// goldens are one message of each type, some types twice. What they look like
// on the wire lies in testdata, where files are added and never edited.
var goldens = map[string]Message{
	"hello": &Hello{Protocol: 1, Device: "12D3KooW", Name: "Pixel 8", Version: "0.1.0", Session: fill(0, SessionSize)},
	"offer": &Offer{Flags: 2, Started: 1_700_000_000_123, Kinds: []OfferedKind{
		{Kind: "contacts", Items: 400, Bytes: 120_000}, {Kind: "photos", Items: 300, Bytes: 5_000_000_000, Cannot: 2}}},
	"answer-yes": &Answer{Accept: true, Kinds: []uint32{0, 2}, Token: fill(0x40, TokenSize), Lanes: 8, Free: 64 << 30},
	"answer-no":  &Answer{Why: StopRefused},
	"items-file": &Items{First: 1, Entries: []Entry{{Kind: 1, Type: 1, Key: []byte("DCIM/Camera/日.jpg"), Size: 3_000_000, Mode: 0o640, Sec: 1_600_000_000, Nsec: 999_999_999}}},
	"items-others": &Items{First: 300, Entries: []Entry{
		{Kind: 1, Type: 2, Key: []byte("DCIM"), Mode: 0o755, Sec: -1},
		{Kind: 0, Type: 16, Key: []byte{0xff, 0x00}, Size: 77, Group: []byte("all.vcf"), Digest: fill(0x80, 32)},
		{Kind: 1, Type: 1, Key: []byte("a"), Fail: 5}}},
	"want":       &Want{Wanted: []Wanted{{ID: 1, Verdict: 1}, {ID: 70_000, Verdict: 3, Digests: [][]byte{fill(0, 32), fill(0x20, 32)}}}},
	"want-nodes": &Want{Wanted: []Wanted{{ID: 3, Verdict: 1, Nodes: append([]byte{2, 0, 0, 0, 0, 0, 0, 0, 4}, fill(0, 32)...)}}},
	"settle":     &Settle{Settled: []Settled{{ID: 70_000, Same: 2}, {ID: 1, Fail: 4}}},
	"results": &Results{Results: []Result{
		{ID: 1, Outcome: 1, Digest: fill(0, 32), Name: []byte("DCIM/a (1).jpg")}, {ID: 2, Outcome: 4, Reason: 7}, {ID: 1 << 40, Outcome: 3, Digest: fill(0x20, 32)}}},
	"end": &End{Items: 1_000_000},
	"totals": &Totals{Root: fill(0xe0, 32), Finished: 1_700_000_100_000, Kinds: []KindTotals{
		{Kind: "photos", Items: 10, Added: 4, Merged: 1, Skipped: 3, Failed: 2, Bytes: 1 << 33}}},
	"totals_parts": &Totals{Root: fill(0xe0, 32), Finished: 1_700_000_100_000, Kinds: []KindTotals{
		{Kind: "photos", Items: 10, Added: 4, Merged: 1, Skipped: 5, Bytes: 1 << 33, Folders: 6, AddedBefore: 3, MergedBefore: 2}}},
	"receipt": &Receipt{Payload: []byte(`{"session":"00"}`), Signature: fill(0, SignatureSize)},
	"bye":     &Bye{},
	"ping":    &Ping{},
	"stop":    &Stop{Kind: StopCancelled},
	"list": &List{First: 300, Entries: []Entry{
		{Kind: 1, Type: 1, Key: []byte("DCIM/Camera/日.jpg"), Size: 3_000_000, Mode: 0o640, Sec: 1_600_000_000, Nsec: 999_999_999},
		{Kind: 1, Type: 1, Key: []byte("DCIM/Camera/b"), Mode: 0o640, Sec: 1_600_000_000, Nsec: 999_999_999},
		{Kind: 0, Type: 16, Key: []byte{0xff, 0x00}, Size: 77, Epoch: true, Group: []byte("all.vcf"), Digest: fill(0x80, 32)},
		{Kind: 1, Type: 1, Key: []byte("a"), Sec: -1, Fail: 5}}},
	"need":    &Need{Runs: []Run{{1, 1024}, {70_000, 1}, {5000, MaxRun - 1025}}},
	"done":    &Done{Runs: []DoneRun{{Run{1, 2}, 1}, {Run{3, 1}, 3}, {Run{4 + 1<<40, 300}, 2}}},
	"waits":   &Waits{For: WaitPause | WaitDisk},
	"full":    &Full{Missing: 300},
	"limit":   &Limit{Rate: 500_000},
	"content": &Content{Pieces: []Piece{{Item: 70_000, Data: []byte("a value")}, {Item: 70_000, Data: []byte("!")}, {Item: 70_001, Data: []byte{}}}},
	"outlook": &Outlook{Free: 1 + 64<<30, Name: "Pixel 8", Version: "0.1.0", Kinds: []OutlookKind{
		{Kind: 0, Add: 400, Bytes: 120_000},
		{Kind: 2, Add: 3, Merge: 1, Skip: 7, Rename: 2, Cannot: []OutlookReason{{Reason: 6, Items: 1}, {Reason: 7, Items: 300}}, Bytes: 1 << 33}}},
}

// readHex reads a file of hex with comments behind #.
func readHex(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".hex"))
	if err != nil {
		t.Fatal(err)
	}
	var s strings.Builder
	for line := range strings.Lines(string(text)) {
		code, _, _ := strings.Cut(line, "#")
		s.WriteString(strings.Join(strings.Fields(code), ""))
	}
	b, err := hex.DecodeString(s.String())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestGoldenFrames(t *testing.T) {
	types := map[Type]bool{}
	for name, m := range goldens {
		t.Run(name, func(t *testing.T) {
			types[m.Type()] = true
			want := readHex(t, name)
			got, err := Append(nil, m)
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%v\nencodes as %x\nnot as     %x", err, got, want)
			}
			back, err := Read(bytes.NewReader(want))
			if err != nil || !reflect.DeepEqual(back, m) {
				t.Fatalf("decodes as %+v, %v", back, err)
			}
		})
	}
	if len(types) != len(kinds) {
		t.Errorf("goldens of %d types; there are %d", len(types), len(kinds))
	}
}

var (
	goldenLane  = LaneHello{Protocol: 1, Token: [TokenSize]byte(fill(0x40, TokenSize))}
	goldenBlock = BlockHeader{Length: 3, Item: 70_000, Offset: 5 * BlockSize, Hash: backup.Digest(fill(0x80, 32))}
)

var goldenBundle = []Piece{
	{Item: 70_000, Hashed: true, Hash: backup.Digest(fill(0, 32)), Data: []byte("content")},
	{Item: 70_001, Data: []byte("abc")},
	{Item: 1, Hashed: true, Hash: backup.Digest(fill(0x80, 32)), Data: []byte{}},
}

func TestGoldenBundle(t *testing.T) {
	want := readHex(t, "bundle")
	body := AppendBundle(nil, goldenBundle)
	head := BundleHeader{Length: uint32(len(body))}
	if got := append(AppendBundleHeader(nil, head), body...); !bytes.Equal(got, want) {
		t.Errorf("%x", got)
	}
	if !IsBundle(want[0]) || IsBundle(AppendBlockHeader(nil, goldenBlock)[0]) {
		t.Error("a bundle and a block look the same")
	}
	if h, err := ReadBundleHeader(bytes.NewReader(want)); err != nil || h != head {
		t.Errorf("%+v, %v", h, err)
	}
	if ps, err := ParseBundle(nil, want[bundleHeader:]); err != nil || !reflect.DeepEqual(ps, goldenBundle) {
		t.Errorf("%+v, %v", ps, err)
	}
}

func TestGoldenLane(t *testing.T) {
	want := readHex(t, "lane-hello")
	var b bytes.Buffer
	if err := WriteLaneHello(&b, goldenLane); err != nil || !bytes.Equal(b.Bytes(), want) {
		t.Errorf("%x, %v", b.Bytes(), err)
	}
	if h, err := ReadLaneHello(bytes.NewReader(want)); err != nil || h != goldenLane {
		t.Errorf("%+v, %v", h, err)
	}
	want = readHex(t, "block-header")
	if got := AppendBlockHeader(nil, goldenBlock); !bytes.Equal(got, want) {
		t.Errorf("%x", got)
	}
	if h, err := ReadBlockHeader(bytes.NewReader(want)); err != nil || h != goldenBlock {
		t.Errorf("%+v, %v", h, err)
	}
}
