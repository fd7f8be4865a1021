package transfer_test

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/p2p/identity"
	"github.com/ferry-move/ferry/transfer"
	"github.com/ferry-move/ferry/transfer/journal"
	"github.com/ferry-move/ferry/transfer/tree"
	"github.com/ferry-move/ferry/transfer/wire"
)

// nodesOf returns the nodes of some blocks of content.
func nodesOf(t *testing.T, content []byte, blocks ...int64) []byte {
	t.Helper()
	size := int64(len(content))
	tr := tree.New(size)
	for _, i := range blocks {
		if err := tr.Add(i, tree.Block(content[i*wire.BlockSize:][:wire.BlockSize], i, size)); err != nil {
			t.Fatal(err)
		}
	}
	return tree.AppendNodes(nil, tr.Known(wire.MaxNodes))
}

// bigDocument is a phone with one document of 5½ blocks, and its content.
func bigDocument(t *testing.T) (backup.Agent, []byte) {
	const size = 5*wire.BlockSize + 100_000
	src := fakephone.New(fakephone.Config{Seed: 1, Documents: 1, Sizes: map[backup.Kind]fakephone.Range{"documents": {Min: size, Max: size}}})
	b, err := src.Agent("documents").Backup(t.Context(), backup.Transport{})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for it := range b.Items(t.Context()) {
		if it.Type == backup.TypeFile {
			r, err := b.Open(t.Context(), it, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			content, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			return src.Agent("documents"), content
		}
	}
	panic("no document")
}

// TestNodes: the sender leaves out what it is told, hashes as if it had read all,
// and refuses nodes that its item does not have.
func TestNodes(t *testing.T) {
	agent, content := bigDocument(t)
	tune := func(c *transfer.SendConfig) { c.Agents = []backup.Agent{agent} }
	size := int64(len(content))
	whole := tree.New(size)
	for i := range tree.Blocks(size) {
		whole.Add(i, tree.Block(content[i*wire.BlockSize:][:tree.BlockLen(size, i)], i, size))
	}
	digest, _ := whole.Digest()
	for name, there := range map[string][]int64{
		"nothing": {}, "the first": {0}, "three": {0, 1, 2}, "all but the last": {0, 1, 2, 3, 4}, "one in the middle": {2}, "every second": {0, 2, 4}, "a pair": {2, 3},
	} {
		e := sending(t, tune, func(f *fake) {
			f.answers()
			id := fileOf(f, f.listed(), backup.TypeFile)
			f.say(&wire.Want{Wanted: []wire.Wanted{{ID: id, Verdict: 1, Nodes: nodesOf(t, content, there...)}}})
			for i := range int64(6) {
				if slices.Contains(there, i) {
					continue
				}
				h, p := f.reads()
				if h.Offset != uint64(i*wire.BlockSize) || !bytes.Equal(p, content[i*wire.BlockSize:][:tree.BlockLen(size, i)]) {
					t.Errorf("%s: a block at %d", name, h.Offset)
				}
			}
			f.say(&wire.Results{Results: []wire.Result{{ID: id, Outcome: uint8(backup.Added), Digest: digest[:]}}})
			f.cancels()
		})
		mustStop(t, e.err, wire.StopCancelled, true)
		if want := uint64(size - int64(len(there))*wire.BlockSize); e.report.SentBytes != want {
			t.Errorf("%s: %d bytes are said to be sent, not %d", name, e.report.SentBytes, want)
		}
	}
	wanting := func(script func(f *fake, file, folder uint64)) ended {
		return sending(t, tune, func(f *fake) {
			f.answers()
			all := f.listed()
			script(f, fileOf(f, all, backup.TypeFile), fileOf(f, all, backup.TypeDirectory))
			f.heardStop()
		})
	}
	for name, w := range map[string]wire.Wanted{
		"of the last block":  {Nodes: tree.AppendNodes(nil, []tree.Node{{First: 5}})},
		"beyond":             {Nodes: tree.AppendNodes(nil, []tree.Node{{First: 6}})},
		"of more than it is": {Nodes: tree.AppendNodes(nil, []tree.Node{{Level: 3}})},
		"negative":           {Nodes: tree.AppendNodes(nil, []tree.Node{{First: -1}})},
		"odd":                {Nodes: tree.AppendNodes(nil, []tree.Node{{First: 1, Level: 1}})},
		"twice":              {Nodes: tree.AppendNodes(nil, []tree.Node{{First: 1}, {First: 1}})},
		"of the folder":      {Nodes: nodesOf(t, content, 0)},
	} {
		e := wanting(func(f *fake, file, folder uint64) {
			if w.ID, w.Verdict = file, 1; name == "of the folder" {
				w.ID = folder
			}
			f.say(&wire.Want{Wanted: []wire.Wanted{w}})
		})
		if !errors.Is(e.err, transfer.ErrProtocol) {
			t.Errorf("%s: %v", name, e.err)
		}
	}
	// It says that it has more than it does, and then what it has.
	e := wanting(func(f *fake, file, _ uint64) {
		f.say(&wire.Want{Wanted: []wire.Wanted{{ID: file, Verdict: 1, Nodes: nodesOf(t, make([]byte, size), 0, 1, 2)}}})
		for range 3 {
			f.reads()
		}
		f.say(&wire.Results{Results: []wire.Result{{ID: file, Outcome: uint8(backup.Added), Digest: digest[:]}}})
	})
	mustProtocol(t, e.err)
}

func blocksBelow(n int64) iter.Seq[int64] {
	return func(yield func(int64) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

// TestHostileResumedSender: a sender whose file is resumed repeats what is there,
// or lists the file twice.
func TestHostileResumedSender(t *testing.T) {
	const blocks = 24
	content := make([]byte, blocks*wire.BlockSize)
	for i := range content {
		content[i] = byte(i >> 8)
	}
	size := int64(len(content))
	block := func(f *fake, item uint64, i int64) {
		p := content[i*wire.BlockSize:][:wire.BlockSize]
		f.block(wire.BlockHeader{Item: item, Offset: uint64(i * wire.BlockSize), Hash: tree.Block(p, i, size)}, p)
	}
	entry := func() wire.Entry {
		e := file("Documents/a", uint64(size))
		e.Sec = 1_600_000_000
		return e
	}
	for name, script := range map[string]struct {
		say  func(f *fake, w wire.Wanted)
		want error
	}{
		"a block that is there": {func(f *fake, w wire.Wanted) { block(f, 1, 19) }, transfer.ErrProtocol},
		"the first block":       {func(f *fake, w wire.Wanted) { block(f, 1, 0) }, transfer.ErrProtocol},
		"the rest": {func(f *fake, w wire.Wanted) {
			for i := int64(20); i < blocks; i++ {
				block(f, 1, i)
			}
			if r := hear[*wire.Results](f).Results[0]; r.Outcome != uint8(backup.Added) {
				f.t.Errorf("%+v", r)
			}
			f.cancels()
		}, nil},
		"the file a second time": {func(f *fake, w wire.Wanted) {
			f.say(&wire.Items{First: 2, Entries: []wire.Entry{entry()}})
			if w := hear[*wire.Want](f).Wanted[0]; len(w.Nodes) != 0 {
				f.t.Errorf("%+v", w)
			}
			f.cancels()
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			dst := fakephone.New(fakephone.Config{Empty: true})
			path := filepath.Join(t.TempDir(), "journal")
			tune := func(c *transfer.ReceiveConfig) {
				c.Agents = dst.Agents()
				c.Journal = func(identity.DeviceID) (*journal.Journal, error) { return journal.Open(path, "12D3KooWsame") }
			}
			receiving(t, tune, func(f *fake) {
				f.opens()
				f.say(&wire.Items{First: 1, Entries: []wire.Entry{entry()}})
				hear[*wire.Want](f)
				for i := range int64(20) {
					block(f, 1, i)
				}
				f.say(&wire.Items{First: 2, Entries: []wire.Entry{file("Documents/b", 0)}})
				hear[*wire.Want](f)
				f.block(wire.BlockHeader{Item: 2, Hash: tree.Block(nil, 0, 0)}, nil)
				hear[*wire.Results](f) // one lane: what came before it is in
				f.cancels()
			})
			e, _ := receiving(t, tune, func(f *fake) {
				f.opens()
				f.say(&wire.Items{First: 1, Entries: []wire.Entry{entry()}})
				w := hear[*wire.Want](f).Wanted[0]
				if !bytes.Equal(w.Nodes, nodesOf(f.t, content, slices.Collect(blocksBelow(20))...)) {
					f.t.Errorf("it wants %+v", w)
				}
				script.say(f, w)
				f.heardStop()
			})
			if script.want != nil && !errors.Is(e.err, script.want) {
				t.Error(e.err)
			} else if script.want == nil {
				mustStop(t, e.err, wire.StopCancelled, true)
			}
		})
	}
}
