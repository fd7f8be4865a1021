package transfer_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/squeeze"
	"github.com/ferry-move/ferry/transfer/transfertest"
	"github.com/ferry-move/ferry/transfer/tree"
	"github.com/ferry-move/ferry/transfer/wire"
)

// What is sent and taken equals the engine's own block size.
func TestSqueezeFits(t *testing.T) {
	if squeeze.MaxBlock != wire.BlockSize {
		t.Errorf("squeeze takes blocks of %d bytes, the wire has %d", squeeze.MaxBlock, wire.BlockSize)
	}
}

// counted counts what goes over lanes.
type counted struct {
	transfer.LaneOpener
	n *atomic.Int64
}

type countedLane struct {
	transfer.LaneWriter
	n *atomic.Int64
}

func (c counted) OpenLane(ctx context.Context) (transfer.LaneWriter, error) {
	l, err := c.LaneOpener.OpenLane(ctx)
	return countedLane{l, c.n}, err
}

func (c countedLane) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return c.LaneWriter.Write(p)
}

// Text goes over the lanes as less than it is, photos as they are, and both
// arrive the same.
func TestSqueezed(t *testing.T) {
	for _, tt := range []struct {
		name       string
		phone      fakephone.Config
		no         bool
		less, more float64 // bounds of bytes on lanes by bytes of content
	}{
		{"text", fakephone.Config{Seed: 5, Documents: 300, Photos: -1}, false, 0, 0.8},
		{"text, not to be squeezed", fakephone.Config{Seed: 5, Documents: 300, Photos: -1}, true, 1, 1.1},
		{"photos", fakephone.Config{Seed: 5, Documents: -1, Photos: 100}, false, 1, 1.1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := tt.phone
			c.Contacts, c.Videos, c.Music, c.Recordings, c.Downloads, c.Files = -1, -1, -1, -1, -1, -1
			c.Sizes = map[backup.Kind]fakephone.Range{"documents": {Min: 20_000, Max: 200_000}, "photos": {Min: 20_000, Max: 200_000}}
			r := transfertest.NewRig(t, func(testing.TB) transfertest.Ends { return transfertest.Pipe() }, c, fakephone.Config{Empty: true})
			var n atomic.Int64
			r.TuneSend = func(c *transfer.SendConfig) {
				c.NoSqueeze = tt.no
				c.Lanes = counted{c.Lanes, &n}
			}
			e := r.Run(t.Context())
			if e.SendErr != nil || e.TakeErr != nil || !e.Sent.Complete() {
				t.Fatalf("%v, %v", e.SendErr, e.TakeErr)
			}
			if err := fakephone.Equal(t.Context(), r.Dst, r.Src); err != nil {
				t.Error(err)
			}
			if got := float64(n.Load()) / float64(e.Sent.SentBytes); got < tt.less || got > tt.more {
				t.Errorf("%.2f bytes on the lanes for each of content", got)
			}
		})
	}
}

// A block that unfolds to nothing good ends its lane; one that unfolds to other
// content than its hash says is damaged like any other.
func TestSqueezedLies(t *testing.T) {
	content := []byte(strings.Repeat("words and words, ", 200))
	var enc squeeze.Encoder
	defer enc.Close()
	small, ok := enc.Append(nil, content)
	if !ok {
		t.Fatal("the text cannot be squeezed")
	}
	for name, change := range map[string]func(h *wire.BlockHeader, p []byte) []byte{
		"garbage":        func(_ *wire.BlockHeader, p []byte) []byte { return bytes.Repeat([]byte{0xff}, len(p)) },
		"another length": func(h *wire.BlockHeader, p []byte) []byte { h.Length--; return p },
		"a flipped bit":  func(_ *wire.BlockHeader, p []byte) []byte { p[len(p)/2] ^= 4; return p },
		"another hash":   func(h *wire.BlockHeader, p []byte) []byte { h.Hash[0] ^= 1; return p },
	} {
		t.Run(name, func(t *testing.T) {
			e, _ := receiving(t, nil, func(f *fake) {
				f.opens()
				f.say(&wire.Items{First: 1, Entries: []wire.Entry{file("Documents/a", uint64(len(content)))}})
				hear[*wire.Want](f)
				h := wire.BlockHeader{Codec: wire.Squeezed, Length: uint32(len(content)), Item: 1, Hash: tree.Block(content, 0, int64(len(content)))}
				p := change(&h, bytes.Clone(small))
				h.Packed = uint32(len(p))
				f.block(h, p)
				for m := range f.in {
					if r, ok := m.(*wire.Results); ok {
						if backup.Outcome(r.Results[0].Outcome) != backup.Failed {
							t.Errorf("it was taken: %+v", r)
						}
						f.cancels()
						return
					}
					if _, ok := m.(*wire.Stop); ok {
						return
					}
				}
			})
			if e.err == nil || errors.Is(e.err, io.EOF) {
				t.Errorf("the session ended with %v", e.err)
			}
		})
	}
}
