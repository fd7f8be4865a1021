package cli

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/ferry-move/ferry/app/session"
	"github.com/ferry-move/ferry/mobile/backup"
	"github.com/ferry-move/ferry/ui/say"
)

// errLooked ends a send that only looks.
var errLooked = errors.New("it was a dry run")

type jsonPreviewKind struct {
	Kind   backup.Kind       `json:"kind"`
	Add    uint64            `json:"add"`
	Merge  uint64            `json:"merge"`
	Skip   uint64            `json:"skip"`
	Rename uint64            `json:"rename"`
	Cannot uint64            `json:"cannot"`
	Why    map[string]uint64 `json:"why,omitempty"`
	Bytes  int64             `json:"bytes"`
}

type jsonPreview struct {
	Event  string            `json:"event"`
	Name   string            `json:"name"`
	Device string            `json:"device"`
	Kinds  []jsonPreviewKind `json:"kinds"`
	Bytes  int64             `json:"bytes"`
	Free   int64             `json:"free"`
}

// look asks the new phone what would happen, prints it, and ends the send.
func (f *face) look(ctx context.Context, ch session.Choice) (session.Selection, error) {
	p, err := ch.Preview(ctx, session.Selection{})
	if err != nil {
		return session.Selection{}, err
	}
	f.previewed(ch, p)
	return session.Selection{}, errLooked
}

func (f *face) previewed(ch session.Choice, p session.Preview) {
	c := f.c
	j := jsonPreview{Event: "preview", Name: ch.Peer.Name, Device: string(ch.Peer.Device), Kinds: []jsonPreviewKind{}, Free: p.Free}
	for _, k := range p.Kinds {
		one := jsonPreviewKind{Kind: k.Kind, Add: k.Add, Merge: k.Merge, Skip: k.Skip, Rename: k.Rename, Cannot: k.Cannot, Bytes: k.Bytes}
		for r, n := range k.Why {
			if one.Why == nil {
				one.Why = map[string]uint64{}
			}
			one.Why[r.Name()] += n
		}
		j.Kinds = append(j.Kinds, one)
		j.Bytes += k.Bytes
		if line := previewLine(k); line != "" {
			c.print("  %-12s %s", f.info(k.Kind).Title, line)
		}
		for _, r := range slices.Sorted(maps.Keys(k.Why)) {
			c.print("  %-12s   %s cannot move: %s", "", say.Count(k.Why[r]), say.Reason(r))
		}
	}
	if c.json {
		c.emit(j)
		return
	}
	space := "."
	if p.Free >= 0 {
		space = ", and " + say.Bytes(p.Free) + " is free there."
	}
	c.print("%s would be sent to %s%s", say.Bytes(j.Bytes), peer(ch.Peer.Name), space)
	c.print("Nothing was moved.")
}

// previewLine says what would happen to a kind; empty if it has nothing.
func previewLine(k session.PreviewKind) string {
	var parts []string
	for _, p := range []struct {
		n    uint64
		word string
	}{
		{k.Add, "to add"}, {k.Rename, "of them under another name"}, {k.Merge, "to merge"}, {k.Skip, "already there"}, {k.Cannot, "cannot move"},
	} {
		if p.n > 0 {
			parts = append(parts, say.Count(p.n)+" "+p.word)
		}
	}
	if len(parts) > 0 {
		parts = append(parts, say.Bytes(k.Bytes))
	}
	return strings.Join(parts, ", ")
}
