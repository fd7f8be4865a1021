package preview_test

import (
	"path/filepath"
	"testing"

	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/mobile/fakephone"
	"github.com/ferry-move/ferry/transfer/journal"
	"github.com/ferry-move/ferry/transfer/preview"
	"github.com/ferry-move/ferry/transfer/tree"
	"github.com/ferry-move/ferry/transfer/wire"
)

// TestNotes takes off what the journal knows: a beginning that was kept of a file.
func TestNotes(t *testing.T) {
	src := fakephone.New(fakephone.Config{
		Seed: 1, Videos: 2, Sizes: map[backup.Kind]fakephone.Range{fakephone.Videos: {Min: 5 * wire.BlockSize, Max: 5 * wire.BlockSize}},
	})
	dst := fakephone.New(fakephone.Config{Empty: true})
	agents := []backup.Agent{src.Agent(fakephone.Videos)}
	path := filepath.Join(t.TempDir(), "journal")
	j, err := journal.Open(path, "old")
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	_, all, _ := counts(t, agents[0])
	cfg := preview.Config{Agents: dst.Agents(), Journal: j}
	if o := ask(t, agents, cfg); uint64(o.Kinds[0].Bytes) != all || o.Kinds[0].Add != 2 {
		t.Fatalf("%+v; want %d bytes", o.Kinds[0], all)
	}
	b, err := agents[0].Backup(t.Context(), d2d)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for it, err := range b.Items(t.Context()) {
		if err != nil || it.Type != backup.TypeFile {
			continue
		}
		k := journal.Kept{
			Fingerprint: journal.Of(it), Kind: it.Kind, Place: journal.PlaceOf(it),
			Left: backup.Leftover{Name: "DCIM/.ferry-1.part", Length: 2 * wire.BlockSize, Held: 2 * wire.BlockSize},
			Tree: tree.AppendNodes(nil, []tree.Node{{Level: 1}}),
		}
		if err := j.Temporary(backup.Key(k.Left.Name)); err != nil {
			t.Fatal(err)
		}
		if err := j.Keep([]journal.Kept{k}); err != nil {
			t.Fatal(err)
		}
		break
	}
	l, err := journal.Look(path, "old") // as it is on the disk
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cfg.Journal = l
	if o := ask(t, agents, cfg); uint64(o.Kinds[0].Bytes) != all-2*wire.BlockSize || o.Kinds[0].Add != 2 {
		t.Errorf("%+v; want %d bytes", o.Kinds[0], all-2*wire.BlockSize)
	}
}
